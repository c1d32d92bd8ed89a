"""Prefetchers that share, while much goes on at once, clocks are wrong, origins fail, and the cache has the hiccups."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.application.fleet.cache import FleetUnavailableError
from service.application.origin import OriginError, OriginRequest
from service.application.prefetch.executor import BUSY_S, LONGEST_SLEEP_S
from service.core.model.attempt import Problem
from tests.application.chain import CRL_URL, ROOT, order
from tests.application.fakes import settle
from tests.application.prefetch.sharing_parts import DOWN, LEAF, Fleet, Replica
from tests.application.prefetch.world import DAY, HOUR, MINUTE, Setup, crl
from tests.application.prefetch.world import LEAF as PLAIN
from tests.application.world import REVOKED
from tests.pki import NOW
from tests.pki.pem import pem
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    made = Fleet(server, store_directory)
    async with made.stack:
        yield made


class Gate:
    """Something that waits until it is let through."""

    def __init__(self) -> None:
        """Nobody is here yet."""
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def pass_through(self) -> None:
        """Wait."""
        self.reached.set()
        await self.opened.wait()


async def test_what_is_due_while_it_is_busy_is_planned_again_soon(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan leaves out what somebody is busy with, and is made anew when that has ended, and not in an hour."""
    (one,) = await fleet.several(1)
    prefetcher, gate, get = one.world.prefetcher, Gate(), one.cache.get
    await prefetcher.settle()

    async def slow(name: str) -> bytes | None:
        await gate.pass_through()
        return await get(name)

    monkeypatch.setattr(one.cache, "get", slow)
    fleet.clock.advance(HOUR + 1)
    prefetcher.heard(fleet.names.crl(CRL_URL))
    await gate.reached.wait()
    running = asyncio.create_task(prefetcher.run())
    await settle()
    assert (BUSY_S, False) == (fleet.clock.slept[0], LONGEST_SLEEP_S in fleet.clock.slept)
    gate.opened.set()
    async with asyncio.timeout(30):
        while one.asked < 2:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
    running.cancel()


async def test_what_is_heard_while_it_is_busy_is_looked_up_afterwards(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that has asked the origin before it had anything newer is followed by a look at what others have."""
    one, two = await fleet.several(2)
    gate, answer = Gate(), fleet.origin._answer  # noqa: SLF001 - what is decided at the origin

    async def slow(request: OriginRequest) -> bytes:
        body = await answer(request)
        if not gate.reached.is_set():
            await gate.pass_through()
        return body

    monkeypatch.setattr(fleet.origin, "_answer", slow)
    await one.world.prefetcher.begin()
    await gate.reached.wait()
    fleet.clock.advance(5)
    fleet.origin.answers[CRL_URL] = crl(2, age=4, revoked=[LEAF.serial_number])
    await two.world.prefetcher.refresh((CRL_URL,))
    one.world.prefetcher.heard(fleet.names.crl(CRL_URL))
    await settle()
    gate.opened.set()
    async with asyncio.timeout(30):
        while one.world.numbers != {2}:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
    assert (1, REVOKED) == (one.asked, await one.world.ask(LEAF))


async def test_after_a_refresh_it_is_planned_anew(fleet: Fleet) -> None:
    """One that failed is to be tried again in seconds, and not when it was due before."""
    (one,) = await fleet.several(1)
    await one.world.prefetcher.settle()
    fleet.origin.answers[CRL_URL] = DOWN
    one.world.prefetcher._awake.clear()  # noqa: SLF001 - as the loop does
    await one.world.prefetcher.refresh((CRL_URL,))
    assert one.world.prefetcher._awake.is_set()  # noqa: SLF001


async def test_what_was_taken_since_it_was_planned_is_not_asked_for(fleet: Fleet) -> None:
    """A plan of many sources takes its time, and others ask meanwhile."""
    one, two = await fleet.several(2)
    two.world.prefetcher._concurrent = 0  # noqa: SLF001 - there is no room for what is due
    await two.world.prefetcher.begin()
    await one.world.prefetcher.settle()
    await two.world.prefetcher.fetch(order(CRL_URL))
    two.world.prefetcher._concurrent = 8  # noqa: SLF001 - and now there is
    two.world.prefetcher._fill()  # noqa: SLF001 - as when an attempt has ended
    await asyncio.gather(*two.world.prefetcher._under_way)  # noqa: SLF001
    assert ({1}, 0) == (two.world.numbers, two.asked)


async def test_whoever_asked_is_not_answered_by_what_another_had_fetched_before(fleet: Fleet) -> None:
    """Not by an event that comes late either."""
    first, second = await fleet.several(2)
    await first.world.prefetcher.settle()
    await second.hear()
    fleet.clock.advance(2 * MINUTE)
    await first.world.prefetcher.refresh((CRL_URL,))
    fleet.clock.advance(MINUTE)
    fleet.origin.answers[CRL_URL] = crl(2)
    record = second.world.inventory[CRL_URL]
    asked = replace(record, state=replace(record.state, asked_at=fleet.clock.now()))
    await second.world.inventory.put(asked)
    fleet.clock.advance(0.5)
    await second.world.ingester.aclose()
    second.world.prefetcher.heard(fleet.names.crl(CRL_URL))
    await settle()
    await second.hear()
    assert ({2}, 1) == (second.world.numbers, second.asked)


async def attempts_of(one: Replica, fleet: Fleet) -> int:
    """Attempts in ten seconds of planning ten times a second."""
    told, prefetcher = len(one.world.told.refreshes), one.world.prefetcher
    for _ in range(100):
        await prefetcher.begin()
        await asyncio.gather(*prefetcher._under_way)  # noqa: SLF001 - whatever is due anew waits for the next plan
        fleet.clock.advance(0.1)
    return len(one.world.told.refreshes) - told


async def test_what_was_fetched_by_a_clock_that_is_ahead_is_taken_once(fleet: Fleet) -> None:
    """And not again and again until this one has caught up."""
    (one,) = await fleet.several(1)
    await one.world.prefetcher.settle()
    fleet.clock.advance(HOUR + 1)
    await fleet.forge(crl(1), fleet.clock.now() + timedelta(seconds=30))
    assert (1, 1) == (await attempts_of(one, fleet), one.asked)


async def test_a_clock_that_is_set_back_while_the_origin_fails(fleet: Fleet) -> None:
    """It is asked as often as any that fails, and not ten times a second."""
    (one,) = await fleet.several(1)
    fleet.clock.advance(2 * HOUR)
    await one.world.prefetcher.settle()
    fleet.clock.advance(-HOUR)
    fleet.origin.answers[CRL_URL] = OriginError(Problem.HTTP_STATUS, "500")
    assert await attempts_of(one, fleet) <= 2


async def test_a_clock_that_was_set_back_takes_from_the_others_again(fleet: Fleet) -> None:
    """What it had seen of the future keeps nothing away that is newer."""
    fleet.origin.answers[CRL_URL] = crl(1, life=30 * DAY)
    one, two = await fleet.several(2)
    fleet.clock.advance(DAY)
    await two.world.prefetcher.settle()
    fleet.server.flush()
    fleet.clock.advance(-DAY + 100)
    await two.world.prefetcher.refresh((CRL_URL,))
    asked = two.asked
    for _ in range(3):
        fleet.clock.advance(HOUR)
        await one.world.prefetcher.refresh((CRL_URL,))
        await two.hear()
    assert asked == two.asked


def of_root(number: int) -> bytes:
    """A CRL of an authority that everybody knows."""
    return ROOT.crl(this_update=NOW + timedelta(minutes=number), next_update=NOW + timedelta(days=30), number=number)


def armoured(data: bytes) -> bytes:
    """As files of several CRLs have it."""
    return pem(data, "X509 CRL").encode()


@pytest.mark.parametrize("fails", [True, False], ids=["the origin fails", "nothing was modified"])
async def test_a_copy_that_is_refused_says_nothing_of_a_place(fleet: Fleet, fails: bool) -> None:
    """What waits is let go when the origin has something else, and not when an older copy of another replica has."""
    fleet.clock.advance(HOUR)
    whole = armoured(of_root(10)) + armoured(crl(1, revoked=[PLAIN.serial_number]))
    fleet.origin.answers[CRL_URL] = whole
    one = await fleet.replica(known=False)
    await one.world.prefetcher.settle()
    before = one.world.record(CRL_URL)
    fleet.server.flush()
    fleet.clock.advance(MINUTE)
    fleet.origin.answers[CRL_URL] = armoured(of_root(9))
    two = await fleet.replica(known=False)
    await two.world.prefetcher.settle()
    await one.hear()
    fleet.origin.answers[CRL_URL] = DOWN if fails else whole
    fleet.clock.advance(HOUR)
    await one.world.prefetcher.settle()
    after = one.world.record(CRL_URL)
    assert (1, True) == (len(before.pending), set(before.named) <= set(after.named))
    assert one.world.store.waiting_index.named() <= set(after.named)
    assert (before.pending, REVOKED) == (after.pending, await one.world.ask(PLAIN))


async def test_useless_things_in_turn(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever plays back now this and now that, whose pieces are gone, keeps nobody from the origin."""
    (first,) = await fleet.several(1)
    recorded: list[bytes] = []
    for _ in range(2):
        await first.world.prefetcher.refresh((CRL_URL,))
        recorded.append(await first.cache.get(fleet.names.crl(CRL_URL)) or b"")
        fleet.clock.advance(MINUTE)
    (victim,) = await fleet.several(1)

    async def play_back(_: str) -> bytes:
        await asyncio.sleep(0)
        recorded.reverse()
        return recorded[0]

    async def is_gone(_: str) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(victim.cache, "get", play_back)
    monkeypatch.setattr(victim.cache, "get_piece", is_gone)
    async with asyncio.timeout(10):
        await victim.world.prefetcher.settle()
    assert ({1}, 1) == (victim.world.numbers, victim.asked)


async def test_whoever_asked_in_the_future_is_answered_now(fleet: Fleet) -> None:
    """The clock was set back since: the origin is asked once, and not until it has caught up."""
    (one,) = await fleet.several(1)
    await one.world.prefetcher.settle()
    record = one.world.inventory[CRL_URL]
    later = fleet.clock.now() + timedelta(hours=1)
    await one.world.inventory.put(replace(record, state=replace(record.state, asked_at=later)))
    assert 1 == await attempts_of(one, fleet)


class Hiccups:
    """A cache that fails so many times, and then goes on."""

    def __init__(self, one: Replica, monkeypatch: pytest.MonkeyPatch, count: int, command: str = "get") -> None:
        """Have one of its commands fail."""
        self._do = getattr(one.cache, command)
        self.left = count
        monkeypatch.setattr(one.cache, command, self._called)

    async def _called(self, *given: object) -> object:
        if self.left:
            self.left -= 1
            raise FleetUnavailableError("it does not answer in time")
        return await self._do(*given)


@pytest.mark.parametrize("command", ["get", "get_piece"])
async def test_a_hiccup_makes_nobody_ask_the_origin(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """What is in no hurry looks again, for a second."""
    first, second = await fleet.several(2)
    await first.world.prefetcher.settle()
    Hiccups(second, monkeypatch, 9, command)
    await second.world.prefetcher.settle()
    assert ({1}, 0) == (second.world.numbers, second.asked)


async def test_a_hiccup_keeps_nothing_from_the_others(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came is written when the cache is there again."""
    first, second = await fleet.several(2)
    Hiccups(first, monkeypatch, 9, "put")
    await first.world.prefetcher.settle()
    await second.hear()
    assert ({1}, 0) == (second.world.numbers, second.asked)


@pytest.mark.parametrize("command", ["get", "lease"])
async def test_what_is_no_hiccup_is_waited_for_once(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Also where the cache can be read and not written; after that the origin is asked."""
    (one,) = await fleet.several(1)
    gone = Hiccups(one, monkeypatch, 1000, command)
    await one.world.prefetcher.settle()
    assert ({1}, 1) == (one.world.numbers, one.asked)
    assert 1000 - gone.left <= 24


async def test_an_order_waits_for_no_hiccup(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks once more at once: a request waits."""
    first, second = await fleet.several(2, Setup(), Setup())
    await first.world.prefetcher.fetch(order(CRL_URL))
    gone = Hiccups(second, monkeypatch, 2)
    await second.world.prefetcher.fetch(order(CRL_URL))
    assert ({1}, 1, 0) == (second.world.numbers, second.asked, gone.left)
