"""Algorithms and keys that are refused unless the policy accepts them by name."""

from collections.abc import Sequence
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from service.core.model.failure import UnsupportedKey, WeakKey, WeakSignature
from service.core.model.key import KeyKind, PublicKey
from service.core.model.policy import WeakAlgorithm
from service.core.path.strength import (
    check_key_strength,
    check_signature_strength,
    is_hopeless,
    weak_digest,
    weak_key,
)
from tests.core.path.chains import DEFAULT, MD2_WITH_RSA, NOTHING_READS, TOO_LONG, X25519, accepting, failure, read
from tests.pki import Authority, CertificateOverrides, algorithm_identifier, key, public_key
from tests.pki.keys import KeyKind as PkiKeyKind

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")

MD5: Final = CertificateOverrides(signature_hash="md5")
SHA1: Final = CertificateOverrides(signature_hash="sha1")
SHA1_PSS: Final = CertificateOverrides(signature_hash="sha1", pss_salt_length=20)

WEAK_SIGNATURES: Final[Sequence[tuple[PkiKeyKind, CertificateOverrides, WeakAlgorithm]]] = [
    ("rsa2048", MD5, WeakAlgorithm.MD5),
    ("rsa2048", SHA1, WeakAlgorithm.SHA1),
    ("rsa2048", SHA1_PSS, WeakAlgorithm.SHA1),
    ("p256", SHA1, WeakAlgorithm.SHA1),
    ("dsa2048", SHA1, WeakAlgorithm.SHA1),
]


def modulus(bits: int) -> rsa.RSAPublicKey:
    """An RSA public key of so many bits that nobody holds."""
    largest = public_key("rsa16384")
    assert isinstance(largest, rsa.RSAPublicKey)
    number = largest.public_numbers().n % (1 << bits - 1) | 1 << bits - 1 | 1
    return rsa.RSAPublicNumbers(65537, number).public_key()


def all_but(algorithm: WeakAlgorithm) -> Sequence[WeakAlgorithm]:
    """Every other weak algorithm."""
    return [one for one in WeakAlgorithm if one is not algorithm]


# --- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "overrides", "weak"), WEAK_SIGNATURES)
def test_weak_signatures(kind: PkiKeyKind, overrides: CertificateOverrides, weak: WeakAlgorithm) -> None:
    """A weak digest is refused, is accepted by its name, and by no other."""
    leaf = read(Authority.root("Signer", key=key(kind)).issue("leaf", **overrides))
    assert WeakSignature(leaf, weak) == check_signature_strength(leaf, DEFAULT)
    assert WeakSignature(leaf, weak) == check_signature_strength(leaf, accepting(*all_but(weak)))
    assert check_signature_strength(leaf, accepting(weak)) is None


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "dsa2048", "ed25519", "ed448", "mldsa44"])
def test_strong_signatures(kind: PkiKeyKind) -> None:
    """SHA-256, and schemes that have their digest built in, are not weak."""
    leaf = read(Authority.root("Signer", key=key(kind)).issue("leaf"))
    assert check_signature_strength(leaf, DEFAULT) is None


def test_sha_256_in_pss() -> None:
    """It is the digest that makes PSS weak, not PSS."""
    leaf = read(Authority.root("Signer", key=key("rsa2048")).issue("leaf", pss_salt_length=32))
    assert check_signature_strength(leaf, DEFAULT) is None


def test_an_algorithm_that_nothing_here_verifies() -> None:
    """What cannot be verified is not weak: building refuses it under a name of its own."""
    assert weak_digest(MD2_WITH_RSA, DEFAULT) is None


def test_the_digest_of_an_algorithm_identifier() -> None:
    """CRLs and OCSP answers ask with the AlgorithmIdentifier alone."""
    algorithm = algorithm_identifier(key("p256"), "sha1")
    assert weak_digest(algorithm, DEFAULT) is WeakAlgorithm.SHA1
    assert weak_digest(algorithm, accepting(WeakAlgorithm.SHA1)) is None


def test_the_signatures_of_a_path() -> None:
    """The leaf's and every intermediate's signature must be strong."""
    weak_leaf, weak_sub = SUB.issue("leaf", signature_hash="sha1"), ROOT.subordinate("Sub", signature_hash="sha1")
    assert WeakSignature(read(weak_leaf), WeakAlgorithm.SHA1) == failure(weak_leaf, SUB, ROOT)
    assert WeakSignature(read(weak_sub), WeakAlgorithm.SHA1) == failure(SUB.issue("leaf"), weak_sub, ROOT)
    assert failure(weak_leaf, weak_sub, ROOT, policy=accepting(WeakAlgorithm.SHA1)) is None


def test_an_anchors_own_signature_is_not_checked() -> None:
    """An anchor is trusted for its name and key, however it signed itself; a leaf that is an anchor too."""
    old = Authority.root("Old", key=key("rsa2048"), signature_hash="md5")
    assert failure(old.issue("leaf"), old) is None
    assert failure(old) is None


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "weak"),
    [
        (512, WeakAlgorithm.RSA_512),
        (1023, WeakAlgorithm.RSA_512),
        (1024, WeakAlgorithm.RSA_1024),
        (2047, WeakAlgorithm.RSA_1024),
    ],
)
def test_weak_rsa_keys(bits: int, weak: WeakAlgorithm) -> None:
    """Each name stands for a range of sizes, both ends included."""
    leaf = read(SUB.issue("leaf", public_key=modulus(bits)))
    assert WeakKey(leaf, bits, weak) == check_key_strength(leaf, DEFAULT)
    assert WeakKey(leaf, bits, weak) == check_key_strength(leaf, accepting(*all_but(weak)))
    assert check_key_strength(leaf, accepting(weak)) is None


@pytest.mark.parametrize(("kind", "weak"), [("dsa2048", WeakAlgorithm.DSA), ("p192", WeakAlgorithm.P192)])
def test_other_weak_keys(kind: PkiKeyKind, weak: WeakAlgorithm) -> None:
    """DSA, of any size that may be, and P-192 have names of their own."""
    leaf = read(SUB.issue("leaf", key=key(kind)))
    assert WeakKey(leaf, int(kind[-4:].strip("p")), weak) == check_key_strength(leaf, DEFAULT)
    assert check_key_strength(leaf, accepting(*all_but(weak))) is not None
    assert check_key_strength(leaf, accepting(weak)) is None


def test_an_rsa_key_that_no_policy_accepts() -> None:
    """Below 512 bits nothing helps."""
    leaf = read(SUB.issue("leaf", public_key=modulus(511)))
    assert WeakKey(leaf, 511, None) == check_key_strength(leaf, accepting(*WeakAlgorithm))


def test_an_rsa_key_that_is_too_long() -> None:
    """8,192 bits pass, one more is not worked with, and neither is 16,384."""
    assert check_key_strength(read(SUB.issue("leaf", public_key=modulus(8192))), DEFAULT) is None
    for bits in (8193, 16384):
        leaf = read(SUB.issue("leaf", public_key=modulus(bits)))
        assert UnsupportedKey(leaf, TOO_LONG) == check_key_strength(leaf, accepting(*WeakAlgorithm))


def test_a_key_that_nothing_here_reads() -> None:
    """A key of an unknown kind is named, not passed over."""
    leaf = read(SUB.issue("leaf", public_key=X25519))
    assert UnsupportedKey(leaf, NOTHING_READS) == check_key_strength(leaf, accepting(*WeakAlgorithm))


@pytest.mark.parametrize(
    "kind", ["rsa2048", "rsa4096", "p224", "p256", "p384", "p521", "ed25519", "ed448", "mldsa44", "mldsa87"]
)
def test_strong_keys(kind: PkiKeyKind) -> None:
    """These need nobody's leave."""
    assert check_key_strength(read(SUB.issue("leaf", key=key(kind))), DEFAULT) is None


@pytest.mark.parametrize(
    ("kind", "size", "curve", "hopeless", "weak"),
    [
        (KeyKind.EC, 160, "secp160r1", True, WeakAlgorithm.P192),
        (KeyKind.EC, 192, "secp192k1", True, WeakAlgorithm.P192),
        (KeyKind.EC, 192, "secp192r1", False, WeakAlgorithm.P192),
        (KeyKind.EC, 223, "another", True, WeakAlgorithm.P192),
        (KeyKind.EC, 224, "secp224r1", False, None),
        (KeyKind.RSA, 511, "", True, WeakAlgorithm.RSA_512),
        (KeyKind.RSA, 512, "", False, WeakAlgorithm.RSA_512),
        (KeyKind.DSA, 1023, "", True, WeakAlgorithm.DSA),
        (KeyKind.DSA, 1024, "", False, WeakAlgorithm.DSA),
        (KeyKind.ED25519, 0, "", False, None),
        (KeyKind.ML_DSA, 0, "ML-DSA-44", False, None),
    ],
)
def test_sizes_by_family(kind: KeyKind, size: int, curve: str, hopeless: bool, weak: WeakAlgorithm | None) -> None:
    """Each family is measured by its own yardstick; of the short curves P-192 alone has a name."""
    short = PublicKey(b"", b"", kind, size, curve)
    assert (hopeless, weak) == (is_hopeless(short), weak_key(short))


@pytest.mark.parametrize("kind", ["rsa1024", "dsa2048", "p192"])
def test_the_keys_of_a_path(kind: PkiKeyKind) -> None:
    """Leaf, intermediate and anchor must have strong keys, a leaf that is an anchor too."""
    root = Authority.root("Root", key=key(kind))
    sub = ROOT.subordinate("Sub", key=key(kind))
    leaf = SUB.issue("leaf", key=key(kind))
    refused = [failure(leaf, SUB, ROOT), failure(SUB.issue("leaf"), sub, ROOT), failure(SUB, root), failure(root)]
    assert [read(leaf), read(sub), read(root), read(root)] == [
        one.certificate for one in refused if isinstance(one, WeakKey)
    ]
    everything = accepting(*WeakAlgorithm)
    assert failure(leaf, sub, root, policy=everything) is None
    assert failure(root, policy=everything) is None
