"""Having sources tried, and waiting for it, whatever the prefetcher does meanwhile: over its own socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.ipc.client import PrefetcherClient
from service.adapters.ipc.message import MAX_LINE_BYTES
from service.adapters.ipc.server import PrefetcherServer
from service.application.operating.refreshing import ASKED_AGAIN, Refreshing
from service.application.prefetch.desk import (
    PrefetcherGoneError,
    PrefetcherUnavailableError,
    RefreshReport,
    SourceOutcome,
    Waiting,
)
from service.core.model.attempt import Problem
from tests.adapters.ipc.test_ipc import RecordingFetcher
from tests.application.manual_clock import ManualClock
from tests.operators import Asked, HostInMemory, source
from tests.pki import NOW

pytestmark = pytest.mark.anyio

MANY = 2000
"""Sources: as many as one large AWS Private CA has partitions."""

DETAIL = "no answer in the time allowed " * 6
"""What went wrong, in as many characters as are remembered of it, nearly."""

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def host(many: int, *, tried: bool) -> HostInMemory:
    """A store with so many sources, tried a moment after now or an hour before, all of them in vain."""
    at = NOW + timedelta(seconds=1) if tried else NOW - timedelta(hours=1)
    keys = (f"http://crls.s3.eu-central-1.example/{'partition' * 6}/{one:05}.crl" for one in range(many))
    return HostInMemory(records=[source(key, at=at) for key in keys])


class Slow(RecordingFetcher):
    """Tries each source of a store, which takes until the test lets it."""

    def __init__(self, sources: HostInMemory) -> None:
        """Nobody has asked."""
        super().__init__()
        self._sources = sources
        self.let = asyncio.Event()
        self.asked = 0

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Try them."""
        self.asked += 1
        await self.let.wait()
        keys = tuple(one.source.key for one in self._sources.records if source in (None, one.source.key))
        outcomes = tuple(SourceOutcome(key, Problem.TIMED_OUT, DETAIL) for key in keys)
        return RefreshReport(len(keys), keys, outcomes if waiting is Waiting.DONE else ())


@asynccontextmanager
async def serving(slow: Slow, path: Path) -> AsyncIterator[None]:
    """Serve on a socket while the test runs."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    stop = asyncio.Event()
    task = asyncio.create_task(PrefetcherServer(slow).serve(listener, stop))
    try:
        yield
    finally:
        slow.let.set()
        stop.set()
        await task


def refreshing(path: Path, sources: HostInMemory, longest_wait_s: float = 30.0) -> Refreshing:
    """What a worker has."""
    return Refreshing(PrefetcherClient(path), sources, ManualClock(), Asked(), longest_wait_s)


@pytest.mark.parametrize("named", [False, True], ids=["all", "each by name"])
async def test_many_that_are_waited_for(tmp_path: Path, named: bool) -> None:
    """More than one answer of the prefetcher holds: each of them is told all the same, with its outcome."""
    sources = host(MANY, tried=True)
    slow = Slow(sources)
    slow.let.set()
    keys = tuple(one.source.key for one in sources.records)
    assert sum(len(key) + len(DETAIL) for key in keys) > MAX_LINE_BYTES
    async with serving(slow, tmp_path / "s"):
        asked = keys[: MANY // 10] if named else keys
        done = await refreshing(tmp_path / "s", sources).refresh(asked if named else None, Waiting.DONE, "me")
    assert (asked, (), asked) == (done.started, done.running, tuple(one.source for one in done.outcomes))
    assert {one.problem for one in done.outcomes} <= {Problem.TIMED_OUT, Problem.UNREACHABLE}


@pytest.mark.parametrize("tried", [True, False], ids=["tried meanwhile", "not yet"])
async def test_a_wait_that_runs_out_of_time(tmp_path: Path, tried: bool) -> None:
    """Is answered: what has ended by then, what has not, and nobody is asked twice."""
    sources = host(MANY, tried=tried)
    slow = Slow(sources)
    async with serving(slow, tmp_path / "s"):
        before = asyncio.all_tasks()
        found = await refreshing(tmp_path / "s", sources, 0.1).refresh(None, Waiting.DONE, "me")
        going_on = asyncio.all_tasks() - before
        assert going_on
        slow.let.set()
        await asyncio.wait(going_on)
    keys = tuple(one.source.key for one in sources.records)
    ended = tuple(one.source for one in found.outcomes)
    assert ((keys, ()) if tried else ((), keys)) == (ended, found.running)
    assert 1 == slow.asked


async def test_what_was_not_begun_in_time(tmp_path: Path) -> None:
    """Nobody knows whether it will be: that is said, and not waited for for ever."""
    sources = host(1, tried=False)
    async with serving(slow := Slow(sources), tmp_path / "s"):
        asking = refreshing(tmp_path / "s", sources, 0.1)
        with pytest.raises(PrefetcherUnavailableError, match=r"did not answer within 0\.1 s"):
            await asking.refresh(None, Waiting.STARTED, "me")
        slow.let.set()
        started = await refreshing(tmp_path / "s", sources).refresh(None, Waiting.STARTED, "me")
    assert 1 == len(started.started)


@asynccontextmanager
async def dying(path: Path, times: int, answer: Answer) -> AsyncIterator[list[int]]:
    """Prefetchers of which so many die with the request in hand, one after the other, and then one that answers."""
    asked: list[int] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        asked.append(len(asked))
        if len(asked) > times:
            await answer(reader, writer)
        writer.close()

    async with await asyncio.start_unix_server(take, path):
        yield asked


async def told_good(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer that all is well."""
    key = host(1, tried=True).records[0].source.key
    writer.write(b'{"total": 1, "started": [], "outcomes": [["%s", null, ""]]}\n' % key.encode())
    await writer.drain()


@pytest.mark.parametrize("waiting", Waiting)
@pytest.mark.parametrize("times", range(ASKED_AGAIN + 1))
async def test_a_prefetcher_that_is_replaced_meanwhile(tmp_path: Path, times: int, waiting: Waiting) -> None:
    """Its successor is asked, and does it."""
    sources = host(1, tried=True)
    async with dying(tmp_path / "s", times, told_good) as asked:
        found = await refreshing(tmp_path / "s", sources).refresh(None, waiting, "me")
    assert times + 1 == len(asked)
    assert sources.records[0].source.key == found.started[0]
    if waiting is Waiting.DONE:
        assert [None] == [one.problem for one in found.outcomes]


@pytest.mark.parametrize("waiting", Waiting)
async def test_prefetchers_that_die_of_it(tmp_path: Path, waiting: Waiting) -> None:
    """Some die, and no more; whoever asked is told how it ended."""
    sources = host(1, tried=True)
    async with dying(tmp_path / "s", 1000, told_good) as asked:
        with pytest.raises(PrefetcherGoneError, match="hung up"):
            await refreshing(tmp_path / "s", sources).refresh(None, waiting, "me")
    assert ASKED_AGAIN + 1 == len(asked)


async def test_nobody_is_asked_again_who_was_never_there(tmp_path: Path) -> None:
    """Without a socket there is no service."""
    with pytest.raises(PrefetcherUnavailableError, match="FileNotFoundError"):
        await refreshing(tmp_path / "nobody", host(1, tried=True)).refresh(None, Waiting.DONE, "me")
