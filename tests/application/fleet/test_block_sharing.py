"""Telling the fleet of a block: both the hash and the stream or neither, within about a second, or it is said."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from service.application.block_bringing import BlockRoom
from service.application.block_sharing import NoFleet, Reach
from service.application.blocks import BlockIsLocalError, BlocksUnavailableError, RemovalIsLocalError, UnknownBlockError
from service.application.evidence_store import StoreError
from service.application.fleet import block_rooms
from service.application.fleet.block_envelopes import LIST_NAME
from service.application.fleet.block_sharing import SHARE_S
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.names import FleetNames
from service.core.model.block import Block, Tombstone
from tests.application.fleet.block_replicas import KEYLESS, Fleet, fleet_on, match
from tests.pki.moments import NOW
from tests.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, store_directory) as found:
        yield found


async def test_what_is_told_stands_in_both(fleet: Fleet) -> None:
    """Whoever looks finds it, and whoever listens hears it."""
    (one,) = await fleet.joined(1)
    added = await one.blocks.add(match(1), "stolen", None, "admin")
    assert {added.id, LIST_NAME} == set(await one.members())
    assert 1 == await one.follow()
    await one.blocks.remove(added.id, "admin")
    assert 1 == await one.follow()


async def test_redis_is_gone(fleet: Fleet) -> None:
    """It is in force here, after about a second, and whoever asked learns that it is nowhere else."""
    (one,) = await fleet.joined(1)
    one.line.is_cut = True
    before = fleet.clock.now()
    with pytest.raises(BlockIsLocalError) as local:
        await one.blocks.add(match(1), "stolen", None, "admin")
    assert Reach.UNREACHABLE is local.value.reach
    assert (local.value.block,) == await one.blocks.list()
    assert timedelta(0) < fleet.clock.now() - before <= timedelta(seconds=SHARE_S)
    with pytest.raises(RemovalIsLocalError) as removal:
        await one.blocks.remove(local.value.block.id, "admin")
    assert (Reach.UNREACHABLE, ()) == (removal.value.reach, await one.blocks.list())
    with pytest.raises(UnknownBlockError):
        await one.blocks.remove(local.value.block.id, "admin")


async def test_redis_is_back_in_time(fleet: Fleet) -> None:
    """A connection that was lost is no reason to complain."""
    (one,) = await fleet.joined(1)
    one.line.is_cut = True

    async def sleep(seconds: float) -> None:
        fleet.clock.advance(seconds)
        one.line.is_cut = fleet.clock.monotonic() < SHARE_S / 2

    fleet.clock.sleep = sleep  # type: ignore[method-assign]  # while it waits, Redis comes back
    added = await one.blocks.add(match(1), "stolen", None, "admin")
    assert added.id in await one.members()


async def test_a_real_redis_that_refuses(store_directory: Path, tmp_path: Path) -> None:
    """It is full: it says so, and the block is here alone; when there is room again it comes there."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(redis_server(tmp_path / "redis"))
        fleet = Fleet(store_directory, server.url, FleetNames("full"), stack)
        await fleet.open()
        (one,) = await fleet.joined(1)
        one.line.patience_s, patience_s = 0.0, one.line.patience_s
        assert b"+OK" == server.ask("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(BlockIsLocalError):
            await one.blocks.add(match(1), "stolen", None, "admin")
        server.ask("CONFIG", "SET", "maxmemory", "0")
        one.line.patience_s = patience_s
        assert 1 == (await one.reconcile()).given


async def test_without_a_key_a_removal_is_local(fleet: Fleet) -> None:
    """For good, whether Redis is there or not; and the block's envelope is taken away."""
    (one,) = await fleet.joined(1, KEYLESS)
    added = await one.blocks.add(match(1), "stolen", None, "admin")
    with pytest.raises(RemovalIsLocalError) as local:
        await one.blocks.remove(added.id, "admin")
    assert (Reach.UNAUTHENTICATED, {LIST_NAME}) == (local.value.reach, set(await one.members()))


async def test_what_others_would_not_take(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too large for an event, or one more than they hold: it is here, and said to be."""
    one, other = await fleet.joined(2)
    with pytest.raises(BlockIsLocalError) as large:
        await one.blocks.add(match(1), "x" * 50_000, None, "admin")
    monkeypatch.setattr(block_rooms, "AUTHENTIC", BlockRoom(2, 1 << 30))
    await one.blocks.add(match(2), "stolen", None, "admin")
    with pytest.raises(BlockIsLocalError) as many:
        await one.blocks.add(match(3), "stolen", None, "admin")
    assert (Reach.REFUSED, Reach.REFUSED) == (large.value.reach, many.value.reach)
    await one.reconcile()
    await other.reconcile()
    assert (3, 2) == (len(one.ids), len(other.ids))


async def test_what_others_have_no_room_for(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """In octets, which take more room where they came in another order: whatever is said to be everywhere is."""
    one, other = await fleet.joined(2)
    monkeypatch.setattr(block_rooms, "AUTHENTIC", BlockRoom(1000, 256 << 10))
    everywhere, refused = set(), set()
    for number in range(100):
        try:
            everywhere.add((await one.blocks.add(match(number), "x" * 10_000, None, "admin")).id)
        except BlockIsLocalError as error:
            refused.add(error.reach)
    assert {Reach.REFUSED} == refused
    assert 10 < len(everywhere) < len(one.ids)
    await other.follow()
    assert everywhere <= other.ids
    await one.reconcile()
    new = fleet.join()
    with pytest.raises(FleetUnavailableError, match="more blocks than there is room for"):
        await new.reconcile()
    with pytest.raises(BlocksUnavailableError):
        await new.blocks.current()


async def test_a_store_that_cannot_be_counted(fleet: Fleet) -> None:
    """Is no reason to keep a block to oneself."""
    (one,) = await fleet.joined(1)

    def count(room: BlockRoom) -> bool:
        raise StoreError(f"the disk is gone, and {room} with it")

    one.store.blocks.is_within = count  # type: ignore[method-assign]  # as a disk does
    assert Reach.EVERYWHERE is await one.sharing.share(Block("b1", match(1), "stolen", NOW, "admin"))


async def test_a_host_by_itself() -> None:
    """Knows everything that anybody knows."""
    alone = NoFleet()
    assert alone.fleet is None
    assert Reach.EVERYWHERE is await alone.share(Block("b1", match(1), "stolen", NOW, "admin"))
    assert Reach.EVERYWHERE is await alone.share_removal(Tombstone("b1", NOW, "admin"))
