"""Responders that the operator trusts: read whole, or not at all."""

from typing import Final

import pytest

from service.application.trust_store_source import SourceFile
from service.application.trusted_responders import MAX_RESPONDERS, TrustedResponderError, read_trusted_responders
from tests.application.chain import ROOT, STRANGER, SUB, read
from tests.pki import Issued, bundle, pem

ONE: Final = STRANGER.ocsp_responder("One")
OTHER: Final = SUB.ocsp_responder("Other")


def file(name: str, content: bytes | str) -> SourceFile:
    """A file."""
    return SourceFile(name, content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    "files",
    [
        [file("both.pem", bundle([ONE, OTHER]))],
        [file("one.pem", ONE.pem), file("other.der", OTHER.der)],
        [file("one.pem", ONE.pem), file("again.pem", bundle([ONE, OTHER]))],
        [file("crl.pem", f"{ONE.pem}{pem(ROOT.crl(), 'X509 CRL')}{OTHER.pem}")],
    ],
    ids=["one file", "two files", "one twice", "something else between them"],
)
def test_what_is_read(files: list[SourceFile]) -> None:
    """Every certificate once, in order."""
    assert (read(ONE), read(OTHER)) == read_trusted_responders(files)


def test_none() -> None:
    """Nobody is trusted unless somebody is named."""
    assert () == read_trusted_responders([])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "bad.pem: no PEM block"),
        (b"rubbish", "bad.pem: no PEM block"),
        (f"{ONE.pem}-----BEGIN CERTIFICATE-----\n", "bad.pem: PEM block 2 does not end"),
        (pem(b"\x30\x00"), "bad.pem: certificate 1: "),
        (ONE.pem + pem(OTHER.der[:-1]), "bad.pem: certificate 2: "),
        (pem(ROOT.crl(), "X509 CRL"), "bad.pem: no PEM block is a certificate"),
    ],
)
def test_what_is_refused(content: bytes | str, reason: str) -> None:
    """With the file and the certificate, and whatever is right beside it."""
    with pytest.raises(TrustedResponderError) as caught:
        read_trusted_responders([file("good.pem", OTHER.pem), file("bad.pem", content)])
    assert caught.value.reason.startswith(reason)


def test_they_are_counted() -> None:
    """Each is held against every answer."""
    many: list[Issued] = [STRANGER.ocsp_responder("Many", serial=number) for number in range(1, MAX_RESPONDERS + 2)]
    assert MAX_RESPONDERS == len(read_trusted_responders([file("most.pem", bundle(many[1:]))]))
    with pytest.raises(TrustedResponderError, match="101 certificates of responders: 100 at most"):
        read_trusted_responders([file("more.pem", bundle(many))])
