"""Every signature algorithm, right and wrong; RSASSA-PSS has a file of its own."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from service.core.der import signature as der_signature
from service.core.der.certificate import read_certificate
from service.core.der.key import read_public_key
from service.core.der.signature import (
    MAX_ALGORITHM_OCTETS,
    MAX_CACHED_OCTETS,
    MAX_WHOLE_OCTETS,
    PIECE_OCTETS,
    SignatureResult,
    algorithm_name,
    is_too_large,
    signature_scheme,
    verify,
)
from service.core.model.key import KeyKind, PublicKey, Signature
from tests.core.der import vectors
from tests.core.der.signing import DATA, Hash, identifier, public, sign, signature
from tests.pki import der, key, oids
from tests.pki.keys import KeyKind as Kind

NULL = der.null()

SCHEMES: list[tuple[Kind, str, Hash | None, str]] = [
    ("rsa2048", "1.2.840.113549.1.1.4", hashes.MD5, "RSA with md5"),
    ("rsa2048", "1.2.840.113549.1.1.5", hashes.SHA1, "RSA with sha1"),
    ("rsa2048", "1.3.14.3.2.29", hashes.SHA1, "RSA with sha1"),
    ("rsa2048", "1.2.840.113549.1.1.14", hashes.SHA224, "RSA with sha224"),
    ("rsa2048", "1.2.840.113549.1.1.11", hashes.SHA256, "RSA with sha256"),
    ("rsa2048", "1.2.840.113549.1.1.12", hashes.SHA384, "RSA with sha384"),
    ("rsa2048", "1.2.840.113549.1.1.13", hashes.SHA512, "RSA with sha512"),
    ("rsa2048", "2.16.840.1.101.3.4.3.13", hashes.SHA3_224, "RSA with sha3-224"),
    ("rsa2048", "2.16.840.1.101.3.4.3.14", hashes.SHA3_256, "RSA with sha3-256"),
    ("rsa2048", "2.16.840.1.101.3.4.3.15", hashes.SHA3_384, "RSA with sha3-384"),
    ("rsa2048", "2.16.840.1.101.3.4.3.16", hashes.SHA3_512, "RSA with sha3-512"),
    ("p256", "1.2.840.10045.4.1", hashes.SHA1, "EC with sha1"),
    ("p192", "1.2.840.10045.4.3.1", hashes.SHA224, "EC with sha224"),
    ("p256", "1.2.840.10045.4.3.2", hashes.SHA256, "EC with sha256"),
    ("p384", "1.2.840.10045.4.3.3", hashes.SHA384, "EC with sha384"),
    ("p521", "1.2.840.10045.4.3.4", hashes.SHA512, "EC with sha512"),
    ("p256", "2.16.840.1.101.3.4.3.9", hashes.SHA3_224, "EC with sha3-224"),
    ("p256", "2.16.840.1.101.3.4.3.10", hashes.SHA3_256, "EC with sha3-256"),
    ("p256", "2.16.840.1.101.3.4.3.11", hashes.SHA3_384, "EC with sha3-384"),
    ("p256", "2.16.840.1.101.3.4.3.12", hashes.SHA3_512, "EC with sha3-512"),
    ("dsa2048", "1.2.840.10040.4.3", hashes.SHA1, "DSA with sha1"),
    ("dsa2048", "2.16.840.1.101.3.4.3.1", hashes.SHA224, "DSA with sha224"),
    ("dsa2048", "2.16.840.1.101.3.4.3.2", hashes.SHA256, "DSA with sha256"),
    ("dsa2048", "2.16.840.1.101.3.4.3.3", hashes.SHA384, "DSA with sha384"),
    ("dsa2048", "2.16.840.1.101.3.4.3.4", hashes.SHA512, "DSA with sha512"),
    ("ed25519", oids.ED25519, None, "Ed25519"),
    ("ed448", oids.ED448, None, "Ed448"),
    ("mldsa44", oids.ML_DSA_44, None, "ML-DSA-44"),
    ("mldsa65", oids.ML_DSA_65, None, "ML-DSA-65"),
    ("mldsa87", oids.ML_DSA_87, None, "ML-DSA-87"),
]

each_scheme = pytest.mark.parametrize(("kind", "oid", "digest", "name"), SCHEMES, ids=[oid for _, oid, *_ in SCHEMES])


@each_scheme
def test_good(kind: Kind, oid: str, digest: Hash | None, name: str) -> None:
    """A signature verifies under the key that made it, its algorithm without parameters."""
    algorithm = identifier(oid)
    assert name == algorithm_name(algorithm)
    assert SignatureResult.VALID is verify(signature(kind, algorithm, digest), public(kind))


@each_scheme
def test_parameters(kind: Kind, oid: str, digest: Hash | None, name: str) -> None:
    """NULL is a parameter of RSA's algorithms alone (RFC 4055 §5); elsewhere nothing verifies them."""
    algorithm = identifier(oid, NULL)
    is_rsa = kind == "rsa2048"
    assert (name if is_rsa else oid) == algorithm_name(algorithm)
    expected = SignatureResult.VALID if is_rsa else SignatureResult.UNSUPPORTED
    assert expected is verify(signature(kind, algorithm, digest), public(kind))


@each_scheme
def test_tampered(kind: Kind, oid: str, digest: Hash | None, name: str) -> None:
    """It does not once a bit of what was signed or of the signature is another, or there is no signature."""
    good = signature(kind, identifier(oid), digest)
    flipped = good.value[:-1] + bytes((good.value[-1] ^ 1,))
    wrong = (replace(good, signed=DATA + b"."), replace(good, value=flipped), replace(good, value=b""))
    assert name
    assert [SignatureResult.INVALID] * 3 == [verify(one, public(kind)) for one in wrong]


@each_scheme
def test_another_key(kind: Kind, oid: str, digest: Hash | None, name: str) -> None:
    """It verifies under no other key of the same kind."""
    assert name
    assert SignatureResult.INVALID is verify(signature(kind, identifier(oid), digest), public(kind, 1))


@each_scheme
def test_another_family(kind: Kind, oid: str, digest: Hash | None, name: str) -> None:
    """It is invalid under a key of another family, whoever made it."""
    good = signature(kind, identifier(oid), digest)
    others: set[Kind] = {"rsa2048", "p256", "dsa2048", "ed25519", "ed448", "mldsa44"}
    family = public(kind).kind
    assert name
    assert {SignatureResult.INVALID} == {verify(good, public(k)) for k in others if public(k).kind is not family}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (oids.ML_DSA_44, "mldsa65"),
        (oids.ML_DSA_65, "mldsa44"),
        (oids.ML_DSA_65, "mldsa87"),
        (oids.ML_DSA_87, "mldsa65"),
    ],
)
def test_another_parameter_set(said: str, kind: Kind) -> None:
    """The identifier names the parameter set that the key must have (RFC 9881 §2), whoever made the signature."""
    assert SignatureResult.INVALID is verify(signature(kind, identifier(said)), public(kind))


@pytest.mark.parametrize(
    ("said", "digest"), [(oids.RSA_SIGNATURES["sha384"], hashes.SHA256), (oids.RSA_SIGNATURES["sha1"], hashes.MD5)]
)
def test_another_digest(said: str, digest: Hash) -> None:
    """A signature over another digest than the identifier names is invalid."""
    assert SignatureResult.INVALID is verify(signature("rsa2048", identifier(said), digest), public("rsa2048"))


def test_pss_value_under_a_pkcs1_identifier() -> None:
    """The paddings are not taken for one another."""
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    value = sign(key("rsa2048"), hashes.SHA256, pss=pss)
    made = Signature(identifier(oids.RSA_SIGNATURES["sha256"], NULL), value, DATA)
    assert SignatureResult.INVALID is verify(made, public("rsa2048"))


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [
        (identifier("1.2.3.4"), "1.2.3.4"),
        (identifier("1.2.840.113549.1.1.2", NULL), "1.2.840.113549.1.1.2"),
        (identifier(oids.ED25519, der.integer(5)), oids.ED25519),
        (identifier(oids.RSA_SIGNATURES["sha256"], NULL, NULL), oids.RSA_SIGNATURES["sha256"]),
        (identifier(oids.RSA_SIGNATURES["sha256"], der.seq()), oids.RSA_SIGNATURES["sha256"]),
        (identifier(oids.ECDSA_SIGNATURES["sha256"], der.seq()), oids.ECDSA_SIGNATURES["sha256"]),
        (identifier(oids.ED25519, der.octet_string(bytes(MAX_ALGORITHM_OCTETS))), oids.ED25519),
        (b"", "an unreadable algorithm"),
        (der.seq(), "an unreadable algorithm"),
        (der.seq(der.integer(5)), "an unreadable algorithm"),
        (der.seq(b"\x06\x01\x80"), "an unreadable algorithm"),
        (identifier(oids.ED25519) + b"\x00", "an unreadable algorithm"),
        (identifier(oids.ED25519)[:-1], "an unreadable algorithm"),
    ],
)
def test_unsupported_algorithm(algorithm: bytes, name: str) -> None:
    """What nothing here verifies is unsupported under any key, and called by its identifier where that can be read."""
    made = Signature(algorithm, sign(key("ed25519"), None), DATA)
    assert signature_scheme(algorithm) is None
    assert name == algorithm_name(algorithm)
    assert SignatureResult.UNSUPPORTED is verify(made, public("ed25519"))


def test_unsupported_key() -> None:
    """A key that nothing here reads verifies nothing."""
    unknown = read_public_key(der.seq(der.seq(der.oid("1.2.3.4")), der.bit_string(b"key")))
    assert SignatureResult.UNSUPPORTED is verify(signature("ed25519", identifier(oids.ED25519)), unknown)


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "dsa2048"])
def test_key_that_is_not_what_it_says(kind: Kind) -> None:
    """A scheme without a digest verifies nothing under a key that needs one, whatever family the key claims."""
    good = public(kind)
    lying = PublicKey(good.spki, good.bits, KeyKind.ED25519, handle=good.handle)
    made = Signature(identifier(oids.ED25519), b"value", f"under {kind}".encode())
    assert SignatureResult.UNSUPPORTED is verify(made, lying)


def test_combination_that_openssl_refuses() -> None:
    """A digest too long for the key is unsupported, and no crash."""
    sha512 = der.seq(der.oid(oids.HASHES["sha512"]))
    made = Signature(identifier(oids.RSASSA_PSS, der.seq(der.explicit(0, sha512))), bytes(64), DATA)
    assert SignatureResult.UNSUPPORTED is verify(made, public("rsa512"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(MAX_CACHED_OCTETS - 64),
        bytes(MAX_CACHED_OCTETS - 63),
        bytes(1_000_000),
        memoryview(bytes(1_000_000)),
        memoryview(bytearray(1_000_000)),
    ],
    ids=["nothing", "most that is kept", "one more", "much", "a view", "a view of what may change"],
)
def test_any_size(data: bytes | memoryview) -> None:
    """What is signed may be of any size, and what is large a view of a buffer that cannot be hashed."""
    good = Signature(identifier(oids.ED25519), sign(key("ed25519"), None, bytes(data)), data)
    assert SignatureResult.VALID is verify(good, public("ed25519"))
    assert SignatureResult.INVALID is verify(replace(good, signed=bytes(data) + b"."), public("ed25519"))


def test_one_result_for_each_key() -> None:
    """A result that is kept answers for the key it was found with, and for no other."""
    made = signature("ed25519", identifier(oids.ED25519))
    keys = [public("ed25519", index) for index in (1, 0, 1, 0)]
    expected = [SignatureResult.INVALID, SignatureResult.VALID] * 2
    assert expected == [verify(made, one) for one in keys]


@pytest.mark.parametrize(
    ("name", "issuer", "expected"),
    [
        ("GoodCACert", "TrustAnchorRootCertificate", SignatureResult.VALID),
        ("DSACACert", "TrustAnchorRootCertificate", SignatureResult.VALID),
        ("InvalidDSASignatureTest6EE", "DSACACert", SignatureResult.INVALID),
        ("ValidDSASignaturesTest4EE", "DSACACert", SignatureResult.VALID),
        ("BadSignedCACert", "TrustAnchorRootCertificate", SignatureResult.INVALID),
        ("GoodCACert", "DSACACert", SignatureResult.INVALID),
    ],
)
def test_certificates_of_others(name: str, issuer: str, expected: SignatureResult) -> None:
    """The certificates of NIST PKITS verify under their issuer's key, and under no other."""
    one, other = (read_certificate(vectors.certificate(f"PKITS_data/certs/{file}.crt")) for file in (name, issuer))
    assert expected is verify(one.signature, other.public_key)


@pytest.mark.parametrize("octets", [PIECE_OCTETS, PIECE_OCTETS + 1, 2 * PIECE_OCTETS, 2 * PIECE_OCTETS + 1])
@pytest.mark.parametrize(
    ("kind", "oid", "digest"),
    [
        ("rsa2048", "1.2.840.113549.1.1.11", hashes.SHA256),
        ("rsa2048", "2.16.840.1.101.3.4.3.14", hashes.SHA3_256),
        ("p384", "1.2.840.10045.4.3.3", hashes.SHA384),
        ("dsa2048", "2.16.840.1.101.3.4.3.2", hashes.SHA256),
        ("ed25519", oids.ED25519, None),
        ("mldsa44", oids.ML_DSA_44, None),
    ],
    ids=["RSA", "SHA-3", "EC", "DSA", "Ed25519", "ML-DSA"],
)
def test_in_pieces(kind: Kind, oid: str, digest: Hash | None, octets: int) -> None:
    """What is long is hashed in pieces, where the algorithm lets it be: of all of them, to the last octet."""
    data = bytes(octets)
    good = replace(signature(kind, identifier(oid), digest, data), signed=memoryview(data))
    changed = bytearray(data)
    changed[-1] ^= 1
    assert SignatureResult.VALID is verify(good, public(kind))
    assert SignatureResult.INVALID is verify(replace(good, signed=memoryview(changed)), public(kind))


def test_pss_in_pieces() -> None:
    """RSASSA-PSS as well, with its parameters."""
    data = bytes(PIECE_OCTETS + 1)
    sha256 = der.seq(der.oid(oids.HASHES["sha256"]))
    mask = der.seq(der.oid("1.2.840.113549.1.1.8"), sha256)
    parameters = der.seq(der.explicit(0, sha256), der.explicit(1, mask), der.explicit(2, der.integer(32)))
    value = sign(key("rsa2048"), hashes.SHA256, data, padding.PSS(padding.MGF1(hashes.SHA256()), 32))
    made = Signature(identifier(oids.RSASSA_PSS, parameters), value, data)
    assert SignatureResult.VALID is verify(made, public("rsa2048"))
    assert SignatureResult.INVALID is verify(replace(made, signed=data[:-1] + b"."), public("rsa2048"))


@pytest.mark.parametrize(
    ("kind", "oid", "digest", "is_limited"),
    [("ed25519", oids.ED25519, None, True), ("p256", oids.ECDSA_SIGNATURES["sha256"], hashes.SHA256, False)],
)
def test_too_much_at_once(
    kind: Kind, oid: str, digest: Hash | None, is_limited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be hashed in pieces is verified up to a size, and unsupported above it; other schemes have none."""
    monkeypatch.setattr(der_signature, "MAX_WHOLE_OCTETS", 10_000)
    made = [signature(kind, identifier(oid), digest, bytes(octets)) for octets in (10_000, 10_001)]
    assert [False, is_limited] == [is_too_large(one) for one in made]
    above = SignatureResult.UNSUPPORTED if is_limited else SignatureResult.VALID
    assert [SignatureResult.VALID, above] == [verify(one, public(kind)) for one in made]
    assert not is_too_large(signature("ed25519", identifier("1.2.3"), None, bytes(10_001)))


def test_a_million_entries_fit() -> None:
    """The limit is above what a CRL of a million entries has."""
    assert MAX_WHOLE_OCTETS > 50_000_000
