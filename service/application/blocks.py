"""Blocks: what an operator denies at once, whatever anybody's evidence says.

Rules it keeps: a block that was answered for is in the store of this host, for good until somebody removes it, and in
force for every request that is decided afterwards, in every process; of blocks that cannot be read nothing is assumed,
least of all that there are none. A host of a fleet decides nothing before it has read the fleet's list once; whoever
asks for a change learns whether the fleet knows of it (`block_sharing`). Who asked, and why, is told to the observer.

What it does not do: reach answers that callers already hold (`valid_until`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.application.block_sharing import BlockSharing, NoFleet, Reach
from service.application.clock import Clock
from service.application.evidence_store import StoreError
from service.application.ids import DecisionIds
from service.application.observer import BlockChange, BlockDetails, Observer
from service.core.decision.block_list import NO_BLOCKS, BlockList, StandingBlocks, index_blocks
from service.core.model.block import Block, BlockMatch, Tombstone

MAX_BLOCKS = 100_000
"""Blocks of one host, those included whose time is over: some 100 MB in each worker, and a seventh of the host's store.
Whoever has more certificates to deny blocks the key or the certificate of their issuer, or has them revoked."""


NOT_READ = "the fleet's list of blocks was not read yet"
"""Why a host decides nothing whose store has never seen the list."""


class BlocksUnavailableError(Exception):
    """The block list cannot be read or written.

    Attributes:
        reason: For the operator.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


class BlockNotWrittenError(BlocksUnavailableError):
    """A block, or the removal of one, could not be written down: nothing has changed."""


class TooManyBlocksError(Exception):
    """There is no room for another block."""


class UnknownBlockError(LookupError):
    """There is no block of this id."""


class PastBlockError(ValueError):
    """A block whose time would be over when it begins."""


class BlockIsLocalError(Exception):
    """A block was added, and is in force on this host; the fleet does not know of it.

    Attributes:
        block: Which.
        reach: How far it has come.
    """

    def __init__(self, block: Block, reach: Reach) -> None:
        """Keep both."""
        super().__init__(reach.value)
        self.block = block
        self.reach = reach


class RemovalIsLocalError(Exception):
    """A block was removed from this host; the fleet does not know of it.

    Attributes:
        tombstone: What is left of it.
        reach: How far it has come.
    """

    def __init__(self, tombstone: Tombstone, reach: Reach) -> None:
        """Keep both."""
        super().__init__(reach.value)
        self.tombstone = tombstone
        self.reach = reach


@dataclass(frozen=True, slots=True)
class StoredBlocks:
    """What the store holds, at one moment.

    Attributes:
        version: Its number; another one after every change.
        blocks: By their ids.
    """

    version: int
    blocks: Mapping[str, Block]


class BlockStore(Protocol):
    """The store of this host, shared by its processes."""

    def blocks_version(self) -> int:
        """The number of what is held, read at every request.

        Raises:
            StoreError: it cannot be read.
        """

    def read_blocks(self, known: Mapping[str, Block]) -> StoredBlocks:
        """Everything that is held.

        Args:
            known: Blocks that were read before: they do not change, and are not read again.

        Raises:
            StoreError: the store cannot be read, or a block in it is damaged.
        """

    def find_block(self, block_id: str) -> Block | None:
        """One block.

        Raises:
            StoreError: it cannot be read, or is damaged.
        """

    async def add_block(self, block: Block, most: int) -> bool:
        """Hold one more, durably when this returns, and raise the generation of the decisions.

        Returns:
            False where there are `most` of them already; nothing changed.

        Raises:
            StoreError: it could not be written; nothing changed.
        """

    async def remove_block(self, tombstone: Tombstone) -> bool:
        """Hold a tombstone in the place of a block, damaged or not, and raise the generation of the decisions.

        Returns:
            False where there is no block; nothing changed.

        Raises:
            StoreError: it could not be written; nothing changed.
        """

    def list_was_read(self, fleet: str) -> bool:
        """Whether a fleet's list of blocks was read once.

        Raises:
            StoreError: nobody can say.
        """


class BlocksInForce(Protocol):
    """What deciding needs of blocks."""

    async def current(self) -> StandingBlocks:
        """What is blocked now.

        Raises:
            BlocksUnavailableError: nobody can say.
        """


@dataclass(frozen=True, slots=True)
class _Read:
    stored: StoredBlocks
    index: BlockList


class Blocks:
    """The blocks of this host, as one process sees them."""

    def __init__(
        self,
        store: BlockStore,
        clock: Clock,
        ids: DecisionIds,
        observer: Observer,
        limit: int = MAX_BLOCKS,
        sharing: BlockSharing | None = None,
    ) -> None:
        """Take the collaborators.

        Args:
            store: Holds them.
            clock: Time.
            ids: Names them; so that they sort by time.
            observer: Is told of each change.
            limit: Most of them.
            sharing: The other replicas; None where there are none.
        """
        self._store = store
        self._clock = clock
        self._ids = ids
        self._observer = observer
        self._limit = limit
        self._sharing = sharing or NoFleet()
        self._unread = self._sharing.fleet
        self._read: _Read | None = None
        self._reading = asyncio.Lock()
        self._is_failing = False

    async def current(self) -> StandingBlocks:
        """What is blocked now: what was answered for before this was called.

        Raises:
            BlocksUnavailableError: the store cannot be read, a block in it is damaged, or the fleet's list was never
                read here.
        """
        try:
            if self._unread is not None:
                self._look_whether_read(self._unread)
            read = self._read
            if read is None or read.stored.version != self._store.blocks_version():
                read = await self._read_again()
        except StoreError as error:
            raise self._failed(error) from error
        self._is_failing = False
        return read.index.at(self._clock.now()) if read.index.size else NO_BLOCKS

    def now(self) -> datetime:
        """The moment by which it is told whether a block's time is over."""
        return self._clock.now()

    @property
    def are_readable(self) -> bool:
        """Whether they could be read the last time that somebody wanted them; true before the first."""
        return not self._is_failing

    async def list(self) -> tuple[Block, ...]:
        """Every block, the oldest first, those included whose time is over.

        Raises:
            BlocksUnavailableError: they cannot be read.
        """
        await self.current()
        read = self._read
        return () if read is None else tuple(read.stored.blocks.values())

    async def get(self, block_id: str) -> Block:
        """One block.

        Raises:
            UnknownBlockError: there is none of this id.
            BlocksUnavailableError: it cannot be read.
        """
        try:
            block = await asyncio.to_thread(self._store.find_block, block_id)
        except StoreError as error:
            raise self._failed(error) from error
        if block is None:
            raise UnknownBlockError
        return block

    async def add(self, match: BlockMatch, reason: str, until: datetime | None, by: str) -> Block:
        """Block certificates; when this returns it is durable and in force, and the fleet knows of it.

        Args:
            match: Which.
            reason: Why, for people.
            until: From when on not any more; None for never.
            by: Who asks for it, for people.

        Raises:
            PastBlockError: `until` has passed.
            TooManyBlocksError: there is no room.
            BlockNotWrittenError: it could not be written.
            BlockIsLocalError: it is durable and in force here; the fleet does not know of it.
        """
        now = self._clock.now()
        if until is not None and until <= now:
            raise PastBlockError
        block = Block(self._ids.new(), match, reason, now, by, until)
        try:
            if not await self._store.add_block(block, self._limit):
                raise TooManyBlocksError
        except StoreError as error:
            raise self._not_written(error, by) from error
        self._observer.blocks_changed(BlockDetails(BlockChange.ADDED, block.id, by, reason))
        reach = await self._sharing.share(block)
        if reach is not Reach.EVERYWHERE:
            raise BlockIsLocalError(block, reach)
        return block

    async def remove(self, block_id: str, by: str) -> None:
        """Remove a block, damaged or not.

        Args:
            block_id: Which.
            by: Who asks for it, for people.

        Raises:
            UnknownBlockError: there is none of this id.
            BlockNotWrittenError: it could not be written.
            RemovalIsLocalError: it is removed here; the fleet does not know of it.
        """
        tombstone = Tombstone(block_id, self._clock.now(), by)
        try:
            if not await self._store.remove_block(tombstone):
                raise UnknownBlockError
        except StoreError as error:
            raise self._not_written(error, by) from error
        self._observer.blocks_changed(BlockDetails(BlockChange.REMOVED, block_id, by))
        reach = await self._sharing.share_removal(tombstone)
        if reach is not Reach.EVERYWHERE:
            raise RemovalIsLocalError(tombstone, reach)

    def _look_whether_read(self, fleet: str) -> None:
        """Once it was read it stays so, as far as this process is concerned."""
        if not self._store.list_was_read(fleet):
            raise BlocksUnavailableError(NOT_READ)
        self._unread = None

    async def _read_again(self) -> _Read:
        """Read what has changed, off the event loop, once for everybody who waits for it."""
        async with self._reading:
            read = self._read
            if read is None or read.stored.version != self._store.blocks_version():
                read = self._read = await asyncio.to_thread(self._load, {} if read is None else read.stored.blocks)
            return read

    def _load(self, known: Mapping[str, Block]) -> _Read:
        stored = self._store.read_blocks(known)
        return _Read(stored, index_blocks(stored.blocks.values()))

    def _not_written(self, error: StoreError, by: str) -> BlockNotWrittenError:
        self._observer.blocks_changed(BlockDetails(BlockChange.NOT_WRITTEN, by=by, reason=str(error)))
        return BlockNotWrittenError(str(error))

    def _failed(self, error: StoreError) -> BlocksUnavailableError:
        """Tell the observer once, until the list can be read again."""
        if not self._is_failing:
            self._is_failing = True
            self._observer.blocks_changed(BlockDetails(BlockChange.UNREADABLE, reason=str(error)))
        return BlocksUnavailableError(str(error))
