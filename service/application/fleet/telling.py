"""What the fleet's part of a replica tells: to counters and to the log."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from service.application.fleet.envelope import EnvelopeKind, Refusal


class FleetEvent(StrEnum):
    """What happened between this process and the fleet's cache; a label of a counter."""

    HIT = "hit"
    """Something was found there and taken, instead of asking an authority."""
    MISS = "miss"
    """Nothing that could be taken was there."""
    LEASED = "leased"
    """This process was the one to ask the authority."""
    WAITED = "waited"
    """Somebody else was, and this process waited for what he wrote."""
    OVERDUE = "overdue"
    """Somebody else was, and wrote nothing in time: this process asked as well."""
    WRITTEN = "written"
    """Something was written there."""
    UNAVAILABLE = "unavailable"
    """The cache could not be asked, or has refused."""


@dataclass(frozen=True, slots=True)
class RefusedDetails:
    """What came out of the cache was refused.

    Attributes:
        about: What it was said to be about. For logs alone.
    """

    kind: EnvelopeKind
    refusal: Refusal
    about: str = ""


class FleetObserver(Protocol):
    """Is told what happens; must not raise and must not wait."""

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Something happened."""

    def refused(self, details: RefusedDetails) -> None:
        """Something was refused."""

    def reachable(self, reason: str | None) -> None:
        """The cache has come back (None), or has gone (why)."""

    def reconciled(self, taken: int, given: int, reason: str) -> None:
        """The block lists of this host and of the cache were brought together, and why; how many went which way."""


class NullFleetObserver:
    """Is told, and forgets."""

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Forget it."""

    def refused(self, details: RefusedDetails) -> None:
        """Forget it."""

    def reachable(self, reason: str | None) -> None:
        """Forget it."""

    def reconciled(self, taken: int, given: int, reason: str) -> None:
        """Forget it."""
