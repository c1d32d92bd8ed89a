"""Metrics for Prometheus: what happened, counted in every process, and the page that adds all of them up.

Rules it keeps: a label has few values, which we know beforehand (the names of trust stores and of CRL issuers are in
`metric_collectors`, with a limit); no label names a client certificate, neither by serial number nor by subject; a
process that was killed keeps counting as much as it had counted.

What it does not do: what is true at the moment of asking, rather than counted (`metric_collectors`).
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.adapters.cache_cells import CacheCells, OwnCacheCounts, SharedCacheCounts
from service.adapters.label_names import NAMES_SUFFIX, LabelNames
from service.adapters.metrics_directory import READER_PATIENCE_S, SUFFIX, is_left_behind, locked
from service.adapters.responder_metrics import ResponderCounters, responder_names
from service.application.cache_counting import ASKED_CRLS, ASKED_OCSP, looked
from service.application.caller_limits import Limited
from service.application.decision_records import API_FRONT
from service.application.fronts import Front
from service.application.observer import (
    UNKNOWN_FRONT,
    AuthorizedDetails,
    BlockDetails,
    DecisionDetails,
    FetchDetails,
    IgnoredDetails,
    IngestDetails,
    Ingested,
    OcspEvent,
    ShadowDetails,
    TrustStoreDetails,
)
from service.application.shadow import PUT_ASIDE
from service.application.trust_store_source import DEFAULT_STORE
from service.core.model.failure import Code
from service.core.model.verdict import Decision

VALIDATE_BUCKETS_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""From a verdict that needs no fetch (a quarter of a millisecond) to beyond the default deadline (half a second)."""

FETCH_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""From a responder in the same data centre to a large CRL over a slow line."""

OK: Final = "ok"
"""The result of what went well."""

FRONTS: Final = frozenset({API_FRONT, *Front})
"""Where requests come in."""

MAX_SHADOW_STORES: Final = 100
"""Trust stores that are labels of denials in shadow; a service may have thousands."""

OTHER_STORES: Final = "(other)"
"""The label of all others: no trust store can be called so."""

_KINDS: Final = ("crl", "ocsp")

_STORE_NAMES: Final = f"trust-stores{NAMES_SUFFIX}"

_merge: Final[Callable[[list[str]], Iterable[Metric]]] = MultiProcessCollector.merge


class PrometheusObserver:
    """Counts what it is told. Implements `service.application.observer.Observer`, and what is told of limits.

    One in a process.
    """

    def __init__(self, started_at: datetime, directory: Path | None = None) -> None:
        """Begin to count.

        Args:
            started_at: When this process was started; the earliest of all counts as the start of the service.
            directory: Where all processes count (`metrics_directory`); None where this one counts for itself.
        """
        self.registry = CollectorRegistry()
        self.cells = CacheCells(directory)
        self.registry.register(OwnCacheCounts(self.cells))
        self._origins = {"crl": self.cells.of(ASKED_CRLS), "ocsp": self.cells.of(ASKED_OCSP)}
        self.responder_names = responder_names(directory)
        self._responders = ResponderCounters(self.registry, self.responder_names)
        names = None if directory is None else directory / _STORE_NAMES
        self._shadow_stores = LabelNames(names, MAX_SHADOW_STORES, OTHER_STORES)
        self._decisions = Counter(
            "revet_validate_requests",
            "Decisions, by what the caller shall do, why, and where he asked.",
            ("decision", "code", "front"),
            registry=self.registry,
        )
        # Looked up once: an answer that is given again costs less than a label.
        self._decision_counts: dict[tuple[str, str, str], Counter] = {}
        self._count_front(API_FRONT)
        self._decision_seconds = Histogram(
            "revet_validate_duration_seconds",
            "From the request to its decision, fetches included.",
            buckets=VALIDATE_BUCKETS_S,
            registry=self.registry,
        )
        self._authorized = Counter(
            "revet_authorize_answers",
            "Answers to proxies, by who asked and why it was answered so.",
            ("front", "code"),
            registry=self.registry,
        )
        self._authorized_counts: dict[tuple[str, str], Counter] = {}
        self._refused = Counter(
            "revet_requests_refused",
            "Requests that were refused before anybody looked at what they ask, by which limit.",
            ("limit",),
            registry=self.registry,
        )
        self._not_kept = Counter(
            "revet_audit_failures",
            "Records of changes that could not be written.",
            registry=self.registry,
        )
        self._not_written = Counter(
            "revet_data_write_failures",
            "Writes to the data directory that failed: no room, or a disk that takes nothing.",
            registry=self.registry,
        )
        self._ignored = Counter(
            "revet_submissions_ignored",
            "Intermediates and pieces of evidence that came with a request and do not parse.",
            registry=self.registry,
        )
        self._fetches = Counter(
            "revet_fetch", "Fetches, by what for and what came of it.", ("kind", "result"), registry=self.registry
        )
        self._fetch_seconds = Histogram(
            "revet_fetch_duration_seconds",
            "From asking to knowing whether the answer is usable.",
            ("kind",),
            buckets=FETCH_BUCKETS_S,
            registry=self.registry,
        )
        self._ocsp = Counter(
            "revet_ocsp_events",
            "OCSP answers: where held ones were found, what was not asked, what was asked for ahead of its end.",
            ("event",),
            registry=self.registry,
        )
        self._shadow = Counter(
            "revet_shadow_denials",
            "Answers in shadow mode that would have been denials.",
            ("code", "trust_store"),
            registry=self.registry,
        )
        self._crls = Counter(
            "revet_crl_ingested", "CRLs downloaded, by what became of them.", ("outcome",), registry=self.registry
        )
        self._ocsp_events = {event: self._ocsp.labels(event.value) for event in OcspEvent}
        self._start(started_at)

    def decided(self, details: DecisionDetails) -> None:
        """Count it."""
        known = self._decision_counts.get((details.decision, details.code, details.front))
        (self._new_front(details) if known is None else known).inc()
        if details.duration_s is not None:
            self._decision_seconds.observe(details.duration_s)

    def authorized(self, details: AuthorizedDetails) -> None:
        """Count it."""
        labels = (details.front, details.code)
        counted = self._authorized_counts.get(labels)
        if counted is None:
            counted = self._authorized_counts[labels] = self._authorized.labels(*labels)
        counted.inc()

    def limited(self, why: Limited, caller: str) -> None:
        """Count it, and forget whose it was."""
        del caller
        self._refused.labels(why.value).inc()

    def audit_not_kept(self) -> None:
        """Count it."""
        self._not_kept.inc()

    def not_written(self) -> None:
        """Count it, whatever it was."""
        self._not_written.inc()

    def would_deny(self, details: ShadowDetails) -> None:
        """Count it, by the name of its trust store while there are few."""
        self._shadow.labels(details.code.value, self._shadow_stores.label(details.trust_store)).inc()

    def ignored(self, details: IgnoredDetails) -> None:
        """Count them."""
        self._ignored.inc(len(details.reasons))

    def fetched(self, details: FetchDetails) -> None:
        """Count it."""
        result = OK if details.problem is None else details.problem.value
        self._fetches.labels(details.kind, result).inc()
        self._fetch_seconds.labels(details.kind).observe(details.duration_s)
        looked(self._origins[details.kind], found=details.problem is None)
        if details.kind == "ocsp":
            self._responders.asked(details.url, result, details.duration_s)

    def ocsp(self, event: OcspEvent) -> None:
        """Count it."""
        self._ocsp_events[event].inc()

    def ingested(self, details: IngestDetails) -> None:
        """Count it."""
        self._crls.labels(details.outcome.value).inc()

    def trust_store_changed(self, details: TrustStoreDetails) -> None:
        """Nothing: what is in force is read off the trust stores themselves."""

    def blocks_changed(self, details: BlockDetails) -> None:
        """Nothing: how many there are is read off the store."""

    def _new_front(self, details: DecisionDetails) -> Counter:
        """What counts a decision whose front has not been met; one that is none is counted as unknown."""
        if details.front in FRONTS and (details.decision, details.code, details.front) not in self._decision_counts:
            self._count_front(details.front)
        found = self._decision_counts.get((details.decision, details.code, details.front))
        return found or self._decisions.labels(details.decision.value, details.code.value, UNKNOWN_FRONT)

    def _count_front(self, front: str) -> None:
        """Show zero for every code of a front."""
        for code in Code:
            decision = Decision.ALLOW if code is Code.OK else Decision.DENY
            counted = self._decisions.labels(decision.value, code.value, front)
            self._decision_counts[decision, code, front] = counted

    def _start(self, started_at: datetime) -> None:
        """Show zero where nothing has happened yet: a counter that appears with its first event hides that event."""
        started = Gauge(
            "revet_process_start_time_seconds",
            "When the service was started, in seconds since 1970.",
            registry=self.registry,
            multiprocess_mode="min",
        )
        if not _value(started):  # otherwise it goes on in the file of a process that was started before it
            started.set(started_at.timestamp())
        for kind in _KINDS:
            self._fetches.labels(kind, OK)
            self._fetch_seconds.labels(kind)
        for front in Front:
            self._authorized.labels(front.value, Code.OK.value)
        for outcome in Ingested:
            self._crls.labels(outcome.value)
        for why in Limited:
            self._refused.labels(why.value)
        for code in PUT_ASIDE:
            self._shadow.labels(code.value, DEFAULT_STORE)


def _value(gauge: Gauge) -> float:
    """What a gauge without labels says in this process."""
    return next(sample.value for metric in gauge.collect() for sample in metric.samples)


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
        self._caches = SharedCacheCounts(directory)

    def collect(self) -> Iterator[Metric]:
        """Read every file. One that is still empty belongs to a process that is being started, or was then killed."""
        with locked(self._directory, fcntl.LOCK_SH, READER_PATIENCE_S):
            try:
                found = self._read()
            except FileNotFoundError:  # somebody renames it all the same, and took longer than we have waited
                found = self._read()
        yield from found

    def _read(self) -> list[Metric]:
        files = [file for file in self._directory.glob(f"*{SUFFIX}") if file.stat().st_size]
        return [*_merge([str(file) for file in files if not is_left_behind(file)]), *self._caches.collect()]
