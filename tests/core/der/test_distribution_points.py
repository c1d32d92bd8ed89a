"""cRLDistributionPoints (RFC 5280 §4.2.1.13): whose list, under which names, for which reasons."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from service.core.der.certificate_extensions import read_certificate_extensions
from service.core.model.certificate import DistributionPoint
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.reason import ALL_REASONS, Reasons
from tests.pki import DistributionPoint as Described
from tests.pki import Extension, der, oids
from tests.pki.extensions import distribution_points
from tests.pki.names import name

ISSUER = name("O=Example,C=DE")


def read(extension: Extension, issuer: bytes = ISSUER) -> tuple[DistributionPoint, ...]:
    """The distribution points of a certificate of `issuer`."""
    content = extension.encoded()
    return read_certificate_extensions(content, 0, len(content), issuer).crl_distribution_points


def raw(*points: bytes) -> Extension:
    """The extension with these distribution points, whatever they are."""
    return Extension(oids.CRL_DISTRIBUTION_POINTS, der.seq(*points))


def uri(text: str) -> GeneralName:
    """A URL as a general name."""
    return GeneralName(GeneralNameKind.URI, text.encode())


def directory(text: str) -> GeneralName:
    """A distinguished name as a general name."""
    return GeneralName(GeneralNameKind.DIRECTORY_NAME, name(text))


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (Described(["http://a/"]), DistributionPoint((uri("http://a/"),), ALL_REASONS)),
        (
            Described(["http://a/", "ldap://b/c?d"]),
            DistributionPoint((uri("http://a/"), uri("ldap://b/c?d")), ALL_REASONS),
        ),
        (
            Described([x509.DirectoryName(x509.Name.from_rfc4514_string("CN=a"))]),
            DistributionPoint((directory("CN=a"),), ALL_REASONS),
        ),
        (
            Described(["http://a/"], reasons={"keyCompromise", "aACompromise"}),
            DistributionPoint((uri("http://a/"),), Reasons.KEY_COMPROMISE | Reasons.AA_COMPROMISE),
        ),
        (
            Described(["http://a/"], crl_issuer="CN=b"),
            DistributionPoint((uri("http://a/"),), ALL_REASONS, (directory("CN=b"),)),
        ),
        (Described(crl_issuer="CN=b"), DistributionPoint((), ALL_REASONS, (directory("CN=b"),))),
        (Described(["http://a/"], reasons=set()), DistributionPoint((uri("http://a/"),), Reasons(0))),
    ],
)
def test_forms(described: Described, expected: DistributionPoint) -> None:
    """A point has names, reasons and an issuer, each where it says so."""
    found = read(distribution_points(oids.CRL_DISTRIBUTION_POINTS, [described, "http://c/"]))
    assert (expected, DistributionPoint((uri("http://c/"),), ALL_REASONS)) == found


@pytest.mark.parametrize("issuer", ["O=Example,C=DE", "CN=a", f"O={'x' * 120},C=DE"])
def test_relative_name(issuer: str) -> None:
    """A name relative to the issuer's is made whole, however long the issuer's is."""
    relative = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "list 1")])
    (found,) = read(
        distribution_points(oids.CRL_DISTRIBUTION_POINTS, [Described(relative_name=relative)]), name(issuer)
    )
    assert (directory(f"CN=list 1,{issuer}"),) == found.names


def test_name_relative_to_the_crl_issuer() -> None:
    """Where cRLIssuer is one directory name, it is that name the relative one goes below (RFC 5280 §4.2.1.13)."""
    relative = der.tlv(0xA0, der.tlv(0xA1, der.seq(der.oid("2.5.4.3"), der.utf8_string("list"))))
    one, other = (der.tlv(0xA4, name(text)) for text in ("CN=a", "CN=b"))
    (found,) = read(raw(der.seq(relative, der.tlv(0xA2, one))))
    assert (directory("CN=list,CN=a"),) == found.names
    (found,) = read(raw(der.seq(relative, der.tlv(0xA2, one + other))))
    assert (directory("CN=list,O=Example,C=DE"),) == found.names


def test_reasons_without_a_meaning() -> None:
    """Bits that no reason has are dropped: what covers unknown reasons covers nothing we ask about."""
    every = der.tlv(0x81, b"\x00\xff\xff")
    (found,) = read(raw(der.seq(FULL_NAME, every)))
    assert ALL_REASONS == found.reasons
    assert Reasons.UNUSED not in found.reasons


URL = der.tlv(0x86, b"http://a/")
FULL_NAME = der.tlv(0xA0, der.tlv(0xA0, URL))
REASONS = der.tlv(0x81, b"\x01\x40")
CRL_ISSUER = der.tlv(0xA2, der.tlv(0xA4, der.seq()))


def test_all_fields() -> None:
    """The three fields in their order are a point: what the cases below break is right."""
    assert [DistributionPoint((uri("http://a/"),), Reasons.KEY_COMPROMISE, (directory(""),))] == list(
        read(raw(der.seq(FULL_NAME, REASONS, CRL_ISSUER)))
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (der.set_of(), "DER tag"),
        (der.seq(), "empty list of distribution points"),
        (der.seq(der.seq(FULL_NAME)) + b"\x00", "octets after"),
        (der.seq(der.seq()), "neither a name nor a CRL issuer"),
        (der.seq(der.seq(REASONS)), "neither a name nor a CRL issuer"),
        (der.seq(der.seq(FULL_NAME), der.seq(REASONS)), "neither a name nor a CRL issuer"),
        (der.seq(FULL_NAME), "not a SEQUENCE"),
        (der.seq(der.seq(der.tlv(0xA3, b""))), "unknown field"),
        (der.seq(der.seq(der.null())), "unknown field"),
        (der.seq(der.seq(der.tlv(0xA1, b"\x00"))), "unknown field"),
        (der.seq(der.seq(FULL_NAME, FULL_NAME)), "repeated or out of order"),
        (der.seq(der.seq(REASONS, FULL_NAME)), "repeated or out of order"),
        (der.seq(der.seq(REASONS, REASONS)), "repeated or out of order"),
        (der.seq(der.seq(CRL_ISSUER, CRL_ISSUER)), "repeated or out of order"),
        (der.seq(der.seq(der.tlv(0xA0, b""))), "truncated"),
        (der.seq(der.seq(der.tlv(0xA0, URL))), "no known form"),
        (der.seq(der.seq(der.tlv(0xA0, der.tlv(0xA2, URL)))), "no known form"),
        (der.seq(der.seq(der.tlv(0xA0, der.tlv(0xA0, URL) + der.null()))), "octets after"),
        (der.seq(der.seq(der.tlv(0xA0, der.tlv(0xA0, b"")))), "empty list of names"),
        (der.seq(der.seq(der.tlv(0xA0, der.tlv(0xA0, der.null())))), "no known form"),
        (der.seq(der.seq(der.tlv(0xA0, der.tlv(0xA1, b"")))), "relative distinguished name"),
        (der.seq(der.seq(der.tlv(0xA0, der.tlv(0xA1, der.null())))), "not a SEQUENCE"),
        (der.seq(der.seq(der.tlv(0x81, b""))), "unused bits"),
        (der.seq(der.seq(der.tlv(0x81, b"\x00" + bytes(9)))), "more bits"),
        (der.seq(der.seq(der.tlv(0xA2, b""))), "empty list of names"),
        (der.seq(der.seq(der.tlv(0xA2, der.null()))), "no known form"),
    ],
)
def test_refuses(value: bytes, reason: str) -> None:
    """Fields that are unknown, repeated, misplaced, or empty where empty would read like absent."""
    with pytest.raises(MalformedError, match=reason):
        read(Extension(oids.CRL_DISTRIBUTION_POINTS, value))


@pytest.mark.parametrize(
    ("points", "names", "is_read"), [(256, 1, True), (257, 1, False), (1, 256, True), (1, 257, False)]
)
def test_how_many(points: int, names: int, is_read: bool) -> None:
    """More than anybody needs are refused: each is held against each CRL at hand."""
    urls = [f"http://crl.example/{number}" for number in range(names)]
    extension = distribution_points(oids.CRL_DISTRIBUTION_POINTS, [Described(urls)] * points)
    if is_read:
        assert points == len(read(extension))
    else:
        with pytest.raises(MalformedError, match="anybody needs"):
            read(extension)
