"""OCSP requests (RFC 6960 §4.1, RFC 5019 §2.1): one certificate, unsigned.

Without a nonce, so that answers can be cached, unless one is given (RFC 9654).
"""

from base64 import b64encode

from service.core.der import tlv
from service.core.der.ocsp import ID_PKIX_OCSP_NONCE
from service.core.model.certificate import Certificate
from service.core.ocsp.cert_id import REQUEST_HASH, cert_id
from service.core.ocsp.nonce import nonce_value

MAX_GET_OCTETS = 255
"""Requests up to this length, URL included, go by GET, which caches on the way can answer (RFC 5019 §5)."""

_SHA1_ALGORITHM = bytes.fromhex("300906052b0e03021a0500")


def encode_request(certificate: Certificate, issuer: Certificate, nonce: bytes | None = None) -> bytes:
    """The DER of an OCSPRequest about one certificate.

    Args:
        certificate: The certificate in question.
        issuer: Its issuer.
        nonce: What the answer has to repeat; None for nothing.
    """
    own = cert_id(certificate, issuer, REQUEST_HASH)
    content = (
        _SHA1_ALGORITHM
        + tlv.encode(tlv.OCTET_STRING, own.issuer_name_hash)
        + tlv.encode(tlv.OCTET_STRING, own.issuer_key_hash)
        + tlv.encode(tlv.INTEGER, tlv.integer_octets(own.serial_number))
    )
    request = tlv.encode(tlv.SEQUENCE, tlv.encode(tlv.SEQUENCE, content))
    to_be_signed = tlv.encode(tlv.SEQUENCE, request) + _request_extensions(nonce)
    return tlv.encode(tlv.SEQUENCE, tlv.encode(tlv.SEQUENCE, to_be_signed))


def _request_extensions(nonce: bytes | None) -> bytes:
    """The field requestExtensions with a nonce, not critical; nothing without one."""
    if nonce is None:
        return b""
    content = tlv.encode(tlv.OBJECT_IDENTIFIER, ID_PKIX_OCSP_NONCE) + tlv.encode(tlv.OCTET_STRING, nonce_value(nonce))
    return tlv.encode(tlv.context(2), tlv.encode(tlv.SEQUENCE, tlv.encode(tlv.SEQUENCE, content)))


def get_url(responder: str, request: bytes) -> str | None:
    """The URL of a GET request (RFC 6960 appendix A.1), or None where it is too long for one."""
    encoded = b64encode(request).decode("ascii")
    for character, escaped in (("+", "%2B"), ("/", "%2F"), ("=", "%3D")):
        encoded = encoded.replace(character, escaped)
    url = f"{responder.rstrip('/')}/{encoded}"
    return url if len(url.encode()) <= MAX_GET_OCTETS else None
