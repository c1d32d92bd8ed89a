"""Every session at the command line that the documentation shows, run again beside a demonstration PKI."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.conftest import serving
from tests.docs.console import Session, commands, is_same
from tests.docs.pages import blocks, page

PAGES = ("cli.md", "settings.md")


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with `.demo` in it, as `make run` makes it, and somebody who serves it."""
    directory = tmp_path_factory.mktemp("demonstration")
    with serving(directory / ".demo"):
        yield directory


@pytest.mark.parametrize("name", PAGES)
def test_sessions(name: str, demonstration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command prints what the page shows; what was exported stays so until the end of the page."""
    monkeypatch.chdir(demonstration)
    for variable in [variable for variable in os.environ if variable.startswith("REVET_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("REVET_DEADLINE_MS", "20000")  # the responder is a program that this machine has to get round to
    monkeypatch.setenv("REVET_OCSP_TIMEOUT_S", "20")
    session = Session()
    shown = [command for block in blocks(page(name), "console") for command in commands(block)]
    assert shown
    for command in shown:
        printed = session.run(command.line)
        assert is_same(command.expected, printed), f"$ {command.line}\n{printed}"


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("at 2026-01-01T00:00:00Z\n", "at 2030-12-31T23:59:59.5Z \n", True),
        ("serial d005f0f0…, x\n", f"serial {'ab' * 16}, x\n", True),
        ("one\n…\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n…\nfour\n", "one\nfour\n", True),
        ("one … three\n", "one two three\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one\ntwo\n", "one\n", False),
        ("one … three\n", "one two\nthree\n", False),
        ("size 321 bytes\n", "size 322 bytes\n", True),
        ("deny\n", "allow\n", False),
    ],
)
def test_comparing(expected: str, printed: str, same: bool) -> None:
    """What differs from day to day does not count, and everything else does."""
    assert same is is_same(expected, printed)
