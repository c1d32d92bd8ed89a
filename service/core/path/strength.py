"""Algorithms and keys that are refused unless the policy accepts them by name."""

from service.core.der.signature import signature_scheme
from service.core.model.certificate import Certificate
from service.core.model.failure import UnsupportedKey, WeakKey, WeakSignature
from service.core.model.key import KeyKind, PublicKey
from service.core.model.policy import Policy, WeakAlgorithm
from service.core.path.building import MAX_RSA_BITS, is_too_long, unreadable

RSA_BITS = 2048
"""Below it a policy must say so (CA/Browser Forum Baseline Requirements §6.1.5)."""
RSA_BITS_WEAK = 1024
RSA_BITS_NEVER = 512
"""Below it no policy helps: such keys are factored in minutes."""
DSA_BITS_NEVER = 1024
"""Below it are none of the sizes of FIPS 186-4 §4.2."""
EC_BITS = 224
"""Below it are P-192, which a policy may accept, and curves that none does."""

_WEAK_DIGESTS = {"sha1": WeakAlgorithm.SHA1, "md5": WeakAlgorithm.MD5}


def weak_digest(algorithm: bytes, policy: Policy) -> WeakAlgorithm | None:
    """The weak digest of a signature's AlgorithmIdentifier that the policy does not accept, or None."""
    scheme = signature_scheme(algorithm)
    weak = None if scheme is None or scheme.digest is None else _WEAK_DIGESTS.get(scheme.digest.name)
    return None if weak in policy.weak_algorithms else weak


def check_signature_strength(certificate: Certificate, policy: Policy) -> WeakSignature | None:
    """Why the algorithm that signed a certificate is refused, or None."""
    weak = weak_digest(certificate.signature.algorithm, policy)
    return None if weak is None else WeakSignature(certificate, weak)


def check_key_strength(certificate: Certificate, policy: Policy) -> WeakKey | UnsupportedKey | None:
    """Why a certificate's public key is refused, or None."""
    key = certificate.public_key
    if key.handle is None:
        return UnsupportedKey(certificate, unreadable(key))
    if is_too_long(key):
        return UnsupportedKey(certificate, f"an RSA key of more than {MAX_RSA_BITS} bits")
    if is_hopeless(key):
        return WeakKey(certificate, key.size, None)
    weak = weak_key(key)
    return None if weak is None or weak in policy.weak_algorithms else WeakKey(certificate, key.size, weak)


def is_hopeless(key: PublicKey) -> bool:
    """Whether a key is too short for any policy."""
    return (
        (key.kind is KeyKind.RSA and key.size < RSA_BITS_NEVER)
        or (key.kind is KeyKind.DSA and key.size < DSA_BITS_NEVER)
        or (key.kind is KeyKind.EC and key.size < EC_BITS and key.parameter_set != "secp192r1")
    )


def weak_key(key: PublicKey) -> WeakAlgorithm | None:
    """What a policy must accept for a key to be used, or None."""
    if key.kind is KeyKind.DSA:
        return WeakAlgorithm.DSA
    if key.kind is KeyKind.RSA and key.size < RSA_BITS:
        return WeakAlgorithm.RSA_512 if key.size < RSA_BITS_WEAK else WeakAlgorithm.RSA_1024
    return WeakAlgorithm.P192 if key.kind is KeyKind.EC and key.size < EC_BITS else None
