"""Certificates (RFC 5280 §4.1), field by field."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import pytest
from cryptography.hazmat.primitives import hashes

from service.core.der.certificate import MAX_CACHED_OCTETS, read_certificate
from service.core.der.crl_entry import MAX_SERIAL_OCTETS
from service.core.der.signature import SignatureResult, verify
from service.core.model.certificate import Extensions
from service.core.model.key import KeyKind
from service.core.model.malformed import MalformedError
from tests.core.der.signing import identifier, sign
from tests.pki import NOT_AFTER, NOT_BEFORE, Authority, Extension, der, key, oids, public_key
from tests.pki.keys import spki
from tests.pki.names import name

ROOT: Final = Authority.root("Root")
LEAF: Final = ROOT.issue("CN=leaf,O=Example", san="DNS:a.example", serial=0x0123456789)

ALGORITHM: Final = identifier(oids.ECDSA_SIGNATURES["sha256"])
VALIDITY: Final = der.seq(der.time(NOT_BEFORE), der.time(NOT_AFTER))
KEY: Final = spki(public_key("p256"))
NO_CHECK: Final = der.seq(Extension(oids.OCSP_NO_CHECK, der.null()).encoded())
OWN_IDENTIFIERS: Final = der.tlv(0x81, b"\x00a") + der.tlv(0x82, b"\x00b")

VERSION_1: Final = der.explicit(0, der.integer(0))
VERSION_2: Final = der.explicit(0, der.integer(1))
VERSION_3: Final = der.explicit(0, der.integer(2))


def tbs(
    *,
    version: bytes = VERSION_3,
    serial: bytes = der.integer(5),
    algorithm: bytes = ALGORITHM,
    issuer: bytes = name("issuer"),
    validity: bytes = VALIDITY,
    subject: bytes = name("subject"),
    public: bytes = KEY,
    rest: bytes = b"",
) -> bytes:
    """A TBSCertificate of whatever is given for its fields."""
    return der.seq(version, serial, algorithm, issuer, validity, subject, public, rest)


def certificate(
    signed_part: bytes, algorithm: bytes = ALGORITHM, signature: bytes = der.bit_string(b"signature")
) -> bytes:
    """A Certificate around it."""
    return der.seq(signed_part, algorithm, signature)


def test_fields() -> None:
    """Every field is where the certificate has it."""
    found = read_certificate(LEAF.der)
    assert (3, 0x0123456789) == (found.version, found.serial_number)
    assert ("CN=leaf,O=Example", "CN=Root") == (found.subject.text, found.issuer.text)
    assert (NOT_BEFORE, NOT_AFTER) == (found.not_before, found.not_after)
    assert (KeyKind.EC, LEAF.spki) == (found.public_key.kind, found.public_key.spki)
    assert ("DNS:a.example",) == found.extensions.sans
    assert LEAF.key_identifier == found.extensions.subject_key_identifier
    assert ROOT.key_identifier == found.extensions.authority_key_identifier
    assert (LEAF.der, sha256(LEAF.der).digest()) == (found.der, found.fingerprint)


def test_signature() -> None:
    """The signature covers the signed part as it stands, and verifies under the issuer's key and no other."""
    found, root = read_certificate(LEAF.der), read_certificate(ROOT.der)
    assert LEAF.certificate.tbs_certificate_bytes == found.signature.signed
    assert SignatureResult.VALID is verify(found.signature, root.public_key)
    assert SignatureResult.INVALID is verify(found.signature, found.public_key)


def test_sameness() -> None:
    """Two certificates are the same when their octets are."""
    assert read_certificate(LEAF.der) == read_certificate(bytes(bytearray(LEAF.der)))
    assert read_certificate(LEAF.der) != read_certificate(ROOT.issue("CN=leaf,O=Example", san="DNS:b.example").der)


@pytest.mark.parametrize(
    ("version", "rest", "expected"),
    [
        (b"", b"", 1),
        (VERSION_2, b"", 2),
        (VERSION_2, OWN_IDENTIFIERS, 2),
        (VERSION_3, b"", 3),
        (VERSION_3, OWN_IDENTIFIERS, 3),
        (VERSION_3, der.tlv(0x81, b"\x00a"), 3),
        (VERSION_3, der.tlv(0x82, b"\x00b"), 3),
    ],
)
def test_versions(version: bytes, rest: bytes, expected: int) -> None:
    """Absent means 1; unique identifiers, which nobody uses, are passed over where the version has them."""
    found = read_certificate(certificate(tbs(version=version, rest=rest)))
    assert (expected, Extensions()) == (found.version, found.extensions)


@pytest.mark.parametrize("identifiers", [b"", OWN_IDENTIFIERS, der.tlv(0x82, b"\x00b")])
def test_extensions(identifiers: bytes) -> None:
    """Extensions come last."""
    found = read_certificate(certificate(tbs(rest=identifiers + der.explicit(3, NO_CHECK))))
    assert found.extensions.no_check


LONGEST = (1 << 8 * MAX_SERIAL_OCTETS - 1) - 1


@pytest.mark.parametrize("serial", [0, -1, 1 << 159, LONGEST, ~LONGEST])
def test_serial_numbers(serial: int) -> None:
    """Zero, negative and overlong serial numbers are in use (RFC 5280 §4.1.2.2) and read as they stand."""
    assert serial == read_certificate(certificate(tbs(serial=der.integer(serial)))).serial_number


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"20200102030405Z", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (b"19490102030405Z", datetime(1949, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_generalized_time_where_utc_time_should_be(encoded: bytes, expected: datetime) -> None:
    """A date is a date: CAs shall write UTCTime through 2049 (RFC 5280 §4.1.2.5), and roots in use do not."""
    validity = der.seq(der.tlv(0x18, encoded), der.time(NOT_AFTER))
    assert expected == read_certificate(certificate(tbs(validity=validity))).not_before


def test_generalized_time() -> None:
    """The end of time (RFC 5280 §4.1.2.5) is a date."""
    validity = der.seq(der.time(NOT_BEFORE), der.tlv(0x18, b"99991231235959Z"))
    found = read_certificate(certificate(tbs(validity=validity)))
    assert datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) == found.not_after


def test_empty_subject() -> None:
    """The subject may be empty (RFC 5280 §4.1.2.6); names say who it is."""
    assert read_certificate(certificate(tbs(subject=der.seq()))).subject.is_empty


@pytest.mark.parametrize("bits", [b"\x03\x00", der.bit_string(b"signature", 1), der.bit_string(b"", 0)])
def test_signature_that_is_none(bits: bytes) -> None:
    """A certificate whose signature's bits do not fill octets is read, and verifies under no key."""
    found = read_certificate(certificate(tbs(), signature=bits))
    assert b"" == found.signature.value
    assert SignatureResult.INVALID is verify(found.signature, found.public_key)


def test_good_signature_with_unused_bits() -> None:
    """Not even where the octets would verify."""
    value = sign(key("p256"), hashes.SHA256, tbs())
    results = [
        verify(found.signature, found.public_key)
        for found in (read_certificate(certificate(tbs(), signature=der.bit_string(value, bits))) for bits in (0, 1))
    ]
    assert [SignatureResult.VALID, SignatureResult.INVALID] == results


GOOD: Final = certificate(tbs())


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "truncated"),
        (KEY, "SEQUENCE of what is signed"),
        (der.set_of(tbs(), ALGORITHM, der.bit_string(b"")), "DER tag"),
        (GOOD[:-1], "truncated"),
        (GOOD + b"\x00", "octets after"),
        (der.seq(tbs(), ALGORITHM), "SEQUENCE of what is signed"),
        (der.seq(tbs(), der.bit_string(b""), ALGORITHM), "SEQUENCE of what is signed"),
        (der.seq(tbs(), ALGORITHM, der.octet_string(b"")), "SEQUENCE of what is signed"),
        (der.seq(tbs(), ALGORITHM, der.bit_string(b""), der.null()), "SEQUENCE of what is signed"),
        (b"\x30\x80" + tbs() + ALGORITHM + der.bit_string(b"") + b"\x00\x00", "indefinite"),
        (certificate(tbs(), identifier(oids.ECDSA_SIGNATURES["sha384"])), "two different"),
        (certificate(tbs(), identifier(oids.ECDSA_SIGNATURES["sha256"], der.null())), "two different"),
        (certificate(tbs(algorithm=identifier(oids.ED25519))), "two different"),
        (certificate(der.seq()), "truncated"),
        (certificate(der.seq(VERSION_3)), "truncated"),
    ],
)
def test_refuses(encoded: bytes, reason: str) -> None:
    """Another structure, octets after the end, and two different algorithms (§4.1.1.2) are refused."""
    with pytest.raises(MalformedError, match=reason):
        read_certificate(encoded)


@pytest.mark.parametrize(
    ("signed_part", "reason"),
    [
        (tbs(version=VERSION_1), "or 1 spelt out"),
        (tbs(version=der.explicit(0, der.integer(3))), "version"),
        (tbs(version=der.explicit(0, der.integer(-1))), "version"),
        (tbs(version=der.explicit(0, der.integer(1 << 64))), "version"),
        (tbs(version=der.explicit(0, der.null())), "DER tag"),
        (tbs(version=der.explicit(0, der.integer(2) + der.null())), "octets after"),
        (tbs(version=der.integer(2)), "DER tag"),
        (tbs(serial=b"\x02\x00"), "empty"),
        (tbs(serial=b"\x02\x02\x00\x05"), "not minimal"),
        (tbs(serial=b"\x02\x02\xff\x85"), "not minimal"),
        (tbs(serial=der.integer(LONGEST + 1)), "too long"),
        (tbs(serial=der.integer(~LONGEST - 1)), "too long"),
        (tbs(serial=der.octet_string(b"\x05")), "DER tag"),
        (tbs(algorithm=der.oid(oids.ED25519)), "DER tag"),
        (tbs(issuer=der.set_of()), "DER tag"),
        (tbs(issuer=der.seq(der.null())), "SET of at least one"),
        (tbs(subject=der.seq(der.null())), "SET of at least one"),
        (tbs(subject=der.utf8_string("leaf")), "DER tag"),
        (tbs(validity=der.seq()), "truncated"),
        (tbs(validity=der.seq(der.time(NOT_BEFORE))), "truncated"),
        (tbs(validity=der.seq(der.time(NOT_BEFORE), der.null())), "form"),
        (tbs(validity=der.seq(der.time(NOT_BEFORE), der.time(NOT_AFTER), der.null())), "octets after the validity"),
        (tbs(validity=der.time(NOT_BEFORE)), "DER tag"),
        (tbs(public=der.seq()), "truncated"),
        (tbs(public=der.bit_string(b"key")), "DER tag"),
        (tbs(rest=der.null()), "unknown or misplaced"),
        (tbs(rest=der.tlv(0xA1, b"")), "unknown or misplaced"),
        (tbs(rest=der.tlv(0xA4, b"")), "unknown or misplaced"),
        (tbs(rest=der.tlv(0x82, b"\x00b") + der.tlv(0x81, b"\x00a")), "unknown or misplaced"),
        (tbs(rest=der.explicit(3, NO_CHECK) * 2), "unknown or misplaced"),
        (tbs(rest=der.explicit(3, NO_CHECK) + der.tlv(0x82, b"\x00b")), "unknown or misplaced"),
        (tbs(rest=der.explicit(3, NO_CHECK) + b"\x00"), "truncated"),
        (tbs(rest=der.explicit(3, NO_CHECK + der.null())), "octets after"),
        (tbs(rest=der.explicit(3, der.null())), "DER tag"),
        (tbs(rest=der.explicit(3, b"")), "truncated"),
        (tbs(version=b"", rest=der.explicit(3, NO_CHECK)), "of version 1"),
        (tbs(version=b"", rest=OWN_IDENTIFIERS), "of version 1"),
        (tbs(version=b"", rest=der.tlv(0x82, b"\x00b")), "of version 1"),
        (tbs(rest=der.explicit(3, der.seq())), "empty list of extensions"),
        (tbs(version=VERSION_2, rest=der.explicit(3, NO_CHECK)), "not of version 3"),
        (tbs(version=VERSION_2, rest=der.explicit(3, der.seq())), "not of version 3"),
        (tbs(rest=der.explicit(3, der.seq(Extension(oids.BASIC_CONSTRAINTS, b"").encoded()))), "truncated"),
    ],
)
def test_refuses_signed_part(signed_part: bytes, reason: str) -> None:
    """A field that does not decode, is missing, misplaced, or of another version."""
    with pytest.raises(MalformedError, match=reason):
        read_certificate(certificate(signed_part))


def test_refusal_has_a_reason_for_people() -> None:
    """The error keeps what is wrong, without quoting the input."""
    with pytest.raises(MalformedError) as caught:
        read_certificate(b"s\x06secret")
    assert "DER tag 0x73 where 0x30 should be" == caught.value.reason == str(caught.value)


def test_large_certificates_are_read_each_time() -> None:
    """A certificate above the limit of the cache is read like any other, and not kept."""
    padding = Extension("1.2.3.4", bytes(MAX_CACHED_OCTETS))
    large = ROOT.issue("leaf", extensions=[padding]).der
    assert read_certificate(LEAF.der) is read_certificate(LEAF.der)
    assert read_certificate(large) is not read_certificate(large)
    assert read_certificate(large) == read_certificate(large)
