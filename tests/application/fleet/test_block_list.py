"""Blocks over a fleet: each replica's own rows, and a hash in a real Redis where they meet, which nobody believes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from service.application.block_text import write_block
from service.application.fleet.block_envelopes import LIST_NAME, MAX_BLOCK_OCTETS, seal_member
from service.application.fleet.block_list import Reconciled
from service.application.fleet.block_meeting import TOLD_ONE_BY_ONE
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.envelope import EnvelopeKind, FleetKeys, Refusal
from service.application.fleet.events import BlockEvent
from service.application.observer import BlockChange
from service.core.model.block import Block, FingerprintMatch, Tombstone
from tests.application.chain import leaf
from tests.application.fleet.block_replicas import KEY, KEYLESS, OTHER_KEY, Fleet, agree, fleet_on, match, sealed_by
from tests.pki.moments import NOW
from tests.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.anyio

NOTHING: Final = Reconciled(0, 0, 0)
ROTATED: Final = FleetKeys((OTHER_KEY,))
BOTH: Final = FleetKeys((OTHER_KEY, KEY))


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, store_directory) as found:
        yield found


# --- a block, and its removal --------------------------------------------------------------------------------------


async def test_a_block_is_in_force_everywhere(fleet: Fleet) -> None:
    """As soon as its event is heard, with every field."""
    one, other = await fleet.joined(2)
    certificate = leaf()
    added = await one.blocks.add(FingerprintMatch(certificate.fingerprint), "stolen", None, "admin")
    await other.follow()
    assert (await other.blocks.current()).find(certificate) == added
    assert [(BlockChange.ADDED, added.id, "admin", "stolen")] == [
        (told.change, told.block_id, told.by, told.reason) for told in other.told
    ]


async def test_a_removal_is_in_force_everywhere(fleet: Fleet) -> None:
    """Likewise; and is known to a replica that comes later."""
    one, other = await fleet.joined(2)
    added = await one.add(1)
    await other.follow()
    await other.blocks.remove(added.id, "somebody else")
    await one.follow()
    agree([one, other], set())
    late = (await fleet.joined(1))[0]
    assert (set(), {added.id}) == (late.ids, set(late.store.blocks.tombstone_ids()))
    assert (BlockChange.REMOVED, added.id, "somebody else") == (
        one.told[-1].change,
        one.told[-1].block_id,
        one.told[-1].by,
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 1, 0, 0)])
async def test_a_tombstone_wins_in_any_order(fleet: Fleet, order: tuple[int, ...]) -> None:
    """Whichever event comes first, and however often."""
    one, other = await fleet.joined(2)
    block = Block("b1", match(1), "stolen", NOW, "admin")
    events = [BlockEvent(*seal_member(one.parts, member)) for member in (block, Tombstone(block.id, NOW, "admin"))]
    for number in order:
        await other.list.apply(events[number])
    assert (set(), {block.id}) == (other.ids, set(other.store.blocks.tombstone_ids()))


async def test_what_is_told_twice_changes_nothing(fleet: Fleet) -> None:
    """A verdict that is kept stays kept."""
    one, other = await fleet.joined(2)
    await one.add(1)
    await other.follow()
    before = other.store.generation()
    other.at = "0-0"
    assert await other.follow() >= 1
    assert before == other.store.generation()


async def test_nothing_to_do_is_nothing_done(fleet: Fleet) -> None:
    """Once the lists are the same, reconciliation reads the hash and no more: nothing is opened, written or told."""
    one, other = await fleet.joined(2)
    await one.add(1)
    await other.reconcile()
    assert NOTHING == await one.reconcile()
    before = one.store.generation()
    one.line.asked.clear()
    assert (NOTHING, before) == (await one.reconcile(), one.store.generation())
    assert ["get_piece", "members", "get_piece"] == one.line.asked
    assert (0, 0, "test") == one.heard.meetings[-1]


# --- partitions, floods, restarts ----------------------------------------------------------------------------------


async def test_a_block_of_a_host_that_was_cut_off(fleet: Fleet) -> None:
    """Is in force there, comes to the fleet when the line is whole, and is told at once."""
    one, other = await fleet.joined(2)
    one.line.is_cut = True
    added = await one.add(1)
    assert {added.id} == one.ids
    with pytest.raises(FleetUnavailableError):
        await one.reconcile()
    one.line.is_cut = False
    assert Reconciled(0, 1, 0) == await one.reconcile()
    assert 1 == await other.follow()
    agree([one, other], {added.id})


async def test_a_removal_on_a_host_that_was_cut_off(fleet: Fleet) -> None:
    """Likewise."""
    one, other = await fleet.joined(2)
    added = await one.add(1)
    await other.follow()
    one.line.is_cut = True
    assert not await one.remove(added.id)
    one.line.is_cut = False
    assert Reconciled(0, 1, 0) == await one.reconcile()
    await other.follow()
    agree([one, other], set())


async def test_two_sides_of_a_partition(fleet: Fleet) -> None:
    """Meet again after two rounds, with the blocks of both and without what either has removed."""
    one, other, third = replicas = await fleet.joined(3)
    removed, kept = await one.add(1), await one.add(2)
    for replica in replicas:
        await replica.follow()
    one.line.is_cut = True
    here, there = await one.add(3), await other.add(4)
    await one.remove(removed.id)
    await third.follow()
    await third.remove(there.id)
    one.line.is_cut = False
    for _ in range(2):
        for replica in replicas:
            await replica.reconcile()
    agree(replicas, {kept.id, here.id})


async def test_a_crash_before_anybody_was_told(fleet: Fleet) -> None:
    """The block was durable: it is told after the start."""
    one, other = await fleet.joined(2)
    block = Block("b1", match(1), "stolen", NOW, "admin")
    assert await one.store.blocks.add_block(block, 10)
    one.restart()
    assert Reconciled(0, 1, 0) == await one.reconcile()
    await other.follow()
    agree([one, other], {"b1"})


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_emptied_cache_loses_nothing(fleet: Fleet, server: RedisServer, *, restarted: bool) -> None:
    """Each block and each removal is written again by whoever has it, also after all have restarted."""
    one, other = await fleet.joined(2)
    blocks = [await one.add(number) for number in range(100)]
    await other.reconcile()
    await other.remove(blocks[0].id)
    await one.follow()
    server.ask("DEL", fleet.names.blocks, fleet.names.events)
    if restarted:
        one.restart()
        other.restart()
    assert Reconciled(0, 100, 0) == await one.reconcile()
    assert NOTHING == await other.reconcile()
    (late,) = await fleet.joined(1)
    agree([one, other, late], {block.id for block in blocks[1:]})


async def test_many_that_are_written_late_are_told_at_once(fleet: Fleet) -> None:
    """In one event, which makes the others look: they may have been away when these were made."""
    one, other = await fleet.joined(2)
    one.line.is_cut = True
    added = {(await one.add(number)).id for number in range(TOLD_ONE_BY_ONE + 1)}
    one.line.is_cut = False
    await one.reconcile()
    assert 0 < await other.follow() <= 2  # that more was written, and that it is all
    agree([one, other], added)


async def test_a_real_redis_that_is_killed(fleet: Fleet, tmp_path: Path) -> None:
    """It comes back empty: what was told before it died, and while it was dead, is in force everywhere."""
    with redis_server(tmp_path / "redis") as server:
        fleet.url = server.url
        await fleet.open()
        one, other = await fleet.joined(2)
        before = await one.add(1)
        one.line.patience_s = 0.0
        server.kill()
        meanwhile = await one.add(2)
        with pytest.raises(FleetUnavailableError):
            await one.reconcile()
        server.start()
        one.line.patience_s = other.line.patience_s
        for _ in range(2):
            for replica in (one, other):
                await replica.reconcile()
        agree([one, other], {before.id, meanwhile.id})


# --- forgers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [KEYLESS, ROTATED], ids=["no key", "another key"])
async def test_a_forged_removal(fleet: Fleet, keys: FleetKeys) -> None:
    """Neither in the hash nor as an event: it is counted, and written over by whoever has the block."""
    one, other = await fleet.joined(2)
    added = await one.add(1)
    await other.follow()
    name, forged = sealed_by(one, keys, Tombstone(added.id, NOW, "forger"))
    await one.parts.cache.put_members(fleet.names.blocks, {name: forged})
    await other.list.apply(BlockEvent(name, forged))
    assert Reconciled(0, 1, 1) == await other.reconcile()
    assert NOTHING == await one.reconcile()
    agree([one, other], {added.id})
    assert [Refusal.UNAUTHENTIC] * 2 == [refused.refusal for refused in other.heard.refusals]


async def test_the_tombstone_of_another_block(fleet: Fleet) -> None:
    """Authentic, and about something else."""
    one, other = await fleet.joined(2)
    removed, added = await one.add(1), await one.add(2)
    await other.follow()
    await one.remove(removed.id)
    tombstone = (await one.members())[removed.id]
    await one.parts.cache.put_members(fleet.names.blocks, {added.id: tombstone})
    await other.list.apply(BlockEvent(added.id, tombstone))
    assert Reconciled(1, 1, 1) == await other.reconcile()
    agree([one, other], {added.id})
    assert Refusal.MISPLACED is other.heard.refusals[-1].refusal


async def test_what_is_taken_away_is_written_again(fleet: Fleet, server: RedisServer) -> None:
    """A field, and the hash."""
    one, other = await fleet.joined(2)
    added, removed = await one.add(1), await one.add(2)
    await other.follow()
    await one.remove(removed.id)
    for words in (("HDEL", fleet.names.blocks, added.id, removed.id), ("DEL", fleet.names.blocks)):
        server.ask(*words)
        assert Reconciled(0, 2, 0) == await one.reconcile()
        assert {added.id, removed.id} <= set(await one.members())


async def test_a_removed_block_that_is_brought_back(fleet: Fleet) -> None:
    """Somebody has kept its envelope: who knows of the removal takes nothing, and writes the tombstone again."""
    one, other = await fleet.joined(2)
    added = await one.add(1)
    kept = (await one.members())[added.id]
    await one.remove(added.id)
    await other.reconcile()
    await one.parts.cache.put_members(fleet.names.blocks, {added.id: kept})
    await one.list.apply(BlockEvent(added.id, kept))
    assert Reconciled(0, 1, 0) == await one.reconcile()
    assert NOTHING == await other.reconcile()
    agree([one, other], set())


GARBAGE: Final[dict[str, bytes]] = {
    "empty": b"",
    "noise": b"noise",
    "long": b"revet1\n" + b"x" * (2 * MAX_BLOCK_OCTETS),
    "a/b": b"revet1\n" + b"x" * 100,
    "\N{SNOWMAN}": b"",
    "": b"",
    LIST_NAME: b"noise",
}


async def test_garbage_stops_nothing(fleet: Fleet) -> None:
    """It is counted, told once, and stays where it is; a new replica reads the list all the same."""
    one = fleet.join()
    await one.parts.cache.put_members(fleet.names.blocks, GARBAGE)
    for _ in range(2):
        assert len(GARBAGE) == (await one.reconcile()).refused
        assert len(GARBAGE) == len(one.heard.refusals)
    added = await one.add(1)
    assert Reconciled(0, 0, len(GARBAGE) - 1) == await one.reconcile()
    assert len(GARBAGE) == len(one.heard.refusals)
    assert set(GARBAGE) | {added.id} == set(await one.members())
    (late,) = await fleet.joined(1)
    agree([one, late], {added.id})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b1", b"{}"),
        ("b1", b"noise"),
        ("b1", b"[" * 30000),
        ("..%2f", None),
        ("b" * 65, None),
    ],
)
async def test_what_is_authentic_and_no_block(fleet: Fleet, name: str, content: bytes | None) -> None:
    """A version of us, perhaps, that writes otherwise: refused, and nothing else is."""
    one, other = await fleet.joined(2)
    added = await one.add(1)
    block = Block(name, match(2), "stolen", NOW, "admin")
    envelope = (
        seal_member(one.parts, block)[1] if content is None else one.parts.seal(EnvelopeKind.BLOCK, name, content)
    )
    await one.parts.cache.put_members(fleet.names.blocks, {name: envelope})
    assert Reconciled(1, 0, 1) == await other.reconcile()
    assert ({added.id}, [Refusal.REFUSED]) == (other.ids, [one.refusal for one in other.heard.refusals])


async def test_a_clock_that_is_wrong(fleet: Fleet) -> None:
    """Whoever blocked something in the future, or long ago, has blocked it."""
    one, other = await fleet.joined(2)
    for at in (NOW.replace(year=9999), NOW.replace(year=1971)):
        block = Block(name := f"b{at.year}", match(at.year), "stolen", at, "admin")
        await other.list.apply(BlockEvent(name, one.parts.seal(EnvelopeKind.BLOCK, name, write_block(block), at)))
    agree([other], {"b9999", "b1971"})
