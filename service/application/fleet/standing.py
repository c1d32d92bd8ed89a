"""How a replica stands with its fleet: whether what the others have said by now is known here."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Standing(StrEnum):
    """Whether a replica knows what its fleet knows."""

    CATCHING_UP = "catching_up"
    """It was started, and nobody can say yet."""
    CURRENT = "current"
    """It has brought its blocks together with the fleet's, and follows what changes."""
    BEHIND = "behind"
    """It does not hear of changes, or has missed some."""


@dataclass(frozen=True, slots=True)
class FleetStanding:
    """How a replica stands.

    Attributes:
        standing: In a word.
        since: When that began, UTC.
        reason: For the operator, where it is not current; empty otherwise.
    """

    standing: Standing
    since: datetime
    reason: str = ""


class StandingReport(Protocol):
    """Says how this replica stands."""

    @property
    def standing(self) -> FleetStanding:
        """How it stands now."""
