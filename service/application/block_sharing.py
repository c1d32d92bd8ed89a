"""The port to everybody else who is to hear of a block: the other replicas of this host's fleet.

Rules it keeps: what could not be said to the others is in force here all the same, and whoever asked for it learns how
far it has come. What it does not do: bring it to them later; that is reconciliation's.
"""

from enum import StrEnum
from typing import Protocol

from service.core.model.block import Block, Tombstone


class Reach(StrEnum):
    """How far a change of the blocks has come."""

    EVERYWHERE = "everywhere"
    """To this host, and to wherever the others of its fleet find it at once; a host that has no fleet is everywhere."""
    UNREACHABLE = "unreachable"
    """To this host alone: the fleet's cache could not be written. It will be, when it is there again."""
    UNAUTHENTICATED = "unauthenticated"
    """To this host alone, for good: there is no key, without which nobody believes that a block was removed."""
    REFUSED = "refused"
    """To this host alone: the others would not take so large a block, or so many."""


class BlockSharing(Protocol):
    """The other replicas; must not raise, and takes about a second at most."""

    @property
    def fleet(self) -> str | None:
        """Whose list of blocks must have been read before anything is decided; None for nobody's."""

    async def share(self, block: Block) -> Reach:
        """Tell of a block that this host's store holds."""

    async def share_removal(self, tombstone: Tombstone) -> Reach:
        """Tell that one was removed from it."""


class NoFleet:
    """A host by itself."""

    @property
    def fleet(self) -> str | None:
        """Nobody's."""
        return None

    async def share(self, block: Block) -> Reach:
        """Everybody knows it."""
        del block
        return Reach.EVERYWHERE

    async def share_removal(self, tombstone: Tombstone) -> Reach:
        """Everybody knows it."""
        del tombstone
        return Reach.EVERYWHERE
