"""`GET /v1/events`: what `GET /v1/stats` says, to whoever may have it, for as long as somebody listens."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from fastapi import FastAPI
from starlette.types import Message

from service.api.event_streams import EventStreams
from service.api.events import EVENT_STREAM, EventServices, EventsHandler, changes
from service.api.rules import ApiRules
from service.api.stats import stats_document
from service.application.evidence_store import StoreError
from service.application.operating.statistics import ServiceStatistics, Statistics
from service.application.tokens import TokenDigests, TokenKind, digest_of_entry
from tests.api.asgi import exchange, nothing, scope_of
from tests.api.fakes import StandingClock
from tests.api.operating_parts import world
from tests.api.world import CALLER, WITH_TOKENS, World, calling
from tests.operators import HostInMemory, Operators

pytestmark = pytest.mark.anyio

PATH: Final = "/v1/events"
TOKENS: Final = {"crls", "blocks", "decisions", "trust_stores"}


@dataclass(slots=True)
class SteppingClock(StandingClock):
    """A clock whose sleepers wait until the test says so.

    Attributes:
        seconds: What it shows.
        sleepers: How many wait.
    """

    seconds: float = 0.0
    sleepers: int = 0
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def monotonic(self) -> float:
        """As the test has it."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - the port's
        """Until the test says so."""
        self.sleepers += 1
        try:
            await self.turns.acquire()
        finally:
            self.sleepers -= 1


@dataclass(slots=True)
class Listening:
    """Somebody who listens, and takes each message when the test does.

    Attributes:
        task: The application at work.
        sent: What it has sent and nobody has read.
    """

    task: asyncio.Task[None]
    sent: asyncio.Queue[Message]
    gone: asyncio.Event

    async def head(self) -> int:
        """The status."""
        return int((await self._next())["status"])

    async def event(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """What the next event of a name says; others, and comments, are passed over."""
        while True:
            for text in (await self.piece()).split("\n\n"):
                lines = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(":"))
                if lines.get("event") == name:
                    return json.loads(lines["data"])

    async def piece(self) -> str:
        """The next piece of the body; empty where it has ended."""
        message = await self._next()
        if message["type"] == "http.response.start":
            message = await self._next()
        return str(message["body"].decode())

    async def end(self) -> None:
        """Read to the end."""
        while await self.piece():
            pass
        await self.task

    async def _next(self) -> Message:
        async with asyncio.timeout(10):
            return await self.sent.get()


@asynccontextmanager
async def listening(app: FastAPI, token: str | None = None) -> AsyncIterator[Listening]:
    """Somebody who listens until the block is left."""
    headers = [] if token is None else [(b"authorization", b"Bearer " + token.encode())]
    sent: asyncio.Queue[Message] = asyncio.Queue()
    gone = asyncio.Event()
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        for message in messages:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(app(scope_of(PATH, headers, "GET"), receive, sent.put))
    try:
        yield Listening(task, sent, gone)
    finally:
        gone.set()
        async with asyncio.timeout(10):
            await task


def going_on(most: int = 32, **rules: Any) -> tuple[World, Operators, SteppingClock]:  # noqa: ANN401 - any rule
    """A world whose streams go on, and a clock that stands until it is told to go on."""
    made, operators = world(**rules)
    clock = SteppingClock()
    made.clock, made.streams = clock, EventStreams(most)
    return made, operators, clock


async def test_what_is_sent() -> None:
    """First how to come back, then the tokens and the statistics as `GET /v1/stats` has them; then it ends here."""
    made, _ = world()
    answer = await calling(made).get(PATH)
    assert (200, EVENT_STREAM.decode()) == (answer.status_code, answer.headers["content-type"])
    assert ("close", "no") == (answer.headers["connection"], answer.headers["x-accel-buffering"])
    assert "content-length" not in answer.headers
    begin, changed, stats = answer.text.removesuffix("\n\n").split("\n\n")
    assert "retry: 2000" == begin
    assert TOKENS == set(json.loads(changed.removeprefix("event: changed\ndata: ")))
    name, number, data = stats.splitlines()
    expected = (await calling(made).get("/v1/stats")).json()
    assert ("event: stats", f"id: {expected['at']}") == (name, number)
    assert expected == json.loads(data.removeprefix("data: "))


async def test_each_turn_is_told() -> None:
    """Statistics with every turn, tokens only where one is another."""
    made, operators, clock = going_on()
    async with listening(made.app()) as one:
        assert 200 == await one.head()
        assert "retry: 2000\n\n" == await one.piece()
        first = await one.event("changed")
        clock.turns.release()
        assert "event: stats\n" == (await one.piece())[:13]
        operators.host.number += 1
        clock.turns.release()
        second = await one.event("changed")
        assert {"blocks", "crls"} == {name for name in TOKENS if first[name] != second[name]}


async def test_one_computation_for_all() -> None:
    """However many listen; the next one is not made before its time."""
    made, operators, clock = going_on()
    host, app = _counting(operators), made.app()
    async with listening(app) as one, listening(app) as other:
        stats = [await each.event("stats") for each in (one, other)]
        assert stats[0] == stats[1]
        count = host.gathered
        clock.turns.release()
        await asyncio.gather(one.event("stats"), other.event("stats"))
        assert (1, count + 1) == (count, host.gathered)


async def test_who_comes_later_is_told_at_once() -> None:
    """What the others were told last."""
    made, operators, _ = going_on()
    host, app = _counting(operators), made.app()
    async with listening(app) as one:
        stats = await one.event("stats")
        async with listening(app) as other:
            assert stats == await other.event("stats")
    assert 1 == host.gathered


async def test_nothing_is_computed_for_nobody() -> None:
    """When the last one has gone, it stops; when somebody comes again, it begins anew."""
    made, operators, clock = going_on()
    host, app = _counting(operators), made.app()
    async with listening(app) as one:
        await one.event("stats")
        assert 1 == clock.sleepers
    assert 0 == len(made.streams)
    await asyncio.sleep(0)
    assert (1, 0) == (host.gathered, clock.sleepers)
    async with listening(app) as one:
        await one.event("stats")
    assert 2 == host.gathered


async def test_a_token_is_needed() -> None:
    """As for the statistics."""
    for token, status in ((None, 401), ("wrong", 401), (CALLER, 200)):
        made, _ = world(access=WITH_TOKENS.access)
        assert status == (await calling(made, token).get(PATH)).status_code


async def test_a_token_that_is_taken_away_ends_it() -> None:
    """At the next event: whoever had it is told nothing more."""
    rules = ApiRules(access=WITH_TOKENS.access)
    before = rules.access.tokens
    made, _, clock = going_on(access=rules.access)
    try:
        async with listening(made.app(), CALLER) as one:
            await one.event("stats")
            rules.access.replace_tokens(
                TokenDigests({**before.of, TokenKind.API: (digest_of_entry("another-0123456789ab"),)})
            )
            clock.turns.release()
            await one.end()
    finally:
        rules.access.replace_tokens(before)


async def test_it_ends_after_a_while() -> None:
    """So that connections spread over workers again."""
    made, _, clock = going_on()
    async with listening(made.app()) as one:
        await one.event("stats")
        clock.seconds = made.streams.longest_s
        clock.turns.release()
        await one.end()


async def test_no_more_than_there_may_be() -> None:
    """The next one is told to ask for the statistics instead, until a place is free."""
    made, _, _ = going_on(most=1)
    app = made.app()
    async with listening(app) as one:
        assert 200 == await one.head()
        refused = await exchange(app, scope_of(PATH, method="GET"), nothing)
        assert (503, b"10") == (refused.status, refused.headers[b"retry-after"])
        assert "urn:revet:problem:too-many-event-streams" == json.loads(refused.body)["type"]
    async with listening(app) as one:
        assert 200 == await one.head()


async def test_verdicts_keep_half_of_the_connections() -> None:
    """However many streams there may be."""
    made, _, _ = going_on(most=32)
    made.streams.leave_room(3)
    app = made.app()
    async with listening(app) as one:
        assert 200 == await one.head()
        assert 503 == (await exchange(app, scope_of(PATH, method="GET"), nothing)).status


async def test_all_end_with_the_worker() -> None:
    """At once, and no more are opened."""
    made, _, _ = going_on()
    app = made.app()
    async with listening(app) as one, listening(app) as other:
        await asyncio.gather(one.event("stats"), other.event("stats"))
        made.streams.end()
        await asyncio.gather(one.end(), other.end())
        refused = await exchange(app, scope_of(PATH, method="GET"), nothing)
        assert (503, "urn:revet:problem:ending") == (refused.status, json.loads(refused.body)["type"])
    assert 0 == len(made.streams)


async def test_a_place_is_free_again_when_the_caller_has_gone() -> None:
    """Without anything being sent to him."""
    made, _, _ = going_on(most=1)
    async with listening(made.app()) as one:
        await one.event("stats")
        one.gone.set()
        await one.task
        assert 0 == len(made.streams)


async def test_who_is_stuck_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """He gets nothing more, his place is free, and others have not waited for him."""
    monkeypatch.setattr("service.api.streaming.STUCK_S", 0.01)
    made, _, _ = going_on()
    app = made.app()
    started: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message["status"])
        else:
            await asyncio.Event().wait()

    async with listening(app) as other:
        await app(scope_of(PATH, method="GET"), nothing, send)
        assert ([200], 1) == (started, len(made.streams))
        assert TOKENS == set(await other.event("changed"))


async def test_what_cannot_be_computed_is_told_once() -> None:
    """Whoever listens hears that somebody is there; when it can be computed again, he hears that."""
    clock, faults = SteppingClock(), list[tuple[str, Exception]]()
    broken = [StoreError("gone"), StoreError("gone"), None]
    operators = Operators(clock)
    real = operators.services().statistics

    class Breaking(Statistics):
        """Fails as long as something is broken."""

        def __init__(self) -> None:
            """Nothing is gathered here."""

        async def gather(self) -> ServiceStatistics:
            """Fail, or gather."""
            error = broken.pop(0) if broken else None
            if error is not None:
                raise error
            return await real.gather()

    streams = EventStreams()
    handler = EventsHandler(
        Breaking(), EventServices(streams, clock), ApiRules(), lambda path, error: faults.append((path, error))
    )
    reply = await handler(scope_of(PATH, method="GET"), _forever)
    pieces = aiter(reply.pieces)  # type: ignore[attr-defined] # it is one that goes on
    assert b"retry" in await anext(pieces)
    for expected in (b": still here\n\n", b": still here\n\n", b"event: changed"):
        assert (await anext(pieces)).startswith(expected)
        clock.turns.release()
    await pieces.aclose()
    assert [(PATH, "gone")] == [(path, str(error)) for path, error in faults]


async def test_head() -> None:
    """Says what there would be, and takes no place."""
    made, _, _ = going_on(most=0)
    found = await exchange(made.app(), scope_of(PATH, method="HEAD"), nothing)
    assert (200, EVENT_STREAM, b"") == (found.status, found.headers[b"content-type"], found.body)


async def test_what_moves_by_itself_is_no_change() -> None:
    """A source that waits for its turn waits longer every second."""
    operators = Operators(StandingClock())
    document = stats_document(await operators.services().statistics.gather())
    first = changes(document, "a")
    host = document["host"]
    assert isinstance(host, dict)
    host["prefetcher"]["lag_s"] = 12.5
    assert first == changes(document, "a")
    host["prefetcher"]["last_attempt"] = "2026-01-01T00:00:00Z"
    assert {"crls"} == _differing(first, changes(document, "a"))
    assert {"decisions"} == _differing(changes(document, "a"), changes(document, "b"))
    assert {"crls", "blocks"} == _differing(first, changes({**document, "host": None}, "a"))


def _differing(first: dict[str, str], second: dict[str, str]) -> set[str]:
    return {name for name in first if first[name] != second[name]}


class _CountingHost(HostInMemory):
    """Counts how often it was asked for its generation, which is once for each computation."""

    gathered = 0

    def generation(self) -> int:
        """The number."""
        self.gathered += 1
        return super().generation()


def _counting(operators: Operators) -> _CountingHost:
    """The host of these, which counts from now on. Before anything is made of them."""
    before = operators.host
    counting = operators.host = _CountingHost(before.crls, before.records, before.listings, before.number)
    return counting


async def _forever() -> Message:
    await asyncio.Event().wait()
    raise AssertionError
