"""The fleet in `GET /v1/stats`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.fleet.envelope import FleetKeys
from service.application.fleet.heartbeats import FleetReader, FleetReport, ReplicaLine
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.telling import FleetCounts, NullFleetObserver
from service.application.operating.counts import Counts
from tests.api.fakes import StandingClock
from tests.api.operator_world import example_fleet
from tests.api.world import World, calling
from tests.operators import STARTED_AT, CountedInMemory, Operators
from tests.redis_servers import redis_server

pytestmark = pytest.mark.anyio

Replicas = Callable[[], Awaitable[FleetReport]]


def world(fleet: Replicas | None, counts: FleetCounts | None = None) -> World:
    """A service with that fleet."""
    operators = Operators(StandingClock())
    operators.fleet = fleet
    if counts is not None:
        operators.counted.found = Counts(STARTED_AT, fleet=counts)
    return World(operators=operators)


def saying(report: FleetReport) -> Replicas:
    """A fleet of which this is known."""

    async def replicas() -> FleetReport:
        return report

    return replicas


async def fleet_of(world_: World) -> Any:  # noqa: ANN401 - JSON
    """What is shown of it."""
    answer = await calling(world_).get("/v1/stats")
    assert 200 == answer.status_code
    return answer.json()["fleet"]


async def test_without_redis_there_is_none() -> None:
    """Null, and not something empty."""
    assert None is await fleet_of(world(None))


async def test_redis_does_not_answer() -> None:
    """Why, nobody is shown, and what was counted is."""
    counts = FleetCounts({("crl", "unavailable"): 3, ("crl", "hit"): 1, ("ocsp", "hit"): 2}, {("block", "too_old"): 1})
    silent = saying(FleetReport("pod-1", authenticated=False, reason="TimeoutError"))
    fleet = await fleet_of(world(silent, counts))
    assert {
        "replica": "pod-1",
        "reachable": False,
        "reason": "TimeoutError",
        "authenticated": False,
        "totals": {
            "replicas": 0,
            "counted": 0,
            "allow": 0,
            "deny": 0,
            "decisions": [],
            "oldest_at": None,
            "oldest_s": None,
        },
        "replicas": [],
        "unreadable": 0,
        "omitted": 0,
        "events": {"crl": {"hit": 1, "unavailable": 3}, "ocsp": {"hit": 2}},
        "refused": {"block": {"too_old": 1}},
    } == fleet


async def test_what_is_not_shown_is_counted() -> None:
    """Heartbeats that are none, and those that are too many."""
    report = FleetReport("pod-1", authenticated=True, reason=None, unreadable=2, omitted=3)
    fleet = await fleet_of(world(saying(report)))
    assert (True, 2, 3) == (fleet["reachable"], fleet["unreadable"], fleet["omitted"])


async def test_a_replica_that_says_little() -> None:
    """It has no workers, and its store cannot be read."""
    whole = await example_fleet()()
    heartbeat = replace(whole.replicas[0].heartbeat, workers=None, held=None)
    lines = (ReplicaLine(whole.replicas[0].presence, heartbeat),)
    (shown,) = (await fleet_of(world(saying(replace(whole, replicas=lines)))))["replicas"]
    assert (None, None) == (shown["workers"], shown["host"])


async def test_nobody_waits_for_another_who_waits_for_redis() -> None:
    """Two who ask at once are answered at once."""
    both = asyncio.Barrier(2)

    async def replicas() -> FleetReport:
        await both.wait()
        return FleetReport("pod-1", authenticated=True, reason=None)

    caller = calling(world(replicas))
    async with asyncio.timeout(10):
        answers = await asyncio.gather(caller.get("/v1/stats"), caller.get("/v1/stats"))
    assert [200, 200] == [answer.status_code for answer in answers]


class SlowCounters(CountedInMemory):
    """Counters that take a moment to read."""

    at_once = 0
    most = 0

    def counts(self) -> Counts:
        """Remember how many read them at once."""
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        time.sleep(0.02)
        self.at_once -= 1
        return self.found


async def test_one_thread_at_a_time() -> None:
    """Verdicts share the interpreter with it."""
    operators = Operators(StandingClock())
    operators.counted = slow = SlowCounters()
    caller = calling(World(operators=operators))
    await asyncio.gather(*(caller.get("/v1/stats") for _ in range(4)))
    assert 1 == slow.most


async def test_a_redis_that_does_nothing(tmp_path: Path) -> None:
    """It is said in time, and everything else is told."""
    rules = FleetRules("pod-1", FleetKeys(), timedelta(hours=1), timedelta(minutes=1))
    with redis_server(tmp_path / "redis") as server:
        async with open_cache(RedisPlace(server.url)) as cache:
            parts = FleetParts(cache, FleetNames(), rules, StandingClock(), NullFleetObserver())
            world_ = world(FleetReader(parts).replicas)
            assert (await fleet_of(world_))["reachable"]
            server.freeze()
            async with asyncio.timeout(5):
                stats = (await calling(world_).get("/v1/stats")).json()
            server.thaw()
    assert (False, 2) == (stats["fleet"]["reachable"], len(stats["decisions"]))
