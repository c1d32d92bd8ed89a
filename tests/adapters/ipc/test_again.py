"""A prefetcher that makes room for another: nobody who has asked it goes without an answer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.adapters.ipc.client import MAX_PREFETCHERS, PrefetcherClient
from service.adapters.ipc.server import PrefetcherServer
from service.application.crl_fetcher import CrlOrder
from service.application.prefetch.desk import PrefetcherGoneError, PrefetcherUnavailableError
from service.core.model.attempt import Attempt, Problem
from tests.adapters.ipc.test_ipc import ORDER, RecordingFetcher

pytestmark = pytest.mark.anyio

PATIENCE_S = 10


class Slow(RecordingFetcher):
    """Never comes to an end with an order."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Go on for ever."""
        self.is_asked.set()
        await asyncio.Event().wait()
        return await super().fetch(order)

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Go on for ever."""
        self.is_asked.set()
        await asyncio.Event().wait()
        return keys


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that outlives every prefetcher, as the supervisor's does."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        yield listening


@asynccontextmanager
async def prefetcher(listener: socket.socket, fetcher: RecordingFetcher) -> AsyncIterator[asyncio.Event]:
    """One that serves until the block is left, or what it gives is set."""
    stop = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S):
        task = asyncio.create_task(PrefetcherServer(fetcher).serve(listener.dup(), stop))
        try:
            yield stop
        finally:
            stop.set()
            await task


async def test_an_order_in_hand_is_the_next_one_s(listener: socket.socket) -> None:
    """Who asked waits a little longer, and has the answer of the successor."""
    client, slow, other = PrefetcherClient(Path(listener.getsockname())), Slow(), RecordingFetcher()
    async with prefetcher(listener, slow):
        asked = asyncio.create_task(client.fetch(ORDER))
        await slow.is_asked.wait()
    async with prefetcher(listener, other):
        expected = await client.fetch(ORDER)
        assert expected == await asked
    assert [ORDER, ORDER] == other.orders


async def test_whoever_comes_in_between_waits(listener: socket.socket) -> None:
    """At the socket, which nobody closes."""
    client, other = PrefetcherClient(Path(listener.getsockname())), RecordingFetcher()
    async with prefetcher(listener, Slow()):
        pass
    asked = asyncio.create_task(client.answers())
    await asyncio.sleep(0.05)
    assert not asked.done()
    async with prefetcher(listener, other):
        assert await asked


async def test_it_does_not_go_on_for_ever(listener: socket.socket) -> None:
    """One after the other makes room: after some of them it is an attempt that failed."""
    client = PrefetcherClient(Path(listener.getsockname()))
    asked = asyncio.create_task(client.fetch(ORDER))
    noted = asyncio.create_task(client.note_used(("a",)))
    for _ in range(MAX_PREFETCHERS):
        slow = Slow()
        async with prefetcher(listener, slow):
            await slow.is_asked.wait()
            await asyncio.sleep(0.05)
    assert [Problem.INTERNAL] * len(ORDER.urls) == [attempt.problem for attempt in await asked]
    with pytest.raises(PrefetcherGoneError):
        await noted


async def test_one_that_dies_is_not_asked_again(listener: socket.socket) -> None:
    """It may have died of what it was asked: the connection ends without a word."""
    client = PrefetcherClient(Path(listener.getsockname()))
    asked = asyncio.create_task(client.note_used(("a",)))
    listener.setblocking(False)
    accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
    accepted.close()
    with pytest.raises(PrefetcherUnavailableError):
        await asked
