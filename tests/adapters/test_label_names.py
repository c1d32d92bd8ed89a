"""Names of others that may be labels: so many, the same ones in every process."""

import json
from pathlib import Path

from service.adapters.label_names import MAX_NAME, LabelNames

OTHER = "(other)"


def test_the_first_ones() -> None:
    """They have labels of their own; what is met later has not."""
    names = LabelNames(None, 2, OTHER)
    assert ["a", "b", OTHER, "a", OTHER, "b"] == [names.label(one) for one in "abcadb"]


def test_the_same_ones_in_every_process(tmp_path: Path) -> None:
    """Whoever has met others has the same labels as those who met them first."""
    one, another = (LabelNames(tmp_path / "hosts.names", 3, OTHER) for _ in range(2))
    assert ["a", "b"] == [one.label("a"), another.label("b")]
    assert ["c", OTHER, "a", "b"] == [another.label("c"), one.label("d"), another.label("a"), one.label("b")]
    assert OTHER == another.label("d")
    assert ["a", "b", "c"] == [json.loads(line) for line in (tmp_path / "hosts.names").read_text().splitlines()]


def test_thousands(tmp_path: Path) -> None:
    """Neither the list nor its file grows beyond its limit."""
    names = [LabelNames(tmp_path / "hosts.names", 100, OTHER) for _ in range(3)]
    labels = {names[number % 3].label(f"host-{number}") for number in range(3000)}
    assert 101 == len(labels)
    assert 100 == len((tmp_path / "hosts.names").read_text().splitlines())


def test_long_names() -> None:
    """They are cut."""
    names = LabelNames(None, 2, OTHER)
    assert ["x" * MAX_NAME] * 2 == [names.label("x" * (MAX_NAME + more)) for more in (1, 1000)]


def test_names_that_break_lines(tmp_path: Path) -> None:
    """Each is one line."""
    one, another = (LabelNames(tmp_path / "hosts.names", 2, OTHER) for _ in range(2))
    assert 'a\n"b' == one.label('a\n"b')
    assert ["c", 'a\n"b', OTHER] == [another.label(name) for name in ("c", 'a\n"b', "a")]


def test_a_process_that_was_killed_while_it_wrote(tmp_path: Path) -> None:
    """Half a name is nobody's, and takes a place."""
    (tmp_path / "hosts.names").write_text('"a"\n"b')
    names = LabelNames(tmp_path / "hosts.names", 3, OTHER)
    assert ["c", "a", OTHER] == [names.label(one) for one in "cab"]


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    """Every name is one of the others."""
    names = LabelNames(tmp_path / "missing" / "hosts.names", 3, OTHER)
    assert [OTHER, OTHER] == [names.label(one) for one in "ab"]


def test_a_file_of_something_else(tmp_path: Path) -> None:
    """Likewise: whoever counts goes on."""
    (tmp_path / "hosts.names").write_bytes(b"\xff\n")
    names = LabelNames(tmp_path / "hosts.names", 3, OTHER)
    assert [OTHER, OTHER] == [names.label(one) for one in "ab"]
