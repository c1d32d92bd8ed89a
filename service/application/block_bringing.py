"""The port to this host's store as far as what other replicas say of blocks is brought into it.

Rules it keeps: what is brought changes nothing that is there: a block comes only where there is neither it nor its
tombstone, and a tombstone stays.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from service.core.model.block import Block, Tombstone

MAX_TOMBSTONES: Final = 50_000
"""Removed blocks that a host remembers, and its fleet: some 10 MB. The oldest go first: who brings back a block that
was forgotten denies, and allows nothing."""


@dataclass(frozen=True, slots=True)
class BlockRoom:
    """How much of others a host holds.

    Attributes:
        most: Blocks, its own included.
        octets: Of all of them, as the store counts them.
    """

    most: int
    octets: int


@dataclass(frozen=True, slots=True)
class Brought:
    """What has come of bringing some.

    Attributes:
        added: Blocks that are held now and were not.
        removed: Tombstones of blocks that were held.
        no_room: Blocks that are not held because there is no room.
    """

    added: tuple[Block, ...]
    removed: tuple[Tombstone, ...]
    no_room: int


class SharedBlockStore(Protocol):
    """The store of this host, shared by its processes.

    Raises:
        StoreError: every method may; then nothing has changed.
    """

    def block_ids(self) -> frozenset[str]:
        """Of the blocks that are held, damaged or not."""

    def tombstone_ids(self) -> frozenset[str]:
        """Of the tombstones that are held, damaged or not."""

    def is_within(self, room: BlockRoom) -> bool:
        """Whether what is held is no more than so much."""

    def find_block(self, block_id: str) -> Block | None:
        """One block."""

    def find_tombstone(self, block_id: str) -> Tombstone | None:
        """One tombstone."""

    async def bring(self, blocks: tuple[Block, ...], tombstones: tuple[Tombstone, ...], room: BlockRoom) -> Brought:
        """Hold what is not held, durably when this returns, and raise the generation of the decisions if it changes."""

    def list_was_read(self, fleet: str) -> bool:
        """Whether a fleet's list was read once."""

    async def note_list_read(self, fleet: str) -> None:
        """Note that it was, and whose, for good."""
