"""Whoever owns Redis makes replicas ask the authority, and nothing else."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet.chaos import RECONCILED_S, block_again, settled
from tests.e2e.fleet.poison import Poisoner
from tests.e2e.fleet.poisonings import CAST, Poisoned, poison_answers, poison_blocks, poison_crls, poisoner
from tests.e2e.fleet.scene import PATIENCE_S, Scene, scene_with_redis
from tests.e2e.fleet.test_fleet_faults import CREATED, UNAVAILABLE, assert_well
from tests.e2e.running import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("tell", [poison_crls, poison_answers, poison_blocks])
def test_refused_and_asked_of_the_origin(tmp_path: Path, tell: Callable[[Scene, Poisoner], Iterator[Poisoned]]) -> None:
    """Each is refused by its name, and counted; whoever knows it better is asked; no verdict is wrong."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis), poisoner(scene, redis) as bad:
        with scene.traffic():
            told = list(tell(scene, bad))
        assert [] == [one for one in told if not one.is_harmless]
        assert_well(scene)


def test_random_octets_over_everything(tmp_path: Path) -> None:
    """Again and again; all is well by itself soon after the last time."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis), poisoner(scene, redis) as bad:
        first, _ = block_again(scene)
        with scene.traffic():
            for _ in range(5):
                assert bad.everything() > 0
                time.sleep(scene.cast.rhythm.period_s / 2)
            ended = time.time()
            answer, client = block_again(scene)
            scene.until_denied([client], answer.at, scene.replicas)
            until(lambda: settled(scene, ended), "the authority is asked once a period", PATIENCE_S + RECONCILED_S)
        assert sum(scene.refused().values()) > 0
        assert first.status == answer.status
        assert_well(scene)


def test_other_things_in_place_of_the_list(tmp_path: Path) -> None:
    """Texts where a hash and a stream should be are removed and counted, and nothing is lost."""
    with scene_with_redis(tmp_path, CAST) as (scene, redis), poisoner(scene, redis) as bad:
        with scene.traffic():
            bad.other_types()
            clients = [scene.spare() for _ in scene.replicas]
            answers = [scene.block(number, one) for number, one in enumerate(clients)]
            assert {CREATED, UNAVAILABLE} >= {one.status for one in answers}
            scene.until_denied(clients, time.time(), scene.replicas, RECONCILED_S)
            answer, client = block_again(scene)
            scene.until_denied([client], answer.at, scene.replicas)
        assert sum(scene.refused().values()) > 0
        assert_well(scene)
