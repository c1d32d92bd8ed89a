"""How far a long download has come, for whoever reads the inventory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.application.origin import OriginRequest, OriginStream
from service.application.prefetch.source_record import Phase
from tests.application.chain import CRL_URL, order
from tests.application.fakes import settle
from tests.application.manual_clock import ManualClock
from tests.application.prefetch.world import VersionedOrigin, World, crl, world

pytestmark = pytest.mark.anyio


class SlowOrigin(VersionedOrigin):
    """Gives a piece each time that the test lets it, and so many seconds later."""

    def __init__(self, clock: ManualClock, body: bytes, step_s: float) -> None:
        """Take the body that everybody is given."""
        super().__init__({"http://": body})
        self._clock = clock
        self._step_s = step_s
        self.given = asyncio.Semaphore(0)

    @asynccontextmanager
    async def stream(self, request: OriginRequest) -> AsyncIterator[OriginStream]:
        """The answer, piece by piece."""
        async with super().stream(request) as answer:
            yield OriginStream(answer.url, self._slowly(answer.chunks), answer.headers)

    async def _slowly(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            await self.given.acquire()
            self._clock.advance(self._step_s)
            yield chunk


async def seen(service: World) -> tuple[Phase, int] | None:
    """What others read of the progress, when everything is written."""
    for _ in range(5):
        await settle()
        await asyncio.sleep(0.01)
    records = [one for one in service.store.sources() if one.progress is not None]
    return None if not records or records[0].progress is None else (records[0].progress.phase, records[0].progress.done)


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
