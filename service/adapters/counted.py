"""What the processes of the service have counted together, as numbers rather than as a page for Prometheus.

Rules it keeps: one question reads everything once, so that what belongs together in an answer was true together; what
never happened is left out.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from service.adapters.fleet_metrics import EVENTS, REFUSED
from service.adapters.metrics import PrometheusObserver, SharedCounters
from service.application.fleet.envelope import EnvelopeKind
from service.application.fleet.heartbeat import Hits, Tallies
from service.application.fleet.telling import FleetCounts, FleetEvent
from service.application.observer import OcspEvent
from service.application.operating.counts import CacheCounts, Counts, Decided, Latency, ResponderCounts

DECISIONS: Final = "revet_validate_requests_total"
"""The sample that counts decisions."""

LATENCY: Final = "revet_validate_duration_seconds"
"""The histogram of how long they took that were not given again: what was kept takes no time."""

DECIDED: Final = f"{LATENCY}_count"
"""The sample that counts those."""

STARTED: Final = "revet_process_start_time_seconds"
"""The sample that says when the service was started: the earliest of all processes'."""

OCSP: Final = "revet_ocsp_events_total"
"""The sample that counts where OCSP answers were found."""

CACHE_HITS: Final = "revet_cache_hits_total"
CACHE_MISSES: Final = "revet_cache_misses_total"
CACHE_EVICTIONS: Final = "revet_cache_evictions_total"

RESPONDERS: Final = "revet_responder_requests_total"
"""The sample that counts questions to responders, by host and result."""

RESPONDER_TIMES: Final = "revet_responder_duration_seconds"
"""The summary of how long they took."""

ANSWERED: Final = "ok"
"""The result of a question that was answered usably."""

SHADOW: Final = "revet_shadow_denials_total"

FLEET_EVENTS: Final = f"{EVENTS}_total"
FLEET_REFUSED: Final = f"{REFUSED}_total"

_OCSP: Final = frozenset({EnvelopeKind.OCSP.value})
_SHARED: Final = frozenset({EnvelopeKind.CRL.value, EnvelopeKind.OCSP.value})
"""The kinds of what is looked for in Redis."""

_FOUND: Final = frozenset({OcspEvent.MEMORY.value, OcspEvent.HOST.value})
"""Of OCSP answers: the host had it."""

_NOT_FOUND: Final = frozenset(
    one.value for one in (FleetEvent.HIT, FleetEvent.LEASED, FleetEvent.OVERDUE, FleetEvent.UNAVAILABLE)
)
"""Of the fleet's, how looking for what the host had not may end; a question has one of these ends."""

_Key = TypeVar("_Key", bound=Hashable)

_Samples: TypeAlias = Mapping[str, list[Sample]]
"""All of them, by name."""


class CountedMetrics:
    """Implements `service.application.operating.counts.Counted`, and what the fleet asks for."""

    def __init__(self, observer: PrometheusObserver, directory: Path | None) -> None:
        """Take the counters.

        Args:
            observer: Those of this process.
            directory: Where all processes count; None where this one counts for itself.
        """
        self._collector: Collector = observer.registry if directory is None else SharedCounters(directory)

    def counts(self) -> Counts:
        """All of it; reads a file for each process and kind of metric: for threads."""
        found = self._samples()
        return Counts(
            started_at=_started_at(found),
            decisions=_sums(found, DECISIONS, _decided),
            latency=_latency(found),
            caches=_caches(found),
            responders=_responders(found),
            shadow=_pairs(found, SHADOW, "code", "trust_store"),
            ocsp=_sums(found, OCSP, lambda sample: sample.labels["event"]),
            fleet=FleetCounts(
                _pairs(found, FLEET_EVENTS, "kind", "event"), _pairs(found, FLEET_REFUSED, "kind", "reason")
            ),
        )

    def started_at(self) -> datetime:
        """When the service was started."""
        return _started_at(self._samples())

    def tallies(self) -> Tallies:
        """How often what was found where since the service was started; for threads."""
        found = self._samples()
        decided, asked = _total(found, DECIDED), _total(found, DECISIONS)
        return Tallies(
            verdicts=Hits(max(0, asked - decided), decided),
            host=Hits(
                _total(found, OCSP, event=_FOUND),
                _total(found, FLEET_EVENTS, kind=_OCSP, event=_NOT_FOUND),
            ),
            redis=Hits(
                _total(found, FLEET_EVENTS, kind=_SHARED, event=frozenset({FleetEvent.HIT.value})),
                _total(found, FLEET_EVENTS, kind=_SHARED, event=frozenset({FleetEvent.MISS.value})),
            ),
            leases_taken=_total(found, FLEET_EVENTS, event=frozenset({FleetEvent.LEASED.value})),
            refused=_total(found, FLEET_REFUSED),
            decisions=_pairs(found, DECISIONS, "decision", "code"),
        )

    def _samples(self) -> _Samples:
        found: defaultdict[str, list[Sample]] = defaultdict(list)
        for metric in self._collector.collect():
            for sample in metric.samples:
                found[sample.name].append(sample)
        return dict(found)


def _started_at(found: _Samples) -> datetime:
    seconds = [sample.value for sample in found.get(STARTED, ())]
    return datetime.fromtimestamp(min(seconds, default=0.0), UTC)


def _decided(sample: Sample) -> Decided:
    labels = sample.labels
    return Decided(labels["decision"], labels["code"], labels["front"])


def _latency(found: _Samples) -> Latency:
    """The histogram, with buckets that nothing is in: what is interpolated begins where the one before ends."""
    bounds = {float(sample.labels["le"]): int(sample.value) for sample in found.get(f"{LATENCY}_bucket", ())}
    total_s = sum(sample.value for sample in found.get(f"{LATENCY}_sum", ()))
    buckets = tuple((bound, bounds[bound]) for bound in sorted(bounds) if isfinite(bound))
    return Latency(buckets, _total(found, DECIDED), total_s)


def _caches(found: _Samples) -> Mapping[tuple[str, str], CacheCounts]:
    hits, misses, evictions = (
        _pairs(found, name, "tier", "kind") for name in (CACHE_HITS, CACHE_MISSES, CACHE_EVICTIONS)
    )
    return {
        key: CacheCounts(hits.get(key, 0), misses.get(key, 0), evictions.get(key, 0))
        for key in sorted(hits.keys() | misses.keys() | evictions.keys())
    }


def _responders(found: _Samples) -> Mapping[str, ResponderCounts]:
    asked = _sums(found, RESPONDERS, _host)
    answered = _sums(found, RESPONDERS, _host, lambda sample: sample.labels["result"] == ANSWERED)
    timed = _sums(found, f"{RESPONDER_TIMES}_count", _host)
    seconds = {_host(sample): sample.value for sample in found.get(f"{RESPONDER_TIMES}_sum", ())}
    return {
        host: ResponderCounts(count, count - answered.get(host, 0), seconds.get(host, 0.0), timed.get(host, 0))
        for host, count in sorted(asked.items())
    }


def _host(sample: Sample) -> str:
    return sample.labels["host"]


def _pairs(found: _Samples, name: str, first: str, second: str) -> Mapping[tuple[str, str], int]:
    """The values of a sample by two of its labels."""
    return _sums(found, name, lambda sample: (sample.labels[first], sample.labels[second]))


def _sums(
    found: _Samples,
    name: str,
    key: Callable[[Sample], _Key],
    wanted: Callable[[Sample], bool] | None = None,
) -> Mapping[_Key, int]:
    """The values of a sample by what its labels say; those that are zero are left out."""
    sums: Counter[_Key] = Counter()
    for sample in found.get(name, ()):
        if sample.value and (wanted is None or wanted(sample)):
            sums[key(sample)] += int(sample.value)
    return dict(sums)


def _total(found: _Samples, name: str, **among: frozenset[str]) -> int:
    """The sum of a sample, of those alone whose labels are among these."""
    return sum(
        int(sample.value)
        for sample in found.get(name, ())
        if all(sample.labels[label] in values for label, values in among.items())
    )
