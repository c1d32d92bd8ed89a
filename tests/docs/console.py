"""Sessions at the command line as pages show them: run again, in this process, and compared.

A block of `console` has commands after `$` and what they print below. Moments, ports, sizes and long hexadecimal
numbers are those of the day on which the page was written, and are compared by their look. `…` stands for anything
within a line, and for any number of lines where it stands alone.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from typer.testing import CliRunner

from service.cli.app import app

ANYTHING: Final = "…"

_OF_THE_DAY: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<moment>"),
    (re.compile(r"\b[0-9a-f]{30,}\b|\b[0-9a-f]{8}…"), "<hex>"),
    (re.compile(r"(127\.0\.0\.1):\d{4,5}\b"), r"\1:<port>"),
    (re.compile(r"\b\d+ bytes"), "<size>"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a session.

    Attributes:
        line: As it was typed.
        expected: What it printed.
    """

    line: str
    expected: str


def commands(block: str) -> Iterator[Command]:
    """The commands of a block, in order."""
    for typed in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, expected = typed.partition("\n")
        yield Command(line, expected)


class Session:
    """A shell that knows `revet`, `export` and `echo $?`."""

    def __init__(self) -> None:
        """Begin with nothing exported."""
        self._exported: dict[str, str] = {}
        self._status = 0

    def run(self, line: str) -> str:
        """What a command prints.

        Raises:
            LookupError: it is a command that this shell does not know.
        """
        if line == "echo $?":
            return f"{self._status}\n"
        given, rest = _assignments(shlex.split(line))
        match rest:
            case ["export", *exported]:
                self._exported |= _assignments(exported)[0]
                return ""
            case ["revet", *arguments]:
                result = CliRunner().invoke(app, arguments, env={**self._exported, **given}, prog_name="revet")
                self._status = result.exit_code
                return result.output
            case _:
                raise LookupError(line)


def _assignments(words: list[str]) -> tuple[dict[str, str], list[str]]:
    given: dict[str, str] = {}
    for number, one in enumerate(words):
        name, equals, value = one.partition("=")
        if not (equals and name.isupper()):
            return given, words[number:]
        given[name] = value
    return given, []


def is_same(expected: str, printed: str) -> bool:
    """Whether a command printed what the page shows."""
    pattern = "".join(_line_pattern(line) for line in _lines(expected))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _line_pattern(line: str) -> str:
    if line == ANYTHING:
        return r"(?:.*\n)*?"
    return f"{re.escape(line).replace(ANYTHING, '.*')}\n"


def _lines(text: str) -> Iterator[str]:
    for pattern, replacement in _OF_THE_DAY:
        text = pattern.sub(replacement, text)
    return (line.rstrip() for line in text.rstrip().splitlines())
