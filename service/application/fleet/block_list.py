"""The fleet's list of blocks: each replica has its own, and they are brought together.

Rules it keeps: who hears that a new replica asks for the list says so at once and then writes all of his; a host
decides nothing before it has read the list (`block_reading`), and who has never read it, or has found nobody who has,
notes nothing about it.

What it does not do: say when (`following`), or decide: whoever decides reads the host's store (`application.blocks`).
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from service.application.block_bringing import SharedBlockStore
from service.application.fleet.block_envelopes import ListNote, ListState, open_member, seal_event, seal_member
from service.application.fleet.block_meeting import BlockMeeting
from service.application.fleet.block_reading import LOOK_S, Met, is_over, why_unread
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.envelope import Refusal
from service.application.fleet.events import BlockEvent
from service.application.fleet.parts import FleetParts
from service.application.observer import BlockDetails
from service.core.model.block import Block, Tombstone

ASK_AGAIN_S: Final = 10.0
"""Seconds before the others are asked again about the same content of the cache: each of them reads all of it then."""

UNREAD_PAUSE_S: Final = 2.0
"""Seconds before a list that does not count as read is looked at again, which may be so until an operator helps."""


class ListUnreadError(FleetUnavailableError):
    """What the cache has does not count as the fleet's list of blocks, for a host that has never read it."""


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
        self._who = secrets.token_hex(8)
        self._lists = BlockMeeting(parts, store, told, self._who)
        self._asked: tuple[str, float] | None = None
        self._vouches = False
        """Whether others may believe that all of the list is here: not where nobody was found who had it."""

    async def apply(self, event: BlockEvent) -> None:
        """Take in what another replica has told.

        Raises:
            FleetUnavailableError: he asked for what we have, and the cache has gone.
            StoreError: it could not be written here.
        """
        member = open_member(self._parts, event.block_id, event.envelope)
        match member:
            case Refusal():
                pass
            case Block():
                await self._lists.bring((member,), ())
            case Tombstone():
                await self._lists.bring((), (member,))
            case ListNote(ListState.WANTED, who):
                if who != self._who:
                    await self._answer()
            case ListNote(ListState.GIVEN, who):
                if who != self._who:
                    await self._lists.meet()
            case ListNote():
                if not self._vouches:  # somebody who has the list is there after all
                    await self._lists.meet()
            case _:
                assert_never(member)

    async def reconcile(self, reason: str) -> Reconciled:
        """Bring the two together.

        Args:
            reason: Why now, for the operator.

        Raises:
            FleetUnavailableError: the cache could not be read or written to the end; what was brought here stays.
            ListUnreadError: this host has never read the list, and has not now.
            StoreError: this host's store could not.
        """
        fleet = self._parts.names.fleet
        is_new = not await asyncio.to_thread(self._store.list_was_read, fleet)
        looks = [await self._lists.meet()]
        while is_new and not is_over(looks):
            looks.append(await self._look_again(looks[-1]))
        done = Reconciled(sum(met.taken for met in looks), sum(met.given for met in looks), looks[-1].refused)
        self._parts.observer.reconciled(done.taken, done.given, reason)
        if is_new:
            await self._count_as_read(fleet, why_unread(looks))
        self._vouches = not is_new or any(met.is_noted for met in looks)
        await self._vouch(looks[-1])
        return done

    async def _look_again(self, last: Met) -> Met:
        await self._ask(last.epoch)
        await self._parts.clock.sleep(LOOK_S)
        return await self._lists.meet()

    async def _count_as_read(self, fleet: str, why_not: str | None) -> None:
        if why_not is not None:
            await self._parts.clock.sleep(UNREAD_PAUSE_S)
            raise ListUnreadError(why_not)
        await self._store.note_list_read(fleet)

    async def _ask(self, epoch: str) -> None:
        """Have the others write what they have."""
        now = self._parts.clock.monotonic()
        if self._asked is not None and self._asked[0] == epoch and now - self._asked[1] < ASK_AGAIN_S:
            return
        name, envelope = seal_member(self._parts, ListNote(ListState.WANTED, self._who))
        await self._parts.cache.tell(self._parts.names.events, seal_event(self._parts, name, envelope))
        self._asked = (epoch, now)

    async def _answer(self) -> None:
        """Write what is here; who asks for it sees at once that it is coming."""
        if self._vouches:
            note = ListNote(ListState.COMING, await self._lists.epoch())
            await self._parts.cache.put_members(self._parts.names.blocks, dict([seal_member(self._parts, note)]))
        await self._vouch(await self._lists.meet())

    async def _vouch(self, met: Met) -> None:
        """Note that all of ours is there, unless somebody has, and tell those who have found nobody yet."""
        if self._vouches and not met.is_noted:
            cache, names = self._parts.cache, self._parts.names
            name, envelope = seal_member(self._parts, ListNote(ListState.WHOLE, met.epoch))
            event = seal_event(self._parts, name, envelope)
            await cache.put_and_tell(names.blocks, {name: envelope}, names.events, event)
