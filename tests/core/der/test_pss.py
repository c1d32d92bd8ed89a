"""RSASSA-PSS: parameters of RFC 4055 §3.1, every field with a default, and everything that is not in it."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from service.core.der.key import read_public_key
from service.core.der.pss import MAX_SALT_OCTETS
from service.core.der.signature import SignatureResult, algorithm_name, signature_scheme, verify
from service.core.model.key import KeyKind, PublicKey, Signature
from tests.core.der.signing import DATA, HASH_OIDS, Hash, identifier, public, sign
from tests.pki import der, key, oids

SHA1 = identifier(oids.HASHES["sha1"])
SHA256 = identifier(oids.HASHES["sha256"])


def algorithm(*fields: bytes) -> bytes:
    """An AlgorithmIdentifier of RSASSA-PSS with these parameters."""
    return identifier(oids.RSASSA_PSS, der.seq(*fields))


def mask(digest: bytes, generator: str = oids.MGF1) -> bytes:
    """The field maskGenAlgorithm."""
    return der.explicit(1, der.seq(der.oid(generator), digest))


def parameters(digest: Hash, mask_digest: Hash, salt_length: int) -> bytes:
    """An AlgorithmIdentifier with every field spelt out."""
    return algorithm(
        der.explicit(0, identifier(HASH_OIDS[digest], der.null())),
        mask(identifier(HASH_OIDS[mask_digest], der.null())),
        der.explicit(2, der.integer(salt_length)),
        der.explicit(3, der.integer(1)),
    )


def signed(said: bytes, digest: Hash, mask_digest: Hash, salt_length: int) -> Signature:
    """A signature made one way and said to be of another."""
    pss = padding.PSS(padding.MGF1(mask_digest()), salt_length)
    return Signature(said, sign(key("rsa2048"), digest, pss=pss), DATA)


@pytest.mark.parametrize("digest", list(HASH_OIDS))
def test_every_digest(digest: Hash) -> None:
    """A salt as long as the digest, the digest in both places: the usual one."""
    size = digest().digest_size
    said = parameters(digest, digest, size)
    assert f"RSA-PSS with {digest().name}" == algorithm_name(said)
    assert SignatureResult.VALID is verify(signed(said, digest, digest, size), public("rsa2048"))


@pytest.mark.parametrize("salt_length", [0, 1, 20, 32, 222])
def test_every_salt_length(salt_length: int) -> None:
    """The salt may have any length that the key has room for."""
    made = signed(parameters(hashes.SHA256, hashes.SHA256, salt_length), hashes.SHA256, hashes.SHA256, salt_length)
    assert SignatureResult.VALID is verify(made, public("rsa2048"))


def test_another_digest_in_the_mask() -> None:
    """The mask may be generated with another hash than the message's."""
    made = signed(parameters(hashes.SHA256, hashes.SHA1, 32), hashes.SHA256, hashes.SHA1, 32)
    assert SignatureResult.VALID is verify(made, public("rsa2048"))


@pytest.mark.parametrize(
    "said",
    [
        algorithm(),
        algorithm(der.explicit(0, SHA1)),
        algorithm(mask(SHA1)),
        algorithm(der.explicit(2, der.integer(20))),
        algorithm(der.explicit(3, der.integer(1))),
    ],
)
def test_defaults(said: bytes) -> None:
    """What is left out means SHA-1, MGF1 with SHA-1, 20 octets of salt and the only trailer there is."""
    assert SignatureResult.VALID is verify(signed(said, hashes.SHA1, hashes.SHA1, 20), public("rsa2048"))


def test_hash_without_parameters() -> None:
    """Hashes come with NULL and without (RFC 4055 §2.1)."""
    said = algorithm(der.explicit(0, SHA256), mask(SHA256), der.explicit(2, der.integer(32)))
    assert SignatureResult.VALID is verify(signed(said, hashes.SHA256, hashes.SHA256, 32), public("rsa2048"))


@pytest.mark.parametrize(
    ("digest", "mask_digest", "salt_length"),
    [(hashes.SHA384, hashes.SHA256, 32), (hashes.SHA256, hashes.SHA1, 32), (hashes.SHA256, hashes.SHA256, 31)],
)
def test_made_otherwise(digest: Hash, mask_digest: Hash, salt_length: int) -> None:
    """Each parameter counts: a signature made with another one is invalid."""
    made = signed(parameters(hashes.SHA256, hashes.SHA256, 32), digest, mask_digest, salt_length)
    assert SignatureResult.INVALID is verify(made, public("rsa2048"))


def test_another_family() -> None:
    """RSASSA-PSS under a key of another family is invalid."""
    assert SignatureResult.INVALID is verify(signed(algorithm(), hashes.SHA1, hashes.SHA1, 20), public("p256"))


@pytest.mark.parametrize(
    "said",
    [
        identifier(oids.RSASSA_PSS),
        identifier(oids.RSASSA_PSS, der.null()),
        identifier(oids.RSASSA_PSS, der.seq(), der.null()),
        algorithm(der.null()),
        algorithm(der.explicit(0, identifier("1.2.3.4"))),
        algorithm(der.explicit(0, identifier(oids.HASHES["sha256"], der.integer(5)))),
        algorithm(der.explicit(0, der.null())),
        algorithm(der.explicit(0, SHA256 + der.null())),
        algorithm(der.explicit(0, SHA256), der.explicit(0, SHA1)),
        algorithm(mask(SHA1), der.explicit(0, SHA256)),
        algorithm(mask(SHA256, "1.2.3.4")),
        algorithm(mask(identifier("1.2.3.4"))),
        algorithm(mask(b"")),
        algorithm(der.explicit(1, der.seq(der.oid(oids.MGF1)))),
        algorithm(der.explicit(2, der.integer(-1))),
        algorithm(der.explicit(2, der.integer(MAX_SALT_OCTETS + 1))),
        algorithm(der.explicit(2, der.integer(1 << 31))),
        algorithm(der.explicit(2, der.integer(1 << 200))),
        algorithm(der.explicit(2, der.octet_string(b"\x14"))),
        algorithm(der.explicit(2, b"\x02\x02\x00\x14")),
        algorithm(der.explicit(3, der.integer(2))),
        algorithm(der.explicit(3, der.integer(1) + der.null())),
        algorithm(der.explicit(4, der.integer(1))),
        algorithm(der.implicit(3, der.integer(1))),
    ],
)
def test_unsupported_parameters(said: bytes) -> None:
    """Parameters that are absent, unknown, repeated or out of range: nothing here verifies them."""
    assert signature_scheme(said) is None
    made = signed(said, hashes.SHA1, hashes.SHA1, 20)
    assert SignatureResult.UNSUPPORTED is verify(made, public("rsa2048"))
    assert oids.RSASSA_PSS == algorithm_name(said)


def test_longest_salt_is_known() -> None:
    """At the limit there is a scheme; that no key here has the room makes the signature invalid."""
    said = algorithm(der.explicit(2, der.integer(MAX_SALT_OCTETS)))
    assert signature_scheme(said) is not None
    assert SignatureResult.INVALID is verify(signed(said, hashes.SHA1, hashes.SHA1, 20), public("rsa2048"))


# --- keys that are restricted to RSASSA-PSS --------------------------------------------------------------------------


def restricted(*fields: bytes) -> PublicKey:
    """The test key in an SPKI that says RSASSA-PSS (RFC 4055 §1.2), with parameters where fields of them are given."""
    said = algorithm(*fields) if fields else identifier(oids.RSASSA_PSS)
    return read_public_key(der.seq(said, der.bit_string(public("rsa2048").bits)))


USUAL = (der.explicit(0, SHA256), mask(SHA256), der.explicit(2, der.integer(32)))
"""Parameters of a key: SHA-256, in the mask too, and a salt of at least as many octets."""


def test_a_restricted_key_verifies_pss() -> None:
    """That is what it is for; without parameters any will do."""
    made = signed(parameters(hashes.SHA256, hashes.SHA256, 32), hashes.SHA256, hashes.SHA256, 32)
    assert SignatureResult.VALID is verify(made, restricted())
    assert SignatureResult.VALID is verify(made, restricted(*USUAL))


@pytest.mark.parametrize("fields", [(), USUAL])
def test_a_restricted_key_verifies_nothing_else(fields: tuple[bytes, ...]) -> None:
    """A PKCS #1 v1.5 signature that is right under the same numbers in a plain key."""
    said = identifier("1.2.840.113549.1.1.11", der.null())
    made = Signature(said, sign(key("rsa2048"), hashes.SHA256), DATA)
    assert SignatureResult.VALID is verify(made, public("rsa2048"))
    assert SignatureResult.INVALID is verify(made, restricted(*fields))


@pytest.mark.parametrize(
    ("digest", "mask_digest", "salt_length", "expected"),
    [
        (hashes.SHA256, hashes.SHA256, 33, SignatureResult.VALID),
        (hashes.SHA256, hashes.SHA256, 31, SignatureResult.INVALID),
        (hashes.SHA384, hashes.SHA256, 32, SignatureResult.INVALID),
        (hashes.SHA256, hashes.SHA1, 32, SignatureResult.INVALID),
    ],
)
def test_a_keys_parameters_bind_its_signatures(
    digest: Hash, mask_digest: Hash, salt_length: int, expected: SignatureResult
) -> None:
    """Both digests are the key's, and the salt is no shorter (RFC 4055 §3.3), though the signature be right."""
    made = signed(parameters(digest, mask_digest, salt_length), digest, mask_digest, salt_length)
    assert SignatureResult.VALID is verify(made, restricted())
    assert expected is verify(made, restricted(*USUAL))


@pytest.mark.parametrize(
    "said",
    [
        identifier(oids.RSASSA_PSS, der.null()),
        algorithm(der.explicit(0, identifier("1.2.3.4"))),
        algorithm(der.explicit(2, der.integer(MAX_SALT_OCTETS + 1))),
        algorithm(der.explicit(3, der.integer(2))),
        algorithm(der.explicit(2, der.null())),
    ],
)
def test_a_key_with_parameters_that_nobody_works_with(said: bytes) -> None:
    """Nobody can keep to them, so that nothing here reads the key."""
    found = read_public_key(der.seq(said, der.bit_string(public("rsa2048").bits)))
    assert (KeyKind.UNSUPPORTED, None) == (found.kind, found.handle)
