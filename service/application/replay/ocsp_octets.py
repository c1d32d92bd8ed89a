"""The octets of an OCSP response that was read: put together again from its parts, which DER leaves one way to do."""

from hashlib import sha256

from service.core.der import tlv
from service.core.der.ocsp import ID_PKIX_OCSP_BASIC
from service.core.model.ocsp import OcspResponse


class UnknownOctetsError(Exception):
    """The octets of a response cannot be told from what was read of it."""


def response_octets(response: OcspResponse) -> bytes:
    """The very octets that a response was read from, which its digest shows.

    Raises:
        UnknownOctetsError: the bits of its signature do not fill octets, and are not kept: it verifies under no key.
    """
    signature = response.signature
    body = bytes(signature.signed) + signature.algorithm + tlv.encode(tlv.BIT_STRING, b"\x00" + signature.value)
    listed = tlv.encode(tlv.context(0), tlv.encode(tlv.SEQUENCE, b"".join(response.certificates)))
    for certificates in (listed, b"") if not response.certificates else (listed,):
        der = _whole(body + certificates)
        if sha256(der).digest() == response.digest:
            return der
    raise UnknownOctetsError


def _whole(basic: bytes) -> bytes:
    """A successful OCSPResponse (RFC 6960 §4.2.1) around the content of a BasicOCSPResponse."""
    kind = tlv.encode(tlv.OBJECT_IDENTIFIER, ID_PKIX_OCSP_BASIC)
    answer = tlv.encode(tlv.SEQUENCE, kind + tlv.encode(tlv.OCTET_STRING, tlv.encode(tlv.SEQUENCE, basic)))
    status = tlv.encode(tlv.ENUMERATED, b"\x00")
    return tlv.encode(tlv.SEQUENCE, status + tlv.encode(tlv.context(0), answer))
