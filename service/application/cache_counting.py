"""What caches count: how often they had what was looked for, how often not, and how often something had to go for room.

A cache counts in three cells. Where these lie is the composer's affair: in memory of its own, or where the other
processes of the service can read them. Adding one to a cell is all that counting costs, so that it may be done for
every request.

Rules it keeps: tiers are asked one after the other, and each counts what came to it. What the memory of a worker misses
is looked for in the host's store, what that misses in Redis, where there is one, and what is not there is asked of its
origin. A cell is written by one thread of one process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from service.core.model.evidence_tier import Tier

HITS: Final = 0
"""The cell of what was looked for and found."""

MISSES: Final = 1
"""The cell of what was looked for and not found, for whatever reason."""

EVICTIONS: Final = 2
"""The cell of what had to go although it could still have served: there was no room. What is over, and what is
forgotten since something has changed, is not counted."""

CELLS: Final = 3


class Kind(StrEnum):
    """What is kept."""

    VERDICT = "verdict"
    CRL = "crl"
    OCSP = "ocsp"


@dataclass(frozen=True, slots=True)
class CacheName:
    """Which cache: where it is, and of what."""

    tier: Tier
    kind: Kind


VERDICTS: Final = CacheName(Tier.MEMORY, Kind.VERDICT)
"""Answers of a worker (`verdict_cache`)."""

READ_OCSP: Final = CacheName(Tier.MEMORY, Kind.OCSP)
"""OCSP answers that a worker has read before (`ocsp_memory`)."""

HELD_OCSP: Final = CacheName(Tier.HOST, Kind.OCSP)
"""Those of the host's store."""

HELD_CRLS: Final = CacheName(Tier.HOST, Kind.CRL)
"""CRLs of the host's store: whether any that is held covers a certificate."""

SHARED_OCSP: Final = CacheName(Tier.REDIS, Kind.OCSP)
SHARED_CRLS: Final = CacheName(Tier.REDIS, Kind.CRL)

ASKED_OCSP: Final = CacheName(Tier.ORIGIN, Kind.OCSP)
"""Responders; a question to several of them is one."""

ASKED_CRLS: Final = CacheName(Tier.ORIGIN, Kind.CRL)

COUNTED: Final = (VERDICTS, READ_OCSP, HELD_OCSP, HELD_CRLS, SHARED_OCSP, SHARED_CRLS, ASKED_OCSP, ASKED_CRLS)
"""Every pair that there is."""

EVICTING: Final = (VERDICTS, READ_OCSP, HELD_OCSP)
"""Those that are bounded by putting something out: CRLs that are held stay, and Redis does as it was set up."""


class Cells(Protocol):
    """The three cells of one cache, by their numbers."""

    def __getitem__(self, cell: int, /) -> int: ...

    def __setitem__(self, cell: int, count: int, /) -> None: ...


CellsOf: TypeAlias = Callable[[CacheName], Cells]
"""Gives each cache its cells."""


def own_cells(name: CacheName | None = None) -> Cells:
    """Cells that nobody else reads."""
    del name
    return [0] * CELLS


def looked(cells: Cells, *, found: object) -> None:
    """Count that something was looked for, and whether it was found."""
    cells[HITS if found else MISSES] += 1


class HeldLooks:
    """Counts what verdicts have looked for on this host."""

    def __init__(self, cells_of: CellsOf = own_cells) -> None:
        """Take the cells of the caches of a host."""
        self._read = cells_of(READ_OCSP)
        self._held = cells_of(HELD_OCSP)
        self._crls = cells_of(HELD_CRLS)

    def crls(self, *, found: object) -> None:
        """Whether any CRL that covers a certificate was held."""
        looked(self._crls, found=found)

    def ocsp(self, tier: Tier | None) -> None:
        """Where an answer about a certificate was found; None where this host has none."""
        looked(self._read, found=tier is Tier.MEMORY)
        if tier is not Tier.MEMORY:
            looked(self._held, found=tier)
