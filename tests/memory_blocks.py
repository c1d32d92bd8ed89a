"""A store of blocks in memory, for services that have no other store, and a fleet that hears as much as a test says."""

from collections.abc import Mapping

from service.application.block_sharing import Reach
from service.application.blocks import StoredBlocks
from service.application.evidence_store import StoreError
from service.core.model.block import Block, Tombstone


class MemoryBlockStore:
    """`BlockStore` of the application; cannot be read or written while it is broken."""

    def __init__(self) -> None:
        """Empty."""
        self.blocks: dict[str, Block] = {}
        self.version = 0
        self.reads = 0
        self.broken = ""
        self.lists_read: set[str] = set()

    def blocks_version(self) -> int:
        """How often anything has changed."""
        self._check()
        return self.version

    def read_blocks(self, known: Mapping[str, Block]) -> StoredBlocks:
        """Everything."""
        del known
        self._check()
        self.reads += 1
        return StoredBlocks(self.version, dict(self.blocks))

    def find_block(self, block_id: str) -> Block | None:
        """One block."""
        self._check()
        return self.blocks.get(block_id)

    async def add_block(self, block: Block, most: int) -> bool:
        """One more."""
        self._check()
        if len(self.blocks) >= most:
            return False
        self.blocks[block.id] = block
        self.version += 1
        return True

    async def remove_block(self, tombstone: Tombstone) -> bool:
        """One less."""
        self._check()
        if self.blocks.pop(tombstone.block_id, None) is None:
            return False
        self.version += 1
        return True

    def list_was_read(self, fleet: str) -> bool:
        """Whether it was."""
        self._check()
        return fleet in self.lists_read

    def _check(self) -> None:
        if self.broken:
            raise StoreError(self.broken)


class ScriptedSharing:
    """`BlockSharing` of the application; remembers what it was told."""

    def __init__(self, reach: Reach = Reach.EVERYWHERE) -> None:
        """Everything comes as far as this."""
        self.fleet = "fleet"
        self.reach = reach
        self.told: list[Block | Tombstone] = []

    async def share(self, block: Block) -> Reach:
        """Remember it."""
        self.told.append(block)
        return self.reach

    async def share_removal(self, tombstone: Tombstone) -> Reach:
        """Remember it."""
        self.told.append(tombstone)
        return self.reach
