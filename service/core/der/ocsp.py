"""OCSP responses (RFC 6960 §4.2.1)."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from service.core.der import tlv
from service.core.der.crl_entry import read_reason
from service.core.der.extension import Extension, oid, only, read_extensions, unknown_critical
from service.core.der.moment import moment
from service.core.der.name import read_name
from service.core.model.key import Signature
from service.core.model.malformed import MalformedError
from service.core.model.name import Name
from service.core.model.ocsp import CertId, CertStatus, OcspResponse, ResponseStatus, SingleResponse
from service.core.model.reason import Reason

ID_PKIX_OCSP_BASIC = oid("1.3.6.1.5.5.7.48.1.1")

ID_PKIX_OCSP_NONCE = oid("1.3.6.1.5.5.7.48.1.2")

KNOWN_RESPONSE_EXTENSIONS = frozenset({
    ID_PKIX_OCSP_NONCE,  # RFC 9654 §2.1: what may come back is the policy's matter
    oid("1.3.6.1.5.5.7.48.1.9"),  # extended revoke (RFC 6960 §4.4.8)
})  # fmt: skip

KNOWN_SINGLE_EXTENSIONS = frozenset({
    oid("1.3.6.1.5.5.7.48.1.3"),  # CRL references (RFC 6960 §4.4.2)
    oid("1.3.6.1.5.5.7.48.1.6"),  # archive cutoff (§4.4.4)
    oid("2.5.29.21"),  # reasonCode and the other entry extensions of CRLs (§4.4.5)
    oid("2.5.29.24"),
    oid("1.3.6.1.4.1.11129.2.4.5"),  # signed certificate timestamps (RFC 6962 §3.3): they say nothing of the status
})  # fmt: skip

HASHES: Mapping[bytes, str] = {
    oid("1.3.14.3.2.26"): "sha1",
    oid("2.16.840.1.101.3.4.2.4"): "sha224",
    oid("2.16.840.1.101.3.4.2.1"): "sha256",
    oid("2.16.840.1.101.3.4.2.2"): "sha384",
    oid("2.16.840.1.101.3.4.2.3"): "sha512",
}
"""Hashes of CertIDs, as `hashlib` calls them. SHA-1 is no weakness here: it names a certificate, it signs nothing."""

KEY_HASH_OCTETS = 20
"""KeyHash is SHA-1 (RFC 6960 §4.2.1)."""

MAX_CERTIFICATES = 16
"""Certificates in a response; delegated responders send one or their chain, and each costs a signature to try."""

MAX_RESPONSES = 256
"""Single responses in a response; the lightweight profile (RFC 5019 §2.2.1) has one."""


class ResponderError(Exception):
    """The responder answered with an error instead of a response (RFC 6960 §2.3).

    Attributes:
        status: Which one.
    """

    def __init__(self, status: ResponseStatus) -> None:
        """Keep the status."""
        super().__init__(status.name.lower())
        self.status = status


def read_ocsp_response(der: bytes) -> OcspResponse:
    """A successful basic response from its encoding.

    Raises:
        MalformedError: it is not strict DER, not a basic response, over a limit, or does not decode.
        ResponderError: its status is another than successful.
    """
    start, stop = tlv.whole(der, tlv.SEQUENCE)
    status_start, status_stop = tlv.expect(der, start, stop, tlv.ENUMERATED)
    code = tlv.integer(der, status_start, status_stop)
    try:
        status = ResponseStatus(code)
    except ValueError:
        raise MalformedError("an OCSP response status that RFC 6960 §4.2.1 does not know") from None
    if status is not ResponseStatus.SUCCESSFUL:
        raise ResponderError(status)
    outer_start, outer_stop = only(der, status_stop, stop, tlv.context(0))
    bytes_start, bytes_stop = only(der, outer_start, outer_stop, tlv.SEQUENCE)
    type_start, type_stop = tlv.expect(der, bytes_start, bytes_stop, tlv.OBJECT_IDENTIFIER)
    if der[type_start:type_stop] != ID_PKIX_OCSP_BASIC:
        raise MalformedError("an OCSP response that is not a basic one")
    basic_start, basic_stop = only(der, type_stop, bytes_stop, tlv.OCTET_STRING)
    return _read_basic(der, *only(der, basic_start, basic_stop, tlv.SEQUENCE))


def _read_basic(der: bytes, start: int, stop: int) -> OcspResponse:
    tbs_start, tbs_stop = tlv.expect(der, start, stop, tlv.SEQUENCE)
    _, algorithm_stop = tlv.expect(der, tbs_stop, stop, tlv.SEQUENCE)
    value_start, value_stop = tlv.expect(der, algorithm_stop, stop, tlv.BIT_STRING)
    certificates: tuple[bytes, ...] = ()
    if value_stop < stop:
        outer_start, outer_stop = only(der, value_stop, stop, tlv.context(0))
        elements = tlv.children(der, *only(der, outer_start, outer_stop, tlv.SEQUENCE))
        certificates = tuple(der[position:after] for _, position, _, after in elements)
    if len(certificates) > MAX_CERTIFICATES:
        raise MalformedError(f"more than {MAX_CERTIFICATES} certificates in an OCSP response")
    signature = Signature(
        der[tbs_stop:algorithm_stop], tlv.signature_bits(der, value_start, value_stop), der[start:tbs_stop]
    )
    return _read_tbs(der, tbs_start, tbs_stop, signature, certificates)


def _read_tbs(
    der: bytes, position: int, stop: int, signature: Signature, certificates: tuple[bytes, ...]
) -> OcspResponse:
    tag, start, after = tlv.read(der, position, stop)
    if tag == tlv.context(0):
        if tlv.integer(der, *only(der, start, after, tlv.INTEGER)) != 0:
            raise MalformedError("an OCSP response of a version other than 1")
        position = after
    responder_name, responder_key_hash, position = _responder_id(der, position, stop)
    produced_at, position = _generalized_time(der, position, stop)
    list_start, position = tlv.expect(der, position, stop, tlv.SEQUENCE)
    elements = tlv.children(der, list_start, position)
    if len(elements) > MAX_RESPONSES:
        raise MalformedError(f"more than {MAX_RESPONSES} answers in an OCSP response")
    found: dict[bytes, Extension] = {}
    if position < stop:
        outer_start, outer_stop = only(der, position, stop, tlv.context(1))
        found = read_extensions(der, *only(der, outer_start, outer_stop, tlv.SEQUENCE))
    nonce = found.get(ID_PKIX_OCSP_NONCE)
    return OcspResponse(
        digest=sha256(der).digest(),
        responder_name=responder_name,
        responder_key_hash=responder_key_hash,
        produced_at=produced_at,
        responses=tuple(_single_response(der, element, content, after) for element, _, content, after in elements),
        signature=signature,
        certificates=certificates,
        unknown_critical=unknown_critical(found, KNOWN_RESPONSE_EXTENSIONS),
        nonce=None if nonce is None else der[nonce.start : nonce.stop],
    )


def _responder_id(der: bytes, position: int, stop: int) -> tuple[Name | None, bytes | None, int]:
    tag, start, after = tlv.read(der, position, stop)
    if tag == tlv.context(1):
        only(der, start, after, tlv.SEQUENCE)
        return read_name(der[start:after]), None, after
    if tag == tlv.context(2):
        key_start, key_stop = only(der, start, after, tlv.OCTET_STRING)
        if key_stop - key_start == KEY_HASH_OCTETS:
            return None, der[key_start:key_stop], after
    raise MalformedError("a responder identified neither by name nor by key")


def _generalized_time(der: bytes, position: int, stop: int) -> tuple[datetime, int]:
    start, after = tlv.expect(der, position, stop, tlv.GENERALIZED_TIME)
    return moment(tlv.GENERALIZED_TIME, der[start:after]), after


def _single_response(der: bytes, tag: int, position: int, stop: int) -> SingleResponse:
    if tag != tlv.SEQUENCE:
        raise MalformedError("an OCSP answer that is not a SEQUENCE")
    start, position = tlv.expect(der, position, stop, tlv.SEQUENCE)
    cert_id = _cert_id(der, start, position)
    status, revoked_at, reason, position = _cert_status(der, position, stop)
    this_update, position = _generalized_time(der, position, stop)
    next_update: datetime | None = None
    unknown: tuple[str, ...] = ()
    for field, _, content, after in tlv.fields(der, position, stop):
        if field == tlv.context(0):
            next_update, end = _generalized_time(der, content, after)
            if end != after:
                raise MalformedError("octets after nextUpdate")
        elif field == tlv.context(1):
            found = read_extensions(der, *only(der, content, after, tlv.SEQUENCE))
            unknown = unknown_critical(found, KNOWN_SINGLE_EXTENSIONS)
        else:
            raise MalformedError("an OCSP answer with an unknown field")
    return SingleResponse(cert_id, status, revoked_at, reason, this_update, next_update, unknown)


def _cert_id(der: bytes, start: int, stop: int) -> CertId:
    algorithm_start, algorithm_stop = tlv.expect(der, start, stop, tlv.SEQUENCE)
    hash_start, hash_stop = tlv.expect(der, algorithm_start, algorithm_stop, tlv.OBJECT_IDENTIFIER)
    name_start, name_stop = tlv.expect(der, algorithm_stop, stop, tlv.OCTET_STRING)
    key_start, key_stop = tlv.expect(der, name_stop, stop, tlv.OCTET_STRING)
    serial_start, serial_stop = only(der, key_stop, stop, tlv.INTEGER)
    return CertId(
        HASHES.get(der[hash_start:hash_stop], ""),
        der[name_start:name_stop],
        der[key_start:key_stop],
        tlv.integer(der, serial_start, serial_stop),
    )


def _cert_status(der: bytes, position: int, stop: int) -> tuple[CertStatus, datetime | None, Reason | None, int]:
    tag, start, after = tlv.read(der, position, stop)
    if tag == tlv.context(0, constructed=False) and start == after:
        return CertStatus.GOOD, None, None, after
    if tag == tlv.context(2, constructed=False) and start == after:
        return CertStatus.UNKNOWN, None, None, after
    if tag != tlv.context(1):
        raise MalformedError("an OCSP certificate status of no known form")
    revoked_at, position = _generalized_time(der, start, after)
    reason: Reason | None = None
    if position < after:
        outer_start, outer_stop = only(der, position, after, tlv.context(0))
        code = tlv.integer(der, *only(der, outer_start, outer_stop, tlv.ENUMERATED))
        reason = read_reason(code)
    return CertStatus.REVOKED, revoked_at, reason, after
