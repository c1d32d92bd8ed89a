"""A run over files, as `check` and `explain` make it: what is asked, what is told meanwhile, and how it ends."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import RenderableType

from service.cli.asking import Question, Row, ask, whom_to_ask
from service.cli.check_csv import CsvReport
from service.cli.check_files import SUFFIXES, find_files
from service.cli.check_report import AsJson, ForPeople, Quiet, told
from service.cli.check_summary import Summary
from service.cli.options import errors, fail

STDOUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told of the answers.

    Attributes:
        render: What people are shown of a file and its answer.
        as_json: One JSON document instead.
        csv: A file for lines, `-` for standard output; None for none.
        quiet: No bar, and nothing for people.
    """

    render: Callable[[str, Any], RenderableType]
    as_json: bool = False
    csv: str | None = None
    quiet: bool = False


def run(question: Question, names: Iterable[str], telling: Telling) -> typer.Exit:
    """Ask about every file, and tell what comes of each.

    Args:
        question: Whom to ask, and how.
        names: Files, directories and patterns.
        telling: What is told.

    Returns:
        How the command ends.

    Raises:
        typer.Exit: nobody can be asked, or what is told cannot be written; the reason is printed.
    """
    if telling.as_json and telling.csv == STDOUT:
        raise fail("--json and --csv - both want standard output: give --csv a file")
    asking = whom_to_ask(question)
    files = tuple(find_files(names))
    summary = Summary(len(files))
    with _writing(telling.csv) as lines, told(len(files), quiet=telling.quiet) as (tell, shown):
        if telling.as_json:
            report: AsJson | Quiet | ForPeople = AsJson()
        elif telling.quiet or telling.csv == STDOUT:
            report = Quiet()
        else:
            report = ForPeople(telling.render, len(files), shown)

        def take(row: Row) -> None:
            for one in (report, *lines):
                one.add(row)
            summary.count(row)
            tell(row)

        try:
            ask(asking, files, take)
        except KeyboardInterrupt:
            summary.is_interrupted = True
    with _whole():
        report.end(summary)
    if telling.csv == STDOUT and not telling.quiet:
        errors.print(summary.table())
    if summary.is_interrupted:
        errors.print(f"Interrupted: {summary.done:,} of {summary.files:,} files are done.")
    return typer.Exit(summary.exit_code)


@contextmanager
def _writing(csv: str | None) -> Iterator[tuple[CsvReport, ...]]:
    """Where the lines go, if anywhere.

    Raises:
        typer.Exit: it cannot be written; the reason is printed.
    """
    with _whole():
        if csv is None:
            yield ()
        elif csv == STDOUT:
            yield (CsvReport(sys.stdout),)
        elif csv.lower().endswith(SUFFIXES):
            raise fail(f"--csv {csv}: that is a certificate's name; say where the lines are to go")
        else:
            with Path(csv).open("w", encoding="utf-8", newline="") as file:
                yield (CsvReport(file),)


@contextmanager
def _whole() -> Iterator[None]:
    """Say of what cannot be written to its end that it was not.

    Raises:
        typer.Exit: just that.
        BrokenPipeError: whoever read it has gone.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "" if error.filename is None else f"{error.filename}: "
        raise fail(f"cannot write: {name}{error.strerror}") from error
