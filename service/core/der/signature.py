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

from service.core.der import tlv
from service.core.model.key import PSS_ONLY, KeyKind, PublicKey, Signature
from service.core.model.malformed import MalformedError

MAX_CACHED_OCTETS = 8192
"""Signed octets above this are verified each time: of these, 4,096 results are kept, 32 MiB at most."""

MAX_ALGORITHM_OCTETS = 256
"""A longer AlgorithmIdentifier is none that this table knows (the longest, PSS with everything spelled out, has 67)."""

MAX_SALT_OCTETS = 2048
"""As many as the modulus of the longest key that OpenSSL verifies with, RSA-16384; it takes no number above 2**31."""


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
        pss: Padding of RSA-PSS; None elsewhere.
        parameter_set: The key's, where the algorithm's identifier names it (ML-DSA, RFC 9881 §3); empty elsewhere.
    """

    name: str
    kind: KeyKind
    digest: hashes.HashAlgorithm | None = None
    pss: padding.PSS | None = None
    parameter_set: str = ""


_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.2.5": hashes.MD5(),  # noqa: S303 - read here, refused by the policy
    "1.3.14.3.2.26": hashes.SHA1(),  # noqa: S303 - read here, refused by the policy
    "2.16.840.1.101.3.4.2.4": hashes.SHA224(),
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
    "2.16.840.1.101.3.4.2.7": hashes.SHA3_224(),
    "2.16.840.1.101.3.4.2.8": hashes.SHA3_256(),
    "2.16.840.1.101.3.4.2.9": hashes.SHA3_384(),
    "2.16.840.1.101.3.4.2.10": hashes.SHA3_512(),
}


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
_MGF1 = "1.2.840.113549.1.1.8"
_NULL = b"\x05\x00"


def algorithm_name(algorithm: bytes) -> str:
    """What to call an AlgorithmIdentifier: the scheme's name, or the dotted OID."""
    scheme = signature_scheme(algorithm)
    if scheme is not None:
        return scheme.name
    try:
        return _oid_and_parameters(algorithm)[0]
    except MalformedError:
        return "an unreadable algorithm"


def signature_scheme(algorithm: bytes) -> SignatureScheme | None:
    """The scheme that an AlgorithmIdentifier names; None where nothing here verifies it."""
    return _cached_scheme(algorithm) if len(algorithm) <= MAX_ALGORITHM_OCTETS else None


@lru_cache(maxsize=256)
def _cached_scheme(algorithm: bytes) -> SignatureScheme | None:
    try:
        oid, parameters = _oid_and_parameters(algorithm)
        if oid == _RSASSA_PSS:
            return _pss(parameters)
    except MalformedError:
        return None
    # Parameters are absent or, for RSA, NULL; NULL elsewhere is a harmless habit of old encoders.
    return _SCHEMES.get(oid) if parameters in (b"", _NULL) else None


def _oid_and_parameters(algorithm: bytes) -> tuple[str, bytes]:
    start, stop = tlv.whole(algorithm, tlv.SEQUENCE)
    oid_start, oid_stop = tlv.expect(algorithm, start, stop, tlv.OBJECT_IDENTIFIER)
    return tlv.object_identifier(algorithm, oid_start, oid_stop), algorithm[oid_stop:stop]


def _pss(parameters: bytes) -> SignatureScheme | None:
    """RSASSA-PSS-params (RFC 4055 §3.1), every field optional with SHA-1 as the default."""
    start, stop = tlv.whole(parameters, tlv.SEQUENCE)
    digest: hashes.HashAlgorithm | None = _HASHES["1.3.14.3.2.26"]
    mask_digest: hashes.HashAlgorithm | None = digest
    salt_length = 20
    for tag, _, content, after in tlv.fields(parameters, start, stop):
        field = parameters[content:after]
        if tag == tlv.context(0):
            digest = _hash(field)
        elif tag == tlv.context(1):
            mask_oid, mask_parameters = _oid_and_parameters(field)
            mask_digest = _hash(mask_parameters) if mask_oid == _MGF1 else None
        elif tag == tlv.context(2):
            salt_length = tlv.integer(field, *tlv.whole(field, tlv.INTEGER))
        elif tag != tlv.context(3) or field != b"\x02\x01\x01":  # trailerField: 1 is the only one there is
            return None
    if digest is None or mask_digest is None or not 0 <= salt_length <= MAX_SALT_OCTETS:
        return None
    return SignatureScheme(
        f"RSA-PSS with {digest.name}", KeyKind.RSA, digest, padding.PSS(padding.MGF1(mask_digest), salt_length)
    )


def _hash(algorithm: bytes) -> hashes.HashAlgorithm | None:
    oid, parameters = _oid_and_parameters(algorithm)
    return _HASHES.get(oid) if parameters in (b"", _NULL) else None


def verify(signature: Signature, key: PublicKey) -> SignatureResult:
    """Verify a signature under a key.

    Returns:
        VALID, INVALID (also where the key is of another family), or UNSUPPORTED where the algorithm or the key is
        unknown here.
    """
    if len(signature.signed) + len(signature.value) <= MAX_CACHED_OCTETS:
        return _cached_verify(signature, key)
    return _verify(signature, key)


def _verify(signature: Signature, key: PublicKey) -> SignatureResult:
    scheme = signature_scheme(signature.algorithm)
    if scheme is None or key.handle is None:
        return SignatureResult.UNSUPPORTED
    if scheme.kind is not key.kind or scheme.parameter_set not in ("", key.parameter_set):
        return SignatureResult.INVALID
    if key.parameter_set == PSS_ONLY and scheme.pss is None:  # RFC 4055 §1.2: such a key is for RSA-PSS alone
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


_cached_verify = lru_cache(maxsize=4096)(_verify)
"""Verifying is a pure function: the same signature under the same key gives the same result."""


def _verify_with(scheme: SignatureScheme, signature: Signature, key: PublicKey) -> None:
    value, signed, digest = signature.value, bytes(signature.signed), scheme.digest
    match key.handle:
        case rsa.RSAPublicKey() as public_key if digest is not None:
            public_key.verify(value, signed, scheme.pss or padding.PKCS1v15(), digest)
        case ec.EllipticCurvePublicKey() as public_key if digest is not None:
            public_key.verify(value, signed, ec.ECDSA(digest))
        case dsa.DSAPublicKey() as public_key if digest is not None:
            public_key.verify(value, signed, digest)
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey() as public_key:
            public_key.verify(value, signed)
        case mldsa.MLDSA44PublicKey() | mldsa.MLDSA65PublicKey() | mldsa.MLDSA87PublicKey() as public_key:
            public_key.verify(value, signed)
        case _:
            raise UnsupportedAlgorithm(scheme.name)
