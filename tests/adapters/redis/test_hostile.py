"""Whoever owns Redis may answer anything: nothing crashes, waits for longer or takes more memory than it may."""

import asyncio
import tracemalloc
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from service.adapters.redis.cache import MAX_MEMBERS, RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.adapters.redis.wire import MAX_ANSWER_OCTETS, MAX_DEPTH, MAX_ITEMS, MAX_VALUE_OCTETS
from service.application.fleet.cache import FleetUnavailableError, StreamEnds, Told
from tests.adapters.redis.scripted import Command, scripted

pytestmark = pytest.mark.anyio

Asked = Callable[[RedisCache], Coroutine[Any, Any, object]]

METHODS: dict[str, Asked] = {
    "get": lambda cache: cache.get("name"),
    "get_piece": lambda cache: cache.get_piece("name"),
    "put": lambda cache: cache.put("name", b"value", 1.0),
    "put_piece": lambda cache: cache.put_piece("name", b"value", 1.0),
    "keep_pieces": lambda cache: cache.keep_pieces(("name", "other"), 1.0),
    "lease": lambda cache: cache.lease("name", b"token", 1.0),
    "renew": lambda cache: cache.renew("name", b"token", 1.0),
    "release": lambda cache: cache.release("name", b"token"),
    "members": lambda cache: cache.members("name"),
    "put_members": lambda cache: cache.put_members("name", {"a": b"1"}),
    "drop_members": lambda cache: cache.drop_members("name", ("a",)),
    "put_and_tell": lambda cache: cache.put_and_tell("name", {"a": b"1"}, "stream", b"event"),
    "tell": lambda cache: cache.tell("stream", b"event"),
    "follow": lambda cache: cache.follow("stream", "0-0", 0.01),
    "ends": lambda cache: cache.ends("stream"),
    "mark": lambda cache: cache.mark("name", b"proposal"),
}

NO_ANSWERS = {
    "garbage": b"HTTP/1.1 200 OK\r\n\r\n",
    "nothing before the end of the line": b"\r\n",
    "a kind that there is not": b"%1\r\n+a\r\n+b\r\n",
    "no number": b":1e3\r\n",
    "no digits": "\u0661".encode().join((b":", b"\r\n")),
    "a number without an end": b":" + b"1" * 5000 + b"\r\n",
    "no length": b"$x\r\n",
    "less than no length": b"$-2\r\n",
    "ten gigabytes": b"$10000000000\r\n",
    "an octet more than a value may have": b"$%d\r\n" % (MAX_VALUE_OCTETS + 1),
    "less than no items": b"*-2\r\n",
    "a thousand million items": b"*1000000000\r\n",
    "an item more than there may be": b"*%d\r\n" % (MAX_ITEMS + 1),
    "nested for ever": b"*1\r\n" * 100_000,
    "nested once more than it may be": b"*1\r\n" * MAX_DEPTH + b":1\r\n",
    "many together": b"*%d\r\n" % MAX_ITEMS + b"$1000\r\n" + bytes(1000) + b"\r\n*1\r\n" * 100,
    "a redirection to nowhere": b"-MOVED\r\n",
    "a redirection to no port": b"-MOVED 1 host:port\r\n",
    "a line without an end": b"+" + b"x" * 200_000,
}


async def refused(asked: Asked, cache: RedisCache) -> str:
    """Why nothing came of it."""
    with pytest.raises(FleetUnavailableError) as caught:
        await asked(cache)
    return caught.value.reason


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("answer", NO_ANSWERS)
async def test_what_is_no_answer(method: str, answer: str) -> None:
    """The connection is closed, nothing is asked for the moment, and the reason is a short line."""
    async with scripted(NO_ANSWERS[answer]) as server, open_cache(RedisPlace(server.url)) as cache:
        reason = await refused(METHODS[method], cache)
    assert reason.isascii()
    assert reason.isprintable()
    assert len(reason) <= 250


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("ten gigabytes", "a value of 10000000000 octets; the limit is 1048576"),
        ("an octet more than a value may have", "a value of 1048577 octets; the limit is 1048576"),
        ("a thousand million items", "an answer of more than 20000 items"),
        ("an item more than there may be", "an answer of more than 20000 items"),
        ("nested once more than it may be", "an answer that is nested more than 8 deep"),
    ],
)
async def test_a_limit_is_told_before_anything_is_read(answer: str, reason: str) -> None:
    """The announcement is enough."""
    async with scripted(NO_ANSWERS[answer]) as server, open_cache(RedisPlace(server.url)) as cache:
        assert reason == await refused(METHODS["get"], cache)


async def test_the_largest_answers_are_taken() -> None:
    """What is exactly as long as it may be."""
    value = b"v" * MAX_VALUE_OCTETS
    async with scripted(b"$%d\r\n%s\r\n" % (len(value), value)) as server, open_cache(RedisPlace(server.url)) as cache:
        assert value == await cache.get_piece("name")


@pytest.mark.parametrize(
    "flood",
    [b"+" + b"x" * 65536, b"$1048576\r\n" + bytes(2**20) + b"\r\n", b"*1\r\n" * 10_000],
    ids=["a line", "values", "nesting"],
)
@pytest.mark.parametrize("begun", [b"", b"*20000\r\n"], ids=["alone", "in a list"])
async def test_memory_is_bounded(flood: bytes, begun: bytes) -> None:
    """Whatever is sent, and however long it goes on, no more is taken than one answer may have."""
    async with scripted(begun, flood) as server, open_cache(RedisPlace(server.url)) as cache:
        tracemalloc.start()
        try:
            with suppress(FleetUnavailableError):
                assert bytes(2**20) == await cache.get_piece("name")
            assert tracemalloc.get_traced_memory()[1] < 3 * MAX_ANSWER_OCTETS
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "answer", [b":7\r\n", b"+OK\r\n", b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"*1\r\n*0\r\n", b"*2\r\n+0\r\n+x\r\n"]
)
async def test_answers_of_another_kind(method: str, answer: bytes) -> None:
    """They are refused, or mean what they say; nothing else than the port's error leaves."""
    async with scripted(answer) as server, open_cache(RedisPlace(server.url)) as cache:
        try:
            await METHODS[method](cache)
        except FleetUnavailableError as error:
            assert error.reason.startswith("what Redis answers is refused")  # noqa: PT017 - or there is none
        assert cache.unreachable is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"*1\r\n*2\r\n+s\r\n*1\r\n*2\r\n+1-1\r\n*2\r\n+e\r\n+event\r\n", (Told("1-1", b"event"),)),
        (b"*1\r\n*2\r\n+s\r\n*1\r\n*2\r\n+1-1\r\n*0\r\n", (Told("1-1", b""),)),
        (b"*1\r\n*2\r\n+s\r\n*1\r\n*2\r\n+1-1\r\n*-1\r\n", (Told("1-1", b""),)),
        (b"*1\r\n*2\r\n+s\r\n*1\r\n*2\r\n+1-1\r\n*1\r\n+e\r\n", (Told("1-1", b""),)),
        (b"*1\r\n*2\r\n+s\r\n*1\r\n*2\r\n+1-1\r\n*2\r\n+e\r\n:5\r\n", (Told("1-1", b""),)),
        (b"*1\r\n*2\r\n+s\r\n*1\r\n*2\r\n+1-1\r\n*4\r\n*0\r\n+x\r\n+e\r\n+2\r\n", (Told("1-1", b"2"),)),
        (b"*1\r\n*2\r\n+s\r\n*1\r\n*2\r\n+x\r\n*0\r\n", None),
        (b"*1\r\n*2\r\n+s\r\n*1\r\n*2\r\n+1-111111111111111111111\r\n*0\r\n", None),
        (b"*1\r\n*2\r\n+s\r\n*1\r\n:1\r\n", None),
        (b"*2\r\n*2\r\n+s\r\n*0\r\n*2\r\n+t\r\n*0\r\n", None),
    ],
)
async def test_events_that_are_none(answer: bytes, expected: tuple[Told, ...] | None) -> None:
    """One with nothing in it can be got past; one without a place is refused, and so are two streams."""
    async with scripted(answer) as server, open_cache(RedisPlace(server.url)) as cache:
        if expected is None:
            assert (await refused(METHODS["follow"], cache)).startswith("what Redis answers is refused")
        else:
            assert expected == await cache.follow("stream", "0-0", 0.01)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"*2\r\n+1-0\r\n+2-0\r\n", StreamEnds("1-0", "2-0")),
        (b"*2\r\n+\r\n+2-0\r\n", StreamEnds("", "2-0")),
        (b"*3\r\n+\r\n+0-0\r\n+discarded\r\n", StreamEnds("", "0-0")),
        (b"*3\r\n+1-0\r\n+2-0\r\n+3-0\r\n", None),
        (b"*2\r\n+1-0\r\n:2\r\n", None),
        (b"*2\r\n*0\r\n+2-0\r\n", None),
        (b"*1\r\n+2-0\r\n", None),
        (b"*2\r\n+one\r\n+2-0\r\n", None),
        (b"$-1\r\n", None),
        (b"-ERR no such key\r\n", None),
    ],
)
async def test_what_is_said_of_a_stream(answer: bytes, expected: StreamEnds | None) -> None:
    """Both ends, or nothing is believed."""
    async with scripted(answer) as server, open_cache(RedisPlace(server.url)) as cache:
        if expected is None:
            await refused(METHODS["ends"], cache)
        else:
            assert expected == await cache.ends("stream")
        assert cache.unreachable is None


@pytest.mark.parametrize(
    "answer",
    [
        b"*2\r\n+-1\r\n*0\r\n",
        b"*2\r\n+x\r\n*0\r\n",
        b"*2\r\n+0\r\n*1\r\n+a\r\n",
        b"*2\r\n+0\r\n*2\r\n+a\r\n:1\r\n",
        b"*2\r\n+0\r\n*2\r\n*0\r\n+a\r\n",
        b"*3\r\n+0\r\n*0\r\n*0\r\n",
        b"*2\r\n:0\r\n*0\r\n",
    ],
)
async def test_parts_of_a_hash_that_are_none(answer: bytes) -> None:
    """A cursor that is no number, a field without a value, a value that is none."""
    async with scripted(answer) as server, open_cache(RedisPlace(server.url)) as cache:
        assert "what Redis answers is refused: this is no part of a hash" == await refused(METHODS["members"], cache)


async def test_a_field_that_is_no_text() -> None:
    """It has a name all the same, under which nobody finds an envelope that fits."""
    async with scripted(b"*2\r\n+0\r\n*2\r\n+\xff\r\n+v\r\n") as server, open_cache(RedisPlace(server.url)) as cache:
        assert {"\ufffd": b"v"} == dict(await cache.members("name"))


async def test_a_hash_that_has_too_much() -> None:
    """New fields for ever: it ends at the most that there may be."""
    pages = 0

    def page(_: Command) -> bytes:
        nonlocal pages
        pages += 1
        fields = b"".join(b"+%d-%d\r\n+v\r\n" % (pages, number) for number in range(9000))
        return b"*2\r\n+7\r\n*18000\r\n" + fields

    async with scripted(page) as server, open_cache(RedisPlace(server.url)) as cache:
        assert f"more than {MAX_MEMBERS} fields" in await refused(METHODS["members"], cache)
    assert MAX_MEMBERS // 9000 + 1 == pages


async def test_a_hash_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same page for ever: it ends when its time is over."""
    monkeypatch.setattr("service.adapters.redis.cache.MAX_MEMBERS_S", 0.05)
    async with scripted(b"*2\r\n+7\r\n*2\r\n+a\r\n+v\r\n") as server, open_cache(RedisPlace(server.url)) as cache:
        assert "without an end" in await refused(METHODS["members"], cache)


@pytest.mark.parametrize("method", ["get", "get_piece", "members"])
async def test_silence(method: str) -> None:
    """A command that is never answered ends when its time is over."""
    async with scripted(lambda _: None) as server, open_cache(RedisPlace(server.url)) as cache:
        async with asyncio.timeout(30.0):
            while cache.unreachable is None:  # a machine that was busy says so, and it says nothing of Redis
                await refused(METHODS[method], cache)


async def test_somebody_who_is_not_redis_is_not_asked_again() -> None:
    """Who answers to every command alike does not pass the probe."""
    async with scripted(lambda _: b"+OK\r\n") as server, open_cache(RedisPlace(server.url)) as cache:
        server.answer = lambda _: b"-LOADING Redis is loading the dataset in memory\r\n"
        await refused(METHODS["get"], cache)
        server.answer = lambda _: b"+OK\r\n"
        await asyncio.sleep(0.3)
        assert "whoever answers is not Redis" == cache.unreachable
        server.answer = lambda command: b"+PONG\r\n" if command == (b"PING",) else b"$-1\r\n"
        async with asyncio.timeout(10.0):
            while cache.unreachable is not None:  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.01)


async def test_the_probe_asks_about_what_was_asked_in_vain() -> None:
    """One that answers PING alone stays closed."""

    def answer(command: Command) -> bytes:
        return b"+PONG\r\n" if command == (b"PING",) else b"-CLUSTERDOWN The cluster is down\r\n"

    async with scripted(answer) as server, open_cache(RedisPlace(server.url)) as cache:
        await refused(METHODS["get"], cache)
        await asyncio.sleep(0.3)
        assert "CLUSTERDOWN The cluster is down" == cache.unreachable
        assert (b"EXISTS", b"name") in server.heard


@pytest.mark.parametrize(
    ("answer", "alone"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", True),
        ("NOPERM this user has no permissions to run the 'get' command", True),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", True),
        ("READONLY You can't write against a read only replica.", True),
        ("MISCONF Redis is configured to save RDB snapshots", True),
        ("TRYAGAIN Multiple keys request during rehashing of slot", True),
        ("NOREPLICAS Not enough good replicas to write.", True),
        ("BUSY Redis is busy running a script.", True),
        ("ERR unknown command", True),
        ("", True),
        ("LOADING Redis is loading the dataset in memory", False),
        ("MASTERDOWN Link with MASTER is down", False),
        ("CLUSTERDOWN The cluster is down", False),
        ("NOAUTH Authentication required.", False),
        ("WRONGPASS invalid username-password pair or user is disabled.", False),
        ("ERR max number of clients reached", False),
        ("MOVED 7 127.0.0.1:1", False),
    ],
)
async def test_what_fails_alone(answer: str, alone: bool) -> None:
    """A refusal says nothing of other commands; what every command would be told closes the door."""
    async with scripted(f"-{answer}\r\n".encode()) as server, open_cache(RedisPlace(server.url)) as cache:
        await refused(METHODS["get"], cache)
        assert alone == (cache.unreachable is None)


@pytest.mark.parametrize(
    "answer",
    [
        "ERR your password is p@ss w%rd",
        "WRONGPASS p@ss w%rd",
        "p@ss w%rd",
        f"ERR {'x' * 195}p@ss w%rd",
        "MOVED 1 p@ss w%rd:1",
    ],
)
async def test_a_server_that_says_the_password(answer: str) -> None:
    """It stands in no reason."""
    async with scripted(f"-{answer}\r\n".encode()) as server:
        url = f"redis://user:p%40ss%20w%25rd@127.0.0.1:{server.port}"
        async with open_cache(RedisPlace(url)) as cache:
            for method in METHODS.values():
                reason = await refused(method, cache)
                assert "p@s" not in reason
                assert "w%rd" not in reason


async def test_what_a_server_says_is_one_printable_line() -> None:
    """A log is no terminal for whoever owns Redis."""
    answer = b"-ERR \x1b[31mred\tand \xff" + b"long" * 500 + b"\r\n"
    async with scripted(answer) as server, open_cache(RedisPlace(server.url)) as cache:
        reason = await refused(METHODS["get"], cache)
    assert reason.startswith("ERR [31mred and")
    assert (True, True) == (reason.isprintable(), len(reason) <= 200)
