"""OCSP requests (RFC 6960 §4.1, RFC 5019 §2.1): one certificate, unsigned, no nonce, so that answers can be cached."""

from base64 import b64encode

from service.core.der import tlv
from service.core.der.certificate_extensions import encode
from service.core.model.certificate import Certificate
from service.core.ocsp.cert_id import REQUEST_HASH, cert_id

MAX_GET_OCTETS = 255
"""Requests up to this length, URL included, go by GET, which caches on the way can answer (RFC 5019 §5)."""

_SHA1_ALGORITHM = bytes.fromhex("300906052b0e03021a0500")


def encode_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """The DER of an OCSPRequest about one certificate."""
    own = cert_id(certificate, issuer, REQUEST_HASH)
    content = (
        _SHA1_ALGORITHM
        + encode(tlv.OCTET_STRING, own.issuer_name_hash)
        + encode(tlv.OCTET_STRING, own.issuer_key_hash)
        + encode(tlv.INTEGER, tlv.integer_octets(own.serial_number))
    )
    request = encode(tlv.SEQUENCE, encode(tlv.SEQUENCE, content))
    return encode(tlv.SEQUENCE, encode(tlv.SEQUENCE, encode(tlv.SEQUENCE, request)))


def get_url(responder: str, request: bytes) -> str | None:
    """The URL of a GET request (RFC 6960 appendix A.1), or None where it is too long for one."""
    encoded = b64encode(request).decode("ascii")
    for character, escaped in (("+", "%2B"), ("/", "%2F"), ("=", "%3D")):
        encoded = encoded.replace(character, escaped)
    url = f"{responder.rstrip('/')}/{encoded}"
    return url if len(url.encode()) <= MAX_GET_OCTETS else None
