"""The world in which the examples of operators are true."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from service.application.breaker import BreakerState
from service.application.observer import OcspEvent
from service.application.ocsp_client import OcspReport
from service.application.ocsp_refresh import RefreshReport
from service.application.ocsp_responders import ResponderReport
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
    return World(operators=operators, clock=clock)


def reading_uploads(world: World) -> World:
    """The same; what is uploaded there is the root's CRL, whatever it is."""
    assert world.operators is not None
    crl = held_crl(ROOT, "file:///uploads/root.crl", number=3)

    def attempt(record: SourceRecord) -> SourceRecord:
        return replace(record, state=replace(record.state, failures=0), given=(given(crl),), problem=None)

    world.operators.prefetcher.attempt = attempt
    return world
