"""Names out of text (RFC 4514 §3): what is written is read back, and what the grammar does not allow is refused."""

import subprocess
from contextlib import suppress
from typing import Final

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from service.core.der.name import MAX_ATTRIBUTES, read_name
from service.core.model.malformed import MalformedError
from service.core.names.comparison import canonical
from service.core.names.rfc4514 import MAX_TEXT_CHARACTERS, canonical_of_text
from tests.core.names.test_comparison import BMP, CN, IA5, ORGANIZATION, OU, TELETEX, UNIVERSAL, UTF8, rdn, string
from tests.pki import Authority, der

TAGS: Final = st.sampled_from([UTF8, BMP, UNIVERSAL])
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
AWKWARD: Final = st.text(st.sampled_from(' #"+,;<>\\=\0a\nä'), max_size=6)
VALUES: Final = st.one_of(
    st.builds(string, TEXTS | AWKWARD, TAGS),
    st.builds(der.tlv, st.sampled_from([0x02, 0x04, 0x17, 0x0A]), st.binary(max_size=8)),
)
TYPES: Final = st.sampled_from(
    [CN, ORGANIZATION, OU, der.oid("1.2.840.113549.1.9.1"), der.oid("0.9.2342.19200300.100.1.25"), der.oid("2.999.1")]
)
NAMES: Final = st.lists(
    st.lists(st.tuples(TYPES, VALUES), min_size=1, max_size=3).map(lambda attributes: rdn(*attributes)), max_size=4
).map(lambda rdns: der.seq(*rdns))


@given(NAMES)
def test_what_is_written_is_read_back(name: bytes) -> None:
    """Whatever stands in a name: the text of a certificate's issuer names that issuer."""
    assert canonical(name) == canonical_of_text(read_name(name).text)


ATTRIBUTES: Final = st.sampled_from([NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.LOCALITY_NAME])
PEER_VALUES: Final = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(' #"+,;<>\\='), min_size=1
)


@given(st.lists(st.tuples(ATTRIBUTES, PEER_VALUES.filter(lambda text: len(text) <= 20)), min_size=1, max_size=4))
def test_what_a_peer_writes_is_the_same_name(attributes: list[tuple[x509.ObjectIdentifier, str]]) -> None:
    """The text that `cryptography` makes of a name is that name, and so is what it reads out of ours."""
    peer = x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])
    encoded = peer.public_bytes()
    assert canonical(encoded) == canonical_of_text(peer.rfc4514_string())
    again = x509.Name.from_rfc4514_string(read_name(encoded).text)
    assert canonical(encoded) == canonical(again.public_bytes())


OF_OPENSSL: Final = {
    "CN": "2.5.4.3",
    "SN": "2.5.4.4",
    "serialNumber": "2.5.4.5",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "street": "2.5.4.9",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "title": "2.5.4.12",
    "description": "2.5.4.13",
    "businessCategory": "2.5.4.15",
    "postalCode": "2.5.4.17",
    "telephoneNumber": "2.5.4.20",
    "name": "2.5.4.41",
    "GN": "2.5.4.42",
    "initials": "2.5.4.43",
    "generationQualifier": "2.5.4.44",
    "x500UniqueIdentifier": "2.5.4.45",
    "dnQualifier": "2.5.4.46",
    "pseudonym": "2.5.4.65",
    "organizationIdentifier": "2.5.4.97",
    "emailAddress": "1.2.840.113549.1.9.1",
    "unstructuredName": "1.2.840.113549.1.9.2",
    "unstructuredAddress": "1.2.840.113549.1.9.8",
    "UID": "0.9.2342.19200300.100.1.1",
    "DC": "0.9.2342.19200300.100.1.25",
    "jurisdictionL": "1.3.6.1.4.1.311.60.2.1.1",
    "jurisdictionST": "1.3.6.1.4.1.311.60.2.1.2",
    "jurisdictionC": "1.3.6.1.4.1.311.60.2.1.3",
}


def test_what_openssl_prints() -> None:
    """With `-nameopt RFC2253`, every usual attribute by its short name: the text is read as the name it was made of."""
    name = der.seq(*(rdn((der.oid(dotted), string("XY", UTF8))) for dotted in OF_OPENSSL.values()))
    certificate = Authority.root(name).der
    command = ("openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253")
    printed = subprocess.run(command, input=certificate, check=True, capture_output=True, timeout=30).stdout.decode()
    text = printed.removeprefix("subject=").strip()
    assert ",".join(f"{word}=XY" for word in reversed(OF_OPENSSL)) == text
    assert canonical(name) == canonical_of_text(text)


OF_LDAP: Final = {"surname": "2.5.4.4", "givenName": "2.5.4.42", "email": "1.2.840.113549.1.9.1"}
"""Descriptors that IANA has registered (RFC 4520) and OpenSSL does not print."""


@pytest.mark.parametrize(("word", "dotted"), [*OF_OPENSSL.items(), *OF_LDAP.items()])
def test_a_type_by_its_name(word: str, dotted: str) -> None:
    """The keyword is its object identifier, without regard to case."""
    for written in (word, word.lower(), word.upper()):
        assert canonical_of_text(f"{dotted}=XY") == canonical_of_text(f"{written}=XY")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Example CA,O=Example", "cn=EXAMPLE  ca,2.5.4.10=example"),
        ("O=a\\,b", "O=a\\2Cb"),
        ("O=a\\,b", "O=a\\2cb"),
        ("CN=ä", "CN=\\c3\\A4"),
        ("CN=a", "CN=#0c0161"),
        ("CN=a", "CN=#1E020061"),
        ("CN=a+OU=b", "OU=b+CN=a"),
        ("CN=a=b", "CN=a\\=b"),
        ("CN=\\ a\\ ", "CN=a"),
        ("CN=\\#a", "CN=\\23a"),
        ("CN=a#b", "CN=a\\#b"),
        ("emailAddress=a@b.example", "1.2.840.113549.1.9.1=a@b.example"),
        ("serialNumber=1", "2.5.4.5=1"),
        ("CN=", "CN=\\20"),
        ('CN=\\"', "CN=\\22"),
    ],
)
def test_two_texts_of_one_name(one: str, other: str) -> None:
    """RFC 4514 §2.4 and §3, RFC 5280 §7.1."""
    assert canonical_of_text(one) == canonical_of_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=a,O=b", "O=b,CN=a"),
        ("CN=a,OU=b", "CN=a+OU=b"),
        ("CN=a", "OU=a"),
        ("CN=a", "CN=b"),
        ("CN=a\\,O=b", "CN=a,O=b"),
        ("CN=#020101", "CN=\\#020101"),
        ("CN=a", ""),
    ],
)
def test_two_names(one: str, other: str) -> None:
    """Names that are not the same."""
    assert canonical_of_text(one) != canonical_of_text(other)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "=a",
        "CN",
        ",",
        "CN=a,",
        ",CN=a",
        "CN=a,,O=b",
        "CN=a+",
        "CN=a;O=b",
        "CN=a, O=b",
        "CN=a ,O=b",
        "CN = a",
        "CN= a",
        "CN=a ",
        "C = DE, O = Example, CN = a",
        "/C=DE/CN=a",
        'CN="a"',
        "CN=a<b",
        "CN=a>b",
        "CN=a\0b",
        "CN=a\\",
        "CN=a\\x",
        "CN=a\\2",
        "CN=\\ff",
        "CN=\ud800",
        "CN=#",
        "CN=#0",
        "CN=#0c01",
        "CN=#0c0161ff",
        "CN=#0c01ff",
        "CN=#0c0161 ",
        "CN=#0c0161a",
        "XN=a",
        "OID.2.5.4.3=a",
        "2.5.4.03=a",
        "3.5=a",
        "1.40=a",
        "2=a",
        "c\N{LATIN SMALL LETTER DOTLESS I}=a",
        "CN=" + "a" * MAX_TEXT_CHARACTERS,
        ",".join(["CN=a"] * (MAX_ATTRIBUTES + 1)),
    ],
)
def test_what_is_no_name(text: str) -> None:
    """Refused, rather than read as another name than was meant."""
    with pytest.raises(MalformedError):
        canonical_of_text(text)


@pytest.mark.parametrize("text", ["CN=a\\", "CN=a\\x", "CN=a\\2", "CN=a\\2,O=b", "CN=a\\g0"])
def test_an_escape_of_nothing_is_called_that(text: str) -> None:
    """And not a character that should be escaped itself."""
    with pytest.raises(MalformedError, match="a backslash that escapes nothing"):
        canonical_of_text(text)


@pytest.mark.parametrize("text", ["CN = a", "O=a, CN=b", "OID.2.5.4.3=a", "2.5.4.03=a"])
def test_what_is_no_type_is_called_that(text: str) -> None:
    """And not a keyword that is not known here."""
    with pytest.raises(MalformedError, match="no space stands around"):
        canonical_of_text(text)


def test_the_longest_names() -> None:
    """As many attributes as any certificate may have, and a latin-1 name of the longest that is read."""
    canonical_of_text(",".join(["CN=a"] * MAX_ATTRIBUTES))
    longest = der.seq(rdn((CN, string("ä" * 4075, TELETEX))))
    assert canonical(longest) == canonical_of_text(read_name(longest).text)
    escaped = der.seq(rdn((CN, string("," * 4075, IA5))))
    assert canonical(escaped) == canonical_of_text(read_name(escaped).text)


@given(st.text(st.sampled_from('CN=O,+\\# "a2b0c1;<\0ä'), max_size=24))
def test_any_text(text: str) -> None:
    """Read or refused by name, nothing else."""
    with suppress(MalformedError):
        canonical_of_text(text)
