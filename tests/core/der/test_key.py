"""Public keys, from SubjectPublicKeyInfo to what verifies."""

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.core.der.key import MAX_CACHED_OCTETS, read_public_key
from service.core.model.key import KeyKind
from service.core.model.malformed import MalformedError
from tests.pki import der, key, public_key
from tests.pki.keys import KeyKind as Kind
from tests.pki.keys import key_bits, spki

EC_PUBLIC_KEY, P256 = "1.2.840.10045.2.1", "1.2.840.10045.3.1.7"
RSA_ENCRYPTION, DSA = "1.2.840.113549.1.1.1", "1.2.840.10040.4.1"

X25519 = x25519.X25519PrivateKey.from_private_bytes(bytes(32)).public_key()


@pytest.mark.parametrize(
    ("kind", "family", "size", "parameter_set"),
    [
        ("rsa512", KeyKind.RSA, 512, ""),
        ("rsa2048", KeyKind.RSA, 2048, ""),
        ("dsa2048", KeyKind.DSA, 2048, ""),
        ("p192", KeyKind.EC, 192, "secp192r1"),
        ("p256", KeyKind.EC, 256, "secp256r1"),
        ("p384", KeyKind.EC, 384, "secp384r1"),
        ("p521", KeyKind.EC, 521, "secp521r1"),
        ("ed25519", KeyKind.ED25519, 0, ""),
        ("ed448", KeyKind.ED448, 0, ""),
        ("mldsa44", KeyKind.ML_DSA, 0, "ML-DSA-44"),
        ("mldsa65", KeyKind.ML_DSA, 0, "ML-DSA-65"),
        ("mldsa87", KeyKind.ML_DSA, 0, "ML-DSA-87"),
    ],
)
def test_families(kind: Kind, family: KeyKind, size: int, parameter_set: str) -> None:
    """Each family is known with its size or its parameter set, and with what verifies."""
    public = public_key(kind)
    found = read_public_key(spki(public))
    assert (family, size, parameter_set) == (found.kind, found.size, found.parameter_set)
    assert public == found.handle
    assert (spki(public), key_bits(spki(public))) == (found.spki, found.bits)


def test_long_key() -> None:
    """RSA-16384 is read; whether anybody works with it is for the policy to say."""
    assert 16384 == read_public_key(spki(public_key("rsa16384"))).size


@pytest.mark.parametrize(
    ("bits", "family"), [(17, KeyKind.RSA), (64, KeyKind.RSA), (65, KeyKind.UNSUPPORTED), (2047, KeyKind.UNSUPPORTED)]
)
def test_rsa_exponents(bits: int, family: KeyKind) -> None:
    """A longer exponent than anybody uses makes verifying slow, and the key one that nothing here reads."""
    modulus, exponent = 1 << 2047 | 1, 1 << (bits - 1) | 1
    found = read_public_key(info(RSA_ENCRYPTION, der.seq(der.integer(modulus), der.integer(exponent)), der.null()))
    assert (family, found.handle is None) == (found.kind, family is KeyKind.UNSUPPORTED)


def info(algorithm: str, bits: bytes, *parameters: bytes) -> bytes:
    """A SubjectPublicKeyInfo."""
    return der.seq(der.seq(der.oid(algorithm), *parameters), der.bit_string(bits))


@pytest.mark.parametrize(
    "encoded",
    [
        X25519.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        info("1.2.3.4", b"key"),
        info(EC_PUBLIC_KEY, b"\x04" + bytes(64), der.oid(P256)),
        info(EC_PUBLIC_KEY, b"\x04" + bytes(64), der.oid("1.2.3.4")),
        info(RSA_ENCRYPTION, b"no key", der.null()),
        info(DSA, der.integer(5)),
        der.seq(der.seq(), der.bit_string(b"")),
    ],
    ids=[
        "agrees only",
        "unknown",
        "not on the curve",
        "unknown curve",
        "garbage",
        "inherits its parameters",
        "nothing",
    ],
)
def test_unsupported(encoded: bytes) -> None:
    """What signs nothing, or is read by nothing here, is a key all the same, without what verifies."""
    found = read_public_key(encoded)
    assert (KeyKind.UNSUPPORTED, None, 0, "") == (found.kind, found.handle, found.size, found.parameter_set)
    assert key_bits(encoded) == found.bits


ALGORITHM = der.seq(der.oid("1.3.101.112"))


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "truncated"),
        (der.set_of(ALGORITHM, der.bit_string(b"")), "DER tag"),
        (der.seq(ALGORITHM), "truncated"),
        (der.seq(der.oid("1.3.101.112"), der.bit_string(bytes(32))), "DER tag"),
        (der.seq(ALGORITHM, der.octet_string(bytes(32))), "DER tag"),
        (der.seq(ALGORITHM, der.bit_string(bytes(32), 1)), "unused bits"),
        (der.seq(ALGORITHM, b"\x03\x00"), "empty"),
        (der.seq(ALGORITHM, der.bit_string(bytes(32)), der.null()), "octets after"),
        (spki(public_key("p256")) + b"\x00", "octets after"),
        (spki(public_key("p256"))[:-1], "truncated"),
    ],
)
def test_refuses(encoded: bytes, reason: str) -> None:
    """Another structure is no key."""
    with pytest.raises(MalformedError, match=reason):
        read_public_key(encoded)


def test_long_keys_are_read_each_time() -> None:
    """A key above the limit of the cache is read like any other, and not kept."""
    short, long = spki(key("p256").public_key()), info("1.2.3.4", bytes(MAX_CACHED_OCTETS))
    assert read_public_key(short) is read_public_key(short)
    assert read_public_key(long) is not read_public_key(long)
    assert read_public_key(long) == read_public_key(long)
