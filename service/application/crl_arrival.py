"""What an origin sent for a CRL, on its way into the store: what came, one CRL of it, and what became of that."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.application.crl_delivery import CrlDownload, DeliveredCrl, Indexed, SignerBook
from service.application.crl_fetcher import CrlSigner
from service.application.crl_parts import without_armour
from service.application.origin_headers import OriginHeaders
from service.core.crl.entries import rows
from service.core.der.crl import CrlDocument, CrlHead, read_crl_head
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlRow


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of a download.

    Attributes:
        data: None where the origin says that nothing was modified.
    """

    data: memoryview | None
    said: OriginHeaders


@dataclass(frozen=True, slots=True)
class Arrived:
    """One CRL, as it came.

    Attributes:
        digest: SHA-256 of it.
    """

    data: memoryview
    digest: bytes
    download: CrlDownload

    def head(self) -> CrlHead:
        """All of it but the entries.

        Raises:
            MalformedError: it does not decode.
            PemError: nor does its armour.
        """
        der = without_armour(self.data)
        return read_crl_head(der, self.digest if der is self.data else None)

    def rows(self, document: CrlDocument) -> Iterator[CrlRow]:
        """The rows of the CRL once it was read; whoever downloaded it is told how far they have come."""
        start, stop = document.entries
        total, indexing = document.meta.entries, self.download.indexing
        indexing(Indexed(0, stop - start, 0, total))
        return rows(document, lambda octets, entries: indexing(Indexed(octets, stop - start, entries, total)))


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one CRL of a download.

    Attributes:
        digest: Of the CRL as it came.
        crl: What is held of it; None where it was refused.
        tried: As in `Refused`.
        is_pending: Whether it is kept until its issuer is known.
    """

    digest: bytes
    attempt: Attempt | None
    signer: CrlSigner | None
    crl: DeliveredCrl | None = None
    tried: frozenset[CrlSigner] | None = None
    is_pending: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether it is neither held nor kept."""
        return self.crl is None and not self.is_pending


def worst_of(taken: Iterable[Taken]) -> Attempt | None:
    """What is said of a file: the worst of what is wrong with its CRLs, wherever they stand in it.

    What is lost goes before what is kept, and that before what is held and has ended. Of what is lost, something newer
    is held in place of what was rolled back; of what is kept, the least is wrong where its issuer alone is missing.
    """
    wrong = [(one, one.attempt) for one in taken if one.attempt is not None]
    ranked = sorted(wrong, key=lambda pair: _lightness(pair[0], pair[1].problem))
    return ranked[0][1] if ranked else None


def _lightness(one: Taken, problem: Problem) -> tuple[bool, ...]:
    return not one.is_lost, one.crl is not None, problem is Problem.ROLLED_BACK, problem is Problem.WRONG_ISSUER


def signers_for(data: memoryview, book: SignerBook) -> tuple[CrlSigner, ...]:
    """Those who may have signed a CRL, as it came.

    Raises:
        MalformedError: it does not decode.
        PemError: nor does its armour.
    """
    return book.for_crl(without_armour(data))
