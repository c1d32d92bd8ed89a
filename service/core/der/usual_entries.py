"""Entries of the usual form, many at a time: what nearly every entry of nearly every CRL looks like.

A serial number, a UTCTime or a GeneralizedTime, and extensions or none (RFC 5280 §5.1.2.6, §5.3), all of it below 256
octets. One compiled pattern takes the entries of a piece of a CRL apart, in a tenth of the time of reading each by
itself; extensions of the same octets are read once. Another pattern is twice as quick with plain entries: no extensions
or a reason code alone, not critical, and a UTCTime.

Rules it keeps: an entry is taken here only if `crl_entry` makes the same of it. The pattern goes by the lengths of the
parts, the length of the entry is held against what it found, and extensions are read by `crl_entry`. Whatever is not
of this form, malformed or merely rare, ends the run of usual entries and is left to `crl_entry`, which decides. That a
run has no gaps is seen to by the pattern itself: where no entry begins, it matches all that is left.

What it does not do: refuse anything but extensions that do not decode.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Final, Generic, TypeVar

from service.core.der import tlv
from service.core.der.crl_entry import (
    MAX_SERIAL_OCTETS,
    NO_REASON,
    UTC_TIME_OCTETS,
    EntryExtensions,
    read_entry_extensions,
)
from service.core.model.crl import CrlRow
from service.core.model.reason import Reason

Found = TypeVar("Found")

Remark = tuple[int, EntryExtensions]
"""The number of an entry in its run, from 0, and what its extensions say that is more than a reason."""

MAX_USUAL_LENGTH: Final = 0xFF
"""Of an entry: one with the name of a certificate's issuer in it has some 150 octets."""

MAX_USUAL_OCTETS: Final = 3 + MAX_USUAL_LENGTH
"""The longest usual entry."""

_DATE_OCTETS: Final = 2 + UTC_TIME_OCTETS
_REASON_OCTETS: Final = 14
_REASONS: Final = rb"[%s]" % rb"".join(rb"\x%02x" % reason for reason in Reason)

_LONG: Final = 0x80
"""The first length that takes two octets (X.690 §8.1.3.5)."""

_LIKELY_SERIALS: Final = (16, 20, 17, 15, 19, 18, 21)
"""128 and 160 random bits, and what is a little longer or shorter."""

_PLAIN_SERIALS: Final = (*_LIKELY_SERIALS, *range(14, 0, -1))
"""RFC 5280 §4.1.2.2 allows 20 octets; those who fill 20 with random bits forget the sign."""

_LIKELY_EXTENSIONS: Final = (10, 13)
"""A reason code, without and with its criticality."""

# What stands between the parentheses of the pattern; `.` is any octet (re.DOTALL).
_ONLY_REASON: Final = rb"\x0c\x30\x0a\x06\x03\x55\x1d\x15.{5}"
"""What is likeliest is looked for by itself: the rest takes twice as long."""

_DECIDING: Final = (b"\x06\x03\x55\x1d\x15", b"\x06\x03\x55\x1d\x1d")
"""The identifiers of reasonCode and certificateIssuer: what is known of another is that it is there."""

_CRITICALITY: Final = (b"\x01\x01\x00", b"\x01\x01\xff")

_DATED_OCTETS: Final = 26
_DATED: Final = b"\x30\x18\x06\x03\x55\x1d\x18\x04\x11"
"""How an invalidity date begins."""

_PADDED: Final = rb"[^\x01](?:\x00[\x00-\x7f]|\xff[\x80-\xff])"
"""A serial number of more octets than it needs (X.690 §8.3.2), after the length of more than one."""

_DAYS: Final = rb"(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
_FOURTH: Final = rb"(?:[02468][048]|[13579][26])"
_UTC_DAY: Final = rb"(?:\d\d" + _DAYS + rb"|" + _FOURTH + rb"0229)"
"""Every fourth year from 1950 to 2049 has a 29 February."""

_LEAP_YEAR: Final = rb"(?:\d\d(?!00)" + _FOURTH + rb"|" + _FOURTH + rb"00)"
_GENERALIZED_DAY: Final = rb"(?!0000)(?:\d{4}" + _DAYS + rb"|" + _LEAP_YEAR + rb"0229)"
_TIME_OF_DAY: Final = rb"(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ"


def _sized(lengths: Sequence[int], likely: Sequence[int] = (), begin: bytes = b"") -> bytes:
    """A length, and that many octets.

    No two of the alternatives match the same: the pattern never goes back to try another.

    Args:
        lengths: Which there may be.
        likely: Which of them are looked for first; the others by sixteens.
        begin: The octet that comes first of them.
    """

    def one(length: int) -> bytes:
        return _length(length) + begin + rb".{%d}" % (length - bool(begin))

    def sixteen(first: int) -> bytes:
        members = [one(length) for length in lengths if length & ~0xF == first and length not in likely]
        return rb"(?=%s)(?:%s)" % (_length(first, first | 0xF), rb"|".join(members))

    firsts = sorted({length & ~0xF for length in lengths})
    return rb"(?:" + rb"|".join([*map(one, likely), *map(sixteen, firsts)]) + rb")"


def _length(first: int, last: int | None = None) -> bytes:
    """A length, or one of some, all of which are of the short form or none (X.690 §8.1.3.4, §8.1.3.5)."""
    long = rb"\x81" if first >= _LONG else rb""
    return long + rb"[\x%02x-\x%02x]" % (first, first if last is None else last)


def _pattern(group: bytes) -> re.Pattern[bytes]:
    """The parts of an entry, or else everything that is left.

    Args:
        group: How a part begins that not every caller wants: a group of its own, or none.
    """
    serial = rb"(?!" + _PADDED + rb")" + _sized(range(1, MAX_SERIAL_OCTETS + 1), _LIKELY_SERIALS)
    day = rb"(?:(?<=\x17\x0d)" + _UTC_DAY + rb"|(?<=\x18\x0f)" + _GENERALIZED_DAY + rb")"
    any_length = rb"(?:" + _length(0, 0x7F) + rb"|" + _length(0x80, 0xFF) + rb")"
    extension = rb"\x30(?=[^\x81]\x06|\x81.\x06)" + _sized(range(2, MAX_USUAL_LENGTH), _LIKELY_EXTENSIONS, rb"\x06")
    deciding = rb"(?=\x30(?:\x81.|[^\x81])\x06\x03\x55\x1d[\x15\x1d])" + extension
    return re.compile(
        rb"\x30(?:\x81(?=[\x80-\xff])|(?=[\x00-\x7f]))(.)"
        rb"(\x02" + group + serial + rb")[\x17\x18][\x0d\x0f]" + group + day + _TIME_OF_DAY + rb")"
        rb"(?:(?=\x30" + any_length + rb"\x30" + any_length + rb"\x06)"
        rb"(\x30(?:" + _ONLY_REASON + rb"|" + any_length + rb"(?:" + deciding + rb")*+))((?:" + extension + rb")*+))?)"
        rb"|(.+)",
        re.DOTALL,
    )


def _plain_pattern(group: bytes) -> re.Pattern[bytes]:
    """A plain entry, whose length follows from that of its serial number, or else everything that is left."""
    heads = []
    for serial in _PLAIN_SERIALS:
        bare = 2 + serial + _DATE_OCTETS
        for length, ahead in ((bare, rb"(?!.{%d}\x30.\x30)"), (bare + _REASON_OCTETS, rb"(?=.{%d}\x30\x0c\x30)")):
            heads.append(rb"\x%02x\x02\x%02x.{%d}" % (length, serial, serial) + ahead % _DATE_OCTETS)
    return re.compile(
        rb"\x30" + group + rb"(?!.." + _PADDED + rb")(?:" + rb"|".join(heads) + rb"))"
        rb"\x17\x0d" + group + _UTC_DAY + _TIME_OF_DAY + rb")"
        rb"(?:\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01" + group + _REASONS + rb")|(?!\x30.\x30))"
        rb"|(.+)",
        re.DOTALL,
    )


_PLAIN_PARTS: Final = _plain_pattern(rb"(")
_PLAIN: Final = _plain_pattern(rb"(?:")
_PARTS: Final = _pattern(rb"(")
_EXTENSIONS: Final = _pattern(rb"(?:")

_PLAIN_HEADS: Final[Mapping[bytes, bytes]] = {
    b"": bytes((NO_REASON, tlv.UTC_TIME)),
    **{bytes((reason,)): bytes((reason, tlv.UTC_TIME)) for reason in Reason},
}
"""How the record of a row begins (`crl_entry.unpack`), by the octet of the reason code."""


@dataclass(frozen=True, slots=True)
class EntryRun(Generic[Found]):
    """Entries that stand one after the other.

    Attributes:
        found: What was asked for of them.
        remarks: What some of them say beside reasons, in their order.
        after: The offset after the last.
    """

    found: Found
    remarks: Sequence[Remark]
    after: int


def plain_rows(data: tlv.Buffer, position: int, stop: int) -> EntryRun[list[CrlRow]] | None:
    """The rows of the plain entries at a position, up to one of another form: the quickest way.

    Args:
        data: The CRL.
        position: Where an entry begins.
        stop: No further than this, even if an entry is cut.

    Returns:
        None where there is none.
    """
    found = _PLAIN_PARTS.findall(data, position, stop)
    left = 0
    if found and found[-1][3]:
        left = len(found.pop()[3])
    if not found:
        return None
    return EntryRun([(head[3:], _PLAIN_HEADS[reason] + date) for head, date, reason, _ in found], (), stop - left)


def plain_count(data: tlv.Buffer, position: int, stop: int) -> EntryRun[int] | None:
    """How many rows `plain_rows` would give: half the work."""
    found = _PLAIN.findall(data, position, stop)
    left = len(found[-1]) if found else 0
    count = len(found) - bool(left)
    return EntryRun(count, (), stop - left) if count else None


def usual_rows(data: tlv.Buffer, position: int, stop: int) -> EntryRun[list[CrlRow]] | None:
    """The rows of the usual entries at a position, up to one of another form; otherwise as `plain_rows`.

    Raises:
        MalformedError: extensions do not decode.
    """
    found = _take(_PARTS, data, position, stop)
    if found is None:
        return None
    said = found.read_extensions()
    utc, generalized = (
        {der: one.head + bytes((tag,)) for der, one in said.items()} for tag in (tlv.UTC_TIME, tlv.GENERALIZED_TIME)
    )
    serials, dates = found.columns
    rows = [
        (serial[1:], (utc if len(date) == UTC_TIME_OCTETS else generalized)[der] + date)
        for serial, date, der in zip(serials, dates, found.extensions, strict=True)
    ]
    return EntryRun(rows, found.remarks(said), found.after)


def usual_count(data: tlv.Buffer, position: int, stop: int) -> EntryRun[int] | None:
    """How many rows `usual_rows` would give, with the same remarks, in less time.

    Raises:
        MalformedError: extensions do not decode.
    """
    found = _take(_EXTENSIONS, data, position, stop)
    if found is None:
        return None
    return EntryRun(len(found.extensions), found.remarks(found.read_extensions()), found.after)


@dataclass(frozen=True, slots=True)
class _Usual:
    """Usual entries that stand one after the other.

    Attributes:
        columns: Serial numbers, each after its length, and dates; nothing where they were not asked for.
        extensions: As they are encoded, but without values at which nobody looks; empty where there are none.
        after: The offset after the last of the entries.
    """

    columns: Sequence[Sequence[bytes]]
    extensions: Sequence[bytes]
    after: int

    def read_extensions(self) -> dict[bytes, EntryExtensions]:
        """What each of the extensions says, the first entry's first."""
        return {der: read_entry_extensions(der) for der in dict.fromkeys(self.extensions)}

    def remarks(self, said: Mapping[bytes, EntryExtensions]) -> Sequence[Remark]:
        """What they say beside reasons."""
        more = {der: one for der, one in said.items() if not one.is_reason}
        return [(number, more[der]) for number, der in enumerate(self.extensions) if der in more] if more else ()


def _take(pattern: re.Pattern[bytes], data: tlv.Buffer, position: int, stop: int) -> _Usual | None:
    found = pattern.findall(data, position, stop)
    after = stop
    if found and (left := found[-1][-1]):
        found.pop()
        after -= len(left)
    if not found:
        return None
    lengths, contents, *columns, _ = zip(*found, strict=True)
    told, actual = list(b"".join(lengths)), list(map(len, contents))
    if told != actual:  # the last entry is cut, or one is malformed
        good = list(map(eq, told, actual)).index(False)
        if good == 0:
            return None
        after = position + sum(map(_whole, told[:good]))
        columns = [column[:good] for column in columns]
    *columns, extensions, others = columns
    if any(others):
        blank = {other: _without_values(other) for other in dict.fromkeys(others)}
        extensions = tuple([one + blank[other] for one, other in zip(extensions, others, strict=True)])
    return _Usual(columns, extensions, after)


def _whole(length: int) -> int:
    """Octets of an entry whose content has so many."""
    return (2 if length < _LONG else 3) + length


def _without_values(extensions: bytes) -> bytes:
    """Extensions as they would be with zeros for values at which nobody looks: those that differ in them say the same.

    Args:
        extensions: One after the other, those whose values decide something among them or not.
    """
    if extensions.startswith(_DATED):
        return extensions[_DATED_OCTETS:] + _DATED + bytes(_DATED_OCTETS - len(_DATED))
    parts: list[bytes] = []
    position = 0
    while position < len(extensions) and (length := extensions[position + 1]) < _LONG:
        after = position + 2 + length
        tag = position + 4 + extensions[position + 3]
        if extensions[tag : tag + 3] in _CRITICALITY:
            tag += 3
        value = tag + 2
        is_value = value <= after and extensions[tag] == tlv.OCTET_STRING and extensions[tag + 1] == after - value
        if is_value and extensions[position + 2 : position + 7] not in _DECIDING:
            parts += extensions[position:value], bytes(after - value)
        else:
            parts.append(extensions[position:after])
        position = after
    return b"".join(parts) + extensions[position:]
