"""Metrics for Prometheus: what happened, counted in every process, and the page that adds all of them up.

Rules it keeps: a label has few values, which we know beforehand (the names of trust stores and of CRL issuers are in
`metric_collectors`, with a limit); no label names a client certificate, neither by serial number nor by subject; a
process that was killed keeps counting as much as it had counted.

What it does not do: what is true at the moment of asking, rather than counted (`metric_collectors`).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.adapters.metrics_directory import SUFFIX
from service.application.observer import (
    DecisionDetails,
    FetchDetails,
    IgnoredDetails,
    IngestDetails,
    Ingested,
    TrustStoreDetails,
)
from service.core.model.failure import Code
from service.core.model.verdict import Decision

VALIDATE_BUCKETS_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""From a verdict that needs no fetch (a quarter of a millisecond) to beyond the default deadline (half a second)."""

FETCH_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""From a responder in the same data centre to a large CRL over a slow line."""

NO_PROBLEM: Final = "none"
"""The label of what went well."""

_KINDS: Final = ("crl", "ocsp")

_merge: Final[Callable[[list[str]], Iterable[Metric]]] = MultiProcessCollector.merge


class PrometheusObserver:
    """Counts what it is told. Implements `service.application.observer.Observer`. One in a process."""

    def __init__(self, started_at: datetime) -> None:
        """Begin to count.

        Args:
            started_at: When this process was started; the earliest of all counts as the start of the service.
        """
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            "revet_validate_requests",
            "Decisions, by what the caller shall do and why.",
            ("decision", "code"),
            registry=self.registry,
        )
        self._decision_seconds = Histogram(
            "revet_validate_duration_seconds",
            "From the request to its decision, fetches included.",
            buckets=VALIDATE_BUCKETS_S,
            registry=self.registry,
        )
        self._ignored = Counter(
            "revet_submissions_ignored",
            "Intermediates and pieces of evidence that came with a request and do not parse.",
            registry=self.registry,
        )
        self._fetches = Counter(
            "revet_fetch", "Fetches, by what for and what went wrong.", ("kind", "problem"), registry=self.registry
        )
        self._fetch_seconds = Histogram(
            "revet_fetch_duration_seconds",
            "From asking to knowing whether the answer is usable.",
            ("kind",),
            buckets=FETCH_BUCKETS_S,
            registry=self.registry,
        )
        self._crls = Counter(
            "revet_crl_ingested", "CRLs downloaded, by what became of them.", ("outcome",), registry=self.registry
        )
        self._start(started_at)

    def decided(self, details: DecisionDetails) -> None:
        """Count it."""
        self._decisions.labels(details.decision.value, details.code.value).inc()
        self._decision_seconds.observe(details.duration_s)

    def ignored(self, details: IgnoredDetails) -> None:
        """Count them."""
        self._ignored.inc(len(details.reasons))

    def fetched(self, details: FetchDetails) -> None:
        """Count it."""
        problem = NO_PROBLEM if details.problem is None else details.problem.value
        self._fetches.labels(details.kind, problem).inc()
        self._fetch_seconds.labels(details.kind).observe(details.duration_s)

    def ingested(self, details: IngestDetails) -> None:
        """Count it."""
        self._crls.labels(details.outcome.value).inc()

    def trust_store_changed(self, details: TrustStoreDetails) -> None:
        """Nothing: what is in force is read off the trust stores themselves."""

    def _start(self, started_at: datetime) -> None:
        """Show zero where nothing has happened yet: a counter that appears with its first event hides that event."""
        Gauge(
            "revet_process_start_time_seconds",
            "When the service was started, in seconds since 1970.",
            registry=self.registry,
            multiprocess_mode="min",
        ).set(started_at.timestamp())
        for code in Code:
            self._decisions.labels((Decision.ALLOW if code is Code.OK else Decision.DENY).value, code.value)
        for kind in _KINDS:
            self._fetches.labels(kind, NO_PROBLEM)
            self._fetch_seconds.labels(kind)
        for outcome in Ingested:
            self._crls.labels(outcome.value)


class MetricsPage:
    """All metrics of the service in Prometheus' text format, whichever of its processes is asked."""

    def __init__(self, observer: PrometheusObserver, collectors: Iterable[Collector], directory: Path | None) -> None:
        """Put the page together.

        Args:
            observer: What this process counts.
            collectors: What is read off when the page is asked for.
            directory: Where all processes count (`metrics_directory`); None where this one counts for itself.
        """
        self._registry = CollectorRegistry()
        self._registry.register(observer.registry if directory is None else SharedCounters(directory))
        for collector in collectors:
            self._registry.register(collector)

    def render(self) -> bytes:
        """Write the page. Reads a file for each process, and everything that `collectors` read: some milliseconds."""
        return generate_latest(self._registry)


class SharedCounters(Collector):
    """Adds up what the processes of the service have counted in one directory."""

    def __init__(self, directory: Path) -> None:
        """Take the directory."""
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        """Read every file. One that is still empty belongs to a process that is being started, or was then killed."""
        files = [str(file) for file in self._directory.glob(f"*{SUFFIX}") if file.stat().st_size]
        return _merge(files)
