"""DSA keys that leave their parameters to their issuer, and authorities that have one (RFC 3279 §2.3.2).

Rules: an heir is a whole key on this side, so that it signs; only what its certificate says of it has no parameters.
"""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import dsa

from tests.pki import Authority, der, public_key
from tests.pki.keys import PrivateKey, key_bits, spki


@cache
def heir(number: int, index: int = 0) -> PrivateKey:
    """A DSA key of its own with the parameters of `key("dsa2048", index)`."""
    public = public_key("dsa2048", index)
    assert isinstance(public, dsa.DSAPublicKey)
    parameters = public.public_numbers().parameter_numbers
    secret = 1_000_003 * (number + 2)
    return dsa.DSAPrivateNumbers(
        secret, dsa.DSAPublicNumbers(pow(parameters.g, secret, parameters.p), parameters)
    ).private_key()


def without(private: PrivateKey, *parameters: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a key, with other parameters in place of its own: with none."""
    algorithm = der.seq(der.oid("1.2.840.10040.4.1"), *parameters)
    return der.seq(algorithm, der.bit_string(key_bits(spki(private.public_key()))))


def below(issuer: Authority, name: str, private: PrivateKey, *parameters: bytes) -> Authority:
    """An authority that leaves its parameters to its issuer."""
    return issuer.subordinate(name, key=private, public_key=without(private, *parameters))
