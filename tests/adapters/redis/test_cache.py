"""Every method of the port against a real Redis: alone, on a socket, behind TLS and an ACL, and as a cluster."""

import asyncio

import pytest

from service.adapters.redis.cache import MOST_READ, RedisCache
from service.adapters.redis.nodes import Lane
from service.adapters.redis.wire import MAX_VALUE_OCTETS
from service.application.fleet.cache import FleetUnavailableError, StreamEnds, Told

pytestmark = pytest.mark.anyio

LONG_S = 60.0
OCTETS = bytes(range(256)) + b"\r\n$-1\r\n"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here is what commands do; how long they may take is tested elsewhere."""
    monkeypatch.setattr("service.adapters.redis.cache.COMMAND_S", 5.0)


async def test_a_value_is_held(cache: RedisCache, prefix: str) -> None:
    """As it was given, whatever octets it has, and the last one wins."""
    assert await cache.get(prefix) is None
    for value in (b"", OCTETS):
        await cache.put(prefix, value, LONG_S)
        assert value == await cache.get(prefix)


async def test_a_value_ends(cache: RedisCache, prefix: str) -> None:
    """When its time is over."""
    await cache.put(prefix, b"value", 0.001)
    await asyncio.sleep(0.02)
    assert await cache.get(prefix) is None


async def test_a_piece_is_held(cache: RedisCache, prefix: str) -> None:
    """Up to the longest value that there may be."""
    piece = b"p" * MAX_VALUE_OCTETS
    await cache.put_piece(prefix, piece, LONG_S)
    assert piece == await cache.get_piece(prefix)


@pytest.mark.parametrize("method", ["put", "put_piece"])
async def test_nothing_is_written_that_nobody_would_read(cache: RedisCache, prefix: str, method: str) -> None:
    """An octet more is refused before it is sent."""
    with pytest.raises(FleetUnavailableError, match="a value of 1048577 octets; the limit is 1048576"):
        await getattr(cache, method)(prefix, bytes(MAX_VALUE_OCTETS + 1), LONG_S)
    assert (None, None) == (await cache.get(prefix), cache.unreachable)


async def test_pieces_are_kept(cache: RedisCache, prefix: str) -> None:
    """All of them for longer, and whether one of them is missing is told."""
    names = tuple(f"{prefix}:{number}" for number in range(3))
    await cache.put_piece(names[0], b"0", 0.05)
    await cache.put_piece(names[2], b"2", 0.05)
    assert not await cache.keep_pieces(names, LONG_S)
    await cache.put_piece(names[1], b"1", 0.05)
    assert await cache.keep_pieces(names, LONG_S)
    await asyncio.sleep(0.07)
    assert [b"0", b"1", b"2"] == [await cache.get_piece(name) for name in names]


async def test_no_pieces_are_all_there(cache: RedisCache) -> None:
    """What has no content has no piece that could be missing."""
    assert await cache.keep_pieces((), LONG_S)


async def test_one_has_a_lease(cache: RedisCache, prefix: str) -> None:
    """Until he gives it back, and nobody else can do that for him."""
    assert await cache.lease(prefix, b"one", LONG_S)
    assert not await cache.lease(prefix, b"two", LONG_S)
    await cache.release(prefix, b"two")
    assert not await cache.lease(prefix, b"two", LONG_S)
    await cache.release(prefix, b"one")
    assert await cache.lease(prefix, b"two", LONG_S)


async def test_a_lease_ends(cache: RedisCache, prefix: str) -> None:
    """And whoever had it neither renews nor gives back the next one's."""
    assert await cache.lease(prefix, b"one", 0.001)
    await asyncio.sleep(0.02)
    assert await cache.lease(prefix, b"two", LONG_S)
    assert not await cache.renew(prefix, b"one", LONG_S)
    await cache.release(prefix, b"one")
    assert b"two" == await cache.get(prefix)


async def test_a_lease_is_renewed(cache: RedisCache, prefix: str) -> None:
    """By who has it, and then lasts longer."""
    assert await cache.lease(prefix, b"one", 0.05)
    assert await cache.renew(prefix, b"one", LONG_S)
    await asyncio.sleep(0.07)
    assert not await cache.lease(prefix, b"two", LONG_S)


async def test_members(cache: RedisCache, prefix: str) -> None:
    """Fields are set, read in portions, and removed."""
    members = {f"field {number}": b"%d" % number for number in range(2500)}
    await cache.put_members(prefix, members)
    assert members == dict(await cache.members(prefix))
    await cache.drop_members(prefix, ("field 0", "field 2499", "nobody"))
    left = await cache.members(prefix)
    assert (2498, b"1", None) == (len(left), left["field 1"], left.get("field 0"))


async def test_no_members(cache: RedisCache, prefix: str) -> None:
    """Nothing is set, removed and found where there is nothing."""
    await cache.put_members(prefix, {})
    await cache.drop_members(prefix, ())
    await cache.drop_members(prefix, ("nobody",))
    assert {} == dict(await cache.members(prefix))


async def test_an_event_follows_what_it_is_about(cache: RedisCache, prefix: str) -> None:
    """Fields and event are there together."""
    members = {"a": OCTETS, "b": b""}
    place = await cache.put_and_tell(f"{prefix}:h", members, f"{prefix}:s", b"event")
    assert members == dict(await cache.members(f"{prefix}:h"))
    assert (Told(place, b"event"),) == await cache.follow(f"{prefix}:s", "0-0", 1.0)


async def test_neither_a_field_nor_an_event(cache: RedisCache, prefix: str) -> None:
    """Where the one cannot be written, the other is not."""
    await cache.put(f"{prefix}:h", b"a value, and no hash", LONG_S)
    with pytest.raises(FleetUnavailableError, match="WRONGTYPE"):
        await cache.put_and_tell(f"{prefix}:h", {"a": b"1"}, f"{prefix}:s", b"event")
    assert StreamEnds("", "0-0") == await cache.ends(f"{prefix}:s")
    assert cache.unreachable is None


async def test_events_are_read_on(cache: RedisCache, prefix: str) -> None:
    """From the last one that was seen, a thousand at a time."""
    places = [await cache.tell(prefix, b"%d" % number) for number in range(MOST_READ + 2)]
    first = await cache.follow(prefix, "0-0", 1.0)
    assert places[:MOST_READ] == [one.id for one in first]
    rest = await cache.follow(prefix, first[-1].id, 1.0)
    assert [(places[-2], b"1000"), (places[-1], b"1001")] == [(one.id, one.envelope) for one in rest]
    assert StreamEnds(places[0], places[-1]) == await cache.ends(prefix)


async def test_an_event_is_pushed(cache: RedisCache, prefix: str) -> None:
    """Whoever waits has it when it is told, and other commands go on meanwhile."""
    waiting = asyncio.create_task(cache.follow(prefix, "0-0", 30.0))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    place = await cache.tell(prefix, b"event")
    assert (Told(place, b"event"),) == await asyncio.wait_for(waiting, 5.0)


async def test_no_event_in_time(cache: RedisCache, prefix: str) -> None:
    """Nothing has failed where nothing has happened."""
    assert () == await cache.follow(prefix, "0-0", 0.01)
    assert cache.unreachable is None


async def test_a_mark_stays(cache: RedisCache, prefix: str) -> None:
    """The first one counts, for everybody."""
    assert [b"one", b"one"] == [await cache.mark(prefix, b"one"), await cache.mark(prefix, b"two")]


async def test_many_at_once(cache: RedisCache, prefix: str) -> None:
    """They share the connections, and each has its own answer."""
    expected = [b"%d" % number for number in range(2 * Lane.QUICK.value)]
    for number, value in enumerate(expected):
        await cache.put(f"{prefix}:{number}", value, LONG_S)
    found = await asyncio.gather(*(cache.get(f"{prefix}:{number}") for number in range(len(expected))))
    assert expected == found
