"""Public keys (RFC 5280 §4.1.2.7)."""

from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from service.core.der import tlv
from service.core.der.extension import oid, only
from service.core.model.key import PSS_ONLY, KeyKind, PublicKey

RSASSA_PSS = oid("1.2.840.113549.1.1.10")

MAX_CACHED_OCTETS = 4096
"""Longer keys are read each time; the longest usual one, ML-DSA-87, has 2,614 octets."""


MAX_RSA_EXPONENT_BITS = 64
"""OpenSSL works with no longer one above 3,072 bits, everybody uses 17, and verifying takes time in proportion: with an
exponent as long as the modulus 4 ms for a key that anybody can put into an intermediate."""


def read_public_key(spki: bytes) -> PublicKey:
    """A key from its SubjectPublicKeyInfo; one that nothing here reads has the kind UNSUPPORTED.

    Raises:
        MalformedError: it is no SubjectPublicKeyInfo.
    """
    return _cached_public_key(spki) if len(spki) <= MAX_CACHED_OCTETS else _read(spki)


def _read(spki: bytes) -> PublicKey:
    start, stop = tlv.whole(spki, tlv.SEQUENCE)
    algorithm_start, algorithm_stop = tlv.expect(spki, start, stop, tlv.SEQUENCE)
    bits = tlv.bit_string(spki, *only(spki, algorithm_stop, stop, tlv.BIT_STRING))
    try:
        handle = load_der_public_key(spki)
    except (UnsupportedAlgorithm, ValueError):
        return PublicKey(spki, bits, KeyKind.UNSUPPORTED)
    identifier_start, identifier_stop = tlv.expect(spki, algorithm_start, algorithm_stop, tlv.OBJECT_IDENTIFIER)
    return _describe(spki, spki[identifier_start:identifier_stop], bits, handle)


_cached_public_key = lru_cache(maxsize=2048)(_read)


def _describe(spki: bytes, algorithm: bytes, bits: bytes, handle: PublicKeyTypes) -> PublicKey:
    match handle:
        case rsa.RSAPublicKey():
            if handle.public_numbers().e.bit_length() > MAX_RSA_EXPONENT_BITS:
                return PublicKey(spki, bits, KeyKind.UNSUPPORTED)
            parameter_set = PSS_ONLY if algorithm == RSASSA_PSS else ""
            return PublicKey(spki, bits, KeyKind.RSA, handle.key_size, parameter_set, handle)
        case dsa.DSAPublicKey():
            return PublicKey(spki, bits, KeyKind.DSA, handle.key_size, "", handle)
        case ec.EllipticCurvePublicKey():
            return PublicKey(spki, bits, KeyKind.EC, handle.key_size, handle.curve.name, handle)
        case ed25519.Ed25519PublicKey():
            return PublicKey(spki, bits, KeyKind.ED25519, 0, "", handle)
        case ed448.Ed448PublicKey():
            return PublicKey(spki, bits, KeyKind.ED448, 0, "", handle)
        case mldsa.MLDSA44PublicKey():
            return PublicKey(spki, bits, KeyKind.ML_DSA, 0, "ML-DSA-44", handle)
        case mldsa.MLDSA65PublicKey():
            return PublicKey(spki, bits, KeyKind.ML_DSA, 0, "ML-DSA-65", handle)
        case mldsa.MLDSA87PublicKey():
            return PublicKey(spki, bits, KeyKind.ML_DSA, 0, "ML-DSA-87", handle)
        case _:  # X25519 and the like sign nothing
            return PublicKey(spki, bits, KeyKind.UNSUPPORTED)
