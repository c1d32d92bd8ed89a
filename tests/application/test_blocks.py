"""Blocks as one process sees them: always those that are in the store, and never none where nobody can say."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.block_sharing import Reach
from service.application.blocks import (
    BlockIsLocalError,
    Blocks,
    BlocksUnavailableError,
    PastBlockError,
    RemovalIsLocalError,
    TooManyBlocksError,
    UnknownBlockError,
)
from service.application.evidence_store import StoreError
from service.application.observer import BlockChange, BlockDetails, NullObserver
from service.core.decision.block_list import NO_BLOCKS
from service.core.model.block import FingerprintMatch, Tombstone
from service.core.model.budget import Limits
from service.core.model.failure import Malformed
from service.core.model.policy import Policy, RevocationMode
from tests.api.fakes import NumberedIds
from tests.application.chain import CRL_URL, SUB, leaf, read
from tests.application.manual_clock import ManualClock
from tests.application.world import World, request, world
from tests.memory_blocks import MemoryBlockStore, ScriptedSharing

pytestmark = pytest.mark.anyio

BLOCKED: Final = ("deny", "revoked", "blocked")
LEAF: Final = leaf()
MATCH: Final = FingerprintMatch(LEAF.fingerprint)
BY: Final = "admin token 01234567"


class Listener(NullObserver):
    """Keeps what it is told of blocks."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.changes: list[BlockDetails] = []

    def blocks_changed(self, details: BlockDetails) -> None:
        """Keep it."""
        self.changes.append(details)


class Service:
    """One process, or several over one store."""

    def __init__(self, limit: int = 10, store: MemoryBlockStore | None = None) -> None:
        """Nothing is blocked."""
        self.store = store or MemoryBlockStore()
        self.clock = ManualClock()
        self.told = Listener()
        self.blocks = Blocks(self.store, self.clock, NumberedIds(), self.told, limit)


async def test_a_block_is_in_force_when_it_was_added() -> None:
    """And its fields are those that were asked for."""
    one = Service()
    assert await one.blocks.current() is NO_BLOCKS
    until = one.clock.now() + timedelta(hours=1)
    added = await one.blocks.add(MATCH, "stolen", until, BY)
    assert (MATCH, "stolen", until, BY, one.clock.now()) == (
        added.match,
        added.reason,
        added.until,
        added.created_by,
        added.created_at,
    )
    assert added == (await one.blocks.current()).find(LEAF)
    assert (added,) == await one.blocks.list()
    assert added == await one.blocks.get(added.id)


async def test_another_process_is_heard_at_once() -> None:
    """What one adds and removes, the other sees with its next question."""
    one = Service()
    other = Service(store=one.store)
    assert (await other.blocks.current()).find(LEAF) is None
    added = await one.blocks.add(MATCH, "stolen", None, BY)
    assert added == (await other.blocks.current()).find(LEAF)
    await one.blocks.remove(added.id, BY)
    assert await other.blocks.current() is NO_BLOCKS
    assert () == await other.blocks.list()


async def test_a_block_ends_by_the_clock() -> None:
    """Without anybody's doing; it stays in the list."""
    one = Service()
    await one.blocks.add(MATCH, "stolen", one.clock.now() + timedelta(seconds=10), BY)
    one.clock.advance(9.9)
    assert (await one.blocks.current()).find(LEAF) is not None
    one.clock.advance(0.2)
    assert (await one.blocks.current()).find(LEAF) is None
    assert 1 == len(await one.blocks.list())


async def test_it_is_read_once_for_everybody() -> None:
    """Many ask at the same time, and again: what has not changed is not read."""
    one = Service()
    await one.blocks.add(MATCH, "stolen", None, BY)
    await asyncio.gather(*(one.blocks.current() for _ in range(20)))
    await one.blocks.current()
    assert 1 == one.store.reads


async def test_a_block_that_would_be_over() -> None:
    """Is refused: nobody means that."""
    one = Service()
    for past in (timedelta(0), timedelta(seconds=-1)):
        with pytest.raises(PastBlockError):
            await one.blocks.add(MATCH, "stolen", one.clock.now() + past, BY)
    assert {} == one.store.blocks


async def test_too_many() -> None:
    """The last one is refused by name, and nobody is told that it was added."""
    one = Service(limit=1)
    await one.blocks.add(MATCH, "stolen", None, BY)
    with pytest.raises(TooManyBlocksError):
        await one.blocks.add(MATCH, "stolen", None, BY)
    assert 1 == len(one.told.changes)


async def test_a_block_that_is_not_there() -> None:
    """Cannot be shown or removed."""
    one = Service()
    with pytest.raises(UnknownBlockError):
        await one.blocks.get("nobody")
    with pytest.raises(UnknownBlockError):
        await one.blocks.remove("nobody", BY)
    assert [] == one.told.changes


async def test_who_and_why_is_told() -> None:
    """Of each change, with the id."""
    one = Service()
    added = await one.blocks.add(MATCH, "stolen", None, BY)
    await one.blocks.remove(added.id, "somebody else")
    assert [
        BlockDetails(BlockChange.ADDED, added.id, BY, "stolen"),
        BlockDetails(BlockChange.REMOVED, added.id, "somebody else"),
    ] == one.told.changes


async def test_a_store_that_cannot_be_used() -> None:
    """Nothing is said of blocks, told once; when it works again, so does everything."""
    one = Service()
    await one.blocks.add(MATCH, "stolen", None, BY)
    one.store.broken = "it burnt"
    for _ in range(2):
        with pytest.raises(BlocksUnavailableError, match="it burnt"):
            await one.blocks.current()
    for use in (
        one.blocks.list(),
        one.blocks.get("1"),
        one.blocks.add(MATCH, "stolen", None, BY),
        one.blocks.remove("1", BY),
    ):
        with pytest.raises(BlocksUnavailableError):
            await use
    unreadable = BlockDetails(BlockChange.UNREADABLE, reason="it burnt")
    not_written = BlockDetails(BlockChange.NOT_WRITTEN, by=BY, reason="it burnt")
    assert [unreadable, not_written, not_written] == one.told.changes[1:]
    one.store.broken = ""
    assert (await one.blocks.current()).find(LEAF) is not None
    one.store.broken = "again"
    with pytest.raises(BlocksUnavailableError):
        await one.blocks.current()
    assert 5 == len(one.told.changes)


async def test_blocks_that_cannot_be_read_again(tmp_path: Path) -> None:
    """What was read before does not serve once something has changed: a damaged row stops everything."""
    with Store.open(tmp_path / "store", Role.INGESTER) as store:
        one = Blocks(store.blocks, ManualClock(), NumberedIds(), Listener())
        assert await one.current() is NO_BLOCKS
        added = await one.add(MATCH, "stolen", None, BY)

        def broken(*_: object) -> None:
            raise StoreError("block 1 is damaged")

        store.blocks.read_blocks = broken  # type: ignore[assignment, method-assign]  # as a damaged row does
        with pytest.raises(BlocksUnavailableError, match="damaged"):
            await one.current()
        await one.remove(added.id, BY)


# --- a fleet ---------------------------------------------------------------------------------------------------------


class InFleet:
    """One process of a replica."""

    def __init__(self, reach: Reach = Reach.EVERYWHERE) -> None:
        """Its store has not seen the fleet's list."""
        self.store = MemoryBlockStore()
        self.sharing = ScriptedSharing(reach)
        self.told = Listener()
        self.blocks = Blocks(self.store, ManualClock(), NumberedIds(), self.told, 10, self.sharing)


async def test_nothing_is_said_before_the_list_was_read() -> None:
    """Nor is it a fault of the store's; what was read once stays read."""
    one = InFleet()
    for use in (one.blocks.current, one.blocks.list, one.blocks.current):
        with pytest.raises(BlocksUnavailableError, match="was not read yet"):
            await use()
    assert [] == one.told.changes
    one.store.lists_read.add("another fleet")
    with pytest.raises(BlocksUnavailableError):
        await one.blocks.current()
    one.store.lists_read.add("fleet")
    assert await one.blocks.current() is NO_BLOCKS
    one.store.lists_read.clear()
    assert await one.blocks.current() is NO_BLOCKS


async def test_nobody_can_say_whether_the_list_was_read() -> None:
    """Then it was not."""
    one = InFleet()
    one.store.broken = "it burnt"
    with pytest.raises(BlocksUnavailableError, match="it burnt"):
        await one.blocks.current()


async def test_the_fleet_is_told() -> None:
    """Of what is in the store, and of what is not any more."""
    one = InFleet()
    added = await one.blocks.add(MATCH, "stolen", None, BY)
    await one.blocks.remove(added.id, "somebody else")
    assert [added, Tombstone(added.id, added.created_at, "somebody else")] == one.sharing.told


@pytest.mark.parametrize("reach", [reach for reach in Reach if reach is not Reach.EVERYWHERE])
async def test_the_fleet_does_not_hear_it(reach: Reach) -> None:
    """It is done here, and whoever asked is told how far it has come."""
    one = InFleet(reach)
    one.store.lists_read.add("fleet")
    with pytest.raises(BlockIsLocalError) as local:
        await one.blocks.add(MATCH, "stolen", None, BY)
    assert (reach, local.value.block) == (local.value.reach, (await one.blocks.current()).find(LEAF))
    with pytest.raises(RemovalIsLocalError) as removal:
        await one.blocks.remove(local.value.block.id, BY)
    assert (reach, local.value.block.id) == (removal.value.reach, removal.value.tombstone.block_id)
    assert await one.blocks.current() is NO_BLOCKS
    assert [BlockChange.ADDED, BlockChange.REMOVED] == [told.change for told in one.told.changes]


async def test_the_fleet_is_told_nothing_that_is_not_so() -> None:
    """What could not be stored, and what was not there."""
    one = InFleet()
    with pytest.raises(UnknownBlockError):
        await one.blocks.remove("nobody", BY)
    one.store.broken = "it burnt"
    with pytest.raises(BlocksUnavailableError):
        await one.blocks.add(MATCH, "stolen", None, BY)
    with pytest.raises(BlocksUnavailableError):
        await one.blocks.remove("1", BY)
    assert [] == one.sharing.told


# --- deciding --------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """A whole service."""
    with Store.open(tmp_path / "store", Role.INGESTER) as store:
        yield world(store, tmp_path)


async def test_what_is_blocked_is_denied(here: World) -> None:
    """From the next request on, and allowed again when the block is gone."""
    assert "allow" == (await here.ask(LEAF))[0]
    added = await here.blocks.add(MATCH, "stolen", None, BY)
    assert BLOCKED == await here.ask(LEAF)
    await here.blocks.remove(added.id, BY)
    assert "allow" == (await here.ask(LEAF))[0]


async def test_nothing_is_fetched_for_a_blocked_leaf(here: World) -> None:
    """What is at hand may have been looked at; nobody else is asked."""
    declaring = leaf(crl_urls=CRL_URL)
    await here.blocks.add(FingerprintMatch(declaring.fingerprint), "stolen", None, BY)
    await here.ask(declaring, Policy(revocation_mode=RevocationMode.REQUIRE))
    assert [] == here.origin.requests


async def test_a_block_while_evidence_is_gathered(here: World) -> None:
    """Is heard before the answer is given."""
    declaring = leaf(crl_urls=CRL_URL)
    here.origin.gate.clear()
    asking = asyncio.create_task(here.ask(declaring))
    await here.origin.asked.wait()
    await here.blocks.add(FingerprintMatch(declaring.fingerprint), "stolen", None, BY)
    here.origin.gate.set()
    assert BLOCKED == await asking


async def test_a_blocked_leaf_and_a_spent_budget(here: World) -> None:
    """Also of the shell's own budget."""
    await here.blocks.add(MATCH, "stolen", None, BY)
    assert BLOCKED == await here.ask(LEAF, Policy(limits=Limits(rounds=0)))


async def test_a_moment_in_the_past(here: World) -> None:
    """A block is an act of today, whatever moment is asked about."""
    await here.blocks.add(MATCH, "stolen", here.clock.now() + timedelta(seconds=60), BY)
    past = request(LEAF, at=here.clock.now() - timedelta(days=1))
    assert BLOCKED == await here.validate(past)
    here.clock.advance(61)
    assert BLOCKED != await here.validate(past)


@pytest.mark.parametrize("asked", [LEAF, Malformed("noise")], ids=["a leaf", "noise"])
async def test_nothing_is_decided_without_the_list(here: World, asked: object) -> None:
    """Nobody can say that it is not blocked: no decision at all, neither allow nor deny."""
    here.block_store.broken = "it burnt"
    with pytest.raises(BlocksUnavailableError):
        await here.ask(asked)  # type: ignore[arg-type]  # either of the two


async def test_a_blocked_intermediate(here: World) -> None:
    """It comes with the request, and is blocked by its key."""
    await here.blocks.add(FingerprintMatch(read(SUB).fingerprint), "stolen", None, BY)
    assert BLOCKED == await here.ask(LEAF)
