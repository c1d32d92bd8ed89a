"""Hot answers are asked for ahead of their end, in the background, and nobody waits for that or is disturbed by it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from service.adapters.lmdb.store import Store
from service.application.observer import OcspEvent
from service.application.ocsp_refresh import (
    FRACTION,
    JITTER,
    LONGEST_REST_S,
    MOST_AT_ONCE,
    REST_S,
    RefreshReport,
    RefreshRules,
)
from service.core.model.policy import OcspNonce, Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import OCSP_URL, leaf
from tests.application.fakes import BrokenStore, Failing, settle
from tests.application.ocsp_refreshing import (
    ISSUER,
    KEY,
    LIFE,
    USED,
    answer,
    hold,
    point,
    shell,
)
from tests.pki import NOW, hours

pytestmark = pytest.mark.anyio


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
