"""`revet completion`: what a shell needs to complete commands, options and their values.

The script has all of it in itself: a shell that started `revet` at every press of the key would wait a second each time
for what does not change. It is made of the commands themselves, so that none is forgotten, and nothing is written
anywhere: it goes to standard output, and whoever wants it sources it.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final

import typer
from typer.core import TyperGroup

from service.cli.completion_scripts import bash_script, fish_script, zsh_script
from service.cli.completion_tree import Branch, branches


class Shell(StrEnum):
    """Shells that can be told."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS: Final[Mapping[Shell, Callable[[Sequence[Branch]], str]]] = {
    Shell.BASH: bash_script,
    Shell.ZSH: zsh_script,
    Shell.FISH: fish_script,
}


def completion(
    context: typer.Context, shell: Annotated[Shell, typer.Argument(help="For which shell.", show_choices=True)]
) -> None:
    """Print a script that completes commands, options and values: `source <(revet completion bash)`."""
    root = context.find_root().command
    if not isinstance(root, TyperGroup):
        raise TypeError(root)
    typer.echo(_SCRIPTS[shell](tuple(branches(root))), nl=False)
