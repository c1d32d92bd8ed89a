"""Public keys (RFC 5280 §4.1.2.7): how their algorithms write them, and DSA keys without parameters.

`cryptography` does the arithmetic and reads more than the RFCs allow; what it reads beyond them is UNSUPPORTED here,
and so is what verifies whatever one likes: a DSA key of 1, an RSA modulus that is even.
"""

from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from service.core.der import tlv
from service.core.der.extension import oid, only
from service.core.der.pss import read_pss_parameters
from service.core.model.key import PSS_ONLY, KeyKind, PssParameters, PublicKey

RSA_ENCRYPTION = oid("1.2.840.113549.1.1.1")
RSASSA_PSS = oid("1.2.840.113549.1.1.10")
DSA = oid("1.2.840.10040.4.1")

MAX_CACHED_OCTETS = 4096
"""Longer keys are read each time; the longest usual one, ML-DSA-87, has 2,614 octets."""

MAX_RSA_EXPONENT_BITS = 64
"""OpenSSL works with no longer one above 3,072 bits, everybody uses 17, and verifying takes time in proportion: with an
exponent as long as the modulus 4 ms for a key that anybody can put into an intermediate."""

MAX_DSA_BITS = 3072
"""The longest of FIPS 186-4 §4.2. Finding out whether a key is sound takes two powers of 5 ms each, with 4,096 of 8."""
DSA_ORDER_BITS = range(160, 257)
"""Of the subgroup (FIPS 186-4 §4.2); OpenSSL verifies with no other sizes than 160, 224 and 256."""

NULL = b"\x05\x00"

_HYBRID_POINTS = (0x06, 0x07)
"""First octets of a form that RFC 5480 §2.2 does not know."""


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
    unsupported = PublicKey(spki, bits, KeyKind.UNSUPPORTED)
    try:
        identifier_start, identifier_stop = tlv.expect(spki, algorithm_start, algorithm_stop, tlv.OBJECT_IDENTIFIER)
        identifier, parameters = spki[identifier_start:identifier_stop], spki[identifier_stop:algorithm_stop]
        if identifier == DSA and parameters in (b"", NULL):  # RFC 3279 §2.3.2, RFC 5280 §6.1.4 (e)
            return PublicKey(spki, bits, KeyKind.DSA_INHERITING)
        return _describe(spki, bits, identifier, parameters, load_der_public_key(spki)) or unsupported
    except (UnsupportedAlgorithm, ValueError):  # MalformedError included: the algorithm is what does not decode
        return unsupported


_cached_public_key = lru_cache(maxsize=2048)(_read)


def _describe(
    spki: bytes, bits: bytes, identifier: bytes, parameters: bytes, handle: PublicKeyTypes
) -> PublicKey | None:
    match handle:
        case rsa.RSAPublicKey() if _is_sound_rsa(handle):
            return _rsa(spki, bits, identifier, parameters, handle)
        case dsa.DSAPublicKey() if _is_sound_dsa(handle):
            return PublicKey(spki, bits, KeyKind.DSA, handle.key_size, "", handle)
        case ec.EllipticCurvePublicKey() if parameters[0] == tlv.OBJECT_IDENTIFIER and bits[0] not in _HYBRID_POINTS:
            # RFC 5480 §2.1.1: the curve by name; §2.2: the point uncompressed or compressed.
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
            return None


def _rsa(spki: bytes, bits: bytes, identifier: bytes, parameters: bytes, handle: rsa.RSAPublicKey) -> PublicKey | None:
    if identifier == RSA_ENCRYPTION:
        # RFC 3279 §2.3.1: the parameters MUST be NULL.
        return PublicKey(spki, bits, KeyKind.RSA, handle.key_size, "", handle) if parameters == NULL else None
    pss: PssParameters | None = None
    if parameters:  # RFC 4055 §3.1: absent, or what every signature of this key keeps to
        pss = read_pss_parameters(parameters)
        if pss is None:
            return None
    return PublicKey(spki, bits, KeyKind.RSA, handle.key_size, PSS_ONLY, handle, pss)


def _is_sound_rsa(key: rsa.RSAPublicKey) -> bool:
    """Whether it can be a product of two primes, with an exponent of a usual length; `cryptography` wants it odd."""
    numbers = key.public_numbers()
    return numbers.n % 2 == 1 and numbers.e.bit_length() <= MAX_RSA_EXPONENT_BITS


def _is_sound_dsa(key: dsa.DSAPublicKey) -> bool:
    """Whether its numbers can be what FIPS 186-4 §4.1 says: with 1 as generator and as key anything verifies.

    Their order takes milliseconds and is looked at where the key is used: `has_dsa_order`.
    """
    numbers = key.public_numbers()
    p, q, g = numbers.parameter_numbers.p, numbers.parameter_numbers.q, numbers.parameter_numbers.g
    return (
        key.key_size <= MAX_DSA_BITS
        and q.bit_length() in DSA_ORDER_BITS
        and (p - 1) % q == 0
        and 1 < g < p - 1  # p - 1 is 1 but for its sign
        and 1 < numbers.y < p - 1
    )


def has_dsa_order(key: dsa.DSAPublicKey) -> bool:
    """Whether generator and key are in the subgroup of order q (FIPS 186-4 §A.2.2, SP 800-89 §5.3.1).

    With a key of order 3 somebody has the signatures that another key made verify, and makes more.
    """
    numbers = key.public_numbers()
    parameters = numbers.parameter_numbers
    return _has_order(parameters.p, parameters.q, parameters.g) and _has_order(parameters.p, parameters.q, numbers.y)


@lru_cache(maxsize=256)
def _has_order(p: int, q: int, number: int) -> bool:
    return pow(number, q, p) == 1


def inherit(key: PublicKey, issuer: PublicKey) -> PublicKey | None:
    """A DSA key with the parameters of its issuer written in (RFC 3279 §2.3.2); None where the two make no key.

    Args:
        key: One of the kind DSA_INHERITING.
        issuer: The key that verifies the certificate of `key`.
    """
    start, stop = tlv.whole(issuer.spki, tlv.SEQUENCE)
    _, algorithm_stop = tlv.expect(issuer.spki, start, stop, tlv.SEQUENCE)
    subject_public_key = tlv.encode(tlv.BIT_STRING, b"\x00" + key.bits)
    # Of an issuer of another family, or one without parameters itself, this makes no DSA key.
    completed = read_public_key(tlv.encode(tlv.SEQUENCE, issuer.spki[start:algorithm_stop] + subject_public_key))
    return completed if completed.kind is KeyKind.DSA else None
