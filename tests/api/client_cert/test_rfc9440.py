"""Client-Cert and Client-Cert-Chain: the structured fields of RFC 9440."""

from typing import Final

import pytest

from service.api.client_cert.header import MAX_CERTIFICATES
from service.api.client_cert.presented import HeaderError, Presented
from service.api.client_cert.rfc9440 import read_certificate, read_chain
from tests.api.client_cert.certificates import CHAIN, LEAVES, PLUS, SUB, base64, ders_of
from tests.api.client_cert.proxies import byte_sequences
from tests.pki import Issued

LEAF: Final = byte_sequences(PLUS.der)
TEXT: Final = base64(PLUS.der)
PARAMETERS: Final = (
    b";a",
    b";a=?1;b=?0",
    b"; a=1;  b=-1.5;c=123456789012345",
    b';a="b;c, :d: \\" \\\\"',
    b";a=token/*:~;*b=*c",
    b";a=:AA==:",
    b";a_-.*0=1;a_-.*0=2",
)


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=list(LEAVES))
def test_a_leaf(leaf: Issued) -> None:
    """Comes out octet by octet, whatever is in its subject."""
    assert (leaf.der,) == ders_of(read_certificate(byte_sequences(leaf.der)))


@pytest.mark.parametrize("comma", [b",", b", ", b" ,\t", b"\t \t,  "])
def test_a_chain(comma: bytes) -> None:
    """In its order, with any blanks around the commas."""
    intermediates = read_chain(byte_sequences(*CHAIN[1:]).replace(b", ", comma))
    assert CHAIN == ders_of(Presented(TEXT, intermediates))


def test_the_example() -> None:
    """Both headers as a proxy writes them; `+` and `/` are in the certificate and stay."""
    assert {"+", "/", "="} <= set(TEXT)
    assert TEXT == read_certificate(f":{TEXT}:".encode()).certificate
    assert (base64(SUB.der),) == read_chain(f":{base64(SUB.der)}:".encode())


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_parameters_mean_nothing(parameters: bytes) -> None:
    """Every kind of them, on a certificate and on each member of a chain (RFC 8941 §3.1.2)."""
    assert (PLUS.der,) == ders_of(read_certificate(LEAF + parameters))
    assert 2 * (TEXT,) == read_chain(LEAF + parameters + b", " + LEAF + parameters)


def test_padding_may_be_missing() -> None:
    """RFC 8941 §4.2.7 asks parsers to put it back."""
    assert TEXT == read_certificate(LEAF.replace(b"=", b"")).certificate


@pytest.mark.parametrize(
    "value",
    [
        b":" + TEXT.encode(),
        TEXT.encode() + b":",
        TEXT.encode(),
        f'"{TEXT}"'.encode(),
        f"({LEAF.decode()})".encode(),
        b"token",
        b"1",
        b"?1",
        b":",
        b":::",
        b":(null):",
        b"(null)",
        LEAF.replace(b"+", b" "),
        LEAF.replace(b"+", b"-"),
        LEAF.replace(b"+", b"%2B"),
        LEAF + b"x",
        LEAF + LEAF,
        LEAF + b" " + LEAF,
        LEAF + b" ;a",
        LEAF + b";",
        LEAF + b";;a",
        LEAF + b";A",
        LEAF + b";1",
        LEAF + b";\ta",
        LEAF + b";a=",
        LEAF + b";a =1",
        LEAF + b";a= 1",
        LEAF + b";a=?2",
        LEAF + b";a=1.",
        LEAF + b";a=1.2345",
        LEAF + b";a=1.2.3",
        LEAF + b";a=1234567890123456",
        LEAF + b";a=1234567890123.1",
        LEAF + b";a=-",
        LEAF + b";a=--1",
        LEAF + b';a="',
        LEAF + b';a="\\a"',
        LEAF + b';a="\x7f"',
        LEAF + 'ä;a="ä"'.encode(),
        LEAF + b";a=:A",
        LEAF + b";a=(1 2)",
        LEAF + b";a=@1",
        LEAF + b",",
        LEAF + b", ",
        b"," + LEAF,
        LEAF + b",," + LEAF,
        LEAF + b";" + LEAF,
        LEAF + b"," + b"token",
        LEAF + b"," + b"(" + LEAF + b")",
        b"\xff" + LEAF,
        LEAF + b"\0",
        b":A:",
        b":AA=A:",
        b":=:",
        b":AAAA=:",
        PLUS.der,
    ],
)
def test_what_is_refused(value: bytes) -> None:
    """In both headers, by name, and without a word of what it was."""
    for read in (read_certificate, read_chain):
        with pytest.raises(HeaderError, match=r"byte sequence|not base64|is empty") as raised:
            read(value)
        assert "MII" not in raised.value.reason


def test_two_certificates() -> None:
    """A list is no item, though each member of it would be one."""
    with pytest.raises(HeaderError, match="more than one certificate"):
        read_certificate(LEAF + b", " + LEAF)


def test_no_octets() -> None:
    """What a proxy writes that puts colons around nothing."""
    with pytest.raises(HeaderError, match="certificate 1 is empty"):
        read_certificate(b"::")
    with pytest.raises(HeaderError, match="certificate 2 is empty"):
        read_chain(LEAF + b",::")


def test_how_many() -> None:
    """The last that is read, and one more."""
    most = b",".join([b":AA==:"] * MAX_CERTIFICATES)
    assert ("AA==",) * MAX_CERTIFICATES == read_chain(most)
    with pytest.raises(HeaderError, match="256 byte sequences at most"):
        read_chain(most + b",:AA==:")
