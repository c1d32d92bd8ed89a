"""The blocks of a store, as the application asks for them: read where it stands, written by the store's one thread."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Protocol, TypeVar

from service.adapters.lmdb.block_rows import BlockRows
from service.application.blocks import StoredBlocks
from service.core.model.block import Block

T = TypeVar("T")


class Submit(Protocol):
    """Has something done by the thread that writes."""

    def __call__(self, write: Callable[[], T], /) -> Future[T]:
        """What comes of it."""


class LmdbBlockStore:
    """`BlockStore` of the application."""

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

    def read_blocks(self, known: Mapping[str, Block]) -> StoredBlocks:
        """Everything that is held; see `BlockStore`."""
        return self._rows.read(known)

    def find_block(self, block_id: str) -> Block | None:
        """One block; see `BlockStore`."""
        return self._rows.find(block_id)

    async def add_block(self, block: Block, most: int) -> bool:
        """Hold one more; see `BlockStore`."""
        return await self._written(lambda: self._rows.add(block, most))

    async def remove_block(self, block_id: str) -> bool:
        """Forget one; see `BlockStore`."""
        return await self._written(lambda: self._rows.remove(block_id))

    async def _written(self, write: Callable[[], bool]) -> bool:
        # Whoever asked may be gone before it is written: what was begun is finished.
        return await asyncio.shield(asyncio.wrap_future(self._submit(write)))
