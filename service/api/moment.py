"""Moments as RFC 3339 writes them."""

import re
from datetime import UTC, datetime, timedelta

from pydantic_core import PydanticCustomError

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)

LEAP_SECOND = 60
"""RFC 3339 §5.7 writes a leap second so, at the end of a day of UTC; it is taken for the next day's first moment."""

MICROSECOND_DIGITS = 6
"""Digits of a fraction that count; further ones are cut off."""


def read_moment(value: object) -> datetime:
    """A moment from its text (RFC 3339 §5.6 `date-time`), in UTC.

    Raises:
        PydanticCustomError: it is no text, names no offset, does not exist, or lies outside the years 1 to 9999.
    """
    found = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("moment", "Input should be an RFC 3339 date-time with an offset or Z")
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    fraction, sign, offset_hours, offset_minutes = found.group(7, 8, 9, 10)
    microsecond = int((fraction or "")[:MICROSECOND_DIGITS].ljust(MICROSECOND_DIGITS, "0"))
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    leap = second == LEAP_SECOND
    try:
        local = datetime(year, month, day, hour, minute, second - leap, microsecond, UTC)
        moment = local + timedelta(seconds=leap) + (offset if sign == "-" else -offset)
    except (ValueError, OverflowError):
        raise _no_moment() from None
    if leap and (moment.hour, moment.minute) != (0, 0):
        raise _no_moment()
    return moment


def _no_moment() -> PydanticCustomError:
    return PydanticCustomError("moment", "Input should be a moment that exists, in the years 1 to 9999")


def write_moment(moment: datetime) -> str:
    """A moment in UTC as text, with a fraction only where there is one."""
    return f"{moment.replace(tzinfo=None).isoformat()}Z"


def write_optional(moment: datetime | None) -> str | None:
    """A moment as text, or None."""
    return None if moment is None else write_moment(moment)
