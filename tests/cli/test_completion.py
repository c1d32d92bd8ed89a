"""`revet completion`: in a bash at a terminal, and what each script has in it."""

import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from service.application.operating.crl_listing import CrlStatus
from service.cli.app import app
from service.cli.completion import Shell
from tests.cli.introspection import LEAVES, options_of

WITHIN_S: Final = 20


def script(shell: str) -> str:
    """What is printed for a shell."""
    result = CliRunner().invoke(app, ["completion", shell])
    assert 0 == result.exit_code, result.output
    return result.stdout


class Terminal:
    """A bash that somebody types into, with the script sourced."""

    def __init__(self, descriptor: int) -> None:
        """Take its side of the terminal."""
        self._descriptor = descriptor

    def typed(self, text: str, seen: str) -> str:
        """Type, and wait until something is seen of it; everything that was seen by then."""
        os.write(self._descriptor, text.encode())
        found = ""
        while not re.search(seen, found):
            readable, _, _ = select.select([self._descriptor], [], [], WITHIN_S)
            assert readable, f"{seen!r} is not in {found!r}"
            found += os.read(self._descriptor, 65_536).decode(errors="replace")
        return found


@contextmanager
def bash(place: Path) -> Iterator[Terminal]:
    """Start one in a directory, without anybody's settings."""
    outer, inner = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "", "HISTFILE": "", "HOME": str(place)}
    with subprocess.Popen(
        ("bash", "--norc", "--noprofile", "-i"),
        cwd=place,
        env=environment,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    ) as process:
        os.close(inner)
        try:
            terminal = Terminal(outer)
            terminal.typed("bind 'set bell-style none'; source revet.bash; echo so''urced\n", "sourced\r\n")
            yield terminal
        finally:
            process.kill()
    os.close(outer)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("revet comp", "revet completion "),
        ("revet crl sh", "revet crl show "),
        ("revet config ch", "revet config check "),
        ("revet check --qu", "revet check --quiet "),
        ("revet block add --by sp", "revet block add --by spki "),
        ("revet crl list --status=st", "revet crl list --status=stale "),
        ("revet completion f", "revet completion fish "),
        ("revet check a\\ f", "revet check a\\ file.pem "),
        ("revet check --quiet a\\ f", "revet check --quiet a\\ file.pem "),
        ("revet crl show a\\ f", "revet crl show a\\ file.pem "),
        ("revet explain --trust-store a\\ f", "revet explain --trust-store a\\ file.pem "),
    ],
)
def test_bash_completes(tmp_path: Path, typed: str, completed: str) -> None:
    """Commands, options, values, and files with their quotes."""
    (tmp_path / "revet.bash").write_text(script("bash"))
    (tmp_path / "a file.pem").touch()
    with bash(tmp_path) as terminal:
        assert completed in terminal.typed(f"{typed}\t", re.escape(completed))


def test_bash_offers_nothing_that_is_none(tmp_path: Path) -> None:
    """Where something is to be typed that nobody can know, no file is offered for it."""
    (tmp_path / "revet.bash").write_text(script("bash"))
    (tmp_path / "a-file").touch()
    with bash(tmp_path) as terminal:
        assert "a-file" not in terminal.typed("revet block add --reason a\tX", "X")


def test_values_are_those_of_the_command() -> None:
    """In the order in which they are declared."""
    assert " ".join(CrlStatus) in script("bash")


@pytest.mark.parametrize("shell", list(Shell))
def test_every_command_and_option_is_in_it(shell: Enum) -> None:
    """Of whatever commands there are."""
    written = script(str(shell.value))
    for command in LEAVES:
        assert command.split()[-1] in written
        for option in options_of(command):
            assert (f"-l {option.removeprefix('--')} " if shell is Shell.FISH else option) in written


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_can_be_read(shell: str) -> None:
    """By bash, which the script for zsh is written for too."""
    subprocess.run(("bash", "-n"), input=script(shell), text=True, check=True)


def test_no_shell_that_is_unknown() -> None:
    """Says which are known."""
    result = CliRunner().invoke(app, ["completion", "csh"])
    assert (2, True) == (result.exit_code, "fish" in result.stderr)
