"""Certificates (RFC 5280 §4.1), read once into the model's types.

Why not `cryptography`'s own reader: see `docs/adr/0002`. In short: it reads all extensions or none and raises when one
of them is asked for, and it does not give the names' own octets, which OCSP hashes.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from service.core.der import tlv
from service.core.der.certificate_extensions import read_certificate_extensions
from service.core.der.crl_entry import MAX_SERIAL_OCTETS
from service.core.der.extension import only
from service.core.der.key import read_public_key
from service.core.der.moment import read_moment
from service.core.der.name import read_name
from service.core.der.signed import read_signed
from service.core.model.certificate import Certificate, Extensions
from service.core.model.key import Signature
from service.core.model.malformed import MalformedError

MAX_CACHED_OCTETS = 4096
"""Larger certificates are read each time; 4,096 of the others are kept: 16 MiB of DER at most."""

MAX_VERSION = 3


def read_certificate(der: bytes) -> Certificate:
    """A certificate from its encoding.

    Raises:
        MalformedError: it is not strict DER, has octets after its end, names two signature algorithms, or a field or an
            extension that decisions depend on does not decode.
    """
    return _cached_certificate(der) if len(der) <= MAX_CACHED_OCTETS else _read(der)


def _read(der: bytes) -> Certificate:
    signature, start, stop = read_signed(der, "a certificate")
    return _read_tbs(der, start, stop, signature)


_cached_certificate = lru_cache(maxsize=4096)(_read)


def _read_tbs(der: bytes, position: int, stop: int, signature: Signature) -> Certificate:
    version, position = _version(der, position, stop)
    serial_start, position = tlv.expect(der, position, stop, tlv.INTEGER)
    if position - serial_start > MAX_SERIAL_OCTETS:  # the longest that a CRL could list
        raise MalformedError("a serial number that is too long")
    serial_number = tlv.integer(der, serial_start, position)
    algorithm_position = position
    _, position = tlv.expect(der, position, stop, tlv.SEQUENCE)
    if der[algorithm_position:position] != signature.algorithm:
        raise MalformedError("two different signature algorithms (RFC 5280 §4.1.1.2)")
    issuer_position = position
    _, position = tlv.expect(der, position, stop, tlv.SEQUENCE)
    issuer = read_name(der[issuer_position:position])
    validity_start, position = tlv.expect(der, position, stop, tlv.SEQUENCE)
    not_before, not_after = _validity(der, validity_start, position)
    subject_position = position
    _, position = tlv.expect(der, position, stop, tlv.SEQUENCE)
    subject = read_name(der[subject_position:position])
    key_position = position
    _, position = tlv.expect(der, position, stop, tlv.SEQUENCE)
    return Certificate(
        der=der,
        fingerprint=sha256(der).digest(),
        version=version,
        serial_number=serial_number,
        subject=subject,
        issuer=issuer,
        not_before=not_before,
        not_after=not_after,
        public_key=read_public_key(der[key_position:position]),
        signature=signature,
        extensions=_extensions(der, position, stop, version, issuer.der),
    )


def _version(der: bytes, position: int, stop: int) -> tuple[int, int]:
    """The version (RFC 5280 §4.1.2.1), 1 where the field is absent, and the offset after it."""
    tag, start, after = tlv.read(der, position, stop)
    if tag != tlv.context(0):
        return 1, position
    version = tlv.integer(der, *only(der, start, after, tlv.INTEGER)) + 1
    if not 1 < version <= MAX_VERSION:  # 1 is the default, which DER leaves out (X.690 §11.5)
        raise MalformedError("a version other than 1, 2 and 3, or 1 spelt out")
    return version, after


def _validity(der: bytes, start: int, stop: int) -> tuple[datetime, datetime]:
    not_before, position = read_moment(der, start, stop)
    not_after, position = read_moment(der, position, stop)
    if position != stop:
        raise MalformedError("octets after the validity")
    return not_before, not_after


def _extensions(der: bytes, position: int, stop: int, version: int, issuer: bytes) -> Extensions:
    """What follows the key: unique identifiers, which nobody uses, and extensions (RFC 5280 §4.1.2.8, §4.1.2.9)."""
    rest = tlv.children(der, position, stop)
    order = [tag for tag, *_ in rest]
    allowed = [tlv.context(1, constructed=False), tlv.context(2, constructed=False), tlv.context(3)]
    if order != [tag for tag in allowed if tag in order]:
        raise MalformedError("an unknown or misplaced field at the end of the TBSCertificate")
    if order and version == 1:
        raise MalformedError("unique identifiers or extensions in a certificate of version 1")
    if tlv.context(3) not in order:
        return Extensions()
    if version != MAX_VERSION:
        raise MalformedError("extensions in a certificate that is not of version 3")
    _, _, start, after = rest[-1]
    start, stop = only(der, start, after, tlv.SEQUENCE)
    if start == stop:
        raise MalformedError("an empty list of extensions (RFC 5280 §4.1.2.9)")
    return read_certificate_extensions(der, start, stop, issuer)
