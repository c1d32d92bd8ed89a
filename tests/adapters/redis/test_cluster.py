"""A cluster: its map, redirections, and masters that fail over to their replicas."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from redis.crc import key_slot

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.adapters.redis.cluster import MOST_NODES, SLOTS, SlotMap, read_map
from service.adapters.redis.failures import LinkError
from service.adapters.redis.wire import Answer
from service.application.fleet.cache import FleetUnavailableError
from tests.adapters.redis.conftest import COMMAND_S, comes_to_answer
from tests.adapters.redis.scripted import Command, Scripted, scripted
from tests.redis_clusters import RedisCluster, redis_cluster

pytestmark = pytest.mark.anyio

LONG_S = 60.0
PATIENCE_S = 30.0
ASKED = ("asked", 1)


@pytest.mark.parametrize(
    ("answer", "masters", "owners"),
    [
        ([[0, 16383, [b"a", 1]]], (("a", 1),), {0: 0, 16383: 0}),
        ([[0, 9, [b"a", 1, b"id", []], [b"replica", 2]]], (("a", 1),), {9: 0, 10: -1}),
        ([[5, 5, [b"a", 1]], [6, 6, [b"b", 1]], [7, 7, [b"a", 1]]], (("a", 1), ("b", 1)), {4: -1, 5: 0, 6: 1, 7: 0}),
        ([[0, 0, [None, 7]], [1, 1, [b"", 7]], [2, 2, [b"?", 7]]], (("asked", 7),), {0: 0, 1: 0, 2: 0}),
        ([], (), {0: -1}),
    ],
)
def test_a_map(answer: Answer, masters: tuple[tuple[str, int], ...], owners: dict[int, int]) -> None:
    """Who has what; a node that does not say its host is at the one that was asked."""
    found = read_map(answer, ASKED)
    assert masters == found.masters
    assert owners == {slot: found.owners[slot] for slot in owners}


def test_a_whole_map() -> None:
    """Each slot has a master, or one has not."""
    assert [True, False] == [read_map([[0, last, [b"a", 1]]], ASKED).whole for last in (SLOTS - 1, SLOTS - 2)]


@pytest.mark.parametrize(
    "answer",
    [
        b"OK",
        None,
        7,
        [b"a"],
        [[]],
        [[0, 1]],
        [[0, 1, b"a"]],
        [[0, 1, [b"a"]]],
        [[0, 1, [b"a", b"1"]]],
        [[0, 1, [1, 1]]],
        [[0, 1, [b"a", 0]]],
        [[0, 1, [b"a", 65536]]],
        [[0, 1, [b"\xff", 1]]],
        [[0, 1, [b"a" * 254, 1]]],
        [[-1, 1, [b"a", 1]]],
        [[1, 0, [b"a", 1]]],
        [[0, SLOTS, [b"a", 1]]],
        [[slot, slot, [b"a", slot + 1]] for slot in range(MOST_NODES + 1)],
    ],
)
def test_maps_that_make_no_sense(answer: Answer) -> None:
    """They are refused as a whole."""
    with pytest.raises(LinkError):
        read_map(answer, ASKED)


def test_nobody_has_a_slot_of_an_empty_map() -> None:
    """Nothing is known before somebody was asked."""
    assert SlotMap((-1,) * SLOTS, ()).owner(7) is None


class Nodes:
    """Two nodes that answer as a test says, the first of which says who has what."""

    def __init__(self) -> None:
        """Give everything to the first."""
        self.first, self.second = Scripted(lambda _: None), Scripted(lambda _: None)
        self.map_of: Callable[[], bytes] = lambda: whole(self.first)

    @property
    def url(self) -> str:
        """Of the cluster."""
        return f"redis+cluster://127.0.0.1:{self.first.port}"

    def at_first(self, command: Command) -> bytes:
        """What the first node says, but for values."""
        match command:
            case (b"PING",):
                return b"+PONG\r\n"
            case (b"CLUSTER", b"SLOTS"):
                return self.map_of()
            case _:
                return b"$5\r\nfirst\r\n"

    def at_second(self, command: Command) -> bytes:
        """What the second says."""
        match command:
            case (b"PING",):
                return b"+PONG\r\n"
            case (b"ASKING",):
                return b"+OK\r\n"
            case (b"CLUSTER", b"SLOTS"):
                return self.map_of()
            case _:
                return b"$6\r\nsecond\r\n"

    def redirect(self, kind: str, name: str, host: str = "127.0.0.1") -> None:
        """Have the first one send to the second for a name."""

        def answer(command: Command) -> bytes:
            if command[1:2] == (name.encode(),):
                return f"-{kind} {key_slot(name.encode())} {host}:{self.second.port}\r\n".encode()
            return self.at_first(command)

        self.first.answer = answer

    def asked_for_map(self) -> int:
        """How often anybody was asked who has what."""
        return sum(one.heard.count((b"CLUSTER", b"SLOTS")) for one in (self.first, self.second))


def whole(node: Scripted) -> bytes:
    """A map on which one node has everything."""
    return b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n" % node.port


@pytest.fixture
async def nodes() -> AsyncIterator[Nodes]:
    """Two of them."""
    found = Nodes()
    async with AsyncExitStack() as stack:
        found.first = await stack.enter_async_context(scripted(found.at_first))
        found.second = await stack.enter_async_context(scripted(found.at_second))
        yield found


@pytest.mark.parametrize("host", ["127.0.0.1", "", "?"])
async def test_what_has_moved(nodes: Nodes, host: str) -> None:
    """The command is sent on, the map is read anew, and from then on the right one is asked at once."""
    async with open_cache(RedisPlace(nodes.url)) as cache:
        assert b"first" == await cache.get("name")
        nodes.redirect("MOVED", "name", host)
        nodes.map_of = lambda: whole(nodes.second)
        assert b"second" == await cache.get("name")
        asked = len(nodes.first.heard)
        await _settled(lambda: nodes.asked_for_map() == 2)
        assert [b"second", b"second"] == [await cache.get("name"), await cache.get("other")]
        assert [] == [one for one in nodes.first.heard[asked:] if one[0] == b"GET"]
        assert cache.unreachable is None


async def test_what_is_being_moved(nodes: Nodes) -> None:
    """The other node is told that it is asked on the first one's word, for this command alone."""
    async with open_cache(RedisPlace(nodes.url)) as cache:
        nodes.redirect("ASK", "name")
        assert [b"second", b"second"] == [await cache.get("name"), await cache.get("name")]
        assert [(b"ASKING",), (b"GET", b"name")] * 2 == nodes.second.heard
        assert b"first" == await cache.get("other")
        assert 1 == nodes.asked_for_map()


async def test_nodes_that_send_to_each_other(nodes: Nodes) -> None:
    """It ends, within the command's time, and the door is closed: nobody knows who has it."""
    nodes.redirect("MOVED", "name")
    nodes.second.answer = lambda command: (
        b"-MOVED 1 127.0.0.1:%d\r\n" % nodes.first.port if command[0] == b"GET" else nodes.at_second(command)
    )
    async with open_cache(RedisPlace(nodes.url)) as cache:
        with pytest.raises(FleetUnavailableError, match="send each to another"):
            await cache.get("name")
        assert cache.unreachable is not None


async def test_a_redirection_to_where_there_is_no_port(nodes: Nodes) -> None:
    """It is followed nowhere."""
    nodes.first.answer = lambda command: (
        b"-MOVED 1 127.0.0.1:65536\r\n" if command[0] == b"GET" else nodes.at_first(command)
    )
    async with open_cache(RedisPlace(nodes.url)) as cache:
        with pytest.raises(FleetUnavailableError, match="send to more places than there can be"):
            await cache.get("name")


async def test_the_probe_wants_every_slot(nodes: Nodes) -> None:
    """A cluster of which a part is nobody's is not used, although what was asked for is somebody's."""
    nodes.first.answer = lambda command: (
        b"-CLUSTERDOWN The cluster is down\r\n" if command[0] == b"GET" else nodes.at_first(command)
    )
    async with open_cache(RedisPlace(nodes.url)) as cache:
        with pytest.raises(FleetUnavailableError):
            await cache.get("name")
        nodes.first.answer = nodes.at_first
        nodes.map_of = lambda: whole(nodes.first).replace(b":16383", b":16382")
        await _settled(lambda: cache.unreachable == "there are slots of the cluster that no node has")
        nodes.map_of = lambda: whole(nodes.first)
        await _settled(lambda: cache.unreachable is None)


async def test_the_probe_wants_every_master(nodes: Nodes) -> None:
    """One that is silent keeps the door closed, although what was asked for is another's."""
    half = b"*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n"
    both = b"*2\r\n" + half % (0, 8191, nodes.first.port) + half % (8192, 16383, nodes.second.port)
    nodes.map_of = lambda: both
    mine = next(f"name {number}" for number in range(100) if key_slot(f"name {number}".encode()) < 8192)
    other = next(f"name {number}" for number in range(100) if key_slot(f"name {number}".encode()) >= 8192)
    async with open_cache(RedisPlace(nodes.url)) as cache:
        assert [b"first", b"second"] == [await cache.get(mine), await cache.get(other)]
        nodes.first.answer = nodes.second.answer = lambda _: None
        with pytest.raises(FleetUnavailableError):
            await cache.get(mine)
        nodes.first.answer = nodes.at_first
        await asyncio.sleep(3 * COMMAND_S)
        assert cache.unreachable is not None
        nodes.second.answer = nodes.at_second
        await _settled(lambda: cache.unreachable is None)
        assert [b"first", b"second"] == [await cache.get(mine), await cache.get(other)]


async def test_a_seed_that_is_gone(nodes: Nodes) -> None:
    """Another one is asked."""
    url = f"redis+cluster://127.0.0.1:1,127.0.0.1:{nodes.first.port}"
    async with open_cache(RedisPlace(url)) as cache:
        await comes_to_answer(cache)
        assert b"first" == await cache.get("name")


async def test_all_seeds_are_gone() -> None:
    """It is told which, and asked for again."""
    async with open_cache(RedisPlace("redis+cluster://127.0.0.1:1,127.0.0.1:2")) as cache:
        with pytest.raises(FleetUnavailableError):
            await cache.get("name")
        assert cache.unreachable is not None
        assert "Connect" in cache.unreachable


async def _settled(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not found():  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(0.01)


async def _held(cache: RedisCache, name: str) -> bytes | None:
    """What is held, once the node that has it hears of a majority again: each of them comes to know it by itself."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(FleetUnavailableError):
                return await cache.get(name)
            await asyncio.sleep(0.01)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RedisCluster]:
    """A cluster of this test's own."""
    with redis_cluster(tmp_path / "cluster") as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_a_master_that_is_gone(cluster: RedisCluster, how: str) -> None:
    """Whoever asks learns it in time; its replica is found when it has taken over, and what it had is there."""
    async with open_cache(RedisPlace(cluster.url)) as cache:
        await comes_to_answer(cache)
        for number in range(30):
            await cache.put(f"name {number}", b"%d" % number, LONG_S)
        gone = cluster.master_of("name 1")
        assert gone.ask("WAIT", "1", "5000") == b":1"
        gone.kill() if how == "killed" else gone.freeze()
        longest = 0.0
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert time.monotonic() < deadline, cache.unreachable
            begun = time.monotonic()
            with suppress(FleetUnavailableError):
                assert b"1" == await cache.get("name 1")
                break
            longest = max(longest, time.monotonic() - begun)
            await asyncio.sleep(0.01)
        assert longest < 4 * COMMAND_S  # the command's own time, on a machine that is busy with all these servers
        await _settled(lambda: cluster.replica_of(gone) is cluster.master_of("name 1"))
        found = [await _held(cache, f"name {number}") for number in range(30)]
        assert [b"%d" % number for number in range(30)] == found
        if how == "frozen":
            gone.thaw()


@pytest.mark.slow
async def test_a_master_that_hands_over(cluster: RedisCluster) -> None:
    """Nobody has to wait: whoever asks the old one is sent to the new one."""
    reasons: list[str | None] = []
    async with open_cache(RedisPlace(cluster.url), reasons.append) as cache:
        await comes_to_answer(cache)
        await cache.put("name", b"value", LONG_S)
        old = cluster.master_of("name")
        new = cluster.replica_of(old)
        assert b"+OK" == new.ask("CLUSTER", "FAILOVER")
        await _settled(lambda: cluster.master_of("name") is new and b"role:master" in new.say("INFO", "replication"))
        await comes_to_answer(cache)
        assert b"value" == await cache.get("name")
        await cache.put("name", b"other", LONG_S)
        await _followed(cache)


@pytest.mark.slow
async def test_slots_that_are_moved(cluster: RedisCluster) -> None:
    """A name is found before, while and after its slot moves to another node."""
    async with open_cache(RedisPlace(cluster.url)) as cache:
        await comes_to_answer(cache)
        await cache.put("{x}there", b"value", LONG_S)
        slot = str(key_slot(b"{x}there"))
        source = cluster.master_of("{x}")
        target = next(one for one in cluster.slots().values() if one is not source)
        identities = {one.port: one.say("CLUSTER", "MYID").split(b"\r\n")[1].decode() for one in (source, target)}
        assert target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", identities[source.port]) == b"+OK"
        assert source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", identities[target.port]) == b"+OK"
        await cache.put("{x}new", b"new", LONG_S)  # is not at the source, which sends it to the target
        assert [b"value", b"new"] == [await cache.get("{x}there"), await cache.get("{x}new")]
        assert source.ask("MIGRATE", "127.0.0.1", str(target.port), "{x}there", "0", "5000") == b"+OK"
        assert [b"value", b"new"] == [await cache.get("{x}there"), await cache.get("{x}new")]
        for node in (target, source):
            assert node.ask("CLUSTER", "SETSLOT", slot, "NODE", identities[target.port]) == b"+OK"
        assert [b"value", b"new"] == [await cache.get("{x}there"), await cache.get("{x}new")]
        assert cache.unreachable is None


async def _followed(cache: RedisCache) -> None:
    """Events are told and heard."""
    place = await cache.put_and_tell("{x}h", {"a": b"1"}, "{x}s", b"event")
    assert place == (await cache.follow("{x}s", "0-0", 1.0))[-1].id
