"""Something of another type under a name of the fleet: whoever owns Redis puts it there, and it does not stay."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import pytest

from service.adapters.redis.cache import MAX_MARK_OCTETS, RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.adapters.redis.wire import MAX_ANSWER_OCTETS
from service.application.fleet.cache import FleetUnavailableError, StreamEnds
from tests.adapters.redis.conftest import PATIENCE_S, Deployment, comes_to_answer
from tests.adapters.redis.scripted import scripted
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.anyio

LONG_S: Final = 600.0

Asked = Callable[[RedisCache, str], Coroutine[Any, Any, object]]

_OF_A_HASH: Final[dict[str, Asked]] = {
    "members": lambda cache, name: cache.members(name),
    "put_members": lambda cache, name: cache.put_members(name, {"a": b"1"}),
    "drop_members": lambda cache, name: cache.drop_members(name, ("a",)),
    "put_and_tell": lambda cache, name: cache.put_and_tell(name, {"a": b"1"}, f"{name}:stream", b"event"),
}

_OF_A_STREAM: Final[dict[str, Asked]] = {
    "put_and_tell": lambda cache, name: cache.put_and_tell(f"{name}:hash", {"a": b"1"}, name, b"event"),
    "tell": lambda cache, name: cache.tell(name, b"event"),
    "follow": lambda cache, name: cache.follow(name, "0-0", 0.01),
    "ends": lambda cache, name: cache.ends(name),
}

_OF_A_TEXT: Final[dict[str, Asked]] = {
    "get": lambda cache, name: cache.get(name),
    "get_piece": lambda cache, name: cache.get_piece(name),
    "mark": lambda cache, name: cache.mark(name, b"proposal"),
}


class Discarded:
    """Keeps the names of what was removed."""

    def __init__(self) -> None:
        self.names: list[str] = []


@pytest.fixture
def discarded() -> Discarded:
    """Of one test."""
    return Discarded()


@pytest.fixture
async def cache(deployment: Deployment, discarded: Discarded) -> AsyncIterator[RedisCache]:
    """A cache that says what it removes."""
    async with open_cache(deployment.place, discarded=discarded.names.append) as opened:
        await comes_to_answer(opened)
        yield opened


async def _heals(asked: Asked, cache: RedisCache, discarded: Discarded, name: str) -> None:
    """It fails once, removes and says so, and then there is nothing amiss."""
    with pytest.raises(FleetUnavailableError, match="WRONGTYPE"):
        await asked(cache, name)
    assert [name] == discarded.names
    await asked(cache, name)
    assert ([name], None) == (discarded.names, cache.unreachable)


@pytest.mark.parametrize("method", [*_OF_A_HASH, *_OF_A_STREAM])
async def test_a_text(cache: RedisCache, discarded: Discarded, prefix: str, method: str) -> None:
    """In the place of a hash, or of the stream of events; what stands beside it stays."""
    for asked in [found[method] for found in (_OF_A_HASH, _OF_A_STREAM) if method in found]:
        discarded.names.clear()
        name = f"{prefix}:{method}"
        await cache.put(f"{name}:other", b"value", LONG_S)
        await cache.put(name, b"\x00random \xff", LONG_S)
        await _heals(asked, cache, discarded, name)
        assert b"value" == await cache.get(f"{name}:other")


@pytest.mark.parametrize("method", _OF_A_TEXT)
async def test_a_hash(cache: RedisCache, discarded: Discarded, prefix: str, method: str) -> None:
    """In the place of a text."""
    await cache.put_members(prefix, {"a": b"1"})
    await _heals(_OF_A_TEXT[method], cache, discarded, prefix)


async def test_what_is_right_stays(cache: RedisCache, discarded: Discarded, prefix: str) -> None:
    """Of two names of one command the one that is right is not touched."""
    await cache.put_members(f"{prefix}:h", {"a": b"1"})
    await cache.put(f"{prefix}:s", b"x", LONG_S)
    with pytest.raises(FleetUnavailableError, match="WRONGTYPE"):
        await cache.put_and_tell(f"{prefix}:h", {"b": b"2"}, f"{prefix}:s", b"event")
    assert [f"{prefix}:s"] == discarded.names
    assert b"1" == (await cache.members(f"{prefix}:h"))["a"]


async def test_one_that_lies() -> None:
    """Who says so of everything removes nothing that is there: nothing is said to be, and the command has failed."""
    said: list[str] = []

    def answer(command: tuple[bytes, ...]) -> bytes:
        return b":0\r\n" if command[0] == b"EVAL" else b"-WRONGTYPE Operation against a wrong kind\r\n"

    async with scripted(answer) as server, open_cache(RedisPlace(server.url), discarded=said.append) as cache:
        with pytest.raises(FleetUnavailableError, match="WRONGTYPE"):
            await cache.members("name")
    assert [] == said


async def test_a_user_who_may_not_look() -> None:
    """Where he may not ask for a type the command has failed alone, and says why."""
    said: list[str] = []

    def answer(command: tuple[bytes, ...]) -> bytes:
        return b"-NOPERM no\r\n" if command[0] == b"EVAL" else b"-WRONGTYPE Operation against a wrong kind\r\n"

    async with scripted(answer) as server, open_cache(RedisPlace(server.url), discarded=said.append) as cache:
        with pytest.raises(FleetUnavailableError, match="WRONGTYPE"):
            await cache.members("name")
        assert cache.unreachable is None
    assert [] == said


async def test_as_the_sixth_version_says_it() -> None:
    """Within what it says of a script."""
    said: list[str] = []
    answers = [b"-ERR Error running script (call to f_0a): @user_script:2: WRONGTYPE Operation\r\n", b":1\r\n"]
    async with (
        scripted(lambda _: answers.pop(0)) as server,
        open_cache(RedisPlace(server.url), discarded=said.append) as cache,
    ):
        with pytest.raises(FleetUnavailableError, match="WRONGTYPE"):
            await cache.mark("name", b"proposal")
    assert ["name"] == said


@pytest.mark.parametrize(("octets", "is_kept"), [(MAX_MARK_OCTETS, True), (MAX_MARK_OCTETS + 1, False)])
async def test_a_long_mark(cache: RedisCache, prefix: str, octets: int, *, is_kept: bool) -> None:
    """What is longer than any of ours is none, so that nobody keeps all from reading it for ever."""
    long = b"x" * octets
    await cache.put(prefix, long, LONG_S)
    assert (long if is_kept else b"mine") == await cache.mark(prefix, b"mine")


@pytest.mark.parametrize("more", [0, 1])
async def test_the_ends_of_what_is_too_long_to_be_read(alone: RedisServer, prefix: str, more: int) -> None:
    """A stream that begins or ends with what nobody of the fleet can have told does not stay; any other does."""
    said: list[str] = []
    script = "return redis.call('XADD', KEYS[1], '7-1', 'e', string.rep('x', tonumber(ARGV[1])))"
    length = (MAX_ANSWER_OCTETS - 2) // 2 + more  # it is the first and the last
    assert alone.ask("EVAL", script, "1", prefix, str(length))
    async with open_cache(RedisPlace(alone.url), discarded=said.append) as cache:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(FleetUnavailableError):  # it may take longer than a command may
                    found = await cache.ends(prefix)
                    break
                await asyncio.sleep(0.01)
    assert (StreamEnds("", "0-0") if more else StreamEnds("7-1", "7-1")) == found
    assert said in ([prefix], []) if more else said == []
    assert (b":0" if more else b":1") == alone.ask("EXISTS", prefix)
    alone.ask("DEL", prefix)
