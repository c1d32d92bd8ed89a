"""What Redis had of what was looked for there."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from service.application.cache_counting import HITS, MISSES, own_cells
from service.application.crl_delivery import AnswerFrom
from service.application.crl_sharing import CrlTurn, NoTurn, SharedCrl, SharingQuestion
from service.application.ocsp_sharing import NotShared, OcspTurn, SharedOcsp, SharedQuestion
from service.application.origin import OriginRequest, UrlTrust
from service.application.origin_headers import OriginHeaders
from service.application.shared_counting import CountedCrlSharing, CountedOcspSharing

pytestmark = pytest.mark.anyio

URL = "http://ca.example/crl"
AT = datetime(2026, 1, 1, tzinfo=UTC)


async def nothing() -> AsyncGenerator[bytes, None]:
    """No octets."""
    none: tuple[bytes, ...] = ()
    for octets in none:
        yield octets


class OneTurn:
    """Shares by one turn, which remembers what it was told. Implements `CrlSharing`."""

    def __init__(self) -> None:
        """It was told nothing."""
        self.told: list[str] = []

    @asynccontextmanager
    async def turn(self, question: SharingQuestion) -> AsyncIterator[CrlTurn]:
        """The one."""
        del question
        yield Telling(self.told)


class Telling(NoTurn):
    """Implements `CrlTurn`."""

    def __init__(self, told: list[str]) -> None:
        """Take where it is written down."""
        self._told = told

    def took(self, shared: SharedCrl) -> None:
        """Write it down."""
        del shared
        self._told.append("took")

    def refused(self, shared: SharedCrl) -> None:
        """Write it down."""
        del shared
        self._told.append("refused")


SHARED = SharedCrl(AT, None, OriginHeaders(), None, is_vouched_for=True, chunks=nothing())


@pytest.mark.parametrize(
    ("answer_from", "takes", "expected"),
    [
        (AnswerFrom.FLEET_FIRST, True, (1, 0)),
        (AnswerFrom.FLEET_FIRST, False, (0, 1)),
        (AnswerFrom.FLEET_ALONE, True, (1, 0)),
        (AnswerFrom.FLEET_ALONE, False, (0, 0)),
        (AnswerFrom.ORIGIN, False, (0, 0)),
    ],
)
async def test_crls(answer_from: AnswerFrom, takes: bool, expected: tuple[int, int]) -> None:
    """One that is taken is a hit; one that is looked for, and not taken, a miss."""
    cells, sharing = own_cells(), OneTurn()
    question = SharingQuestion(OriginRequest(URL, UrlTrust.OPERATOR, 1, 1.0), answer_from)
    async with CountedCrlSharing(sharing, cells).turn(question) as turn:
        assert await turn.newer() is None
        turn.refused(SHARED)
        if takes:
            turn.took(SHARED)
    assert (expected, ["refused", *["took"] * takes]) == ((cells[HITS], cells[MISSES]), sharing.told)


class OcspTold:
    """Gives one answer. Implements `OcspSharing`."""

    def __init__(self) -> None:
        """Nothing was given."""
        self.is_closed = False
        self.shared = SharedOcsp(b"response", URL, AT)

    @asynccontextmanager
    async def turn(self, question: SharedQuestion) -> AsyncIterator[OcspTurn]:
        """A turn that finds something."""
        async with NotShared().turn(question) as turn:
            yield turn

    async def aclose(self) -> None:
        """Remember it."""
        self.is_closed = True


@pytest.mark.parametrize(("takes", "expected"), [(True, (1, 0)), (False, (0, 1))])
async def test_ocsp_answers(takes: bool, expected: tuple[int, int]) -> None:
    """Likewise; every question is looked for."""
    cells, told = own_cells(), OcspTold()
    sharing = CountedOcspSharing(told, cells)
    async with sharing.turn(SharedQuestion(b"key", None, None)) as turn:
        assert await turn.look() is None
        turn.refused("it is of no use")
        if takes:
            turn.taken()
    await sharing.aclose()
    assert (expected, True) == ((cells[HITS], cells[MISSES]), told.is_closed)
