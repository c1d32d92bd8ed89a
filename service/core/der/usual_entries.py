"""Entries of the usual form, many at a time: what nearly every entry of nearly every CRL looks like.

A serial number of at most 21 octets, a UTCTime, and no extensions or a reason code, an invalidity date or both, none of
them critical (RFC 5280 §5.1.2.6, §5.3). One compiled pattern takes them out of the CRL, a tenth of the work of reading
each by itself.

Rules it keeps: an entry is taken here only if `crl_entry` reads it and makes the same of it; whatever is not of this
form, malformed or merely rare, ends the run of usual entries and is left to `crl_entry`, which decides. That a run has
no gaps is seen to by the pattern itself: where no entry begins, it matches all that is left.

What it does not do: refuse anything.
"""

import re
from collections.abc import Mapping
from typing import Final

from service.core.der import tlv
from service.core.der.crl_entry import NO_REASON, UTC_TIME_OCTETS
from service.core.model.crl import CrlRow
from service.core.model.reason import Reason

MAX_USUAL_SERIAL_OCTETS: Final = 21
"""RFC 5280 §4.1.2.2 allows 20; those who fill 20 with random bits forget the sign."""

_LIKELY_SERIAL_OCTETS: Final = (16, 20, 17, 15, 19, 18, 21)
"""Looked for first: 128 and 160 random bits, and what is a little longer or shorter."""

_REASON_OCTETS: Final = 12
_INVALIDITY_OCTETS: Final = 26
_DATE_OCTETS: Final = 2 + UTC_TIME_OCTETS

MAX_USUAL_OCTETS: Final = 4 + MAX_USUAL_SERIAL_OCTETS + _DATE_OCTETS + 2 + _REASON_OCTETS + _INVALIDITY_OCTETS
"""The longest usual entry."""

# What stands between the parentheses of the pattern; `.` is any octet (re.DOTALL).
_EXTENSION_REASON: Final = rb"\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01"
_EXTENSION_INVALIDITY: Final = rb"\x30\x18\x06\x03\x55\x1d\x18\x04\x11.{17}"
_ANY_EXTENSIONS: Final = rb"\x30.\x30"
"""How extensions begin, and no entry does: after its length, that has an INTEGER."""

_DATE: Final = (
    rb"\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
    rb"(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ"
)
"""Every date but 29 February, which a pattern cannot tell."""

_HEADS: Final[Mapping[bytes, bytes]] = {
    b"": bytes((NO_REASON, tlv.UTC_TIME)),
    **{bytes((reason,)): bytes((reason, tlv.UTC_TIME)) for reason in Reason},
}
"""How the record of a row begins (`crl_entry.unpack`), by the octet of the reason code."""


def _octet(value: int) -> bytes:
    return rb"\x%02x" % value


def _serial(length: int) -> bytes:
    """A serial number, its length first, in an entry whose own length is right for what follows.

    The alternatives for the length of the extensions look back at the entry's length and ahead at the extensions'.
    """
    padded = rb"" if length == 1 else rb"(?!\x00[\x00-\x7f]|\xff[\x80-\xff])"
    date, serial = rb".{%d}" % _DATE_OCTETS, rb".{%d}" % length

    def back(extensions: int) -> bytes:
        return rb"(?<=%s\x02%s)" % (_octet(2 + length + _DATE_OCTETS + extensions), _octet(length))

    alternatives = [
        back(2 + inner) + serial + rb"(?=%s\x30%s\x30)" % (date, _octet(inner))
        for inner in (_REASON_OCTETS, _INVALIDITY_OCTETS, _REASON_OCTETS + _INVALIDITY_OCTETS)
    ]
    alternatives.insert(1, back(0) + serial + rb"(?!%s%s)" % (date, _ANY_EXTENSIONS))
    return _octet(length) + padded + rb"(?:" + rb"|".join(alternatives) + rb")"


def _pattern(group: bytes) -> re.Pattern[bytes]:
    """An entry, or else everything that is left.

    Args:
        group: How a part begins that the caller wants: a group of its own, or none.
    """
    others = (length for length in range(1, MAX_USUAL_SERIAL_OCTETS + 1) if length not in _LIKELY_SERIAL_OCTETS)
    serials = rb"|".join(_serial(length) for length in (*_LIKELY_SERIAL_OCTETS, *others))
    reasons = rb"".join(_octet(reason) for reason in Reason)
    both = _REASON_OCTETS + _INVALIDITY_OCTETS
    extensions = (
        rb"\x30(?:"
        rb"[%s%s]"
        % (_octet(_REASON_OCTETS), _octet(both))
        + _EXTENSION_REASON
        + group
        + rb"[%s])" % reasons
        + rb"(?:(?<=%s.{%d})|(?<=%s.{%d})%s)"
        % (_octet(_REASON_OCTETS), _REASON_OCTETS, _octet(both), _REASON_OCTETS, _EXTENSION_INVALIDITY)
        + rb"|%s%s)" % (_octet(_INVALIDITY_OCTETS), _EXTENSION_INVALIDITY)
        + rb"|(?!%s)" % _ANY_EXTENSIONS
    )
    entry = rb"\x30.\x02" + group + serials + rb")\x17\x0d" + group + _DATE + rb")(?:" + extensions + rb")"
    return re.compile(entry + rb"|(.+)", re.DOTALL)


_PARTS: Final = _pattern(rb"(")
_WHOLE: Final = _pattern(rb"(?:")


def take(data: tlv.Buffer, position: int, stop: int) -> tuple[list[CrlRow], int]:
    """The rows of the usual entries that stand one after the other at a position.

    Args:
        data: The CRL.
        position: Where an entry begins.
        stop: No further than this, even if an entry is cut.

    Returns:
        The rows, and the offset after the last of the entries.
    """
    found = _PARTS.findall(data, position, stop)
    left = 0
    if found and found[-1][3]:
        left = len(found.pop()[3])
    return [(serial[1:], _HEADS[reason] + date) for serial, date, reason, _ in found], stop - left


def count(data: tlv.Buffer, position: int, stop: int) -> tuple[int, int]:
    """How many rows `take` would give, and the offset after the last of the entries: half the work."""
    found = _WHOLE.findall(data, position, stop)
    left = len(found[-1]) if found else 0
    return len(found) - bool(left), stop - left
