"""Which names match (RFC 5280 §7.1)."""

import unicodedata
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.der.name import MAX_ATTRIBUTES, MAX_NAME_OCTETS, read_name
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.names.comparison import canonical, general_name_key, same_name
from service.core.names.preparation import MAX_PREPARED_CHARACTERS
from tests.pki import der

CN, ORGANIZATION, OU = (der.oid(f"2.5.4.{arc}") for arc in (3, 10, 11))
UTF8, NUMERIC, PRINTABLE, TELETEX, IA5, UNIVERSAL, BMP = 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1C, 0x1E


def string(text: str, tag: int = UTF8) -> bytes:
    """A string of any type."""
    encoding = {UNIVERSAL: "utf-32-be", BMP: "utf-16-be", TELETEX: "latin-1"}.get(tag, "utf-8")
    return der.tlv(tag, text.encode(encoding))


def rdn(*attributes: tuple[bytes, bytes]) -> bytes:
    """A relative distinguished name, in the order given."""
    return der.tlv(0x31, b"".join(der.seq(*attribute) for attribute in attributes))


def common_name(text: str, tag: int = UTF8) -> bytes:
    """A name of one common name."""
    return der.seq(rdn((CN, string(text, tag))))


def matches(one: bytes, other: bytes) -> bool:
    """Whether two names match, by every way of asking."""
    matching = same_name(read_name(one), read_name(other))
    assert matching == same_name(read_name(other), read_name(one))
    assert matching == (canonical(one) == canonical(other))
    keys = (general_name_key(GeneralName(GeneralNameKind.DIRECTORY_NAME, name)) for name in (one, other))
    assert matching == (next(keys) == next(keys))
    return matching


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Example CA", "example ca"),
        ("Example CA", "EXAMPLE CA"),
        ("Example CA", "Example   CA"),
        ("Example CA", "  Example CA "),
        ("Example CA", "Example\tCA"),
        ("Example CA", "Example\N{NO-BREAK SPACE}CA"),
        ("Straße", "STRASSE"),
        ("Zoë", "Zoe\N{COMBINING DIAERESIS}"),
        ("Zoë", "ZOE\N{COMBINING DIAERESIS}"),
        ("ﬁne", "fine"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER C}\N{FULLWIDTH LATIN CAPITAL LETTER A}", "ca"),
        ("", "  "),
    ],
)
def test_matching_text(one: str, other: str) -> None:
    """Case, white space and the way a letter is composed make no difference."""
    assert matches(common_name(one), common_name(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Example CA", "Example CA 2"),
        ("Example CA", "ExampleCA"),
        ("Example CA", "Example C"),
        ("Zoë", "Zoe"),
        ("CA", "\N{CYRILLIC CAPITAL LETTER ES}\N{CYRILLIC CAPITAL LETTER A}"),
        ("", "a"),
        ("a,OU=b", "a"),
    ],
)
def test_different_text(one: str, other: str) -> None:
    """Everything else does."""
    assert not matches(common_name(one), common_name(other))


@pytest.mark.parametrize(("one", "other"), list(combinations((UTF8, PRINTABLE, TELETEX, IA5, UNIVERSAL, BMP), 2)))
def test_string_types_match(one: int, other: int) -> None:
    """The same text matches in whatever string type each is encoded."""
    assert matches(common_name("Example CA", one), common_name("example  ca", other))
    assert not matches(common_name("Example CA", one), common_name("Example CB", other))


def test_letters_beyond_ascii_match_across_types() -> None:
    """UTF8String, TeletexString and BMPString mean the same letter."""
    names = [common_name("Zoë", tag) for tag in (UTF8, TELETEX, BMP)]
    assert all(matches(one, other) for one, other in combinations(names, 2))


def _is_no_mark(character: str) -> bool:
    """Whether no space before a character becomes part of it when it is normalized."""
    return not unicodedata.category(unicodedata.normalize("NFKC", character)[0]).startswith("M")


@given(st.text(st.characters(exclude_categories=["Cs"]).filter(_is_no_mark), max_size=20))
def test_matching_is_stable(text: str) -> None:
    """A text matches itself in upper case, folded, decomposed and with more white space."""
    for variant in (text.casefold(), unicodedata.normalize("NFD", text), f" {text.replace(' ', '  ')} "):
        assert matches(common_name(text), common_name(variant))


def test_order_within_a_relative_name_does_not_matter() -> None:
    """A relative distinguished name is a set."""
    one, other = (CN, string("a")), (OU, string("b"))
    assert matches(der.seq(rdn(one, other)), der.seq(rdn(other, one)))
    assert not matches(der.seq(rdn(one, other)), der.seq(rdn(one)))
    assert not matches(der.seq(rdn(one, other)), der.seq(rdn(one, one)))


def test_order_of_relative_names_matters() -> None:
    """A distinguished name is a sequence."""
    one, other = rdn((CN, string("a"))), rdn((OU, string("b")))
    assert not matches(der.seq(one, other), der.seq(other, one))
    assert not matches(der.seq(one, other), der.seq(one))
    assert not matches(der.seq(one, other), der.seq(one, other, other))


def test_one_relative_name_of_two_is_not_two_of_one() -> None:
    """CN=a+OU=b is another name than CN=a,OU=b."""
    one, other = (CN, string("a")), (OU, string("b"))
    assert not matches(der.seq(rdn(one, other)), der.seq(rdn(one), rdn(other)))


def test_types_matter() -> None:
    """The same value of another attribute type is another name."""
    assert not matches(der.seq(rdn((ORGANIZATION, string("a")))), der.seq(rdn((OU, string("a")))))


def test_empty_name() -> None:
    """The empty name matches itself and nothing else."""
    assert matches(der.seq(), der.seq())
    assert not matches(der.seq(), common_name(""))


def test_values_that_are_no_strings_match_octet_by_octet() -> None:
    """Nothing is folded in a BIT STRING, and it matches no text that looks like it."""
    one, other = der.bit_string(b"a"), der.bit_string(b"A")
    assert matches(der.seq(rdn((CN, one))), der.seq(rdn((CN, one))))
    assert not matches(der.seq(rdn((CN, one))), der.seq(rdn((CN, other))))
    assert not matches(der.seq(rdn((CN, one))), common_name(one.decode("latin-1")))


_VALUES = st.sampled_from([
    *map(string, ("", "a", "b", "ab", "text", "2.5.4.3", "aa")),
    *map(der.octet_string, (b"", b"a", b"\0\0\0\1a", b"\0\0\0\7", b"\0\0\0\4text\0\0\0\1a")),
])  # fmt: skip
_ATTRIBUTES = st.tuples(st.sampled_from([CN, ORGANIZATION, OU]), _VALUES)
_NAMES = st.lists(st.lists(_ATTRIBUTES, min_size=1, max_size=3), max_size=3)


@given(_NAMES, _NAMES)
def test_boundaries_cannot_be_imitated(
    one: list[list[tuple[bytes, bytes]]], other: list[list[tuple[bytes, bytes]]]
) -> None:
    """Names match exactly where their parts do: no value reads like the end of one part and the start of the next."""

    def encoded(name: list[list[tuple[bytes, bytes]]]) -> bytes:
        return der.seq(*(rdn(*part) for part in name))

    assert ([sorted(part) for part in one] == [sorted(part) for part in other]) == matches(encoded(one), encoded(other))


@pytest.mark.parametrize("units", [1, 186, 256])
def test_names_are_prepared_once(units: int) -> None:
    """The form of a name is kept, of the longest as well."""
    parts = [rdn((OU, string(f"Unit {number:04}"))) for number in range(units)]
    name = der.seq(*parts)
    assert canonical(name) is canonical(bytes(bytearray(name)))
    assert canonical(name) == canonical(name.replace(b"Unit", b"UNIT"))
    assert not matches(name, der.seq(*parts[1:]))


def test_the_longest_names() -> None:
    """They match as all others do."""
    parts = [rdn((OU, string(f"Unit {number:04}" + "x" * 40))) for number in range(MAX_ATTRIBUTES)]
    name = der.seq(*parts)
    assert 0.9 * MAX_NAME_OCTETS < len(name) <= MAX_NAME_OCTETS
    assert matches(name, name.replace(b"Unit", b"UNIT"))
    assert not matches(name, der.seq(*reversed(parts)))


def test_a_name_that_is_too_long_has_no_form() -> None:
    """As it is not read in the first place."""
    with pytest.raises(MalformedError):
        canonical(common_name("a" * MAX_NAME_OCTETS))


def test_long_values_match_octet_by_octet() -> None:
    """Values longer than any in use are not prepared: what that costs grows with the square of their length."""
    longest, longer = "a" * MAX_PREPARED_CHARACTERS, "a" * (MAX_PREPARED_CHARACTERS + 1)
    assert matches(common_name(longest), common_name(longest.upper()))
    assert matches(common_name(longer), common_name(longer, PRINTABLE))
    assert not matches(common_name(longer), common_name(longer.upper()))


@pytest.mark.parametrize("part", ["\ufdfa" * 100, "\N{COMBINING GREEK YPOGEGRAMMENI}\N{COMBINING TILDE OVERLAY}" * 100])
def test_values_that_are_dear_to_prepare_match_octet_by_octet(part: str) -> None:
    """What normalizing would make long, and marks that it would put in order, are compared as they stand."""
    assert matches(common_name(f"a{part}"), common_name(f"a{part}", BMP))
    assert not matches(common_name(f"a{part}"), common_name(f"A{part}"))


@pytest.mark.parametrize("octets", [b"", b"\x30", der.set_of(), common_name("a") + b"\x00"])
def test_canonical_refuses(octets: bytes) -> None:
    """What is no name has no canonical form."""
    with pytest.raises(MalformedError):
        canonical(octets)


def test_general_names_of_other_forms_match_octet_by_octet() -> None:
    """A URI in capitals is another URI, and a DNS name is no URI."""
    uri = GeneralName(GeneralNameKind.URI, b"http://a/")
    assert general_name_key(uri) == general_name_key(GeneralName(GeneralNameKind.URI, b"http://a/"))
    assert general_name_key(uri) != general_name_key(GeneralName(GeneralNameKind.URI, b"HTTP://A/"))
    assert general_name_key(uri) != general_name_key(GeneralName(GeneralNameKind.DNS_NAME, b"http://a/"))
