"""Signatures to verify: made with `cryptography`, described by identifiers written here.

Rules: everything is signed with the stored and derived keys of `tests.pki`; what is verified is a `Signature` of its
own, without a certificate around it.
"""

from typing import Final, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa

from service.core.der.key import read_public_key
from service.core.model.key import PublicKey, Signature
from tests.pki import der, key, oids
from tests.pki.keys import KeyKind, PrivateKey, spki

DATA: Final = b"what is signed"

Hash: TypeAlias = type[hashes.HashAlgorithm]

HASH_OIDS: Final[dict[Hash, str]] = {
    hashes.MD5: oids.HASHES["md5"],
    hashes.SHA1: oids.HASHES["sha1"],
    hashes.SHA224: oids.HASHES["sha224"],
    hashes.SHA256: oids.HASHES["sha256"],
    hashes.SHA384: oids.HASHES["sha384"],
    hashes.SHA512: oids.HASHES["sha512"],
    hashes.SHA3_224: "2.16.840.1.101.3.4.2.7",
    hashes.SHA3_256: "2.16.840.1.101.3.4.2.8",
    hashes.SHA3_384: "2.16.840.1.101.3.4.2.9",
    hashes.SHA3_512: "2.16.840.1.101.3.4.2.10",
}


def public(kind: KeyKind, index: int = 0) -> PublicKey:
    """The public half of a test key, as we read it."""
    return read_public_key(spki(key(kind, index).public_key()))


def sign(signer: PrivateKey, digest: Hash | None, data: bytes = DATA, pss: padding.PSS | None = None) -> bytes:
    """The signature value; keys with a hash of their own ignore the digest."""
    match signer:
        case rsa.RSAPrivateKey() if digest is not None:
            return signer.sign(data, pss or padding.PKCS1v15(), digest())
        case ec.EllipticCurvePrivateKey() if digest is not None:
            return signer.sign(data, ec.ECDSA(digest(), deterministic_signing=True))
        case dsa.DSAPrivateKey() if digest is not None:
            return signer.sign(data, digest())
        case rsa.RSAPrivateKey() | ec.EllipticCurvePrivateKey() | dsa.DSAPrivateKey():
            raise TypeError("this kind of key signs a digest")
        case _:
            return signer.sign(data)


def signature(kind: KeyKind, algorithm: bytes, digest: Hash | None = None, data: bytes = DATA) -> Signature:
    """A signature by `key(kind)`, said to be of the given AlgorithmIdentifier."""
    return Signature(algorithm, sign(key(kind), digest, data), data)


def identifier(oid: str, *parameters: bytes) -> bytes:
    """An AlgorithmIdentifier."""
    return der.seq(der.oid(oid), *parameters)
