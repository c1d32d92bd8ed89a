"""OCSP requests: what is sent is what every other client sends, octet by octet."""

from base64 import b64decode
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from service.core.ocsp.request import MAX_GET_OCTETS, encode_request, get_url
from tests.core.ocsp.answers import LEAF, SUB, certificate
from tests.pki import Issued

REQUEST = encode_request(certificate(LEAF), certificate(SUB))


@pytest.mark.parametrize(
    "leaf",
    [LEAF, *(SUB.issue("leaf", serial=serial) for serial in (1, 127, 128, 2**64, 2**158 + 1, 2**159 - 1))],
    ids=lambda leaf: hex(leaf.serial),
)
def test_the_request_is_the_one_that_cryptography_writes(leaf: Issued) -> None:
    """Small, large and high-bit serial numbers alike: no nonce, no signature, SHA-1 with NULL parameters."""
    algorithm = hashes.SHA1()  # noqa: S303 - the hash of CertIDs, which sign nothing
    builder = ocsp.OCSPRequestBuilder().add_certificate(leaf.certificate, SUB.certificate, algorithm)
    expected = builder.build().public_bytes(Encoding.DER)
    assert expected == encode_request(certificate(leaf), certificate(SUB))


def test_cryptography_reads_the_request() -> None:
    """A foreign reader finds the certificate in it and no extensions."""
    request = ocsp.load_der_ocsp_request(REQUEST)
    assert (LEAF.serial, "sha1", 0) == (request.serial_number, request.hash_algorithm.name, len(request.extensions))


@pytest.mark.parametrize("nonce", [bytes(range(32)), b"\xff", bytes(128)], ids=["32", "1", "128"])
def test_the_request_with_a_nonce_is_the_one_that_cryptography_writes(nonce: bytes) -> None:
    """One extension of the request, not critical, the octets in an OCTET STRING (RFC 9654 section 2.1)."""
    algorithm = hashes.SHA1()  # noqa: S303 - the hash of CertIDs, which sign nothing
    builder = ocsp.OCSPRequestBuilder().add_certificate(LEAF.certificate, SUB.certificate, algorithm)
    expected = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)
    assert expected == encode_request(certificate(LEAF), certificate(SUB), nonce)


@pytest.mark.parametrize("responder", ["http://ocsp.example", "http://ocsp.example/", "http://ocsp.example//"])
def test_the_get_url_carries_the_request(responder: str) -> None:
    """The last segment is the request, with exactly one slash before it."""
    url = get_url(responder, REQUEST)
    assert url is not None
    head, _, segment = url.rpartition("/")
    assert "http://ocsp.example" == head
    assert REQUEST == b64decode(unquote(segment), validate=True)


def test_the_path_of_the_responder_stays() -> None:
    """Several responders share a host."""
    assert "http://ocsp.example/ca/1/AA%3D%3D" == get_url("http://ocsp.example/ca/1", b"\0")


def test_everything_that_base64_has_beyond_letters_is_quoted() -> None:
    """A plus, a slash or an equals sign would be read otherwise on the way."""
    assert "http://ocsp.example/%2B%2F%2F%2B%2BA%3D%3D" == get_url("http://ocsp.example", b"\xfb\xff\xfe\xf8")


def _responder(octets: int) -> str:
    """A responder with a URL such that the GET URL of one zero octet is so long."""
    return "http://ocsp.example/".ljust(octets - len("/AA%3D%3D"), "a")


def test_a_url_of_255_octets_is_sent_by_get() -> None:
    """The limit itself is within it (RFC 5019 section 5)."""
    url = get_url(_responder(255), b"\0")
    assert url is not None
    assert 255 == MAX_GET_OCTETS == len(url)


def test_a_url_of_256_octets_is_not() -> None:
    """One more and the request goes by POST."""
    assert get_url(_responder(256), b"\0") is None


def test_octets_are_counted_and_not_characters() -> None:
    """A letter of two octets takes up two."""
    assert get_url(f"{_responder(255)[:-1]}\u00f6", b"\0") is None


def test_of_the_responder_nothing_is_lost_but_slashes() -> None:
    """Whatever letter its URL ends with."""
    assert "http://ocsp.example/X/AA%3D%3D" == get_url("http://ocsp.example/X//", b"\0")
