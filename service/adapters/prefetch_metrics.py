"""Metrics of the prefetcher: counted in its process, shown on the page of every worker. No label names a source."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from service.application.prefetch.telling import (
    InventoryDetails,
    NullPrefetchObserver,
    RefreshDetails,
    RolledBackDetails,
    StalledDetails,
)
from service.core.prefetch.inventory import SourceKind

NO_PROBLEM: Final = "none"
"""The label of what went well."""

_LATEST: Final = "mostrecent"
"""Of several processes, the one that was started last says how it is."""


class PrefetchCounters(NullPrefetchObserver):
    """Counts what it is told. Implements `PrefetchObserver`. One in a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Begin to count.

        Args:
            registry: Of this process.
        """
        self._attempts = Counter(
            "revet_prefetch_attempts",
            "Attempts at sources of CRLs, by how they came to be sources and what went wrong.",
            ("kind", "problem"),
            registry=registry,
        )
        self._rollbacks = Counter(
            "revet_prefetch_rollbacks", "CRLs refused because they are older than what was seen.", registry=registry
        )
        self._stalls = Counter(
            "revet_prefetch_numbers_stalled", "CRLs whose number has stopped moving.", registry=registry
        )
        self._dropped = Counter(
            "revet_prefetch_pending_dropped", "CRLs of unknown issuers that found no room to wait.", registry=registry
        )
        self._sources = Gauge(
            "revet_prefetch_sources", "Sources of CRLs.", ("kind",), registry=registry, multiprocess_mode=_LATEST
        )
        self._failing = Gauge(
            "revet_prefetch_sources_failing",
            "Sources whose last attempt gave nothing.",
            registry=registry,
            multiprocess_mode=_LATEST,
        )
        self._pending = Gauge(
            "revet_prefetch_pending",
            "CRLs that wait for their issuer to become known.",
            registry=registry,
            multiprocess_mode=_LATEST,
        )
        self._due = Gauge(
            "revet_prefetch_due", "Sources that wait for their turn.", registry=registry, multiprocess_mode=_LATEST
        )
        for kind in SourceKind:
            self._attempts.labels(kind.value, NO_PROBLEM)

    def refreshed(self, details: RefreshDetails) -> None:
        """Count it."""
        problem = NO_PROBLEM if details.problem is None else details.problem.value
        self._attempts.labels(details.kind.value, problem).inc()

    def rolled_back(self, details: RolledBackDetails) -> None:
        """Count it."""
        del details
        self._rollbacks.inc()

    def number_stalled(self, details: StalledDetails) -> None:
        """Count it."""
        del details
        self._stalls.inc()

    def pending_dropped(self, digest: str) -> None:
        """Count it."""
        del digest
        self._dropped.inc()

    def inventory(self, details: InventoryDetails) -> None:
        """Show it."""
        self._sources.labels(SourceKind.CONFIGURED.value).set(details.configured)
        self._sources.labels(SourceKind.LEARNED.value).set(details.learned)
        self._failing.set(details.failing)
        self._pending.set(details.pending)
        self._due.set(details.due)
