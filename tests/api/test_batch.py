"""`POST /v1/validate/batch`: every item on its own, in order, a few at a time."""

import asyncio
import json
from typing import Final

import pytest

from service.api.admission import Admission
from service.api.batch import CONCURRENT_ITEMS, BatchHandler
from service.api.body_room import BodyRoom
from service.api.problems import ProblemError
from service.api.rules import ApiRules
from service.api.validation import Validation
from service.application.validate import ValidationAnswer, ValidationRequest, Validator
from service.core.model.policy import Policy
from tests.api.asgi import nothing
from tests.api.world import ADMIN, CALLER, LEAF, SUB, WITH_TOKENS, World, calling, overriding
from tests.pki import NOW, days

pytestmark = pytest.mark.anyio

GOOD: Final = {"certificate": LEAF.pem + SUB.pem}
EXPIRED: Final = {"certificate": SUB.issue("old", not_after=NOW - days(1)).pem + SUB.pem}


async def test_results_come_in_order() -> None:
    """Each is what the item alone would have got."""
    results = (await calling(World()).batch(EXPIRED, GOOD, {"certificate": "MAMCAQE="})).json()["results"]
    assert ["expired", "ok", "malformed"] == [result["code"] for result in results]


@pytest.mark.parametrize(
    ("item", "status", "kind"),
    [
        (None, 400, "invalid-request"),
        (1, 400, "invalid-request"),
        ("certificate", 400, "invalid-request"),
        ([GOOD], 400, "invalid-request"),
        ({}, 400, "invalid-request"),
        ({**GOOD, "x": 1}, 400, "invalid-request"),
        ({"certificate": "?"}, 400, "unreadable-certificates"),
        ({**GOOD, "trust_store": "nobody"}, 404, "unknown-trust-store"),
        ({**GOOD, "options": {}}, 403, "options-not-allowed"),
        ({"items": [GOOD]}, 400, "invalid-request"),
    ],
)
async def test_a_bad_item_is_a_problem_in_its_place(item: object, status: int, kind: str) -> None:
    """And the others have their answers."""
    answer = await calling(World()).batch(GOOD, item, GOOD)
    before, problem, after = answer.json()["results"]
    assert (200, "ok", "ok") == (answer.status_code, before["code"], after["code"])
    assert (status, f"urn:revet:problem:{kind}") == (problem["problem"]["status"], problem["problem"]["type"])


async def test_options_in_an_item_need_an_administrators_token() -> None:
    """A batch is no way around the rule."""
    item = {**GOOD, "options": {}}
    rules = WITH_TOKENS
    world = World(rules=rules)
    refused = overriding(world)
    outcomes = []
    for token in (CALLER, ADMIN):
        (result,) = (await type(refused)(refused.app, token).batch(item)).json()["results"]
        outcomes.append(result["problem"]["status"] if "problem" in result else result["code"])
    assert [403, "ok"] == outcomes


@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": {}}, {"items": "x"}, {"items": [], "more": 1}, [GOOD]])
async def test_a_batch_is_an_object_with_items(body: object) -> None:
    """Otherwise there is no place for problems, and the whole is one."""
    answer = await calling(World()).post(json.dumps(body).encode(), "/v1/validate/batch")
    assert (400, "urn:revet:problem:invalid-request") == (answer.status_code, answer.json()["type"])


async def test_an_empty_batch_is_answered() -> None:
    """With nothing."""
    answer = await calling(World()).batch()
    assert (200, {"results": []}) == (answer.status_code, answer.json())


async def test_a_thousand_items_are_a_batch_and_one_more_is_none() -> None:
    """The limit of the contract, with items that cost nothing."""
    caller = calling(World())
    accepted = await caller.batch(*[None] * 1_000)
    assert (200, 1_000) == (accepted.status_code, len(accepted.json()["results"]))
    refused = await caller.batch(*[None] * 1_001)
    assert (413, "It has 1001; the limit is 1000.") == (refused.status_code, refused.json()["detail"])


async def test_a_batch_has_a_limit_of_its_own() -> None:
    """It may be larger than a request, and not larger than that."""
    caller = calling(World(rules=ApiRules(max_request_bytes=100, max_batch_bytes=5_000)))
    assert 200 == (await caller.batch(GOOD)).status_code
    assert 413 == (await caller.batch(*[GOOD] * 5)).status_code


class _Counting(Validator):
    """Counts how many are at it at once; each waits until others have had their chance to begin."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0

    async def validate(self, request: ValidationRequest) -> ValidationAnswer:
        """Wait, and fail."""
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(3):
            await asyncio.sleep(0)
        self.now -= 1
        raise RuntimeError(request.trust_store)


async def test_items_are_worked_on_side_by_side_and_not_all_at_once() -> None:
    """As many as the limit says; and what is our own fault is told to the log and to nobody else."""
    validator = _Counting()
    faults: list[tuple[str, Exception]] = []
    validation = Validation(validator, Policy(), ApiRules())
    handler = BatchHandler(validation, Admission(1), BodyRoom(0), lambda what, error: faults.append((what, error)))
    body = json.dumps({"items": [GOOD] * 100}).encode()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    reply = await handler({"headers": [], "path": "/v1/validate/batch"}, receive)
    problems = {json.dumps(result["problem"]) for result in json.loads(reply.body)["results"]}
    assert (CONCURRENT_ITEMS, 100, 1) == (validator.most, len(faults), len(problems))
    assert "RuntimeError" not in problems.pop()


async def test_one_batch_too_many_is_told_to_come_again() -> None:
    """Batches have places of their own."""
    admission = Admission(1)
    handler = BatchHandler(Validation(_Counting(), Policy(), ApiRules()), admission, BodyRoom(0), lambda *_: None)
    with admission, pytest.raises(ProblemError) as refused:
        await handler({"headers": [], "path": "/v1/validate/batch"}, nothing)
    assert 503 == refused.value.problem.status


async def test_others_get_their_turn_between_items() -> None:
    """A batch that never waits for anything does not keep the event loop to itself."""
    turns = 0
    done = asyncio.Event()

    async def take_turns() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    await calling(World()).batch(*[{"certificate": "MAMCAQE="}] * (4 * CONCURRENT_ITEMS))
    done.set()
    await other
    assert turns > 4
