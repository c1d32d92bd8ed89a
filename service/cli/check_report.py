"""What is told of each file while `check` and `explain` go on, and at the end."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from service.cli.asking import Row
from service.cli.check_summary import Summary
from service.cli.json_output import json_text
from service.cli.options import errors, output
from service.cli.rendering import render_error

FEW: Final = 20
"""Files that are shown one by one; of more, those that are not allowed, since nobody reads ten thousand lines."""

BAR_FROM: Final = 2
"""Files from which on a bar is shown."""


@dataclass(frozen=True, slots=True)
class ForPeople:
    """Lines at the terminal.

    Attributes:
        render: What is shown of a file and its answer.
        files: How many there are.
        shown: Where.
    """

    render: Callable[[str, Any], RenderableType]
    files: int
    shown: Console

    def add(self, row: Row) -> None:
        """Show what was answered."""
        if row.answer is not None and (self.files <= FEW or row.answer["decision"] != "allow"):
            self.shown.print(self.render(row.file, row.answer))

    def end(self, summary: Summary) -> None:
        """Show how many got which code, where there are several."""
        if self.files > 1:
            output.print(summary.table())


@dataclass(slots=True)
class AsJson:
    """One document, written as the answers come, so that none is kept: an object a line, and the summary."""

    _separator: str = field(default="\n", init=False)

    def __post_init__(self) -> None:
        """Open the document."""
        sys.stdout.write('{"results": [')

    def add(self, row: Row) -> None:
        """Write what came of a file."""
        document = {"file": row.file, "answer": row.answer, "error": row.error}
        sys.stdout.write(f"{self._separator}{json_text(document, indent=None)}")
        self._separator = ",\n"

    def end(self, summary: Summary) -> None:
        """Close the document."""
        sys.stdout.write(f'\n], "summary": {json_text(summary.document(), indent=None)}}}\n')
        sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing."""

    def add(self, row: Row) -> None:
        """Keep it."""

    def end(self, summary: Summary) -> None:
        """Keep it."""


@contextmanager
def told(files: int, *, quiet: bool) -> Iterator[tuple[Callable[[Row], None], Console]]:
    """A bar while the block lasts, where there is a terminal and anything to wait for.

    Args:
        files: How many there are.
        quiet: No bar.

    Yields:
        What is to be told of each file, and complains of those that were not asked about; and where lines go that
        must not cross the bar.
    """
    is_shown = errors.is_terminal and not quiet and files >= BAR_FROM
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bars = Progress(*columns, console=errors, transient=True, disable=not is_shown, redirect_stdout=False)
    with bars:
        task = bars.add_task("asking", total=files)

        def tell(row: Row) -> None:
            if row.error is not None:
                errors.print(render_error(f"{row.file}: {row.error}"))
            bars.advance(task)

        yield tell, errors if is_shown and output.is_terminal else output
