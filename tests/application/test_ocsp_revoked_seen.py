"""A revocation that comes to be held ends the verdicts that were kept until then."""

from datetime import timedelta
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.evidence_store import HeldOcsp, OcspStore, StoreError
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import OCSP_URL, SUB, leaf, read
from tests.application.fakes import BrokenStore, Failing, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import NOW, Issued, days, hours

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(ocsp_urls=OCSP_URL)
SERIAL: Final = LEAF.serial_number
KEY: Final = store_key(LEAF, read(SUB))
GOOD: Final = SUB.ocsp(SERIAL, this_update=NOW - hours(2))
NEWER: Final = SUB.ocsp(SERIAL, this_update=NOW - hours(0.5))
REVOKED: Final = SUB.ocsp(SERIAL, status="revoked", this_update=NOW - hours(1))
AGAIN: Final = SUB.ocsp(SERIAL, status="revoked", this_update=NOW - hours(0.5))
ENDED: Final = SUB.ocsp(SERIAL, status="revoked", this_update=NOW - hours(9), next_update=NOW - hours(1))
ENDED_LATER: Final = SUB.ocsp(SERIAL, status="revoked", this_update=NOW - hours(8), next_update=NOW - hours(0.5))
DELEGATE: Final = SUB.issue("OCSP", extended_key_usage="OCSPSigning")
"""One that may be revoked itself."""


class Bell:
    """Counts how often it was rung, and may be broken."""

    def __init__(self, error: Exception | None = None) -> None:
        """Take what is wrong with it."""
        self.rung = 0
        self._error = error

    async def ring(self) -> None:
        """Count, or fail."""
        self.rung += 1
        if self._error is not None:
            raise self._error


async def rung(store: OcspStore, response: bytes, bell: Bell | None = None, clock: ManualClock | None = None) -> int:
    """How often the verdicts are ended where a responder says this."""
    bell = bell or Bell()
    rules = OcspRules(Policy(), 1.0, revoked_seen=bell.ring)
    origin = ScriptedOrigin({OCSP_URL: response})
    client = OcspClient(origin, store, clock or ManualClock(), NullObserver(), rules, RandomNonces())
    assert None is not (await client.ask(LEAF, read(SUB))).finding
    return bell.rung


async def hold(store: Store, response: bytes) -> None:
    """Hold an answer from before."""
    await store.put_ocsp(KEY, HeldOcsp(response, OCSP_URL, NOW, NOW + days(1)))


@pytest.mark.parametrize("before", [None, GOOD, b"garbage"], ids=["nothing", "good", "damaged"])
async def test_a_revocation(store: Store, before: bytes | None) -> None:
    """Whatever was held, unless that revoked already."""
    if before is not None:
        await hold(store, before)
    assert 1 == await rung(store, REVOKED)


@pytest.mark.parametrize(
    ("before", "response"), [(REVOKED, AGAIN), (REVOKED, REVOKED), (NEWER, REVOKED)], ids=["newer", "same", "older"]
)
async def test_no_news(store: Store, before: bytes, response: bytes) -> None:
    """What was known, and what does not take the place of something newer."""
    await hold(store, before)
    assert 0 == await rung(store, response)


@pytest.mark.parametrize(("after", "expected"), [(hours(1.5), 0), (hours(2.5), 1)], ids=["current", "ended"])
async def test_a_revocation_whose_time_is_over(store: Store, after: timedelta, expected: int) -> None:
    """While it had ended verdicts were kept without it, so that the next one is news; before that it is none."""
    await hold(store, SUB.ocsp(SERIAL, status="revoked", this_update=NOW - hours(1), next_update=NOW + hours(2)))
    clock = ManualClock()
    clock.advance(after.total_seconds())
    fresh = SUB.ocsp(SERIAL, status="revoked", this_update=NOW + hours(1), next_update=NOW + hours(5))
    assert expected == await rung(store, fresh, clock=clock)


@pytest.mark.parametrize(("response", "expected"), [(ENDED, 0), (ENDED_LATER, 0), (AGAIN, 1)])
async def test_one_that_has_ended_after_another(store: Store, response: bytes, expected: int) -> None:
    """A responder that signs nothing new does not end verdicts each time it is asked."""
    await hold(store, ENDED)
    assert expected == await rung(store, response)


@pytest.mark.parametrize(("signer", "expected"), [(SUB.issued, 1), (DELEGATE, 0)], ids=["issuer", "same delegate"])
async def test_a_delegate_that_may_be_revoked_itself(store: Store, signer: Issued, expected: int) -> None:
    """Whether anybody heard it nobody knows here: another's revocation is news, and its own is none."""

    def revoked(by: Issued, hours_ago: float) -> bytes:
        return SUB.ocsp(
            SERIAL, status="revoked", responder=by, certificates=[DELEGATE], this_update=NOW - hours(hours_ago)
        )

    await hold(store, revoked(DELEGATE, 1))
    assert expected == await rung(store, revoked(signer, 0.5))


@pytest.mark.parametrize("before", [None, GOOD, REVOKED])
async def test_good_ends_nothing(store: Store, before: bytes | None) -> None:
    """A newer good answer is heard when the verdict ends by itself."""
    if before is not None:
        await hold(store, before)
    assert 0 == await rung(store, NEWER)


async def test_what_cannot_be_held_is_no_news() -> None:
    """The request has its answer."""
    assert 0 == await rung(BrokenStore(Failing.PUT_OCSP), REVOKED)


async def test_verdicts_that_cannot_be_ended(store: Store) -> None:
    """They end by themselves; the request has its answer, and the revocation is held."""
    assert 1 == await rung(store, REVOKED, Bell(StoreError("the disk is full")))
    assert None is not store.find_ocsp(KEY)
