"""A tiny DER writer, and just enough of a reader to take a structure apart again.

Rules: a function writes what it is told to and judges nothing, so that a test can
write what no well-behaved library would. Wherever a time is expected (`Moment`),
bytes are taken as they are, for times that do not decode.

It does not know tag numbers above 30, indefinite lengths, or text types other
than the two that the builders need.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Final, TypeAlias

Moment: TypeAlias = datetime | bytes
"""An aware datetime, or the raw DER of a time."""

TRUE: Final = b"\x01\x01\xff"
FALSE: Final = b"\x01\x01\x00"

_CONSTRUCTED: Final = 0x20
_CONTEXT: Final = 0x80
_LONG_LENGTH: Final = 0x80
_TAG_NUMBER: Final = 0x1F
_FIRST_GENERALIZED_YEAR: Final = 2050  # RFC 5280 section 4.1.2.5: UTCTime through 2049
_FIRST_UTC_YEAR: Final = 1950


def tlv(tag: int, content: bytes) -> bytes:
    """One element: the identifier octet `tag`, a definite length, the content."""
    size = len(content)
    if size < _LONG_LENGTH:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_LENGTH | len(length))) + length + content


def seq(*items: bytes) -> bytes:
    """A SEQUENCE of encoded items, in the order given."""
    return tlv(0x30, b"".join(items))


def set_of(*items: bytes) -> bytes:
    """A SET OF encoded items, sorted as DER asks for."""
    return tlv(0x31, b"".join(sorted(items)))


def boolean(value: bool) -> bytes:
    """A BOOLEAN."""
    return TRUE if value else FALSE


def _two_complement(value: int) -> bytes:
    magnitude = value if value >= 0 else ~value
    return value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)


def integer(value: int) -> bytes:
    """An INTEGER of any size and sign."""
    return tlv(0x02, _two_complement(value))


def enumerated(value: int) -> bytes:
    """An ENUMERATED."""
    return tlv(0x0A, _two_complement(value))


def bit_string(content: bytes, unused_bits: int = 0) -> bytes:
    """A BIT STRING of whole octets, the last `unused_bits` of which do not count."""
    return tlv(0x03, bytes((unused_bits,)) + content)


def named_bits(positions: Iterable[int]) -> bytes:
    """A BIT STRING of named bits without trailing zeros (X.690 section 11.2.2)."""
    bits = frozenset(positions)
    if not bits:
        return bit_string(b"")
    size = max(bits) // 8 + 1
    value = sum(1 << (size * 8 - 1 - bit) for bit in bits)
    return bit_string(value.to_bytes(size, "big"), 7 - max(bits) % 8)


def octet_string(content: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(0x04, content)


def null() -> bytes:
    """NULL."""
    return tlv(0x05, b"")


@cache
def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER in its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(0x06, b"".join(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(arc: int) -> bytes:
    septets = [arc & 0x7F]
    while arc := arc >> 7:
        septets.append(0x80 | arc & 0x7F)
    return bytes(reversed(septets))


def utf8_string(text: str) -> bytes:
    """A UTF8String."""
    return tlv(0x0C, text.encode())


def ia5_string(text: str) -> bytes:
    """An IA5String; text outside ASCII is written as UTF-8, which makes it a broken one."""
    return tlv(0x16, text.encode())


def utc_time(moment: datetime) -> bytes:
    """A UTCTime to the second, whatever the century."""
    return tlv(0x17, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(moment: datetime) -> bytes:
    """A GeneralizedTime to the second."""
    # strftime does not pad years below 1000 everywhere.
    in_utc = moment.astimezone(UTC)
    return tlv(0x18, f"{in_utc.year:04d}{in_utc:%m%d%H%M%SZ}".encode())


def time(moment: Moment) -> bytes:
    """The Time of certificates and CRLs: UTCTime through 2049, then GeneralizedTime."""
    if isinstance(moment, bytes):
        return moment
    if _FIRST_UTC_YEAR <= moment.astimezone(UTC).year < _FIRST_GENERALIZED_YEAR:
        return utc_time(moment)
    return generalized_time(moment)


def explicit(number: int, encoded: bytes) -> bytes:
    """`[number] EXPLICIT` around an encoded element."""
    return tlv(_CONTEXT | _CONSTRUCTED | number, encoded)


def implicit(number: int, encoded: bytes) -> bytes:
    """`[number] IMPLICIT`: the same element under a context tag."""
    return bytes((_CONTEXT | encoded[0] & _CONSTRUCTED | number,)) + encoded[1:]


def children(encoded: bytes) -> list[bytes]:
    """The encoded elements directly inside a constructed one.

    Raises:
        ValueError: The bytes end too early, or use a form that this reader does not know.
    """
    inside = content(encoded)
    found = []
    while inside:
        start, size = _header(inside)
        found.append(inside[: start + size])
        inside = inside[start + size :]
    return found


def content(encoded: bytes) -> bytes:
    """The content octets of the first element.

    Raises:
        ValueError: The bytes end too early, or use a form that this reader does not know.
    """
    start, size = _header(encoded)
    return encoded[start : start + size]


def _header(encoded: bytes) -> tuple[int, int]:
    if len(encoded) < 2 or encoded[0] & _TAG_NUMBER == _TAG_NUMBER:
        raise ValueError("not a DER element of a low tag number")
    start, size = 2, encoded[1]
    if size & _LONG_LENGTH:
        start += size & 0x7F
        size = int.from_bytes(encoded[2:start], "big")
    if start + size > len(encoded):
        raise ValueError(f"{start + size} octets announced, {len(encoded)} there")
    return start, size
