"""Certificates as callers write them: what is read, what is a decision, and what is the caller's mistake."""

from base64 import b64encode, encodebytes
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.submission import Submission, SubmissionError, read_der_list, read_submission
from service.core.model.certificate import Certificate
from service.core.model.failure import Malformed
from tests.application.chain import ROOT, STRANGER, SUB, read
from tests.pki import bundle, der, pem

LEAF: Final = SUB.issue("leaf")
MOST: Final = 10
KEY: Final = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAA=\n-----END PRIVATE KEY-----\n"
EMPTY_PEM: Final = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"

ANY_TEXT: Final = st.text(st.characters(exclude_categories=()))
"""Any text that JSON may hold: lone surrogates are part of it."""

PIECES: Final = st.lists(
    st.sampled_from([
        LEAF.pem,
        SUB.pem,
        KEY,
        EMPTY_PEM,
        "-----BEGIN CERTIFICATE-----\n",
        "-----END CERTIFICATE-----\n",
        "-----BEGIN ",
        "-----",
        b64encode(LEAF.der).decode(),
        "AAAA",
        "=",
        "\n",
        "\udcff",
        "%2B",
    ])
).map("".join)  # fmt: skip
"""What certificates are made of, put together in any way."""


def base64(octets: bytes) -> str:
    """Octets as JSON carries them."""
    return b64encode(octets).decode()


def read_one(certificate: str, *intermediates: str) -> Submission:
    """Read a request within the limit of most tests."""
    return read_submission(certificate, intermediates, MOST)


@pytest.mark.parametrize(
    "text",
    [
        LEAF.pem,
        LEAF.pem.replace("\n", "\r\n"),
        f"  \n{LEAF.pem}\n\n",
        f"subject=CN = leaf\n{LEAF.pem}",
        pem(LEAF.der, "X509 CERTIFICATE"),
        base64(LEAF.der),
        f" {base64(LEAF.der)}\n",
        encodebytes(LEAF.der).decode(),
        f"\u2003{base64(LEAF.der)}\u2003",
    ],
    ids=["PEM", "CRLF", "blanks around", "text before", "old label", "base64", "blanks", "lines", "wide blanks"],
)
def test_one_certificate(text: str) -> None:
    """In any of the forms that people paste."""
    assert Submission(read(LEAF), (), ()) == read_one(text)


def test_a_chain_in_pem() -> None:
    """The leaf comes first, whatever comes after it is an intermediate."""
    assert Submission(read(LEAF), (read(SUB), read(ROOT)), ()) == read_one(bundle([LEAF, SUB, ROOT]))


def test_intermediates_beside_it() -> None:
    """Those of the certificate's own text come first, and each text may hold several."""
    submission = read_one(bundle([LEAF, SUB]), bundle([ROOT, SUB]), base64(STRANGER.der))
    assert Submission(read(LEAF), (read(SUB), read(ROOT), read(SUB), read(STRANGER)), ()) == submission


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("not PEM", "neither PEM nor base64 of DER"),
        ("AAA", "neither PEM nor base64 of DER"),
        ("AAAA=AAA", "neither PEM nor base64 of DER"),
        ("AA-_", "neither PEM nor base64 of DER"),
        ("{}", "neither PEM nor base64 of DER"),
        ("\udcff", "neither PEM nor base64 of DER"),
        ("Zürich", "neither PEM nor base64 of DER"),
        ("AAAA\x00", "neither PEM nor base64 of DER"),
        (EMPTY_PEM, "PEM block 1 is empty"),
        (LEAF.pem.replace("-----END CERTIFICATE-----", ""), "PEM block 1 does not end"),
        (LEAF.pem.replace("M", "*"), "PEM block 1 does not hold base64"),
        (LEAF.pem.replace("M", "\udcff"), "PEM block 1 does not hold base64"),
        (LEAF.pem + SUB.pem[:-40], "PEM block 2 does not end"),
        ("-----BEGIN CERTIFICATE-----", "PEM block 1 does not end"),
        ("-----BEGIN \udcff-----", "no PEM block"),
    ],
)
def test_what_nobody_can_understand(text: str, reason: str) -> None:
    """It is the caller's mistake (a 400), and is told without repeating what came."""
    with pytest.raises(SubmissionError) as caught:
        read_one(text)
    assert (reason, reason) == (caught.value.reason, str(caught.value))


@pytest.mark.parametrize(
    "text",
    [
        base64(b"no certificate"),
        base64(LEAF.der[:-1]),
        base64(LEAF.der + b"\x00"),
        base64(SUB.crl()),
        pem(LEAF.der[:-1]),
        pem(b"\x30\x00"),
    ],
    ids=["garbage", "truncated", "longer", "a CRL", "truncated in PEM", "an empty SEQUENCE"],
)
def test_what_is_no_certificate_is_a_decision(text: str) -> None:
    """A caller must be able to deny on it, so that it is no mistake of the request."""
    leaf = read_one(text).leaf
    assert isinstance(leaf, Malformed)
    assert leaf.reason


def test_a_key_in_place_of_the_certificate() -> None:
    """It is a decision too, and says what it is."""
    assert Submission(Malformed("it is PEM of a PRIVATE KEY, not of a CERTIFICATE"), (), ()) == read_one(KEY)


def test_a_certificate_under_another_label() -> None:
    """What is called a CRL is not read as a certificate."""
    leaf = read_one(pem(LEAF.der, "X509 CRL")).leaf
    assert Malformed("it is PEM of a X509 CRL, not of a CERTIFICATE") == leaf


def test_a_malformed_leaf_keeps_its_intermediates() -> None:
    """They are read as if nothing were wrong."""
    submission = read_one(pem(b"\x30\x00") + SUB.pem)
    assert (True, (read(SUB),)) == (isinstance(submission.leaf, Malformed), submission.intermediates)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not PEM", "neither PEM nor base64 of DER"),
        ("", "empty"),
        (EMPTY_PEM, "PEM block 1 is empty"),
        (SUB.pem[:-10], "PEM block 1 does not end"),
        ("\udcff", "neither PEM nor base64 of DER"),
    ],
)
def test_an_intermediate_that_is_no_text_of_one(text: str, reason: str) -> None:
    """It is ignored and named, never a mistake; the others count."""
    submission = read_one(LEAF.pem, SUB.pem, text, ROOT.pem)
    assert Submission(read(LEAF), (read(SUB), read(ROOT)), (f"intermediate 2: {reason}",)) == submission


def test_an_intermediate_that_is_no_certificate() -> None:
    """The same for one that decodes to something else."""
    submission = read_one(LEAF.pem + KEY, SUB.pem, base64(b"garbage"))
    first, second = submission.ignored
    assert (read(SUB),) == submission.intermediates
    assert "intermediate 1: it is PEM of a PRIVATE KEY, not of a CERTIFICATE" == first
    assert second.startswith("intermediate 3: ")


def test_as_many_as_may_come() -> None:
    """The leaf does not count."""
    assert MOST == len(read_one(LEAF.pem + SUB.pem * (MOST - 4), *[SUB.pem] * 4).intermediates)


@pytest.mark.parametrize(
    ("after", "beside"), [(MOST + 1, []), (0, [SUB.pem] * (MOST + 1)), (0, [SUB.pem * (MOST + 1)])],
    ids=["after it", "beside it", "in one text"],
)  # fmt: skip
def test_more_than_may_come(after: int, beside: list[str]) -> None:
    """The request is refused before any of them is read, with the numbers."""
    with pytest.raises(SubmissionError, match=rf"^{MOST + 1} intermediates; the limit is {MOST}$"):
        read_one(LEAF.pem + SUB.pem * after, *beside)


def test_what_is_not_read_counts_too() -> None:
    """Nobody brings a thousand things that are no certificates."""
    with pytest.raises(SubmissionError, match="the limit is"):
        read_one(LEAF.pem + KEY * (MOST + 1))


@given(ANY_TEXT | PIECES, st.lists(ANY_TEXT | PIECES, max_size=3))
def test_any_text(certificate: str, intermediates: list[str]) -> None:
    """Whatever text comes, there is a certificate, a decision or the one error, and everything else is named."""
    with suppress(SubmissionError):
        submission = read_submission(certificate, intermediates, 100)
        assert isinstance(submission.leaf, Certificate | Malformed)
        assert all(reason.startswith("intermediate ") for reason in submission.ignored)


@given(st.binary(min_size=1))
def test_any_octets(octets: bytes) -> None:
    """Whatever octets come in either form, they are a certificate or a decision."""
    for text in (base64(octets), pem(octets)):
        assert isinstance(read_one(text).leaf, Certificate | Malformed)


def test_pieces_of_evidence() -> None:
    """Each may be PEM of any label, several in one text, or base64; none is looked into."""
    crl, answer = SUB.crl(), SUB.ocsp(LEAF)
    found, ignored = read_der_list([pem(crl, "X509 CRL") + pem(crl), base64(answer), base64(der.null())], "CRL")
    assert ((crl, crl, answer, der.null()), ()) == (found, ignored)


def test_pieces_of_evidence_that_are_none() -> None:
    """They are named by their number, and the others count."""
    found, ignored = read_der_list(["?", base64(b"one"), "", EMPTY_PEM], "OCSP response")
    assert (b"one",) == found
    assert (
        "OCSP response 1: neither PEM nor base64 of DER",
        "OCSP response 3: empty",
        "OCSP response 4: PEM block 1 is empty",
    ) == ignored


@given(st.lists(ANY_TEXT | PIECES))
def test_pieces_of_any_text(texts: list[str]) -> None:
    """Each gives something or is named."""
    found, ignored = read_der_list(texts, "CRL")
    assert len(texts) <= len(found) + len(ignored)
    assert all(octets for octets in found)
