"""The port that names decisions."""

from typing import Protocol


class DecisionIds(Protocol):
    """Makes identifiers that nobody can guess and that sort by time."""

    def new(self) -> str:
        """A fresh identifier."""
