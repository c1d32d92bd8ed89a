"""A shell around the core with everything in memory: it answers what `assess` asks for, and remembers what that was.

Rules: it does what the service does and no more. A finding's signer is the key under which the signature really
verifies; a source is asked only where the certificate names one; what is not there is an attempt. It insists on the
promises of `assess`: nothing is asked twice, never for nothing, and the rounds are bounded.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.core.crl.entries import entry_key, rows
from service.core.crl.scope import crl_issuers
from service.core.decision.assessment import AssessmentRequest, assess
from service.core.decision.block_list import NO_BLOCKS, StandingBlocks
from service.core.der.certificate import read_certificate
from service.core.der.crl import CrlDocument, read_crl
from service.core.der.crl_entry import unpack
from service.core.der.ocsp import read_ocsp_response
from service.core.der.signature import SignatureResult, verify
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlFinding
from service.core.model.evidence import (
    CrlWanted,
    Evidence,
    GatheredCrls,
    GatheredOcsp,
    NeedEvidence,
    OcspWanted,
    Reach,
    Wanted,
)
from service.core.model.evidence_tier import Tier
from service.core.model.ocsp import OcspFinding
from service.core.model.policy import Policy
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import Verdict
from service.core.names.comparison import canonical, same_name
from service.core.ocsp.cert_id import is_about
from service.core.path.trust_store import build_trust_store
from tests.pki import NOW, Authority, Issued

CRL_URL: Final = "http://crl.example/"
OCSP_URL: Final = "http://ocsp.example/"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Signed evidence within one reach, as DER.

    Attributes:
        kept: Paths of CRL signers that are kept beside their CRLs, themselves first.
    """

    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    kept: tuple[tuple[Authority | Issued, ...], ...] = ()


NOTHING: Final = Shelf()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict and how it came about.

    Attributes:
        rounds: What was asked for, round by round, in words: `leaf crl held`.
        request: The question.
        evidence: Everything that was gathered for it.
    """

    verdict: Verdict
    rounds: tuple[frozenset[str], ...]
    request: AssessmentRequest
    evidence: Evidence

    @property
    def fetched(self) -> frozenset[str]:
        """What the origin was asked for."""
        return frozenset(asked for one in self.rounds for asked in one if asked.endswith("origin"))


def trusting(*certificates: Issued | Authority) -> TrustStore:
    """A trust store: self-signed certificates are anchors, the others intermediates."""
    return build_trust_store("test", (read_certificate(one.der) for one in certificates))


def ask(
    leaf: Issued | Authority,
    store: TrustStore,
    *,
    held: Shelf = NOTHING,
    origin: Shelf = NOTHING,
    waiting: Shelf = NOTHING,
    policy: Policy | None = None,
    at: datetime = NOW,
    blocks: StandingBlocks = NO_BLOCKS,
) -> Outcome:
    """Take one question to its verdict.

    Args:
        leaf: The certificate in question.
        store: Anchors and intermediates.
        held: What came with the request and what this host holds.
        origin: What the sources that certificates name would answer.
        waiting: What waits on this host for somebody who has signed it.
        policy: The service's defaults unless given.
        at: The moment in question.
        blocks: What an operator has blocked.
    """
    rules = policy or Policy()
    request = AssessmentRequest(read_certificate(leaf.der), store, blocks)
    evidence = Evidence()
    rounds: list[frozenset[str]] = []
    while len(rounds) <= rules.limits.rounds:
        outcome = assess(request, evidence, rules, at)
        if isinstance(outcome, Verdict):
            return Outcome(outcome, tuple(rounds), request, evidence)
        rounds.append(frozenset(_in_words(wanted) for wanted in outcome.wanted))
        evidence = _answering(outcome, evidence, {Reach.HELD: held, Reach.WAITING: waiting}, origin)
    raise AssertionError(f"still no verdict after {len(rounds)} rounds: {rounds}")


def _in_words(wanted: Wanted) -> str:
    method = "crl" if isinstance(wanted, CrlWanted) else "ocsp"
    return f"{wanted.certificate.subject.text.removeprefix('CN=')} {method} {wanted.reach.value}"


def _answering(need: NeedEvidence, evidence: Evidence, here: Mapping[Reach, Shelf], origin: Shelf) -> Evidence:
    assert need.wanted, "asked for nothing"
    crls: dict[CrlWanted, GatheredCrls] = {}
    ocsp: dict[OcspWanted, GatheredOcsp] = {}
    for wanted in need.wanted:
        shelf = here.get(wanted.reach, origin)
        match wanted:
            case CrlWanted():
                assert wanted not in evidence.crls, f"asked twice: {_in_words(wanted)}"
                crls[wanted] = _crls(wanted, shelf, here[Reach.WAITING])
            case OcspWanted():
                assert wanted not in evidence.ocsp, f"asked twice: {_in_words(wanted)}"
                ocsp[wanted] = _ocsp(wanted, shelf)
    return evidence.adding(crls, ocsp)


def _crls(wanted: CrlWanted, shelf: Shelf, waiting: Shelf) -> GatheredCrls:
    issuers = crl_issuers(wanted.certificate)
    documents = (read_crl(crl) for crl in shelf.crls)
    findings = tuple(
        _crl_finding(document, wanted, shelf.kept)
        for document in documents
        if any(same_name(document.meta.issuer, name) for name in issuers)
    )
    if wanted.reach is Reach.HELD:
        names = [read_crl(crl).meta.issuer for crl in waiting.crls]
        waits = any(same_name(name, one) for name in names for one in issuers)
        return GatheredCrls(findings, names_issuer=bool(findings) or waits, waiting=waits)
    if wanted.reach is Reach.WAITING:
        return GatheredCrls(tuple(one for one in findings if one.signer_spki is not None))
    assert wanted.points, "asked for CRLs that nobody declares"
    return GatheredCrls(findings, () if findings else (Attempt(CRL_URL, Problem.UNREACHABLE),))


def _crl_finding(
    document: CrlDocument, wanted: CrlWanted, kept: tuple[tuple[Authority | Issued, ...], ...]
) -> CrlFinding:
    paths = [tuple(one.der for one in path) for path in kept]
    signers = (wanted.issuer, *wanted.signers, *(read_certificate(path[0]) for path in paths))
    spki = next((one.public_key.spki for one in signers if _verifies(document, one)), None)
    key = entry_key(canonical(document.meta.issuer.der), wanted.certificate)
    listed = [unpack(record) for its_key, record in rows(document) if its_key == key]
    return CrlFinding(
        meta=document.meta,
        entry=listed[-1] if listed else None,
        signer_spki=spki,
        source=_source(wanted.reach, CRL_URL),
        tier=_tier(wanted.reach),
        signer_paths=tuple(path for path in paths if read_certificate(path[0]).public_key.spki == spki),
    )


def _verifies(document: CrlDocument, signer: Certificate) -> bool:
    return verify(document.signature, signer.public_key) is SignatureResult.VALID


def _ocsp(wanted: OcspWanted, shelf: Shelf) -> GatheredOcsp:
    findings = tuple(
        OcspFinding(response, _source(wanted.reach, OCSP_URL), _tier(wanted.reach))
        for response in map(read_ocsp_response, shelf.ocsp)
        if any(is_about(single.cert_id, wanted.certificate, wanted.issuer) for single in response.responses)
    )
    if wanted.reach is Reach.HELD:
        return GatheredOcsp(findings)
    assert wanted.responders, "asked a responder that nobody declares"
    return GatheredOcsp(findings, () if findings else (Attempt(OCSP_URL, Problem.UNREACHABLE),))


def _source(reach: Reach, url: str) -> str:
    return "evidence" if reach is Reach.HELD else url


def _tier(reach: Reach) -> Tier:
    return Tier.EVIDENCE if reach is Reach.HELD else Tier.ORIGIN


def same_apart_from_order(verdict: Verdict) -> tuple[object, ...]:
    """A verdict with everything that it says of each certificate, attempts in no order."""
    said = [
        (
            element.certificate,
            element.revocation.status,
            element.revocation.usable_until,
            _sorted(element.revocation.attempts),
        )
        for element in verdict.path
    ]
    return verdict.decision, verdict.status, verdict.code, verdict.valid_until, said


def _sorted(attempts: Iterable[Attempt]) -> list[str]:
    return sorted(map(repr, attempts))


def statuses(verdict: Verdict) -> Iterator[str]:
    """What is known of each certificate of the path, leaf first."""
    for element in verdict.path:
        yield (
            element.revocation.status.value
            if element.revocation.not_checked is None
            else element.revocation.not_checked.value
        )
