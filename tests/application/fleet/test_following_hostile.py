"""Following the fleet's events while somebody who owns Redis does not want that: nothing in it ends the following."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from service.adapters.clock import SystemClock
from service.application.fleet.cache import SharedCache, Told
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.events import CrlEvent, encode_event
from service.application.fleet.hearing import MAX_EVENT_OCTETS
from tests.application.fleet.following_parts import KEY, LATER, QUICK, URL, Following, following, until
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.anyio


def add(server: RedisServer, stream: str, event: str, identifier: str = "*") -> bytes:
    """Add an event as whoever owns Redis can."""
    return server.ask("XADD", stream, identifier, "e", event)


async def test_garbage_is_counted_and_passed_over(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """What is no envelope, another fleet's, of another kind, no event, or too long: refused, and the next is heard."""
    async with (
        following(server.url, tmp_path / "a", prefix=prefix) as one,
        following(server.url, tmp_path / "b", prefix=prefix, key=b"another-fleets-key-0123456789abc") as stranger,
    ):
        await one.current()
        stream, cache = one.parts.names.events, one.parts.cache
        await cache.tell(stream, b"")
        await cache.tell(stream, b"\xff\x00 garbage")
        await stranger.say(CrlEvent(LATER))
        await cache.tell(stream, one.parts.seal(EnvelopeKind.BLOCK, "b1", encode_event(CrlEvent(LATER))))
        await cache.tell(stream, one.parts.seal(EnvelopeKind.EVENT, "b", b'{"what":"of a later version"}'))
        await cache.tell(stream, one.parts.seal(EnvelopeKind.EVENT, "b", b"x" * MAX_EVENT_OCTETS))
        assert server.ask("XADD", stream, "*", "another field", "x")
        await one.again(URL)
        assert [URL] == one.listener.crls
        assert [(one.kind, one.refusal) for one in one.told.refusals] == [
            (EnvelopeKind.EVENT, refusal)
            for refusal in (
                Refusal.MALFORMED,
                Refusal.MALFORMED,
                Refusal.UNAUTHENTIC,
                Refusal.MISPLACED,
                Refusal.MALFORMED,
                Refusal.MALFORMED,
                Refusal.MALFORMED,
            )
        ]
        assert one.is_current


async def test_a_flood_of_garbage_delays_and_no_more(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Twenty thousand events of nobody are read past, and what is said among and after them is heard."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        stream = one.parts.names.events
        script = "for i = 1, 10000 do redis.call('XADD', KEYS[1], '*', 'e', string.rep('x', 100)) end return 1"
        assert b":1" == server.ask("EVAL", script, "1", stream)
        await one.say(CrlEvent(URL))
        assert b":1" == server.ask("EVAL", script, "1", stream)
        await one.say(CrlEvent(LATER))
        await one.heard(LATER)
        await one.current()


@pytest.mark.parametrize(
    "script",
    [
        "for i = 1, 300 do redis.call('XADD', KEYS[1], '*', 'e', string.rep('x', 100000)) end",
        "redis.call('XADD', KEYS[1], '*', 'e', string.rep('x', 17 * 1024 * 1024))",
        "local f={} for i = 1, 60 do f[i] = 'x' end for i = 1, 999 do redis.call('XADD', KEYS[1], '*', unpack(f)) end",
    ],
    ids=["long", "one that is longer", "of many parts"],
)
async def test_what_no_answer_has_room_for(server: RedisServer, prefix: str, tmp_path: Path, script: str) -> None:
    """Events that are refused unread are passed over after a while, and everything is brought together instead."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        assert b"$-1" == server.ask("EVAL", script, "1", one.parts.names.events)
        await until(lambda: not one.is_current, "it is not current")
        await one.current()
        await one.again(LATER)
        assert "the cache is there again" == one.listener.reasons[-1]


async def test_what_is_said_a_thousand_times_is_done_a_few_times(
    server: RedisServer, prefix: str, tmp_path: Path
) -> None:
    """Whoever owns Redis repeats what a replica has said: nobody works a thousand times for it."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        envelope = one.parts.seal(EnvelopeKind.EVENT, "b", encode_event(CrlEvent(URL)))
        stream = one.parts.names.events
        await one.parts.cache.tell(stream, envelope)
        again = (
            "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][2] "
            "for i = 1, 900 do redis.call('XADD', KEYS[1], '*', unpack(last)) end return 1"
        )
        assert b":1" == server.ask("EVAL", again, "1", stream)
        await one.again(LATER)
        assert 1 <= one.listener.crls.count(URL) <= 2


class _Impatient(SystemClock):
    """Counts the pauses of some length."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.pauses = 0

    async def sleep(self, seconds: float) -> None:
        """Count it."""
        self.pauses += seconds == self.seconds
        await super().sleep(seconds)


class _Hasty:
    """Says at once that there are no events, and passes everything else on."""

    def __init__(self, cache: SharedCache) -> None:
        self.cache = cache
        self.asked = 0

    async def follow(self, stream: str, after: str, wait_s: float) -> tuple[Told, ...]:
        """Nothing, without having waited."""
        del stream, after, wait_s
        self.asked += 1
        return ()

    def __getattr__(self, name: str) -> object:
        return getattr(self.cache, name)


async def test_nothing_at_once(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """A Redis that does not wait for events is not asked as often as it answers: there is a pause after each time."""
    rules, hasty = replace(QUICK, breath_s=0.003), list[_Hasty]()
    clock = _Impatient(rules.breath_s)

    def through(cache: SharedCache) -> SharedCache:
        hasty.append(_Hasty(cache))
        return cast("SharedCache", hasty[0])

    async with following(server.url, tmp_path / "a", prefix=prefix, rules=rules, through=through, clock=clock) as one:
        await one.current()
        await until(lambda: hasty[0].asked > 10, "it asks on")
    assert hasty[0].asked <= clock.pauses + 2  # the first time, and the last


async def _push(one: Following, server: RedisServer, identifier: str) -> None:
    assert add(server, one.parts.names.events, "garbage", identifier)
    await until(lambda: bool(one.told.refusals), "it is read")


async def test_an_id_far_ahead_is_followed(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """An id near the end of all ids, which Redis counts on from: what is said then is heard."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        await _push(one, server, f"{2**64 - 1}-0")
        await one.again(URL)
        await one.current()


async def test_the_last_of_all_ids_is_told(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """After it Redis takes no event any more: nobody is current, and what helps is said; then it helps."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        await _push(one, server, f"{2**64 - 1}-{2**64 - 1}")
        await until(lambda: not one.is_current, "it is not current")
        assert f"the stream of events takes no more: remove {one.parts.names.events}" == one.follower.standing.reason
        server.ask("DEL", one.parts.names.events)
        await one.current()
        await one.again(URL)


async def test_a_stream_that_is_none(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Something else under its name is removed; everything is brought together, and what is said then is heard."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        await one.again(LATER)
        assert b"+OK" == server.ask("SET", one.parts.names.events, "x")
        await until(lambda: len(one.listener.reasons) > 1, "everything is brought together")
        await one.current()
        await one.again(URL)
        assert [one.parts.names.events] == one.discarded


async def test_an_epoch_that_is_none(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Octets that are no text are another content of Redis like any other; what has another type is removed."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        name = one.parts.names.epoch
        assert b"+OK" == server.ask("SET", name, "\x00" * 100)
        await one.reconciled("the cache was emptied")
        await one.current()
        server.ask("DEL", name)
        assert b":1" == server.ask("HSET", name, "a", "b")
        so_far = len(one.listener.reasons)
        await until(lambda: len(one.listener.reasons) > so_far, "everything is brought together")
        await one.current()
        assert [name] == one.discarded


async def test_another_key_hears_nobody(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """A replica with another key takes nothing of what the fleet says."""
    async with (
        following(server.url, tmp_path / "a", prefix=prefix, key=KEY) as one,
        following(server.url, tmp_path / "b", prefix=prefix, key=b"another-fleets-key-0123456789abc") as other,
    ):
        await one.current()
        await other.current()
        await one.say(CrlEvent(URL))
        await until(lambda: bool(other.told.refusals), "it is refused")
        assert [] == other.listener.crls
        assert [refused.refusal for refused in other.told.refusals] == [Refusal.UNAUTHENTIC]
