"""The port to the log and the metrics of the prefetcher: one frozen object for each event.

URLs, names and details are for logs alone; what may become a label has few values.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.core.model.attempt import Problem
from service.core.prefetch.inventory import SourceKind


@dataclass(frozen=True, slots=True)
class RefreshDetails:
    """A source was tried, each of its places in turn.

    Attributes:
        source: For logs alone.
        problem: What went wrong; None for a CRL that is held and serves.
        detail: For logs alone.
        failures: In a row, this one included.
        duration_s: Seconds for all of it.
    """

    source: str
    kind: SourceKind
    problem: Problem | None
    detail: str
    failures: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class RolledBackDetails:
    """A source gave a CRL that is older than one that was held before; what is held stays. For logs alone."""

    source: str


@dataclass(frozen=True, slots=True)
class StalledDetails:
    """A CRL's number has stopped moving. For logs alone.

    Attributes:
        since: When it moved last.
    """

    source: str
    issuer: str
    crl_number: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class PlaceDetails:
    """A configured place was listed, or could not be.

    Attributes:
        place: For logs alone.
        problem: Why not; empty where it was.
        objects: How many CRLs it has.
    """

    place: str
    objects: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class InventoryDetails:
    """How much the prefetcher has to do.

    Attributes:
        configured: Sources.
        learned: Sources.
        failing: Sources whose last attempt gave nothing.
        pending: CRLs that wait for their issuer to become known.
        due: Sources that are due and wait for their turn.
    """

    configured: int
    learned: int
    failing: int
    pending: int
    due: int


class PrefetchObserver(Protocol):
    """Is told what happens; must not raise and must not wait."""

    def refreshed(self, details: RefreshDetails) -> None:
        """A source was tried."""

    def rolled_back(self, details: RolledBackDetails) -> None:
        """A source gave what is older than what was seen."""

    def number_stalled(self, details: StalledDetails) -> None:
        """A CRL's number has stopped moving."""

    def place_listed(self, details: PlaceDetails) -> None:
        """A place has another content or another problem than before."""

    def pending_dropped(self, digest: str) -> None:
        """A CRL that waited for its issuer has given way to a newer one, or found no room."""

    def learned(self, source: str) -> None:
        """A certificate has named a place that was not known."""

    def forgotten(self, count: int) -> None:
        """Learned sources were not used for too long, or were too many."""

    def inventory(self, details: InventoryDetails) -> None:
        """How things stand."""

    def not_remembered(self, reason: str) -> None:
        """The inventory could not be written down."""


class NullPrefetchObserver:
    """Is told, and forgets. Implements `PrefetchObserver`."""

    def refreshed(self, details: RefreshDetails) -> None:
        """Forget it."""

    def rolled_back(self, details: RolledBackDetails) -> None:
        """Forget it."""

    def number_stalled(self, details: StalledDetails) -> None:
        """Forget it."""

    def place_listed(self, details: PlaceDetails) -> None:
        """Forget it."""

    def pending_dropped(self, digest: str) -> None:
        """Forget it."""

    def learned(self, source: str) -> None:
        """Forget it."""

    def forgotten(self, count: int) -> None:
        """Forget it."""

    def inventory(self, details: InventoryDetails) -> None:
        """Forget it."""

    def not_remembered(self, reason: str) -> None:
        """Forget it."""


class PrefetchObservers:
    """Tells each of several. Implements `PrefetchObserver`."""

    def __init__(self, *observers: PrefetchObserver) -> None:
        """Take them, in the order in which they are told."""
        self._observers = observers

    def refreshed(self, details: RefreshDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.refreshed(details)

    def rolled_back(self, details: RolledBackDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.rolled_back(details)

    def number_stalled(self, details: StalledDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.number_stalled(details)

    def place_listed(self, details: PlaceDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.place_listed(details)

    def pending_dropped(self, digest: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.pending_dropped(digest)

    def learned(self, source: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.learned(source)

    def forgotten(self, count: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.forgotten(count)

    def inventory(self, details: InventoryDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.inventory(details)

    def not_remembered(self, reason: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.not_remembered(reason)
