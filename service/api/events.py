"""`GET /v1/events`: how a service does, as it changes, for a page that is looked at (WHATWG HTML §9.2).

It says what `GET /v1/stats` says, and so asks for the same token; again with every event, so that whoever has lost his
token is told nothing more. Whoever is slow gets the newest event when he is ready for it, and never one that is old.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pydantic_core import to_json
from starlette.types import Receive, Scope

from service.api.endpoint import Faults
from service.api.event_streams import EventStream, EventStreams
from service.api.event_ticks import Tick, Ticks
from service.api.permission import permit
from service.api.problems import ProblemError
from service.api.reply import Reply
from service.api.rules import ApiRules
from service.api.stats import stats_document
from service.api.streaming import StreamedReply
from service.application.clock import Clock
from service.application.operating.statistics import Statistics

EVENT_STREAM: Final = b"text/event-stream; charset=utf-8"

HEARTBEAT_S: Final = 5.0
"""Seconds without an event after which a comment is sent, so that proxies and pages know that somebody is there."""

RETRY_MS: Final = 2_000
"""After so many milliseconds whoever was cut off may connect again."""

_BEGIN: Final = b"retry: %d\n\n" % RETRY_MS
_HEARTBEAT: Final = b": still here\n\n"

# nginx would collect what is to be seen at once.
_UNBUFFERED: Final = ((b"x-accel-buffering", b"no"),)

_MOST_MESSAGES: Final = 1_024
"""Pieces of a body that a caller may send who has nothing to send."""

_TOKEN_DIGITS: Final = 16
"""Hexadecimal digits of a digest that tell one state from the next."""

_MOVING: Final = frozenset({"lag_s"})
"""What changes with every look, and says nothing new."""


def no_decision() -> str:
    """None is kept."""
    return ""


@dataclass(frozen=True, slots=True)
class EventServices:
    """What those who listen are answered from.

    Attributes:
        streams: Those that are open.
        clock: Time.
        newest_decision: The id of the newest decision that is kept, or nothing; called in a thread.
    """

    streams: EventStreams
    clock: Clock
    newest_decision: Callable[[], str] = no_decision


class EventsHandler:
    """Handles `GET /v1/events`."""

    def __init__(self, statistics: Statistics, services: EventServices, rules: ApiRules, faults: Faults) -> None:
        """Take how the service does, what else there is to tell, who may listen, and who is told of our own faults."""
        self._statistics = statistics
        self._newest_decision = services.newest_decision
        self._streams = services.streams
        self._rules = rules
        self._clock = services.clock
        self._ticks = Ticks(self._tick, services.streams, services.clock, faults)

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Handle it."""
        permit(self._rules, scope)
        if scope["method"] == "HEAD":
            return StreamedReply(200, b"", EVENT_STREAM, _UNBUFFERED)
        stream = self._streams.open()
        pieces = self._pieces(stream, scope, receive)
        return StreamedReply(
            200, b"", EVENT_STREAM, _UNBUFFERED, pieces=pieces, release=lambda: self._streams.close(stream)
        )

    async def _tick(self) -> Tick:
        """One computation for everybody who listens."""
        document = stats_document(await self._statistics.gather())
        newest = await asyncio.to_thread(self._newest_decision)
        octets = to_json(document)
        return Tick(
            _event(b"stats", octets, str(document["at"])), _event(b"changed", to_json(changes(document, newest)))
        )

    async def _pieces(self, stream: EventStream, scope: Scope, receive: Receive) -> AsyncGenerator[bytes, None]:
        end_at = self._clock.monotonic() + self._streams.longest_s
        watching = asyncio.create_task(_watch(receive, stream))
        changed, sent = b"", None
        try:
            yield _BEGIN
            with self._ticks.listening():
                if self._ticks.latest is not None:
                    stream.wake()
                while stream.goes_on():
                    await stream.wait(HEARTBEAT_S)
                    if not (stream.goes_on() and self._is_let_in(scope)):
                        return
                    tick = self._ticks.latest
                    if tick is not None and tick is not sent:
                        sent = tick
                        yield tick.stats if tick.changed == changed else tick.changed + tick.stats
                        changed = tick.changed
                    else:
                        yield _HEARTBEAT
                    if self._clock.monotonic() >= end_at:
                        return
        finally:
            watching.cancel()

    def _is_let_in(self, scope: Scope) -> bool:
        """Whether whoever listens still may."""
        try:
            permit(self._rules, scope)
        except ProblemError:
            return False
        return True


async def _watch(receive: Receive, stream: EventStream) -> None:
    """End a stream whose caller has gone; what he sends besides is nothing."""
    for _ in range(_MOST_MESSAGES):
        if (await receive())["type"] == "http.disconnect":
            break
    stream.end()


def _event(name: bytes, data: bytes, number: str | None = None) -> bytes:
    """One event; JSON as it is written here has no line ends."""
    identified = b"" if number is None else b"id: %b\n" % number.encode()
    return b"event: %b\n%bdata: %b\n\n" % (name, identified, data)


def changes(document: Mapping[str, object], newest_decision: str) -> dict[str, str]:
    """For each list that a page shows, text that is another when the list should be fetched again.

    Args:
        document: Of the statistics.
        newest_decision: Its id.
    """
    host = document["host"]
    generation, listed = None, None
    if isinstance(host, Mapping):
        generation = host["generation"]
        listed = [host["generation"], host["crls"], host["sources"], _still(host["prefetcher"])]
    return {
        "crls": _digest(listed),
        "blocks": _digest(generation),
        "decisions": newest_decision,
        "trust_stores": _digest(document["trust_stores"]),
    }


def _still(prefetcher: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in prefetcher.items() if name not in _MOVING}


def _digest(value: object) -> str:
    return sha256(to_json(value)).hexdigest()[:_TOKEN_DIGITS]
