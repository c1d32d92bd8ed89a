"""What the processes count, as numbers."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.adapters.counted import CountedMetrics
from service.adapters.fleet_metrics import FleetCounters
from service.adapters.metrics import VALIDATE_BUCKETS_S, PrometheusObserver
from service.adapters.responder_metrics import ResponderCounters, responder_names
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.heartbeat import Hits, Tallies
from service.application.fleet.telling import FleetCounts, FleetEvent, RefusedDetails
from service.application.observer import DecisionDetails, OcspEvent, ShadowDetails
from service.application.operating.counts import CacheCounts, Decided, ResponderCounts
from service.core.model.failure import Code
from service.core.model.verdict import Decision

STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


class AsCollector(Collector):
    """What one registry has, in another one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Take it."""
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        """All of it."""
        return self._registry.collect()


def test_decisions() -> None:
    """By kind; those that never were are left out."""
    observer = PrometheusObserver(STARTED_AT)
    for decision, code in ((Decision.ALLOW, Code.OK), (Decision.ALLOW, Code.OK), (Decision.DENY, Code.REVOKED)):
        observer.decided(DecisionDetails("id", decision, code, "default", "api", 0.0003))
    observer.decided(DecisionDetails("id", Decision.DENY, Code.REVOKED, "default", "nginx", None))
    counted = CountedMetrics(observer, None)
    found = counted.counts()
    assert {
        Decided("allow", "ok", "api"): 2,
        Decided("deny", "revoked", "api"): 1,
        Decided("deny", "revoked", "nginx"): 1,
    } == found.decisions
    assert (STARTED_AT, STARTED_AT) == (found.started_at, counted.started_at())
    assert {("allow", "ok"): 2, ("deny", "revoked"): 2} == counted.tallies().decisions


def test_latency() -> None:
    """Every bound is there, whatever is in it; what was given again is not."""
    observer = PrometheusObserver(STARTED_AT)
    for duration_s in (0.0003, 0.0004, 30.0, None):
        observer.decided(DecisionDetails("id", Decision.ALLOW, Code.OK, "default", "api", duration_s))
    latency = CountedMetrics(observer, None).counts().latency
    assert VALIDATE_BUCKETS_S == tuple(bound for bound, _ in latency.buckets)
    assert [0, 0, 2] == [count for _, count in latency.buckets[:3]]
    assert (3, 2) == (latency.count, latency.buckets[-1][1])
    assert pytest.approx(30.0007) == latency.total_s
    assert pytest.approx(0.000375) == latency.quantile(1 / 3)
    assert VALIDATE_BUCKETS_S[-1] == latency.quantile(0.99)


def test_caches_and_responders() -> None:
    """By tier and kind, and by host; a question fails that is not answered usably."""
    observer = PrometheusObserver(STARTED_AT)
    registry = CollectorRegistry()
    for name, counts in (("hits", {"verdict": 2}), ("misses", {"verdict": 1, "ocsp": 4}), ("evictions", {"ocsp": 3})):
        counter = Counter(f"revet_cache_{name}", "As told.", ("tier", "kind"), registry=registry)
        for kind, count in counts.items():
            counter.labels("memory", kind).inc(count)
    asked = ResponderCounters(registry, responder_names(None))
    for result in ("ok", "timed_out", "ok", "unreachable"):
        asked.asked("http://a.example/ocsp", result, 0.25)
    asked.asked("http://b.example/ocsp", "timed_out", 0.5)
    observer.registry.register(AsCollector(registry))
    found = CountedMetrics(observer, None).counts()
    assert {
        ("memory", "ocsp"): CacheCounts(0, 4, 3),
        ("memory", "verdict"): CacheCounts(2, 1, 0),
    } == {key: one for key, one in found.caches.items() if key[0] == "memory"}
    assert {
        "http://a.example:80": ResponderCounts(4, 2, 1.0, 4),
        "http://b.example:80": ResponderCounts(1, 1, 0.5, 1),
    } == found.responders


def test_other_events() -> None:
    """Denials in shadow by code and trust store, and what happened to OCSP answers."""
    observer = PrometheusObserver(STARTED_AT)
    for _ in range(2):
        observer.would_deny(ShadowDetails("id", Code.REVOKED, "partners"))
    observer.ocsp(OcspEvent.REFRESHED)
    found = CountedMetrics(observer, None).counts()
    assert ({("revoked", "partners"): 2}, {"refreshed": 1}) == (found.shadow, found.ocsp)


def test_the_fleet() -> None:
    """By kind and by what happened; what never did is left out."""
    observer = PrometheusObserver(STARTED_AT)
    fleet = FleetCounters(observer.registry)
    for event in (FleetEvent.HIT, FleetEvent.HIT, FleetEvent.MISS):
        fleet.fleet(EnvelopeKind.CRL, event)
    fleet.refused(RefusedDetails(EnvelopeKind.OCSP, Refusal.TOO_OLD))
    expected = FleetCounts({("crl", "hit"): 2, ("crl", "miss"): 1}, {("ocsp", "too_old"): 1})
    assert expected == CountedMetrics(observer, None).counts().fleet


def test_where_things_were_found() -> None:
    """Verdicts that were kept took no time; what was looked for in Redis was not on the host."""
    observer = PrometheusObserver(STARTED_AT)
    fleet = FleetCounters(observer.registry)
    for duration_s in (None, None, None, 0.0003):
        observer.decided(DecisionDetails("id", Decision.ALLOW, Code.OK, "default", "api", duration_s))
    for found in (OcspEvent.MEMORY, OcspEvent.HOST, OcspEvent.REFRESHED):
        observer.ocsp(found)
    happened = (
        *[(EnvelopeKind.OCSP, FleetEvent.HIT)] * 3,
        *[(EnvelopeKind.OCSP, event) for event in (FleetEvent.MISS, FleetEvent.LEASED, FleetEvent.OVERDUE)],
        *[(EnvelopeKind.OCSP, event) for event in (FleetEvent.UNAVAILABLE, FleetEvent.WAITED, FleetEvent.WRITTEN)],
        *[(EnvelopeKind.CRL, event) for event in (FleetEvent.HIT, FleetEvent.MISS, FleetEvent.LEASED)],
        (EnvelopeKind.BLOCK, FleetEvent.WRITTEN),
    )
    for kind, event in happened:
        fleet.fleet(kind, event)
    for kind in (EnvelopeKind.CRL, EnvelopeKind.BLOCK):
        fleet.refused(RefusedDetails(kind, Refusal.UNAUTHENTIC))
    expected = Tallies(Hits(3, 1), Hits(2, 6), Hits(4, 2), 2, 2, {("allow", "ok"): 4})
    assert expected == CountedMetrics(observer, None).tallies()


def test_without_a_fleet() -> None:
    """Nothing was found in one."""
    counted = CountedMetrics(PrometheusObserver(STARTED_AT), None)
    nothing = Hits(0, 0)
    assert (FleetCounts({}, {}), Tallies(nothing, nothing, nothing, 0, 0, {})) == (
        counted.counts().fleet,
        counted.tallies(),
    )
