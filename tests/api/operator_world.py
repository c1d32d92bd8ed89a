"""The world in which the examples of operators are true."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from service.application.breaker import BreakerState
from service.application.fleet.heartbeat import Heartbeat, Held, Hits, Role, Tallies
from service.application.fleet.heartbeats import FleetReport, Presence, ReplicaLine
from service.application.fleet.standing import Standing
from service.application.fleet.telling import FleetCounts
from service.application.observer import OcspEvent
from service.application.ocsp_client import OcspReport
from service.application.ocsp_refresh import RefreshReport
from service.application.ocsp_responders import ResponderReport
from service.application.operating.statistics import FleetPorts
from service.application.prefetch.source_record import PlaceRecord, SourceRecord
from service.core.prefetch.inventory import SourceKind
from tests.api.example_world import CRL_URL, DEVICE, ROOT, SUB
from tests.api.fakes import StandingClock
from tests.api.stores import trust_stores
from tests.api.world import World
from tests.operators import Operators, given, held_crl, source
from tests.pki import NOW, REVOKED_AT

PLACE: Final = "file:///etc/revet/crls"
FETCHED_AT: Final = NOW - timedelta(minutes=5)


def operator_world() -> World:
    """A service that was started an hour ago and holds one CRL, which a certificate named."""
    clock = StandingClock()
    operators = Operators(clock)
    revoked = {DEVICE.serial: (REVOKED_AT, "keyCompromise")}
    crl = held_crl(SUB, CRL_URL, FETCHED_AT, revoked=revoked, number=7)
    operators.host.crls.append(crl)
    operators.host.records.append(source(CRL_URL, crl, kind=SourceKind.LEARNED, at=FETCHED_AT))
    operators.host.listings.append(PlaceRecord(PLACE, NOW - timedelta(hours=1), 0))
    refreshes = RefreshReport(renewed=1, unchanged=0, failed=0, dropped=0, under_way=0)
    responder = ResponderReport("http://ocsp.example:80", BreakerState.CLOSED, 0, NOW - timedelta(minutes=1))
    events = {OcspEvent.MEMORY: 40, OcspEvent.HOST: 2, OcspEvent.REFRESHED: 1}
    operators.ocsp = OcspReport((responder,), events, refreshes, remembered=0, in_memory=2)
    operators.trust_stores = trust_stores({"default": (ROOT,)}).report()
    operators.fleet = example_fleet()
    return World(operators=operators, clock=clock)


def example_fleet() -> FleetPorts:
    """Two replicas, the second of which went four minutes ago."""
    first = Heartbeat(
        name="revet-0",
        at=NOW - timedelta(seconds=1),
        instance="5c1f0e6d2b7a4938",
        version="1.2.3",
        role=Role.SERVICE,
        started_at=NOW - timedelta(hours=1),
        workers=2,
        held=Held(generation=7, crls=1, crls_digest="a1c03ef09b52", blocks=2),
        standing=Standing.CURRENT,
        reason="",
        leases_held=0,
        name_taken=False,
        tallies=Tallies(Hits(9, 4), Hits(42, 3), Hits(2, 2), leases_taken=2, refused=0),
    )
    second = replace(
        first,
        name="revet-1",
        at=NOW - timedelta(minutes=4),
        instance="90d2b1c4e8f7a635",
        standing=Standing.BEHIND,
        reason="TimeoutError",
        tallies=Tallies(Hits(0, 1), Hits(0, 1), Hits(1, 0), leases_taken=0, refused=1),
    )
    lines = (ReplicaLine(Presence.PRESENT, first), ReplicaLine(Presence.GONE, second))
    report = FleetReport("revet-0", authenticated=True, reason=None, replicas=lines)
    events = {("crl", "leased"): 1, ("crl", "miss"): 1, ("ocsp", "hit"): 2, ("ocsp", "leased"): 1, ("ocsp", "miss"): 1}

    async def replicas() -> FleetReport:
        return report

    return FleetPorts(replicas, lambda: FleetCounts(events, {}))


def reading_uploads(world: World) -> World:
    """The same; what is uploaded there is the root's CRL, whatever it is."""
    assert world.operators is not None
    crl = held_crl(ROOT, "file:///uploads/root.crl", number=3)

    def attempt(record: SourceRecord) -> SourceRecord:
        return replace(record, state=replace(record.state, failures=0), given=(given(crl),), problem=None)

    world.operators.prefetcher.attempt = attempt
    return world
