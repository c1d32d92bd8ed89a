"""Distinguished names and general names, from octets to text."""

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from service.core.der.name import (
    MAX_ATTRIBUTES,
    MAX_GENERAL_NAMES,
    MAX_NAME_OCTETS,
    MAX_USUAL_OCTETS,
    Attribute,
    read_general_names,
    read_name,
    read_rdns,
)
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind
from tests.pki import der

CN = der.oid("2.5.4.3")
PRINTABLE, TELETEX, IA5, UTF8 = 0x13, 0x14, 0x16, 0x0C


def attribute(value: bytes, kind: bytes = CN) -> bytes:
    """An AttributeTypeAndValue."""
    return der.seq(kind, value)


def common_name(value: bytes) -> bytes:
    """A name of one common name."""
    return der.seq(der.set_of(attribute(value)))


def test_empty() -> None:
    """A name without anything in it is one, and says so."""
    name = read_name(der.seq())
    assert ("", True) == (name.text, name.is_empty)
    assert not read_name(common_name(der.utf8_string("a"))).is_empty


def test_keeps_its_octets() -> None:
    """OCSP hashes a name exactly as it stood."""
    encoded = common_name(der.tlv(PRINTABLE, b"a"))
    assert encoded == read_name(encoded).der


def test_last_comes_first() -> None:
    """RFC 4514 §2.1 turns the order round, and joins what stands in one SET by a plus sign."""
    country = der.set_of(attribute(der.tlv(PRINTABLE, b"DE"), der.oid("2.5.4.6")))
    both = der.tlv(0x31, attribute(der.utf8_string("a")) + attribute(der.utf8_string("b"), der.oid("2.5.4.11")))
    assert "CN=a+OU=b,C=DE" == read_name(der.seq(country, both)).text


@pytest.mark.parametrize(
    ("kind", "keyword"),
    [
        ("2.5.4.3", "CN"),
        ("2.5.4.6", "C"),
        ("2.5.4.7", "L"),
        ("2.5.4.8", "ST"),
        ("2.5.4.9", "STREET"),
        ("2.5.4.10", "O"),
        ("2.5.4.11", "OU"),
        ("0.9.2342.19200300.100.1.1", "UID"),
        ("0.9.2342.19200300.100.1.25", "DC"),
        ("2.5.4.5", "2.5.4.5"),
        ("1.2.840.113549.1.9.1", "1.2.840.113549.1.9.1"),
    ],
)
def test_keyword(kind: str, keyword: str) -> None:
    """RFC 4514 §3 names nine attribute types; all others are dotted."""
    encoded = der.seq(der.set_of(attribute(der.utf8_string("x"), der.oid(kind))))
    assert f"{keyword}=x" == read_name(encoded).text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (der.utf8_string("Zoë 花"), "Zoë 花"),
        (der.tlv(0x12, b"12 3"), "12 3"),
        (der.tlv(PRINTABLE, b"a*b@c"), "a*b@c"),
        (der.tlv(TELETEX, b"M\xfcller"), "Müller"),
        (der.tlv(IA5, b"a@b.example"), "a@b.example"),
        (der.tlv(0x1A, b"visible"), "visible"),
        (der.tlv(0x1C, "Zoë".encode("utf-32-be")), "Zoë"),
        (der.tlv(0x1E, "Zoë 😀".encode("utf-16-be")), "Zoë 😀"),
        (der.utf8_string(""), ""),
    ],
)
def test_string_types(value: bytes, expected: str) -> None:
    """Each string type is read in its own encoding."""
    encoded = common_name(value)
    assert f"CN={expected}" == read_name(encoded).text
    assert ((Attribute("2.5.4.3", expected, value),),) == read_rdns(encoded)


@pytest.mark.parametrize("value", [der.bit_string(b"\x05"), der.integer(5), der.seq(der.null()), der.tlv(0x2C, b"")])
def test_no_string(value: bytes) -> None:
    """A value that is no string is written as its encoding in hexadecimal (RFC 4514 §2.4)."""
    encoded = common_name(value)
    assert f"CN=#{value.hex()}" == read_name(encoded).text
    assert ((Attribute("2.5.4.3", None, value),),) == read_rdns(encoded)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ('a,b+c"d\\e<f>g;h', r"a\,b\+c\"d\\e\<f\>g\;h"),
        ("#1", r"\#1"),
        ("a#1", "a#1"),
        (" a", r"\ a"),
        ("a ", r"a\ "),
        (" ", r"\ "),
        ("  ", r"\ \ "),
        ("a b", "a b"),
        ("a\0b", r"a\00b"),
        ("=", "="),
    ],
)
def test_escapes(text: str, escaped: str) -> None:
    """What RFC 4514 §2.4 gives a meaning is escaped where it has none."""
    assert f"CN={escaped}" == read_name(common_name(der.utf8_string(text))).text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_escaped_text_is_read_back(text: str) -> None:
    """Another implementation finds the same value in the text."""
    written = read_name(common_name(der.utf8_string(text))).text
    (found,) = x509.Name.from_rfc4514_string(written)
    assert text == found.value


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (der.set_of(), "DER tag"),
        (der.seq() + b"\x00", "octets after"),
        (b"", "truncated"),
        (der.seq(der.seq(attribute(der.utf8_string("a")))), "SET of at least one"),
        (der.seq(der.set_of()), "SET of at least one"),
        (der.seq(der.set_of(der.set_of(CN, der.utf8_string("a")))), "not a SEQUENCE"),
        (der.seq(der.set_of(der.seq(der.utf8_string("a"), CN))), "DER tag"),
        (der.seq(der.set_of(der.seq(CN))), "truncated"),
        (der.seq(der.set_of(der.seq())), "truncated"),
        (der.seq(der.set_of(der.seq(CN, der.utf8_string("a"), der.utf8_string("b")))), "more than one value"),
        (der.seq(der.set_of(attribute(der.utf8_string("a"), b"\x06\x00"))), "OBJECT IDENTIFIER"),
        (common_name(der.tlv(UTF8, b"\xff")), "not in its encoding"),
        (common_name(der.tlv(UTF8, b"\xed\xa0\x80")), "not in its encoding"),
        (common_name(der.tlv(0x12, b"\x80")), "not in its encoding"),
        (common_name(der.tlv(0x1A, b"\x80")), "not in its encoding"),
        (common_name(der.tlv(0x1C, b"\x00\x11\x00\x00")), "not in its encoding"),
        (common_name(der.tlv(0x1E, b"\xd8\x00")), "not in its encoding"),
        (common_name(der.tlv(0x1E, b"a")), "not in its encoding"),
    ],
)
def test_refuses(encoded: bytes, reason: str) -> None:
    """Other structures, and strings that are not what they say, are refused."""
    with pytest.raises(MalformedError, match=reason):
        read_name(encoded)


@pytest.mark.parametrize("octets", [20, MAX_USUAL_OCTETS, MAX_USUAL_OCTETS + 1, MAX_NAME_OCTETS])
def test_names_are_read_once(octets: int) -> None:
    """What was read is kept, the longest name as well."""
    encoded = name_of(octets)
    assert read_name(encoded) is read_name(bytes(bytearray(encoded)))


def name_of(octets: int) -> bytes:
    """A name of so many octets."""
    around = octets - len(common_name(der.utf8_string("a" * octets)))
    sizes = range(octets + around - 8, octets)
    return next(found for size in sizes if len(found := common_name(der.utf8_string("a" * size))) == octets)


@pytest.mark.parametrize("octets", [MAX_USUAL_OCTETS, MAX_USUAL_OCTETS + 100])
def test_names_of_one_request_are_all_kept(octets: int) -> None:
    """Those of a request of 1 MiB, however long they are: each is compared again and again."""
    names = [
        der.seq(der.set_of(attribute(der.utf8_string(f"{number:03}" + "a" * (octets - 60))))) for number in range(190)
    ]
    first = [read_name(name) for name in names]
    assert all(one is read_name(bytes(bytearray(name))) for one, name in zip(first, names, strict=True))


def test_the_longest_name() -> None:
    """One octet more is refused, by every way of reading it."""
    longest, longer = name_of(MAX_NAME_OCTETS), name_of(MAX_NAME_OCTETS + 1)
    assert longest == read_name(longest).der
    for read in (read_name, read_rdns):
        with pytest.raises(MalformedError, match="more than 16384 octets"):
            read(longer)


def test_the_most_attributes() -> None:
    """One more is refused, whether they are one relative name or as many."""
    short = der.seq(der.oid("1.2"), der.utf8_string(""))
    for most, more in (
        (der.seq(*[der.set_of(short)] * number) for number in (MAX_ATTRIBUTES, MAX_ATTRIBUTES + 1)),
        (der.seq(der.tlv(0x31, short * number)) for number in (MAX_ATTRIBUTES, MAX_ATTRIBUTES + 1)),
    ):
        assert MAX_ATTRIBUTES == sum(map(len, read_rdns(most)))
        assert len(more) < MAX_NAME_OCTETS
        with pytest.raises(MalformedError, match="more than 256 attributes"):
            read_name(more)


DIRECTORY_NAME = common_name(der.utf8_string("a"))


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (der.tlv(0xA0, der.oid("1.2")), GeneralName(GeneralNameKind.OTHER_NAME, der.oid("1.2"))),
        (der.tlv(0x81, b"a@b"), GeneralName(GeneralNameKind.RFC822_NAME, b"a@b")),
        (der.tlv(0x82, b"a.example"), GeneralName(GeneralNameKind.DNS_NAME, b"a.example")),
        (der.tlv(0xA3, b""), GeneralName(GeneralNameKind.X400_ADDRESS, b"")),
        (der.tlv(0xA4, DIRECTORY_NAME), GeneralName(GeneralNameKind.DIRECTORY_NAME, DIRECTORY_NAME)),
        (der.tlv(0xA5, b""), GeneralName(GeneralNameKind.EDI_PARTY_NAME, b"")),
        (der.tlv(0x86, b"http://a/"), GeneralName(GeneralNameKind.URI, b"http://a/")),
        (der.tlv(0x87, b"\x7f\x00\x00\x01"), GeneralName(GeneralNameKind.IP_ADDRESS, b"\x7f\x00\x00\x01")),
        (der.tlv(0x88, b"\x2a"), GeneralName(GeneralNameKind.REGISTERED_ID, b"\x2a")),
    ],
)
def test_general_name(encoded: bytes, expected: GeneralName) -> None:
    """A general name is its form and its content."""
    twice = encoded + encoded
    assert (expected, expected) == read_general_names(twice, 0, len(twice))


def test_the_most_general_names() -> None:
    """One more is refused, and what comes after it not looked at."""
    most = der.tlv(0x82, b"a") * MAX_GENERAL_NAMES
    assert MAX_GENERAL_NAMES == len(read_general_names(most, 0, len(most)))
    for more in (most + der.tlv(0x82, b"a"), most + der.tlv(0x89, b"")):
        with pytest.raises(MalformedError, match="more than 10000 general names"):
            read_general_names(more, 0, len(more))


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (der.tlv(0xA1, b"a@b"), "no known form"),
        (der.tlv(0xA6, b"http://a/"), "no known form"),
        (der.tlv(0x84, DIRECTORY_NAME), "no known form"),
        (der.tlv(0x89, b""), "no known form"),
        (der.utf8_string("a"), "no known form"),
        (der.tlv(0xA4, b"a"), "truncated"),
        (der.tlv(0xA4, DIRECTORY_NAME + b"\x00"), "octets after"),
        (b"\x82\x05a", "truncated"),
    ],
)
def test_general_name_refuses(encoded: bytes, reason: str) -> None:
    """Unknown forms are refused, and so is a directory name that is none."""
    with pytest.raises(MalformedError, match=reason):
        read_general_names(encoded, 0, len(encoded))
