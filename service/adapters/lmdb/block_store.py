"""The blocks of a store, as the application asks for them: read where it stands, written by the store's one thread."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Protocol, TypeVar

from service.adapters.lmdb.block_rows import BlockRows
from service.application.block_bringing import BlockRoom, Brought
from service.application.blocks import StoredBlocks
from service.core.model.block import Block, Tombstone

T = TypeVar("T")


class Submit(Protocol):
    """Has something done by the thread that writes."""

    def __call__(self, write: Callable[[], T], /) -> Future[T]:
        """What comes of it."""


class LmdbBlockStore:
    """`BlockStore` and `SharedBlockStore` of the application."""

    def __init__(self, rows: BlockRows, submit: Submit) -> None:
        """Take the rows, and who writes them."""
        self._rows = rows
        self._submit = submit

    def blocks_version(self) -> int:
        """The number of what is held; see `BlockStore`."""
        return self._rows.version()

    def block_count(self) -> int:
        """How many are held, those included whose time is over.

        Raises:
            StoreError: they cannot be read.
        """
        return self._rows.count()

    def is_within(self, room: BlockRoom) -> bool:
        """Whether what is held is no more than so much; see `SharedBlockStore`."""
        return self._rows.is_within(room)

    def read_blocks(self, known: Mapping[str, Block]) -> StoredBlocks:
        """Everything that is held; see `BlockStore`."""
        return self._rows.read(known)

    def find_block(self, block_id: str) -> Block | None:
        """One block; see `BlockStore`."""
        return self._rows.find(block_id)

    async def add_block(self, block: Block, most: int) -> bool:
        """Hold one more; see `BlockStore`."""
        return await self._written(lambda: self._rows.add(block, most))

    async def remove_block(self, tombstone: Tombstone) -> bool:
        """Hold a tombstone in its place; see `BlockStore`."""
        return await self._written(lambda: self._rows.remove(tombstone))

    def block_ids(self) -> frozenset[str]:
        """Of what is held; see `SharedBlockStore`."""
        return self._rows.block_ids()

    def tombstone_ids(self) -> frozenset[str]:
        """Of what was removed; see `SharedBlockStore`."""
        return self._rows.tombstone_ids()

    def find_tombstone(self, block_id: str) -> Tombstone | None:
        """One tombstone; see `SharedBlockStore`."""
        return self._rows.find_tombstone(block_id)

    async def bring(self, blocks: tuple[Block, ...], tombstones: tuple[Tombstone, ...], room: BlockRoom) -> Brought:
        """Hold what others have; see `SharedBlockStore`."""
        return await self._written(lambda: self._rows.bring(blocks, tombstones, room))

    def list_was_read(self, fleet: str) -> bool:
        """Whether a fleet's list was read once; see `BlockStore`."""
        return self._rows.list_was_read(fleet)

    async def note_list_read(self, fleet: str) -> None:
        """Note that it was; see `SharedBlockStore`."""
        await self._written(lambda: self._rows.note_list_read(fleet))

    async def _written(self, write: Callable[[], T]) -> T:
        # Whoever asked may be gone before it is written: what was begun is finished.
        return await asyncio.shield(asyncio.wrap_future(self._submit(write)))
