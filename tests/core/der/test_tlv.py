"""DER, octet by octet: what X.690 §8 and §10 allow, and everything else refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.der import tlv
from service.core.model.malformed import MalformedError
from tests.pki import der

NULL = b"\x05\x00"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x05\x00", (tlv.NULL, 2, 2)),
        (b"\x04\x03abc", (tlv.OCTET_STRING, 2, 5)),
        (b"\x04\x03abcd", (tlv.OCTET_STRING, 2, 5)),
        (b"\x04\x7f" + bytes(0x7F), (tlv.OCTET_STRING, 2, 2 + 0x7F)),
        (b"\x04\x81\x80" + bytes(0x80), (tlv.OCTET_STRING, 3, 3 + 0x80)),
        (b"\x04\x81\xff" + bytes(0xFF), (tlv.OCTET_STRING, 3, 3 + 0xFF)),
        (b"\x04\x82\x01\x00" + bytes(0x100), (tlv.OCTET_STRING, 4, 4 + 0x100)),
        (b"\x04\x83\x01\x00\x00" + bytes(0x10000), (tlv.OCTET_STRING, 5, 5 + 0x10000)),
        (b"\xbe\x00", (tlv.context(30), 2, 2)),
    ],
)
@pytest.mark.parametrize("buffer", [bytes, memoryview])
def test_read(buffer: type[bytes | memoryview], data: bytes, expected: tuple[int, int, int]) -> None:
    """An element is a tag, a length in its only form, and that many octets; more may follow."""
    assert expected == tlv.read(buffer(data), 0, len(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated DER"),
        (b"\x30", "truncated DER"),
        (b"\x04\x03ab", "truncated DER"),
        (b"\x04\x81\x80" + bytes(0x7F), "truncated DER"),
        (b"\x04\x84\xff\xff\xff\xffab", "truncated DER"),
        (b"\x30\x80\x05\x00\x00\x00", "indefinite"),
        (b"\x04\x85\x00\x00\x00\x00\x01a", "too long"),
        (b"\x04\xff" + bytes(0x7F), "too long"),
        (b"\x04\x82\x01", "truncated"),
        (b"\x04\x81\x7f" + bytes(0x7F), "not minimal"),
        (b"\x04\x81\x00", "not minimal"),
        (b"\x04\x82\x00\x80" + bytes(0x80), "not minimal"),
        (b"\x04\x84\x00\x00\x01\x00" + bytes(0x100), "not minimal"),
        (b"\x1f\x81\x01\x00", "several octets"),
        (b"\x1f\x01\x00", "several octets"),
        (b"\xbf\x20\x00" + bytes(0x20), "several octets"),
    ],
)
def test_read_refuses(data: bytes, reason: str) -> None:
    """Indefinite, padded, oversized and truncated lengths are no DER, and neither is a tag of several octets here."""
    with pytest.raises(MalformedError, match=reason):
        tlv.read(data, 0, len(data))


@pytest.mark.parametrize("end", [2, 3, 4])
def test_read_stops_at_the_end_it_is_given(end: int) -> None:
    """An element does not reach beyond the one around it, whatever the buffer holds."""
    data = b"\x04\x03abc"
    with pytest.raises(MalformedError, match="truncated"):
        tlv.read(data, 0, end)
    assert (tlv.OCTET_STRING, 2, 5) == tlv.read(data, 0, 5)


@pytest.mark.parametrize(
    ("number", "constructed", "expected"), [(0, True, 0xA0), (3, True, 0xA3), (2, False, 0x82), (30, False, 0x9E)]
)
def test_context(number: int, constructed: bool, expected: int) -> None:
    """The identifier octet of a context tag is its class, its form and its number."""
    assert expected == tlv.context(number, constructed=constructed)


def test_expect() -> None:
    """An element with the tag that must be there is read, another one refused."""
    assert (2, 2) == tlv.expect(NULL, 0, 2, tlv.NULL)
    with pytest.raises(MalformedError, match="DER tag 0x05 where 0x30 should be"):
        tlv.expect(NULL, 0, 2, tlv.SEQUENCE)


def test_whole() -> None:
    """One element fills the buffer; nothing may follow it."""
    assert (2, 2) == tlv.whole(NULL, tlv.NULL)
    with pytest.raises(MalformedError, match="octets after the end"):
        tlv.whole(NULL + b"\x00", tlv.NULL)
    with pytest.raises(MalformedError, match="DER tag"):
        tlv.whole(NULL, tlv.INTEGER)


def test_children() -> None:
    """Elements stand one behind the other until the space is full."""
    data = b"\x30\x05" + b"\x04\x01a" + NULL
    assert [(tlv.OCTET_STRING, 2, 4, 5), (tlv.NULL, 5, 7, 7)] == tlv.children(data, 2, 7)
    assert [] == tlv.children(data, 7, 7)
    with pytest.raises(MalformedError, match="truncated"):
        tlv.children(data, 2, 6)


@pytest.mark.parametrize("tags", [(), (0xA0,), (0xA0, 0x81, 0xA2), (0x80, 0xA3)])
def test_fields(tags: tuple[int, ...]) -> None:
    """Optional fields come in the order of their tags' numbers, each once."""
    data = b"".join(bytes((tag, 0)) for tag in tags)
    assert tags == tuple(tag for tag, *_ in tlv.fields(data, 0, len(data)))


@pytest.mark.parametrize("tags", [(0xA0, 0xA0), (0x81, 0xA1), (0xA1, 0xA0), (0xA0, 0xA2, 0xA1)])
def test_fields_refuses(tags: tuple[int, ...]) -> None:
    """A field that is repeated, or comes after a later one, leaves two readings open."""
    data = b"".join(bytes((tag, 0)) for tag in tags)
    with pytest.raises(MalformedError, match="repeated or out of order"):
        tlv.fields(data, 0, len(data))


@given(st.integers())
def test_integer_round_trip(value: int) -> None:
    """An integer's octets are those of any DER writer, and give the integer again."""
    octets = tlv.integer_octets(value)
    assert der.content(der.integer(value)) == octets
    assert value == tlv.integer(octets, 0, len(octets))


@given(st.binary(max_size=4) | st.binary(max_size=2).map(b"\x00".__add__) | st.binary(max_size=2).map(b"\xff".__add__))
def test_integer_has_one_encoding(octets: bytes) -> None:
    """Octets are an INTEGER exactly where they are the shortest for their value."""
    if octets and octets == tlv.integer_octets(int.from_bytes(octets, "big", signed=True)):
        assert int.from_bytes(octets, "big", signed=True) == tlv.integer(octets, 0, len(octets))
    else:
        with pytest.raises(MalformedError, match="INTEGER"):
            tlv.integer(octets, 0, len(octets))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "empty"),
        (b"\x00\x00", "minimal"),
        (b"\x00\x7f", "minimal"),
        (b"\xff\xff", "minimal"),
        (b"\xff\x80", "minimal"),
    ],
)
def test_integer_refuses(octets: bytes, reason: str) -> None:
    """No octets, and nine leading bits that are alike, are refused."""
    with pytest.raises(MalformedError, match=reason):
        tlv.integer(octets, 0, len(octets))


def test_boolean() -> None:
    """FF is true and 00 is false."""
    assert tlv.boolean(b"\xff", 0, 1)
    assert not tlv.boolean(b"\x00", 0, 1)


@pytest.mark.parametrize("octets", [b"", b"\x01", b"\xfe", b"\xff\xff", b"\x00\x00"])
def test_boolean_refuses(octets: bytes) -> None:
    """BER's other truths are no DER."""
    with pytest.raises(MalformedError, match="BOOLEAN"):
        tlv.boolean(octets, 0, len(octets))


def test_bit_string() -> None:
    """The octets of a key or a signature are what follows the count of unused bits."""
    assert b"ab" == tlv.bit_string(b"\x00ab", 0, 3)
    assert b"" == tlv.bit_string(b"\x00", 0, 1)
    assert b"ab" == tlv.signature_bits(b"\x00ab", 0, 3)


@pytest.mark.parametrize("octets", [b"", b"\x01\x02", b"\x07\x80", b"\x08a"])
def test_bit_string_of_odd_length(octets: bytes) -> None:
    """Unused bits are no key; in a signature they leave none, so that it verifies under no key."""
    with pytest.raises(MalformedError, match="BIT STRING"):
        tlv.bit_string(octets, 0, len(octets))
    assert b"" == tlv.signature_bits(octets, 0, len(octets))


@given(st.sets(st.integers(0, 63)))
def test_named_bits(positions: set[int]) -> None:
    """Bit n of the string is bit n of the number."""
    octets = der.content(der.named_bits(positions))
    assert sum(1 << position for position in positions) == tlv.named_bits(octets, 0, len(octets))


def test_named_bits_with_trailing_zeros() -> None:
    """Zeros that DER would leave out are common and change nothing."""
    assert 0b1 == tlv.named_bits(b"\x00\x80\x00", 0, 3)
    assert 0 == tlv.named_bits(b"\x00", 0, 1)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "unused bits"),
        (b"\x08\x00", "unused bits"),
        (b"\xff\x00", "unused bits"),
        (b"\x01", "unused bits"),
        (b"\x01\x81", "unused bits"),
        (b"\x07\x40", "unused bits"),
        (b"\x00" + bytes(9), "more bits"),
        (b"\x00" + b"\xff" * 1_000_000, "more bits"),
    ],
)
def test_named_bits_refuses(octets: bytes, reason: str) -> None:
    """A wrong count of unused bits, an unused bit that is set, and bits without end are refused."""
    with pytest.raises(MalformedError, match=reason):
        tlv.named_bits(octets, 0, len(octets))


@given(st.integers(0, 2), st.lists(st.integers(0, 1 << 70), min_size=1, max_size=10), st.integers(0, 39))
def test_object_identifier(first: int, rest: list[int], second: int) -> None:
    """The dotted form is the one that was written, arcs of any size included."""
    arcs = (first, *rest) if first == 2 else (first, second, *rest)
    dotted = ".".join(str(arc) for arc in arcs) + ("" if len(arcs) > 1 else ".5")
    octets = der.content(der.oid(dotted))
    assert dotted == tlv.object_identifier(octets, 0, len(octets))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [(b"\x55\x1d\x13", "2.5.29.19"), (b"\x88\x37", "2.999"), (b"\x27", "0.39"), (b"\x4f", "1.39"), (b"\x50", "2.0")],
)
def test_object_identifier_first_arcs(octets: bytes, expected: str) -> None:
    """The first octets hold two arcs (X.690 §8.19.4)."""
    assert expected == tlv.object_identifier(octets, 0, len(octets))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "empty"),
        (b"\x81", "truncated"),
        (b"\x55\x1d\x93", "truncated"),
        (b"\x80\x55\x1d", "minimal"),
        (b"\x55\x80\x1d", "minimal"),
        (b"\x2a" + bytes(128), "too long"),
    ],
)
def test_object_identifier_refuses(octets: bytes, reason: str) -> None:
    """One identifier has one encoding, and an end."""
    with pytest.raises(MalformedError, match=reason):
        tlv.object_identifier(octets, 0, len(octets))


def test_object_identifier_of_the_greatest_length() -> None:
    """128 octets are still one."""
    assert "1.2" + ".0" * 127 == tlv.object_identifier(b"\x2a" + bytes(127), 0, 128)
