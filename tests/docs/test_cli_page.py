"""`docs/cli.md` has every command with every option and argument, and nothing else."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
import typer

from service.cli.app import app
from service.cli.options import EXIT_ALLOW, EXIT_DENY, EXIT_LOCAL, EXIT_NOT_ASKED
from tests.docs.pages import page, sections, table, words

PAGE: Final = "cli.md"
PROGRAM: Final = "revet"
_ROW: Final = re.compile(r"^\| (`[^|]*`) \|", re.MULTILINE)


def _commands(command: typer.core.TyperCommand | typer.core.TyperGroup, name: str) -> Iterator[tuple[str, set[str]]]:
    """Every command that does something, with its options and arguments as the page writes them."""
    if isinstance(command, typer.core.TyperGroup):
        for each, below in command.commands.items():
            assert isinstance(below, typer.core.TyperCommand | typer.core.TyperGroup)
            yield from _commands(below, f"{name} {each}")
    else:
        yield name, {_written(parameter) for parameter in command.params}


def _written(parameter: object) -> str:
    match parameter:
        case typer.core.TyperArgument():
            return f"{str(parameter.name).upper()}{'...' if parameter.nargs == -1 else ''}"
        case typer.core.TyperOption():
            return max(parameter.opts, key=len)
        case _:
            raise TypeError(parameter)


ROOT_COMMAND: Final = typer.main.get_command(app)
assert isinstance(ROOT_COMMAND, typer.core.TyperGroup)
COMMANDS: Final = dict(_commands(ROOT_COMMAND, PROGRAM))
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
    """As the commands end."""
    codes = [int(words(row["code"])[0]) for row in table(PAGE, "exit-codes")]
    assert [EXIT_ALLOW, EXIT_DENY, EXIT_NOT_ASKED, EXIT_LOCAL] == codes
