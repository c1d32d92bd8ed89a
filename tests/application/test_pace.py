"""The pace of downloads: how many at once, and how fast."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from service.application.pace import BURST_S, CONCURRENT_FETCHES, Pace, PaceRules
from tests.application.fakes import settle
from tests.application.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> ManualClock:
    """Time that passes when somebody sleeps."""
    return ManualClock()


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    """A body in pieces of these sizes."""
    for number, size in enumerate(sizes):
        yield bytes([number]) * size


async def read(pace: Pace, *sizes: int) -> list[bytes]:
    """What comes through."""
    return [chunk async for chunk in pace.limited(pieces(*sizes))]


@pytest.mark.parametrize("octets_per_s", [None, 0])
async def test_without_a_limit(clock: ManualClock, octets_per_s: int | None) -> None:
    """Everything comes as it is, and nobody waits."""
    pace = Pace(clock, PaceRules(octets_per_s=octets_per_s))
    assert [b"\0" * 10**6, b"\1"] == await read(pace, 10**6, 1)
    assert [] == clock.slept


@pytest.mark.parametrize(
    ("sizes", "slept"),
    [
        ((100,), []),  # what may come at once
        ((101,), [0.01]),
        ((50, 50, 50), [0.5]),
        ((300, 100), [2.0, 1.0]),  # no piece is too large
        ((100, 0, 0), []),
    ],
)
async def test_bandwidth(clock: ManualClock, sizes: tuple[int, ...], slept: list[float]) -> None:
    """What comes faster than the limit waits for as long as it was too fast, and arrives whole."""
    pace = Pace(clock, PaceRules(octets_per_s=100))
    assert [bytes([number]) * size for number, size in enumerate(sizes)] == await read(pace, *sizes)
    assert slept == pytest.approx(clock.slept)


async def test_all_downloads_together(clock: ManualClock) -> None:
    """Two downloads have the bandwidth of one between them, one after the other."""
    pace = Pace(clock, PaceRules(octets_per_s=100))
    await read(pace, 100)
    await read(pace, 100)
    assert [1.0] == clock.slept


async def test_downloads_at_the_same_time() -> None:
    """What one has taken the other waits for: nobody pays for the same second."""
    clock = StandingClock()
    pace = Pace(clock, PaceRules(octets_per_s=100))
    await asyncio.gather(read(pace, 100), read(pace, 100), read(pace, 50))
    assert [1.0, 1.5] == clock.slept


class StandingClock(ManualClock):
    """A clock on which sleeping takes no time at all."""

    def advance(self, seconds: float) -> None:
        """Time stands still."""


async def test_pauses_are_not_saved_up(clock: ManualClock) -> None:
    """After an hour without downloads, one burst comes at once and not an hour's."""
    pace = Pace(clock, PaceRules(octets_per_s=100))
    clock.advance(3600)
    await read(pace, int(100 * BURST_S), 100)
    assert [1.0] == clock.slept


async def test_pauses_pay(clock: ManualClock) -> None:
    """The time between two pieces counts."""
    pace = Pace(clock, PaceRules(octets_per_s=100))
    await read(pace, 100)
    clock.advance(0.75)
    await read(pace, 100)
    assert [0.25] == clock.slept


async def test_nothing_is_asked_for_while_one_waits(clock: ManualClock) -> None:
    """A piece is handed on before the next is taken: what is held is one piece."""
    taken: list[int] = []

    async def counted() -> AsyncIterator[bytes]:
        for number in range(3):
            taken.append(number)
            yield b"."

    pace = Pace(clock, PaceRules(octets_per_s=1))
    seen = [len(taken) async for _ in pace.limited(counted())]
    assert [1, 2, 3] == seen


async def test_a_failure_comes_through(clock: ManualClock) -> None:
    """What the download raises is not lost."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"."
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        _ = [chunk async for chunk in Pace(clock).limited(broken())]


async def test_concurrency(clock: ManualClock) -> None:
    """As many as the limit are under way, and the next one when one has ended."""
    pace, done, order = Pace(clock, PaceRules(concurrent=2)), [asyncio.Event() for _ in range(4)], list[int]()

    async def download(number: int) -> None:
        async with pace.slot():
            order.append(number)
            await done[number].wait()

    tasks = [asyncio.create_task(download(number)) for number in range(4)]
    seen = []
    for event in (None, done[1], done[0], done[2], done[3]):
        if event is not None:
            event.set()
        await settle()
        seen.append((list(order), pace.under_way))
    await asyncio.gather(*tasks)
    assert [([0, 1], 2), ([0, 1, 2], 2), ([0, 1, 2, 3], 2), ([0, 1, 2, 3], 1), ([0, 1, 2, 3], 0)] == seen


async def test_a_slot_comes_back(clock: ManualClock) -> None:
    """Whatever ends a download, its slot is free again; who gives up waiting takes none."""
    pace = Pace(clock, PaceRules(concurrent=1))
    with pytest.raises(LookupError):
        async with pace.slot():
            raise LookupError
    async with pace.slot():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), pace.slot():
                pass
        assert 1 == pace.under_way
    async with asyncio.timeout(5), pace.slot():
        assert 1 == pace.under_way


def test_defaults(clock: ManualClock) -> None:
    """What stands in the documentation, and nothing is under way."""
    assert PaceRules(8, None) == PaceRules()
    assert (8, 0) == (CONCURRENT_FETCHES, Pace(clock).under_way)


@pytest.mark.parametrize(
    ("make", "numbers"),
    [(lambda: PaceRules(concurrent=0), "0 downloads"), (lambda: PaceRules(octets_per_s=-1), "-1 octets")],
)
def test_contradictions(make: Callable[[], PaceRules], numbers: str) -> None:
    """Rules that would let nothing through are not made."""
    with pytest.raises(ValueError, match=numbers):
        make()
