"""How the story is written: short lines and tables in columns, each line when it is known."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Final

WIDTH: Final = 110
"""Columns. What a client saw is shown whole, and is broken no more often than it has to be."""

INDENT: Final = "  "

Say = Callable[[str], None]
"""Writes a line."""


class Teller:
    """Writes a story."""

    def __init__(self, say: Say) -> None:
        """Take what writes a line."""
        self._say = say

    def chapter(self, title: str) -> None:
        """Begin a part, a line apart from the one before."""
        self._say("")
        self._say(title)

    def line(self, text: str = "") -> None:
        """One line below a title."""
        self._say(f"{INDENT}{text}".rstrip())

    def paragraph(self, text: str) -> None:
        """Prose below a title."""
        for line in textwrap.wrap(text, WIDTH - len(INDENT), break_long_words=False, break_on_hyphens=False):
            self.line(line)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows of cells, aligned in columns."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def visible(text: str) -> str:
    """What a server said, on one line and without control characters."""
    return "".join(one if one.isprintable() else " " for one in " ".join(text.split()))
