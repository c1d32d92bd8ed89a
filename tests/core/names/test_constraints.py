"""The names of a certificate against the constraints of another: which names there are, and what is said of them."""

from typing import Final

import pytest
from cryptography import x509

from service.core.der.certificate import read_certificate
from service.core.model.name import GeneralNameKind
from service.core.names.constraints import (
    OCTETS_A_STEP,
    Permission,
    common_names,
    cost,
    index_constraints,
    judge,
    presented_names,
)
from tests.core.names.trees import general_name, name_constraints, naming
from tests.pki import Authority, Extension, der
from tests.pki.names import NameLike

GRANTED, DENIED, UNDECIDABLE = Permission.GRANTED, Permission.DENIED, Permission.UNDECIDABLE

CA: Final = Authority.root("CA")

CN: Final = der.oid("2.5.4.3")
EMAIL_ADDRESS: Final = der.oid("1.2.840.113549.1.9.1")

SMTP_UTF8: Final = "utf8:医生@example.com"
OTHER: Final = f"hex:0:{(der.oid('1.3.6.1.4.1.55738.666.3') + der.explicit(0, der.null())).hex()}"
X400: Final = "hex:3:3000"
EDI: Final = "hex:5:a1020500"
REGISTERED: Final = "hex:8:2a0304"


def attribute(kind: bytes, value: str | bytes) -> bytes:
    """A relative distinguished name of one attribute; text as a UTF8String."""
    encoded = der.utf8_string(value) if isinstance(value, str) else value
    return der.set_of(der.seq(kind, encoded))


def judged(
    subject: NameLike, *names: str, permitted: tuple[str, ...] = (), excluded: tuple[str, ...] = ()
) -> set[Permission]:
    """What the constraints say about each name of a certificate."""
    extensions: tuple[Extension, ...] = (naming(*names),) if names else ()
    certificate = read_certificate(CA.issue(subject, extensions=extensions).der)
    index = index_constraints(name_constraints(permitted, excluded))
    presented = [*presented_names(certificate, index.kinds), *common_names(certificate, index.kinds)]
    return {judge(name, index) for name in presented}


# --- permitted and excluded -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permitted", "excluded", "expected"),
    [
        ((), ("DNS:other.example",), GRANTED),
        (("DNS:example.com",), (), GRANTED),
        (("DNS:other.example", "DNS:example.com"), (), GRANTED),
        (("DNS:other.example",), (), DENIED),
        ((), ("DNS:example.com",), DENIED),
        (("DNS:example.com",), ("DNS:example.com",), DENIED),
        (("DNS:",), ("DNS:www.example.com",), DENIED),
        (("DNS:example.com",), ("DNS:sub.example.com",), GRANTED),
        # what cannot be told
        (("DNS:.example.com",), (), UNDECIDABLE),
        ((), ("DNS:.example.com",), UNDECIDABLE),
        (("DNS:*.example.com",), (), UNDECIDABLE),
        ((), ("DNS:*.example.com",), UNDECIDABLE),
        (("DNS:example.com",), ("DNS:*.example.org",), UNDECIDABLE),
        # and what can all the same
        (("DNS:example.com", "DNS:.example.com"), (), GRANTED),
        (("DNS:example.com", "DNS:*.example.com"), (), GRANTED),
        (("DNS:.example.org",), (), DENIED),
        ((), ("DNS:.example.org",), GRANTED),
        (("DNS:*.example.com",), ("DNS:example.com",), DENIED),
        (("DNS:other.example",), ("DNS:*.example.com",), DENIED),
    ],
)
def test_permitted_and_excluded(permitted: tuple[str, ...], excluded: tuple[str, ...], expected: Permission) -> None:
    """One permitted subtree is enough, one excluded is too many, and doubt is no permission."""
    assert judged("leaf", "DNS:www.example.com", permitted=permitted, excluded=excluded) == {expected}


@pytest.mark.parametrize(
    ("name", "permitted", "expected"),
    [
        ("DNS:*.example.com", "DNS:example.com", GRANTED),
        ("DNS:*.example.com", "DNS:www.example.com", DENIED),
        ("DNS:www.example.com.", "DNS:example.com", UNDECIDABLE),
        ("IP:192.0.2.1", "IP:192.0.2.0/24", GRANTED),
        ("IP:192.0.2.1", "IP:2001:db8::/32", DENIED),
        ("IP:192.0.2.0/24", "IP:192.0.2.0/24", UNDECIDABLE),
        ("email:a@example.com", "email:example.com", GRANTED),
        ("email:a@b@example.com", "email:example.com", UNDECIDABLE),
        ("URI:http://example.com/", "URI:example.com", GRANTED),
        ("URI:urn:example", "URI:example.com", UNDECIDABLE),
        ("dir:CN=leaf,O=Example", "dir:O=Example", GRANTED),
        ("dir:CN=leaf,O=Evil", "dir:O=Example", DENIED),
    ],
)
def test_every_form(name: str, permitted: str, expected: Permission) -> None:
    """Each form is read in its own way."""
    assert judged("", name, permitted=(permitted,)) == {expected}


@pytest.mark.parametrize("wildcard", ["DNS:*.example.com", "DNS:*.EXAMPLE.com"])
def test_a_wildcard_beside_an_excluded_name(wildcard: str) -> None:
    """It stands for the excluded name as well."""
    assert judged("leaf", wildcard, excluded=("DNS:sub.example.com",)) == {DENIED}
    assert judged("leaf", wildcard, excluded=("DNS:a.sub.example.com",)) == {GRANTED}
    both = {"permitted": ("DNS:example.com",), "excluded": ("DNS:sub.example.com",)}
    assert judged("leaf", wildcard, **both) == {DENIED}


def test_forms_do_not_restrict_each_other() -> None:
    """Constraints of one form say nothing about names of another."""
    names = ["DNS:example.com", "IP:192.0.2.1", "email:a@example.com", "URI:http://example.com/", "dir:CN=a", OTHER]
    everything = ("DNS:", "email:.com", "URI:.com", "IP:0.0.0.0/0", "IP:::/0", "dir:", OTHER, X400, EDI, REGISTERED)
    for name in names:
        others = tuple(one for one in everything if general_name(one).kind is not general_name(name).kind)
        assert judged("", name, excluded=others) == set()


@pytest.mark.parametrize("name", [OTHER, X400, EDI, REGISTERED])
def test_forms_that_are_not_processed(name: str) -> None:
    """One that is constrained and there cannot be told, permitted or excluded; one that is not there is no matter."""
    assert judged("", name, permitted=(name,)) == {UNDECIDABLE}
    assert judged("", name, excluded=(name,)) == {UNDECIDABLE}
    assert judged("leaf", "DNS:example.com", permitted=("DNS:example.com",), excluded=(name,)) == {GRANTED}


# --- the subject ------------------------------------------------------------------------------------------------------


def test_the_subject_is_a_directory_name() -> None:
    """It is held against constraints beside the subjectAltName, and an empty one is no name."""
    assert judged("CN=a,O=Example", permitted=("dir:O=Example",)) == {GRANTED}
    assert judged("CN=a,O=Evil", "dir:CN=a,O=Example", permitted=("dir:O=Example",)) == {GRANTED, DENIED}
    assert judged("CN=a,O=Example", "dir:CN=a,O=Evil", permitted=("dir:O=Example",)) == {GRANTED, DENIED}
    assert judged("", "dir:CN=a,O=Example", permitted=("dir:O=Example",)) == {GRANTED}
    assert judged("", permitted=("dir:O=Example",)) == set()
    assert judged("CN=a", excluded=("dir:",)) == {DENIED}


@pytest.mark.parametrize("names", [(), ("email:a@example.com",)])
def test_mail_addresses_in_the_subject(names: tuple[str, ...]) -> None:
    """The emailAddress attribute is held against rfc822Name constraints, beside a subjectAltName too."""
    subject = der.seq(attribute(CN, "a"), attribute(EMAIL_ADDRESS, der.ia5_string("a@example.com")))
    beside = {GRANTED} if names else set()
    assert judged(subject, *names, permitted=("email:example.com",)) == {GRANTED}
    assert judged(subject, *names, permitted=("email:example.org", "email:a@example.com")) == {GRANTED}
    assert judged(subject, permitted=("email:example.org",)) == {DENIED}
    evil = der.seq(attribute(EMAIL_ADDRESS, der.ia5_string("a@example.org")))
    assert judged(evil, *names, permitted=("email:example.com",)) == {DENIED, *beside}


@pytest.mark.parametrize(
    "value",
    [
        der.ia5_string(""),
        der.ia5_string("a"),
        der.tlv(0x16, "jörg@example.com".encode("latin-1")),
        der.utf8_string("a@example.com"),
        der.tlv(0x13, b"a@example.com"),
        der.tlv(0x1A, b"a@example.com"),
        der.bit_string(b"a@example.com"),
    ],
)
def test_illegible_mail_addresses_in_the_subject(value: bytes) -> None:
    """What is no mail address, or no IA5String, cannot be told."""
    subject = der.seq(attribute(EMAIL_ADDRESS, value))
    assert judged(subject, permitted=("email:example.com",)) == {UNDECIDABLE}
    assert judged(subject, excluded=("email:example.org",)) == {UNDECIDABLE}


def test_the_case_of_mail_addresses() -> None:
    """The attribute of a subject has none: it is excluded in any, and permitted in its own."""
    subject = der.seq(attribute(EMAIL_ADDRESS, der.ia5_string("Root@example.com")))
    assert judged(subject, excluded=("email:rOOt@Example.com",)) == {DENIED}
    assert judged(subject, excluded=("email:admin@example.com",)) == {GRANTED}
    assert judged(subject, permitted=("email:root@example.com",)) == {DENIED}
    assert judged("", "email:Root@example.com", excluded=("email:root@example.com",)) == {GRANTED}


def test_internationalized_mail_addresses() -> None:
    """An SmtpUTF8Mailbox is a mail address, and an otherName."""
    assert judged("", SMTP_UTF8, permitted=("email:example.com",)) == {GRANTED}
    assert judged("", SMTP_UTF8, permitted=("email:example.org",)) == {DENIED}
    assert judged("", SMTP_UTF8, excluded=("email:example.com",)) == {DENIED}
    assert judged("", SMTP_UTF8, excluded=(OTHER,)) == {UNDECIDABLE}
    assert judged("", OTHER, permitted=("email:example.com",)) == set()
    assert judged("", "hex:0:", permitted=("email:example.com",)) == {UNDECIDABLE}


def test_internationalized_mail_addresses_and_mailboxes() -> None:
    """A base with a local part permits none, and excludes all of its host."""
    assert judged("", SMTP_UTF8, permitted=("email:foo@example.com",)) == {DENIED}
    assert judged("", SMTP_UTF8, excluded=("email:foo@example.com",)) == {DENIED}
    assert judged("", SMTP_UTF8, excluded=("email:foo@example.org",)) == {GRANTED}


@pytest.mark.parametrize(("base", "name"), [("email:", "email:a@example.com"), ("URI:", "URI:http://example.com/")])
def test_empty_bases(base: str, name: str) -> None:
    """Everything to some and nothing to others, but for a dNSName; without such a name it is no matter."""
    assert judged("", name, permitted=(base,)) == {UNDECIDABLE}
    assert judged("", name, excluded=(base,)) == {UNDECIDABLE}
    assert judged("", "DNS:example.com", permitted=(base, "DNS:"), excluded=(base,)) == {GRANTED}


def test_mapped_addresses() -> None:
    """An IPv4-mapped address may be in an IPv4 range: neither permitted nor free of what is excluded."""
    mapped = "IP:::ffff:192.0.2.1"
    assert judged("", mapped, permitted=("IP:192.0.2.0/24",)) == {UNDECIDABLE}
    assert judged("", mapped, excluded=("IP:192.0.2.0/24",)) == {UNDECIDABLE}
    assert judged("", mapped, permitted=("IP:::/0",), excluded=("IP:192.0.2.0/24",)) == {UNDECIDABLE}
    assert judged("", mapped, permitted=("IP:::/0",), excluded=("IP:192.0.3.0/24",)) == {GRANTED}
    assert judged("", "IP:192.0.2.1", permitted=("IP:192.0.2.0/24",), excluded=("IP:::/0",)) == {GRANTED}


# --- common names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("CN=www.example.com", {GRANTED}),
        ("CN=bad.net", {DENIED}),
        ("CN=*.bad.net", {DENIED}),
        ("CN=John Doe", set()),
        ("CN=192.0.2.1", set()),
        ("O=bad.net", set()),
        (der.seq(attribute(CN, "www.example.com"), attribute(CN, "bad.net")), {GRANTED, DENIED}),
        (der.seq(attribute(CN, der.tlv(0x1E, "bad.net".encode("utf-16-be")))), {DENIED}),
        (der.seq(attribute(CN, "bad.net\0")), {DENIED}),
        (der.seq(attribute(CN, "www.example.com\0\0")), {GRANTED}),
        (der.seq(attribute(CN, "www.example.com\0.bad.net")), {UNDECIDABLE}),
        (der.seq(attribute(CN, der.bit_string(b"bad.net"))), set()),
    ],
)
def test_common_names(subject: NameLike, expected: set[Permission]) -> None:
    """What looks like a DNS name is held against dNSName constraints where there is no dNSName."""
    assert judged(subject, permitted=("DNS:example.com",)) == expected
    assert judged(subject, "IP:192.0.2.1", permitted=("DNS:example.com",)) == expected
    assert judged(subject, "DNS:example.com", permitted=("DNS:example.com",)) == {GRANTED}


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("CN=192.0.2.1", {GRANTED}),
        ("CN=192.0.3.1", {DENIED}),
        ("CN=2001:db8::1", {DENIED}),
        ("CN=::ffff:192.0.2.1", {UNDECIDABLE}),
        ("CN=www.example.com", set()),
        ("CN=192.0.2", set()),
        (der.seq(attribute(CN, "192.0.3.1\0")), {DENIED}),
        (der.seq(attribute(CN, "192.0.2.1\0a")), {UNDECIDABLE}),
        (der.seq(attribute(CN, "192.0.2.1"), attribute(CN, "192.0.3.1")), {GRANTED, DENIED}),
    ],
)
def test_addresses_in_common_names(subject: NameLike, expected: set[Permission]) -> None:
    """What is an address is held against iPAddress constraints where there is no iPAddress, beside a dNSName too."""
    ranges = ("IP:192.0.2.0/24",)
    assert judged(subject, permitted=ranges) == expected
    assert judged(subject, "DNS:example.com", permitted=ranges) == expected
    assert judged(subject, "IP:192.0.2.7", permitted=ranges) == {GRANTED}


def test_common_names_of_both_forms() -> None:
    """Each is held against constraints of its own form."""
    both = ("DNS:example.com", "IP:192.0.2.0/24")
    assert judged("CN=192.0.3.1", permitted=both) == {DENIED}
    assert judged("CN=192.0.3.1", "IP:192.0.2.7", permitted=both) == {GRANTED}
    assert judged("CN=evil.example", "IP:192.0.2.7", permitted=both) == {GRANTED, DENIED}
    assert judged("CN=evil.example", "DNS:example.com", permitted=both) == {GRANTED}


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_the_cost_of_reading() -> None:
    """A step for a name, and another for every few of its octets."""
    assert cost(()) == 0
    assert cost([general_name("DNS:"), general_name("DNS:abc")]) == 2
    assert cost([general_name(f"DNS:{'a' * 10 * OCTETS_A_STEP}")]) == 11


def test_the_cost_of_looking_up() -> None:
    """A step, and another for every length of the bases of each list; not for every base."""
    assert index_constraints(name_constraints()).steps == 1
    many = [f"DNS:host{number}.example.com" for number in range(100)]
    assert index_constraints(name_constraints(permitted=many)).steps == 2
    assert index_constraints(name_constraints(permitted=[*many, "DNS:com", "IP:2001:db8::/32"])).steps == 4
    # A range of IPv4 has a length of its own, and that of its mapped addresses.
    assert index_constraints(name_constraints(permitted=["IP:10.0.0.0/8", "IP:192.0.0.0/8"])).steps == 3
    assert index_constraints(name_constraints(excluded=["email:a@example.com", "dir:"])).steps == 4


def test_the_forms_that_are_constrained() -> None:
    """Those of both lists."""
    index = index_constraints(name_constraints(["DNS:a", "dir:"], ["DNS:b", OTHER]))
    expected = {GeneralNameKind.DNS_NAME, GeneralNameKind.DIRECTORY_NAME, GeneralNameKind.OTHER_NAME}
    assert index.kinds == expected


def test_names_of_other_forms_are_not_read() -> None:
    """Of a certificate only the names of the forms asked for."""
    san = x509.SubjectAlternativeName([x509.DNSName("example.com"), x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))])
    certificate = read_certificate(CA.issue("leaf", extensions=(Extension.of(san),)).der)
    for kind in (GeneralNameKind.DNS_NAME, GeneralNameKind.REGISTERED_ID, GeneralNameKind.DIRECTORY_NAME):
        assert [name.kind for name in presented_names(certificate, {kind})] == [kind]
    assert list(presented_names(certificate, set())) == []
