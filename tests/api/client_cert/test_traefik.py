"""X-Forwarded-Tls-Client-Cert: both escapings that Traefik's versions use."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote_plus

import pytest

from service.api.client_cert.header import MAX_CERTIFICATES
from service.api.client_cert.presented import HeaderError
from service.api.client_cert.traefik import read_traefik
from tests.api.client_cert.certificates import CHAIN, LEAVES, PLUS, base64, ders_of
from tests.api.client_cert.proxies import percent, traefik_2, traefik_3
from tests.pki import Issued

BASE64: Final = base64(PLUS.der)

each_version = pytest.mark.parametrize("write", [traefik_2, traefik_3])


@each_version
@pytest.mark.parametrize("leaf", LEAVES.values(), ids=list(LEAVES))
def test_a_leaf(write: Callable[[bytes], bytes], leaf: Issued) -> None:
    """Comes out octet by octet, whatever is in its subject."""
    assert (leaf.der,) == ders_of(read_traefik(write(leaf.der)))


@each_version
def test_a_chain(write: Callable[..., bytes]) -> None:
    """In its order."""
    assert CHAIN == ders_of(read_traefik(write(*CHAIN)))


def test_plus_is_plus() -> None:
    """In both escapings; the certificate has some."""
    assert b"+" in traefik_3(PLUS.der)
    assert b"%2B" in traefik_2(PLUS.der)
    assert b"+" not in traefik_2(PLUS.der)
    assert (PLUS.der,) == ders_of(read_traefik(traefik_3(PLUS.der)))
    assert (PLUS.der,) == ders_of(read_traefik(traefik_2(PLUS.der)))


@pytest.mark.parametrize(
    "value",
    [
        quote_plus(BASE64).encode(),
        percent(BASE64, safe="/"),
        percent(BASE64, safe="+"),
        percent(BASE64, safe="/="),
    ],
)
def test_some_are_escaped(value: bytes) -> None:
    """Percent-decoding has one result, whatever was escaped."""
    assert (PLUS.der,) == ders_of(read_traefik(value))


def test_escaped_commas() -> None:
    """Whoever escapes the whole value has written the same chain: there is no comma in base64."""
    assert CHAIN == ders_of(read_traefik(percent(traefik_3(*CHAIN).decode())))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"(null)", "certificate 1 is not base64"),
        (PLUS.pem.replace("\n", "").encode(), "certificate 1 is not base64"),
        (percent(PLUS.pem), "certificate 1 is not base64"),
        (percent(percent(BASE64).decode()), "percent-encoded more than once"),
        (traefik_2(PLUS.der) + b"%", "two hexadecimal digits"),
        (BASE64.replace("+", " ").encode(), "certificate 1 is not base64"),
        (BASE64.replace("+", "-").encode(), "certificate 1 is not base64"),
        (BASE64.rstrip("=").encode(), "certificate 1 is not base64"),
        (BASE64.encode() + b"\n", "certificate 1 is not base64"),
        (traefik_3(*CHAIN).replace(b",", b", "), "certificate 2 is not base64"),
        (traefik_3(*CHAIN).replace(b",", b";"), "certificate 1 is not base64"),
        (traefik_3(*CHAIN) + b"AAAA", "certificate 3 is not base64"),
        (traefik_3(*CHAIN) + b",%41", "certificate 4 is not base64"),
        (b",", "certificate 1 is empty"),
        (b"," + traefik_3(PLUS.der), "certificate 1 is empty"),
        (traefik_3(PLUS.der) + b",", "certificate 2 is empty"),
        (traefik_2(PLUS.der) + b",," + traefik_2(PLUS.der), "certificate 2 is empty"),
        (PLUS.der, "."),
        (b"AA==" + b",AA==" * MAX_CERTIFICATES, "more than 256 certificates"),
    ],
)
def test_anything_else_is_refused(value: bytes, reason: str) -> None:
    """By name, and without a word of what it was; a blank after a comma is what merged header lines have."""
    with pytest.raises(HeaderError, match=reason) as raised:
        read_traefik(value)
    assert "MII" not in raised.value.reason


def test_as_many_as_may_be() -> None:
    """The last that is read."""
    presented = read_traefik(b"AA==" + b",AA==" * (MAX_CERTIFICATES - 1))
    assert ("AA==",) * (MAX_CERTIFICATES - 1) == presented.intermediates
