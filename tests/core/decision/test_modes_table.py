"""docs/revocation.md says what happens in every situation and mode; here each row of its table happens."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from service.core.crl import entries
from service.core.decision.assessment import AssessmentRequest, assess
from service.core.der.certificate import read_certificate
from service.core.der.crl import read_crl
from service.core.der.crl_entry import unpack
from service.core.der.ocsp import read_ocsp_response
from service.core.der.signature import SignatureResult, verify
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlFinding
from service.core.model.evidence import (
    CrlWanted,
    Evidence,
    GatheredCrls,
    GatheredOcsp,
    NeedEvidence,
    OcspWanted,
    Reach,
)
from service.core.model.evidence_tier import Tier
from service.core.model.ocsp import OcspFinding
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode
from service.core.model.verdict import Verdict
from service.core.names.comparison import canonical
from service.core.path.trust_store import build_trust_store
from tests.pki import NOW, Answer, Authority, CertificateOverrides, Issued, hours

DOCUMENT = Path(__file__).parents[3] / "docs" / "revocation.md"
CRL_URL = "http://crl.example/a.crl"
OCSP_URL = "http://ocsp.example/"
STATUSES: dict[str, Literal["good", "revoked", "unknown"]] = {
    "good": "good",
    "revoked": "revoked",
    "unknown": "unknown",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One situation in one mode, as the document has it."""

    crl: str
    ocsp: str
    order: EvidenceOrder
    mode: RevocationMode
    expected: str


def rows() -> Iterator[Row]:
    """The table between its marks, a row for each mode."""
    text = DOCUMENT.read_text().partition("<!-- modes: begin -->")[2].partition("<!-- modes: end -->")[0]
    header, _, *lines = ([cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.strip().splitlines())
    for crl, ocsp, order, *cells in lines:
        for mode, expected in zip(header[3:], cells, strict=True):
            yield Row(crl, ocsp, EvidenceOrder(order), RevocationMode(mode), expected)


@dataclass(frozen=True, slots=True)
class Subject:
    """The certificate that a row is about, and its issuer."""

    issuer: Authority
    issued: Issued
    row: Row

    def crl(self) -> bytes:
        """The CRL of the row's situation."""
        what = self.row.crl
        revoked = [self.issued.serial] if what.startswith("revoked") else []
        if what.startswith("stale"):
            return self.issuer.crl(this_update=NOW - hours(48), next_update=NOW - hours(24))
        return self.issuer.crl(revoked=revoked, corrupt_signature=what.startswith("badly signed"))

    def ocsp(self) -> bytes:
        """The OCSP answer of the row's situation."""
        return self.issuer.ocsp(Answer(self.issued, status=STATUSES[self.row.ocsp.partition(",")[0]]))


def declared(row: Row) -> CertificateOverrides:
    """What a certificate in the row's situation declares: the sources that would have to be fetched."""
    overrides: CertificateOverrides = {}
    if row.crl.endswith(("at the origin", "unreachable")):
        overrides["crl_urls"] = [CRL_URL]
    if row.ocsp.endswith(("at the origin", "unreachable")):
        overrides["ocsp_urls"] = [OCSP_URL]
    return overrides


def finding(der: bytes, wanted: CrlWanted, tier: Tier) -> CrlFinding:
    """A CRL asked about the certificate that is wanted."""
    document = read_crl(der)
    key = entries.entry_key(canonical(document.meta.issuer.der), wanted.certificate)
    entry = next((unpack(record) for listed, record in entries.rows(document) if listed == key), None)
    issuer = wanted.issuer.public_key
    signer = issuer.spki if verify(document.signature, issuer) is SignatureResult.VALID else None
    return CrlFinding(document.meta, entry, signer, CRL_URL, tier)


def is_at(situation: str, reach: Reach) -> bool:
    """Whether a source gives anything at a reach."""
    return situation.endswith("held" if reach is Reach.HELD else "at the origin")


def decide(leaf: Issued, authorities: tuple[Authority, Authority], subject: Subject) -> Verdict:
    """Assess and bring what is lacking until there is a verdict."""
    store = build_trust_store("default", [read_certificate(one.der) for one in authorities])
    policy = Policy(revocation_mode=subject.row.mode, evidence_order=subject.row.order)
    request = AssessmentRequest(read_certificate(leaf.der), store)
    evidence = Evidence()
    for _ in range(8):
        outcome = assess(request, evidence, policy, NOW)
        if isinstance(outcome, Verdict):
            return outcome
        evidence = gather(outcome, evidence, subject, authorities, leaf)
    pytest.fail("no verdict after eight rounds")


def gather(
    need: NeedEvidence, evidence: Evidence, subject: Subject, authorities: tuple[Authority, Authority], leaf: Issued
) -> Evidence:
    """What the row's situation gives for each thing wanted; about the path's other certificate everything is good."""
    crls: dict[CrlWanted, GatheredCrls] = {}
    ocsp: dict[OcspWanted, GatheredOcsp] = {}
    root, sub = authorities
    for wanted in need.wanted:
        tier = Tier.HOST if wanted.reach is Reach.HELD else Tier.ORIGIN
        is_subject = wanted.certificate.der == subject.issued.der
        issuer, issued = (sub, leaf) if wanted.certificate.der == leaf.der else (root, sub.issued)
        attempts = (Attempt("http://nobody.example/", Problem.UNREACHABLE),) if wanted.reach is Reach.ORIGIN else ()
        match wanted:
            case CrlWanted() if not is_subject:
                crls[wanted] = GatheredCrls((finding(issuer.crl(), wanted, tier),), names_issuer=True)
            case CrlWanted() if is_at(subject.row.crl, wanted.reach):
                crls[wanted] = GatheredCrls((finding(subject.crl(), wanted, tier),), names_issuer=True)
            case CrlWanted():
                crls[wanted] = GatheredCrls((), attempts)
            case OcspWanted() if not is_subject:
                ocsp[wanted] = GatheredOcsp((OcspFinding(read_ocsp_response(issuer.ocsp(issued)), OCSP_URL, tier),))
            case OcspWanted() if is_at(subject.row.ocsp, wanted.reach):
                ocsp[wanted] = GatheredOcsp((OcspFinding(read_ocsp_response(subject.ocsp()), OCSP_URL, tier),))
            case OcspWanted():
                ocsp[wanted] = GatheredOcsp((), attempts)
    return evidence.adding(crls, ocsp)


ROWS = list(rows())


def name(row: Row) -> str:
    """What a failing row is called."""
    return f"{row.mode.value}-{row.order.value}: CRL {row.crl}; OCSP {row.ocsp}"


def judged(verdict: Verdict) -> str:
    """A verdict as the table writes it."""
    return f"{verdict.decision.value} {verdict.status.value}"


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_row_for_the_leaf(row: Row) -> None:
    """The leaf is in the row's situation; the intermediate is good."""
    root = Authority.root("Root")
    sub = root.subordinate("Sub")
    leaf = sub.issue("leaf", **declared(row))
    assert row.expected == judged(decide(leaf, (root, sub), Subject(sub, leaf, row)))


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_row_for_an_intermediate(row: Row) -> None:
    """The intermediate is in the row's situation; the leaf is good."""
    root = Authority.root("Root")
    sub = root.subordinate("Sub", **declared(row))
    leaf = sub.issue("leaf")
    assert row.expected == judged(decide(leaf, (root, sub), Subject(root, sub.issued, row)))


def test_the_table_is_read() -> None:
    """An empty table, or one whose marks are gone, would pass in silence."""
    assert 24 * len(RevocationMode) == len(ROWS)
