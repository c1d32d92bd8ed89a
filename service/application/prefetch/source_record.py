"""What is remembered of one place where a CRL is published, and the port to where that is kept.

The prefetcher alone writes it; whoever wants to know what is held and how fresh it is reads it. It is no evidence:
what a verdict rests on are the CRLs in the store, and a record that is lost costs a download.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from service.application.crl_fetcher import CrlSigner
from service.application.origin_headers import Validators
from service.core.model.attempt import Problem
from service.core.prefetch.inventory import Source, SourceState

MAX_GIVEN = 64
"""CRLs of one source that are remembered: a file may have those of a whole hierarchy, and more are held too."""

MAX_RECORD_SIGNERS = 8
"""Signers remembered of one source: the keys of an authority that is changing them, and of those who sign for it."""

MAX_RECORD_SIGNER_OCTETS = 16 << 10
"""Of their keys and certificates: with some 4,000 sources a quarter of the hot environment, at the very worst."""

MAX_RECORD_DETAIL = 200
"""Characters of what went wrong."""


class Phase(StrEnum):
    """What is being done with a source at this moment."""

    DOWNLOADING = "downloading"
    INGESTING = "ingesting"
    """What came is being verified, and its entries are being written."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come.

    Attributes:
        done: Octets.
        total: Octets there are; None where the origin does not say.
    """

    phase: Phase
    done: int
    total: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class GivenCrl:
    """A CRL that a source gave and that is held.

    Attributes:
        slot: Key of the slot that it is in.
        digest: SHA-256 of the CRL.
        issuer: The CRL issuer's name, for people.
        size: Octets.
        number_moved_at: When its number was first seen.
        stalled: Whether somebody was told that its number does not move.
    """

    slot: bytes
    digest: bytes
    issuer: str
    crl_number: int | None
    this_update: datetime
    next_update: datetime | None
    entries: int
    size: int
    number_moved_at: datetime
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source, and everything that is remembered of it.

    Attributes:
        state: What its plan depends on. One whose CRL waits for its issuer to become known counts as a success there:
            nothing is gained by downloading it again.
        signers: Of a learned one: under whose keys it may verify, bounded.
        validators: Of the version that `given` or `pending` came from.
        served_by: Which of its places gave that version.
        given: What it gave that is held; the first `MAX_GIVEN` of a file with more.
        pending: Digests of the CRLs of it that wait for their issuer to become known.
        named: Digests of all that it has and that makes an answer needed: `pending`, and what found no room to wait.
        is_partial: Whether the version that `given` came from has a CRL that could not be used, and does not wait.
        problem: What went wrong the last time; None where nothing did.
        detail: More about that, for a person.
        version: Of a listed one: which version the listing showed last.
        progress: None where nothing is under way.
    """

    state: SourceState
    signers: tuple[CrlSigner, ...] = field(default=(), repr=False)
    validators: Validators = field(default_factory=Validators)
    served_by: str = ""
    given: tuple[GivenCrl, ...] = ()
    pending: tuple[bytes, ...] = ()
    named: tuple[bytes, ...] = ()
    is_partial: bool = False
    problem: Problem | None = None
    detail: str = ""
    version: str = ""
    progress: Progress | None = None

    @property
    def source(self) -> Source:
        """Which one it is."""
        return self.state.source


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """A configured place with any number of CRLs in it, and what its last listing showed.

    Attributes:
        place: As it is configured: a directory, or `s3://bucket/prefix/`.
        listed_at: When it could last be listed; None before the first time.
        objects: How many CRLs it then had.
        problem: Why it could not be listed the last time; empty where it could.
    """

    place: str
    listed_at: datetime | None
    objects: int = 0
    problem: str = ""


class SourceReader(Protocol):
    """Reading the inventory; any process may."""

    def sources(self) -> tuple[SourceRecord, ...]:
        """Every source. One whose record is damaged is left out: it is learned or listed again.

        Raises:
            StoreError: the store cannot be read.
        """

    def places(self) -> tuple[PlaceRecord, ...]:
        """Every configured place that was ever listed, or tried to be.

        Raises:
            StoreError: the store cannot be read.
        """


class SourceStore(SourceReader, Protocol):
    """Writing it: the prefetcher alone."""

    async def put_sources(self, records: tuple[SourceRecord, ...]) -> None:
        """Remember these, each in place of what was remembered of it.

        Raises:
            StoreError: they could not be written; what was remembered still is.
        """

    async def forget_sources(self, keys: tuple[str, ...]) -> None:
        """Forget these; what they gave stays held.

        Raises:
            StoreError: nothing was forgotten.
        """

    async def put_places(self, records: tuple[PlaceRecord, ...]) -> None:
        """Remember these, and no other place.

        Raises:
            StoreError: they could not be written.
        """


def bounded_signers(signers: tuple[CrlSigner, ...]) -> tuple[CrlSigner, ...]:
    """As many of the signers as are remembered, the first ones first."""
    kept: list[CrlSigner] = []
    room = MAX_RECORD_SIGNER_OCTETS
    for signer in signers[:MAX_RECORD_SIGNERS]:
        room -= len(signer.spki) + sum(map(len, signer.path))
        if room < 0:
            break
        kept.append(signer)
    return tuple(kept)
