"""The ports of the host's store of revocation evidence.

The store holds facts ("this signature verifies under that key"), never authority: which key may speak for which
certificate is decided by the core, for each trust store, each time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.application.crl_fetcher import CrlSigner
from service.core.model.crl import CrlFinding, CrlMeta, CrlRow, CrlSlot, Watermark


class StoreError(Exception):
    """The store cannot be used: wrong owner or mode, not a local file system, full, or corrupt."""


@dataclass(frozen=True, slots=True)
class HeldCrl:
    """A CRL in the store, without its entries.

    Attributes:
        signer_spki: The key under which the signature was verified before it was stored.
        source: The URL it came from.
        fetched_at: When it was fetched.
        signer_paths: DER of the signer's certificate and of those above it, for each path that somebody had when it was
            fetched (`signer_paths.joined`).
    """

    slot: CrlSlot
    meta: CrlMeta
    signer_spki: bytes = field(repr=False)
    source: str
    fetched_at: datetime
    signer_paths: tuple[tuple[bytes, ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class HeldOcsp:
    """An OCSP response in the store: signed DER, verified again by whoever uses it."""

    response: bytes = field(repr=False)
    source: str
    fetched_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingCrl:
    """A CRL of the operator's that is not held: nobody is known here yet under whose key it verifies.

    Attributes:
        digest: SHA-256 of it, as it came.
        issuer: Canonical form of the name that it bears as its issuer's; nobody has verified that.
        points: Keys of the distribution points that it is about; empty for all of them.
    """

    digest: bytes
    issuer: bytes
    points: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class WaitingCrls:
    """The CRLs that wait in one name.

    Attributes:
        is_named: Whether there are any, or a source of the operator's has one that is held: under whose key that is,
            anybody may have shown.
        digests: Of those that wait and may cover the certificate in question.
    """

    is_named: bool
    digests: tuple[bytes, ...]


NOTHING_WAITS = WaitingCrls(is_named=False, digests=())

NAMED_ALONE = WaitingCrls(is_named=True, digests=())


class CrlReader(Protocol):
    """Reading CRLs: a lookup costs microseconds, whatever their size and whatever strangers have held in the same name.

    CRLs are found by keys: that of their signer, and those of whoever certified the signer as far as that was told
    (`CrlWriter.vouch`).
    """

    def find(
        self, issuer: bytes, points: frozenset[bytes], authorities: frozenset[bytes], key: bytes
    ) -> tuple[CrlFinding, ...]:
        """Ask every held CRL of an issuer that could cover a certificate about it.

        Args:
            issuer: Canonical form of the CRL issuer's name.
            points: Keys of the certificate's distribution point names. CRLs whose scope names one of them are asked,
                and all those whose scope names none.
            authorities: DER of the SubjectPublicKeyInfos by which CRLs are found: `CrlWanted.authorities`.
            key: Under which CRLs of that issuer list the certificate (`core.crl.entries.entry_key`).

        Returns:
            One finding for each CRL.

        Raises:
            StoreError: the store cannot be read.
        """

    def holds_issuer(self, issuer: bytes, signer_spkis: frozenset[bytes]) -> bool:
        """Whether a CRL of this issuer is held that one of these keys signed, whatever its scope.

        Args:
            issuer: Canonical form of the CRL issuer's name.
            signer_spkis: The keys that may be the issuer's: anybody can sign a CRL in any name.

        Raises:
            StoreError: the store cannot be read.
        """

    def kept_signers(self, issuer: bytes, authorities: frozenset[bytes]) -> tuple[tuple[bytes, ...], ...]:
        """What is kept beside the CRLs of an issuer of their signers, whatever their scope: each path once.

        Args:
            issuer: Canonical form of the CRL issuer's name.
            authorities: As for `find`.

        Raises:
            StoreError: the store cannot be read.
        """

    def waiting(self, issuer: bytes, points: frozenset[bytes]) -> WaitingCrls:
        """The CRLs of the operator's that wait for somebody of this name.

        Args:
            issuer: Canonical form of the CRL issuer's name.
            points: Keys of the certificate's distribution point names, as for `find`.

        Raises:
            StoreError: the store cannot be read.
        """

    def held(self) -> tuple[HeldCrl, ...]:
        """Every CRL held, for inventories."""


class CrlWriter(Protocol):
    """Writing CRLs: one process only, the ingesting one."""

    def watermark(self, slot: CrlSlot) -> Watermark | None:
        """The newest CRL ever accepted in the slot."""

    def holds(self, slot: CrlSlot, digest: bytes) -> bool:
        """Whether a slot holds the CRL with this digest, entries included, so that publishing it changes nothing.

        Raises:
            StoreError: the store cannot be read.
        """

    def signer_paths(self, slot: CrlSlot) -> tuple[tuple[bytes, ...], ...]:
        """What is kept beside the CRL of a slot (`HeldCrl.signer_paths`); nothing where the slot is empty.

        Raises:
            StoreError: the store cannot be read.
        """

    def vouch(self, signer: CrlSigner) -> None:
        """Let the CRLs of a signer be found by `authorities` as well, those that are held and those that come.

        Nothing is written where nothing is new; where something is, another generation of the decisions begins.

        Raises:
            StoreError: it could not be read or written; nothing changed.
        """

    def keep_path(self, signer: CrlSigner, at: datetime) -> None:
        """Keep the path of a signer beside those of his CRLs that are held, as far as there is room for it, and vouch.

        As if each were published again with it (`signer_paths.joined`); nothing is written where nothing is new, or
        where nothing of his is held.

        Raises:
            StoreError: it could not be read or written; nothing changed.
        """

    def publish(self, held: HeldCrl, rows: Iterable[CrlRow], watermark: Watermark) -> None:
        """Replace what the slot holds: built aside, then renamed in; a crash leaves the old or the new one.

        Args:
            held: The CRL without its entries.
            rows: Its entries, duplicates allowed, in the order of the CRL (`core.crl.entries.prevailing`).
            watermark: Persisted in the same transaction as the switch.

        Raises:
            StoreError: it could not be written; what was held still is.
        """


class OcspStore(Protocol):
    """OCSP answers by the digest of what they answer."""

    def find_ocsp(self, key: bytes) -> HeldOcsp | None:
        """The response held under a key, whatever its age.

        Raises:
            StoreError: the store cannot be read.
        """

    async def put_ocsp(self, key: bytes, held: HeldOcsp, supersedes: Callable[[HeldOcsp], bool] | None = None) -> None:
        """Hold a response, off the event loop; the responses that expired are removed in passing, a few at a time.

        Args:
            key: The digest of what it answers.
            held: The response.
            supersedes: Whether it may take the place of another; asked in the transaction that writes, so that of two
                processes that write at once neither undoes what the other has just held. None for any other.

        Raises:
            StoreError: it could not be written.
        """
