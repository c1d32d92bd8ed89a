"""Callers who send too much, too slowly, or go away; and more of them than there is room for."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

import pytest
from starlette.types import Message

from service.api import body as body_module
from service.api.admission import Admission
from service.api.body_room import BodyRoom
from service.api.problems import ProblemError
from service.api.rules import ApiRules
from service.api.validation import ValidateHandler, Validation
from service.application.validate import ValidationAnswer, ValidationRequest, Validator
from service.core.model.policy import Policy
from tests.api.asgi import exchange, piece, receiving, scope_of
from tests.api.world import LEAF, SUB, World

pytestmark = pytest.mark.anyio

BODY: Final = json.dumps({"certificate": LEAF.pem + SUB.pem}).encode()
PATH: Final = "/v1/validate"


async def never() -> Message:
    """Nothing may be read.

    Raises:
        AssertionError: always.
    """
    raise AssertionError("the body was read")


@pytest.mark.parametrize("length", [b"1048577", b"99999999999999999", b"1" * 5_000])
async def test_a_body_that_says_it_is_too_long_is_not_read(length: bytes) -> None:
    """413 at once, and the connection is closed instead of being read to the end."""
    found = await exchange(World().app(), scope_of(PATH, [(b"content-length", length)]), never)
    assert (413, b"close") == (found.status, found.headers[b"connection"])


async def test_a_body_that_is_too_long_is_not_read_to_the_end() -> None:
    """Without a length it is counted, and the piece that is too much is the last one that is read."""
    read = 0

    async def endless() -> AsyncIterator[Message]:
        nonlocal read
        while True:
            read += 1
            yield piece(b"x" * 50, is_last=False)

    app = World(rules=ApiRules(max_request_bytes=100)).app()
    found = await exchange(app, scope_of(PATH), receiving(endless()))
    assert (413, b"close", 3) == (found.status, found.headers[b"connection"], read)


async def test_a_body_in_pieces_is_put_together() -> None:
    """However small they are."""

    async def letters() -> AsyncIterator[Message]:
        for letter in BODY:
            yield piece(bytes([letter]), is_last=False)
        yield piece(b"", is_last=True)

    found = await exchange(World().app(), scope_of(PATH), receiving(letters()))
    assert (200, "allow") == (found.status, json.loads(found.body)["decision"])


async def test_who_goes_away_is_not_answered() -> None:
    """There is nobody to answer, and nobody is at fault."""

    async def half() -> AsyncIterator[Message]:
        yield piece(BODY[:100], is_last=False)
        yield {"type": "http.disconnect"}

    world = World()
    found = await exchange(world.app(), scope_of(PATH), receiving(half()))
    assert (None, []) == (found.status, world.faults)


async def test_a_body_that_does_not_end_in_time_is_a_408(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sits on one of the places for requests."""
    monkeypatch.setattr(body_module, "GRACE_S", 0.0)

    async def stalled() -> AsyncIterator[Message]:
        yield piece(BODY[:100], is_last=False)
        await asyncio.Event().wait()

    app = World(rules=ApiRules(max_request_bytes=1_000)).app()
    found = await exchange(app, scope_of(PATH), receiving(stalled()))
    assert (408, b"close") == (found.status, found.headers[b"connection"])


class _Waiting(Validator):
    """Answers nobody."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def validate(self, request: ValidationRequest) -> ValidationAnswer:
        """Wait until cancelled."""
        self.begun.set()
        await asyncio.Event().wait()
        raise AssertionError(request)


async def test_one_request_too_many_is_told_to_come_again() -> None:
    """503 at once, with Retry-After, and its body is not read; the place is free again after the request."""
    validator = _Waiting()
    handler = ValidateHandler(Validation(validator, Policy(), ApiRules()), Admission(1), BodyRoom(0))

    async def whole() -> AsyncIterator[Message]:
        yield piece(BODY, is_last=True)

    first = asyncio.create_task(handler(scope_of(PATH), receiving(whole())))
    await validator.begun.wait()
    with pytest.raises(ProblemError) as refused:
        await handler(scope_of(PATH), never)
    assert (503, (b"retry-after", b"1")) == (refused.value.problem.status, refused.value.problem.headers[0])
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    validator.begun.clear()
    third = asyncio.create_task(handler(scope_of(PATH), receiving(whole())))
    await validator.begun.wait()
    third.cancel()


async def test_a_refused_request_gives_its_place_back() -> None:
    """A problem takes no place with it."""
    admission = Admission(1)
    for _ in range(3):
        with pytest.raises(RuntimeError), admission:
            raise RuntimeError
    with admission, pytest.raises(ProblemError), admission:
        pass
    with admission:
        pass
