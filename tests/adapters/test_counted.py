"""What the processes count, as numbers."""

from datetime import UTC, datetime

from service.adapters.counted import CountedMetrics
from service.adapters.fleet_metrics import FleetCounters
from service.adapters.metrics import PrometheusObserver
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.heartbeat import Hits, Tallies
from service.application.fleet.telling import FleetCounts, FleetEvent, RefusedDetails
from service.application.observer import DecisionDetails, OcspEvent
from service.core.model.failure import Code
from service.core.model.verdict import Decision

STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_decisions() -> None:
    """By kind; those that never were are left out."""
    observer = PrometheusObserver(STARTED_AT)
    for decision, code in ((Decision.ALLOW, Code.OK), (Decision.ALLOW, Code.OK), (Decision.DENY, Code.REVOKED)):
        observer.decided(DecisionDetails("id", decision, code, "default", 0.0003))
    counted = CountedMetrics(observer, None)
    assert {("allow", "ok"): 2, ("deny", "revoked"): 1} == counted.decisions()
    assert STARTED_AT == counted.started_at()


def test_the_fleet() -> None:
    """By kind and by what happened; what never did is left out."""
    observer = PrometheusObserver(STARTED_AT)
    fleet = FleetCounters(observer.registry)
    for event in (FleetEvent.HIT, FleetEvent.HIT, FleetEvent.MISS):
        fleet.fleet(EnvelopeKind.CRL, event)
    fleet.refused(RefusedDetails(EnvelopeKind.OCSP, Refusal.TOO_OLD))
    expected = FleetCounts({("crl", "hit"): 2, ("crl", "miss"): 1}, {("ocsp", "too_old"): 1})
    assert expected == CountedMetrics(observer, None).fleet()


def test_where_things_were_found() -> None:
    """Verdicts that were kept took no time; what was looked for in Redis was not on the host."""
    observer = PrometheusObserver(STARTED_AT)
    fleet = FleetCounters(observer.registry)
    for duration_s in (None, None, None, 0.0003):
        observer.decided(DecisionDetails("id", Decision.ALLOW, Code.OK, "default", duration_s))
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
    expected = Tallies(verdicts=Hits(3, 1), host=Hits(2, 6), redis=Hits(4, 2), leases_taken=2, refused=2)
    assert expected == CountedMetrics(observer, None).tallies()


def test_without_a_fleet() -> None:
    """Nothing was found in one."""
    counted = CountedMetrics(PrometheusObserver(STARTED_AT), None)
    nothing = Hits(0, 0)
    assert (FleetCounts({}, {}), Tallies(nothing, nothing, nothing, 0, 0)) == (counted.fleet(), counted.tallies())
