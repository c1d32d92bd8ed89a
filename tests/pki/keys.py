"""Keys of every kind a test needs, each the same on every run.

Rules: elliptic-curve, Edwards and ML-DSA keys are derived from their kind and
index on first use and cached for the process; RSA and DSA keys, which are slow to
find, are read from `data/`, where `make_keys.py` has put them. All of them are public
knowledge and protect nothing.

RSA-16384 exists as a public key only (`public_key`): its modulus has no known factors.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha1, shake_256
from pathlib import Path
from typing import Final, Literal, TypeAlias, assert_never

from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    mldsa,
    rsa,
)
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from tests.pki import der

PrivateKey: TypeAlias = CertificateIssuerPrivateKeyTypes
PublicKey: TypeAlias = CertificatePublicKeyTypes

CurveKind: TypeAlias = Literal["p192", "p224", "p256", "p384", "p521"]
SeedKind: TypeAlias = Literal["ed25519", "ed448", "mldsa44", "mldsa65", "mldsa87"]
StoredKind: TypeAlias = Literal["rsa512", "rsa1024", "rsa2048", "rsa3072", "rsa4096", "dsa2048"]
KeyKind: TypeAlias = CurveKind | SeedKind | StoredKind

DATA: Final = Path(__file__).parent / "data"

STORED: Final[Mapping[StoredKind, int]] = {
    "rsa512": 2,
    "rsa1024": 2,
    "rsa2048": 4,
    "rsa3072": 2,
    "rsa4096": 2,
    "dsa2048": 2,
}
"""How many keys of each slow kind are in `data/`."""

_CURVES: Final[Mapping[CurveKind, type[ec.EllipticCurve]]] = {
    "p192": ec.SECP192R1,
    "p224": ec.SECP224R1,
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
}


def key(kind: KeyKind, index: int = 0) -> PrivateKey:
    """The private key number `index` of a kind; the same object throughout a process.

    Raises:
        LookupError: More stored keys are asked for than there are (`STORED`).
    """
    return _key(kind, index)


@cache
def _key(kind: KeyKind, index: int) -> PrivateKey:
    match kind:
        case "p192" | "p224" | "p256" | "p384" | "p521":
            curve = _CURVES[kind]()
            # One bit less than the field is always below the order, and 0 is no key.
            secret = int.from_bytes(_seed(kind, index, 66), "big")
            return ec.derive_private_key(1 + secret % (1 << curve.key_size - 1), curve)
        case "ed25519":
            return ed25519.Ed25519PrivateKey.from_private_bytes(_seed(kind, index, 32))
        case "ed448":
            return ed448.Ed448PrivateKey.from_private_bytes(_seed(kind, index, 57))
        case "mldsa44":
            return mldsa.MLDSA44PrivateKey.from_seed_bytes(_seed(kind, index, 32))
        case "mldsa65":
            return mldsa.MLDSA65PrivateKey.from_seed_bytes(_seed(kind, index, 32))
        case "mldsa87":
            return mldsa.MLDSA87PrivateKey.from_seed_bytes(_seed(kind, index, 32))
        case "rsa512" | "rsa1024" | "rsa2048" | "rsa3072" | "rsa4096" | "dsa2048":
            return _stored(kind, index)
        case _:
            assert_never(kind)


def public_key(kind: KeyKind | Literal["rsa16384"], index: int = 0) -> PublicKey:
    """The public half of `key(kind, index)`, or an RSA-16384 public key that nobody holds.

    Raises:
        LookupError: More stored keys are asked for than there are (`STORED`).
    """
    if kind != "rsa16384":
        return key(kind, index).public_key()
    bits = 16384
    modulus = int.from_bytes(_seed(kind, index, bits // 8), "big") | 1 << bits - 1 | 1
    return rsa.RSAPublicNumbers(65537, modulus).public_key()


def spki(public: PublicKey) -> bytes:
    """The SubjectPublicKeyInfo of a key, as DER."""
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_bits(subject_public_key_info: bytes) -> bytes:
    """The subjectPublicKey without tag, length and unused bits: what key hashes cover.

    Bytes that are no SubjectPublicKeyInfo are their own bits.
    """
    try:
        _, bits = der.children(subject_public_key_info)
    except ValueError:
        return subject_public_key_info
    return der.content(bits)[1:]


def key_identifier(subject_public_key_info: bytes) -> bytes:
    """The SHA-1 of the key's bits (RFC 5280 section 4.2.1.2, method 1)."""
    return sha1(key_bits(subject_public_key_info), usedforsecurity=False).digest()


def _seed(kind: str, index: int, size: int) -> bytes:
    return shake_256(f"revet test key {kind} {index}".encode()).digest(size)


def _stored(kind: StoredKind, index: int) -> rsa.RSAPrivateKey | dsa.DSAPrivateKey:
    if not 0 <= index < STORED[kind]:
        raise LookupError(f"{kind} has keys 0 to {STORED[kind] - 1} in data/, not {index}")
    pem = (DATA / f"{kind}-{index}.pem").read_bytes()
    # The check for primes costs more than the rest of a test; the data is our own.
    loaded = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(loaded, rsa.RSAPrivateKey | dsa.DSAPrivateKey):
        raise TypeError(f"{kind}-{index}.pem holds a {type(loaded).__name__}")
    return loaded
