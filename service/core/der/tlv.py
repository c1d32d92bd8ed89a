"""Strict DER: definite, minimal lengths (X.690 §10.1), single-octet tags; nothing X.509 uses needs more.

Positions are offsets into one buffer, so that a CRL of any size is read without copies.
"""

import re
from functools import lru_cache
from itertools import pairwise

from service.core.model.malformed import MalformedError

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
ENUMERATED = 0x0A
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

MAX_LENGTH_OCTETS = 4
"""Lengths up to 4 GiB: more than any object here may have."""

MAX_OBJECT_IDENTIFIER_OCTETS = 128
"""OpenSSL and its peers stop at about as many; the longest in use has 20."""

MAX_NAMED_BIT_OCTETS = 8
"""KeyUsage and ReasonFlags have nine bits; the rest is room for what a later RFC names. Reading costs their square."""

_PADDED_ARC = re.compile(rb"(?:\A|[\x00-\x7f])\x80")
"""A leading zero in base 128."""

Buffer = bytes | memoryview


def context(number: int, *, constructed: bool = True) -> int:
    """The identifier octet of a context-specific tag."""
    return 0x80 | (0x20 if constructed else 0) | number


def read(data: Buffer, position: int, end: int) -> tuple[int, int, int]:
    """Read one identifier and length.

    Returns:
        The tag, and the first and one past the last offset of the content.

    Raises:
        MalformedError: it is not DER or does not end before `end`.
    """
    if position + 2 > end:
        raise MalformedError("truncated DER")
    tag = data[position]
    if tag & 0x1F == 0x1F:  # noqa: PLR2004 - all bits of the number (X.690 §8.1.2.4.1)
        raise MalformedError("a DER tag of several octets")
    length = data[position + 1]
    position += 2
    if length >= 0x80:  # noqa: PLR2004 - the long form (X.690 §8.1.3.5)
        octets = length & 0x7F
        if not 0 < octets <= MAX_LENGTH_OCTETS or position + octets > end:
            raise MalformedError("a DER length that is indefinite, too long or truncated")
        length = int.from_bytes(data[position : position + octets], "big")
        position += octets
        if length < 0x80 or length >> (8 * (octets - 1)) == 0:  # noqa: PLR2004 - the short form would do
            raise MalformedError("a DER length that is not minimal")
    stop = position + length
    if stop > end:
        raise MalformedError("truncated DER")
    return tag, position, stop


def expect(data: Buffer, position: int, end: int, tag: int) -> tuple[int, int]:
    """Read one element that must have `tag`.

    Returns:
        The first and one past the last offset of its content.

    Raises:
        MalformedError: it is another one.
    """
    # Most elements are short, and most of the time of reading a certificate is spent here.
    if position + 2 <= end and data[position] == tag and (length := data[position + 1]) < 0x80:  # noqa: PLR2004 - the short form (X.690 §8.1.3.4)
        start = position + 2
        stop = start + length
        if stop <= end:
            return start, stop
    found, start, stop = read(data, position, end)
    if found != tag:
        raise MalformedError(f"DER tag {found:#04x} where {tag:#04x} should be")
    return start, stop


def whole(data: Buffer, tag: int) -> tuple[int, int]:
    """The content of the one element that fills the buffer.

    Raises:
        MalformedError: another tag, or octets after it.
    """
    start, stop = expect(data, 0, len(data), tag)
    if stop != len(data):
        raise MalformedError("octets after the end of the DER")
    return start, stop


def children(data: Buffer, start: int, stop: int) -> list[tuple[int, int, int, int]]:
    """The elements between two offsets: tag, offset of the element, first and one past the last offset of its content.

    Raises:
        MalformedError: they are not DER, or do not fill the space.
    """
    found = []
    position = start
    while position < stop:
        tag, content, after = read(data, position, stop)
        found.append((tag, position, content, after))
        position = after
    return found


def fields(data: Buffer, start: int, stop: int) -> list[tuple[int, int, int, int]]:
    """The optional fields between two offsets, which their context tags tell apart; see `children`.

    Raises:
        MalformedError: they are not DER, or one is repeated or out of order.
    """
    found = children(data, start, stop)
    if any(one & 0x1F >= other & 0x1F for (one, *_), (other, *_) in pairwise(found)):
        raise MalformedError("a field that is repeated or out of order")
    return found


def check_integer(data: Buffer, start: int, stop: int) -> None:
    """Hold an INTEGER's or ENUMERATED's content against X.690 §8.3.2: one value has one encoding.

    Raises:
        MalformedError: it is empty or padded.
    """
    if start == stop:
        raise MalformedError("an empty INTEGER")
    # Nine bits that are all alike are a padded octet.
    if stop - start > 1 and data[start] in (0x00, 0xFF) and (data[start] ^ data[start + 1]) < 0x80:  # noqa: PLR2004 - the sign bit
        raise MalformedError("an INTEGER that is not minimal")


def integer(data: Buffer, start: int, stop: int) -> int:
    """The value of an INTEGER's or ENUMERATED's content.

    Raises:
        MalformedError: it is empty or padded.
    """
    check_integer(data, start, stop)
    return int.from_bytes(data[start:stop], "big", signed=True)


def integer_octets(value: int) -> bytes:
    """The content octets of an INTEGER: what serial numbers are stored and looked up under."""
    return value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, "big", signed=True)


def boolean(data: Buffer, start: int, stop: int) -> bool:
    """The value of a BOOLEAN's content (X.690 §11.1).

    Raises:
        MalformedError: it is neither 00 nor FF.
    """
    octets = bytes(data[start:stop])
    if octets == b"\xff":
        return True
    if octets == b"\x00":
        return False
    raise MalformedError("a BOOLEAN that is neither 00 nor FF")


def bit_string(data: Buffer, start: int, stop: int) -> bytes:
    """The octets of a BIT STRING whose bits fill them: keys, signatures.

    Raises:
        MalformedError: it is empty or has unused bits.
    """
    if start == stop or data[start] != 0:
        raise MalformedError("a BIT STRING that is empty or has unused bits")
    return bytes(data[start + 1 : stop])


def signature_bits(data: Buffer, start: int, stop: int) -> bytes:
    """The octets of a signature's BIT STRING; empty, which verifies under no key, where its bits do not fill them.

    A signature of odd length is a wrong signature of a readable certificate, not an unreadable certificate.
    """
    return bytes(data[start + 1 : stop]) if start < stop and data[start] == 0 else b""


def named_bits(data: Buffer, start: int, stop: int) -> int:
    """A named BIT STRING as a number whose bit n is the string's bit n (X.690 §11.2).

    Raises:
        MalformedError: the count of unused bits is wrong, an unused bit is set, or there are more than
            `MAX_NAMED_BIT_OCTETS`.
    """
    if stop - start > 1 + MAX_NAMED_BIT_OCTETS:
        raise MalformedError("a BIT STRING with more bits than there are names")
    unused = data[start] if start < stop else 8
    octets = bytes(data[start + 1 : stop])
    if unused > 7 or (unused and not octets) or (octets and octets[-1] & ((1 << unused) - 1)):  # noqa: PLR2004 - bits of an octet
        raise MalformedError("a BIT STRING with a wrong count of unused bits")
    return sum(1 << number for number in range(len(octets) * 8) if octets[number // 8] & (0x80 >> number % 8))


def object_identifier(data: Buffer, start: int, stop: int) -> str:
    """An OBJECT IDENTIFIER's content in dotted form (X.690 §8.19).

    Raises:
        MalformedError: it is empty, truncated, padded, or longer than `MAX_OBJECT_IDENTIFIER_OCTETS`.
    """
    return _dotted(bytes(data[start:stop]))


def check_object_identifier(octets: bytes) -> None:
    """Hold an OBJECT IDENTIFIER's content against X.690 §8.19: one identifier has one encoding.

    Raises:
        MalformedError: it is empty, truncated, padded, or longer than `MAX_OBJECT_IDENTIFIER_OCTETS`.
    """
    if len(octets) > MAX_OBJECT_IDENTIFIER_OCTETS:
        raise MalformedError("an OBJECT IDENTIFIER that is too long")
    if not octets or octets[-1] & 0x80:
        raise MalformedError("an OBJECT IDENTIFIER that is empty or truncated")
    if _PADDED_ARC.search(octets):
        raise MalformedError("an OBJECT IDENTIFIER that is not minimal")


@lru_cache(maxsize=1024)
def _dotted(octets: bytes) -> str:
    check_object_identifier(octets)
    arcs: list[int] = []
    arc = 0
    for octet in octets:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(number) for number in (first, arcs[0] - 40 * first, *arcs[1:]))


def encode(tag: int, content: bytes) -> bytes:
    """One element in DER."""
    length = len(content)
    if length < 0x80:  # noqa: PLR2004 - the short form (X.690 §8.1.3.4)
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content
