"""What the processes of a replica have counted together, whichever of them is asked, and what follows from it.

Rules it keeps: what is here only grows while the service runs, and stays when a process that counted it ends.

What it does not do: count, or read what was counted (`service.adapters.counted`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.application.fleet.telling import FleetCounts
from service.core.model.verdict import Decision


@dataclass(frozen=True, slots=True)
class Decided:
    """A kind of decision.

    Attributes:
        decision: What the caller was told to do.
        code: Why.
        front: Where the request came in.
    """

    decision: str
    code: str
    front: str


@dataclass(frozen=True, slots=True)
class Latency:
    """How long decisions took that were made then: one that was given again takes no time, and is not here.

    Attributes:
        buckets: How many took so many seconds at most, by that bound; each has those before it in it.
        count: How many there were, those included that took longer than the last bound.
        total_s: Seconds of all of them.
    """

    buckets: tuple[tuple[float, int], ...] = ()
    count: int = 0
    total_s: float = 0.0

    def quantile(self, share: float) -> float | None:
        """Seconds within which such a share of them was made, interpolated within its bucket as Prometheus does.

        Args:
            share: Above 0 and below 1.

        Returns:
            None where there were none; the last bound where it took longer than that.
        """
        if not self.count or not self.buckets:
            return None
        rank, below, before = share * self.count, 0.0, 0
        for bound, count in self.buckets:
            if count >= rank:
                return below + (bound - below) * (rank - before) / (count - before)
            below, before = bound, count
        return below


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """How often something was found in a cache, or was not, or was put out of it for want of room."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0


@dataclass(frozen=True, slots=True)
class ResponderCounts:
    """How often a responder's host was asked, and what came of it.

    Attributes:
        asked: How often.
        failed: How often it gave nothing usable.
        total_s: Seconds of all `timed` questions.
        timed: Questions whose time is known.
    """

    asked: int = 0
    failed: int = 0
    total_s: float = 0.0
    timed: int = 0

    @property
    def mean_s(self) -> float | None:
        """Seconds of a question; None where none is known."""
        return self.total_s / self.timed if self.timed else None


@dataclass(frozen=True, slots=True)
class Counts:
    """All of it; what never happened is left out.

    Attributes:
        started_at: When the service was started.
        decisions: How many of each kind.
        latency: How long they took.
        caches: By tier and kind.
        responders: By host.
        shadow: Answers in shadow that would have been denials, by code and trust store.
        ocsp: What happened to OCSP answers (`OcspEvent`).
        fleet: What happened between this replica and Redis.
    """

    started_at: datetime
    decisions: Mapping[Decided, int] = field(default_factory=dict)
    latency: Latency = field(default_factory=Latency)
    caches: Mapping[tuple[str, str], CacheCounts] = field(default_factory=dict)
    responders: Mapping[str, ResponderCounts] = field(default_factory=dict)
    shadow: Mapping[tuple[str, str], int] = field(default_factory=dict)
    ocsp: Mapping[str, int] = field(default_factory=dict)
    fleet: FleetCounts = field(default_factory=lambda: FleetCounts({}, {}))

    def by_code(self) -> Mapping[tuple[str, str], int]:
        """How many decisions, by what the caller was told to do and why, wherever they were asked for."""
        found: Counter[tuple[str, str]] = Counter()
        for kind, count in self.decisions.items():
            found[kind.decision, kind.code] += count
        return found

    def total(self, decision: Decision) -> int:
        """How many decisions of one kind, whatever their reasons."""
        return sum(count for kind, count in self.decisions.items() if kind.decision == decision)


class Counted(Protocol):
    """What the processes of the service have counted together."""

    def counts(self) -> Counts:
        """All of it; reads a file for each process and kind of metric, and is for threads."""
