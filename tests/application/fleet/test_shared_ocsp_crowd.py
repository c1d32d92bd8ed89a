"""More questions about OCSP answers at one time than anybody waits for: none costs more than it would alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.shared_ocsp import AT_ONCE, LEASE_S, MOST_LOOKS, POLL_S, SharedOcspAnswers
from service.application.fleet.telling import FleetEvent
from service.application.ocsp_sharing import SharedQuestion
from tests.application.chain import OCSP_URL, leaf
from tests.application.fakes import ScriptedOrigin
from tests.application.fleet.ocsp_replicas import (
    KEY,
    LONG_S,
    Fleet,
    fleet_on,
    good,
    occupy,
    sealed,
    until,
)
from tests.pki import NOW
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("short_patience")]


@pytest.fixture
async def fleet(own_server: RedisServer, store_directory: Path, origin: ScriptedOrigin) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(own_server, "fleet", store_directory, origin) as made:
        yield made


class Crowd:
    """Lets nobody through before a gate is open, and counts how many are there at once."""

    def __init__(self, get: Callable[[str], Awaitable[bytes | None]]) -> None:
        """Take where the gate leads to."""
        self._get = get
        self.gate = asyncio.Event()
        self.present = 0
        self.most = 0

    async def get(self, name: str) -> bytes | None:
        """Come, wait, and go."""
        self.present += 1
        self.most = max(self.most, self.present)
        await self.gate.wait()
        try:
            return await self._get(name)
        finally:
            self.present -= 1


async def test_many_at_once(fleet: Fleet, origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with many questions has few of them asked of Redis at once, and fails none of them for that."""
    replica = await fleet.replica()
    crowd = Crowd(replica.caches[0].get)
    monkeypatch.setattr(replica.caches[0], "get", crowd.get)
    certificates = [leaf(f"leaf {number}", ocsp_urls=OCSP_URL) for number in range(5 * AT_ONCE)]
    asking = [asyncio.create_task(replica.ask(certificate)) for certificate in certificates]
    await until(lambda: crowd.present == AT_ONCE)
    crowd.gate.set()
    await asyncio.gather(*asking)
    assert (AT_ONCE, len(certificates)) == (crowd.most, len(origin.requests))
    assert {FleetEvent.MISS, FleetEvent.LEASED} == set(replica.told.events)


async def test_much_to_wait_for(fleet: Fleet) -> None:
    """Whoever waits for many answers looks at each of them less often, and once more when its time is over."""
    sharing, clock, waiting = SharedOcspAnswers((await fleet.replica()).parts), fleet.clock, 3 * MOST_LOOKS // 50
    leases = [fleet.names.ocsp_lease(bytes([number])) for number in range(waiting)]
    assert [True] * waiting == [
        await fleet.replicas[0].parts.cache.lease(lease, b"somebody's", LONG_S) for lease in leases
    ]

    async def wait(number: int) -> None:
        question = SharedQuestion(bytes([number]), None, clock.monotonic() + LONG_S)
        async with sharing.turn(question) as turn:
            await turn.look()

    looking = [asyncio.create_task(wait(number)) for number in range(waiting)]
    await until(lambda: len(clock.slept) >= waiting)
    clock.advance(timedelta(seconds=LEASE_S))
    await asyncio.gather(*looking)
    assert (POLL_S, waiting / MOST_LOOKS) == (clock.slept[0], max(clock.slept))
    clock.slept.clear()
    again = asyncio.create_task(wait(0))
    await until(lambda: bool(clock.slept))
    assert [POLL_S] == clock.slept[:1]
    clock.advance(timedelta(seconds=LEASE_S))
    await again


@pytest.mark.parametrize("is_silent", [True, False])
async def test_too_many_at_once(
    fleet: Fleet, origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch, is_silent: bool
) -> None:
    """Whoever gets no place in his time does without Redis."""
    replica = await fleet.replica()
    crowd = Crowd(replica.caches[0].get)
    if is_silent:
        origin.answers[OCSP_URL] = b"nonsense"
        await replica.ask()
        await fleet.released()
        replica.told.events.clear()
    monkeypatch.setattr(replica.caches[0], "get", crowd.get)
    others = [leaf(f"leaf {number}", ocsp_urls=OCSP_URL) for number in range(AT_ONCE)]
    asking = [asyncio.create_task(replica.ask(certificate)) for certificate in others]
    await until(lambda: crowd.present == AT_ONCE)
    async with asyncio.timeout(30):
        outcome = await replica.ask(deadline_s=60 * LONG_S if is_silent else 0.2)
    assert is_silent is (outcome.finding is None)
    assert ([FleetEvent.UNAVAILABLE], 1) == (replica.told.events, len(origin.requests))
    crowd.gate.set()
    await asyncio.gather(*asking)


async def test_a_process_that_was_busy(fleet: Fleet, origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks once more before it does without Redis, which answers."""
    first, second = await fleet.several(2)
    await first.ask()
    await fleet.released()
    get, failures = second.caches[0].get, iter([FleetUnavailableError("this process was kept busy")])

    async def busy_at_first(name: str) -> bytes | None:
        for failure in failures:
            raise failure
        return await get(name)

    monkeypatch.setattr(second.caches[0], "get", busy_at_first)
    await second.ask()
    assert ([FleetEvent.HIT], 1) == (second.told.events, len(origin.requests))


async def test_nobody_waits_whose_time_is_over(fleet: Fleet) -> None:
    """He asks at once, whoever else does."""
    replica = await fleet.replica()
    occupy(fleet, LONG_S)
    question = SharedQuestion(KEY, None, fleet.clock.monotonic())
    async with SharedOcspAnswers(replica.parts).turn(question) as turn:
        assert None is await turn.look()
    assert ([], FleetEvent.OVERDUE) == (fleet.clock.slept, replica.told.events[-1])


@pytest.mark.parametrize("is_free", [True, False])
async def test_what_changes_all_the_time(fleet: Fleet, is_free: bool) -> None:
    """Who changes what is there faster than it can be verified keeps nobody from asking."""
    parts, looks = (await fleet.replica()).parts, 0
    if not is_free:
        occupy(fleet, LONG_S)
    question = SharedQuestion(KEY, None, fleet.clock.monotonic() + LEASE_S)
    async with SharedOcspAnswers(parts).turn(question) as turn:
        while looks < 100:
            await parts.cache.put(fleet.names.ocsp(KEY), sealed(good(), at=NOW + timedelta(microseconds=looks)), LONG_S)
            if await turn.look() is None:
                break
            looks += 1
            turn.refused("it is of no use")
            fleet.clock.advance(timedelta(seconds=LEASE_S / 4))
    assert 2 <= looks <= 5
