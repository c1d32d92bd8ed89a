"""A Redis that is gone, frozen, slow, full or emptied: what is asked fails in time, and works again by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop
from redis.asyncio.connection import Connection

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.adapters.redis.links import Word
from service.adapters.redis.nodes import Lane
from service.application.fleet.cache import FleetUnavailableError, StreamEnds
from tests.adapters.redis.conftest import COMMAND_S
from tests.redis_servers import RedisServer, SlowWire, redis_server, slow_wire

pytestmark = pytest.mark.anyio

LONG_S = 60.0
PATIENCE_S = 20.0


@dataclass(slots=True)
class Told:
    """What is told of a Redis."""

    reasons: list[str | None] = field(default_factory=list)

    def __call__(self, reason: str | None) -> None:
        """Keep it."""
        self.reasons.append(reason)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of this test's own."""
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def told() -> Told:
    """What is told of it."""
    return Told()


@pytest.fixture
async def cache(server: RedisServer, told: Told) -> AsyncIterator[RedisCache]:
    """A cache there, which has been used."""
    async with open_cache(RedisPlace(server.url), told) as opened:
        await opened.put("name", b"value", LONG_S)
        yield opened


@pytest.fixture
async def wire(server: RedisServer) -> AsyncIterator[SlowWire]:
    """A line to it."""
    async with slow_wire(server) as opened:
        yield opened


async def test_what_is_timed(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What requests wait for, where it was answered: no large values, no events, and nothing that came too late."""
    took: list[float] = []
    async with open_cache(RedisPlace(server.url), answered=took.append) as cache:
        with monkeypatch.context() as patience:
            patience.setattr("service.adapters.redis.cache.COMMAND_S", PATIENCE_S)
            await cache.put("name", b"value", LONG_S)
            await cache.get("name")
        await cache.put_piece("piece", b"value", LONG_S)
        await cache.follow("events", "0-0", 0.001)
        server.freeze()
        with pytest.raises(FleetUnavailableError):
            await cache.get("name")
        server.thaw()
    assert (2, True) == (len(took), all(0 < seconds < PATIENCE_S for seconds in took))


async def comes_true(found: Callable[[], bool]) -> None:
    """Wait for something, while the event loop goes on."""
    async with asyncio.timeout(PATIENCE_S):
        while not found():  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(0.01)


async def refused(cache: RedisCache, name: str = "name") -> str:
    """Why a value cannot be had."""
    with pytest.raises(FleetUnavailableError) as caught:
        await cache.get(name)
    return caught.value.reason


async def test_one_that_was_killed(cache: RedisCache, server: RedisServer, told: Told) -> None:
    """The door closes once, and opens when it is there again."""
    server.kill()
    await refused(cache)
    for _ in range(3):
        assert "Connect" in await refused(cache)
    server.start()
    await comes_true(lambda: cache.unreachable is None)
    assert await cache.get("name") is None
    assert [True, False] == [reason is not None for reason in told.reasons]


async def test_one_that_was_never_there(tmp_path: Path) -> None:
    """It is found as soon as it is."""
    server = RedisServer(tmp_path / "redis", 1)
    server.port = await _unused_port()
    async with open_cache(RedisPlace(server.url)) as cache:
        await refused(cache)
        try:
            server.start()
            await comes_true(lambda: cache.unreachable is None)
            assert await cache.get("name") is None
        finally:
            server.kill()


async def _unused_port() -> int:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    return port


async def test_one_that_is_restarted_between_two_commands(cache: RedisCache, server: RedisServer, told: Told) -> None:
    """Nobody has waited in vain: connections that have ended are noticed before they are used."""
    server.kill()
    server.start()
    await asyncio.sleep(0.05)
    assert await cache.get("name") is None
    assert [] == told.reasons


async def test_one_that_is_frozen(cache: RedisCache, server: RedisServer, told: Told) -> None:
    """The first command waits, and no other does; when it thaws it is used again."""
    server.freeze()
    try:
        assert "it does not answer in time" == await refused(cache)
        begun = time.monotonic()
        for _ in range(1000):
            await refused(cache)
        assert time.monotonic() - begun < 1000 * COMMAND_S / 2
        await asyncio.sleep(0.2)  # probes have connected in vain meanwhile
        assert cache.unreachable is not None
    finally:
        server.thaw()
    await comes_true(lambda: cache.unreachable is None)
    assert b"value" == await cache.get("name")
    assert ["it does not answer in time", None] == told.reasons


async def test_one_that_is_slow_stays_closed(wire: SlowWire, told: Told) -> None:
    """One can connect to it, but an answer takes longer than a request may wait."""
    async with open_cache(RedisPlace(wire.url), told) as cache:
        assert await cache.get("name") is None
        wire.delay_s = 2 * COMMAND_S
        await refused(cache)
        before = wire.connections
        await comes_true(lambda: wire.connections >= before + 3)
        assert ["it does not answer in time"] == told.reasons
        wire.delay_s = 0.0
        await comes_true(lambda: cache.unreachable is None)
        assert await cache.get("name") is None


async def test_connecting_may_take_longer_than_a_command(wire: SlowWire, server: RedisServer) -> None:
    """It is done beside the commands: what is slow only in the beginning is used."""
    assert server.ask("CONFIG", "SET", "requirepass", "password") == b"+OK"
    wire.delay_s = 1.5 * COMMAND_S
    async with open_cache(RedisPlace(f"redis://:password@127.0.0.1:{wire.port}")) as cache:
        await asyncio.sleep(3 * COMMAND_S)  # AUTH has been answered by now
        wire.delay_s = 0.0
        assert await cache.get("name") is None
        assert cache.unreachable is None


async def test_one_that_is_full(cache: RedisCache, server: RedisServer, told: Told) -> None:
    """What it refuses to keep fails alone; what it has is read, and when there is room it writes again."""
    server.fill()
    with pytest.raises(FleetUnavailableError, match=r"^OOM "):
        await cache.put("name", b"other", LONG_S)
    with pytest.raises(FleetUnavailableError, match=r"^OOM "):
        await cache.put_and_tell("{x}h", {"a": b"1"}, "{x}s", b"event")
    assert (b"value", {}) == (await cache.get("name"), dict(await cache.members("{x}h")))
    assert StreamEnds("", "0-0") == await cache.ends("{x}s")
    server.make_room()
    await cache.put("name", b"other", LONG_S)
    assert (b"other", []) == (await cache.get("name"), told.reasons)


async def test_one_that_was_emptied(cache: RedisCache, server: RedisServer, told: Told) -> None:
    """Everything is gone, and nothing has failed."""
    await cache.tell("stream", b"event")
    server.flush()
    assert (None, StreamEnds("", "0-0")) == (await cache.get("name"), await cache.ends("stream"))
    assert [] == told.reasons


async def test_one_that_has_become_a_replica(cache: RedisCache, server: RedisServer, told: Told) -> None:
    """It refuses what would be written, alone; connections are made anew, since its name may lead elsewhere by now."""
    assert b"+OK" == server.ask("CONFIG", "SET", "replica-serve-stale-data", "yes")
    before = server.number("total_connections_received")
    assert b"+OK" == server.ask("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(FleetUnavailableError, match=r"^READONLY "):
        await cache.put("name", b"other", LONG_S)
    assert b"value" == await cache.get("name")
    assert server.ask("REPLICAOF", "NO", "ONE") == b"+OK"
    await cache.put("name", b"other", LONG_S)
    asked_here = 3  # by this test, INFO first and last
    assert before + asked_here + 1 == server.number("total_connections_received")
    assert [] == told.reasons


async def test_one_that_has_lost_its_master(cache: RedisCache, server: RedisServer) -> None:
    """It answers nobody, which is no better than silence, until it does again."""
    assert b"+OK" == server.ask("CONFIG", "SET", "replica-serve-stale-data", "no")
    assert b"+OK" == server.ask("REPLICAOF", "127.0.0.1", "1")
    assert (await refused(cache)).startswith("MASTERDOWN ")
    await asyncio.sleep(0.3)
    assert cache.unreachable is not None
    assert b"+OK" == server.ask("REPLICAOF", "NO", "ONE")
    await comes_true(lambda: cache.unreachable is None)
    assert b"value" == await cache.get("name")


async def test_one_that_runs_a_script_for_ever(cache: RedisCache, server: RedisServer) -> None:
    """It is silent, then busy; when that is over it is used again."""
    assert b"+OK" == server.ask("CONFIG", "SET", "busy-reply-threshold", "1")
    endless = asyncio.create_task(asyncio.to_thread(server.ask, "EVAL", "while true do end", "0"))
    await asyncio.sleep(0.1)
    assert (await refused(cache)).startswith("BUSY ")
    assert b"+OK" == server.ask("SCRIPT", "KILL")
    await endless
    await comes_true(lambda: cache.unreachable is None)
    assert b"value" == await cache.get("name")


@pytest.mark.parametrize("frozen", [True, False])
async def test_a_caller_who_goes_away_has_not_waited_in_vain(
    cache: RedisCache, server: RedisServer, told: Told, frozen: bool
) -> None:
    """His deadline says nothing of Redis; and his answer is nobody else's."""
    await cache.put("other", b"other", LONG_S)
    if frozen:
        server.freeze()
    try:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_asked_for_ever(cache), 0.01)
    finally:
        server.thaw()
    await asyncio.sleep(0.02)
    assert b"other" == await cache.get("other")
    assert [] == told.reasons


async def _asked_for_ever(cache: RedisCache) -> None:
    while True:
        await cache.get("name")


async def test_answers_of_those_who_went_away_are_nobody_s(cache: RedisCache, wire: SlowWire) -> None:
    """Whenever a command is left, what comes for it later is not taken for the answer to another."""
    async with open_cache(RedisPlace(wire.url)) as slow:
        for number in range(20):
            await cache.put(f"name {number}", b"%d" % number, LONG_S)
        for number in range(20):
            wire.delay_s = 0.005
            left = asyncio.create_task(slow.get("name"))
            await asyncio.sleep(number * 0.0005)
            left.cancel()
            assert b"%d" % number == await slow.get(f"name {number}")


async def test_a_slow_line_is_no_reason_to_close_the_door(wire: SlowWire, told: Told) -> None:
    """A piece that takes longer than a request may wait has come in its own time."""
    async with open_cache(RedisPlace(wire.url), told) as cache:
        await cache.put("name", b"value", LONG_S)
        wire.delay_s = 2 * COMMAND_S
        assert b"value" == await cache.get_piece("name")
    assert [] == told.reasons


async def test_a_lost_follower_does_not_close_the_door(wire: SlowWire, told: Told) -> None:
    """Somebody on the way has ended a connection on which nothing was said; requests are still answered."""
    async with open_cache(RedisPlace(wire.url), told) as cache:
        following = asyncio.create_task(cache.follow("stream", "0-0", 30.0))
        await comes_true(lambda: wire.connections == 2)
        await asyncio.sleep(0.05)
        wire.cut()
        with pytest.raises(FleetUnavailableError):
            await following
        assert await cache.get("name") is None
    assert [] == told.reasons


async def test_a_follower_of_one_that_is_gone(cache: RedisCache, server: RedisServer, told: Told) -> None:
    """Whoever only follows learns it as well, and the door is closed."""
    following = asyncio.create_task(cache.follow("stream", "0-0", 30.0))
    await asyncio.sleep(0.05)
    server.kill()
    with pytest.raises(FleetUnavailableError):
        await following
    await refused(cache)
    assert 1 == len(told.reasons)


async def test_a_follower_of_one_that_is_frozen(cache: RedisCache, server: RedisServer, told: Told) -> None:
    """He waits as long as he was to wait and a second more, and then it is known."""
    server.freeze()
    try:
        with pytest.raises(FleetUnavailableError):
            await cache.follow("stream", "0-0", 0.01)
        assert ["it does not answer in time"] == told.reasons
    finally:
        server.thaw()


async def test_nothing_is_asked_that_nobody_wants_to_know(cache: RedisCache, server: RedisServer) -> None:
    """While all is well the watching costs neither a connection nor a command."""
    names = ("total_connections_received", "total_commands_processed")
    before = [server.number(name) for name in names]
    for _ in range(50):
        await cache.get("name")
    after = [server.number(name) for name in names]
    asked_here = (2, 2)  # for the numbers
    assert [asked_here[0], 50 + asked_here[1]] == [
        later - earlier for earlier, later in zip(before, after, strict=True)
    ]


async def test_more_than_there_are_connections_for(wire: SlowWire, told: Told) -> None:
    """Whoever has to wait for a connection for too long fails alone: it is this process that asks too much."""
    async with open_cache(RedisPlace(wire.url), told) as cache:
        await cache.put("name", b"value", LONG_S)
        wire.delay_s = 0.01
        found = await asyncio.gather(*(cache.get("name") for _ in range(400)), return_exceptions=True)
        reasons = {one.reason for one in found if isinstance(one, FleetUnavailableError)}
        assert all(one == "every connection was in use" or "kept busy" in one for one in reasons), reasons
        assert reasons
        assert b"value" in found
        assert b"value" == await cache.get("name")
    # A command that this process was too busy to wait for gives its connection up, and another one takes its place.
    given_up = sum("kept busy" in one.reason for one in found if isinstance(one, FleetUnavailableError))
    assert ([], True) == (told.reasons, wire.connections <= Lane.QUICK.value + given_up)


async def test_a_loop_that_was_kept_busy_has_not_waited_for_redis(wire: SlowWire, told: Told) -> None:
    """A time-out that comes late says nothing of Redis."""
    async with open_cache(RedisPlace(wire.url), told) as cache:
        assert await cache.get("name") is None
        wire.delay_s = 0.01
        asking = asyncio.create_task(cache.get("name"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(3 * COMMAND_S)  # noqa: ASYNC251 - this is the point
        with pytest.raises(FleetUnavailableError, match="this process was kept busy"):
            await asking
    assert [] == told.reasons


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_what_has_come_while_the_loop_was_busy_is_read(
    run: Callable[[Coroutine[object, object, bytes | None]], bytes | None],
    server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer that lies there when the loop looks at the clock at last is an answer, however late it is by then."""
    send = Connection.send_command

    async def send_and_be_busy(connection: Connection, *words: Word, check_health: bool = True) -> None:
        await send(connection, *words, check_health=check_health)
        if words[0] == "GET":
            time.sleep(3 * COMMAND_S)  # noqa: ASYNC251 - this is the point

    async def get() -> bytes | None:
        async with open_cache(RedisPlace(server.url)) as cache:
            return await cache.get("name")

    monkeypatch.setattr(Connection, "send_command", send_and_be_busy)
    assert server.ask("SET", "name", "value") == b"+OK"
    assert run(get()) == b"value"


async def test_closing_ends_what_goes_on(server: RedisServer) -> None:
    """Neither a probe nor a connection is left."""
    before = asyncio.all_tasks()
    async with open_cache(RedisPlace(server.url)) as cache:
        assert await cache.get("name") is None
        server.kill()
        await refused(cache)
    await refused(cache)
    assert before == asyncio.all_tasks()
