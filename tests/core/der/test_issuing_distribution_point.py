"""issuingDistributionPoint (RFC 5280 §5.2.5): what a CRL says it covers."""

from typing import Final

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from service.core.der.crl import read_crl
from service.core.model.crl import IssuingDistributionPoint
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.reason import ALL_REASONS, Reasons
from tests.pki import Authority, der
from tests.pki import IssuingDistributionPoint as Described
from tests.pki.names import name

CA: Final = Authority.root("CN=CA,O=Example")
URL: Final = GeneralName(GeneralNameKind.URI, b"http://a/")


def read(point: Described | bytes) -> IssuingDistributionPoint | None:
    """The scope of a CRL with this one."""
    meta = read_crl(CA.crl(idp=point)).meta
    assert () == meta.unsupported
    return meta.issuing_distribution_point


def test_none() -> None:
    """Without the extension a CRL is complete for its issuer."""
    assert read_crl(CA.crl()).meta.issuing_distribution_point is None


ALL_FALSE: Final = der.seq(*(der.tlv(tag, b"\x00") for tag in (0x81, 0x82, 0x84, 0x85)))
TWO_KINDS: Final = "an issuing distribution point that covers more than one kind only"


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (der.seq(), "an empty issuing distribution point"),
        (ALL_FALSE, "an empty issuing distribution point"),
        (Described(only_user=True, only_ca=True), TWO_KINDS),
        (Described(only_user=True, only_attribute=True), TWO_KINDS),
        (Described(["http://a/"], only_ca=True, only_attribute=True), TWO_KINDS),
        (Described(only_user=True, only_ca=True, only_attribute=True), TWO_KINDS),
    ],
)
def test_ambiguous(point: Described | bytes, expected: str) -> None:
    """A scope that says nothing, or two things that exclude each other, makes the CRL unusable (§5.2.5)."""
    assert (expected,) == read_crl(CA.crl(idp=point)).meta.unsupported


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (Described(["http://a/"]), IssuingDistributionPoint((URL,))),
        (
            Described(["http://a/", x509.DirectoryName(x509.Name.from_rfc4514_string("CN=b"))]),
            IssuingDistributionPoint((URL, GeneralName(GeneralNameKind.DIRECTORY_NAME, name("CN=b")))),
        ),
        (Described(only_user=True), IssuingDistributionPoint(only_contains_user_certs=True)),
        (Described(only_ca=True), IssuingDistributionPoint(only_contains_ca_certs=True)),
        (Described(only_attribute=True), IssuingDistributionPoint(only_contains_attribute_certs=True)),
        (Described(indirect=True), IssuingDistributionPoint(indirect_crl=True)),
        (
            Described(only_some_reasons={"keyCompromise", "superseded"}),
            IssuingDistributionPoint(only_some_reasons=Reasons.KEY_COMPROMISE | Reasons.SUPERSEDED),
        ),
        (Described(only_some_reasons=set()), IssuingDistributionPoint(only_some_reasons=Reasons(0))),
        (
            Described(["http://a/"], only_user=True, only_some_reasons={"aACompromise"}, indirect=True),
            IssuingDistributionPoint(
                (URL,), only_contains_user_certs=True, only_some_reasons=Reasons.AA_COMPROMISE, indirect_crl=True
            ),
        ),
    ],
)
def test_forms(described: Described, expected: IssuingDistributionPoint) -> None:
    """Each field says what it says, alone and with others."""
    assert expected == read(described)


def test_relative_name() -> None:
    """A name relative to the CRL issuer's is made whole."""
    relative = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "list 1")])
    expected = GeneralName(GeneralNameKind.DIRECTORY_NAME, name("CN=list 1,CN=CA,O=Example"))
    assert IssuingDistributionPoint((expected,)) == read(Described(relative_name=relative))


def test_all_reasons() -> None:
    """Bits that no reason has are dropped."""
    assert IssuingDistributionPoint(only_some_reasons=ALL_REASONS) == read(der.seq(der.tlv(0x83, b"\x00\xff\xff")))


def test_flags_spelt_out() -> None:
    """FALSE spelt out, which DER forbids, is FALSE."""
    flags = (der.tlv(tag, b"\x00") for tag in (0x82, 0x84, 0x85))
    assert IssuingDistributionPoint(only_contains_user_certs=True) == read(der.seq(USER, *flags))


USER: Final = der.tlv(0x81, b"\xff")
FULL_NAME: Final = der.tlv(0xA0, der.tlv(0xA0, der.tlv(0x86, b"http://a/")))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (der.seq() + b"\x00", "octets after"),
        (der.seq(der.boolean(True)), "unknown field"),
        (der.seq(der.tlv(0x86, b"\xff")), "unknown field"),
        (der.seq(der.tlv(0xA1, b"\xff")), "unknown field"),
        (der.seq(der.tlv(0x80, b"")), "unknown field"),
        (der.seq(der.tlv(0x81, b"\x01")), "BOOLEAN"),
        (der.seq(der.tlv(0x84, b"")), "BOOLEAN"),
        (der.seq(der.tlv(0x83, b"")), "unused bits"),
        (der.seq(der.tlv(0x83, b"\x00" + bytes(9))), "more bits"),
        (der.seq(der.tlv(0xA0, b"")), "truncated"),
        (der.seq(der.tlv(0xA0, der.tlv(0xA0, b""))), "empty list of names"),
        (der.seq(der.tlv(0xA0, der.tlv(0xA1, b""))), "relative distinguished name"),
        (der.seq(USER, USER), "repeated or out of order"),
        (der.seq(USER, der.tlv(0x81, b"\x00")), "repeated or out of order"),
        (der.seq(USER, FULL_NAME), "repeated or out of order"),
        (der.seq(FULL_NAME, FULL_NAME), "repeated or out of order"),
    ],
)
def test_refuses(value: bytes, reason: str) -> None:
    """A scope that leaves two readings open, or names something unknown, is none."""
    with pytest.raises(MalformedError, match=reason):
        read(value)
