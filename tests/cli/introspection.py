"""The commands as they are, so that tests speak of every one of them and of nothing else."""

from collections.abc import Iterator
from typing import Final

import typer

from service.cli.app import app

Command = typer.core.TyperCommand | typer.core.TyperGroup


def _leaves(command: Command, name: str) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    if isinstance(command, typer.core.TyperGroup):
        for each, below in command.commands.items():
            assert isinstance(below, typer.core.TyperCommand | typer.core.TyperGroup)
            yield from _leaves(below, f"{name} {each}".strip())
    else:
        yield name, command


_root = typer.main.get_command(app)
assert isinstance(_root, typer.core.TyperGroup)
ROOT_COMMAND: Final[typer.core.TyperGroup] = _root
LEAVES: Final = dict(_leaves(ROOT_COMMAND, ""))
"""Every command that does something, by its name without `revet`."""


def options_of(command: str) -> set[str]:
    """Its options, each by its longest name."""
    options = (one for one in LEAVES[command].params if isinstance(one, typer.core.TyperOption))
    return {max(one.opts, key=len) for one in options}
