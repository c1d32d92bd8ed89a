"""Distinguished names against directoryName bases (RFC 5280 §4.2.1.10, §7.1)."""

from typing import Final, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.names.directory import directory_path, directory_subtree
from service.core.names.preparation import MAX_PREPARED_CHARACTERS
from service.core.names.subtrees import Relation, index_subtrees
from tests.pki import der

INSIDE, OUTSIDE, UNKNOWN = Relation.INSIDE, Relation.OUTSIDE, Relation.UNKNOWN

CN: Final = der.oid("2.5.4.3")
O: Final = der.oid("2.5.4.10")  # noqa: E741 - the keyword of RFC 4514
OU: Final = der.oid("2.5.4.11")
DC: Final = der.oid("0.9.2342.19200300.100.1.25")

Rdn: TypeAlias = list[tuple[bytes, bytes]]


def utf8(text: str) -> bytes:
    """A UTF8String."""
    return der.utf8_string(text)


def printable(text: str) -> bytes:
    """A PrintableString."""
    return der.tlv(0x13, text.encode())


def name(*rdns: Rdn) -> bytes:
    """A name, the uppermost relative name first."""
    return der.seq(*(der.set_of(*(der.seq(*attribute) for attribute in rdn)) for rdn in rdns))


def relation(one: bytes, *bases: bytes) -> Relation:
    """How a name lies to bases."""
    return index_subtrees(map(directory_subtree, bases)).relation(directory_path(one))


US: Final[Rdn] = [(O, utf8("Example"))]
SALES: Final[Rdn] = [(OU, utf8("Sales"))]
ALICE: Final[Rdn] = [(CN, utf8("Alice"))]


@pytest.mark.parametrize(
    ("one", "base", "expected"),
    [
        (name(US), name(US), INSIDE),
        (name(US, SALES, ALICE), name(US), INSIDE),
        (name(US, SALES, ALICE), name(US, SALES), INSIDE),
        (name(US), name(US, SALES), OUTSIDE),
        (name(SALES, US), name(US), OUTSIDE),
        (name(ALICE), name(US), OUTSIDE),
        (name(US, ALICE), name(), INSIDE),
        (name(), name(), INSIDE),
        (name(), name(US), OUTSIDE),
        # §7.1
        (name([(O, printable("EXAMPLE"))], ALICE), name(US), INSIDE),
        (name([(O, utf8("  example "))], ALICE), name(US), INSIDE),
        (name([(O, utf8("Exam\N{SOFT HYPHEN}ple"))], ALICE), name(US), INSIDE),
        (name([(O, utf8("Example Ltd"))], ALICE), name(US), OUTSIDE),
        (name([(OU, utf8("Example"))], ALICE), name(US), OUTSIDE),
        (name([(DC, der.ia5_string("EXAMPLE"))]), name([(DC, der.ia5_string("example"))]), INSIDE),
        # relative names of several values are one step
        (name([(O, utf8("Example")), (OU, utf8("Sales"))]), name([(OU, utf8("sales")), (O, utf8("example"))]), INSIDE),
        (name([(O, utf8("Example")), (OU, utf8("Sales"))]), name(US), OUTSIDE),
        (name(US), name([(O, utf8("Example")), (OU, utf8("Sales"))]), OUTSIDE),
        # values that are no strings are their octets
        (name([(CN, der.bit_string(b"a"))]), name([(CN, der.bit_string(b"a"))]), INSIDE),
        (name([(CN, der.bit_string(b"a"))]), name([(CN, der.bit_string(b"A"))]), OUTSIDE),
    ],
)
def test_relation(one: bytes, base: bytes, expected: Relation) -> None:
    """A base covers the names that begin with its relative names."""
    assert relation(one, base) is expected


LONGEST: Final = "Example".ljust(MAX_PREPARED_CHARACTERS)
LONGER: Final = "Example".ljust(MAX_PREPARED_CHARACTERS + 1)


def test_values_too_long_to_prepare() -> None:
    """Padding hides no name from a constraint."""
    assert relation(name([(O, utf8(LONGEST))]), name(US)) is INSIDE
    assert relation(name([(O, utf8(LONGER))]), name(US)) is UNKNOWN
    assert relation(name(US, [(CN, utf8(LONGER))]), name(US)) is UNKNOWN
    assert relation(name(US), name([(O, utf8(LONGER))])) is UNKNOWN


@pytest.mark.parametrize("text", ["\ufdfa" * 15, "b" + "\N{COMBINING DIAERESIS}" * 31])
def test_values_too_dear_to_prepare(text: str) -> None:
    """Neither do characters that normalizing makes long, and marks in a row."""
    assert relation(name([(O, utf8(text[:-1]))]), name(US)) is OUTSIDE
    assert relation(name([(O, utf8(text))]), name(US)) is UNKNOWN
    assert relation(name(US), name([(O, utf8(text))])) is UNKNOWN


@pytest.mark.parametrize(
    "value",
    [
        der.tlv(0x1B, b"Example"),
        der.tlv(0x19, b"Example"),
        der.tlv(0x2C, utf8("Example")),
        der.seq(),
        der.tlv(0x80, b"a"),
    ],
)
def test_strings_that_nobody_reads(value: bytes) -> None:
    """Neither do string types and encodings that are compared octet by octet for want of better."""
    assert relation(name([(O, value)]), name(US)) is UNKNOWN
    assert relation(name(US), name([(O, value)])) is UNKNOWN


@pytest.mark.parametrize("tag", [0x01, 0x02, 0x03, 0x04, 0x06, 0x0A, 0x17, 0x18])
def test_types_with_one_encoding(tag: int) -> None:
    """What DER writes in one way can be compared, though it is no string."""
    assert relation(name([(O, der.tlv(tag, b"\x00"))]), name(US)) is OUTSIDE


# --- against a naive oracle -------------------------------------------------------------------------------------------

_ATTRIBUTES = st.tuples(st.sampled_from([CN, O]), st.sampled_from(["a", "b"]))
_NAMES = st.lists(st.lists(_ATTRIBUTES, min_size=1, max_size=2, unique=True), max_size=3)
_SPELLINGS = st.sampled_from(
    [utf8, printable, lambda text: utf8(f" {text.upper()} "), lambda text: der.tlv(0x16, text.encode())]
)


@st.composite
def _encoded(draw: st.DrawFn, rdns: list[list[tuple[bytes, str]]]) -> bytes:
    return name(*([(kind, draw(_SPELLINGS)(text)) for kind, text in rdn] for rdn in rdns))


@given(st.data(), _NAMES, st.lists(_NAMES, max_size=3))
def test_names_begin_with_bases(
    data: st.DataObject, one: list[list[tuple[bytes, str]]], bases: list[list[list[tuple[bytes, str]]]]
) -> None:
    """However each value is spelt, in whatever order the values of one relative name stand."""
    sets = [[frozenset(rdn) for rdn in each] for each in (one, *bases)]
    expected = INSIDE if any(sets[0][: len(base)] == base for base in sets[1:]) else OUTSIDE
    assert relation(data.draw(_encoded(one)), *(data.draw(_encoded(base)) for base in bases)) is expected
