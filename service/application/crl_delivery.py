"""What is asked of the ingester for one URL, and what came of it: more than whoever ordered a CRL wants to know."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from service.application.crl_fetcher import CrlSigner
from service.application.observer import Ingested
from service.application.origin import UrlTrust
from service.application.origin_headers import OriginHeaders, Validators
from service.core.der import tlv
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlMeta, CrlSlot


class SignerBook(Protocol):
    """Who may have signed a CRL."""

    def for_crl(self, data: tlv.Buffer) -> tuple[CrlSigner, ...]:
        """Under which keys a CRL is tried, the likeliest first.

        Args:
            data: Its DER.

        Raises:
            MalformedError: its issuer's name cannot be read.
        """

    def for_name(self, name: bytes) -> tuple[CrlSigner, ...]:
        """The same for CRLs in a name.

        Args:
            name: Digest of the issuer's name (`crl_fetcher.name_digest`).
        """


@dataclass(frozen=True, slots=True)
class OrderedSigners:
    """Those of an order, whatever the CRL. Implements `SignerBook`."""

    signers: tuple[CrlSigner, ...]

    def for_crl(self, data: tlv.Buffer) -> tuple[CrlSigner, ...]:
        """All of them."""
        del data
        return self.signers

    def for_name(self, name: bytes) -> tuple[CrlSigner, ...]:
        """All of them."""
        del name
        return self.signers


class PendingCrls(Protocol):
    """Keeps CRLs that nobody known here has signed yet as they came. Called from threads, one at a time.

    Attributes:
        named: Digests of what was kept or held: all of it has a name in which an answer is needed.
    """

    named: frozenset[bytes]

    def go_back(self, named: frozenset[bytes]) -> None:
        """Say again what was named before: what came since is not what is there, and goes in the end."""

    def keep(self, digest: bytes, data: tlv.Buffer) -> bool:
        """Keep one, dropping the oldest for it where there are too many.

        Returns:
            Whether it is kept: one that is too large by itself is not.
        """

    def hold(self, digest: bytes, data: tlv.Buffer) -> None:
        """Keep it no longer, kept or not: it is held, or something newer is. In whose name it is, is not forgotten."""


@dataclass(frozen=True, slots=True)
class DeliveredCrl:
    """A CRL of a download that is held.

    Attributes:
        signer: Under whose key it verifies.
    """

    result: Ingested
    meta: CrlMeta
    slot: CrlSlot
    signer: CrlSigner


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """What a URL gave before, whole.

    Attributes:
        crls: Every CRL of it; validators are sent while all of them are held.
        validators: Of that version.
        pending: What of it is kept until its issuer is known; whoever gives it has looked that it still is.
    """

    crls: tuple[DeliveredCrl, ...]
    validators: Validators
    pending: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Indexed:
    """How far one CRL has come on its way into the index; both are read once more before they are there.

    Attributes:
        octets: Of its list, read; nothing while it is being verified.
        of_octets: As many as there are.
        entries: Likewise.
        of_entries: As many as there are; None before they were counted.
    """

    octets: int
    of_octets: int
    entries: int = 0
    of_entries: int | None = None


def tell_nobody(done: int, total: int | None) -> None:
    """Tell nobody how far a download has come."""
    del done, total


def index_unseen(indexed: Indexed) -> None:
    """Tell nobody how far its entries have come."""
    del indexed


class AnswerFrom(Enum):
    """Who may say what a URL has."""

    FLEET_FIRST = "fleet_first"
    """Another replica that has fetched it after what is known here; the origin where there is none."""
    ORIGIN = "origin"
    """The origin: somebody has asked for what it has now."""
    FLEET_ALONE = "fleet_alone"
    """Another replica; the origin is not asked."""


@dataclass(frozen=True, slots=True)
class CrlDownload:
    """One URL whose CRLs are wanted in the store.

    Attributes:
        trust: Who named the URL.
        known: What it gave before; None where that is not remembered.
        pending: Keeps what nobody known has signed; None where it is of no use.
        arriving: Is told octets, and how many there will be where the origin says so.
        indexing: Is told how far each CRL of it has come into the index, from its beginning; called in any thread.
        answer_from: Who may say what is there.
        checked_at: When the origin was last asked, by whomever: what the fleet knew then is nothing new. None where
            that is not remembered.
    """

    url: str
    trust: UrlTrust
    signers: SignerBook
    known: KnownVersion | None = None
    pending: PendingCrls | None = None
    arriving: Callable[[int, int | None], None] = field(default=tell_nobody, compare=False)
    indexing: Callable[[Indexed], None] = field(default=index_unseen, compare=False)
    answer_from: AnswerFrom = AnswerFrom.FLEET_FIRST
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one download.

    Attributes:
        at: When it ended.
        attempt: Why it gave nothing usable; of several CRLs in one file, the worst of what is wrong with them: what is
            neither held nor kept, then what is kept, then STALE for what is held and has ended.
        crls: What is held of it, whether usable or not.
        pending: Digests of what is kept until somebody is known under whose key it verifies.
        lost: Why CRLs of it are neither held nor kept.
        said: What the origin says about this version.
        checked_at: When another replica had asked the origin, whose answer this is; None where it was asked now.
        is_vouched_for: Whether that is so; else anybody may have said it who can write where replicas share.
    """

    url: str
    at: datetime
    attempt: Attempt | None
    crls: tuple[DeliveredCrl, ...] = ()
    pending: tuple[bytes, ...] = ()
    said: OriginHeaders = field(default_factory=OriginHeaders)
    lost: frozenset[Problem] = frozenset()
    checked_at: datetime | None = None
    is_vouched_for: bool = True

    @property
    def gave(self) -> bool:
        """Whether something of it is held, or kept for later."""
        return bool(self.crls or self.pending)

    @property
    def waits(self) -> bool:
        """Whether all that it lacks is that somebody becomes known who bears its issuer's name."""
        return bool(self.pending) and not self.lost and self.problem is Problem.WRONG_ISSUER

    @property
    def problem(self) -> Problem | None:
        """What went wrong."""
        return None if self.attempt is None else self.attempt.problem
