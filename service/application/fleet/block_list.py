"""The fleet's list of blocks: each replica has its own, and they are brought together.

Rules it keeps: a union. What is here and not there is written there, what is there and not here comes here, an
authentic tombstone removes for good, and absence means nothing: so an emptied cache loses no block, and whoever writes
there without a key removes none. What is refused is counted, and stops nothing; what somebody has spoilt, or sealed
with the key that is on its way out, is written anew by whoever holds it. A host whose store has never seen the list
asks the others to write all of theirs, unless somebody has, before it counts the list as read.

What it does not do: say when (`following`), or decide: whoever decides reads the host's store (`application.blocks`).
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import nlargest
from itertools import islice
from typing import Final, TypeVar, assert_never

from service.application.block_bringing import MAX_TOMBSTONES, Brought, SharedBlockStore
from service.application.evidence_store import StoreError
from service.application.fleet.block_envelopes import (
    MAX_ENVELOPE_OCTETS,
    ListNote,
    Member,
    is_sealed_anew,
    is_sharable,
    open_member,
    seal_event,
    seal_member,
)
from service.application.fleet.block_rooms import room_for
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.events import BlockEvent
from service.application.fleet.parts import FleetParts
from service.application.fleet.telling import RefusedDetails
from service.application.observer import BlockChange, BlockDetails
from service.core.model.block import Block, Tombstone

T = TypeVar("T")

SETTLE_S: Final = 1.0
"""Seconds that a new host gives the others to begin writing what they have: an event is heard within milliseconds."""

LONGEST_SETTLE_S: Final = 20.0
"""Seconds that it gives them to come to an end: 100,000 blocks are written in three."""

_LOOK_S: Final = 0.25
"""Seconds between two looks whether they have."""

PORTION: Final = 500
"""Blocks of one transaction of the store, and of one command: some 250 kB."""

BREATH: Final = 200
"""Envelopes opened before others of this process have their turn: some 5 ms."""

TOLD_ONE_BY_ONE: Final = 64
"""Changes that are told in events when they are written late. More than these were lost with the cache, as a rule, and
are known to everybody; the others find them within half a minute."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What has come of bringing two lists together.

    Attributes:
        taken: Blocks and tombstones that came here.
        given: Those that were written there.
        refused: What is there and is not used.
    """

    taken: int
    given: int
    refused: int


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
        is_noted: Whether somebody has noted that all of his is there, sealed with the first key.
    """

    blocks: set[str] = field(default_factory=set)
    tombstones: set[str] = field(default_factory=set)
    fading: set[str] = field(default_factory=set)
    new_blocks: list[Block] = field(default_factory=list)
    new_tombstones: list[Tombstone] = field(default_factory=list)
    refused: int = 0
    is_noted: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """What somebody has looked at before: which octets, and what they are; None where they were refused."""

    digest: bytes
    kind: type[Member] | None
    is_fading: bool = False


@dataclass(frozen=True, slots=True)
class _Met:
    """What has come of one look at the hash.

    Attributes:
        no_room: Blocks that are there and could not be held here.
        is_noted: Whether somebody had noted that all of his is there.
    """

    taken: int
    given: int
    refused: int
    no_room: int
    is_noted: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing is to be hoped for from the others."""
        return self.is_noted and not self.refused


def _nobody(details: BlockDetails) -> None:
    del details


class FleetBlockList:
    """Brings this host's list and the fleet's together. In one process of each replica."""

    def __init__(
        self, parts: FleetParts, store: SharedBlockStore, told: Callable[[BlockDetails], None] = _nobody
    ) -> None:
        """Take the collaborators.

        Args:
            parts: The cache, and how it is used.
            store: This host's.
            told: Is told of each change of it.
        """
        self._parts = parts
        self._store = store
        self._told = told
        self._known: dict[str, _Known] = {}
        self._meeting = asyncio.Lock()
        self._asker = secrets.token_hex(8)
        self._is_full = False

    async def apply(self, event: BlockEvent) -> None:
        """Take in what another replica has told.

        Raises:
            FleetUnavailableError: he asked for what we have, and the cache has gone.
            StoreError: it could not be written here.
        """
        member = open_member(self._parts, event.block_id, event.envelope)
        match member:
            case None:
                pass
            case Block():
                await self._bring((member,), ())
            case Tombstone():
                await self._bring((), (member,))
            case ListNote(asker):
                if asker not in {"", self._asker}:
                    fleet = self._parts.names.prefix
                    met = await self._meet()
                    await self._note(met, was_read=await asyncio.to_thread(self._store.list_was_read, fleet))
            case _:
                assert_never(member)

    async def reconcile(self, reason: str) -> Reconciled:
        """Bring the two together.

        Args:
            reason: Why now, for the operator.

        Raises:
            FleetUnavailableError: the cache could not be read or written to the end; what was brought here stays.
            StoreError: this host's store could not.
        """
        fleet = self._parts.names.prefix
        is_new = not await asyncio.to_thread(self._store.list_was_read, fleet)
        met = await self._meet()
        taken, given = met.taken, met.given
        if is_new and not met.is_whole:
            # It was emptied a moment ago, or sealed with another key, or there never was one.
            await self._ask()
            async for met in self._looking():
                taken, given = taken + met.taken, given + met.given
        if is_new and not met.no_room:
            await self._store.note_list_read(fleet)
            is_new = False
        await self._note(met, was_read=not is_new)
        self._parts.observer.reconciled(taken, given, reason)
        return Reconciled(taken, given, met.refused)

    async def _ask(self) -> None:
        """Have the others write what they have."""
        name, envelope = seal_member(self._parts, ListNote(self._asker))
        await self._parts.cache.tell(self._parts.names.events, seal_event(self._parts, name, envelope))

    async def _looking(self) -> AsyncIterator[_Met]:
        """Look until somebody has noted that all of his is there; where nobody does, until nothing comes any more."""
        waited, met = 0.0, None
        while met is None or (not met.is_whole and (waited < SETTLE_S or (met.taken and waited < LONGEST_SETTLE_S))):
            await self._parts.clock.sleep(_LOOK_S)
            waited += _LOOK_S
            met = await self._meet()
            yield met

    async def _note(self, met: _Met, *, was_read: bool) -> None:
        """Note that all of ours is there, unless somebody has; who has never read the list cannot say."""
        if was_read and not met.is_noted:
            name, envelope = seal_member(self._parts, ListNote())
            await self._parts.cache.put_members(self._parts.names.blocks, {name: envelope})

    async def _meet(self) -> _Met:
        """Take what is there and not here, then give what is here and not there."""
        async with self._meeting:
            members = await self._parts.cache.members(self._parts.names.blocks)
            # After the hash was read: what is removed here meanwhile is not taken, and its tombstone is given.
            here = await asyncio.to_thread(lambda: _Here(self._store.block_ids(), self._store.tombstone_ids()))
            there = await self._look_through(members, here)
            kept = _newest(here.tombstones | there.tombstones)
            taken = no_room = 0
            may_bury = kept | here.blocks
            for tombstones in _portions([one for one in there.new_tombstones if one.block_id in may_bury]):
                taken += len(tombstones)
                await self._bring((), tuple(tombstones))
            for blocks in _portions(there.new_blocks):
                brought = await self._bring(tuple(blocks), ())
                taken, no_room = taken + len(brought.added), no_room + brought.no_room
            lacking = await asyncio.to_thread(self._missing, here, there, kept)
            given = await self._give(lacking, are_new=not there.fading)
            if forgotten := there.tombstones - kept:
                await self._parts.cache.drop_members(self._parts.names.blocks, tuple(forgotten))
            self._is_full = no_room > 0
            return _Met(taken, given, there.refused, no_room, there.is_noted)

    async def _look_through(self, members: Mapping[str, bytes], here: _Here) -> _There:
        there = _There()
        for number, (name, octets) in enumerate(members.items()):
            if number % BREATH == 0:
                await self._parts.clock.sleep(0)
            digest = sha256(octets[: MAX_ENVELOPE_OCTETS + 1]).digest()
            known = self._known.get(name)
            if known is None or known.digest != digest or _is_new(name, known, here):
                member = open_member(self._parts, name, octets)
                is_fading = member is not None and not is_sealed_anew(self._parts, octets)
                known = self._known[name] = _Known(digest, None if member is None else type(member), is_fading)
                _note_new(member, here, there)
            _note(name, known, there)
        for name in self._known.keys() - members.keys():
            del self._known[name]
        return there

    def _missing(self, here: _Here, there: _There, kept: frozenset[str]) -> list[Block | Tombstone]:
        """What the hash lacks; without what is damaged here, which whoever decides complains of."""
        lacking: list[Block | Tombstone | None] = []
        if self._parts.rules.keys.authenticate:
            buried = sorted((here.tombstones & kept) - (there.tombstones - there.fading))
            lacking += [_undamaged(self._store.find_tombstone, block_id) for block_id in buried]
        standing = sorted(here.blocks - (there.blocks - there.fading) - there.tombstones)
        blocks = [_undamaged(self._store.find_block, block_id) for block_id in standing]
        lacking += [block for block in blocks if block is not None and is_sharable(block)]
        return [member for member in lacking if member is not None]

    async def _give(self, lacking: Sequence[Block | Tombstone], *, are_new: bool) -> int:
        cache, names = self._parts.cache, self._parts.names
        for portion in _portions(lacking):
            sealed = [seal_member(self._parts, member) for member in portion]
            if len(lacking) > TOLD_ONE_BY_ONE or not are_new:
                await cache.put_members(names.blocks, dict(sealed))
            else:
                for name, envelope in sealed:
                    event = seal_event(self._parts, name, envelope)
                    await cache.put_and_tell(names.blocks, {name: envelope}, names.events, event)
            for (name, envelope), member in zip(sealed, portion, strict=True):
                self._known[name] = _Known(sha256(envelope).digest(), type(member))
        return len(lacking)

    async def _bring(self, blocks: tuple[Block, ...], tombstones: tuple[Tombstone, ...]) -> Brought:
        brought = await self._store.bring(blocks, tombstones, room_for(self._parts))
        for tombstone in brought.removed:
            self._told(BlockDetails(BlockChange.REMOVED, tombstone.block_id, tombstone.removed_by))
        for block in brought.added:
            self._told(BlockDetails(BlockChange.ADDED, block.id, block.created_by, block.reason))
        if brought.no_room and not self._is_full:
            self._is_full = True  # told once, until there is room
            self._parts.observer.refused(RefusedDetails(EnvelopeKind.BLOCK, Refusal.REFUSED, "no room for more blocks"))
        return brought


def _is_new(name: str, known: _Known, here: _Here) -> bool:
    """Whether something that was opened before has to be opened again, since it is not here."""
    if known.kind is Tombstone:
        return name not in here.tombstones
    return known.kind is Block and name not in here.blocks and name not in here.tombstones


def _note_new(member: Member | None, here: _Here, there: _There) -> None:
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
    if known.kind is None:
        there.refused += 1
    elif known.kind is Block:
        there.blocks.add(name)
    elif known.kind is Tombstone:
        there.tombstones.add(name)
    else:
        there.is_noted = not known.is_fading


def _newest(ids: frozenset[str] | set[str]) -> frozenset[str]:
    """Those that are kept: ids sort by time."""
    return frozenset(ids) if len(ids) <= MAX_TOMBSTONES else frozenset(nlargest(MAX_TOMBSTONES, ids))


def _undamaged(find: Callable[[str], T | None], block_id: str) -> T | None:
    try:
        return find(block_id)
    except StoreError:
        return None


def _portions(things: Iterable[T]) -> Iterable[list[T]]:
    left = iter(things)
    while portion := list(islice(left, PORTION)):
        yield portion
