"""Heartbeats in a real Redis: who is there, who has gone, and what whoever owns it may write there."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.evidence_store import StoreError
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.heartbeat import (
    Heartbeat,
    Held,
    Hits,
    Role,
    Tallies,
)
from service.application.fleet.heartbeats import (
    FORGOTTEN,
    GONE,
    HEARTBEAT_S,
    LOOK_S,
    FleetReader,
    FleetReport,
    Presence,
)
from service.application.fleet.standing import FleetStanding, Standing
from service.application.fleet.telling import FleetEvent
from tests.application.fleet.beating import SECOND, Fleet, Told, until
from tests.pki import NOW
from tests.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One that may be."""
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def cache(server: RedisServer) -> AsyncIterator[RedisCache]:
    """A client of the server."""
    async with open_cache(RedisPlace(server.url)) as opened:
        yield opened


@pytest.fixture
def fleet(cache: RedisCache, tmp_path: Path) -> Fleet:
    """One of this test's own."""
    return Fleet(cache, tmp_path.name)


# --- writing and reading ---------------------------------------------------------------------------------------------


async def test_what_a_replica_says_is_shown(fleet: Fleet) -> None:
    """All of it."""
    fleet.figures.standing = FleetStanding(Standing.BEHIND, NOW, "TimeoutError")
    await fleet.replica().beat()
    report = await fleet.report()
    (line,) = report.replicas
    expected = Heartbeat(
        name="pod-1",
        at=NOW,
        instance=line.heartbeat.instance,
        version="1.2.3",
        role=Role.SERVICE,
        started_at=NOW,
        workers=2,
        held=Held(7, 3, "a1c03ef09b52", 2),
        standing=Standing.BEHIND,
        reason="TimeoutError",
        leases_held=1,
        name_taken=False,
        tallies=Tallies(Hits(1, 2), Hits(3, 4), Hits(5, 6), 7, 8),
    )
    assert (expected, Presence.PRESENT) == (line.heartbeat, line.presence)
    assert FleetReport("pod-1", authenticated=True, reason=None, replicas=(line,), asked_s=0.0) == report
    assert [(EnvelopeKind.HEARTBEAT, FleetEvent.WRITTEN)] == fleet.told.events


async def test_several_are_shown_by_name(fleet: Fleet) -> None:
    """Each as it says; one that writes no more has gone, and comes back with its next word."""
    first, second = fleet.replica("pod-1"), fleet.replica("pod-2")
    await second.beat()
    await first.beat()
    assert [("pod-1", Presence.PRESENT), ("pod-2", Presence.PRESENT)] == await fleet.shown()
    fleet.clock.advance(GONE.total_seconds() + 1)
    await first.beat()
    assert [("pod-1", Presence.PRESENT), ("pod-2", Presence.GONE)] == await fleet.shown()
    await second.beat()
    assert [("pod-1", Presence.PRESENT), ("pod-2", Presence.PRESENT)] == await fleet.shown()


@pytest.mark.parametrize(
    ("silent", "expected"),
    [
        (timedelta(0), [Presence.PRESENT]),
        (GONE, [Presence.PRESENT]),
        (GONE + SECOND, [Presence.GONE]),
        (FORGOTTEN, [Presence.GONE]),
        (FORGOTTEN + SECOND, []),
    ],
)
async def test_silence(fleet: Fleet, silent: timedelta, expected: list[Presence]) -> None:
    """For ten seconds nobody is missed, and after an hour nobody is shown."""
    await fleet.replica("pod-2").beat()
    fleet.clock.advance(silent.total_seconds())
    assert [("pod-2", presence) for presence in expected] == await fleet.shown()


async def test_several_who_ask_at_once(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are answered from one look, and the next one from another."""
    looked: list[str] = []
    members = fleet.cache.members

    async def counted(name: str) -> Mapping[str, bytes]:
        looked.append(name)
        return await members(name)

    await fleet.replica().beat()
    monkeypatch.setattr(fleet.cache, "members", counted)
    reader = FleetReader(fleet.parts())
    reports = await asyncio.gather(*(reader.replicas() for _ in range(5)))
    assert ([1] * 5, 1) == ([len(report.replicas) for report in reports], len(looked))
    assert (await reader.replicas(), 2) == (reports[0], len(looked))


async def test_whoever_looks_removes_what_is_forgotten(fleet: Fleet) -> None:
    """And nothing else."""
    await fleet.replica("pod-2").beat()
    fleet.clock.advance(SECOND.total_seconds())
    await fleet.replica("pod-3").beat()
    await fleet.write("garbage", b"garbage")
    fleet.clock.advance(FORGOTTEN.total_seconds())
    await fleet.replica("pod-1").beat()
    assert {"pod-1", "pod-3", "garbage"} == await fleet.there()


async def test_how_many_there_are_is_told(fleet: Fleet) -> None:
    """By whoever looks, itself included, also where its first word is still to be written."""
    for name in ("pod-2", "pod-3"):
        await fleet.replica(name, told=Told()).beat()
    fleet.clock.advance(GONE.total_seconds() + 1)
    await fleet.replica("pod-4", told=Told()).beat()
    replica = fleet.replica("pod-1")
    await replica.beat()
    fleet.clock.advance(LOOK_S)
    await replica.beat()
    assert [(2, 2), (2, 2)] == fleet.told.counts


async def test_one_looks_seldom(fleet: Fleet) -> None:
    """It writes each time, and reads what all have written every ten seconds."""
    replica = fleet.replica()
    beats = round(3 * LOOK_S / HEARTBEAT_S)
    for _ in range(beats):
        await replica.beat()
        fleet.clock.advance(HEARTBEAT_S)
    assert (3, beats) == (len(fleet.told.counts), len(fleet.told.events))


async def test_one_beats_until_it_is_cancelled(fleet: Fleet) -> None:
    """Every other second, whatever is wrong with it."""
    fleet.figures.broken = RuntimeError("a fault of ours")
    running = asyncio.create_task(fleet.replica().run())
    await until(lambda: len(fleet.faults) >= 3)
    fleet.figures.broken = None
    await until(lambda: bool(fleet.told.events))
    running.cancel()
    assert {HEARTBEAT_S} == set(fleet.clock.slept)
    assert {"heartbeat"} == {where for where, _ in fleet.faults}


async def test_a_store_that_cannot_be_read(fleet: Fleet) -> None:
    """The rest is told."""
    fleet.figures.broken = StoreError("the disk is gone")
    await fleet.replica().beat()
    (line,) = (await fleet.report()).replicas
    assert (None, 8) == (line.heartbeat.held, line.heartbeat.tallies.refused)


# --- two of one name -------------------------------------------------------------------------------------------------


async def test_two_of_one_name(fleet: Fleet) -> None:
    """Both find out, and whichever wrote last says so to operators."""
    first, second = fleet.replica(), fleet.replica()
    for _ in range(2):
        for replica in (first, second):
            await replica.beat()
        fleet.clock.advance(LOOK_S)
    for replica in (first, second):
        await replica.beat()
        (line,) = (await fleet.report()).replicas
        assert line.heartbeat.name_taken
    assert {"pod-1"} == set(fleet.told.taken)


async def test_it_ends_when_one_of_them_does(fleet: Fleet) -> None:
    """Nobody is accused of what is over."""
    first, second = fleet.replica(), fleet.replica()
    for replica in (first, second):
        await replica.beat()
    fleet.clock.advance(LOOK_S)
    await first.beat()
    fleet.clock.advance(LOOK_S)
    await first.beat()
    (line,) = (await fleet.report()).replicas
    assert (["pod-1"], False) == (fleet.told.taken, line.heartbeat.name_taken)


async def test_a_restart_is_no_second_one(fleet: Fleet) -> None:
    """What the run before has left was there before the first word of this one."""
    await fleet.replica().beat()
    restarted = fleet.replica()
    for _ in range(3):
        await restarted.beat()
        fleet.clock.advance(LOOK_S)
    assert [] == fleet.told.taken


async def test_what_was_recorded_takes_no_name(fleet: Fleet) -> None:
    """Somebody who had the name once, and was written again by whoever owns Redis."""
    await fleet.replica(told=Told()).beat()
    recorded = (await fleet.cache.members(fleet.names.replicas))["pod-1"]
    replica = fleet.replica()
    await replica.beat()
    fleet.clock.advance(GONE.total_seconds() + 1)
    await fleet.write("pod-1", recorded)
    await replica.beat()
    assert [] == fleet.told.taken


async def test_one_that_has_no_key_takes_no_name(fleet: Fleet) -> None:
    """What it writes is refused, and says nothing about anybody."""
    replica, other = fleet.replica(), fleet.replica(keys=(b"k" * 32,), told=Told())
    await replica.beat()
    await other.beat()
    fleet.clock.advance(LOOK_S)
    await replica.beat()
    assert ([], [(EnvelopeKind.HEARTBEAT, Refusal.UNAUTHENTIC)]) == (fleet.told.taken, fleet.told.refusals)


# --- without Redis ---------------------------------------------------------------------------------------------------


async def test_without_redis(own_server: RedisServer, tmp_path: Path) -> None:
    """It is said, nobody counts as there, and the next one is written when it is back."""
    async with open_cache(RedisPlace(own_server.url)) as cache:
        fleet = Fleet(cache, tmp_path.name)
        replica = fleet.replica()
        own_server.kill()
        await replica.beat()
        report = await fleet.report()
        assert ((), False, [(0, 0)]) == (report.replicas, report.reason is None, fleet.told.counts)
        assert [(EnvelopeKind.HEARTBEAT, FleetEvent.UNAVAILABLE)] == fleet.told.events
        own_server.start()
        await until(lambda: cache.unreachable is None)
        await replica.beat()
        assert [("pod-1", Presence.PRESENT)] == await fleet.shown()
        assert [(0, 0), (1, 0)] == fleet.told.counts


async def test_a_redis_that_does_nothing(own_server: RedisServer, tmp_path: Path) -> None:
    """An operator is told in time, and no late answer is taken for another one afterwards."""
    async with open_cache(RedisPlace(own_server.url)) as cache:
        fleet = Fleet(cache, tmp_path.name)
        await fleet.replica().beat()
        own_server.freeze()
        async with asyncio.timeout(5):
            report = await fleet.report()
        own_server.thaw()
        await until(lambda: cache.unreachable is None)
        assert [("pod-1", Presence.PRESENT)] == await fleet.shown()
    assert ((), "no answer within 0.8 s") == (report.replicas, report.reason)
