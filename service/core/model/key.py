"""Public keys and signatures, as far as a decision needs to know them."""

from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import HashAlgorithm


class KeyKind(Enum):
    """Families of public keys."""

    RSA = "RSA"
    DSA = "DSA"
    DSA_INHERITING = "DSA without parameters"
    """It has those of its issuer (RFC 3279 §2.3.2) and is no key before they are written in: `der.key.inherit`."""
    EC = "EC"
    ED25519 = "Ed25519"
    ED448 = "Ed448"
    ML_DSA = "ML-DSA"
    UNSUPPORTED = "unsupported"


PSS_ONLY = "RSA-PSS"
"""The parameter set of an RSA key that its owner restricts to RSA-PSS (RFC 4055 §1.2)."""


@dataclass(frozen=True, slots=True)
class PssParameters:
    """RSASSA-PSS-params (RFC 4055 §3.1).

    Attributes:
        salt_length: Octets; in a key the fewest that a signature may have.
    """

    digest: HashAlgorithm
    mask_digest: HashAlgorithm
    salt_length: int

    def allow(self, used: "PssParameters") -> bool:
        """Whether a signature made with `used` is one that a key with these parameters makes (RFC 4055 §3.3)."""
        return (
            self.digest.name == used.digest.name
            and self.mask_digest.name == used.mask_digest.name
            and self.salt_length <= used.salt_length
        )


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A subject public key (RFC 5280 §4.1.2.7).

    Attributes:
        spki: DER of SubjectPublicKeyInfo: the identity of the key everywhere in Revet. Of a key that inherits its
            parameters the one with them written in, once they are known.
        bits: Content of its BIT STRING without the count of unused bits, which OCSP hashes (RFC 6960 §4.1.1).
        kind: Family.
        size: Bits of the modulus, of the prime or of the field; 0 where the family has one size, or nothing reads it.
        parameter_set: Name of the curve or of the ML-DSA parameter set, or PSS_ONLY; empty where there is none.
        handle: What verifies; None where `kind` is UNSUPPORTED or DSA_INHERITING.
        pss: What its signatures are restricted to beyond PSS_ONLY; None where they are not.
    """

    spki: bytes = field(repr=False)
    bits: bytes = field(repr=False, compare=False)
    kind: KeyKind = field(compare=False)
    size: int = field(compare=False, default=0)
    parameter_set: str = field(compare=False, default="")
    handle: PublicKeyTypes | None = field(repr=False, compare=False, default=None)
    pss: PssParameters | None = field(compare=False, default=None)


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
