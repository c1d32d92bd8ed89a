"""X-Forwarded-Client-Cert: what Envoy writes, and what a client could make Envoy write."""

from typing import Final

import pytest

from service.api.client_cert.presented import HeaderError
from service.api.client_cert.xfcc import read_xfcc
from tests.api.client_cert.certificates import CHAIN, LEAVES, OTHER, PLUS, SUB, ders_of
from tests.api.client_cert.proxies import alb, digest, envoy, envoy_cert, envoy_chain, pems, percent
from tests.pki import Issued

HASH: Final = b"Hash=" + digest(PLUS.der)
CERT: Final = envoy_cert(PLUS.der)


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=list(LEAVES))
def test_everything_that_envoy_can_say(leaf: Issued) -> None:
    """Names with quotes, semicolons and backslashes, several of a kind; the chain comes out once."""
    assert (leaf.der, SUB.der) == ders_of(read_xfcc(envoy(leaf.der, SUB.der)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CERT, CHAIN[:1]),
        (envoy_chain(*CHAIN), CHAIN),
        (CERT + b";" + envoy_chain(*CHAIN), CHAIN),
        (envoy_chain(*CHAIN) + b";" + CERT, CHAIN),
        (CERT + b";" + envoy_chain(PLUS.der), CHAIN[:1]),
        (CERT + b";" + envoy_chain(*CHAIN[1:]), CHAIN),
        (HASH + b";" + CERT, CHAIN[:1]),
        (CERT + b";" + HASH, CHAIN[:1]),
        (HASH + b";" + envoy_chain(*CHAIN), CHAIN),
        (b"Hash=" + digest(PLUS.der).upper() + b";" + CERT, CHAIN[:1]),
        (b'Hash="' + digest(PLUS.der) + b'";' + CERT, CHAIN[:1]),
        (b"Hash=;" + CERT, CHAIN[:1]),
        (HASH[:-1] + b";" + CERT, CHAIN[:1]),
        (HASH + b"0;" + CERT, CHAIN[:1]),
        (b"Hash=0x" + digest(OTHER.der)[2:] + b";" + CERT, CHAIN[:1]),
        (CERT.replace(b"Cert", b"cert"), CHAIN[:1]),
        (CERT.replace(b"Cert", b"CERT"), CHAIN[:1]),
        (b"Cert=" + percent(PLUS.pem), CHAIN[:1]),
        (b'Cert="' + alb(PLUS.der) + b'"', CHAIN[:1]),
        (b"By=;URI=;DNS=;Subject=;" + CERT, CHAIN[:1]),
        (b'Subject="";' + CERT, CHAIN[:1]),
        (b'Subject="a,b;c=d";' + CERT, CHAIN[:1]),
        (b'Subject="CN=\\"Cert=\\",By=x";' + CERT, CHAIN[:1]),
        (b'Subject="CN=a\\\\";' + CERT, CHAIN[:1]),
        (b'Subject="CN=\\0D\\0A\\E8\\BB\\8A";' + CERT, CHAIN[:1]),
        ('Subject="CN=車両";'.encode() + CERT, CHAIN[:1]),
        (b"URI=spiffe://a/b?c=d=e;" + CERT, CHAIN[:1]),
        (b"By=a;by=b;URI=a;URI=b;DNS=a;DNS=b;" + CERT, CHAIN[:1]),
        (b"Something-New_1=a;" + CERT, CHAIN[:1]),
    ],
)
def test_what_is_read(value: bytes, expected: tuple[bytes, ...]) -> None:
    """Keys in any case and any order, values with and without quotes."""
    assert expected == ders_of(read_xfcc(value))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (envoy(PLUS.der) + b"," + envoy(PLUS.der), "more than one element"),
        (envoy(OTHER.der) + b"," + envoy(PLUS.der), "more than one element"),
        (CERT + b", " + CERT, "more than one element"),
        (CERT + b",", "more than one element"),
        (b"By=a," + CERT, "more than one element"),
        (b"URI=spiffe://a/b,c;" + CERT, "more than one element"),
        (b"," + CERT, "not pairs"),
        (CERT + b";" + CERT, "a key is there twice"),
        (CERT + b";cert=" + percent(OTHER.pem), "a key is there twice"),
        (CERT + b";cErT=", "a key is there twice"),
        (envoy_chain(*CHAIN) + b";" + envoy_chain(*CHAIN), "a key is there twice"),
        (HASH + b";" + HASH + b";" + CERT, "a key is there twice"),
        (b'Subject="a";Subject="b";' + CERT, "a key is there twice"),
        (b"New=a;new=b;" + CERT, "a key is there twice"),
        (HASH, "neither Cert nor Chain: set_current_client_cert_details of Envoy needs cert or chain"),
        (b"By=a;URI=b", "neither Cert nor Chain"),
        (b"Certificate=a", "neither Cert nor Chain"),
        (b'Subject="Cert=a"', "neither Cert nor Chain"),
        (b"URI=a;" + CERT + b";" + envoy_chain(OTHER.der, SUB.der), "Chain does not begin with what is in Cert"),
        (CERT + b";" + envoy_chain(OTHER.der, SUB.der) + b";dns=a", "Chain does not begin with what is in Cert"),
        (b'Cert="' + percent(pems(CHAIN)) + b'"', "3 certificates in Cert"),
        (b"Hash=" + digest(OTHER.der) + b";" + CERT, "Hash is not the SHA-256 of the certificate"),
        (b"Hash=" + digest(OTHER.der) + b";" + envoy_chain(*CHAIN), "Hash is not"),
        (b"Cert=", "Cert: not PEM"),
        (b'Cert="";' + envoy_chain(*CHAIN), "Cert: not PEM"),
        (b'Chain="";' + CERT, "Chain: not PEM"),
        (b"Cert=a;" + envoy_chain(*CHAIN), "Cert: not PEM"),
        (b'Cert="' + PLUS.pem.replace(" ", "+").encode() + b'"', "a blank is written as"),
        (b'Cert="' + percent(percent(PLUS.pem).decode()) + b'"', "Cert: percent-encoded more than once"),
        (CERT[:-1], "not pairs|within a value"),
        (CERT[:-1] + b"\\", "not pairs|within a value"),
        (CERT + b'"', "a quote is within a value"),
        (CERT + b"x", "a quote is within a value"),
        (CERT + b" ;By=a", "a quote is within a value"),
        (b'URI=a"b;' + CERT, "a quote is within a value"),
        (b'URI=a";' + CERT + b';X="', "a quote is within a value"),
        (b'Cert=a"' + percent(PLUS.pem) + b'"', "a quote is within a value"),
        (CERT + b";", "not pairs"),
        (CERT + b";;By=a", "not pairs"),
        (b";" + CERT, "not pairs"),
        (CERT + b";By", "not pairs"),
        (CERT + b"; By=a", "not pairs"),
        (CERT + b";=a", "not pairs"),
        (b"=" + CERT, "not pairs"),
        (b"Cert", "not pairs"),
        (b'"Cert"=a', "not pairs"),
        (b"Cert =a", "not pairs"),
        (percent(PLUS.pem), "not pairs"),
    ],
)
def test_what_is_refused(value: bytes, reason: str) -> None:
    """By name, and without a word of what it was."""
    with pytest.raises(HeaderError, match=reason) as raised:
        read_xfcc(value)
    assert "MII" not in raised.value.reason


def test_a_name_that_looks_like_pairs() -> None:
    """A client whose certificate has a URI made for it brings nobody else's certificate: Envoy does not quote it."""
    uri = b"URI=spiffe://a;" + envoy_cert(OTHER.der)
    for sent in (
        HASH + b";" + uri,
        HASH + b";URI=spiffe://a;" + envoy_chain(OTHER.der),
        HASH + b";" + CERT + b";" + uri,
        HASH + b";" + CERT + b";URI=spiffe://a;" + envoy_chain(OTHER.der),
        HASH + b";" + CERT + b";URI=spiffe://a," + envoy(OTHER.der),
        HASH + b";" + uri + b";Hash=" + digest(OTHER.der),
    ):
        with pytest.raises(HeaderError):
            read_xfcc(sent)
