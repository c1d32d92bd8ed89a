"""The fleet's cache in Redis: implements `service.application.fleet.cache.SharedCache`.

Rules it keeps: each method is one command about one slot, with the time that the port gives it, or several of such
commands one after the other; whatever goes wrong is `FleetUnavailableError`; one that a request waits for is not even
begun while Redis is known to be gone (`health`). A Redis that refuses a command, because it is full or does not let us,
is not gone: that command has failed alone. A command whose caller went away has not failed at all. Where a name leads
to what has another type than it must have, that is removed, and the command has failed.

An answer is taken apart here and nowhere else, and is anybody's: what has not the shape that a command's answer has is
refused as if it had not come.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from service.adapters.redis.failures import AloneError, LinkError
from service.adapters.redis.health import RedisHealth
from service.adapters.redis.links import CONNECT_S, Word
from service.adapters.redis.nodes import Lane, Route
from service.adapters.redis.scripts import DISCARD, ENDS, MARK, PUT_AND_TELL, RELEASE, RENEW
from service.adapters.redis.types import WRONG_TYPE, types_of
from service.adapters.redis.wire import MAX_ANSWER_OCTETS, MAX_VALUE_OCTETS, Answer
from service.application.clock import Clock
from service.application.fleet.cache import BULK_S, COMMAND_S, FleetUnavailableError, StreamEnds, Told

MOST_EVENTS: Final = 10_000
"""Events that the stream keeps, about: whoever missed more reads everything anew."""

MOST_READ: Final = 1000
"""Events of one answer."""

MOST_FIELDS: Final = 500
"""Fields of a hash in one answer, about: of the largest envelopes as many as one answer may have octets."""

MAX_MEMBERS: Final = 200_000
"""Fields of a hash that are read: as many blocks as a host keeps, and as many tombstones."""

MAX_MEMBERS_OCTETS: Final = 256 * 2**20
"""Of all of them: 1,300 for each of the most that there may be; an envelope of a block has some hundreds."""

MAX_MEMBERS_S: Final = 60.0
"""Seconds for all of them: the most there may be take three at loopback's speed."""

MAX_MARK_OCTETS: Final = 256
"""Of what tells one content from another: eight times as many as ours has."""

_EVENT_FIELD: Final = b"e"
_CURSOR: Final = re.compile(rb"[0-9]{1,20}")
_STREAM_ID: Final = re.compile(rb"[0-9]{1,20}-[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class CacheTold:
    """Is told what happens; must not raise.

    Attributes:
        reachable: Why Redis is not asked any more, and None when it is again.
        discarded: Under which name something was removed that nobody of the fleet has put there.
        answered: Within how many seconds a quick command was answered.
    """

    reachable: Callable[[str | None], None]
    discarded: Callable[[str], None]
    answered: Callable[[float], None]


class RedisCache:
    """Redis as the fleet's cache. For one event loop."""

    def __init__(self, route: Route, told: CacheTold, clock: Clock) -> None:
        """Take the way to Redis; `clients.open_cache` makes it.

        Args:
            route: To whoever has a name.
            told: Is told what happens to it.
            clock: For pauses between probes.
        """
        self._route = route
        self._discarded = told.discarded
        self._answered = told.answered
        self._health = RedisHealth(self._probe, told.reachable, clock)

    async def __aenter__(self) -> Self:
        self._route.warm()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._health.aclose()
        await self._route.aclose()

    @property
    def unreachable(self) -> str | None:
        """Why Redis is not asked now; None where it is."""
        return self._health.reason

    async def get(self, name: str) -> bytes | None:
        """A value; see `SharedCache`."""
        return _value(await self._quick(name, "GET", name))

    async def put(self, name: str, value: bytes, ttl_s: float) -> None:
        """Hold a value; see `SharedCache`."""
        _fitting(value)
        await self._quick(name, "SET", name, value, "PX", _milliseconds(ttl_s))

    async def get_piece(self, name: str) -> bytes | None:
        """A large value; see `SharedCache`."""
        return _value(await self._ask(Lane.BULK, BULK_S, name, "GET", name))

    async def put_piece(self, name: str, value: bytes, ttl_s: float) -> None:
        """Hold a large value; see `SharedCache`."""
        _fitting(value)
        await self._ask(Lane.BULK, BULK_S, name, "SET", name, value, "PX", _milliseconds(ttl_s))

    async def keep_pieces(self, names: tuple[str, ...], ttl_s: float) -> bool:
        """Hold values longer; see `SharedCache`."""
        until = _milliseconds(ttl_s)
        # All of them, although one that is missing decides: what is kept is there when that one is written again.
        return all([_truth(await self._ask(Lane.BULK, BULK_S, name, "PEXPIRE", name, until)) for name in names])

    async def lease(self, name: str, token: bytes, ttl_s: float) -> bool:
        """Take a lease; see `SharedCache`."""
        return await self._quick(name, "SET", name, token, "NX", "PX", _milliseconds(ttl_s)) is not None

    async def renew(self, name: str, token: bytes, ttl_s: float) -> bool:
        """Have a lease for longer; see `SharedCache`."""
        return _truth(await self._quick(name, "EVAL", RENEW, 1, name, token, _milliseconds(ttl_s)))

    async def release(self, name: str, token: bytes) -> None:
        """Give a lease back; see `SharedCache`."""
        await self._quick(name, "EVAL", RELEASE, 1, name, token)

    async def members(self, name: str) -> Mapping[str, bytes]:
        """All fields of a hash; see `SharedCache`."""
        loop = asyncio.get_running_loop()
        end, room = loop.time() + MAX_MEMBERS_S, MAX_MEMBERS_OCTETS
        found: dict[str, bytes] = {}
        cursor = b"0"
        while True:
            answer = await self._ask(Lane.BULK, BULK_S, name, "HSCAN", name, cursor, "COUNT", MOST_FIELDS)
            cursor, page = _page(answer)
            room -= sum(map(len, page))
            found.update(zip((field.decode("utf-8", "replace") for field in page[::2]), page[1::2], strict=True))
            if cursor == b"0":
                return found
            # Counted as they come, for a scan without an end may give the same fields for ever.
            if room < 0 or len(found) > MAX_MEMBERS or loop.time() > end:
                raise _refused(
                    f"a hash of more than {MAX_MEMBERS} fields or {MAX_MEMBERS_OCTETS} octets, or without an end"
                )

    async def put_members(self, name: str, members: Mapping[str, bytes]) -> None:
        """Set fields of a hash; see `SharedCache`."""
        if members:
            await self._ask(Lane.BULK, BULK_S, name, "HSET", name, *_pairs(members))

    async def drop_members(self, name: str, fields: tuple[str, ...]) -> None:
        """Remove fields of a hash; see `SharedCache`."""
        if fields:
            await self._ask(Lane.BULK, BULK_S, name, "HDEL", name, *fields)

    async def put_and_tell(self, name: str, members: Mapping[str, bytes], stream: str, event: bytes) -> str:
        """Set fields of a hash and add an event; see `SharedCache`."""
        _fitting(event)
        words = ("EVAL", PUT_AND_TELL, 2, name, stream, MOST_EVENTS, _EVENT_FIELD, event, *_pairs(members))
        return _identifier(await self._quick(name, *words))

    async def tell(self, stream: str, event: bytes) -> str:
        """Add an event; see `SharedCache`."""
        _fitting(event)
        words = ("XADD", stream, "MAXLEN", "~", MOST_EVENTS, "*", _EVENT_FIELD, event)
        return _identifier(await self._quick(stream, *words))

    async def follow(self, stream: str, after: str, wait_s: float) -> tuple[Told, ...]:
        """The events after one; see `SharedCache`."""
        words = ("XREAD", "COUNT", MOST_READ, "BLOCK", _milliseconds(wait_s), "STREAMS", stream, after)
        answer = await self._ask(Lane.FOLLOWING, wait_s + CONNECT_S, stream, *words)
        match answer:
            case None:
                return ()
            case [[bytes(), [*entries]]]:
                return tuple(_told(entry) for entry in entries)
            case _:
                raise _refused("its events make no sense")

    async def ends(self, stream: str) -> StreamEnds:
        """What a stream has; see `SharedCache`."""
        match await self._quick(stream, "EVAL", ENDS, 1, stream, MAX_ANSWER_OCTETS):
            case [b"", _, b"discarded"]:
                self._discarded(stream)
                return StreamEnds("", "0-0")
            case [b"", last]:
                return StreamEnds("", _identifier(last))
            case [first, last]:
                return StreamEnds(_identifier(first), _identifier(last))
            case _:
                raise _refused("what it says of its events makes no sense")

    async def mark(self, name: str, proposal: bytes) -> bytes:
        """The value of a name that has no end; see `SharedCache`."""
        found = _value(await self._quick(name, "EVAL", MARK, 1, name, proposal, MAX_MARK_OCTETS))
        if found is None:
            raise _refused("it kept nothing")
        return found

    async def _quick(self, name: str, *words: Word) -> Answer:
        return await self._ask(Lane.QUICK, COMMAND_S, name, *words)

    async def _ask(self, lane: Lane, seconds: float, name: str, *words: Word) -> Answer:
        self._health.check()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            answer = await self._route.ask(lane, name, words, begun + seconds)
        except AloneError as error:
            if error.code == "READONLY":  # a replica by now: its name leads to somebody else
                await self._route.renew()
            if WRONG_TYPE in error.reason:
                await self._discard(name, words)
            raise FleetUnavailableError(error.reason) from None
        except LinkError as error:
            if lane is Lane.QUICK:
                self._health.failed(error.reason, name)
            else:
                await self._doubt(name)
            raise FleetUnavailableError(error.reason) from None
        if lane is Lane.QUICK:  # others wait for events, or take as long as they are large
            self._answered(loop.time() - begun)
        return answer

    async def _discard(self, name: str, words: tuple[Word, ...]) -> None:
        """Remove what has none of the types that a command's names have: nobody of the fleet has put it there."""
        for wrong, kind in types_of(name, words):
            with suppress(FleetUnavailableError):
                if _truth(await self._quick(name, "EVAL", DISCARD, 1, wrong, kind)):
                    self._discarded(str(wrong))

    async def _doubt(self, name: str) -> None:
        """See whether requests are still answered, although something that takes longer was not.

        A large piece on a slow line says nothing of them, and neither does a connection that somebody on the way has
        ended since nothing was said on it.
        """
        with suppress(FleetUnavailableError):  # if it was to be told, it has been
            await self._quick(name, "EXISTS", name)

    async def _probe(self, name: str) -> None:
        try:
            await self._route.renew()
            await self._route.probe(name)
        except LinkError as error:
            raise FleetUnavailableError(error.reason) from None


def _milliseconds(seconds: float) -> int:
    return max(1, round(1000 * seconds))


def _refused(reason: str) -> FleetUnavailableError:
    return FleetUnavailableError(f"what Redis answers is refused: {reason}")


def _fitting(value: bytes) -> None:
    if len(value) > MAX_VALUE_OCTETS:  # nobody would read it
        raise FleetUnavailableError(f"a value of {len(value)} octets; the limit is {MAX_VALUE_OCTETS}")


def _pairs(members: Mapping[str, bytes]) -> tuple[Word, ...]:
    for value in members.values():
        _fitting(value)
    return tuple(word for pair in members.items() for word in pair)


def _value(answer: Answer) -> bytes | None:
    if answer is not None and not isinstance(answer, bytes):
        raise _refused("this is no value")
    return answer


def _truth(answer: Answer) -> bool:
    if not isinstance(answer, int):
        raise _refused("this is neither yes nor no")
    return bool(answer)


def _identifier(answer: Answer) -> str:
    if not isinstance(answer, bytes) or _STREAM_ID.fullmatch(answer) is None:
        raise _refused("this is no event's place")
    return answer.decode("ascii")


def _told(entry: Answer) -> Told:
    """An event; one that has nothing in it is one all the same, since who follows has to get past it."""
    match entry:
        case [bytes(identifier), [*parts]]:
            fields = zip(parts[::2], parts[1::2], strict=False)
            found = next((value for key, value in fields if key == _EVENT_FIELD), None)
        case [bytes(identifier), None]:
            found = None
        case _:
            raise _refused("its events make no sense")
    return Told(_identifier(identifier), found if isinstance(found, bytes) else b"")


def _page(answer: Answer) -> tuple[bytes, list[bytes]]:
    match answer:
        case [bytes(cursor), [*page]] if _CURSOR.fullmatch(cursor) is not None and not len(page) % 2:
            octets = [one for one in page if isinstance(one, bytes)]
            if len(octets) == len(page):
                return cursor, octets
    raise _refused("this is no part of a hash")
