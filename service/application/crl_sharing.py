"""The port through which what was fetched is shared with other replicas, and what stands there where there are none.

Whoever is about to ask an origin takes a turn: he is offered what another replica has fetched, asks the origin
where nothing of that is of use to him, and says what came of it.

Rules it keeps: what is offered is believed by nobody; it goes the way of what came from the network. What was offered
once in a turn is not offered again in it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Protocol

from service.application.crl_delivery import AnswerFrom, KnownVersion
from service.application.ocsp_sharing import Haste
from service.application.origin import OriginRequest
from service.application.origin_headers import OriginHeaders, Validators


class SharedCrlError(Exception):
    """What another replica fetched is not all there, or is not what he fetched; whoever is to know has been told."""


@dataclass(frozen=True, slots=True)
class SharedCrl:
    """What another replica has fetched from a URL, or says that it has.

    Attributes:
        at: When the origin was asked.
        digest: SHA-256 of it; None where all that is known is which version the origin has.
        said: What the origin said about it.
        octets: How many there are; None where they are not to be had.
        is_vouched_for: Whether only a replica of this fleet can have said so. Where not, it is a file to be verified,
            and nobody's word: neither for what a place of the operator's has, nor for how to ask for it again.
        chunks: The octets; raises `SharedCrlError`, at the latest at the end where they are not those of the digest.
    """

    at: datetime
    digest: bytes | None
    said: OriginHeaders
    octets: int | None
    is_vouched_for: bool
    chunks: AsyncGenerator[bytes, None] = field(repr=False, compare=False)

    def is_version(self, known: KnownVersion) -> bool:
        """Whether it is what is known, so that nobody need read it."""
        return is_version(known, self.digest, self.said.validators)


@dataclass(frozen=True, slots=True)
class FetchedCrl:
    """What the origin was found to have, and what of it is held or waits.

    Attributes:
        at: When it was asked.
        data: All that came; None where it said that nothing was modified.
        known: What is known of that version; None where it came.
        said: What the origin says about it.
    """

    at: datetime
    data: memoryview | None = field(repr=False)
    known: KnownVersion | None
    said: OriginHeaders


def nobody_waits() -> Haste:
    """Whatever is wanted is wanted ahead of need."""
    return Haste.AHEAD


class Word(Enum):
    """Whose word is of use for what a place has."""

    ANYBODYS = "anybody's"
    """Anybody's: what is taken has to be signed by whoever is asked for."""
    VOUCHED_FOR = "vouched for"
    """That of a replica of this fleet: anybody's CRL is taken, and what the place does not have needs no answer."""


@dataclass(frozen=True, slots=True)
class SharingQuestion:
    """What a turn is about.

    Attributes:
        request: As it would go to the origin.
        answer_from: Who may answer.
        after: What was fetched by then is nothing new; None where that is not remembered.
        word: Whose word is of use.
        haste: Whether somebody waits for what comes of it, at the moment of asking: a request may join at any time.
    """

    request: OriginRequest
    answer_from: AnswerFrom
    after: datetime | None = None
    word: Word = Word.ANYBODYS
    haste: Callable[[], Haste] = field(default=nobody_waits, compare=False)


class CrlTurn(Protocol):
    """What one replica has to do with one URL, from asking the fleet to telling it."""

    async def newer(self) -> SharedCrl | None:
        """What another replica has fetched after what is known; None where the origin is to be asked."""

    def took(self, shared: SharedCrl) -> None:
        """It is held, or is what is held."""

    def refused(self, shared: SharedCrl) -> None:
        """Something of it is not what it was said to be."""

    async def tell(self, fetched: FetchedCrl) -> None:
        """Let the others have what came of asking the origin; nothing that goes wrong is raised."""


class CrlSharing(Protocol):
    """Shares what was fetched."""

    def turn(self, question: SharingQuestion) -> AbstractAsyncContextManager[CrlTurn]:
        """A turn at a URL; no other replica is asked to wait once it has ended."""


class NoTurn:
    """A turn of whoever shares with nobody. Implements `CrlTurn`."""

    async def newer(self) -> SharedCrl | None:
        """Nothing."""
        return None

    def took(self, shared: SharedCrl) -> None:
        """Nothing was offered."""

    def refused(self, shared: SharedCrl) -> None:
        """Nothing was offered."""

    async def tell(self, fetched: FetchedCrl) -> None:
        """Tell nobody."""


class Unshared:
    """Shares with nobody. Implements `CrlSharing`."""

    @asynccontextmanager
    async def turn(self, question: SharingQuestion) -> AsyncIterator[CrlTurn]:
        """Ask the origin."""
        del question
        yield NoTurn()


class SharedWhere:
    """Shares what others would find as well, and nothing else. Implements `CrlSharing`.

    Who looks elsewhere for the same URL shares with those who look there.
    """

    def __init__(self, sharing: CrlSharing, shared_as: Callable[[OriginRequest], str | None]) -> None:
        """Take who shares, and how is told where a request leads to from every host; None for nobody else's."""
        self._sharing = sharing
        self._shared_as = shared_as

    def turn(self, question: SharingQuestion) -> AbstractAsyncContextManager[CrlTurn]:
        """A turn at where a URL leads to, with the others where that is theirs as well."""
        place = self._shared_as(question.request)
        if place is None:
            return Unshared().turn(question)
        return self._sharing.turn(replace(question, request=replace(question.request, url=place)))


def is_version(known: KnownVersion, digest: bytes | None, validators: Validators) -> bool:
    """Whether a version is the one that is known: by its octets where it is one CRL, or by its origin's word.

    Args:
        known: What is held or waits, whole.
        digest: SHA-256 of the other; None where it is not known.
        validators: Of the other.
    """
    digests = (*(one.meta.digest for one in known.crls), *known.pending)
    return digests == (digest,) or bool(validators.conditions and validators == known.validators)
