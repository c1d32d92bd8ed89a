"""The list of extensions that certificates, CRLs, CRL entries and OCSP answers share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.der.extension import (
    MAX_NUMBER_OCTETS,
    Extension,
    dotted,
    oid,
    only,
    optional,
    read_extensions,
    read_integer,
    read_key_identifier,
    unknown_critical,
)
from service.core.model.malformed import MalformedError
from tests.pki import der

ONE, TWO = "1.2.3.1", "1.2.3.2"


def extension(identifier: str, *rest: bytes) -> bytes:
    """An Extension of whatever follows its identifier."""
    return der.seq(der.oid(identifier), *rest)


VALUE = der.octet_string(b"v")


@pytest.mark.parametrize("identifier", ["2.5.29.19", "1.3.6.1.5.5.7.48.1.5", "2.999.1", "0.0", "1.2.840.113549.1.1.10"])
def test_oid(identifier: str) -> None:
    """The octets of an identifier are those of any DER writer, and give it again."""
    assert der.content(der.oid(identifier)) == oid(identifier)
    assert identifier == dotted(oid(identifier))


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=6))
def test_oid_round_trip(arcs: list[int]) -> None:
    """Every identifier survives the way there and back."""
    identifier = ".".join(str(arc) for arc in (2, *arcs))
    assert identifier == dotted(oid(identifier))


@pytest.mark.parametrize(
    ("criticality", "critical"),
    [((), False), ((der.TRUE,), True), ((der.FALSE,), False)],
    ids=["absent", "TRUE", "FALSE"],
)
def test_criticality(criticality: tuple[bytes, ...], critical: bool) -> None:
    """Critical is what says so; FALSE spelt out, which DER forbids and the wild knows, is FALSE."""
    data = extension(ONE, *criticality, VALUE)
    found = read_extensions(data, 0, len(data))
    assert {oid(ONE): Extension(critical, len(data) - 1, len(data))} == found


def test_order_is_kept() -> None:
    """Several extensions are found, and none is no mistake."""
    data = extension(TWO, VALUE) + extension(ONE, VALUE)
    assert [oid(TWO), oid(ONE)] == list(read_extensions(data, 0, len(data)))
    assert {} == read_extensions(data, 0, 0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (der.set_of(der.oid(ONE), VALUE), "not a SEQUENCE"),
        (der.seq(VALUE), "DER tag"),
        (der.seq(), "truncated"),
        (extension(ONE), "truncated"),
        (extension(ONE, der.TRUE), "truncated"),
        (extension(ONE, b"\x01\x01\x01", VALUE), "BOOLEAN"),
        (extension(ONE, b"\x01\x00", VALUE), "BOOLEAN"),
        (extension(ONE, der.null()), "not one OCTET STRING"),
        (extension(ONE, der.TRUE, der.TRUE), "not one OCTET STRING"),
        (extension(ONE, VALUE, der.null()), "not one OCTET STRING"),
        (extension(ONE, VALUE, VALUE), "not one OCTET STRING"),
        (der.seq(b"\x06\x00", VALUE), "OBJECT IDENTIFIER"),
        (der.seq(b"\x06\x04\x80\x55\x1d\x13", VALUE), "OBJECT IDENTIFIER"),
        (extension(ONE, VALUE) * 2, r"the extension 1\.2\.3\.1 twice"),
        (extension(ONE, VALUE) + extension(TWO, VALUE) + extension(ONE, der.TRUE, VALUE), "twice"),
        (extension(ONE, VALUE) + b"\x30", "truncated"),
    ],
)
def test_refuses(data: bytes, reason: str) -> None:
    """What is no extension, one for the second time (RFC 5280 §4.2), and another encoding of its identifier."""
    with pytest.raises(MalformedError, match=reason):
        read_extensions(data, 0, len(data))


def test_unknown_critical() -> None:
    """Only what is critical and not known is named."""
    data = extension(ONE, der.TRUE, VALUE) + extension(TWO, VALUE) + extension("1.2.3.3", der.TRUE, VALUE)
    found = read_extensions(data, 0, len(data))
    assert (ONE, "1.2.3.3") == unknown_critical(found, frozenset())
    assert ("1.2.3.3",) == unknown_critical(found, frozenset({oid(ONE)}))
    assert () == unknown_critical(found, frozenset({oid(ONE), oid("1.2.3.3")}))


def test_optional() -> None:
    """A reader sees the value of an extension that is there, and is not asked about another."""
    data = extension(ONE, der.octet_string(der.integer(5)))
    found = read_extensions(data, 0, len(data))
    assert 5 == optional(data, found, oid(ONE), read_integer)
    assert optional(data, found, oid(TWO), read_integer) is None


def test_only() -> None:
    """One element fills a value."""
    assert (2, 3) == only(VALUE, 0, 3, 0x04)
    with pytest.raises(MalformedError, match="octets after the end"):
        only(VALUE + b"\x00", 0, 4, 0x04)
    with pytest.raises(MalformedError, match="DER tag"):
        only(VALUE, 0, 3, 0x30)


@pytest.mark.parametrize("value", [0, 5, -5, (1 << (8 * MAX_NUMBER_OCTETS - 1)) - 1])
def test_integer(value: int) -> None:
    """A number of a CRL, up to three times as long as RFC 5280 §5.2.3 allows."""
    data = der.integer(value)
    assert value == read_integer(data, 0, len(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (der.integer(5) + b"\x00", "octets after"),
        (der.octet_string(b"\x05"), "DER tag"),
        (b"\x02\x00", "empty"),
        (b"\x02\x02\x00\x05", "not minimal"),
        (der.integer(1 << (8 * MAX_NUMBER_OCTETS - 1)), "too long"),
    ],
)
def test_integer_refuses(data: bytes, reason: str) -> None:
    """Anything else, and a number that nobody could print, is refused."""
    with pytest.raises(MalformedError, match=reason):
        read_integer(data, 0, len(data))


KEY = der.tlv(0x80, b"key")
CERT_ISSUER = der.tlv(0xA1, der.tlv(0x82, b"a.example"))
CERT_SERIAL_NUMBER = der.tlv(0x82, b"\x05")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((KEY,), b"key"),
        ((der.tlv(0x80, b""),), b""),
        ((KEY, CERT_ISSUER, CERT_SERIAL_NUMBER), b"key"),
        ((CERT_ISSUER, CERT_SERIAL_NUMBER), None),
        ((CERT_ISSUER, der.tlv(0x82, b"\xff")), None),
        ((), None),
    ],
)
def test_key_identifier(fields: tuple[bytes, ...], expected: bytes | None) -> None:
    """The keyIdentifier of an authority key identifier, where it has one."""
    data = der.seq(*fields)
    assert expected == read_key_identifier(data, 0, len(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (der.octet_string(b"key"), "DER tag"),
        (der.seq() + b"\x00", "octets after"),
        (b"\x30\x02\x80\x05", "truncated"),
        (der.seq(KEY, CERT_ISSUER), "half of issuer and serial number"),
        (der.seq(KEY, CERT_SERIAL_NUMBER), "half of issuer and serial number"),
        (der.seq(CERT_ISSUER), "half of issuer and serial number"),
        (der.seq(CERT_SERIAL_NUMBER), "half of issuer and serial number"),
        (der.seq(der.tlv(0xA1, b""), CERT_SERIAL_NUMBER), "without a name"),
        (der.seq(der.tlv(0xA1, der.null()), CERT_SERIAL_NUMBER), "no known form"),
        (der.seq(CERT_ISSUER, der.tlv(0x82, b"")), "empty INTEGER"),
        (der.seq(CERT_ISSUER, der.tlv(0x82, b"\x00\x05")), "not minimal"),
        (der.seq(KEY, KEY), "repeated or out of order"),
        (der.seq(CERT_ISSUER, CERT_SERIAL_NUMBER, KEY), "repeated or out of order"),
        (der.seq(der.tlv(0xA0, b"key")), "unknown field"),
        (der.seq(KEY, der.tlv(0x83, b"")), "unknown field"),
        (der.seq(der.octet_string(b"key")), "unknown field"),
    ],
)
def test_key_identifier_refuses(data: bytes, reason: str) -> None:
    """What does not decode, or names half of a certificate (RFC 5280 §A.2), although it would only be a hint."""
    with pytest.raises(MalformedError, match=reason):
        read_key_identifier(data, 0, len(data))
