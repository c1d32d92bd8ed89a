"""Evidence that came with a request: added to what is held, for that request alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from service.application.submission import SubmissionError
from service.core.crl.entries import entry_key, prevailing, rows
from service.core.crl.scope import asked_issuers
from service.core.der.crl import CrlDocument, read_crl
from service.core.der.crl_entry import unpack
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.der.signature import SignatureResult, verify
from service.core.model.budget import Budget, Limits
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlEntry, CrlFinding
from service.core.model.evidence import CrlWanted
from service.core.model.evidence_tier import Tier
from service.core.model.key import PublicKey
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import OcspFinding
from service.core.names.comparison import canonical, same_name
from service.core.path.building import is_too_long

SOURCE = "evidence"
"""What verdicts call the source of inline evidence."""

MAX_CRLS = 100
"""CRLs that one request may bring: a partition for each certificate of the longest path, ten times over."""

MAX_OCSP_RESPONSES = 100
"""OCSP responses that one request may bring, likewise."""

MAX_CACHED_CRLS = 16
"""CRLs of earlier requests that are kept as they were read: who brings evidence brings the same one often."""

MAX_CACHED_OCTETS = 1 << 18
"""Longer ones are read each time: 7,000 entries, which take 2 MiB when they are read."""


class InlineSignatures:
    """Whether CRLs that came with one request verify under keys, each pair tried once and paid for out of one budget.

    Mutable: made for one request and dropped with it. A request may bring a hundred CRLs in the name of one authority,
    and certificates with as many keys for that name.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        """Start with as many signatures as one assessment may verify."""
        self._budget = Budget(limits or Limits())
        self._known: dict[tuple[bytes, bytes], bool] = {}

    def verifies(self, document: CrlDocument, key: PublicKey) -> bool:
        """Whether a CRL verifies under a key; none does under one that is too long to work with, and nothing is paid.

        Raises:
            BudgetExhaustedError: too many were verified before it.
        """
        if is_too_long(key):
            return False
        pair = (document.meta.digest, key.spki)
        if pair not in self._known:
            self._budget.spend_signature()
            self._known[pair] = verify(document.signature, key) is SignatureResult.VALID
        return self._known[pair]


@dataclass(frozen=True, slots=True)
class InlineCrl:
    """One CRL, indexed once for all the certificates that it is asked about.

    Attributes:
        records: What it says under each key, of several entries the one that counts, as in the store.
    """

    document: CrlDocument
    records: Mapping[bytes, bytes]

    @property
    def repeats_entries(self) -> bool:
        """Whether it lists some certificate twice."""
        return len(self.records) < self.document.meta.entries

    def entry(self, certificate: Certificate) -> CrlEntry | None:
        """The entry for a certificate."""
        record = self.records.get(entry_key(canonical(self.document.meta.issuer.der), certificate))
        return None if record is None else unpack(record)


@dataclass(frozen=True, slots=True)
class InlineEvidence:
    """What came with one request, read.

    Attributes:
        ignored: What does not parse, in words, for the answer's detail.
    """

    crls: tuple[InlineCrl, ...] = ()
    ocsp: tuple[OcspFinding, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing came that could be evidence."""
        return not self.crls and not self.ocsp

    def crl_findings(self, wanted: CrlWanted, signatures: InlineSignatures) -> tuple[CrlFinding, ...]:
        """Each CRL whose issuer may speak for the certificate in question, asked about it.

        Raises:
            BudgetExhaustedError: too many signatures were verified.
        """
        if not self.crls:
            return ()
        issuers = asked_issuers(wanted.certificate)
        return tuple(
            CrlFinding(
                meta=crl.document.meta,
                entry=crl.entry(wanted.certificate),
                signer_spki=_signer(crl.document, (wanted.issuer, *wanted.signers), signatures),
                source=SOURCE,
                tier=Tier.EVIDENCE,
                repeats_entries=crl.repeats_entries,
            )
            for crl in self.crls
            if canonical(crl.document.meta.issuer.der) in issuers
        )


def _signer(document: CrlDocument, candidates: Iterable[Certificate], signatures: InlineSignatures) -> bytes | None:
    """The first of the keys under which a CRL verifies; one of another name than the CRL's issuer is not tried."""
    for candidate in candidates:
        if same_name(candidate.subject, document.meta.issuer) and signatures.verifies(document, candidate.public_key):
            return candidate.public_key.spki
    return None


def read_inline_evidence(crls: Iterable[bytes], ocsp_responses: Iterable[bytes]) -> InlineEvidence:
    """Read what came with a request; what does not parse is named and ignored.

    What is too much is not ignored: of two CRLs the one that is left out might be the one that revokes.

    Args:
        crls: DER of each CRL.
        ocsp_responses: DER of each OCSP response.

    Raises:
        SubmissionError: there are more CRLs or OCSP responses than a request may bring.
    """
    given_crls, given_responses = tuple(crls), tuple(ocsp_responses)
    _check_number(given_crls, "CRLs", MAX_CRLS)
    _check_number(given_responses, "OCSP responses", MAX_OCSP_RESPONSES)
    read_crls: list[InlineCrl] = []
    read_ocsp: list[OcspFinding] = []
    ignored: list[str] = []
    for number, der in enumerate(given_crls, 1):
        try:
            read_crls.append(_cached_crl(der) if len(der) <= MAX_CACHED_OCTETS else _read_crl(der))
        except MalformedError as error:
            ignored.append(f"CRL {number}: {error.reason}")
    for number, der in enumerate(given_responses, 1):
        try:
            read_ocsp.append(OcspFinding(read_ocsp_response(der), SOURCE, Tier.EVIDENCE))
        except MalformedError as error:
            ignored.append(f"OCSP response {number}: {error.reason}")
        except ResponderError as error:
            ignored.append(f"OCSP response {number}: {error}")
    return InlineEvidence(tuple(read_crls), tuple(read_ocsp), tuple(ignored))


def _check_number(given: tuple[bytes, ...], what: str, limit: int) -> None:
    if len(given) > limit:
        raise SubmissionError(f"{len(given)} {what}; the limit is {limit}")


def _read_crl(der: bytes) -> InlineCrl:
    document = read_crl(der)
    records: dict[bytes, bytes] = {}
    for key, record in rows(document):
        earlier = records.get(key)
        records[key] = record if earlier is None else prevailing(earlier, record)
    return InlineCrl(document, records)


_cached_crl = lru_cache(maxsize=MAX_CACHED_CRLS)(_read_crl)
