"""Evidence that comes with a request: read, verified where it is used, and named where it is not."""

from dataclasses import replace
from typing import Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.inline_evidence import (
    MAX_CRLS,
    MAX_OCSP_RESPONSES,
    InlineEvidence,
    InlineSignatures,
    read_inline_evidence,
)
from service.application.submission import SubmissionError
from service.core.crl.scope import MAX_CRL_ISSUERS
from service.core.der.crl import read_crl
from service.core.der.key import read_public_key
from service.core.model.budget import BudgetExhaustedError, Limits
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlEntry, CrlFinding
from service.core.model.evidence import Reach
from service.core.model.evidence_tier import Tier
from service.core.model.reason import Reason
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB, crls_wanted, leaf, read
from tests.pki import (
    REVOKED_AT,
    Authority,
    DistributionPoint,
    Entry,
    IssuingDistributionPoint,
    der,
    key,
    ocsp_error,
    public_key,
)
from tests.pki.keys import spki

LEAF: Final = leaf()
CRL: Final = SUB.crl()
ANSWER: Final = SUB.ocsp(LEAF.serial_number)


def about(
    certificate: Certificate, *crls: bytes, issuer: Authority = SUB, signers: tuple[Authority, ...] = ()
) -> tuple[CrlFinding, ...]:
    """What inline CRLs say of a certificate."""
    wanted = replace(crls_wanted(certificate, issuer, *signers), reach=Reach.HELD)
    return read_inline_evidence(crls, []).crl_findings(wanted, InlineSignatures())


def about_leaf(*crls: bytes, issuer: Authority = SUB) -> tuple[CrlFinding, ...]:
    """What inline CRLs say of the leaf."""
    return about(LEAF, *crls, issuer=issuer)


def test_what_is_read() -> None:
    """CRLs and OCSP answers in order; nothing was ignored."""
    evidence = read_inline_evidence([CRL, ROOT.crl()], [ANSWER])
    assert (["CN=Sub", "CN=Root"], 1, ()) == (
        [crl.document.meta.issuer.text for crl in evidence.crls],
        len(evidence.ocsp),
        evidence.ignored,
    )
    assert ("evidence", Tier.EVIDENCE) == (evidence.ocsp[0].source, evidence.ocsp[0].tier)


def test_nothing_came() -> None:
    """That is no evidence and no fault."""
    assert InlineEvidence() == read_inline_evidence([], [])


@pytest.mark.parametrize("garbage", [b"", b"\x30", b"garbage", CRL[:-1], CRL + b"\x00", SUB.der, ANSWER])
def test_a_crl_that_is_none(garbage: bytes) -> None:
    """It is ignored and named by its number, the others count."""
    evidence = read_inline_evidence([CRL, garbage], [])
    (named,) = evidence.ignored
    assert (1, True) == (len(evidence.crls), named.startswith("CRL 2: ") and len(named) > len("CRL 2: "))


@pytest.mark.parametrize("garbage", [b"", b"\x30", b"garbage", ANSWER[:-1], ANSWER + b"\x00", SUB.der, CRL])
def test_an_ocsp_response_that_is_none(garbage: bytes) -> None:
    """It is ignored and named by its number, the others count."""
    evidence = read_inline_evidence([], [garbage, ANSWER])
    (named,) = evidence.ignored
    prefix = "OCSP response 1: "
    assert (1, True) == (len(evidence.ocsp), named.startswith(prefix) and len(named) > len(prefix))


def test_an_ocsp_response_that_is_an_error() -> None:
    """Which error is named."""
    evidence = read_inline_evidence([], [ocsp_error("tryLater")])
    assert InlineEvidence(ignored=("OCSP response 1: try_later",)) == evidence


@given(st.lists(st.binary(max_size=64), max_size=4), st.lists(st.binary(max_size=64), max_size=4))
def test_any_octets(crls: list[bytes], responses: list[bytes]) -> None:
    """Whatever comes is read or named, one by one."""
    evidence = read_inline_evidence(crls, responses)
    assert len(crls) + len(responses) == len(evidence.crls) + len(evidence.ocsp) + len(evidence.ignored)


@given(st.data())
def test_a_damaged_crl(data: st.DataObject) -> None:
    """A CRL with one octet changed is read or named; it verifies only where nothing was changed."""
    position = data.draw(st.integers(0, len(CRL) - 1))
    octet = data.draw(st.integers(0, 255))
    damaged = CRL[:position] + bytes((octet,)) + CRL[position + 1 :]
    evidence = read_inline_evidence([damaged], [ANSWER])
    assert 1 == len(evidence.crls) + len(evidence.ignored)
    for finding in evidence.crl_findings(crls_wanted(LEAF), InlineSignatures()):
        assert finding.signer_spki is None or damaged == CRL


def test_a_crl_says_under_whose_key_it_verifies() -> None:
    """It is verified here, where it is used for the first time."""
    (finding,) = about_leaf(CRL)
    assert (SUB.issued.spki, None, "evidence", Tier.EVIDENCE) == (
        finding.signer_spki,
        finding.entry,
        finding.source,
        finding.tier,
    )


@pytest.mark.parametrize(
    "crl", [NAMESAKE.crl(), SUB.crl(corrupt_signature=True), SUB.crl(signing_key=STRANGER.key)],
    ids=["namesake", "corrupt", "another key"],
)  # fmt: skip
def test_a_crl_that_does_not_verify(crl: bytes) -> None:
    """It is shown as what nobody signed; the core refuses it and says so."""
    assert [None] == [finding.signer_spki for finding in about_leaf(crl)]


def test_an_algorithm_that_nobody_verifies() -> None:
    """It is no signature either."""
    unknown = der.seq(der.oid("1.2.3.4"))
    crl = SUB.crl(inner_algorithm=unknown, outer_algorithm=unknown)
    assert [None] == [finding.signer_spki for finding in about_leaf(crl)]


def test_the_key_is_that_of_the_issuer_in_question() -> None:
    """For a namesake of the issuer the same CRL is nobody's."""
    assert [None] == [finding.signer_spki for finding in about_leaf(CRL, issuer=NAMESAKE)]


def test_crls_of_others_say_nothing() -> None:
    """Only those that bear the issuer's name are asked."""
    assert () == about_leaf(ROOT.crl(), STRANGER.crl())


def test_the_entry() -> None:
    """The certificate's own, out of many."""
    (finding,) = about_leaf(SUB.crl(revoked={1: None, LEAF.serial_number: "superseded", 2: None}))
    assert CrlEntry(REVOKED_AT, Reason.SUPERSEDED) == finding.entry


def test_no_entry() -> None:
    """Serial numbers that begin or end like it are others."""
    serial = LEAF.serial_number
    (finding,) = about_leaf(SUB.crl(revoked=[serial >> 8, serial & 0xFF, serial << 8, -serial]))
    assert None is finding.entry


@pytest.mark.parametrize(
    ("reasons", "counting"),
    [
        (("superseded", "keyCompromise"), Reason.KEY_COMPROMISE),
        (("keyCompromise", "superseded"), Reason.SUPERSEDED),
        (("superseded", "removeFromCRL"), Reason.SUPERSEDED),
        (("removeFromCRL", "superseded"), Reason.SUPERSEDED),
        (("superseded", "removeFromCRL", "removeFromCRL"), Reason.SUPERSEDED),
        (("removeFromCRL", "removeFromCRL"), Reason.REMOVE_FROM_CRL),
    ],
)
def test_of_several_entries_one(reasons: tuple[Literal["superseded"], ...], counting: Reason) -> None:
    """As in the store: the last one, but no removal over a revocation."""
    listed = [Entry(LEAF.serial_number, reason) for reason in reasons]
    (finding,) = about_leaf(SUB.crl(revoked=[*listed, Entry(1)]))
    assert CrlEntry(REVOKED_AT, counting) == finding.entry


def test_a_renewed_key() -> None:
    """Another certificate of the issuer's name may have signed: under which key it verifies is said."""
    renewed = ROOT.subordinate("Sub", key=key("p384", 5))
    (finding,) = about(LEAF, renewed.crl(), signers=(NAMESAKE, renewed))
    assert renewed.issued.spki == finding.signer_spki


def test_a_key_of_another_name_is_not_tried() -> None:
    """What it signs in the issuer's name is nobody's."""
    (finding,) = about(LEAF, STRANGER.crl(issuer_name="Sub"), signers=(STRANGER,))
    assert finding.signer_spki is None


INDIRECT: Final = leaf("indirect", crl_urls=[DistributionPoint(["http://crl.example/"], crl_issuer="Lists")])
LISTS: Final = ROOT.subordinate("Lists")


def test_a_crl_of_another_issuer() -> None:
    """The one that the certificate names is asked, and entries under another issuer than its own are others."""
    serial = INDIRECT.serial_number
    idp = IssuingDistributionPoint(["http://crl.example/"], indirect=True)
    mine = LISTS.crl(idp=idp, revoked=[Entry(serial, certificate_issuer="Sub")])
    others = LISTS.crl(idp=idp, revoked=[Entry(serial), Entry(serial, certificate_issuer="Root")])
    findings = about(INDIRECT, mine, others, STRANGER.crl(), signers=(LISTS,))
    assert [(LISTS.issued.spki, True), (LISTS.issued.spki, False)] == [
        (finding.signer_spki, finding.entry is not None) for finding in findings
    ]
    assert () == about(LEAF, mine, signers=(LISTS,))


def test_more_issuers_than_are_asked() -> None:
    """Nor are inline CRLs of the others looked at."""
    names = [f"Lists {number}" for number in range(MAX_CRL_ISSUERS)]
    points = [DistributionPoint(["http://crl.example/"], crl_issuer=name) for name in names]
    certificate = leaf("many", crl_urls=[*points, points[0]])
    crls = [SUB.crl(), *(Authority.root(name).crl() for name in names)]
    asked = [finding.meta.issuer.text for finding in about(certificate, *crls)]
    assert ["CN=Sub", *(f"CN={name}" for name in names[:-1])] == asked


def test_a_signature_is_verified_once() -> None:
    """However often it is asked for: only what is new is paid for."""
    signatures = InlineSignatures(Limits(signatures=2))
    document = read_crl(CRL)
    keys = [read(authority).public_key for authority in (NAMESAKE, SUB)]
    for _ in range(3):
        assert [False, True] == [signatures.verifies(document, key) for key in keys]
    with pytest.raises(BudgetExhaustedError) as spent:
        signatures.verifies(document, read(STRANGER).public_key)
    assert ("signatures", 2) == (spent.value.resource, spent.value.limit)


def test_a_key_that_is_too_long_is_not_worked_with() -> None:
    """Nothing verifies under RSA-16384, and nothing is paid for it; what a shorter key refuses is paid for."""
    document = read_crl(Authority.root("Sub", key=key("rsa2048")).crl())
    signatures = InlineSignatures(Limits(signatures=0))
    assert not signatures.verifies(document, read_public_key(spki(public_key("rsa16384"))))
    with pytest.raises(BudgetExhaustedError):
        signatures.verifies(document, read_public_key(spki(public_key("rsa4096"))))


def test_as_many_pieces_as_a_request_may_bring() -> None:
    """One more is refused whole: the one that is left out might be the one that revokes."""
    evidence = read_inline_evidence([CRL] * MAX_CRLS, [ANSWER] * MAX_OCSP_RESPONSES)
    assert (MAX_CRLS, MAX_OCSP_RESPONSES) == (len(evidence.crls), len(evidence.ocsp))
    with pytest.raises(SubmissionError, match="101 CRLs; the limit is 100"):
        read_inline_evidence([b""] * (MAX_CRLS + 1), [])
    with pytest.raises(SubmissionError, match="101 OCSP responses; the limit is 100"):
        read_inline_evidence([], [b""] * (MAX_OCSP_RESPONSES + 1))


def test_each_crl_is_a_finding() -> None:
    """The core decides which of them counts."""
    assert [2, 1] == [finding.meta.crl_number for finding in about_leaf(SUB.crl(number=2), SUB.crl(number=1))]
