"""UTCTime and GeneralizedTime as RFC 5280 §4.1.2.5 writes them: seconds present, no fraction, always Z."""

from datetime import datetime

from service.core.der import tlv
from service.core.model.malformed import MalformedError

CENTURY_PIVOT = 50
"""UTCTime years from 50 belong to 19YY, below to 20YY (RFC 5280 §4.1.2.5.1)."""

_LENGTHS = {tlv.UTC_TIME: len("YYMMDDHHMMSSZ"), tlv.GENERALIZED_TIME: len("YYYYMMDDHHMMSSZ")}


def moment(tag: int, content: bytes) -> datetime:
    """The moment that a Time's content states.

    Raises:
        MalformedError: another tag, another form, or no such date.
    """
    if len(content) != _LENGTHS.get(tag):
        raise MalformedError("a time in a form that RFC 5280 §4.1.2.5 does not know")
    if not content[:-1].isdigit() or content[-1:] != b"Z":
        raise MalformedError("a time that is not digits and Z")
    text = content.decode("ascii")
    if tag == tlv.UTC_TIME:
        text = ("19" if int(text[:2]) >= CENTURY_PIVOT else "20") + text
    if text[8:10] == "24":  # ISO 8601 knows it, and later versions of Python read it
        raise MalformedError("a time that does not exist")
    try:
        return datetime.fromisoformat(f"{text[:8]}T{text[8:]}")
    except ValueError:
        raise MalformedError("a time that does not exist") from None


def read_moment(data: tlv.Buffer, position: int, end: int) -> tuple[datetime, int]:
    """Read one Time.

    Returns:
        The moment and the offset after it.

    Raises:
        MalformedError: it is none.
    """
    tag, start, stop = tlv.read(data, position, end)
    return moment(tag, bytes(data[start:stop])), stop


def is_time(tag: int) -> bool:
    """Whether a tag is one of the two of Time."""
    return tag in (tlv.UTC_TIME, tlv.GENERALIZED_TIME)
