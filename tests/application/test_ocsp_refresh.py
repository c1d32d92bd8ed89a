"""Hot answers are asked for ahead of their end, in the background, and nobody waits for that or is disturbed by it."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.application.evidence_store import HeldOcsp, OcspStore
from service.application.observer import NullObserver, OcspEvent
from service.application.ocsp_refresh import (
    FRACTION,
    JITTER,
    LONGEST_REST_S,
    MOST_AT_ONCE,
    REST_S,
    OcspRefresher,
    RefreshReport,
    RefreshRules,
    Used,
)
from service.application.validate import Fetching
from service.core.model.certificate import Certificate
from service.core.model.policy import EvidenceOrder, OcspNonce, Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import OCSP_URL, ROOT, SUB, leaf, read
from tests.application.fakes import BrokenStore, Failing, settle
from tests.application.manual_clock import ManualClock
from tests.application.world import ALLOWED, LEAF_ALONE, REVOKED, World, request, world
from tests.pki import NOW, days, hours

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(ocsp_urls=OCSP_URL)
SERIAL: Final = LEAF.serial_number
ISSUER: Final = read(SUB)
KEY: Final = store_key(LEAF, ISSUER)
LIFE: Final = timedelta(hours=10)
USED: Final = Used(LEAF, ISSUER, NOW, NOW + LIFE)


def answer(this_update: datetime = NOW, status: str = "good") -> bytes:
    """An answer about the leaf that is good for ten hours."""
    end = this_update + LIFE
    if status == "revoked":
        return SUB.ocsp(SERIAL, this_update=this_update, next_update=end, produced_at=this_update, status="revoked")
    return SUB.ocsp(SERIAL, this_update=this_update, next_update=end, produced_at=this_update)


async def hold(store: Store, response: bytes, fetched_at: datetime = NOW, key: bytes = KEY) -> None:
    """Put an answer into the store."""
    await store.put_ocsp(key, HeldOcsp(response, OCSP_URL, fetched_at, fetched_at + days(1)))


class Counting(NullObserver):
    """Keeps what it is told of answers."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[OcspEvent] = []

    def ocsp(self, event: OcspEvent) -> None:
        """Keep it."""
        self.events.append(event)


class Asker:
    """Asks in place of the client: counts, waits at a gate, and puts what comes into the store."""

    def __init__(self, store: Store | None, response: bytes | None, clock: ManualClock) -> None:
        """Take what comes; the gate is open."""
        self.asked: list[Certificate] = []
        self.under_way = 0
        self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.response = response
        self._store = store
        self._clock = clock

    async def ask(self, certificate: Certificate, issuer: Certificate) -> None:
        """Ask about one certificate."""
        self.asked.append(certificate)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.gate.wait()
        self.under_way -= 1
        if self._store is not None and self.response is not None:
            await hold(self._store, self.response, self._clock.now(), store_key(certificate, issuer))


@dataclass(slots=True)
class Shell:
    """A refresher, and what is around it."""

    refresher: OcspRefresher
    asker: Asker
    clock: ManualClock
    observer: Counting

    async def use(self, used: Used = USED) -> int:
        """Use an answer; how often somebody was asked for a new one by now."""
        self.refresher.used(used)
        await self.done()
        return len(self.asker.asked)

    async def done(self) -> None:
        """Wait until nothing is under way."""
        async with asyncio.timeout(30):
            while self.asker.gate.is_set() and self.refresher.report().under_way:
                await settle()
        await settle()


def shell(
    store: OcspStore,
    response: bytes | None = None,
    policy: Policy = LEAF_ALONE,
    rules: RefreshRules | None = None,
) -> Shell:
    """A refresher over a store."""
    clock, observer = ManualClock(), Counting()
    asker = Asker(store if isinstance(store, Store) else None, response, clock)
    refresher = OcspRefresher(asker.ask, store, clock, observer, policy, rules or RefreshRules())
    return Shell(refresher, asker, clock, observer)


def point(fraction: float) -> float:
    """Seconds after which that much of an answer's life has passed."""
    return (LIFE * fraction).total_seconds()


@pytest.mark.parametrize(
    ("fraction", "asked"), [(FRACTION * (1 - JITTER) - 0.001, 0), (FRACTION, 1), (0.99, 1), (1.5, 1)]
)
async def test_when(store: Store, fraction: float, asked: int) -> None:
    """Not before the earliest moment, and always behind the latest one, the answer's end included."""
    await hold(store, answer())
    here = shell(store, answer(NOW + hours(1)))
    here.clock.advance(point(fraction))
    assert asked == await here.use()


async def test_not_all_at_once(store: Store) -> None:
    """Of answers that began together, some are due before others, each always at the same moment."""
    here = shell(store)
    due = []
    for number in range(20):
        certificate = leaf(f"leaf {number}", ocsp_urls=OCSP_URL)
        await hold(store, answer(), key=store_key(certificate, ISSUER))
        due.append(replace(USED, certificate=certificate))
    here.clock.advance(point(FRACTION * (1 - JITTER / 2)))
    for _ in range(2):
        for used in due:
            here.refresher.used(used)
        await here.done()
        assert 0 < len(here.asker.asked) < 20


async def test_another_fraction(store: Store) -> None:
    """It is the operator's."""
    await hold(store, answer())
    here = shell(store, answer(NOW + hours(1)), rules=RefreshRules(fraction=0.9))
    here.clock.advance(point(0.7))
    assert 0 == await here.use()
    here.clock.advance(point(0.2))
    assert 1 == await here.use()


@pytest.mark.parametrize(
    ("max_age", "seconds", "asked"),
    [(None, 119, 0), (None, 151, 1), (timedelta(seconds=1000), 399, 0), (timedelta(seconds=1000), 501, 1)],
)
async def test_without_next_update(store: Store, max_age: timedelta | None, seconds: float, asked: int) -> None:
    """The longest age is the life: five minutes, or what the operator says."""
    await hold(store, answer())
    here = shell(store, answer(NOW + hours(1)), policy=Policy(max_evidence_age=max_age))
    here.clock.advance(seconds)
    assert asked == await here.use(replace(USED, next_update=None))


async def test_the_longest_age_ends_it_sooner(store: Store) -> None:
    """Whatever nextUpdate says."""
    await hold(store, answer())
    here = shell(store, answer(NOW + hours(1)), policy=Policy(max_evidence_age=timedelta(hours=1)))
    here.clock.advance(1801)
    assert 1 == await here.use()


async def test_an_answer_that_ends_before_it_begins(store: Store) -> None:
    """It has no life: it is asked for again within seconds."""
    await hold(store, answer())
    here, used = shell(store), replace(USED, next_update=NOW - hours(1), this_update=NOW - hours(0.5))
    assert 0 == await here.use(used)
    here.clock.advance(REST_S)
    assert 1 == await here.use(used)


@pytest.mark.parametrize("nonce", [OcspNonce.REQUEST, OcspNonce.REQUIRE])
async def test_with_nonces_nothing_is_refreshed(store: Store, nonce: OcspNonce) -> None:
    """Each request asks for itself."""
    await hold(store, answer())
    here = shell(store, policy=Policy(ocsp_nonce=nonce))
    here.clock.advance(point(0.9))
    assert 0 == await here.use()


async def test_nobody_to_ask(store: Store) -> None:
    """A certificate without a responder."""
    certificate = leaf("quiet")
    await hold(store, answer(), key=store_key(certificate, ISSUER))
    here = shell(store)
    here.clock.advance(point(0.9))
    assert 0 == await here.use(replace(USED, certificate=certificate))


async def test_nothing_is_held(store: Store) -> None:
    """The answer came with the request, or is gone: the next request asks by itself."""
    here = shell(store)
    here.clock.advance(point(0.9))
    assert 0 == await here.use()


async def test_a_store_that_fails() -> None:
    """Nobody is disturbed."""
    here = shell(BrokenStore(Failing.OCSP))
    here.clock.advance(point(0.9))
    assert 0 == await here.use()


async def test_one_flight_each(store: Store) -> None:
    """While it is under way, a hundred uses change nothing, and none of them waits."""
    await hold(store, answer())
    here = shell(store, answer(NOW + hours(5)))
    here.asker.gate.clear()
    here.clock.advance(point(0.6))
    for _ in range(100):
        here.refresher.used(USED)
    await settle()
    assert (1, 1) == (len(here.asker.asked), here.refresher.report().under_way)
    here.asker.gate.set()
    await here.done()
    assert RefreshReport(1, 0, 0, 0, 0) == here.refresher.report()
    assert [OcspEvent.REFRESHED] == here.observer.events


async def test_so_many_at_once(store: Store) -> None:
    """The others wait; where no more may wait, they are dropped, and asked for when they are used again."""
    rules = RefreshRules(at_once=2, waiting=3)
    here = shell(store, rules=rules)
    here.asker.gate.clear()
    here.clock.advance(point(0.9))
    every = []
    for number in range(7):
        certificate = leaf(f"leaf {number}", ocsp_urls=OCSP_URL)
        await hold(store, answer(), key=store_key(certificate, ISSUER))
        every.append(replace(USED, certificate=certificate))
    for used in every:
        here.refresher.used(used)
    await settle()
    assert (2, 5, 2) == (here.asker.most, here.refresher.report().under_way, here.refresher.report().dropped)
    here.asker.gate.set()
    await here.done()
    assert (2, 5) == (here.asker.most, len(here.asker.asked))
    for used in every:
        here.refresher.used(used)
    await here.done()
    assert 7 == len(here.asker.asked)
    assert rules.at_once < MOST_AT_ONCE


async def test_another_worker_was_quicker(store: Store) -> None:
    """What it put into the store while this one waited for a place is not asked for again."""
    here = shell(store, rules=RefreshRules(at_once=1))
    here.asker.gate.clear()
    here.clock.advance(point(0.6))
    other = replace(USED, certificate=leaf("other", ocsp_urls=OCSP_URL))
    for used in (other, USED):
        await hold(store, answer(), key=store_key(used.certificate, ISSUER))
        here.refresher.used(used)
    await settle()
    await hold(store, answer(here.clock.now()), here.clock.now())
    here.asker.gate.set()
    await here.done()
    assert [other.certificate] == here.asker.asked


async def test_another_worker_has_refreshed_before(store: Store) -> None:
    """Whoever used the answer of before finds a new row."""
    here = shell(store)
    here.clock.advance(point(0.6))
    await hold(store, answer(here.clock.now()), here.clock.now())
    here.refresher.used(USED)
    assert 0 == here.refresher.report().under_way
    assert 0 == await here.use()


async def test_a_responder_that_signs_ahead(store: Store) -> None:
    """It has nothing newer: half of what is left is waited for, then half of that, and never less than seconds."""
    await hold(store, answer())
    here = shell(store, answer())
    here.clock.advance(point(0.6))
    assert 1 == await here.use()
    here.clock.advance(point(0.15))
    assert 1 == await here.use()
    here.clock.advance(point(0.05))
    assert 2 == await here.use()
    here.clock.advance(point(0.2))
    assert 3 == await here.use()
    here.clock.advance(REST_S - 1)
    assert 3 == await here.use()
    assert (0, 3, 0) == (
        here.refresher.report().renewed,
        here.refresher.report().unchanged,
        here.refresher.report().failed,
    )


async def test_failures_are_waited_for(store: Store) -> None:
    """For twice as long each time, up to a minute; nothing else changes, and a purge ends it."""
    await hold(store, answer())
    here = shell(store)
    here.clock.advance(point(0.6))
    passed = []
    for asked in range(1, 8):
        passed.append(0)
        while await here.use() < asked:
            here.clock.advance(1)
            passed[-1] += 1
    assert [0, REST_S, 10, 20, 40, LONGEST_REST_S, LONGEST_REST_S] == passed
    here.refresher.forget()
    assert 8 == await here.use()
    assert 8 == here.refresher.report().failed
    held = store.find_ocsp(KEY)
    assert held is not None
    assert answer() == held.response


async def test_after_a_success_there_is_no_rest(store: Store) -> None:
    """The next failure is the first one."""
    await hold(store, answer())
    here = shell(store)
    here.clock.advance(point(0.6))
    assert 1 == await here.use()
    here.clock.advance(REST_S)
    renewed = here.clock.now()
    here.asker.response = answer(renewed)
    assert 2 == await here.use()
    here.asker.response = None
    here.clock.advance(point(0.6))
    used = replace(USED, this_update=renewed, next_update=renewed + LIFE)
    assert 3 == await here.use(used)
    here.clock.advance(REST_S)
    assert 4 == await here.use(used)


async def test_closing(store: Store) -> None:
    """What is under way ends, and what waits."""
    await hold(store, answer())
    here = shell(store)
    here.asker.gate.clear()
    here.clock.advance(point(0.6))
    here.refresher.used(USED)
    await settle()
    async with asyncio.timeout(30):
        await here.refresher.aclose()
    await settle()
    assert 0 == here.refresher.report().under_way


# --- a service -------------------------------------------------------------------------------------------------------


async def service(store: Store, directory: Path, *, status: str = "good") -> World:
    """A service that holds an answer of whose life more than half has passed."""
    here = world(store, directory)
    here.clock.advance(point(0.6))
    await hold(store, answer(status=status))
    here.origin.answers[OCSP_URL] = answer(NOW + hours(5))
    return here


async def refreshed(here: World) -> None:
    """Wait until nothing is under way."""
    async with asyncio.timeout(30):
        while here.client.report().refreshes.under_way:
            await settle()


async def test_a_hot_certificate_never_waits(store: Store, tmp_path: Path) -> None:
    """The request is answered by what is held, while the responder is silent; the next one has the new answer."""
    here = await service(store, tmp_path)
    here.origin.gate.clear()
    assert ALLOWED == await here.ask(LEAF)
    await here.origin.asked.wait()
    assert ALLOWED == await here.ask(LEAF)
    assert 1 == len(here.origin.requests)
    here.origin.gate.set()
    await refreshed(here)
    assert ALLOWED == await here.ask(LEAF)
    assert NOW + hours(5) == here.asked[-1].verdict.path[0].revocation.this_update
    assert (1, 1) == (len(here.origin.requests), here.client.report().refreshes.renewed)


async def test_a_revocation_that_comes_ahead(store: Store, tmp_path: Path) -> None:
    """It counts with the next request."""
    here = await service(store, tmp_path)
    here.origin.answers[OCSP_URL] = answer(NOW + hours(5), "revoked")
    assert ALLOWED == await here.ask(LEAF)
    await refreshed(here)
    assert REVOKED == await here.ask(LEAF)


async def test_what_revokes_is_refreshed_too(store: Store, tmp_path: Path) -> None:
    """A certificate that was on hold is allowed again without waiting for the answer's end."""
    here = await service(store, tmp_path, status="revoked")
    assert REVOKED == await here.ask(LEAF)
    await refreshed(here)
    assert ALLOWED == await here.ask(LEAF)


async def test_a_refresh_that_fails_disturbs_nobody(store: Store, tmp_path: Path) -> None:
    """What is held serves until its end."""
    here = await service(store, tmp_path)
    here.origin.answers.clear()
    assert [ALLOWED] * 3 == [await here.ask(LEAF) for _ in range(3)]
    await refreshed(here)
    assert (1, 1) == (len(here.origin.requests), here.client.report().refreshes.failed)
    here.client.forget()
    assert ALLOWED == await here.ask(LEAF)
    await refreshed(here)
    assert 2 == len(here.origin.requests)


@pytest.mark.parametrize("passed", [False, True], ids=["offline", "in the past"])
async def test_requests_that_may_not_fetch(store: Store, tmp_path: Path, *, passed: bool) -> None:
    """They refresh nothing."""
    here = await service(store, tmp_path)
    asked = request(LEAF, at=here.clock.now() - timedelta(seconds=1) if passed else None)
    await here.validate(asked if passed else replace(asked, fetching=Fetching.OFFLINE))
    await settle()
    assert ([], 0) == (here.origin.requests, here.client.report().refreshes.under_way)


async def test_a_stranger_makes_nobody_ask(store: Store, tmp_path: Path) -> None:
    """A certificate with the names and the number of a held answer that chains to nothing: its URL is never asked."""
    here = await service(store, tmp_path)
    forged = read(SUB.issue("leaf", serial=SERIAL, ocsp_urls="http://attacker.example/", corrupt_signature=True))
    assert KEY == store_key(forged, ISSUER)
    assert ("deny", "invalid", "bad_signature") == await here.ask(forged)
    await settle()
    assert ([], 0) == (here.origin.requests, here.client.report().refreshes.under_way)


async def test_only_what_a_verdict_rests_on(store: Store, tmp_path: Path) -> None:
    """An answer that is held beside a CRL that is fetched first is not asked for."""
    here = await service(store, tmp_path)
    certificate = leaf("both", serial=SERIAL, ocsp_urls=OCSP_URL, crl_urls="http://crl.example/")
    here.origin.answers["http://crl.example/"] = SUB.crl(next_update=NOW + days(1))
    await here.hold_crl("http://crl.example/", SUB)
    asked = len(here.origin.requests)
    assert ALLOWED == await here.ask(certificate)
    await settle()
    assert asked == len(here.origin.requests)


async def test_an_intermediate(store: Store, tmp_path: Path) -> None:
    """Its issuer is the anchor."""
    here = await service(store, tmp_path)
    sub = ROOT.subordinate("Sub", ocsp_urls="http://root.example/")
    old, new = (
        ROOT.ocsp(read(sub).serial_number, this_update=begin, next_update=begin + LIFE, produced_at=begin)
        for begin in (NOW, NOW + hours(5))
    )
    here.origin.answers["http://root.example/"] = new
    await hold(store, old, key=store_key(read(sub), read(ROOT)))
    policy = Policy(evidence_order=EvidenceOrder.OCSP_ONLY)
    assert ALLOWED == await here.validate(replace(request(LEAF, policy), intermediates=(read(sub),)))
    await refreshed(here)
    assert {"http://root.example", OCSP_URL.rstrip("/")} == {url.rsplit("/", 1)[0] for url in here.origin.urls}
