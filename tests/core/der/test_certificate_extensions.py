"""Each extension of a certificate: its good forms, and every form that it does not have."""

import pytest

from service.core.der.certificate_extensions import read_certificate_extensions
from service.core.model.certificate import BasicConstraints, Extensions, KeyUsage
from service.core.model.malformed import MalformedError
from tests.pki import Extension, der, names, oids
from tests.pki.extensions import (
    authority_info_access,
    basic_constraints,
    certificate_policies,
    distribution_points,
    extended_key_usage,
    key_usage,
    subject_alt_name,
)

ISSUER = der.seq()


def read(*extensions: Extension) -> Extensions:
    """The extensions of a certificate that has these."""
    content = b"".join(extension.encoded() for extension in extensions)
    return read_certificate_extensions(content, 0, len(content), ISSUER)


def test_none() -> None:
    """Without extensions everything is absent."""
    assert Extensions() == read()


# --- basicConstraints ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (basic_constraints(ca=False, path_length=None).value, BasicConstraints(ca=False, path_length=None)),
        (basic_constraints(ca=True, path_length=None).value, BasicConstraints(ca=True, path_length=None)),
        (basic_constraints(ca=True, path_length=0).value, BasicConstraints(ca=True, path_length=0)),
        (basic_constraints(ca=True, path_length=300).value, BasicConstraints(ca=True, path_length=300)),
        (der.seq(der.FALSE), BasicConstraints(ca=False, path_length=None)),
        (der.seq(der.integer(0)), BasicConstraints(ca=False, path_length=0)),
        (der.seq(der.FALSE, der.integer(0)), BasicConstraints(ca=False, path_length=0)),
    ],
)
def test_basic_constraints(value: bytes, expected: BasicConstraints) -> None:
    """A CA says so; FALSE spelt out is FALSE. A path length of who is none is read: path validation refuses it."""
    assert expected == read(Extension(oids.BASIC_CONSTRAINTS, value)).basic_constraints


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (der.TRUE, "DER tag"),
        (der.seq() + b"\x00", "octets after"),
        (der.seq(b"\x01\x01\x01"), "BOOLEAN"),
        (der.seq(der.TRUE, der.integer(-1)), "negative"),
        (der.seq(der.TRUE, b"\x02\x02\x00\x01"), "not minimal"),
        (der.seq(der.integer(0), der.TRUE), "more than it may hold"),
        (der.seq(der.TRUE, der.TRUE), "more than it may hold"),
        (der.seq(der.TRUE, der.integer(0), der.integer(0)), "more than it may hold"),
        (der.seq(der.null()), "more than it may hold"),
    ],
)
def test_basic_constraints_refuses(value: bytes, reason: str) -> None:
    """Other fields, another order, a path length below nothing."""
    with pytest.raises(MalformedError, match=reason):
        read(Extension(oids.BASIC_CONSTRAINTS, value))


# --- keyUsage, extendedKeyUsage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (key_usage({"digitalSignature"}).value, KeyUsage.DIGITAL_SIGNATURE),
        (key_usage({"contentCommitment"}).value, KeyUsage.CONTENT_COMMITMENT),
        (key_usage({"keyCertSign"}).value, KeyUsage.KEY_CERT_SIGN),
        (key_usage({"cRLSign"}).value, KeyUsage.CRL_SIGN),
        (key_usage({"keyCertSign", "cRLSign"}).value, KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN),
        (key_usage({"keyEncipherment"}).value, KeyUsage.KEY_ENCIPHERMENT),
        (key_usage({"dataEncipherment"}).value, KeyUsage.DATA_ENCIPHERMENT),
        (key_usage({"keyAgreement"}).value, KeyUsage.KEY_AGREEMENT),
        (
            key_usage({"keyAgreement", "encipherOnly"}).value,
            KeyUsage.KEY_AGREEMENT | KeyUsage.DATA_ENCIPHERMENT,
        ),
        (key_usage({"encipherOnly"}).value, KeyUsage.DATA_ENCIPHERMENT),
        (key_usage({"decipherOnly"}).value, KeyUsage.DATA_ENCIPHERMENT),
        (
            key_usage({"digitalSignature", "decipherOnly"}).value,
            KeyUsage.DIGITAL_SIGNATURE | KeyUsage.DATA_ENCIPHERMENT,
        ),
        (der.named_bits({9}), KeyUsage(0)),
        (key_usage(set()).value, KeyUsage(0)),
        (der.bit_string(b"\x80\x00\x00"), KeyUsage.DIGITAL_SIGNATURE),
    ],
)
def test_key_usage(value: bytes, expected: KeyUsage) -> None:
    """The bits that decide anything are kept, encipherOnly and decipherOnly without keyAgreement too (§4.2.1.3)."""
    assert expected == read(Extension(oids.KEY_USAGE, value)).key_usage


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (der.octet_string(b"\x00\x80"), "DER tag"),
        (der.bit_string(b"\x80") + b"\x00", "octets after"),
        (b"\x03\x00", "unused bits"),
        (der.bit_string(b"\x81", 1), "unused bits"),
        (der.bit_string(bytes(9)), "more bits"),
    ],
)
def test_key_usage_refuses(value: bytes, reason: str) -> None:
    """What is no BIT STRING of named bits."""
    with pytest.raises(MalformedError, match=reason):
        read(Extension(oids.KEY_USAGE, value))


def test_extended_key_usage() -> None:
    """Purposes are a set, known or not."""
    purposes = ["clientAuth", "1.2.3.4", "anyExtendedKeyUsage", "clientAuth"]
    expected = frozenset({"1.3.6.1.5.5.7.3.2", "1.2.3.4", "2.5.29.37.0"})
    assert expected == read(extended_key_usage(purposes)).extended_key_usage


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (der.seq(), "empty"),
        (der.oid("1.2.3"), "DER tag"),
        (der.seq(der.oid("1.2.3")) + b"\x00", "octets after"),
        (der.seq(der.oid("1.2.3"), der.null()), "other than a purpose"),
        (der.seq(b"\x06\x00"), "OBJECT IDENTIFIER"),
    ],
)
def test_extended_key_usage_refuses(value: bytes, reason: str) -> None:
    """No purpose at all, or something else among them."""
    with pytest.raises(MalformedError, match=reason):
        read(Extension(oids.EXTENDED_KEY_USAGE, value))


# --- key identifiers -------------------------------------------------------------------------------------------------


def test_key_identifiers() -> None:
    """Both identifiers are octets, compared and never computed."""
    found = read(
        Extension(oids.SUBJECT_KEY_IDENTIFIER, der.octet_string(b"own")),
        Extension(oids.AUTHORITY_KEY_IDENTIFIER, der.seq(der.tlv(0x80, b"issuer's"))),
    )
    assert (b"own", b"issuer's") == (found.subject_key_identifier, found.authority_key_identifier)


@pytest.mark.parametrize("value", [b"", der.null(), der.octet_string(b"own") + b"\x00"])
def test_subject_key_identifier_refuses(value: bytes) -> None:
    """What is not one OCTET STRING."""
    with pytest.raises(MalformedError):
        read(Extension(oids.SUBJECT_KEY_IDENTIFIER, value))


# --- certificatePolicies ---------------------------------------------------------------------------------------------


def test_policies() -> None:
    """Policies are a set; their qualifiers are for people."""
    qualified = der.seq(der.seq(der.oid("1.2.3"), der.seq(der.null())), der.seq(der.oid("1.2.4")))
    assert frozenset({"2.5.29.32.0", "1.2.3"}) == read(certificate_policies(["2.5.29.32.0", "1.2.3"])).policies
    assert frozenset({"1.2.3", "1.2.4"}) == read(Extension(oids.CERTIFICATE_POLICIES, qualified)).policies


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (der.seq(), "empty"),
        (der.seq(der.oid("1.2.3")), "other than a policy"),
        (der.seq(der.seq()), "truncated"),
        (der.seq(der.seq(der.null())), "DER tag"),
        (der.seq(der.seq(der.oid("1.2.3")), der.seq(der.oid("1.2.3"))), "twice"),
        (der.seq(der.seq(der.oid("1.2.3"))) + b"\x00", "octets after"),
    ],
)
def test_policies_refuses(value: bytes, reason: str) -> None:
    """None, one twice (RFC 5280 §4.2.1.4), or something that is none."""
    with pytest.raises(MalformedError, match=reason):
        read(Extension(oids.CERTIFICATE_POLICIES, value))


# --- authorityInfoAccess ---------------------------------------------------------------------------------------------


def description(method: str, *locations: bytes) -> bytes:
    """An AccessDescription."""
    return der.seq(der.oid(method), *locations)


URL = der.tlv(0x86, b"http://a/")


def test_ocsp_responders() -> None:
    """URLs of responders, in order; the caIssuers between them are nobody's business here."""
    found = read(authority_info_access(["http://a/", "http://b/"], ["http://c/"]))
    assert ("http://a/", "http://b/") == found.ocsp_responders
    assert () == read(authority_info_access((), "http://c/")).ocsp_responders


def test_ocsp_responder_without_a_url() -> None:
    """A responder that is named otherwise is declared, in words that are no URL; one beyond ASCII is kept visible."""
    mixed = der.seq(
        description(oids.OCSP, names.directory_name("Responder")),
        description(oids.OCSP, der.tlv(0x82, b"ocsp.example")),
        description(oids.OCSP, der.tlv(0x86, "http://ä/".encode())),
        description("1.2.3", URL),
    )
    expected = ("DirName:CN=Responder", "DNS:ocsp.example", r"http://\xc3\xa4/")
    assert expected == read(Extension(oids.AUTHORITY_INFO_ACCESS, mixed)).ocsp_responders


def test_freshest_crl() -> None:
    """Where delta CRLs are is said as where complete ones are, and read as strictly."""
    (found,) = read(distribution_points(oids.FRESHEST_CRL, "http://a/")).freshest_crl
    assert [b"http://a/"] == [name.value for name in found.names]
    assert () == read().freshest_crl
    with pytest.raises(MalformedError, match="empty list of distribution points"):
        read(Extension(oids.FRESHEST_CRL, der.seq()))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (URL, "DER tag"),
        (der.seq(), "an empty authorityInfoAccess"),
        (der.seq(URL), "other than a description"),
        (der.seq(der.seq(URL)), "DER tag"),
        (der.seq(description(oids.OCSP)), "exactly one location"),
        (der.seq(description(oids.OCSP, URL, URL)), "exactly one location"),
        (der.seq(description(oids.CA_ISSUERS, URL, URL)), "exactly one location"),
        (der.seq(description(oids.OCSP, der.null())), "no known form"),
        (der.seq(description(oids.OCSP, URL)) + b"\x00", "octets after"),
    ],
)
def test_ocsp_responders_refuses(value: bytes, reason: str) -> None:
    """A description of anything but one method and one location."""
    with pytest.raises(MalformedError, match=reason):
        read(Extension(oids.AUTHORITY_INFO_ACCESS, value))


# --- subjectAltName --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (der.tlv(0x82, b"a.example"), "DNS:a.example"),
        (der.tlv(0x82, "ä.example".encode()), r"DNS:\xc3\xa4.example"),
        (der.tlv(0x86, b"spiffe://a/b"), "URI:spiffe://a/b"),
        (der.tlv(0x81, b"a@b.example"), "email:a@b.example"),
        (der.tlv(0x87, bytes((127, 0, 0, 1))), "IP:127.0.0.1"),
        (der.tlv(0x87, bytes(15) + b"\x01"), "IP:::1"),
        (der.tlv(0x87, b"\x7f"), "ip_address:7f"),
        (der.tlv(0xA4, der.seq()), "DirName:"),
        (der.tlv(0x88, b"\x2a\x03"), "RID:1.2.3"),
        (der.tlv(0xA0, b"\x06\x01\x2a"), "other_name:06012a"),
        (der.tlv(0xA3, b""), "x400_address:"),
        (der.tlv(0xA5, b"\x81\x01a"), "edi_party_name:810161"),
    ],
)
def test_sans(name: bytes, expected: str) -> None:
    """Every form of name has a text, if only its octets in hexadecimal."""
    both = Extension(oids.SUBJECT_ALT_NAME, der.seq(name, der.tlv(0x82, b"b.example")))
    assert (expected, "DNS:b.example") == read(both).sans


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (der.tlv(0x82, b"a.example"), "DER tag"),
        (der.seq(der.utf8_string("a")), "no known form"),
        (der.seq(der.tlv(0x88, b"")), "OBJECT IDENTIFIER"),
        (der.seq(der.tlv(0xA4, b"")), "truncated"),
        (der.seq(der.tlv(0x82, b"a.example")) + b"\x00", "octets after"),
    ],
)
def test_sans_refuses(value: bytes, reason: str) -> None:
    """What is no list of general names."""
    with pytest.raises(MalformedError, match=reason):
        read(Extension(oids.SUBJECT_ALT_NAME, value))


def test_no_name_at_all() -> None:
    """It is read, and told from the absent extension: who relies on the certificate refuses it by name."""
    empty, absent = read(Extension(oids.SUBJECT_ALT_NAME, der.seq())), read()
    one = read(Extension(oids.SUBJECT_ALT_NAME, der.seq(der.tlv(0x82, b"a.example"))))
    assert [True, False, False] == [found.lacks_alternative_names for found in (empty, absent, one)]
    assert [(), (), ("DNS:a.example",)] == [found.sans for found in (empty, absent, one)]
    assert ((), ()) == (empty.subject_alternative_names, absent.subject_alternative_names)


# --- flags, and what is unknown --------------------------------------------------------------------------------------


def test_flags() -> None:
    """ocsp-nocheck and noRevAvail say what they say by being there."""
    found = read(Extension(oids.OCSP_NO_CHECK, der.null()))
    assert (True, False) == (found.no_check, found.no_rev_avail)
    found = read(Extension(oids.NO_REV_AVAIL, der.null()))
    assert (False, True) == (found.no_check, found.no_rev_avail)


@pytest.mark.parametrize("oid", [oids.OCSP_NO_CHECK, oids.NO_REV_AVAIL])
@pytest.mark.parametrize("value", [b"", b"anything", der.tlv(0x05, b"\x00"), der.null() * 2, der.TRUE])
def test_flags_refuses(oid: str, value: bytes) -> None:
    """Their value is NULL (RFC 6960 §4.2.2.2.1, RFC 9608 §2): what spares a question is to be said properly."""
    with pytest.raises(MalformedError):
        read(Extension(oid, value))


def test_unknown() -> None:
    """What nobody here knows is named where it is critical, and no obstacle where it is not."""
    critical = [Extension(oid, b"", critical=True) for oid in ("1.2.3", "1.2.5")]
    found = read(critical[0], Extension("1.2.4", b""), critical[1])
    assert ("1.2.3", "1.2.5") == found.unknown_critical


def test_critical() -> None:
    """Which are critical is told of known and unknown ones alike."""
    found = read(Extension("1.2.3", b"", critical=True), key_usage({"cRLSign"}), extended_key_usage("clientAuth"))
    assert frozenset({"1.2.3", oids.KEY_USAGE}) == found.critical
    assert frozenset() == read().critical


def policies(*qualifiers: bytes) -> bytes:
    """The extension certificatePolicies with a policy of these qualifiers, and one without any before it."""
    return der.seq(der.seq(der.oid("1.2.3")), der.seq(der.oid("1.2.4"), der.seq(*qualifiers)))


CPS, USER_NOTICE, OTHER = (
    der.seq(der.oid(oid), der.null()) for oid in ("1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2", "1.2.3")
)


@pytest.mark.parametrize(
    ("value", "unknown"),
    [
        (policies(CPS, USER_NOTICE), ()),
        (policies(OTHER), (oids.CERTIFICATE_POLICIES,)),
        (policies(CPS, OTHER), (oids.CERTIFICATE_POLICIES,)),
    ],
)
def test_policy_qualifiers(value: bytes, unknown: tuple[str, ...]) -> None:
    """Where certificatePolicies are critical, their qualifiers must be known ones (RFC 5280 §4.2.1.4)."""
    assert unknown == read(Extension(oids.CERTIFICATE_POLICIES, value, critical=True)).unknown_critical
    assert () == read(Extension(oids.CERTIFICATE_POLICIES, value)).unknown_critical


@pytest.mark.parametrize("qualifier", [der.null(), der.seq(), der.seq(der.null())])
def test_policy_qualifiers_refuses(qualifier: bytes) -> None:
    """What is no qualifier makes critical policies illegible."""
    with pytest.raises(MalformedError):
        read(Extension(oids.CERTIFICATE_POLICIES, policies(qualifier), critical=True))


@pytest.mark.parametrize(
    "extension",
    [
        basic_constraints(ca=True, path_length=None),
        key_usage({"keyCertSign"}),
        extended_key_usage("clientAuth"),
        certificate_policies("1.2.3"),
        subject_alt_name("DNS:a.example"),
        authority_info_access("http://a/", ()),
        Extension("2.5.29.18", b""),  # issuerAltName
        distribution_points(oids.FRESHEST_CRL, "http://a/"),
        Extension("1.3.6.1.5.5.7.1.11", b""),  # subjectInfoAccess
        Extension(oids.OCSP_NO_CHECK, der.null()),
        Extension(oids.NO_REV_AVAIL, der.null()),
    ],
    ids=lambda extension: extension.oid,
)
def test_known(extension: Extension) -> None:
    """What is known may be critical."""
    assert () == read(Extension(extension.oid, extension.value, critical=True)).unknown_critical


def test_twice() -> None:
    """No extension may be there twice, the same value or not."""
    with pytest.raises(MalformedError, match=r"2\.5\.29\.19 twice"):
        read(basic_constraints(ca=False, path_length=None), basic_constraints(ca=True, path_length=None))
