"""The fleet's list of blocks: replicas that are new, keys that are missing or changed, limits and damage."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

import lmdb
import pytest

from service.adapters.lmdb import block_rows
from service.application import block_bringing
from service.application.block_bringing import BlockRoom
from service.application.blocks import BlocksUnavailableError
from service.application.evidence_store import StoreError
from service.application.fleet import block_meeting, block_rooms
from service.application.fleet.block_envelopes import LIST_NAME, ListNote, ListState, seal_member
from service.application.fleet.block_list import UNREAD_PAUSE_S, ListUnreadError, Reconciled
from service.application.fleet.block_reading import LONGEST_LOOKS, LOOK_S, QUIET_LOOKS
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.envelope import FleetKeys, Refusal
from service.application.fleet.events import BlockEvent
from service.application.fleet.names import FleetNames
from service.core.model.block import Block, Tombstone
from tests.application.fleet.block_replicas import (
    KEY,
    KEYED,
    KEYLESS,
    OTHER_KEY,
    Fleet,
    agree,
    fleet_on,
    match,
    sealed_by,
)
from tests.pki.moments import NOW
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.anyio

NOTHING: Final = Reconciled(0, 0, 0)
ROTATED: Final = FleetKeys((OTHER_KEY,))
BOTH: Final = FleetKeys((OTHER_KEY, KEY))


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, store_directory) as found:
        yield found


# --- a new replica -------------------------------------------------------------------------------------------------


async def test_a_new_replica_decides_nothing_before_it_has_read(fleet: Fleet) -> None:
    """Nor without Redis; a block that it is asked for it takes, and after a restart it decides with what it has."""
    (one,) = await fleet.joined(1)
    added = await one.add(1)
    new = fleet.join()
    new.line.is_cut = True
    for _ in range(2):
        with pytest.raises(BlocksUnavailableError, match="was not read yet"):
            await new.blocks.current()
        with pytest.raises(FleetUnavailableError):
            await new.reconcile()
        new.restart()
    mine = await new.add(2)
    new.line.is_cut = False
    await new.reconcile()
    assert {added, mine} == set(await new.blocks.list())
    new.line.is_cut = True
    new.restart()
    assert {added, mine} == set(await new.blocks.list())


async def test_what_was_read_is_not_asked_for_again(fleet: Fleet) -> None:
    """A warm request reads the number of the blocks, and nothing else."""
    (one,) = await fleet.joined(1)
    await one.blocks.current()

    def asked(name: str) -> bool:
        raise AssertionError(name)

    one.store.blocks.list_was_read = asked  # type: ignore[assignment, method-assign]  # once is enough
    await one.blocks.current()


async def test_another_fleets_list_is_another_list(fleet: Fleet) -> None:
    """A data directory that has belonged to another fleet decides nothing until it has read this one's."""
    (one,) = await fleet.joined(1)
    one.names = FleetNames(f"{fleet.names.prefix}-other")
    one.restart()
    with pytest.raises(BlocksUnavailableError):
        await one.blocks.current()
    await one.reconcile()
    await one.blocks.current()


async def test_a_new_replica_after_a_flush(fleet: Fleet, server: RedisServer) -> None:
    """Asks the others for what they have, and waits for it, before it counts the list as read."""
    one, other = await fleet.joined(2)
    ids = {(await one.add(number)).id for number in range(10)}
    await other.follow()
    server.ask("DEL", fleet.names.blocks)
    new = fleet.join()
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds:
            waited.append(seconds)
            with pytest.raises(BlocksUnavailableError):
                await new.blocks.current()
            await other.follow()

    fleet.clock.sleep = sleep  # type: ignore[method-assign]  # while the new one waits, the others work
    await new.reconcile()
    assert ids == new.ids
    await new.blocks.current()


async def test_a_long_list_after_a_flush(fleet: Fleet, server: RedisServer) -> None:
    """A new replica waits for as long as there comes more, whether or not anybody says that this is all."""
    (one,) = await fleet.joined(1)
    added = [await one.add(number) for number in range(8)]
    envelopes = await one.members()
    server.ask("DEL", fleet.names.blocks)
    new = fleet.join()

    async def sleep(seconds: float) -> None:
        if seconds and (left := added[len(await one.members()) :]):
            await one.parts.cache.put_members(fleet.names.blocks, {left[0].id: envelopes[left[0].id]})

    fleet.clock.sleep = sleep  # type: ignore[method-assign]  # somebody slow writes while the new one waits
    await new.reconcile()
    assert {block.id for block in added} == new.ids


async def test_a_new_replica_does_not_wait_for_ever(fleet: Fleet) -> None:
    """Somebody writes one more block after the other: that is no whole list, and what came is kept."""
    one = fleet.join(KEYLESS)
    numbers, writes = count(), True

    async def sleep(seconds: float) -> None:
        fleet.clock.advance(seconds)
        if seconds == LOOK_S and writes:
            block = Block(f"b{next(numbers)}", match(1), "stolen", NOW, "admin")
            await one.parts.cache.put_members(fleet.names.blocks, dict([seal_member(one.parts, block)]))

    before = fleet.clock.monotonic()
    fleet.clock.sleep = sleep  # type: ignore[method-assign]  # as above
    with pytest.raises(ListUnreadError, match="still being written"):
        await one.reconcile()
    assert LONGEST_LOOKS * LOOK_S + UNREAD_PAUSE_S == fleet.clock.monotonic() - before
    with pytest.raises(BlocksUnavailableError):
        await one.blocks.current()
    writes = False
    await one.reconcile()
    assert LONGEST_LOOKS == len(await one.blocks.list())


async def test_a_fleet_of_one(fleet: Fleet) -> None:
    """Nobody is there to be asked: it has read the list when nobody has written anything for a while.

    It notes that this is all when it has looked once more since.
    """
    one = fleet.join()
    before = fleet.clock.monotonic()
    await one.reconcile()
    assert QUIET_LOOKS * LOOK_S == fleet.clock.monotonic() - before
    await one.blocks.current()
    assert set() == set(await one.members())
    await one.reconcile()
    assert {LIST_NAME} == set(await one.members())


async def test_a_new_replica_asks_everybody(fleet: Fleet) -> None:
    """That somebody has noted that all of his is there says nothing of what others have."""
    await fleet.joined(1)
    before = fleet.clock.monotonic()
    await fleet.joined(1)
    assert before + QUIET_LOOKS * LOOK_S == fleet.clock.monotonic()


async def test_whoever_asks_does_not_answer_himself(fleet: Fleet) -> None:
    """His own question comes back to him, as every event does."""
    (one,) = await fleet.joined(1)
    one.line.asked.clear()
    one.at = "0-0"
    assert 2 == await one.follow()
    assert ["ends", "follow"] == one.line.asked


async def test_a_new_replica_without_room(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds what it can, tells once what it cannot, and decides nothing; where there is room it takes the rest."""
    (one,) = await fleet.joined(1)
    for number in range(3):
        await one.add(number)
    new = fleet.join()
    with monkeypatch.context() as patching:
        patching.setattr(block_rooms, "AUTHENTIC", BlockRoom(2, 1 << 30))
        for _ in range(2):
            with pytest.raises(ListUnreadError, match="more blocks than there is room for"):
                await new.reconcile()
        assert (2, 1) == (len(new.ids), len(new.heard.refusals))
        with pytest.raises(BlocksUnavailableError):
            await new.blocks.current()
        one.restart()
        assert 3 == len(await one.blocks.list())
    await new.reconcile()
    assert 3 == len(await new.blocks.list())


async def test_room_in_octets(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is for other things as well."""
    (one,) = await fleet.joined(1)
    added = [await one.blocks.add(match(number), "x" * 500, None, "admin") for number in range(40)]
    monkeypatch.setattr(block_rooms, "AUTHENTIC", BlockRoom(1000, 8192))
    new = fleet.join()
    with pytest.raises(ListUnreadError):
        await new.reconcile()
    assert 0 < len(new.ids) < len(added)


# --- keys ----------------------------------------------------------------------------------------------------------


async def test_without_a_key(fleet: Fleet) -> None:
    """Blocks spread, and removals do not: each host has its own, and nobody's tombstone is believed."""
    one, other = await fleet.joined(2, KEYLESS)
    added = await one.add(1)
    await other.follow()
    assert not await one.remove(added.id)
    for replica in (one, other, one):
        await replica.reconcile()
    name, forged = sealed_by(one, KEYLESS, Tombstone(added.id, NOW, "forger"))
    await other.list.apply(BlockEvent(name, forged))
    await one.parts.cache.put_members(fleet.names.blocks, {name: forged})
    await other.reconcile()
    assert (set(), {added.id}) == (one.ids, other.ids)
    assert {Refusal.UNAUTHENTIC} == {refused.refusal for refused in other.heard.refusals}


async def test_whoever_removes_it_last_leaves_nothing(fleet: Fleet) -> None:
    """Without a key a block is removed on each host; then a new one does not get it either."""
    replicas = await fleet.joined(2, KEYLESS)
    added = await replicas[0].add(1)
    await replicas[1].follow()
    for replica in replicas:
        await replica.remove(added.id)
        await replicas[1].reconcile()
    (late,) = await fleet.joined(1, KEYLESS)
    agree([*replicas, late], set())


async def test_removals_spread_when_there_is_a_key(fleet: Fleet) -> None:
    """What was removed on one host before is removed everywhere then."""
    one, other = replicas = await fleet.joined(2, KEYLESS)
    added, kept = await one.add(1), await one.add(2)
    await other.follow()
    await one.remove(added.id)
    for replica in replicas:
        replica.restart(KEYED)
    for replica in (*replicas, *replicas):
        await replica.reconcile()
    agree(replicas, {kept.id})


async def test_a_rotation(fleet: Fleet) -> None:
    """Host by host, with both keys in between: each block stays in force, and all is sealed anew in the end."""
    one, other = replicas = await fleet.joined(2)
    added, removed = await one.add(1), await one.add(2)
    await other.follow()
    await other.remove(removed.id)
    await one.follow()
    for keys in (FleetKeys((KEY, OTHER_KEY)), BOTH, ROTATED):
        for replica in replicas:
            replica.restart(keys)
            await replica.reconcile()
            agree(replicas, {added.id})
    (late,) = await fleet.joined(1, ROTATED)
    agree([late], {added.id})
    assert {removed.id} == set(late.store.blocks.tombstone_ids())
    assert NOTHING == await one.reconcile()


async def test_a_new_replica_at_the_end_of_a_rotation(fleet: Fleet) -> None:
    """While there were two keys, whoever held a block has sealed it with the new one: nothing is lost with the old."""
    one, other = await fleet.joined(2)
    added, removed = await one.add(1), await one.add(2)
    await other.follow()
    await other.remove(removed.id)
    await one.follow()
    one.restart(BOTH)
    assert Reconciled(0, 2, 0) == await one.reconcile()
    assert NOTHING == await one.reconcile()
    (late,) = await fleet.joined(1, ROTATED)
    assert ({added.id}, {removed.id}) == (late.ids, set(late.store.blocks.tombstone_ids()))


async def test_a_new_replica_that_is_too_early(fleet: Fleet) -> None:
    """Nobody seals with its key yet: it asks, and whoever has its key writes all of his."""
    one, other = await fleet.joined(2)
    added = await one.add(1)
    await other.follow()
    one.restart(BOTH)
    new = fleet.join(ROTATED)

    async def sleep(seconds: float) -> None:
        if seconds:
            await one.follow()

    fleet.clock.sleep = sleep  # type: ignore[method-assign]  # while the new one waits, another works
    await new.reconcile()
    agree([one, other, new], {added.id})


# --- limits, and damage --------------------------------------------------------------------------------------------


async def test_tombstones_are_bounded(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here and there, the oldest go first; nothing is written again and again because of it."""
    for module in (block_bringing, block_meeting, block_rows):
        monkeypatch.setattr(module, "MAX_TOMBSTONES", 3)
    one, other = replicas = await fleet.joined(2)
    ids = []
    for number in range(6):
        added = await one.add(number)
        fleet.clock.advance(1)
        await other.follow()
        await one.remove(added.id)
        ids.append(added.id)
    for replica in (*replicas, *replicas):
        await replica.reconcile()
    assert NOTHING == await one.reconcile() == await other.reconcile()
    assert set(ids[3:]) == set(await one.members()) - {LIST_NAME}
    for replica in replicas:
        assert (set(ids[3:]), set()) == (set(replica.store.blocks.tombstone_ids()), replica.ids)


async def test_a_block_that_is_damaged_here(fleet: Fleet) -> None:
    """Nothing is decided here, as ever; the others go on, and it can be removed."""
    one, other = await fleet.joined(2)
    one.line.is_cut = True
    damaged, added = await one.add(1), await one.add(2)
    one.line.is_cut = False
    one.stop()
    with lmdb.open(str(one.directory / "hot"), max_dbs=16) as environment:
        database = environment.open_db(b"blocks")
        with environment.begin(write=True) as transaction:
            transaction.put(damaged.id.encode(), b"?", db=database)
    one.start()
    assert Reconciled(0, 1, 0) == await one.reconcile()
    await other.follow()
    assert {added.id} == other.ids
    with pytest.raises(BlocksUnavailableError):
        await one.blocks.current()
    assert await one.remove(damaged.id)
    assert (added,) == await one.blocks.list()


async def test_a_store_that_is_gone(fleet: Fleet) -> None:
    """Is an error, and nothing is assumed."""
    one, other = await fleet.joined(2)
    added = await one.add(1)
    other.store.close()
    with pytest.raises(StoreError):
        await other.reconcile()
    with pytest.raises(StoreError):
        await other.follow()
    other.start()
    assert set() == other.ids
    await other.reconcile()
    assert {added.id} == other.ids


async def test_an_event_that_asks_without_a_key(fleet: Fleet) -> None:
    """Nobody looks because of it."""
    (one,) = await fleet.joined(1)
    forger = replace(one.parts, rules=replace(one.parts.rules, keys=ROTATED))
    one.line.asked.clear()
    await one.list.apply(BlockEvent(*seal_member(forger, ListNote(ListState.WANTED, "me"))))
    assert [] == one.line.asked
    await one.list.apply(BlockEvent(*seal_member(one.parts, ListNote(ListState.WANTED, "me"))))
    assert "members" in one.line.asked
