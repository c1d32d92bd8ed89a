"""Telling the fleet of a block, or that one was removed, while whoever asked for it waits.

Rules it keeps: what is told stands in the hash and in the stream of events, both or neither; a cache that does not
answer costs about a second and no more, and whoever asked learns it.

What it does not do: try again later. What did not reach the fleet is found and written by reconciliation
(`block_list`), also where this process dies before it has told anybody.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from service.application.block_bringing import SharedBlockStore
from service.application.block_sharing import Reach
from service.application.evidence_store import StoreError
from service.application.fleet.block_envelopes import is_sharable, seal_event, seal_member
from service.application.fleet.block_rooms import room_told_of
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.envelope import EnvelopeKind
from service.application.fleet.parts import FleetParts
from service.application.fleet.telling import FleetEvent
from service.core.model.block import Block, Tombstone

SHARE_S: Final = 1.0
"""Seconds for which it is tried: a primary that fails over takes longer, a connection that was lost does not."""

_PAUSE_S: Final = 0.1


class FleetBlockSharing:
    """Tells the fleet. Implements `service.application.block_sharing.BlockSharing`."""

    def __init__(self, parts: FleetParts, store: SharedBlockStore) -> None:
        """Take the cache, and the host's store, which holds what is told."""
        self._parts = parts
        self._store = store

    @property
    def fleet(self) -> str | None:
        """Which one it is."""
        return self._parts.names.fleet

    async def share(self, block: Block) -> Reach:
        """Tell of a block; see `BlockSharing`."""
        if not is_sharable(block) or not self._others_have_room():
            return Reach.REFUSED
        name, envelope = seal_member(self._parts, block)
        is_told = await self._try(EnvelopeKind.BLOCK, lambda: self._tell(name, envelope))
        return Reach.EVERYWHERE if is_told else Reach.UNREACHABLE

    async def share_removal(self, tombstone: Tombstone) -> Reach:
        """Tell that a block was removed; see `BlockSharing`."""
        if not self._parts.rules.keys.authenticate:
            # Whoever removes it last of all who have it leaves nothing to a replica that is new.
            cache, names = self._parts.cache, self._parts.names
            await self._try(EnvelopeKind.TOMBSTONE, lambda: cache.drop_members(names.blocks, (tombstone.block_id,)))
            return Reach.UNAUTHENTICATED
        name, envelope = seal_member(self._parts, tombstone)
        is_told = await self._try(EnvelopeKind.TOMBSTONE, lambda: self._tell(name, envelope))
        return Reach.EVERYWHERE if is_told else Reach.UNREACHABLE

    def _others_have_room(self) -> bool:
        """Whether a replica that has what this one has would take one more."""
        with suppress(StoreError):
            return self._store.is_within(room_told_of(self._parts))
        return True

    async def _tell(self, name: str, envelope: bytes) -> None:
        names, event = self._parts.names, seal_event(self._parts, name, envelope)
        await self._parts.cache.put_and_tell(names.blocks, {name: envelope}, names.events, event)

    async def _try(self, kind: EnvelopeKind, command: Callable[[], Awaitable[None]]) -> bool:
        clock, observer = self._parts.clock, self._parts.observer
        until = clock.monotonic() + SHARE_S
        while True:
            try:
                await command()
            except FleetUnavailableError:
                if clock.monotonic() + _PAUSE_S > until:
                    observer.fleet(kind, FleetEvent.UNAVAILABLE)
                    return False
                await clock.sleep(_PAUSE_S)
            else:
                observer.fleet(kind, FleetEvent.WRITTEN)
                return True
