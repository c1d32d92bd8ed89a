"""How far a long download has come, for whoever reads the inventory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.application.crl_delivery import Indexed
from service.application.origin import OriginRequest, OriginStream
from service.application.prefetch import progress
from service.application.prefetch.inventory import Inventory
from service.application.prefetch.progress import EVERY_S, ProgressKeeper
from service.application.prefetch.source_record import Phase, Progress, SourceRecord
from tests.application.chain import CRL_URL, SUB, order
from tests.application.fakes import settle
from tests.application.manual_clock import ManualClock
from tests.application.prefetch.world import Setup, VersionedOrigin, World, begun, crl, place, trust, world

pytestmark = pytest.mark.anyio


class SlowOrigin(VersionedOrigin):
    """Gives a piece each time that the test lets it, and so many seconds later."""

    def __init__(self, clock: ManualClock, body: bytes, step_s: float, declared: int | None = None) -> None:
        """Take the body that everybody is given, and what is said of its length."""
        super().__init__({"http://": body})
        self._clock = clock
        self._step_s = step_s
        self._declared = declared
        self.given = asyncio.Semaphore(0)

    @asynccontextmanager
    async def stream(self, request: OriginRequest) -> AsyncIterator[OriginStream]:
        """The answer, piece by piece."""
        async with super().stream(request) as answer:
            yield OriginStream(answer.url, self._slowly(answer.chunks), answer.headers, octets=self._declared)

    async def _slowly(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            await self.given.acquire()
            self._clock.advance(self._step_s)
            yield chunk


async def read(service: World) -> Progress | None:
    """What others read of the progress, when everything is written."""
    for _ in range(5):
        await settle()
        await asyncio.sleep(0.01)
    return next((one.progress for one in service.store.sources() if one.progress is not None), None)


async def seen(service: World) -> tuple[Phase, int] | None:
    """The beginning of that."""
    found = await read(service)
    return None if found is None else (found.phase, found.done)


@pytest.mark.parametrize(("step_s", "expected"), [(1.0, True), (0.2, False)], ids=["long", "short"])
async def test_it_is_written_once_a_second(store_directory: Path, step_s: float, expected: bool) -> None:
    """While an order downloads, octets are counted; when it is done there is no progress, and a short one has none."""
    clock, body = ManualClock(), crl(1)
    origin = SlowOrigin(clock, body, step_s)
    with world(store_directory, origin=origin, clock=clock) as service:
        ordering = asyncio.create_task(service.prefetcher.fetch(order(CRL_URL)))
        piece = -(-len(body) // 4)
        for count in (1, 2):
            origin.given.release()
            assert (await seen(service)) == ((Phase.DOWNLOADING, count * piece) if expected else None)
        for _ in range(4):
            origin.given.release()
        assert () == await ordering
        assert await seen(service) is None


async def test_an_order_that_fails_leaves_no_progress(store_directory: Path) -> None:
    """What was under way is not under way any more."""
    clock = ManualClock()
    origin = SlowOrigin(clock, b"<html> and no CRL at all </html>", 1.0)
    with world(store_directory, origin=origin, clock=clock) as service:
        for _ in range(2):
            clock.advance(10)
            ordering = asyncio.create_task(service.prefetcher.fetch(order(CRL_URL)))
            for _ in range(6):
                origin.given.release()
            assert 1 == len(await ordering)
            assert await seen(service) is None


@pytest.mark.parametrize(("declared", "shown"), [(None, None), (0, 0), (-1, None), (10, 10)])
async def test_how_many_there_will_be(store_directory: Path, declared: int | None, shown: int | None) -> None:
    """As many as the origin says; nobody knows where it says nothing, or less than has come by then.

    What it says is so many more than there are.
    """
    clock, body = ManualClock(), crl(1)
    length = None if declared is None else len(body) + declared
    origin = SlowOrigin(clock, body, 1.0, -(-len(body) // 4) - 1 if declared == -1 else length)
    with world(store_directory, origin=origin, clock=clock) as service:
        ordering = asyncio.create_task(service.prefetcher.fetch(order(CRL_URL)))
        origin.given.release()
        found = await read(service)
        assert found is not None
        assert (None if shown is None else len(body) + shown) == found.total
        for _ in range(4):
            origin.given.release()
        assert () == await ordering


async def test_a_file_has_a_length(store_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files go another way, and are seen as well: all of it is there at once, and then it is ingested."""
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    noted: list[Progress] = []

    def remember(inventory: Inventory, *records: SourceRecord) -> None:
        noted.extend(one.progress for one in records if one.progress is not None)
        remembered(inventory, *records)

    remembered = Inventory.remember
    monkeypatch.setattr(Inventory, "remember", remember)
    directory = store_directory / "crls"
    directory.mkdir()
    body = crl(1, revoked=range(1, 101))
    place(directory, "sub.crl", body)
    trust(store_directory, SUB)
    with world(store_directory, Setup(sources=(str(directory),))) as service:
        await begun(service)
        assert {1} == service.numbers
        assert await read(service) is None
    first = noted[0]
    assert (Phase.DOWNLOADING, len(body), len(body)) == (first.phase, first.done, first.total)
    assert Phase.INGESTING is noted[-1].phase


# --- what one attempt says of itself ----------------------------------------------------------------------------------


async def test_what_is_seen_to_come_is_seen_to_be_ingested(store_directory: Path) -> None:
    """At once; from then on once a second, with the entries as soon as they are counted."""
    clock = ManualClock()
    with world(store_directory, clock=clock) as service:
        service.inventory.learn((CRL_URL,), ())
        keeper = ProgressKeeper(service.inventory, CRL_URL, clock)
        clock.advance(EVERY_S)
        keeper.arriving(100, 200)
        assert Progress(Phase.DOWNLOADING, 100, 200, clock.now()) == await read(service)
        await asyncio.to_thread(keeper.indexing, Indexed(0, 200))
        assert Progress(Phase.INGESTING, 0, 200, clock.now()) == await read(service)
        await asyncio.to_thread(keeper.indexing, Indexed(0, 180, 0, 5))
        assert Progress(Phase.INGESTING, 0, 200, clock.now()) == await read(service)
        clock.advance(EVERY_S)
        await asyncio.to_thread(keeper.indexing, Indexed(90, 180, 2, 5))
        assert Progress(Phase.INGESTING, 90, 180, clock.now(), 2, 5) == await read(service)


async def test_what_is_not_seen_to_come_may_be_seen_to_be_ingested(store_directory: Path) -> None:
    """A file is there at once, and its list may be long; a short one is never seen."""
    clock = ManualClock()
    with world(store_directory, clock=clock) as service:
        service.inventory.learn((CRL_URL,), ())
        keeper = ProgressKeeper(service.inventory, CRL_URL, clock)
        keeper.arriving(200, 200)
        keeper.indexing(Indexed(0, 200))
        assert await read(service) is None
        clock.advance(EVERY_S)
        keeper.indexing(Indexed(90, 180, 2, 5))
        assert Progress(Phase.INGESTING, 90, 180, clock.now(), 2, 5) == await read(service)


async def test_what_was_under_way_when_a_process_died(store_directory: Path) -> None:
    """Is not any more: the next process writes that down before it does anything else."""
    clock = ManualClock()
    with world(store_directory, clock=clock) as service:
        service.inventory.learn((CRL_URL,), ())
        clock.advance(EVERY_S)
        keeper = ProgressKeeper(service.inventory, CRL_URL, clock)
        clock.advance(EVERY_S)
        keeper.arriving(100, 200)
        assert await read(service) is not None
    with world(store_directory, clock=clock) as service:
        assert await read(service) is not None
        await service.loops.begin()
        assert await read(service) is None
