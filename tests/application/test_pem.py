"""PEM: what is read, and what is refused."""

from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.pem import PemBlock, PemError, read_certificates, read_pem
from tests.pki.authority import Authority
from tests.pki.desk import openssl
from tests.pki.pem import pem

ROOT = Authority.root("Root")
OTHER = Authority.root("Other")
KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


def block(body: str, label: str = "CERTIFICATE", end: str | None = None) -> bytes:
    """A block with any text in it."""
    return f"-----BEGIN {label}-----\n{body}\n-----END {end or label}-----\n".encode()


@given(st.lists(st.binary(min_size=1), min_size=1), st.sampled_from(["\n", "\r\n", "\r", " ", ""]))
def test_what_is_written_is_read(ders: list[bytes], line_end: str) -> None:
    """Any octets, in any number of blocks, with any line ends or none."""
    text = "".join(pem(der) for der in ders).replace("\n", line_end)
    assert tuple(PemBlock("CERTIFICATE", der) for der in ders) == read_pem(text.encode())


@given(st.binary())
def test_nothing_but_pem_errors(data: bytes) -> None:
    """Whatever the octets, either blocks come out or the one error."""
    with suppress(PemError):
        assert read_pem(data)


def test_text_around_the_blocks() -> None:
    """What OpenSSL prints before a certificate, and a byte order mark, are no fault."""
    text = f"\ufeff 0 s:CN = Root\n   i:CN = Root\n{ROOT.pem}---\nServer certificate\n{OTHER.pem}# the end"
    assert (ROOT.der, OTHER.der) == read_certificates(text.encode())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no PEM block"),
        (b"no dashes", "no PEM block"),
        (block("AAAA") + block("AA*A"), "PEM block 2 does not hold base64"),
        (block("AAA"), "PEM block 1 does not hold base64"),
        (block("AAAA=AAA"), "PEM block 1 does not hold base64"),
        (block("AA\x00AA"), "PEM block 1 does not hold base64"),
        (block(" "), "PEM block 1 is empty"),
        (block("Proc-Type: 4,ENCRYPTED"), "PEM block 1 does not hold base64"),
        (block("AAAA") + b"-----BEGIN CERTIFICATE-----\nAAAA\n", "PEM block 2 does not end"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n" + block("AAAA"), "PEM block 1 does not end before the next one begins"),
        (block("AAAA") + b"AAAA\n-----END CERTIFICATE-----\n", "PEM block 2 ends without having begun"),
        (block("AAAA", end="X509 CRL"), "PEM block 1 ends with another label than it began with"),
        (block("AAAA") + b"-----BEGIN CERTIFICATE----\nAAAA\n", "something begins like a PEM block and is none"),
        (b"-----BEGIN CERTIFICATE----\nAAAA\n-----END CERTIFICATE----\n", "no PEM block"),
    ],
)
def test_a_broken_block_is_named(text: bytes, reason: str) -> None:
    """The error tells which block and what is wrong with it."""
    with pytest.raises(PemError) as caught:
        read_pem(text)
    assert reason == caught.value.reason


def test_both_labels_of_a_certificate() -> None:
    """The label of RFC 7468, and an older one."""
    text = pem(ROOT.der) + pem(OTHER.der, "X509 CERTIFICATE")
    assert (ROOT.der, OTHER.der) == read_certificates(text.encode())


def test_other_blocks_do_not_count() -> None:
    """A key, even a protected one with headers, and a CRL stand beside the certificate."""
    encrypted = block("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA", "RSA PRIVATE KEY")
    text = (
        KEY + encrypted + encrypted.replace(b"\n", b"\r\n") + pem(ROOT.crl(), "X509 CRL").encode() + ROOT.pem.encode()
    )
    assert (ROOT.der,) == read_certificates(text)


def test_a_broken_block_of_another_kind_counts() -> None:
    """A file that is damaged anywhere is refused whole."""
    with pytest.raises(PemError, match="block 2 does not hold base64"):
        read_certificates(ROOT.pem.encode() + block("*", "X509 CRL"))


def test_a_file_without_a_certificate() -> None:
    """A key alone is another file than the one that was meant."""
    with pytest.raises(PemError, match="no PEM block is a certificate"):
        read_certificates(KEY)


def test_a_trusted_certificate_is_refused_by_name() -> None:
    """OpenSSL's own format says more than the certificate."""
    text = ROOT.pem + pem(OTHER.der, "TRUSTED CERTIFICATE")
    with pytest.raises(PemError, match="PEM block 2 is a TRUSTED CERTIFICATE, which is not supported"):
        read_certificates(text.encode())


def test_der() -> None:
    """One certificate without any armour."""
    assert (ROOT.der,) == read_certificates(ROOT.der)


def test_text_that_begins_like_der() -> None:
    """A zero is the first octet of every certificate; text after it makes it PEM."""
    for text in ("0 s:CN = Root\n", "0\u00e9\n"):
        assert (ROOT.der,) == read_certificates(text.encode() + ROOT.pem.encode())


def test_base64_alone_is_no_certificate() -> None:
    """Nothing says what it is."""
    with pytest.raises(PemError, match="no PEM block"):
        read_certificates(b64encode(ROOT.der))


def test_a_foreign_file() -> None:
    """Mozilla's bundle, which somebody else wrote, holds as many certificates as OpenSSL finds in it."""
    bundle = Path(certifi.where())
    said = openssl("storeutl", "-noout", "-certs", bundle)
    assert said.endswith(f"Total found: {len(read_certificates(bundle.read_bytes()))}")


def test_an_empty_line_is_no_end_of_headers() -> None:
    """Where there are no headers, nothing before it is dropped."""
    lines = ROOT.pem.splitlines()
    assert (ROOT.der,) == read_certificates("\n".join([*lines[:3], "", *lines[3:]]).encode())


def test_a_block_does_not_show_what_it_holds() -> None:
    """It may be a private key, and values are written to logs."""
    assert "PemBlock(label='PRIVATE KEY')" == repr(read_pem(KEY)[0])
