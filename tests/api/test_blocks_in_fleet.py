"""`/v1/blocks` where a fleet shares them: what is said of what the others know."""

from dataclasses import replace

import pytest

from service.api import examples
from service.application.block_sharing import Reach
from tests.api.example_world import DECISION, example_world
from tests.api.fakes import OneId
from tests.api.test_blocks import BY_FINGERPRINT, REQUEST, blocked, code, post
from tests.api.world import World, calling
from tests.memory_blocks import ScriptedSharing

pytestmark = pytest.mark.anyio


def in_fleet(reach: Reach) -> World:
    """A replica whose fleet hears so much."""
    world = World(sharing=ScriptedSharing(reach))
    world.blocks.lists_read.add("fleet")
    return world


async def test_a_block_that_the_fleet_knows_of() -> None:
    """201 and 204, as on a host by itself."""
    caller = calling(in_fleet(Reach.EVERYWHERE))
    block = await blocked(caller, BY_FINGERPRINT)
    assert 204 == (await caller.send("DELETE", f"/v1/blocks/{block['id']}")).status_code


@pytest.mark.parametrize(
    ("reach", "words"),
    [(Reach.UNREACHABLE, "Redis"), (Reach.UNAUTHENTICATED, "REVET_FLEET_KEY"), (Reach.REFUSED, "larger")],
)
async def test_a_change_that_the_fleet_does_not_know_of(reach: Reach, words: str) -> None:
    """503 that says `local`, with the block: it is in force. Nobody is told to ask again: he would make another."""
    caller = calling(in_fleet(reach))
    answer = await post(caller, BY_FINGERPRINT)
    problem = answer.json()
    assert (503, "urn:revet:problem:block-is-local", True) == (answer.status_code, problem["type"], problem["local"])
    assert "retry-after" not in answer.headers
    assert words in problem["detail"]
    assert {"blocks": [problem["block"]]} == (await caller.get("/v1/blocks")).json()
    assert "blocked" == await code(caller)
    removal = await caller.send("DELETE", f"/v1/blocks/{problem['block_id']}")
    assert (503, "urn:revet:problem:block-is-local", True, problem["block_id"]) == (
        removal.status_code,
        removal.json()["type"],
        removal.json()["local"],
        removal.json()["block_id"],
    )
    assert words in removal.json()["detail"]
    assert "ok" == await code(caller)


async def test_before_the_fleets_list_was_read() -> None:
    """503 for verdicts, as while the list cannot be read; a block is taken all the same."""
    world = in_fleet(Reach.EVERYWHERE)
    world.blocks.lists_read.clear()
    caller = calling(world)
    answer = await caller.validate(REQUEST)
    assert (503, "urn:revet:problem:blocks-unavailable") == (answer.status_code, answer.json()["type"])
    await blocked(caller, BY_FINGERPRINT)
    assert 503 == (await caller.get("/v1/blocks")).status_code
    world.blocks.lists_read.add("fleet")
    assert "blocked" == await code(caller)


async def test_the_example_of_a_local_block_is_true() -> None:
    """What the documentation shows is what is answered."""
    world = example_world(revoked=False)
    world.ids = OneId(DECISION)
    answer = await post(calling(replace(world, sharing=ScriptedSharing(Reach.UNREACHABLE))), examples.BLOCK_REQUEST)
    assert (503, examples.LOCAL_BLOCK) == (answer.status_code, answer.json())
