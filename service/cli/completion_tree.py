"""The commands as a shell has to know them, read off the commands themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

HELP: Final = "--help"

_ALSO_FILES: Final = frozenset({"certificates", "csv", "source", "sources"})


@dataclass(frozen=True, slots=True)
class Option:
    """What stands behind dashes.

    Attributes:
        names: Each way to write it.
        help: What it means, in one line.
        takes_value: Whether a word follows it.
        choices: Every such word, where they are known.
        is_file: Whether that word is a file's name.
    """

    names: tuple[str, ...]
    help: str
    takes_value: bool = False
    choices: tuple[str, ...] = ()
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A command, or what others stand below.

    Attributes:
        path: Its words behind `revet`, each after a slash; empty for `revet` itself.
        help: What it does, in one line.
        options: Those of its own.
        words: The names of what stands below it; for a command the words that its arguments may be, where known.
        takes_files: Whether its arguments are names of files.
    """

    path: str
    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...]
    takes_files: bool


def branches(command: TyperCommand | TyperGroup, path: str = "") -> Iterator[Branch]:
    """A command and everything below it, from the root to the leaves."""
    options = (*(_option(one) for one in command.params if isinstance(one, TyperOption)), Option((HELP,), "Help."))
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    found = command.commands if isinstance(command, TyperGroup) else {}
    below = {name: one for name, one in found.items() if isinstance(one, TyperCommand | TyperGroup)}
    words = (*below, *(word for one in arguments for word in _choices(one)))
    takes_files = any(_is_file(one) for one in arguments)
    yield Branch(path, _line(command.help), options, words, takes_files)
    for name, one in below.items():
        yield from branches(one, f"{path}/{name}")


def _option(option: TyperOption) -> Option:
    if option.is_flag:
        return Option(tuple(option.opts), _line(option.help))
    return Option(
        tuple(option.opts), _line(option.help), takes_value=True, choices=_choices(option), is_file=_is_file(option)
    )


def _is_file(parameter: TyperArgument | TyperOption) -> bool:
    """Whether it names a file: some may be an URL too, or a dash, and are no paths for typer."""
    kind: Any = parameter.type_descriptor.annotation
    return parameter.name in _ALSO_FILES or Path in (kind, *get_args(kind))


def _choices(parameter: TyperArgument | TyperOption) -> tuple[str, ...]:
    kind: Any = parameter.type_descriptor.annotation
    return tuple(str(one.value) for one in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()


def _line(text: str | None) -> str:
    """The first sentence, without its full stop."""
    return " ".join((text or "").split()).partition(". ")[0].rstrip(".")
