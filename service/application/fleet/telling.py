"""What the fleet's part of a replica tells: to counters and to the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.standing import Standing


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


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """What has happened since the service was started; what never did is left out.

    Attributes:
        events: By kind and event.
        refused: By kind and reason.
    """

    events: Mapping[tuple[str, str], int]
    refused: Mapping[tuple[str, str], int]


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

    def stands(self, standing: Standing) -> None:
        """This replica stands otherwise with its fleet than it did."""


class ReplicaObserver(FleetObserver, Protocol):
    """Is told of the other replicas as well; must not raise and must not wait."""

    def replicas(self, present: int, gone: int) -> None:
        """So many replicas were heard of a moment ago, this one included, and so many of late, but not now."""

    def name_taken(self, name: str) -> None:
        """Another replica has written under the name of this one."""


class NullFleetObserver:
    """Is told, and forgets. Implements `ReplicaObserver`."""

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Forget it."""

    def refused(self, details: RefusedDetails) -> None:
        """Forget it."""

    def reachable(self, reason: str | None) -> None:
        """Forget it."""

    def reconciled(self, taken: int, given: int, reason: str) -> None:
        """Forget it."""

    def stands(self, standing: Standing) -> None:
        """Forget it."""

    def replicas(self, present: int, gone: int) -> None:
        """Forget it."""

    def name_taken(self, name: str) -> None:
        """Forget it."""


class FleetObservers:
    """Tells each of several observers. Implements `ReplicaObserver`."""

    def __init__(self, *observers: ReplicaObserver) -> None:
        """Take them, in the order in which they are told."""
        self._observers = observers

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.fleet(kind, event)

    def refused(self, details: RefusedDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.refused(details)

    def reachable(self, reason: str | None) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.reachable(reason)

    def reconciled(self, taken: int, given: int, reason: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.reconciled(taken, given, reason)

    def stands(self, standing: Standing) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.stands(standing)

    def replicas(self, present: int, gone: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.replicas(present, gone)

    def name_taken(self, name: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.name_taken(name)
