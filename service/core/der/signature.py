"""Signatures of certificates, CRLs and OCSP responses: which algorithm, which digest, and whether one verifies.

One table for all three, so that what verifies for a certificate verifies for a CRL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from service.core.der.key import has_dsa_order
from service.core.der.pss import read_algorithm, read_pss_parameters
from service.core.model.key import PSS_ONLY, KeyKind, PssParameters, PublicKey, Signature
from service.core.model.malformed import MalformedError

MAX_CACHED_OCTETS = 8192
"""Signed octets above this are verified each time: of these, 4,096 results are kept, 32 MiB at most."""

PIECE_OCTETS = 1 << 20
"""What is longer is hashed in pieces of this size, half a millisecond each, so that other threads get their turn."""

MAX_WHOLE_OCTETS = 64 << 20
"""What may be signed with a scheme that has its hash built in (Ed25519, Ed448, ML-DSA): it is verified in one call, in
which no other thread of the process runs, a fifth of a second for this size. A CRL of a million entries has 50 MB."""

MAX_ALGORITHM_OCTETS = 256
"""A longer AlgorithmIdentifier is none that this table knows (the longest, PSS with everything spelled out, has 67)."""


class SignatureResult(Enum):
    """What came of verifying; never truthy by accident: compare it."""

    VALID = "valid"
    INVALID = "invalid"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class SignatureScheme:
    """How to verify.

    Attributes:
        name: For people: `RSA-PSS with sha256`.
        kind: Family of the keys it goes with.
        digest: The hash; None where the scheme has it built in.
        pss: Parameters of RSA-PSS; None elsewhere.
        parameter_set: The key's, where the algorithm's identifier names it (ML-DSA, RFC 9881 §2); empty elsewhere.
    """

    name: str
    kind: KeyKind
    digest: hashes.HashAlgorithm | None = None
    pss: PssParameters | None = None
    parameter_set: str = ""


def _scheme(kind: KeyKind, digest: hashes.HashAlgorithm | None = None) -> SignatureScheme:
    return SignatureScheme(kind.value if digest is None else f"{kind.value} with {digest.name}", kind, digest)


_SCHEMES: Mapping[str, SignatureScheme] = {
    # RFC 3279, 4055, 8017
    "1.2.840.113549.1.1.4": _scheme(KeyKind.RSA, hashes.MD5()),  # noqa: S303 - read here, refused by the policy
    "1.2.840.113549.1.1.5": _scheme(KeyKind.RSA, hashes.SHA1()),  # noqa: S303 - read here, refused by the policy
    "1.3.14.3.2.29": _scheme(KeyKind.RSA, hashes.SHA1()),  # noqa: S303 - read here, refused by the policy
    "1.2.840.113549.1.1.14": _scheme(KeyKind.RSA, hashes.SHA224()),
    "1.2.840.113549.1.1.11": _scheme(KeyKind.RSA, hashes.SHA256()),
    "1.2.840.113549.1.1.12": _scheme(KeyKind.RSA, hashes.SHA384()),
    "1.2.840.113549.1.1.13": _scheme(KeyKind.RSA, hashes.SHA512()),
    "2.16.840.1.101.3.4.3.13": _scheme(KeyKind.RSA, hashes.SHA3_224()),
    "2.16.840.1.101.3.4.3.14": _scheme(KeyKind.RSA, hashes.SHA3_256()),
    "2.16.840.1.101.3.4.3.15": _scheme(KeyKind.RSA, hashes.SHA3_384()),
    "2.16.840.1.101.3.4.3.16": _scheme(KeyKind.RSA, hashes.SHA3_512()),
    # RFC 5758 and NIST's arc
    "1.2.840.10045.4.1": _scheme(KeyKind.EC, hashes.SHA1()),  # noqa: S303 - read here, refused by the policy
    "1.2.840.10045.4.3.1": _scheme(KeyKind.EC, hashes.SHA224()),
    "1.2.840.10045.4.3.2": _scheme(KeyKind.EC, hashes.SHA256()),
    "1.2.840.10045.4.3.3": _scheme(KeyKind.EC, hashes.SHA384()),
    "1.2.840.10045.4.3.4": _scheme(KeyKind.EC, hashes.SHA512()),
    "2.16.840.1.101.3.4.3.9": _scheme(KeyKind.EC, hashes.SHA3_224()),
    "2.16.840.1.101.3.4.3.10": _scheme(KeyKind.EC, hashes.SHA3_256()),
    "2.16.840.1.101.3.4.3.11": _scheme(KeyKind.EC, hashes.SHA3_384()),
    "2.16.840.1.101.3.4.3.12": _scheme(KeyKind.EC, hashes.SHA3_512()),
    "1.2.840.10040.4.3": _scheme(KeyKind.DSA, hashes.SHA1()),  # noqa: S303 - read here, refused by the policy
    "2.16.840.1.101.3.4.3.1": _scheme(KeyKind.DSA, hashes.SHA224()),
    "2.16.840.1.101.3.4.3.2": _scheme(KeyKind.DSA, hashes.SHA256()),
    "2.16.840.1.101.3.4.3.3": _scheme(KeyKind.DSA, hashes.SHA384()),
    "2.16.840.1.101.3.4.3.4": _scheme(KeyKind.DSA, hashes.SHA512()),
    # RFC 8410, RFC 9881
    "1.3.101.112": _scheme(KeyKind.ED25519),
    "1.3.101.113": _scheme(KeyKind.ED448),
    "2.16.840.1.101.3.4.3.17": SignatureScheme("ML-DSA-44", KeyKind.ML_DSA, parameter_set="ML-DSA-44"),
    "2.16.840.1.101.3.4.3.18": SignatureScheme("ML-DSA-65", KeyKind.ML_DSA, parameter_set="ML-DSA-65"),
    "2.16.840.1.101.3.4.3.19": SignatureScheme("ML-DSA-87", KeyKind.ML_DSA, parameter_set="ML-DSA-87"),
}

_RSASSA_PSS = "1.2.840.113549.1.1.10"
_NULL = b"\x05\x00"


def algorithm_name(algorithm: bytes) -> str:
    """What to call an AlgorithmIdentifier: the scheme's name, or the dotted OID."""
    scheme = signature_scheme(algorithm)
    if scheme is not None:
        return scheme.name
    try:
        return read_algorithm(algorithm)[0]
    except MalformedError:
        return "an unreadable algorithm"


def signature_scheme(algorithm: bytes) -> SignatureScheme | None:
    """The scheme that an AlgorithmIdentifier names; None where nothing here verifies it."""
    return _cached_scheme(algorithm) if len(algorithm) <= MAX_ALGORITHM_OCTETS else None


@lru_cache(maxsize=256)
def _cached_scheme(algorithm: bytes) -> SignatureScheme | None:
    try:
        oid, parameters = read_algorithm(algorithm)
        if oid == _RSASSA_PSS:
            return _pss(parameters)
    except MalformedError:
        return None
    scheme = _SCHEMES.get(oid)
    # RFC 4055 §5: NULL for RSA, and absent is to be accepted. Absent for all others (RFC 3279 §2.2.2, RFC 5758 §3,
    # RFC 8410 §3, RFC 9881 §2).
    allowed = (b"", _NULL) if scheme is not None and scheme.kind is KeyKind.RSA else (b"",)
    return scheme if parameters in allowed else None


def _pss(encoded: bytes) -> SignatureScheme | None:
    parameters = read_pss_parameters(encoded)
    if parameters is None:
        return None
    return SignatureScheme(f"RSA-PSS with {parameters.digest.name}", KeyKind.RSA, parameters.digest, parameters)


def verify(signature: Signature, key: PublicKey) -> SignatureResult:
    """Verify a signature under a key.

    Returns:
        VALID, INVALID (also where the key is of another family), or UNSUPPORTED where the algorithm or the key is
        unknown here, or what is signed `is_too_large`.
    """
    if len(signature.signed) + len(signature.value) <= MAX_CACHED_OCTETS:
        return _cached_verify(signature, key)
    return _verify(signature, key)


def is_too_large(signature: Signature) -> bool:
    """Whether more is signed than can be verified by an algorithm that does not let it be hashed before."""
    scheme = signature_scheme(signature.algorithm)
    return scheme is not None and scheme.digest is None and len(signature.signed) > MAX_WHOLE_OCTETS


def _verify(signature: Signature, key: PublicKey) -> SignatureResult:
    scheme = signature_scheme(signature.algorithm)
    if scheme is None or key.handle is None or is_too_large(signature):
        return SignatureResult.UNSUPPORTED
    if scheme.kind is not key.kind or scheme.parameter_set not in ("", key.parameter_set):
        return SignatureResult.INVALID
    if key.parameter_set == PSS_ONLY and not _is_allowed(scheme.pss, key):
        return SignatureResult.INVALID
    try:
        _verify_with(scheme, signature, key)
    except InvalidSignature:
        return SignatureResult.INVALID
    except (
        UnsupportedAlgorithm,
        ValueError,
    ):  # OpenSSL refuses the combination, such as a digest longer than the modulus
        return SignatureResult.UNSUPPORTED
    return SignatureResult.VALID


def _is_allowed(used: PssParameters | None, key: PublicKey) -> bool:
    """Whether a key that is restricted to RSA-PSS makes such signatures (RFC 4055 §1.2, §3.3)."""
    return used is not None and (key.pss is None or key.pss.allow(used))


_cached_verify = lru_cache(maxsize=4096)(_verify)
"""Verifying is a pure function: the same signature under the same key gives the same result."""


def _verify_with(scheme: SignatureScheme, signature: Signature, key: PublicKey) -> None:
    value, signed = signature.value, signature.signed
    digest: hashes.HashAlgorithm | Prehashed | None = scheme.digest
    if scheme.digest is not None and len(signed) > PIECE_OCTETS:
        signed, digest = _hashed(signed, scheme.digest), Prehashed(scheme.digest)
    match key.handle:
        case rsa.RSAPublicKey() as public_key if digest is not None:
            public_key.verify(value, bytes(signed), _padding(scheme), digest)
        case ec.EllipticCurvePublicKey() as public_key if digest is not None:
            public_key.verify(value, signed, ec.ECDSA(digest))
        case dsa.DSAPublicKey() as public_key if digest is not None and has_dsa_order(public_key):
            public_key.verify(value, signed, digest)
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey() as public_key:
            public_key.verify(value, signed)
        case mldsa.MLDSA44PublicKey() | mldsa.MLDSA65PublicKey() | mldsa.MLDSA87PublicKey() as public_key:
            public_key.verify(value, signed)
        case _:
            raise UnsupportedAlgorithm(scheme.name)


def _hashed(signed: bytes | memoryview, algorithm: hashes.HashAlgorithm) -> bytes:
    """The digest of what is signed, without a copy of it."""
    view, digest = memoryview(signed), hashes.Hash(algorithm)
    for start in range(0, len(view), PIECE_OCTETS):
        digest.update(view[start : start + PIECE_OCTETS])
    return digest.finalize()


def _padding(scheme: SignatureScheme) -> padding.PSS | padding.PKCS1v15:
    if scheme.pss is None:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(scheme.pss.mask_digest), scheme.pss.salt_length)
