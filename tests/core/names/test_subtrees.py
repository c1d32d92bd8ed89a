"""Subtrees as an index of paths: the same answers as trying one base after the other."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.names.subtrees import HOST_END, WILDCARD, Path, Reach, Relation, Subtree, index_subtrees

COM: Final = ("com",)
A: Final = ("com", "a")
B: Final = ("com", "a", "b")


def relation(path: Path | None, *bases: Subtree | None) -> Relation:
    """How a path lies to bases."""
    return index_subtrees(bases).relation(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [(A, Relation.INSIDE), (B, Relation.INSIDE), (COM, Relation.OUTSIDE), (("com", "b"), Relation.OUTSIDE)],
)
def test_a_base_covers_itself_and_what_is_below(path: Path, expected: Relation) -> None:
    """And nothing above or beside it."""
    assert relation(path, Subtree(A)) is expected


def test_no_bases_cover_nothing() -> None:
    """An empty list is no list of everything."""
    assert relation(A) is Relation.OUTSIDE


def test_the_root_covers_everything() -> None:
    """The base without a step, wildcards included."""
    for path in ((), COM, B, (*A, WILDCARD)):
        assert relation(path, Subtree(())) is Relation.INSIDE


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((*A, HOST_END), Relation.OUTSIDE),
        (A, Relation.OUTSIDE),
        ((*B, HOST_END), Relation.INSIDE),
        ((*B, HOST_END, "local"), Relation.INSIDE),
        ((*A, HOST_END, "local"), Relation.OUTSIDE),
        ((*COM, HOST_END), Relation.OUTSIDE),
    ],
)
def test_subdomains_alone(path: Path, expected: Relation) -> None:
    """Another label has to follow, not the end of the host."""
    assert relation(path, Subtree(A, Reach.SUBDOMAINS)) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [(A, Relation.UNKNOWN), (B, Relation.UNKNOWN), (COM, Relation.OUTSIDE), ((*COM, WILDCARD), Relation.PARTLY)],
)
def test_disputed_bases(path: Path, expected: Relation) -> None:
    """What one reader might cover nobody can tell; what none would is outside."""
    assert relation(path, Subtree(A, Reach.DISPUTED)) is expected


def test_a_clear_base_settles_a_disputed_one() -> None:
    """In any order, at the same place, above and below."""
    disputed = Subtree(A, Reach.DISPUTED)
    for clear in (Subtree(A), Subtree(COM), Subtree(B)):
        assert relation(B, disputed, clear) is relation(B, clear, disputed) is Relation.INSIDE
    assert relation(A, disputed, Subtree(B)) is Relation.UNKNOWN


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((*A, WILDCARD), Relation.PARTLY),
        ((*B, WILDCARD), Relation.INSIDE),
        ((*B, "c", WILDCARD), Relation.INSIDE),
        ((*COM, WILDCARD), Relation.OUTSIDE),  # one label, not two
        (("com", "b", WILDCARD), Relation.OUTSIDE),
    ],
)
def test_wildcards(path: Path, expected: Relation) -> None:
    """A wildcard stands for each single label: it has a part inside where one of them is the base."""
    assert relation(path, Subtree(B)) is expected


def test_an_illegible_base() -> None:
    """It might cover anything, unless another covers it for certain."""
    assert relation(A, None) is Relation.UNKNOWN
    assert relation(A, None, Subtree(("org",))) is Relation.UNKNOWN
    assert relation(A, None, Subtree(COM)) is Relation.INSIDE
    assert relation((*A, WILDCARD), None, Subtree(B)) is Relation.PARTLY


def test_an_illegible_name() -> None:
    """It might lie anywhere, in the whole tree too."""
    assert relation(None, Subtree(())) is Relation.UNKNOWN
    assert relation(None) is Relation.UNKNOWN


_STEPS = st.sampled_from(["a", "b"])
_PATHS = st.lists(_STEPS, max_size=4).map(tuple)
_BASES = st.lists(st.builds(Subtree, _PATHS, st.sampled_from(Reach)), max_size=4)


def _single(path: tuple[str, ...], subtree: Subtree) -> Relation:
    """How a path lies to one base, by the definition of each reach."""
    begins = all(len(path) > number and path[number] == step for number, step in enumerate(subtree.base))
    if not begins or (subtree.reach is Reach.SUBDOMAINS and len(path) == len(subtree.base)):
        return Relation.OUTSIDE
    return Relation.UNKNOWN if subtree.reach is Reach.DISPUTED else Relation.INSIDE


@given(_PATHS, _BASES)
def test_the_index_against_one_base_after_the_other(path: tuple[str, ...], bases: list[Subtree]) -> None:
    """Inside one is inside; else what one leaves open is open; else outside."""
    # Of two bases at one place the index keeps one: with SUBDOMAINS and DISPUTED at one place, no form has both.
    places = [one.base for one in bases]
    if len(set(places)) < len(places) and {one.reach for one in bases} >= {Reach.SUBDOMAINS, Reach.DISPUTED}:
        return
    each = {_single(path, base) for base in bases}
    expected = next((one for one in (Relation.INSIDE, Relation.UNKNOWN) if one in each), Relation.OUTSIDE)
    assert relation(path, *bases) is expected
