"""What a run of `check` or `explain` comes to: how many files got which code, and the exit code of it all."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from service.cli.asking import Row
from service.cli.options import EXIT_ALLOW, EXIT_DENY, EXIT_INTERRUPTED, EXIT_NOT_ASKED
from service.cli.rendering import styled, visible


@dataclass(slots=True)
class Summary:
    """Counts of a run.

    Attributes:
        files: How many files it is about.
        codes: How many of them got a decision with a code.
        errors: How many could not be read or asked about.
        is_interrupted: Whether somebody ended it before its end.
    """

    files: int
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: int = 0
    is_interrupted: bool = False

    @property
    def done(self) -> int:
        """How many files something has come of."""
        return self.codes.total() + self.errors

    @property
    def exit_code(self) -> int:
        """The gravest wins: interrupted, then not asked, since nobody knows what those are, then denied."""
        if self.is_interrupted:
            return EXIT_INTERRUPTED
        if self.errors or self.done < self.files:
            return EXIT_NOT_ASKED
        return EXIT_ALLOW if all(decision == "allow" for decision, _ in self.codes) else EXIT_DENY

    def count(self, row: Row) -> None:
        """Take in what came of one file."""
        if row.answer is None:
            self.errors += 1
        else:
            self.codes[row.answer["decision"], row.answer["code"]] += 1

    def document(self) -> Mapping[str, Any]:
        """For machines."""
        return {
            "files": self.files,
            "done": self.done,
            "codes": [
                {"decision": decision, "code": code, "count": count} for decision, code, count in self._most_first()
            ],
            "errors": self.errors,
            "interrupted": self.is_interrupted,
            "exit_code": self.exit_code,
        }

    def table(self) -> Table:
        """For people: a line for each code, the most frequent first."""
        table = Table(Column("files", justify="right"), "decision", "code", box=None, header_style="bold")
        for decision, code, count in self._most_first():
            table.add_row(f"{count:,}", styled(visible(decision)), visible(code))
        if self.errors:
            table.add_row(f"{self.errors:,}", Text("not asked", style="yellow"), "")
        return table

    def _most_first(self) -> list[tuple[str, str, int]]:
        ordered = sorted(self.codes.items(), key=lambda one: (-one[1], one[0]))
        return [(decision, code, count) for (decision, code), count in ordered]
