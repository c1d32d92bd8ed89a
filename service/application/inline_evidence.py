"""Evidence that came with a request: added to what is held, for that request alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.core.der import tlv
from service.core.der.crl import CrlDocument, read_crl
from service.core.der.crl_entry import unpack
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.der.signature import SignatureResult, verify
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlEntry, CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import OcspFinding
from service.core.names.comparison import same_name

SOURCE = "evidence"
"""What verdicts call the source of inline evidence."""


@dataclass(frozen=True, slots=True)
class InlineEvidence:
    """What came with one request, read.

    Attributes:
        ignored: What does not parse, in words, for the answer's detail.
    """

    crls: tuple[CrlDocument, ...] = ()
    ocsp: tuple[OcspFinding, ...] = ()
    ignored: tuple[str, ...] = ()

    def crl_findings(self, certificate: Certificate, issuer: Certificate) -> tuple[CrlFinding, ...]:
        """Each CRL that names the issuer, asked about the certificate."""
        return tuple(
            CrlFinding(
                meta=document.meta,
                entry=_entry(document, certificate.serial_number),
                signer_spki=_signer(document, issuer),
                source=SOURCE,
                tier=Tier.EVIDENCE,
            )
            for document in self.crls
            if same_name(document.meta.issuer, issuer.subject)
        )


def _entry(document: CrlDocument, serial_number: int) -> CrlEntry | None:
    """The entry for a serial number; of several the last one, as in the store."""
    serial = tlv.integer_octets(serial_number)
    found = None
    for row in document.rows():
        if row.serial == serial:
            found = unpack(row.serial, row.record)
    return found


def _signer(document: CrlDocument, issuer: Certificate) -> bytes | None:
    verified = verify(document.signature, issuer.public_key) is SignatureResult.VALID
    return issuer.public_key.spki if verified else None


def read_inline_evidence(crls: Iterable[bytes], ocsp_responses: Iterable[bytes]) -> InlineEvidence:
    """Read what came with a request; what does not parse is named and ignored.

    Args:
        crls: DER of each CRL.
        ocsp_responses: DER of each OCSP response.
    """
    read_crls: list[CrlDocument] = []
    read_ocsp: list[OcspFinding] = []
    ignored: list[str] = []
    for number, der in enumerate(crls, 1):
        try:
            read_crls.append(read_crl(der))
        except MalformedError as error:
            ignored.append(f"CRL {number}: {error.reason}")
    for number, der in enumerate(ocsp_responses, 1):
        try:
            read_ocsp.append(OcspFinding(read_ocsp_response(der), SOURCE, Tier.EVIDENCE))
        except MalformedError as error:
            ignored.append(f"OCSP response {number}: {error.reason}")
        except ResponderError as error:
            ignored.append(f"OCSP response {number}: {error}")
    return InlineEvidence(tuple(read_crls), tuple(read_ocsp), tuple(ignored))
