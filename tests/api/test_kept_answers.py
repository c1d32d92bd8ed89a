"""Answers that are sent again: the same but for their id and `cache`, and only while they would be decided again."""

from datetime import timedelta

import pytest

from service.application.observer import DecisionDetails
from service.core.model.failure import Code
from service.core.model.policy import OcspNonce, Policy
from service.core.model.verdict import Decision, Status
from tests.api.world import ADMIN, CALLER, LEAF, OVERRIDING, SUB, WITH_TOKENS, World, calling

pytestmark = pytest.mark.anyio

REQUEST = {"certificate": LEAF.pem, "intermediates": [SUB.pem]}


def keeping() -> World:
    """A service that keeps answers."""
    return World(kept=10)


async def test_the_second_answer_is_a_hit() -> None:
    """It is the first one with another id, and says where it came from."""
    caller = calling(keeping())
    first, second = (await caller.validate(REQUEST)).json(), (await caller.validate(REQUEST)).json()
    assert ("miss", "hit") == (first["cache"], second["cache"])
    assert first["decision_id"] != second["decision_id"]
    assert {**first, "cache": "hit", "decision_id": second["decision_id"]} == second


async def test_each_is_told() -> None:
    """Whoever counts decisions counts those as well, under the id that the caller has."""
    world = keeping()
    caller = calling(world)
    await caller.validate(REQUEST)
    second = (await caller.validate(REQUEST)).json()
    expected = DecisionDetails(second["decision_id"], Decision.ALLOW, Code.OK, "default", "api", None, Status.UNKNOWN)
    assert [expected] == world.observer.decisions[1:]


async def test_another_request_is_another_question() -> None:
    """Whatever differs: the same certificate with another chain may be denied."""
    caller = calling(keeping())
    await caller.validate(REQUEST)
    answer = (await caller.validate({"certificate": LEAF.pem})).json()
    assert ("untrusted", "miss") == (answer["code"], answer["cache"])


async def test_a_change_ends_it() -> None:
    """A CRL or a block, as far as can be seen from here."""
    world = keeping()
    caller = calling(world)
    await caller.validate(REQUEST)
    assert world.number.value is not None
    world.number.value += 1
    assert "miss" == (await caller.validate(REQUEST)).json()["cache"]
    assert "hit" == (await caller.validate(REQUEST)).json()["cache"]


async def test_its_end_ends_it() -> None:
    """It is not sent at `valid_until`."""
    world = keeping()
    caller = calling(world)
    await caller.validate(REQUEST)
    world.clock.moment += timedelta(seconds=59.9)
    assert "hit" == (await caller.validate(REQUEST)).json()["cache"]
    world.clock.moment += timedelta(seconds=0.1)
    assert "miss" == (await caller.validate(REQUEST)).json()["cache"]


async def test_a_store_that_cannot_be_read() -> None:
    """Every request is decided anew then."""
    world = keeping()
    caller = calling(world)
    await caller.validate(REQUEST)
    world.number.value = None
    assert ["miss", "miss"] == [(await caller.validate(REQUEST)).json()["cache"] for _ in range(2)]


async def test_nothing_is_kept_where_nonces_are_wanted() -> None:
    """Every request is one that its responder is to answer."""
    world = keeping()
    world.policy = Policy(ocsp_nonce=OcspNonce.REQUEST)
    caller = calling(world)
    assert ["miss", "miss"] == [(await caller.validate(REQUEST)).json()["cache"] for _ in range(2)]


async def test_options_are_never_kept() -> None:
    """Their answers are for one request, as `valid_until` says."""
    world = keeping()
    world.rules = OVERRIDING
    caller = calling(world)
    request = {**REQUEST, "options": {}}
    assert ["miss", "miss"] == [(await caller.validate(request)).json()["cache"] for _ in range(2)]


async def test_problems_are_never_kept() -> None:
    """What could not be understood is read again, and refused again."""
    caller = calling(keeping())
    statuses = [(await caller.validate({**REQUEST, "trust_store": "unknown"})).status_code for _ in range(2)]
    assert [404, 404] == statuses


async def test_who_may_not_ask_is_told_nothing() -> None:
    """An answer that others were given is no answer to a stranger."""
    world = keeping()
    world.rules = WITH_TOKENS
    assert "miss" == (await calling(world, CALLER).validate(REQUEST)).json()["cache"]
    assert 401 == (await calling(world).validate(REQUEST)).status_code


async def test_a_denial_is_kept_too() -> None:
    """A malformed certificate as well: it will not get better."""
    caller = calling(keeping())
    answers = [(await caller.validate({"certificate": "MAMCAQE="})).json() for _ in range(2)]
    assert [("malformed", "miss"), ("malformed", "hit")] == [(one["code"], one["cache"]) for one in answers]


async def test_items_of_a_batch_are_kept() -> None:
    """Each by itself, also where the same item stands in another batch."""
    world = keeping()
    world.rules = WITH_TOKENS
    caller = calling(world, ADMIN)
    await caller.batch(REQUEST)
    results = (await caller.batch({"certificate": LEAF.pem}, REQUEST)).json()["results"]
    assert ["miss", "hit"] == [one["cache"] for one in results]


async def test_a_batch_may_repeat_itself() -> None:
    """Two items of one batch that are the same are decided side by side, and both are answered."""
    results = (await calling(keeping()).batch(REQUEST, REQUEST)).json()["results"]
    assert ["ok", "ok"] == [one["code"] for one in results]
    assert 2 == len({one["decision_id"] for one in results})


async def test_an_item_that_nests_too_deeply() -> None:
    """It is refused like any other that is no request, in its place."""
    nested: object = "x"
    for _ in range(300):
        nested = [nested]
    results = (await calling(keeping()).batch({"certificate": nested}, REQUEST)).json()["results"]
    assert [400, "ok"] == [results[0]["problem"]["status"], results[1]["code"]]
