"""Percent-encoded PEM: what load balancers and nginx send, and what nobody does."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote_plus

import pytest

from service.api.client_cert.escaped_pem import read_escaped_pem
from service.api.client_cert.fronts import HandsOver
from service.api.client_cert.header import MAX_CERTIFICATES
from service.api.client_cert.presented import HeaderError
from tests.api.client_cert.certificates import CHAIN, LEAVES, PLUS, ders_of
from tests.api.client_cert.proxies import alb, nginx, nginx_unfolded, pems, percent
from tests.pki import Issued, der, pem

TEXT: Final = PLUS.pem
KEY: Final = pem(der.integer(1), "PRIVATE KEY")
WRITERS: Final = (alb, nginx, nginx_unfolded)

each_writer = pytest.mark.parametrize("write", WRITERS)


@each_writer
@pytest.mark.parametrize("leaf", LEAVES.values(), ids=list(LEAVES))
def test_a_leaf(write: Callable[[bytes], bytes], leaf: Issued) -> None:
    """Comes out octet by octet, whatever is in its subject."""
    assert (leaf.der,) == ders_of(read_escaped_pem(write(leaf.der), HandsOver.LEAF))


@each_writer
def test_a_chain(write: Callable[..., bytes]) -> None:
    """In its order."""
    assert CHAIN == ders_of(read_escaped_pem(write(*CHAIN), HandsOver.CHAIN))


@each_writer
def test_a_chain_from_who_sends_the_leaf_alone(write: Callable[..., bytes]) -> None:
    """Refused: nobody sends it, so somebody else did."""
    with pytest.raises(HeaderError, match="3 certificates from a front that sends the client's own alone"):
        read_escaped_pem(write(*CHAIN), HandsOver.LEAF)


def test_plus_is_plus() -> None:
    """Literally as an ALB leaves it, and escaped; the certificate has some."""
    assert b"+" in alb(PLUS.der)
    assert b"%2B" in nginx(PLUS.der)
    assert b"%2B" not in alb(PLUS.der)
    assert (PLUS.der,) == ders_of(read_escaped_pem(alb(PLUS.der), HandsOver.LEAF))


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.strip(),
        f"\n{TEXT}\r\n",
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", ""),
        TEXT.replace("\n", " "),
        TEXT.replace("\n", "\t"),
    ],
)
def test_line_ends_are_anybodys(text: str) -> None:
    """As in PEM everywhere: blanks may stand for them."""
    assert (PLUS.der,) == ders_of(read_escaped_pem(percent(text), HandsOver.LEAF))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"(null)", "not PEM"),
        (b"-", "not PEM"),
        (b"%0A", "not PEM"),
        (b"-----", "not PEM"),
        (b"----------", "not PEM"),
        (percent("-----BEGIN CERTIFICATE-----"), "not PEM"),
        (percent(TEXT)[:-40], "not PEM"),
        (percent(TEXT.partition("\n")[2]), "not PEM"),
        (percent(TEXT + TEXT.partition("-----END")[0]), "not PEM"),
        (quote_plus(TEXT).encode(), "a blank is written as \\+"),
        (percent(percent(TEXT).decode()), "percent-encoded more than once"),
        (percent(TEXT)[:200] + b"%", "two hexadecimal digits"),
        (percent(f"text {TEXT}"), "something beside"),
        (percent(f"{TEXT}text"), "something beside"),
        (percent(f"{TEXT}%0"), "percent-encoded more than once"),
        (percent(f"{TEXT}\0"), "something beside"),
        (percent(f"{TEXT},{TEXT}"), "something beside"),
        (percent(f"\v{TEXT}"), "something beside"),
        (percent(f"\ufeff{TEXT}"), "something beside"),
        (alb(PLUS.der) + b", " + alb(PLUS.der), "something beside"),
        (percent(TEXT.replace("CERTIFICATE", "X509 CERTIFICATE")), "a marker of the PEM"),
        (percent(TEXT.replace("CERTIFICATE", "TRUSTED CERTIFICATE")), "a marker of the PEM"),
        (percent(TEXT.replace("CERTIFICATE", "certificate")), "a marker of the PEM"),
        (percent(TEXT.replace("END CERTIFICATE", "END PRIVATE KEY")), "a marker of the PEM"),
        (percent(TEXT.replace("-----BEGIN", "------BEGIN")), "something beside|a marker"),
        (percent(KEY), "a marker of the PEM"),
        (percent(TEXT + KEY), "a marker of the PEM"),
        (percent(TEXT.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1)), "not base64"),
        (percent(TEXT.replace("\n", "\0")), "not base64|something beside"),
        (percent(TEXT.replace("+", "-")), "not base64"),
        (percent(TEXT.replace("=", "")), "not base64"),
        (percent(pem(b"")), "certificate 1 is empty"),
        (percent(TEXT + pem(b"")), "certificate 2 is empty"),
        (percent(TEXT).replace(b"MII", b"M%C3%A9", 1), "not base64"),
        (TEXT.encode("utf-16"), "."),
        (PLUS.der, "."),
        (percent(pems([b"0"] * (MAX_CERTIFICATES + 1))), "more than 256 certificates"),
    ],
)
def test_anything_else_is_refused(value: bytes, reason: str) -> None:
    """By name, and without a word of what it was."""
    with pytest.raises(HeaderError, match=reason) as raised:
        read_escaped_pem(value, HandsOver.CHAIN)
    assert "MII" not in raised.value.reason


def test_as_many_as_may_be() -> None:
    """The last that is read."""
    text = pems([b"0"] * MAX_CERTIFICATES)
    assert text == read_escaped_pem(percent(text), HandsOver.CHAIN).certificate


def test_what_is_no_certificate_is_a_decision() -> None:
    """The base64 says something, and what it says is judged elsewhere."""
    text = pem(b"no certificate")
    assert text == read_escaped_pem(percent(text), HandsOver.LEAF).certificate
