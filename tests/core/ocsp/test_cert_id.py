"""Which certificate a CertID means: serial number, issuer's name and issuer's key under any hash that is known."""

from hashlib import sha256
from typing import Final

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from service.core.model.ocsp import CertId
from service.core.ocsp.cert_id import cert_id, is_about, store_key
from tests.core.ocsp.answers import LEAF, OTHER, SUB, certificate, finding
from tests.pki import Authority, key, names
from tests.pki.signing import HashName

LEAF_CERTIFICATE: Final = certificate(LEAF)
SUB_CERTIFICATE: Final = certificate(SUB)

# The leaf's serial number under authorities that share only one half of the real issuer.
SAME_NAME: Final = Authority.root("Sub", key=key("p256", 7))
SAME_KEY: Final = Authority.root("Another", key=SUB.key)


def answered(issuer: Authority, hash_name: HashName = "sha1", serial: int = LEAF.serial) -> CertId:
    """The CertID in an answer about a serial number of an issuer."""
    (single,) = finding(SUB.ocsp(serial, cert_id_issuer=issuer.issued, cert_id_hash=hash_name)).response.responses
    return single.cert_id


@pytest.mark.parametrize(
    ("hash_name", "algorithm"),
    [
        ("sha1", hashes.SHA1()),  # noqa: S303 - the hash of CertIDs, which sign nothing
        ("sha224", hashes.SHA224()),
        ("sha256", hashes.SHA256()),
        ("sha384", hashes.SHA384()),
        ("sha512", hashes.SHA512()),
    ],
)
def test_the_cert_id_is_the_one_that_cryptography_writes(hash_name: str, algorithm: hashes.HashAlgorithm) -> None:
    """All three hashed parts agree with a foreign implementation."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(LEAF.certificate, SUB.certificate, algorithm)
    request = builder.build()
    expected = CertId(hash_name, request.issuer_name_hash, request.issuer_key_hash, request.serial_number)
    assert expected == cert_id(LEAF_CERTIFICATE, SUB_CERTIFICATE, hash_name)


@pytest.mark.parametrize("hash_name", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_an_answer_under_any_known_hash_is_about_its_certificate(hash_name: HashName) -> None:
    """The responder chooses the hash."""
    assert is_about(answered(SUB, hash_name), LEAF_CERTIFICATE, SUB_CERTIFICATE)


def test_an_unknown_hash_is_about_nobody() -> None:
    """Nothing is concluded from octets that nobody can compute again."""
    unknown = answered(SUB, "md5")
    assert "" == unknown.hash_name
    assert not is_about(unknown, LEAF_CERTIFICATE, SUB_CERTIFICATE)


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
@pytest.mark.parametrize("issuer", [SAME_NAME, SAME_KEY], ids=["name alone", "key alone"])
def test_the_right_serial_number_of_another_issuer_is_refused(issuer: Authority, hash_name: HashName) -> None:
    """The issuer's name and key must both be meant."""
    assert not is_about(answered(issuer, hash_name), LEAF_CERTIFICATE, SUB_CERTIFICATE)


def test_another_serial_number_of_the_same_issuer_is_refused() -> None:
    """An answer about a neighbour says nothing."""
    assert not is_about(answered(SUB, serial=OTHER.serial), LEAF_CERTIFICATE, SUB_CERTIFICATE)


def test_a_hash_of_one_kind_does_not_pass_for_another() -> None:
    """The octets of SHA-256 under the name of SHA-1 are no match."""
    own = answered(SUB, "sha256")
    renamed = CertId("sha1", own.issuer_name_hash, own.issuer_key_hash, own.serial_number)
    assert not is_about(renamed, LEAF_CERTIFICATE, SUB_CERTIFICATE)


def test_the_name_is_hashed_as_it_stands_in_the_certificate() -> None:
    """A leaf that spells its issuer otherwise hashes that spelling, as RFC 6960 section 4.1.1 asks."""
    shouted = SUB.issue("leaf", issuer_name="SUB")
    own = cert_id(certificate(shouted), SUB_CERTIFICATE, "sha256")
    assert sha256(names.name("SUB")).digest() == own.issuer_name_hash


def test_the_store_key_tells_certificates_apart() -> None:
    """Another serial number, another name or another key of the issuer is another row."""
    rows = {
        store_key(LEAF_CERTIFICATE, SUB_CERTIFICATE),
        store_key(certificate(OTHER), SUB_CERTIFICATE),
        store_key(LEAF_CERTIFICATE, certificate(SAME_NAME)),
        store_key(certificate(SAME_KEY.issue("leaf", serial=LEAF.serial)), certificate(SAME_KEY)),
    }
    assert 4 == len(rows)
    assert {32} == {len(row) for row in rows}


def test_the_store_key_is_the_same_for_the_same_certificate() -> None:
    """What one process wrote another one finds: renewed certificates of the same issuer and key share a row."""
    renewed = certificate(SUB.reissue(serial=5))
    assert store_key(LEAF_CERTIFICATE, SUB_CERTIFICATE) == store_key(LEAF_CERTIFICATE, renewed)


@pytest.mark.parametrize("serials", [(-1, 255), (2**511 - 2, 2**511 - 1), (0, 256)])
def test_the_store_key_of_odd_serial_numbers(serials: tuple[int, int]) -> None:
    """Negative ones and the longest that are read are as far apart as their octets."""
    odd = [certificate(SUB.issue("leaf", serial=serial)) for serial in serials]
    assert 2 == len({store_key(one, SUB_CERTIFICATE) for one in odd})
