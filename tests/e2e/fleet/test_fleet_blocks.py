"""A block on one replica denies on all, whatever lies between them."""

import asyncio
import json
import time
from pathlib import Path
from typing import Final

import httpx
import pytest

from service.application.fleet.names import FleetNames
from tests.e2e.fleet.asking import Asker
from tests.e2e.fleet.chaos import RECONCILED_S, block_again
from tests.e2e.fleet.population import Client, Size
from tests.e2e.fleet.scene import Cast, Scene, newcomer, scene_with_redis
from tests.e2e.fleet.spreading import spread
from tests.e2e.fleet.test_fleet_faults import CREATED, UNAVAILABLE, assert_nothing_wrong, assert_well
from tests.e2e.fleet.traffic import Pace
from tests.e2e.running import until
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CAST: Final = Cast(size=Size(140))

QUIET: Final = Pace(single=5.0, batches=1.0)

CUT: Final = 3
"""The replica whose way to Redis is cut."""

FIRST: Final = 10
"""Decisions that are looked at from the first on."""

NO_CONTENT: Final = 204

SETTLED_S: Final = 5.0
"""After a flush, until everybody has written what he knows: a block that came back would be seen by then."""

BLOCKED_BEFORE: Final = 5
"""Blocks that a newcomer has to know before it decides anything."""


def test_a_hundred_blocks_in_a_row(tmp_path: Path) -> None:
    """Each denies on the other four within a second of its 201, whichever replica was asked."""
    with scene_with_redis(tmp_path, CAST) as (scene, _):
        with scene.traffic(QUIET):
            seconds = spread(scene, 100)
        assert_well(scene)
        assert 400 == len(seconds)


def test_blocks_are_removed(tmp_path: Path) -> None:
    """A removal at one replica allows again at all, within a second; without its tombstone in Redis as well."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis):
        with scene.traffic(QUIET):
            for number in range(len(scene.replicas)):
                client = scene.spare()
                answer = scene.block(number, client)
                scene.until_denied([client], answer.at, scene.replicas)
                assert NO_CONTENT == scene.unblock((number + 1) % len(scene.replicas), client, answer.id)
                scene.until_allowed([client], time.time(), scene.replicas)
            redis.flush()
            time.sleep(SETTLED_S)
        assert_well(scene)


def test_a_partition_and_its_healing(tmp_path: Path) -> None:
    """One replica is cut off: what it blocks is local and said to be, and what others block comes when it is back."""
    with scene_with_redis(tmp_path, CAST) as (scene, _):
        others = [one for one in scene.replicas if one.number != CUT]
        with scene.traffic(QUIET):
            cut = time.time()
            scene.ways.cut(CUT)
            first, second = scene.spare(), scene.spare()
            here, there = scene.block(0, first), scene.block(CUT, second)
            assert (CREATED, UNAVAILABLE) == (here.status, there.status)
            scene.until_denied([first], here.at, others)
            scene.until_denied([second], there.at, [scene.replicas[CUT]])
            time.sleep(2 * scene.cast.rhythm.period_s)
            scene.ways.heal(CUT)
            healed = time.time()
            scene.oracle.cut_off(CUT, cut, healed)
            scene.until_denied([first, second], healed, scene.replicas, RECONCILED_S)
            answer, third = block_again(scene, CUT)
            scene.until_denied([third], answer.at, scene.replicas)
        assert_well(scene)


def test_a_flush_loses_no_block(tmp_path: Path) -> None:
    """What was blocked before Redis was emptied is in it again, and known to a replica that knew nothing."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis):
        blocked = _block_some(scene)
        redis.flush()
        until(lambda: _listed(redis) >= BLOCKED_BEFORE, "the list is whole again", RECONCILED_S)
        with newcomer(scene) as late:
            late.wait()
            scene.until_denied(blocked, time.time(), [late])
        scene.judge()
        assert_nothing_wrong(scene)


def test_all_replicas_are_restarted(tmp_path: Path) -> None:
    """What was blocked stays blocked, from the first answer on; Redis has been emptied meanwhile."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis):
        blocked = _block_some(scene)
        for one in scene.replicas:
            one.kill()
        redis.flush()
        for one in scene.replicas:
            one.begin()
        for one in scene.replicas:
            one.wait()
        with scene.traffic(QUIET):
            scene.until_denied(blocked, time.time(), scene.replicas)
            answer, client = block_again(scene)
            scene.until_denied([client], answer.at, scene.replicas)
        assert_well(scene)


def test_a_newcomer_reads_the_list_first(tmp_path: Path) -> None:
    """With an empty data directory and no way to Redis it decides nothing; then it knows every block."""
    with scene_with_redis(tmp_path, CAST) as (scene, _):
        blocked = _block_some(scene)
        scene.ways.cut(scene.cast.replicas)
        with newcomer(scene) as late:
            until(late.service.answers, "it answers")
            question = {"certificate": blocked[0].issued.pem}
            for _ in range(20):
                assert not late.service.is_ready()
                answer = httpx.post(f"{late.url}/v1/validate", json=question, timeout=10)
                assert UNAVAILABLE == answer.status_code, answer.text
                time.sleep(0.1)
            scene.ways.heal(scene.cast.replicas)
            codes = asyncio.run(_first_decisions(late.port, question))
            assert {"blocked"} == set(codes)
            late.wait()
            scene.until_denied(blocked, time.time(), [late])
        scene.judge()
        assert_nothing_wrong(scene)


async def _first_decisions(port: int, question: dict[str, str]) -> list[str]:
    """The codes of the first decisions, whenever they come."""
    found: list[str] = []
    async with Asker(port) as asker, asyncio.timeout(RECONCILED_S):
        while len(found) < FIRST:
            status, answer = await asker.post("/v1/validate", json.dumps(question).encode())
            if status != UNAVAILABLE:
                found.append(answer["code"])
    return found


def _block_some(scene: Scene) -> list[Client]:
    """Block some certificates, each at another replica, and wait until all deny them."""
    clients = [scene.spare() for _ in range(BLOCKED_BEFORE)]
    answers = [scene.block(number % len(scene.replicas), one) for number, one in enumerate(clients)]
    assert {CREATED} == {one.status for one in answers}
    scene.until_denied(clients, answers[-1].at, scene.replicas)
    return clients


def _listed(redis: RedisServer) -> int:
    """How many blocks Redis has."""
    return int(redis.ask("HLEN", FleetNames().blocks).removeprefix(b":"))
