"""`docs/cli.md` has every command with every option, argument and exit code, and nothing else."""

import re
from typing import Final

import pytest
import typer

from service.cli.exit_codes import EXIT_CODES
from tests.cli.introspection import LEAVES, ROOT_COMMAND
from tests.cli.test_every_command import WITHOUT_JSON
from tests.docs.pages import page, sections, table, words

PAGE: Final = "cli.md"
_ROW: Final = re.compile(r"^\| (`[^|]*`) \|", re.MULTILINE)


def _written(parameter: object) -> str:
    match parameter:
        case typer.core.TyperArgument():
            return f"{str(parameter.name).upper()}{'...' if parameter.nargs == -1 else ''}"
        case typer.core.TyperOption():
            return max(parameter.opts, key=len)
        case _:
            raise TypeError(parameter)


COMMANDS: Final = {f"revet {name}": {_written(one) for one in command.params} for name, command in LEAVES.items()}
SECTIONS: Final = {title.strip("`"): body for title, body in sections(page(PAGE), 2).items() if title.startswith("`")}


def test_every_command_has_a_section() -> None:
    """And every section is a command's."""
    assert set(COMMANDS) == set(SECTIONS)


def test_every_command_is_in_the_table() -> None:
    """With nothing else in it."""
    assert sorted(COMMANDS) == sorted(words(row["command"])[0] for row in table(PAGE, "commands"))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_in_its_section(command: str) -> None:
    """Options and arguments, both ways."""
    listed = [words(cell)[0].split()[0] for cell in _ROW.findall(SECTIONS[command])]
    assert sorted(COMMANDS[command]) == sorted(listed)


def test_options_of_the_program() -> None:
    """What stands before any command."""
    assert ["--version"] == [_written(parameter) for parameter in ROOT_COMMAND.params]
    assert "`revet --version`" in page(PAGE)


def test_exit_codes() -> None:
    """Of each command those that it ends with, which other tests bring about."""
    written = {int(words(row["code"])[0]): _meant(row["of"]) for row in table(PAGE, "exit-codes")}
    codes = sorted(set().union(*EXIT_CODES.values()))
    assert {code: {one for one, its in EXIT_CODES.items() if code in its} for code in codes} == written


def test_commands_without_json() -> None:
    """With a reason each."""
    rows = table(PAGE, "without-json")
    assert set(WITHOUT_JSON) == {command for row in rows for command in words(row["command"])}
    assert all(row["why"] for row in rows)


def _meant(cell: str) -> set[str]:
    """The commands that a cell is about: `all`, all but some, or some."""
    named = set(words(cell))
    return set(EXIT_CODES) - named if cell.startswith("all") else named
