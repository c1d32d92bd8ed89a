"""Whatever becomes of Redis, no answer is wrong, none is a 5xx, and all is well again without a restart."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.fleet.chaos import filled, flushed, frozen, killed, leased_away, slow, story
from tests.e2e.fleet.cluster import redis_cluster
from tests.e2e.fleet.population import Size
from tests.e2e.fleet.scene import Cast, Scene, played, scene_with_redis
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CAST: Final = Cast(size=Size(120))

FAULT_S: Final = 10.0

LEASED_S: Final = 25.0
"""Twice as long as a lease, and some."""

ASKED_AT_LEAST: Final = 200
"""Verdicts of a story, or nobody has looked."""

CREATED: Final = 201
UNAVAILABLE: Final = 503

Fault = Callable[[Scene, RedisServer], AbstractContextManager[None]]

GONE: Final[dict[str, Fault]] = {
    "killed": lambda _, redis: killed(redis),
    "frozen": lambda _, redis: frozen(redis),
    "filled": lambda _, redis: filled(redis),
    "late by a second": lambda scene, _: slow(scene.ways, 1.0),
    "late by 100 ms": lambda scene, _: slow(scene.ways, 0.1),
}
"""In each of these a block cannot be written in time."""


def assert_well(scene: Scene) -> None:
    """Much was asked, nothing was wrong, and nobody failed."""
    assert_nothing_wrong(scene)
    assert scene.oracle.asked > ASKED_AT_LEAST


def assert_nothing_wrong(scene: Scene) -> None:
    """Nothing was wrong, and nobody failed."""
    assert [] == scene.oracle.wrong
    assert [] == list(scene.failures())


@pytest.mark.parametrize("name", GONE)
def test_redis_cannot_be_used(tmp_path: Path, name: str) -> None:
    """Every replica goes on by itself: blocks are local and said to be, and meet afterwards."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis):
        told = story(scene, GONE[name](scene, redis), FAULT_S)
        assert_well(scene)
        assert (UNAVAILABLE, UNAVAILABLE) == told.blocks


def test_redis_is_emptied_again_and_again(tmp_path: Path) -> None:
    """Blocks are answered with 201 or said to be local, and either way none is lost."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis):
        told = story(scene, flushed(redis), FAULT_S, is_cut=False)
        assert_well(scene)
        assert {CREATED, UNAVAILABLE} >= set(told.blocks)


def test_leases_that_nobody_gives_back(tmp_path: Path) -> None:
    """Each replica waits for no longer than a lease lasts, and then asks the authority itself."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis):
        told = story(scene, leased_away(redis, scene.population), LEASED_S, is_cut=False)
        assert_well(scene)
        assert (CREATED, CREATED) == told.blocks


def test_a_cluster_fails_over(tmp_path: Path) -> None:
    """The master of the block list is killed, and a replica takes over."""
    with redis_cluster(tmp_path / "cluster") as cluster:
        urls = [cluster.url] * CAST.replicas
        with played(tmp_path, CAST, None, urls) as scene:
            told = story(scene, cluster.failing_over(), FAULT_S)
            assert_well(scene)
            assert {CREATED, UNAVAILABLE} >= set(told.blocks)
