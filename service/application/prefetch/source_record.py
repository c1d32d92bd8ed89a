"""What is remembered of one place where a CRL is published, and the port to where that is kept.

The prefetcher alone writes it; whoever wants to know what is held and how fresh it is reads it. It is no evidence:
what a verdict rests on are the CRLs in the store, and a record that is lost costs a download.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
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
"""Of their keys and certificates: of the latter, what the keys leave room for. A key is never left out for want of room
here: eight of ML-DSA-87 have 21,000 octets."""

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
        done: Octets: those that have come, and while it is being ingested those of the list that are read.
        total: Octets there are; None where the origin does not say.
        entries: Entries that are read, while it is being ingested.
        entries_total: Entries there are; None before they were counted.
    """

    phase: Phase
    done: int
    total: int | None
    at: datetime
    entries: int = 0
    entries_total: int | None = None


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
        signers: Of a learned one: under whose keys it may verify, bounded; first that of the issuer whose certificate
            named it first, then those who signed what it gave last.
        validators: Of the version that `given` or `pending` came from.
        served_by: Which of its places gave that version.
        given: What it gave that is held; the first `MAX_GIVEN` of a file with more.
        pending: Digests of the CRLs of it that wait for their issuer to become known.
        named: Of a configured one: digests of all that it has, held, waiting (`pending`), or without room to wait: an
            answer is needed in the names that they bear.
        is_partial: Whether the version that `given` or `pending` came from has a CRL that is not held, does not wait,
            and is not older than one that is held.
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


def bounded_signers(signers: Iterable[CrlSigner]) -> tuple[CrlSigner, ...]:
    """As many of the signers as are remembered, the first ones first.

    Their certificates are a help, and go where there is no room for them; nothing verifies without the key.
    """
    first = each_once(signers)[:MAX_RECORD_SIGNERS]
    room = MAX_RECORD_SIGNER_OCTETS - sum(len(one.spki) for one in first)
    kept: list[CrlSigner] = []
    for one in first:
        octets = sum(map(len, one.path))
        fits = octets <= room
        room -= octets if fits else 0
        kept.append(one if fits else replace(one, path=()))
    return tuple(kept)


def each_once(signers: Iterable[CrlSigner]) -> tuple[CrlSigner, ...]:
    """Every signer where it stands first, with a path if it has one anywhere."""
    found: dict[CrlSigner, CrlSigner] = {}
    for one in signers:
        if not found.setdefault(one, one).path and one.path:
            found[one] = one
    return tuple(found.values())
