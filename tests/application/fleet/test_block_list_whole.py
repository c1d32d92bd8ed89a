"""A replica that is new, while others still write the list, cannot write it, or write it with another key."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from service.application.blocks import BlocksUnavailableError
from service.application.fleet import block_meeting
from service.application.fleet.block_envelopes import LIST_NAME, ListNote, ListState, seal_member
from service.application.fleet.block_list import ASK_AGAIN_S, ListUnreadError
from service.application.fleet.block_meeting import BlockMeeting
from service.application.fleet.block_reading import LONGEST_LOOKS, LOOK_S, QUIET_LOOKS
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.envelope import FleetKeys
from service.core.model.block import Block
from tests.application.fleet.block_replicas import KEY, KEYED, KEYLESS, OTHER_KEY, Fleet, Replica, fleet_on, match
from tests.pki.moments import NOW
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.anyio

OTHER: Final = FleetKeys((OTHER_KEY,))
OTHER_FIRST: Final = FleetKeys((OTHER_KEY, KEY))


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, store_directory) as found:
        yield found


def empty(fleet: Fleet, server: RedisServer) -> None:
    """What a flush does to the names of this fleet."""
    server.ask("DEL", fleet.names.blocks, fleet.names.events, fleet.names.epoch)


def while_it_waits(fleet: Fleet, work: Callable[[int], Awaitable[object]]) -> list[int]:
    """Have something done between two looks of a new replica; the numbers of the waits, as they come."""
    waits: list[int] = []

    async def sleep(seconds: float) -> None:
        fleet.clock.advance(seconds)
        if seconds == LOOK_S:
            waits.append(len(waits) + 1)
            await work(waits[-1])

    fleet.clock.sleep = sleep  # type: ignore[method-assign]  # what a replica sleeps by
    return waits


async def nothing(_: int) -> None:
    """Nobody is there."""


# --- others are at it ----------------------------------------------------------------------------------------------


async def test_who_is_asked_says_at_once_that_he_is_at_it(fleet: Fleet, server: RedisServer) -> None:
    """He is slow: the new one waits for him, longer than for nobody."""
    (slow,) = await fleet.joined(1)
    ids = {(await slow.add(number)).id for number in range(3)}
    empty(fleet, server)
    new, is_at_it, may_go = fleet.join(), asyncio.Event(), asyncio.Event()
    members, answers = slow.line.members, list[asyncio.Task[int]]()

    async def held_up(name: str) -> Mapping[str, bytes]:
        is_at_it.set()
        await may_go.wait()
        found: Mapping[str, bytes] = await members(name)
        return found

    slow.line.members = held_up  # type: ignore[attr-defined]  # as a machine that is busy

    async def work(wait: int) -> None:
        if wait == 1:
            answers.append(asyncio.create_task(slow.follow()))
            await is_at_it.wait()
        if wait == 2 * QUIET_LOOKS:
            may_go.set()
            await answers[0]

    waits = while_it_waits(fleet, work)
    await new.reconcile()
    assert (3 * QUIET_LOOKS, ids) == (len(waits), new.ids)
    await new.blocks.current()


async def test_what_is_given_is_written_portion_by_portion(
    fleet: Fleet, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one before the next is read: who waits sees it come."""
    monkeypatch.setattr(block_meeting, "PORTION", 2)
    monkeypatch.setattr(block_meeting, "TOLD_ONE_BY_ONE", 3)
    (one,) = await fleet.joined(1)
    for number in range(5):
        await one.add(number)
    find = one.store.blocks.find_block

    def found(block_id: str) -> Block | None:
        one.line.asked.append("find")
        return find(block_id)

    one.store.blocks.find_block = found  # type: ignore[method-assign]  # notes that it was asked
    empty(fleet, server)
    one.line.asked.clear()
    await one.reconcile()
    written = [asked for asked in one.line.asked if asked in {"find", "put_members"}]
    assert ["find", "find", "put_members"] * 2 + ["find", "put_members"] == written


async def test_who_was_at_it_and_has_gone(fleet: Fleet) -> None:
    """Is waited for, and not for ever."""
    (one,) = await fleet.joined(1)
    epoch = await BlockMeeting(one.parts, one.store.blocks, one.told.append, "somebody").epoch()
    note = ListNote(ListState.COMING, epoch)
    await one.parts.cache.put_members(fleet.names.blocks, dict([seal_member(one.parts, note)]))
    waits = while_it_waits(fleet, nothing)
    new = fleet.join()
    await new.reconcile()
    assert LONGEST_LOOKS == len(waits)
    await new.blocks.current()


async def test_who_has_found_nobody_says_nothing_to_the_next(fleet: Fleet, server: RedisServer) -> None:
    """He may be missing what somebody has who was away; as soon as that one is there again he has it."""
    (away,) = await fleet.joined(1)
    ids = {(await away.add(number)).id for number in range(100)}
    empty(fleet, server)
    first = fleet.join()
    await first.reconcile()
    while_it_waits(fleet, lambda _: first.follow())
    second = fleet.join()
    await second.reconcile()
    assert (set(), set()) == (first.ids, set(await first.members()))
    away.at = "0-0"
    assert 0 < await away.follow()
    for new in (first, second):
        await new.follow()
        assert ids == new.ids


async def test_the_others_are_not_asked_again_and_again(fleet: Fleet) -> None:
    """Each of them would read the list each time."""
    (one,) = await fleet.joined(1, KEYLESS)
    await one.add(1)
    new = fleet.join()
    while_it_waits(fleet, nothing)
    for _ in range(2):
        with pytest.raises(ListUnreadError):
            await new.reconcile()
    assert 1 == new.line.asked.count("tell")
    fleet.clock.advance(ASK_AGAIN_S)
    with pytest.raises(ListUnreadError):
        await new.reconcile()
    assert 2 == new.line.asked.count("tell")


# --- a note, and what it is about ----------------------------------------------------------------------------------


async def test_a_note_about_what_was_there_before(fleet: Fleet, server: RedisServer) -> None:
    """The cache was emptied while somebody refilled it; he goes on, and notes that all is there: nobody believes it."""
    (one,) = await fleet.joined(1)
    ids = {(await one.add(number)).id for number in range(5)}
    empty(fleet, server)
    put_and_tell, written = one.line.put_and_tell, list[str]()

    async def emptied_again(*arguments: object) -> object:
        if len(written) == 3:
            empty(fleet, server)
        written.append("once more")
        return await put_and_tell(*arguments)

    one.line.put_and_tell = emptied_again  # type: ignore[attr-defined]  # a flush comes when it comes
    await one.reconcile()
    assert {LIST_NAME} < set(await one.members()) < {*ids, LIST_NAME}
    assert (await BlockMeeting(one.parts, one.store.blocks, one.told.append, "somebody").meet()).said is None
    one.at = "0-0"
    while_it_waits(fleet, lambda _: one.follow())
    new = fleet.join()
    await new.reconcile()
    assert ids == new.ids


async def test_emptied_while_it_is_read(fleet: Fleet, server: RedisServer) -> None:
    """Between two looks, and in one: it is begun anew."""
    new = fleet.join()

    async def flush(wait: int) -> None:
        if wait == QUIET_LOOKS:
            empty(fleet, server)

    while_it_waits(fleet, flush)
    with pytest.raises(ListUnreadError, match="was emptied"):
        await new.reconcile()
    members = new.line.members

    async def flushed(name: str) -> object:
        found = await members(name)
        empty(fleet, server)
        return found

    new.line.members = flushed  # type: ignore[attr-defined]  # as above
    with pytest.raises(FleetUnavailableError, match="was emptied"):
        await new.reconcile()
    with pytest.raises(BlocksUnavailableError):
        await new.blocks.current()


async def test_a_note_that_is_read_before_what_it_is_about(fleet: Fleet) -> None:
    """A hash is read in portions: what is written meanwhile may be missed, and the note that comes last be seen."""
    (one,) = await fleet.joined(1)
    added = await one.add(1)
    new = fleet.join()
    members, looks = new.line.members, list[set[str]]()

    async def scanned(name: str) -> Mapping[str, bytes]:
        found = await members(name)
        looks.append({LIST_NAME} if not looks else set(found))
        return {key: value for key, value in found.items() if key in looks[-1]}

    new.line.members = scanned  # type: ignore[attr-defined]  # as a scan does
    while_it_waits(fleet, nothing)
    await new.reconcile()
    assert {added.id} == new.ids


# --- keys ----------------------------------------------------------------------------------------------------------

LOCKED: Final = {
    "another key": (KEYED, OTHER),
    "the first key ever": (KEYLESS, KEYED),
    "the old key alone": (OTHER_FIRST, KEYED),
    "no key": (KEYED, KEYLESS),
}


async def locked_out(fleet: Fleet, had: FleetKeys, has: FleetKeys) -> tuple[Replica, Block, Replica]:
    """Who has a block, the block, and who cannot open it."""
    (one,) = await fleet.joined(1, had)
    added = await one.add(1)
    new = fleet.join(has)
    while_it_waits(fleet, nothing)
    for _ in range(2):
        with pytest.raises(ListUnreadError, match="does not open with the keys of this replica"):
            await new.reconcile()
        with pytest.raises(BlocksUnavailableError, match="was not read yet"):
            await new.blocks.current()
    return one, added, new


@pytest.mark.parametrize(("had", "has"), LOCKED.values(), ids=LOCKED.keys())
async def test_a_list_that_does_not_open(fleet: Fleet, had: FleetKeys, has: FleetKeys) -> None:
    """Was not read; it is when somebody has written it with a key of this replica."""
    one, added, new = await locked_out(fleet, had, has)
    one.restart(has)
    await one.reconcile()
    await new.reconcile()
    assert [added] == list(await new.blocks.list())


async def test_a_list_that_is_taken_away(fleet: Fleet, server: RedisServer) -> None:
    """An operator gives up what nobody can open."""
    _, _, new = await locked_out(fleet, KEYLESS, KEYED)
    server.ask("DEL", fleet.names.blocks)
    await new.reconcile()
    assert () == await new.blocks.list()


async def test_an_empty_list_of_another_key(fleet: Fleet) -> None:
    """A fleet that has no blocks gets its first key without more ado."""
    one = (await fleet.joined(1, KEYLESS))[0]
    assert {LIST_NAME} == set(await one.members())
    while_it_waits(fleet, nothing)
    new = fleet.join()
    await new.reconcile()
    assert () == await new.blocks.list()


# --- whose list it was ---------------------------------------------------------------------------------------------


async def test_another_redis_is_another_fleet(fleet: Fleet) -> None:
    """Under the usual prefix: its list is read before anything is decided, or nothing is."""
    (one,) = await fleet.joined(1)
    added = await one.add(1)
    one.names = replace(fleet.names, cache="another")
    one.line.is_cut = True
    one.restart()
    with pytest.raises(BlocksUnavailableError):
        await one.blocks.current()
    one.line.is_cut = False
    await one.reconcile()
    assert [added] == list(await one.blocks.list())


async def test_a_block_asked_for_before_the_list_was_read(fleet: Fleet) -> None:
    """It is written with the others; whoever asked for the list has a block himself."""
    one, other = fleet.join(), fleet.join()
    mine = Block("b1", match(1), "stolen", NOW, "admin")
    assert await one.store.blocks.add_block(mine, 10)
    while_it_waits(fleet, lambda _: one.follow())
    await other.reconcile()
    assert {mine.id} == other.ids
