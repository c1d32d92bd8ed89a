"""Evidence that comes with a request: read, verified where it is used, and named where it is not."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.inline_evidence import InlineEvidence, read_inline_evidence
from service.core.model.crl import CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.model.reason import Reason
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB, leaf, read
from tests.pki import Authority, Entry, der, ocsp_error

LEAF: Final = leaf()
CRL: Final = SUB.crl()
ANSWER: Final = SUB.ocsp(LEAF.serial_number)


def about_leaf(*crls: bytes, issuer: Authority = SUB) -> tuple[CrlFinding, ...]:
    """What inline CRLs say of the leaf."""
    return read_inline_evidence(crls, []).crl_findings(LEAF, read(issuer))


def test_what_is_read() -> None:
    """CRLs and OCSP answers in order; nothing was ignored."""
    evidence = read_inline_evidence([CRL, ROOT.crl()], [ANSWER])
    assert (["CN=Sub", "CN=Root"], 1, ()) == (
        [document.meta.issuer.text for document in evidence.crls],
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
    for finding in evidence.crl_findings(LEAF, read(SUB)):
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
    assert finding.entry is not None
    assert (LEAF.serial_number, Reason.SUPERSEDED) == (finding.entry.serial_number, finding.entry.reason)


def test_no_entry() -> None:
    """Serial numbers that begin or end like it are others."""
    serial = LEAF.serial_number
    (finding,) = about_leaf(SUB.crl(revoked=[serial >> 8, serial & 0xFF, serial << 8, -serial]))
    assert None is finding.entry


def test_of_several_entries_the_last() -> None:
    """As in the store."""
    serial = LEAF.serial_number
    (finding,) = about_leaf(SUB.crl(revoked=[Entry(serial, "superseded"), Entry(serial, "keyCompromise"), Entry(1)]))
    assert finding.entry is not None
    assert Reason.KEY_COMPROMISE is finding.entry.reason


def test_each_crl_is_a_finding() -> None:
    """The core decides which of them counts."""
    assert [2, 1] == [finding.meta.crl_number for finding in about_leaf(SUB.crl(number=2), SUB.crl(number=1))]
