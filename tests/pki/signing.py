"""Signatures over the raw structures: how they are made, and how they are spoilt.

Rules: ECDSA is deterministic (RFC 6979), so that the same input gives the same
bytes; RSA-PSS with a salt and ML-DSA are not. `Signing` holds what certificates, CRLs and
OCSP answers may override about their signature, and signs with `cryptography`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypedDict, assert_never

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    mldsa,
    padding,
    rsa,
)

from tests.pki import der, oids
from tests.pki.keys import PrivateKey

HashName: TypeAlias = Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]

HASHES: Final[Mapping[HashName, type[hashes.HashAlgorithm]]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}

_PSS_DEFAULT_SALT_LENGTH: Final = 20  # RFC 4055 section 3.1


class SigningOverrides(TypedDict, total=False):
    """The keyword arguments that set the fields of `Signing`."""

    signature_hash: HashName
    pss_salt_length: int | None
    signing_key: PrivateKey | None
    corrupt_signature: bool
    inner_algorithm: bytes | None
    outer_algorithm: bytes | None


# Without slots: the OCSP template inherits from two of its kind.
@dataclass(frozen=True, kw_only=True)
class Signing:
    """How a structure is signed."""

    signature_hash: HashName = "sha256"
    """The hash; Ed25519, Ed448 and ML-DSA keys have none and ignore it."""
    pss_salt_length: int | None = None
    """Octets of salt; set, an RSA key signs with RSASSA-PSS instead of PKCS #1 v1.5."""
    signing_key: PrivateKey | None = None
    """The key that signs in place of the issuer's own."""
    corrupt_signature: bool = False
    """Flip the last bit of the signature, which stays well-formed."""
    inner_algorithm: bytes | None = None
    """The raw AlgorithmIdentifier inside the signed part (certificates and CRLs)."""
    outer_algorithm: bytes | None = None
    """The raw AlgorithmIdentifier beside the signature."""

    def algorithm(self, issuer_key: PrivateKey) -> bytes:
        """The AlgorithmIdentifier to write inside the signed part."""
        return self.inner_algorithm or self._actual_algorithm(issuer_key)

    def signed(self, issuer_key: PrivateKey, signed_part: bytes, *trailing: bytes) -> bytes:
        """The SEQUENCE of signed part, algorithm, signature and anything `trailing`."""
        signature = sign(
            self.signing_key or issuer_key,
            signed_part,
            signature_hash=self.signature_hash,
            pss_salt_length=self.pss_salt_length,
        )
        if self.corrupt_signature:
            signature = signature[:-1] + bytes((signature[-1] ^ 1,))
        algorithm = self.outer_algorithm or self._actual_algorithm(issuer_key)
        return der.seq(signed_part, algorithm, der.bit_string(signature), *trailing)

    def _actual_algorithm(self, issuer_key: PrivateKey) -> bytes:
        return algorithm_identifier(self.signing_key or issuer_key, self.signature_hash, self.pss_salt_length)


def sign(
    key: PrivateKey,
    data: bytes,
    *,
    signature_hash: HashName = "sha256",
    pss_salt_length: int | None = None,
) -> bytes:
    """The signature value over `data`."""
    algorithm = HASHES[signature_hash]()
    match key:
        case rsa.RSAPrivateKey() if pss_salt_length is not None:
            pss = padding.PSS(padding.MGF1(algorithm), pss_salt_length)
            return key.sign(data, pss, algorithm)
        case rsa.RSAPrivateKey():
            return key.sign(data, padding.PKCS1v15(), algorithm)
        case ec.EllipticCurvePrivateKey():
            return key.sign(data, ec.ECDSA(algorithm, deterministic_signing=True))
        case dsa.DSAPrivateKey():
            return key.sign(data, algorithm)
        case (
            ed25519.Ed25519PrivateKey()
            | ed448.Ed448PrivateKey()
            | mldsa.MLDSA44PrivateKey()
            | mldsa.MLDSA65PrivateKey()
            | mldsa.MLDSA87PrivateKey()
        ):
            return key.sign(data)
        case _:
            assert_never(key)


def algorithm_identifier(
    key: PrivateKey, signature_hash: HashName = "sha256", pss_salt_length: int | None = None
) -> bytes:
    """The AlgorithmIdentifier of the signatures that `sign` makes with the same arguments.

    Raises:
        LookupError: Nobody has registered this hash with this kind of key (ECDSA with MD5).
    """
    match key:
        case rsa.RSAPrivateKey() if pss_salt_length is not None:
            return der.seq(der.oid(oids.RSASSA_PSS), _pss_parameters(signature_hash, pss_salt_length))
        case rsa.RSAPrivateKey():
            return der.seq(der.oid(oids.RSA_SIGNATURES[signature_hash]), der.null())
        case ec.EllipticCurvePrivateKey():
            return der.seq(der.oid(oids.ECDSA_SIGNATURES[signature_hash]))
        case dsa.DSAPrivateKey():
            return der.seq(der.oid(oids.DSA_SIGNATURES[signature_hash]))
        case ed25519.Ed25519PrivateKey():
            return der.seq(der.oid(oids.ED25519))
        case ed448.Ed448PrivateKey():
            return der.seq(der.oid(oids.ED448))
        case mldsa.MLDSA44PrivateKey():
            return der.seq(der.oid(oids.ML_DSA_44))
        case mldsa.MLDSA65PrivateKey():
            return der.seq(der.oid(oids.ML_DSA_65))
        case mldsa.MLDSA87PrivateKey():
            return der.seq(der.oid(oids.ML_DSA_87))
        case _:
            assert_never(key)


def hash_algorithm(name: HashName) -> bytes:
    """The AlgorithmIdentifier of a bare hash, with the NULL that everybody writes."""
    return der.seq(der.oid(oids.HASHES[name]), der.null())


def digest(name: HashName, data: bytes) -> bytes:
    """The hash of `data`."""
    context = hashes.Hash(HASHES[name]())
    context.update(data)
    return context.finalize()


def _pss_parameters(signature_hash: HashName, salt_length: int) -> bytes:
    parts = []
    if signature_hash != "sha1":  # DER leaves defaults out (RFC 4055 section 3.1)
        hashed = hash_algorithm(signature_hash)
        parts.append(der.explicit(0, hashed))
        parts.append(der.explicit(1, der.seq(der.oid(oids.MGF1), hashed)))
    if salt_length != _PSS_DEFAULT_SALT_LENGTH:
        parts.append(der.explicit(2, der.integer(salt_length)))
    return der.seq(*parts)
