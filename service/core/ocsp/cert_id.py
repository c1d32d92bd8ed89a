"""CertID: which certificate a request or an answer is about (RFC 6960 §4.1.1)."""

import hashlib

from service.core.der import tlv
from service.core.model.certificate import Certificate
from service.core.model.ocsp import CertId

REQUEST_HASH = "sha1"
"""The hash in requests: the one that every responder knows (RFC 5019 §2.1.1). It names, it signs nothing."""


def cert_id(certificate: Certificate, issuer: Certificate, hash_name: str) -> CertId:
    """The CertID of a certificate under one of `der.ocsp.HASHES`."""

    def digest(octets: bytes) -> bytes:
        return hashlib.new(hash_name, octets, usedforsecurity=False).digest()

    return CertId(hash_name, digest(certificate.issuer.der), digest(issuer.public_key.bits), certificate.serial_number)


def is_about(one: CertId, certificate: Certificate, issuer: Certificate) -> bool:
    """Whether a CertID names a certificate: serial number, issuer's name and issuer's key, all three."""
    if one.serial_number != certificate.serial_number or not one.hash_name:
        return False
    return one == cert_id(certificate, issuer, one.hash_name)


def store_key(certificate: Certificate, issuer: Certificate) -> bytes:
    """The key under which a host holds the answer about a certificate."""
    own = cert_id(certificate, issuer, "sha256")
    serial = tlv.integer_octets(own.serial_number)
    return hashlib.sha256(own.issuer_name_hash + own.issuer_key_hash + serial).digest()
