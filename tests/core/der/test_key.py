"""Public keys, from SubjectPublicKeyInfo to what verifies."""

from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.core.der.certificate import read_certificate
from service.core.der.key import MAX_CACHED_OCTETS, inherit, read_public_key
from service.core.der.signature import SignatureResult, verify
from service.core.model.key import KeyKind, PublicKey
from service.core.model.malformed import MalformedError
from tests.pki import Authority, der, key, public_key
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
        der.seq(der.seq(), der.bit_string(b"")),
    ],
    ids=[
        "agrees only",
        "unknown",
        "not on the curve",
        "unknown curve",
        "garbage",
        "nothing",
    ],
)
def test_unsupported(encoded: bytes) -> None:
    """What signs nothing, or is read by nothing here, is a key all the same, without what verifies."""
    found = read_public_key(encoded)
    assert (KeyKind.UNSUPPORTED, None, 0, "") == (found.kind, found.handle, found.size, found.parameter_set)
    assert key_bits(encoded) == found.bits


# --- keys as their RFCs write them -----------------------------------------------------------------------------------

NULL = der.null()


def numbers(kind: Kind) -> rsa.RSAPublicNumbers:
    """The numbers of an RSA key."""
    public = public_key(kind)
    assert isinstance(public, rsa.RSAPublicKey)
    return public.public_numbers()


MODULUS = numbers("rsa2048").n


def rsa_key(modulus: int, exponent: int, *parameters: bytes) -> bytes:
    """An RSA key of these numbers."""
    return info(RSA_ENCRYPTION, der.seq(der.integer(modulus), der.integer(exponent)), *parameters)


@pytest.mark.parametrize(
    ("encoded", "family"),
    [
        (rsa_key(MODULUS, 65537, NULL), KeyKind.RSA),
        (rsa_key(MODULUS, 3, NULL), KeyKind.RSA),
        (rsa_key(MODULUS >> 1 | 1, 65537, NULL), KeyKind.RSA),
        (rsa_key(MODULUS, 65537), KeyKind.UNSUPPORTED),
        (rsa_key(MODULUS, 65537, der.seq()), KeyKind.UNSUPPORTED),
        (rsa_key(MODULUS - 1, 65537, NULL), KeyKind.UNSUPPORTED),
        (rsa_key(-MODULUS, 65537, NULL), KeyKind.UNSUPPORTED),
        (rsa_key(MODULUS, 0, NULL), KeyKind.UNSUPPORTED),
        (rsa_key(MODULUS, 1, NULL), KeyKind.UNSUPPORTED),
        (rsa_key(MODULUS, 2, NULL), KeyKind.UNSUPPORTED),
        (rsa_key(MODULUS, 4, NULL), KeyKind.UNSUPPORTED),
        (rsa_key(MODULUS, -65537, NULL), KeyKind.UNSUPPORTED),
        (rsa_key(MODULUS, MODULUS, NULL), KeyKind.UNSUPPORTED),
    ],
    ids=[
        "usual",
        "exponent 3",
        "2047 bits",
        "without NULL",
        "other parameters",
        "even modulus",
        "negative modulus",
        "exponent 0",
        "exponent 1",
        "exponent 2",
        "exponent 4",
        "negative exponent",
        "exponent as large as the modulus",
    ],
)
def test_rsa(encoded: bytes, family: KeyKind) -> None:
    """Parameters are NULL (RFC 3279 §2.3.1), modulus and exponent odd; an exponent of 1 would verify anything."""
    found = read_public_key(encoded)
    assert (family, found.handle is not None) == (found.kind, family is KeyKind.RSA)


def point(form: PublicFormat) -> bytes:
    """The point of the P-256 key."""
    public = public_key("p256")
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return public.public_bytes(Encoding.X962, form)


UNCOMPRESSED, COMPRESSED = point(PublicFormat.UncompressedPoint), point(PublicFormat.CompressedPoint)

PRIME = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1
SPELT_OUT = der.seq(
    der.integer(1),
    der.seq(der.oid("1.2.840.10045.1.1"), der.integer(PRIME)),
    der.seq(
        der.octet_string((PRIME - 3).to_bytes(32, "big")),
        der.octet_string(bytes.fromhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")),
    ),
    der.octet_string(
        bytes.fromhex(
            "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
        )
    ),
    der.integer(0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    der.integer(1),
)
"""The parameters of P-256, number by number, which `cryptography` recognizes."""


@pytest.mark.parametrize(
    ("bits", "parameters", "family"),
    [
        (UNCOMPRESSED, [der.oid(P256)], KeyKind.EC),
        (COMPRESSED, [der.oid(P256)], KeyKind.EC),
        (bytes((UNCOMPRESSED[-1] & 1 | 6,)) + UNCOMPRESSED[1:], [der.oid(P256)], KeyKind.UNSUPPORTED),
        (UNCOMPRESSED, [SPELT_OUT], KeyKind.UNSUPPORTED),
        (UNCOMPRESSED, [NULL], KeyKind.UNSUPPORTED),
        (UNCOMPRESSED, [], KeyKind.UNSUPPORTED),
        (b"\x00", [der.oid(P256)], KeyKind.UNSUPPORTED),
        (b"", [der.oid(P256)], KeyKind.UNSUPPORTED),
    ],
    ids=["uncompressed", "compressed", "hybrid", "spelt out", "implicit", "no curve", "infinity", "no point"],
)
def test_ec(bits: bytes, parameters: list[bytes], family: KeyKind) -> None:
    """The curve is named (RFC 5480 §2.1.1), the point uncompressed or compressed (§2.2)."""
    assert family is read_public_key(info(EC_PUBLIC_KEY, bits, *parameters)).kind


@pytest.mark.parametrize("kind", ["ed25519", "ed448", "mldsa44", "mldsa65", "mldsa87"])
def test_without_parameters(kind: Kind) -> None:
    """There are none (RFC 8410 §3, RFC 9881 §2), not even NULL, and the key has its length."""
    good = spki(public_key(kind))
    algorithm, bits = der.children(good)
    identifier, content = der.children(algorithm)[0], der.content(bits)[1:]
    assert KeyKind.UNSUPPORTED is not read_public_key(good).kind
    for wrong in (
        der.seq(der.seq(identifier, NULL), bits),
        der.seq(algorithm, der.bit_string(content[:-1])),
        der.seq(algorithm, der.bit_string(content + b"\x00")),
    ):
        assert KeyKind.UNSUPPORTED is read_public_key(wrong).kind


# --- DSA -------------------------------------------------------------------------------------------------------------


def dsa_numbers() -> dsa.DSAPublicNumbers:
    """The numbers of a DSA key."""
    public = public_key("dsa2048")
    assert isinstance(public, dsa.DSAPublicKey)
    return public.public_numbers()


Y = dsa_numbers().y
PARAMETERS = dsa_numbers().parameter_numbers
P, Q, G = PARAMETERS.p, PARAMETERS.q, PARAMETERS.g


def dsa_key(y: int, *parameters: int) -> bytes:
    """A DSA key of these numbers."""
    return info(DSA, der.integer(y), der.seq(*map(der.integer, parameters)))


@pytest.mark.parametrize(
    ("encoded", "family"),
    [
        (dsa_key(Y, P, Q, G), KeyKind.DSA),
        (dsa_key(0, P, Q, G), KeyKind.UNSUPPORTED),
        (dsa_key(1, P, Q, G), KeyKind.UNSUPPORTED),
        (dsa_key(P - 1, P, Q, G), KeyKind.UNSUPPORTED),
        (dsa_key(Y + P, P, Q, G), KeyKind.UNSUPPORTED),
        (dsa_key(Y, P, Q, 0), KeyKind.UNSUPPORTED),
        (dsa_key(Y, P, Q, 1), KeyKind.UNSUPPORTED),
        (dsa_key(Y, P, Q, P - 1), KeyKind.UNSUPPORTED),
        (dsa_key(Y, P, Q, G + P), KeyKind.UNSUPPORTED),
        (dsa_key(Y, P, 0, G), KeyKind.UNSUPPORTED),
        (dsa_key(Y, P, 1, G), KeyKind.UNSUPPORTED),
        (dsa_key(Y, P, Q + 2, G), KeyKind.UNSUPPORTED),
        (dsa_key(Y, (P - 1) * 2 + 1, Q * 2, G), KeyKind.UNSUPPORTED),
        (dsa_key(Y, P, Q), KeyKind.UNSUPPORTED),
        (dsa_key(-Y, P, Q, G), KeyKind.UNSUPPORTED),
        (info(DSA, b"no number", der.seq(*map(der.integer, (P, Q, G)))), KeyKind.UNSUPPORTED),
    ],
)
def test_dsa(encoded: bytes, family: KeyKind) -> None:
    """Generator and key are neither 1 nor -1 nor out of range, and the order divides: else anything could verify."""
    assert family is read_public_key(encoded).kind


def outside(number: int) -> int:
    """A multiple of a number of the subgroup that lies outside it."""
    return next(found for factor in count(2) if pow(found := number * factor % P, Q, P) != 1)


@pytest.mark.parametrize(
    ("y", "g", "expected"),
    [
        (pow(G, 5, P), pow(G, 7, P), SignatureResult.INVALID),
        (outside(Y), G, SignatureResult.UNSUPPORTED),
        (Y, outside(G), SignatureResult.UNSUPPORTED),
        (outside(Y), outside(G), SignatureResult.UNSUPPORTED),
    ],
)
def test_dsa_subgroup(y: int, g: int, expected: SignatureResult) -> None:
    """Generator and key have the order q (FIPS 186-4 §A.2.2, SP 800-89 §5.3.1), or nothing verifies; an heir's too."""
    signature = read_certificate(Authority.root("Root", key=key("dsa2048")).der).signature
    assert expected is verify(signature, read_public_key(dsa_key(y, P, Q, g)))
    inherited = inherit(read_public_key(info(DSA, der.integer(y))), read_public_key(dsa_key(Y, P, Q, g)))
    assert inherited is not None
    assert expected is verify(signature, inherited)


@pytest.mark.parametrize(("bits", "step", "family"), [(3072, 1004, KeyKind.DSA), (3073, 10, KeyKind.UNSUPPORTED)])
def test_the_longest_dsa_key(bits: int, step: int, family: KeyKind) -> None:
    """FIPS 186-4 §4.2 ends at 3,072 bits; the longer key is as sound as the other."""
    q = (1 << 255) + 95
    p = q * (((1 << bits - 1) // q + 1 & ~1) + 2 + step) + 1  # both are primes
    g = next(found for base in count(2) if (found := pow(base, (p - 1) // q, p)) != 1)
    assert (bits, 1) == (p.bit_length(), pow(g, q, p))
    assert family is read_public_key(dsa_key(pow(g, 5, p), p, q, g)).kind


HEIR = read_public_key(info(DSA, der.integer(Y)))
ISSUER = read_public_key(spki(public_key("dsa2048")))


@pytest.mark.parametrize("parameters", [b"", NULL])
def test_a_key_that_inherits(parameters: bytes) -> None:
    """Absent or NULL (RFC 5280 §6.1.4 (e)): with its issuer's parameters it is the key that one would write at once."""
    heir = read_public_key(info(DSA, der.integer(Y), parameters))
    assert (KeyKind.DSA_INHERITING, None, 0) == (heir.kind, heir.handle, heir.size)
    found = inherit(heir, ISSUER)
    assert ISSUER == found
    assert found is not None
    assert (KeyKind.DSA, 2048, heir.bits, ISSUER.handle) == (found.kind, found.size, found.bits, found.handle)


def test_an_heir_of_an_heir() -> None:
    """A key that was completed can be inherited from in its turn."""
    other = read_public_key(info(DSA, der.integer(pow(G, 9, P))))
    first = inherit(HEIR, ISSUER)
    assert first is not None
    assert inherit(other, first) == inherit(other, ISSUER)
    assert inherit(other, ISSUER) is not None


@pytest.mark.parametrize(
    ("heir", "issuer"),
    [
        (HEIR, HEIR),
        (HEIR, read_public_key(spki(public_key("rsa2048")))),
        (HEIR, read_public_key(info("1.2.3.4", b"key"))),
        (read_public_key(info(DSA, der.integer(1))), ISSUER),
        (read_public_key(info(DSA, b"no number")), ISSUER),
        (read_public_key(info(DSA, b"")), ISSUER),
    ],
    ids=["of an heir", "of another family", "of nothing", "1", "garbage", "nothing"],
)
def test_what_cannot_be_inherited(heir: PublicKey, issuer: PublicKey) -> None:
    """Without an issuer that has parameters, or without a number that goes with them, there is no key."""
    assert KeyKind.DSA_INHERITING is heir.kind
    assert inherit(heir, issuer) is None


# --- what is no key --------------------------------------------------------------------------------------------------

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
