"""Public keys and signatures, as far as a decision needs to know them."""

from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes


class KeyKind(Enum):
    """Families of public keys."""

    RSA = "RSA"
    DSA = "DSA"
    EC = "EC"
    ED25519 = "Ed25519"
    ED448 = "Ed448"
    ML_DSA = "ML-DSA"
    UNSUPPORTED = "unsupported"


PSS_ONLY = "RSA-PSS"
"""The parameter set of an RSA key that its owner restricts to RSA-PSS (RFC 4055 §1.2)."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A subject public key (RFC 5280 §4.1.2.7).

    Attributes:
        spki: DER of SubjectPublicKeyInfo: the identity of the key everywhere in Revet.
        bits: Content of its BIT STRING without the count of unused bits, which OCSP hashes (RFC 6960 §4.1.1).
        kind: Family.
        size: Bits of the modulus, of the prime or of the field; 0 where the family has one size.
        parameter_set: Name of the curve or of the ML-DSA parameter set, or PSS_ONLY; empty where there is none.
        handle: What verifies; None where `kind` is UNSUPPORTED.
    """

    spki: bytes = field(repr=False)
    bits: bytes = field(repr=False, compare=False)
    kind: KeyKind = field(compare=False)
    size: int = field(compare=False, default=0)
    parameter_set: str = field(compare=False, default="")
    handle: PublicKeyTypes | None = field(repr=False, compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and what it covers.

    Attributes:
        algorithm: DER of the AlgorithmIdentifier, parameters included.
        value: The signature's octets.
        signed: The octets that were signed.
    """

    algorithm: bytes
    value: bytes = field(repr=False)
    signed: bytes | memoryview = field(repr=False)
