"""One look at the fleet's list: what is there and not here is taken, and what is here and not there is given.

Rules it keeps: a union. An authentic tombstone removes for good, and absence means nothing. What is refused is counted,
and stops nothing; what somebody has spoilt, or sealed with the key that is on its way out, is written anew by whoever
holds it. What is given is written portion by portion, so that who waits for it sees that it is coming.

What it does not do: say when (`block_list`), or whether this was all that there is (`block_reading`).
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import nlargest
from itertools import islice
from typing import Final, TypeVar

from service.application.block_bringing import MAX_TOMBSTONES, Brought, SharedBlockStore
from service.application.evidence_store import StoreError
from service.application.fleet.block_envelopes import (
    LIST_NAME,
    MAX_ENVELOPE_OCTETS,
    ListNote,
    ListState,
    Member,
    is_sealed_anew,
    is_sharable,
    open_member,
    seal_event,
    seal_member,
)
from service.application.fleet.block_reading import EMPTIED, Met
from service.application.fleet.block_rooms import room_for
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.parts import FleetParts
from service.application.fleet.telling import RefusedDetails
from service.application.observer import BlockChange, BlockDetails
from service.core.model.block import Block, Tombstone

T = TypeVar("T")

PORTION: Final = 500
"""Blocks of one transaction of the store, and of one command: some 250 kB."""

BREATH: Final = 200
"""Envelopes opened before others of this process have their turn: some 5 ms."""

TOLD_ONE_BY_ONE: Final = 64
"""Changes that are told one by one when they are written late. Of more than these, which were lost with the cache as a
rule, it is told that they are there: whoever was away meanwhile looks."""

_EPOCH_OCTETS: Final = 16


@dataclass(frozen=True, slots=True)
class _Here:
    """What this host's store has, by ids."""

    blocks: frozenset[str]
    tombstones: frozenset[str]


@dataclass(slots=True)
class _There:
    """What the hash has.

    Attributes:
        blocks: Names of what is authentic, ...
        tombstones: ... likewise.
        fading: Those of them that are not sealed with the first key.
        new_blocks: Those things of it that are not here.
        note: What somebody has noted about it, sealed with the first key.
    """

    blocks: set[str] = field(default_factory=set)
    tombstones: set[str] = field(default_factory=set)
    fading: set[str] = field(default_factory=set)
    new_blocks: list[Block] = field(default_factory=list)
    new_tombstones: list[Tombstone] = field(default_factory=list)
    refused: int = 0
    locked: int = 0
    note: ListNote | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What somebody has looked at before: which octets, and what they are."""

    digest: bytes
    what: type[Block | Tombstone] | ListNote | Refusal
    is_fading: bool = False


class BlockMeeting:
    """Where this host's list and the fleet's meet."""

    def __init__(
        self, parts: FleetParts, store: SharedBlockStore, told: Callable[[BlockDetails], None], who: str
    ) -> None:
        """Take the collaborators, and who this is among replicas; see `block_list.FleetBlockList`."""
        self._parts = parts
        self._who = who
        self._store = store
        self._told = told
        self._known: dict[str, _Known] = {}
        self._meeting = asyncio.Lock()
        self._is_full = False

    async def epoch(self) -> str:
        """What tells this content of the cache from one before it was emptied.

        Raises:
            FleetUnavailableError: nobody can say.
        """
        cache, name = self._parts.cache, self._parts.names.epoch
        # No request waits for it: it has as much time as what comes after it.
        found = await cache.get_piece(name)
        if found is None:
            found = await cache.mark(name, secrets.token_hex(_EPOCH_OCTETS).encode())
        return sha256(found).hexdigest()

    async def bring(self, blocks: tuple[Block, ...], tombstones: tuple[Tombstone, ...]) -> Brought:
        """Take in what others have said.

        Raises:
            StoreError: it could not be written.
        """
        brought = await self._store.bring(blocks, tombstones, room_for(self._parts))
        for tombstone in brought.removed:
            self._told(BlockDetails(BlockChange.REMOVED, tombstone.block_id, tombstone.removed_by))
        for block in brought.added:
            self._told(BlockDetails(BlockChange.ADDED, block.id, block.created_by, block.reason))
        if brought.no_room and not self._is_full:
            self._is_full = True  # told once, until there is room
            self._parts.observer.refused(RefusedDetails(EnvelopeKind.BLOCK, Refusal.REFUSED, "no room for more blocks"))
        return brought

    async def meet(self) -> Met:
        """Take what is there and not here, then give what is here and not there.

        Raises:
            FleetUnavailableError: the cache could not be read or written to the end, or was emptied meanwhile; what was
                brought here stays.
            StoreError: this host's store could not.
        """
        async with self._meeting:
            epoch = await self.epoch()
            members = await self._parts.cache.members(self._parts.names.blocks)
            if epoch != await self.epoch():
                raise FleetUnavailableError(EMPTIED)
            # After the hash was read: what is removed here meanwhile is not taken, and its tombstone is given.
            here = await asyncio.to_thread(lambda: _Here(self._store.block_ids(), self._store.tombstone_ids()))
            there = await self._look_through(members, here)
            kept = _newest(here.tombstones | there.tombstones)
            taken, no_room = await self._take(here, there, kept)
            given = await self._give(here, there, kept)
            if forgotten := there.tombstones - kept:
                await self._parts.cache.drop_members(self._parts.names.blocks, tuple(forgotten))
            # A note about another content was kept by somebody while the cache was emptied, or is played back.
            said = there.note.state if there.note is not None and there.note.token == epoch else None
            return Met(taken, given, there.refused, there.locked, no_room, epoch, said)

    async def _look_through(self, members: Mapping[str, bytes], here: _Here) -> _There:
        there = _There()
        for number, (name, octets) in enumerate(members.items()):
            if number % BREATH == 0:
                await self._parts.clock.sleep(0)
            digest = sha256(octets[: MAX_ENVELOPE_OCTETS + 1]).digest()
            known = self._known.get(name)
            if known is None or known.digest != digest or _is_new(name, known, here):
                member = open_member(self._parts, name, octets)
                is_fading = not isinstance(member, Refusal) and not is_sealed_anew(self._parts, octets)
                known = self._known[name] = _Known(digest, _what(member), is_fading)
                _note_new(member, here, there)
            _note(name, known, there)
        for name in self._known.keys() - members.keys():
            del self._known[name]
        return there

    async def _take(self, here: _Here, there: _There, kept: frozenset[str]) -> tuple[int, int]:
        """How many came here, and for how many there was no room."""
        taken = no_room = 0
        may_bury = kept | here.blocks
        for tombstones in _portions([one for one in there.new_tombstones if one.block_id in may_bury]):
            taken += len(tombstones)
            await self.bring((), tuple(tombstones))
        for blocks in _portions(there.new_blocks):
            brought = await self.bring(tuple(blocks), ())
            taken, no_room = taken + len(brought.added), no_room + brought.no_room
        self._is_full = no_room > 0
        return taken, no_room

    async def _give(self, here: _Here, there: _There, kept: frozenset[str]) -> int:
        """Write what the hash lacks; how many those were."""
        buried = []
        if self._parts.rules.keys.authenticate:
            buried = sorted((here.tombstones & kept) - (there.tombstones - there.fading))
        standing = sorted(here.blocks - (there.blocks - there.fading) - there.tombstones)
        is_few = len(buried) + len(standing) <= TOLD_ONE_BY_ONE and not there.fading
        write = self._tell if is_few else self._put
        given = 0
        for find, ids in ((self._store.find_tombstone, buried), (self._store.find_block, standing)):
            for portion in _portions(ids):
                members = await asyncio.to_thread(_found, find, portion)
                sealed = dict(seal_member(self._parts, member) for member in members)
                await write(sealed)
                for member, (name, envelope) in zip(members, sealed.items(), strict=True):
                    self._known[name] = _Known(sha256(envelope).digest(), type(member))
                given += len(sealed)
        if not is_few and (here.blocks - there.blocks - there.tombstones or set(buried) - there.tombstones):
            name, envelope = seal_member(self._parts, ListNote(ListState.GIVEN, self._who))
            await self._parts.cache.tell(self._parts.names.events, seal_event(self._parts, name, envelope))
        return given

    async def _put(self, sealed: Mapping[str, bytes]) -> None:
        await self._parts.cache.put_members(self._parts.names.blocks, sealed)

    async def _tell(self, sealed: Mapping[str, bytes]) -> None:
        names = self._parts.names
        for name, envelope in sealed.items():
            event = seal_event(self._parts, name, envelope)
            await self._parts.cache.put_and_tell(names.blocks, {name: envelope}, names.events, event)


def _is_new(name: str, known: _Known, here: _Here) -> bool:
    """Whether something that was opened before has to be opened again, since it is not here."""
    if known.what is Tombstone:
        return name not in here.tombstones
    return known.what is Block and name not in here.blocks and name not in here.tombstones


def _what(member: Member | Refusal) -> type[Block | Tombstone] | ListNote | Refusal:
    match member:
        case Block() | Tombstone():
            return type(member)
        case _:
            return member


def _note_new(member: Member | Refusal, here: _Here, there: _There) -> None:
    match member:
        case Block() if member.id not in here.blocks and member.id not in here.tombstones:
            there.new_blocks.append(member)
        case Tombstone() if member.block_id not in here.tombstones:
            there.new_tombstones.append(member)
        case _:
            pass


def _note(name: str, known: _Known, there: _There) -> None:
    if known.is_fading:
        there.fading.add(name)
    match known.what:
        case Refusal():
            there.refused += 1
            # Notes come after what they are about: one of somebody with another key says nothing of blocks.
            there.locked += known.what is Refusal.UNAUTHENTIC and name != LIST_NAME
        case ListNote():
            there.note = None if known.is_fading else known.what
        case what if what is Block:
            there.blocks.add(name)
        case _:
            there.tombstones.add(name)


def _newest(ids: frozenset[str]) -> frozenset[str]:
    """Those that are kept: ids sort by time."""
    return ids if len(ids) <= MAX_TOMBSTONES else frozenset(nlargest(MAX_TOMBSTONES, ids))


def _found(find: Callable[[str], Block | Tombstone | None], ids: Iterable[str]) -> list[Block | Tombstone]:
    """What there is and others would open; what is damaged here, whoever decides complains of."""
    found = []
    for block_id in ids:
        with suppress(StoreError):
            found.append(find(block_id))
    return [one for one in found if isinstance(one, Tombstone) or (one is not None and is_sharable(one))]


def _portions(things: Iterable[T]) -> Iterable[list[T]]:
    left = iter(things)
    while portion := list(islice(left, PORTION)):
        yield portion
