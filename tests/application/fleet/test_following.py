"""Following the fleet's events: nobody misses one without knowing, and no content of Redis ends it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import StoreError
from service.application.fleet.cache import FleetUnavailableError, SharedCache, StreamEnds
from service.application.fleet.events import BlockEvent, CrlEvent, TrustStoreEvent
from service.application.fleet.names import FleetNames
from service.application.fleet.position import EventId, Position
from service.application.fleet.standing import Standing
from tests.application.fleet.following_parts import LAST, LATER, MISSED, QUICK, STARTED, URL, Listener, following, until
from tests.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.anyio

FLOOD: Final = (
    "for i = 1, 50 do redis.call('XADD', KEYS[1], '*', 'e', 'x') end "
    "return redis.call('XTRIM', KEYS[1], 'MAXLEN', {kept})"
)
"""Fifty events at once, of which the stream keeps some: nobody can read one that is gone."""


async def test_everybody_hears_what_one_says(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Events of each kind come to all replicas, the one that said them included, and each to whom it is for."""
    async with (
        following(server.url, tmp_path / "a", prefix=prefix) as one,
        following(server.url, tmp_path / "b", prefix=prefix) as other,
    ):
        await one.current()
        await other.current()
        block = BlockEvent("b1", b"an envelope of a block")
        for event in (block, CrlEvent(URL), TrustStoreEvent("default")):
            await one.say(event)
        for each in (one, other):
            await each.heard_of_stores()
            assert [block] == each.listener.blocks
            assert [URL] == each.listener.crls
            assert ["default"] == each.listener.stores
            assert [] == each.told.refusals


@pytest.mark.parametrize(
    "at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)], ids=["behind", "ahead"]
)
async def test_whoevers_clock_is_wrong_is_heard(server: RedisServer, prefix: str, tmp_path: Path, at: datetime) -> None:
    """What is told is news, whenever it was told by the clock of who tells it: a block above all."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        block, heard = BlockEvent("b1", b"an envelope of a block"), one.listener
        for event in (block, CrlEvent(URL), TrustStoreEvent("default")):
            await one.say(event, at)
        await one.again(LATER)
        assert ([block], [URL, LATER], ["default"]) == (heard.blocks, heard.crls, heard.stores)
        assert [] == one.told.refusals


async def test_it_reconciles_before_it_is_current(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """A replica that was just started is catching up until everything was brought together once."""
    listener = Listener(hanging=True)
    async with following(server.url, tmp_path / "a", prefix=prefix, listener=listener) as one:
        await until(lambda: listener.reasons != [], "it reconciles")
        await one.again(URL)  # it reads meanwhile
        assert one.follower.standing.standing is Standing.CATCHING_UP
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        assert ["it was started"] == one.listener.reasons


async def test_how_it_stands_is_told(own_server: RedisServer, tmp_path: Path) -> None:
    """When it changes, and not each time that somebody has looked."""
    async with following(own_server.url, tmp_path / "a") as one:
        await one.current()
        own_server.freeze()
        try:
            await until(lambda: not one.is_current, "it is behind")
        finally:
            own_server.thaw()
        await one.current()
        told = one.told.standings
        assert told == [Standing.CURRENT, *[Standing.BEHIND, Standing.CURRENT] * (len(told) // 2)]
        assert len(told) > 1


async def test_catching_up_has_an_end(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Whoever keeps a replica from catching up does not keep it from having started: it is behind then."""
    rules = replace(QUICK, starting_s=0.0)
    listener = Listener(hanging=True)
    async with following(server.url, tmp_path / "a", prefix=prefix, listener=listener, rules=rules) as one:
        await until(lambda: one.follower.standing.standing is Standing.BEHIND, "it is behind")
        assert "since it was started" in one.follower.standing.reason


async def test_reconciling_has_an_end(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """One that does not end is given up, said, and tried again."""
    rules = replace(QUICK, reconcile_within_s=0.05)
    listener = Listener(hanging=True)
    async with following(server.url, tmp_path / "a", prefix=prefix, listener=listener, rules=rules) as one:
        await until(lambda: len(listener.reasons) > 1, "it is tried again")
        assert "were not brought together" in one.follower.standing.reason
        listener.hanging = False
        await one.current()


async def test_it_reconciles_now_and_then(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Although nothing is amiss, everything is brought together again and again, and it stays current meanwhile."""
    rules = replace(QUICK, reconcile_every_s=0.05)
    async with following(server.url, tmp_path / "a", prefix=prefix, rules=rules) as one:
        await until(lambda: one.listener.reasons.count("it is time") > 1, "it is time twice")
        assert one.is_current


async def test_a_restart_reads_on(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """What was said while a replica was away it hears when it is back, and nothing twice that was applied."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as speaker:
        async with following(server.url, tmp_path / "b", prefix=prefix) as one:
            await one.current()
            last = EventId.parse(await one.again(URL))
            await until(lambda: one.position == last, "how far it has read was kept")
        await speaker.say(CrlEvent(LATER))
        async with following(server.url, tmp_path / "b", prefix=prefix) as one:
            await one.heard(LATER)
            assert [LATER] == one.listener.crls[-1:]
            assert ["it was started"] == one.listener.reasons


async def test_a_first_start_hears_nothing_of_before(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Who has never read needs no old events: everything is brought together at that moment."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as speaker:
        await speaker.say(CrlEvent(URL))
        async with following(server.url, tmp_path / "b", prefix=prefix) as one:
            await one.current()
            await speaker.say(CrlEvent(LATER))
            await one.heard(LATER)
            assert [LATER] == one.listener.crls


async def test_a_place_that_was_kept_elsewhere_is_none(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """How far another content of Redis was read says nothing of this one: it is read from its beginning."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as speaker:
        await speaker.current()
        await speaker.again(URL)
        with Store.open(tmp_path / "b", Role.WORKER) as store:
            await store.fleet.keep_position(Position("another epoch", EventId(1, 0)))
        async with following(server.url, tmp_path / "b", prefix=prefix) as one:
            await one.heard(URL)


async def test_a_flush_is_noticed(own_server: RedisServer, tmp_path: Path) -> None:
    """After Redis was emptied everything is brought together, by everybody, and events are heard again."""
    async with following(own_server.url, tmp_path / "a") as one, following(own_server.url, tmp_path / "b") as other:
        for each in (one, other):
            await each.current()
            await each.again(URL)
        own_server.flush()
        for each in (one, other):
            await each.reconciled("the cache was emptied")
            await each.current()
        await one.say(CrlEvent(LATER))
        await other.heard(LATER)
        # Both have found the same new number: neither takes the other's for another flush.
        assert [each.listener.reasons.count("the cache was emptied") for each in (one, other)] == [1, 1]


async def test_a_stream_that_is_gone_is_noticed(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Somebody removes the stream and nothing else: what was in it may have been missed."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        await one.again(URL)
        assert b":1" == server.ask("DEL", FleetNames(prefix).events)
        await one.reconciled("the cache has lost events")
        await one.say(CrlEvent(LATER))
        await one.heard(LATER)
        await one.current()


async def test_a_failover_to_an_older_copy_is_noticed(tmp_path: Path) -> None:
    """A server at the same place that has lost the last writes: all is brought together, and its events are read."""
    options = ("--dbfilename", "dump.rdb")
    with redis_server(tmp_path / "redis", *options) as server:
        async with following(server.url, tmp_path / "a") as one:
            await one.current()
            await one.again(URL)
            assert b"+OK" == server.ask("SAVE")
            await one.again(LATER)
            server.kill()
            await until(lambda: not one.is_current, "that it is gone is noticed")
            server.start()
            await one.current()
            assert "the cache is there again" == one.listener.reasons[-1]
            # Its clock may run behind: an event with a smaller id than what was lost is heard all the same.
            last = server.ask("XADD", FleetNames().events, "*", "e", "nothing")
            assert last
            await one.say(CrlEvent(LAST))
            await one.heard(LAST)


async def test_what_was_trimmed_before_it_was_read_is_noticed(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """More events come at once than the stream keeps: nobody has read those in between."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        last = EventId.parse(await one.again(URL))
        await until(lambda: one.position == last, "it has looked")
        assert b":48" == server.ask("EVAL", FLOOD.format(kept=3), "1", one.parts.names.events)
        await one.reconciled(MISSED)
        await one.again(LATER)
        await one.current()


async def test_a_stream_that_was_trimmed_to_nothing(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """What was in it may have been missed; what comes is heard."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        last = EventId.parse(await one.again(URL))
        await until(lambda: one.position == last, "it has looked")
        assert b":51" == server.ask("EVAL", FLOOD.format(kept=0), "1", one.parts.names.events)
        await one.reconciled(MISSED)
        await one.again(LATER)
        await one.current()


async def test_what_was_trimmed_after_it_was_read_is_no_gap(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """As long as the last event that was read is there, nothing after it can have gone."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        for number in range(20):
            last = EventId.parse(await one.again(f"{URL}?{number}"))
        await until(lambda: one.position == last, "it has looked")
        assert b":19" == server.ask("XTRIM", one.parts.names.events, "MAXLEN", "1")
        await one.again(LATER)
        assert [STARTED] == one.listener.reasons


async def test_redis_that_is_not_there_at_the_start(own_server: RedisServer, tmp_path: Path) -> None:
    """It says that it is behind, and why; when Redis comes it catches up by itself."""
    own_server.kill()
    async with following(own_server.url, tmp_path / "a") as one:
        await until(lambda: one.follower.standing.standing is Standing.BEHIND, "it is behind")
        assert one.follower.standing.reason
        assert [] == one.listener.reasons
        own_server.start()
        await one.current()
        await one.again(URL)


async def test_redis_that_freezes(own_server: RedisServer, tmp_path: Path) -> None:
    """It is behind while Redis does nothing, and brings everything together when it goes on."""
    async with following(own_server.url, tmp_path / "a") as one:
        await one.current()
        own_server.freeze()
        await until(lambda: not one.is_current, "that it does nothing is noticed")
        own_server.thaw()
        await one.current()
        assert "the cache is there again" == one.listener.reasons[-1]


class Busy:
    """Before a cache; a look at the stream fails as often as is said."""

    def __init__(self, cache: SharedCache) -> None:
        self._cache = cache
        self.fails = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._cache, name)

    async def ends(self, stream: str) -> StreamEnds:
        """Look, or fail."""
        if self.fails:
            self.fails -= 1
            raise FleetUnavailableError("this process was kept busy")
        return await self._cache.ends(stream)


@pytest.mark.parametrize(("fails", "reasons"), [(1, [STARTED]), (2, [STARTED, "the cache is there again"])])
async def test_a_look_that_fails(
    server: RedisServer, prefix: str, tmp_path: Path, fails: int, reasons: list[str]
) -> None:
    """Once is no gap: events are read all the same. Twice in a row nobody knows whether it is still the same stream."""
    before: list[Busy] = []

    def through(cache: SharedCache) -> SharedCache:
        before.append(Busy(cache))
        return cast("SharedCache", before[0])

    async with following(server.url, tmp_path / "a", prefix=prefix, through=through) as one:
        await one.current()
        before[0].fails = fails
        await until(lambda: not before[0].fails, "it has failed")
        last = EventId.parse(await one.again(URL))
        await until(lambda: one.position == last, "it has looked again")
        await one.current()
        assert reasons == one.listener.reasons


async def test_a_reconciliation_that_fails_is_not_current(server: RedisServer, prefix: str, tmp_path: Path) -> None:
    """Where the host's store cannot be written it says so, hears events all the same, and tries again."""
    listener = Listener(failing=StoreError("the disk is full"))
    async with following(server.url, tmp_path / "a", prefix=prefix, listener=listener) as one:
        await until(lambda: one.follower.standing.reason == "the disk is full", "it says why")
        await one.again(URL)
        assert one.follower.standing.standing is Standing.BEHIND
        listener.failing = None
        await one.current()


async def test_an_event_that_cannot_be_applied_is_not_read_for_ever(
    server: RedisServer, prefix: str, tmp_path: Path
) -> None:
    """One that fails makes it reconcile, which finds what it said; those after it are heard."""
    async with following(server.url, tmp_path / "a", prefix=prefix) as one:
        await one.current()
        one.listener.failing = ValueError("nobody has thought of this")
        await one.say(BlockEvent("b1", b"x"))
        await until(lambda: bool(one.listener.blocks), "it is read")
        one.listener.failing = None
        await one.again(URL)
        await one.current()
        assert len(one.listener.blocks) == 1
        assert "the cache is there again" == one.listener.reasons[-1]
        assert "ValueError('nobody has thought of this')" == one.faults[0]
