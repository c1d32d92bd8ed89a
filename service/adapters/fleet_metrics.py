"""Metrics of the fleet: counted in every process that speaks with Redis, shown on the page of every worker.

Rules it keeps: labels are kinds, events and reasons of ours; no URL, no name of a replica and nothing of a certificate
is one. Without Redis there are none of these metrics.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.standing import Standing
from service.application.fleet.telling import FleetEvent, RefusedDetails

EVENTS: Final = "revet_fleet_events"
REFUSED: Final = "revet_fleet_refused"

_ASKED_FOR: Final = (EnvelopeKind.CRL, EnvelopeKind.OCSP)
"""What is looked for in Redis instead of asking an authority."""

_OF_ANY_KIND: Final = (FleetEvent.WRITTEN, FleetEvent.UNAVAILABLE)
"""What happens to all others."""

TAKEN: Final = "taken"
GIVEN: Final = "given"


class FleetCounters:
    """Counts what it is told. Implements `service.application.fleet.telling.ReplicaObserver`. One in a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Begin to count.

        Args:
            registry: Of this process.
        """
        self._events = Counter(
            EVENTS,
            "What happened between this replica and Redis, by what it was about.",
            ("kind", "event"),
            registry=registry,
        )
        self._refused = Counter(
            REFUSED, "What came out of Redis and was refused, and why.", ("kind", "reason"), registry=registry
        )
        self._reachable = Gauge(
            "revet_redis_up",
            "1 where every process of this replica reaches Redis.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._seconds = Summary(
            "revet_redis_duration_seconds",
            "From asking Redis to having its answer, of what requests wait for.",
            registry=registry,
        )
        self._current = Gauge(
            "revet_fleet_current",
            "1 where this replica knows what its fleet knows.",
            registry=registry,
            multiprocess_mode="livemax",  # the prefetcher says so while it lives, and the others never
        )
        self._reconciliations = Counter(
            "revet_fleet_reconciliations",
            "How often the block lists of this host and of Redis were brought together.",
            registry=registry,
        )
        self._reconciled = Counter(
            "revet_fleet_reconciled",
            "Blocks and tombstones that were taken from Redis, and given to it, thereby.",
            ("direction",),
            registry=registry,
        )
        self._replicas = Gauge(
            "revet_fleet_replicas",
            "Replicas heard of, this one included, by whether their heartbeats are of late.",
            ("state",),
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._names_taken = Counter(
            "revet_fleet_names_taken", "How often another replica was found to bear this one's name.", registry=registry
        )
        self._start()

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Count it."""
        self._events.labels(kind.value, event.value).inc()

    def refused(self, details: RefusedDetails) -> None:
        """Count it."""
        self._refused.labels(details.kind.value, details.refusal.value).inc()

    def reachable(self, reason: str | None) -> None:
        """Show it."""
        self._reachable.set(reason is None)

    def answered(self, seconds: float) -> None:
        """Count it; told by the cache itself."""
        self._seconds.observe(seconds)

    def reconciled(self, taken: int, given: int, reason: str) -> None:
        """Count it."""
        del reason
        self._reconciliations.inc()
        self._reconciled.labels(TAKEN).inc(taken)
        self._reconciled.labels(GIVEN).inc(given)

    def stands(self, standing: Standing) -> None:
        """Show it."""
        self._current.set(standing is Standing.CURRENT)

    def replicas(self, present: int, gone: int) -> None:
        """Show it."""
        self._replicas.labels("present").set(present)
        self._replicas.labels("gone").set(gone)

    def name_taken(self, name: str) -> None:
        """Count it."""
        del name
        self._names_taken.inc()

    def _start(self) -> None:
        """Show zero where nothing has happened yet; Redis is there until somebody has asked it in vain."""
        self._reachable.set(1)
        for kind in EnvelopeKind:
            for event in FleetEvent if kind in _ASKED_FOR else _OF_ANY_KIND:
                self._events.labels(kind.value, event.value)
            for refusal in Refusal:
                self._refused.labels(kind.value, refusal.value)
        for direction in (TAKEN, GIVEN):
            self._reconciled.labels(direction)
        for state in ("present", "gone"):
            self._replicas.labels(state)
