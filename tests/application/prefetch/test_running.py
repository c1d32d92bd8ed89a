"""The prefetcher left to itself: it wakes when something is due, and when something has changed."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.application.prefetch.desk import Waiting
from service.core.model.attempt import Problem
from tests.application.chain import CRL_URL, order
from tests.application.fakes import settle
from tests.application.manual_clock import ManualClock
from tests.application.prefetch.world import MIRROR, PROMPT, Setup, VersionedOrigin, World, crl, world

pytestmark = pytest.mark.anyio


class WaitedClock(ManualClock):
    """A clock at which whoever sleeps sleeps until the test lets that time pass."""

    def __init__(self) -> None:
        """Nobody sleeps."""
        super().__init__()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        """Wait until so much time has passed."""
        self.slept.append(seconds)
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.monotonic() + seconds, len(self.slept), waking))
        await waking

    async def passes(self, seconds: float) -> None:
        """Let time pass; whoever wakes up meanwhile does so in order."""
        end = self.monotonic() + seconds
        while True:
            await breathe()
            if not self._sleepers or self._sleepers[0][0] > end:
                break
            moment, _, waking = heapq.heappop(self._sleepers)
            self.advance(max(0.0, moment - self.monotonic()))
            if not waking.done():
                waking.set_result(None)
        self.advance(end - self.monotonic())
        await breathe()


async def breathe() -> None:
    """Let everybody who has something to do do it, threads included."""
    for _ in range(10):
        await settle()
        await asyncio.sleep(0.002)


@asynccontextmanager
async def running(directory: Path, setup: Setup, origin: VersionedOrigin) -> AsyncIterator[tuple[World, WaitedClock]]:
    """A prefetcher that runs by itself."""
    clock = WaitedClock()
    with world(directory, setup, origin, clock) as service:
        await service.loops.begin()
        task = asyncio.create_task(service.loops.run())
        try:
            yield service, clock
        finally:
            task.cancel()
            await asyncio.wait((task,))


async def test_an_empty_inventory_wakes_for_the_first_order(store_directory: Path) -> None:
    """Nothing was planned for hours; what is learned now is refreshed in its time."""
    setup = Setup(schedule=replace(PROMPT, minimum=timedelta(seconds=1), maximum=timedelta(seconds=6)))
    origin = VersionedOrigin({CRL_URL: crl(1)})
    async with running(store_directory, setup, origin) as (service, clock):
        await clock.passes(1)
        await service.prefetcher.fetch(order(CRL_URL))
        await clock.passes(5)
        assert 1 == len(origin.requests)
        await clock.passes(1.5)
        assert 2 == len(origin.requests)


async def test_a_file_is_noticed_within_a_second(store_directory: Path) -> None:
    """And fetched at once."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    async with running(store_directory, Setup(), origin) as (service, clock):
        await service.prefetcher.fetch(order(CRL_URL))
        (service.uploads / "sub.crl").write_bytes(crl(2))
        await clock.passes(1.2)
        assert {2} == service.numbers


async def test_a_refresh_begins_after_it_was_asked_for(store_directory: Path) -> None:
    """One that is under way is not taken for it: what it brings may be older."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    async with running(store_directory, Setup(), origin) as (service, clock):
        desk = service.desk
        await service.prefetcher.fetch(order(CRL_URL))
        origin.gate.clear()
        first = asyncio.create_task(desk.refresh(None, Waiting.DONE))
        await breathe()
        second = asyncio.create_task(desk.refresh(CRL_URL, Waiting.DONE))
        await breathe()
        origin.gate.set()
        reports = await asyncio.gather(first, second)
        assert [((CRL_URL, None),)] * 2 == [tuple((o.source, o.problem) for o in one.outcomes) for one in reports]
        assert 3 == len(origin.requests)
        assert clock.monotonic() == 0


async def test_whoever_does_not_wait_is_told_what_was_started(store_directory: Path) -> None:
    """It goes on without him."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    async with running(store_directory, Setup(), origin) as (service, _):
        desk = service.desk
        await service.prefetcher.fetch(order(CRL_URL))
        origin.answers = {CRL_URL: crl(2)}
        report = await desk.refresh(None, Waiting.STARTED)
        assert (1, (CRL_URL,), ()) == (report.total, report.started, report.outcomes)
        await breathe()
        assert {2} == service.numbers
        await desk.aclose()


async def test_nobody_knows_a_source_of_that_name(store_directory: Path) -> None:
    """Nothing is started; any place of a source names it."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    async with running(store_directory, Setup(), origin) as (service, _):
        desk = service.desk
        await service.prefetcher.fetch(order(CRL_URL, MIRROR))
        assert 0 == (await desk.refresh("http://nobody.example/", Waiting.DONE)).total
        assert (CRL_URL,) == (await desk.refresh(MIRROR, Waiting.DONE)).started


async def test_a_refresh_asks_a_host_that_was_left_alone(store_directory: Path) -> None:
    """Whoever asks for it knows why."""
    origin = VersionedOrigin()
    async with running(store_directory, Setup(), origin) as (service, clock):
        desk = service.desk
        await service.prefetcher.fetch(order(CRL_URL))
        await clock.passes(18)
        asked = len(origin.requests)
        (outcome,) = (await desk.refresh(None, Waiting.DONE)).outcomes
        assert (Problem.UNREACHABLE, asked + 1) == (outcome.problem, len(origin.requests))


async def test_an_order_and_a_plan_do_not_fetch_twice(store_directory: Path) -> None:
    """While an order is under way its source is nobody else's."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    origin.gate.clear()
    async with running(store_directory, Setup(), origin) as (service, clock):
        ordering = asyncio.create_task(service.prefetcher.fetch(order(CRL_URL)))
        await clock.passes(5)
        origin.gate.set()
        assert () == await ordering
        await clock.passes(5)
        assert 1 == len(origin.requests)


async def test_a_download_begins_after_an_order_that_is_under_way(store_directory: Path) -> None:
    """What the order brings may be older than the question."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    origin.gate.clear()
    with world(store_directory, origin=origin) as service:
        ordering = asyncio.create_task(service.prefetcher.fetch(order(CRL_URL)))
        await breathe()
        refreshing = asyncio.create_task(service.desk.refresh(None, Waiting.DONE))
        await breathe()
        origin.gate.set()
        await asyncio.gather(ordering, refreshing)
        assert 2 == len(origin.requests)
