"""The world in which the examples of operators are true."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from service.application.breaker import BreakerState
from service.application.fleet.heartbeat import Heartbeat, Held, Hits, Role, Tallies
from service.application.fleet.heartbeats import FleetReport, Presence, ReplicaLine
from service.application.fleet.standing import Standing
from service.application.fleet.telling import FleetCounts
from service.application.ocsp_responders import ResponderReport
from service.application.operating.counts import CacheCounts, Counts, Decided, Latency, ResponderCounts
from service.application.operating.worker_state import CacheSize, WorkerState
from service.application.prefetch.source_record import PlaceRecord, SourceRecord
from service.core.prefetch.inventory import SourceKind
from tests.api.example_world import CRL_URL, DEVICE, ROOT, SUB
from tests.api.fakes import StandingClock
from tests.api.stores import trust_stores
from tests.api.world import World
from tests.operators import PID, STARTED_AT, Operators, given, held_crl, source
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
    operators.host.ocsp = (1, 1600)
    operators.counted.found = example_counts()
    operators.state, other = example_states()
    operators.states.others = [other]
    (report,) = trust_stores({"default": (ROOT,)}).report()
    operators.trust_stores = (replace(report, sources=("/etc/revet/trust-stores/default.pem",), since=STARTED_AT),)
    operators.fleet = example_fleet()
    return World(operators=operators, clock=clock)


def example_counts() -> Counts:
    """Thirteen decisions, nine of which were given again, and what was needed for them."""
    return Counts(
        STARTED_AT,
        {Decided("allow", "ok", "api"): 10, Decided("allow", "ok", "nginx"): 2, Decided("deny", "revoked", "api"): 1},
        Latency(((0.0005, 2), (0.001, 3), (0.25, 4)), 4, 0.0821),
        {
            ("memory", "verdict"): CacheCounts(9, 4),
            ("memory", "ocsp"): CacheCounts(40, 5),
            ("host", "crl"): CacheCounts(4, 0),
            ("host", "ocsp"): CacheCounts(2, 3),
            ("redis", "ocsp"): CacheCounts(2, 1),
            ("origin", "ocsp"): CacheCounts(1, 0),
        },
        {"http://ocsp.example:80": ResponderCounts(asked=3, failed=1, total_s=0.24, timed=3)},
        ocsp={"memory": 40, "host": 2, "refreshed": 1},
        fleet=FleetCounts(
            {("crl", "leased"): 1, ("crl", "miss"): 1, ("ocsp", "hit"): 2, ("ocsp", "leased"): 1, ("ocsp", "miss"): 1},
            {},
        ),
    )


def example_states() -> tuple[WorkerState, WorkerState]:
    """The worker that answers, and the other one, which said half a second ago how it stands."""
    responder = ResponderReport("http://ocsp.example:80", BreakerState.CLOSED, 0, NOW - timedelta(minutes=1))
    first = WorkerState(
        PID,
        NOW,
        (CacheSize("memory", "verdict", 2, 4096), CacheSize("memory", "ocsp", 1, 1600)),
        responders=(responder,),
    )
    caches = (CacheSize("memory", "verdict", 1, 2048), CacheSize("memory", "ocsp", 1, 1600))
    return first, WorkerState(PID + 1, NOW - timedelta(seconds=0.5), caches)


def example_fleet() -> Callable[[], Awaitable[FleetReport]]:
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
        tallies=Tallies(
            Hits(9, 4),
            Hits(42, 3),
            Hits(2, 2),
            leases_taken=2,
            refused=0,
            decisions={("allow", "ok"): 12, ("deny", "revoked"): 1},
        ),
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
    report = FleetReport("revet-0", authenticated=True, reason=None, replicas=lines, asked_s=0.0004)

    async def replicas() -> FleetReport:
        return report

    return replicas


def reading_uploads(world: World) -> World:
    """The same; what is uploaded there is the root's CRL, whatever it is."""
    assert world.operators is not None
    crl = held_crl(ROOT, "file:///uploads/root.crl", number=3)

    def attempt(record: SourceRecord) -> SourceRecord:
        return replace(record, state=replace(record.state, failures=0), given=(given(crl),), problem=None)

    world.operators.prefetcher.attempt = attempt
    return world
