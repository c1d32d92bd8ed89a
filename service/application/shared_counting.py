"""Counting what Redis had of what was looked for there, whoever shares it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.application.cache_counting import Cells, looked
from service.application.crl_delivery import AnswerFrom
from service.application.crl_sharing import CrlSharing, CrlTurn, FetchedCrl, SharedCrl, SharingQuestion
from service.application.evidence_store import HeldOcsp
from service.application.ocsp_sharing import OcspSharing, OcspTurn, SharedOcsp, SharedQuestion


class CountedCrlSharing:
    """Shares CRLs as somebody else does, and counts. Implements `CrlSharing`."""

    def __init__(self, sharing: CrlSharing, cells: Cells) -> None:
        """Take who shares, and where is counted."""
        self._sharing = sharing
        self._cells = cells

    @asynccontextmanager
    async def turn(self, question: SharingQuestion) -> AsyncIterator[CrlTurn]:
        """A turn at a URL; one that goes to the origin in any case has not looked."""
        async with self._sharing.turn(question) as turn:
            counted = _CrlTurn(turn)
            yield counted
        # Whoever hears that there is something newer misses nothing where there is not.
        if counted.has_taken or question.answer_from is AnswerFrom.FLEET_FIRST:
            looked(self._cells, found=counted.has_taken)


class CountedOcspSharing:
    """Shares OCSP answers as somebody else does, and counts. Implements `OcspSharing`."""

    def __init__(self, sharing: OcspSharing, cells: Cells) -> None:
        """Take who shares, and where is counted."""
        self._sharing = sharing
        self._cells = cells

    @asynccontextmanager
    async def turn(self, question: SharedQuestion) -> AsyncIterator[OcspTurn]:
        """A turn for one question."""
        async with self._sharing.turn(question) as turn:
            counted = _OcspTurn(turn)
            yield counted
        looked(self._cells, found=counted.has_taken)

    async def aclose(self) -> None:
        """End what is being written."""
        await self._sharing.aclose()


class _CrlTurn:
    """Notices whether anything was taken. Implements `CrlTurn`."""

    def __init__(self, turn: CrlTurn) -> None:
        self._turn = turn
        self.has_taken = False

    async def newer(self) -> SharedCrl | None:
        """As the turn says."""
        return await self._turn.newer()

    def took(self, shared: SharedCrl) -> None:
        """It is held, or is what is held."""
        self.has_taken = True
        self._turn.took(shared)

    def refused(self, shared: SharedCrl) -> None:
        """Pass it on."""
        self._turn.refused(shared)

    async def tell(self, fetched: FetchedCrl) -> None:
        """Pass it on."""
        await self._turn.tell(fetched)


class _OcspTurn:
    """Notices whether anything was taken. Implements `OcspTurn`."""

    def __init__(self, turn: OcspTurn) -> None:
        self._turn = turn
        self.has_taken = False

    async def look(self) -> SharedOcsp | None:
        """As the turn says."""
        return await self._turn.look()

    def taken(self) -> None:
        """What was found serves."""
        self.has_taken = True
        self._turn.taken()

    def refused(self, why: str) -> None:
        """Pass it on."""
        self._turn.refused(why)

    def give(self, held: HeldOcsp) -> None:
        """Pass it on."""
        self._turn.give(held)
