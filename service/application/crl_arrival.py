"""What an origin sent for a CRL, on its way into the store: what came, one CRL of it, and what became of that."""

from dataclasses import dataclass

from service.application.crl_delivery import CrlDownload, DeliveredCrl, SignerBook
from service.application.crl_fetcher import CrlSigner
from service.application.crl_parts import without_armour
from service.application.origin_headers import OriginHeaders
from service.core.der.crl import CrlHead, read_crl_head
from service.core.model.attempt import Attempt


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


def signers_for(data: memoryview, book: SignerBook) -> tuple[CrlSigner, ...]:
    """Those who may have signed a CRL, as it came.

    Raises:
        MalformedError: it does not decode.
        PemError: nor does its armour.
    """
    return book.for_crl(without_armour(data))
