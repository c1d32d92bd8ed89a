"""Times of certificates, CRLs and OCSP answers."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.der import tlv
from service.core.der.moment import is_time, moment, read_moment
from service.core.model.malformed import MalformedError
from tests.pki import der


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (b"000229000000Z", datetime(2000, 2, 29, tzinfo=UTC)),
        (b"991231235959Z", datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_utc_time(content: bytes, expected: datetime) -> None:
    """Two digits of a year mean 1950 to 2049 (RFC 5280 §4.1.2.5.1)."""
    assert expected == moment(tlv.UTC_TIME, content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"20500101000000Z", datetime(2050, 1, 1, tzinfo=UTC)),
        (b"19490101000000Z", datetime(1949, 1, 1, tzinfo=UTC)),
        (b"20260102030405Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (b"00010101000000Z", datetime.min.replace(tzinfo=UTC)),
        (b"99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_generalized_time(content: bytes, expected: datetime) -> None:
    """Four digits of a year mean what they say, before 2050 too: OCSP knows no other form."""
    assert expected == moment(tlv.GENERALIZED_TIME, content)


@given(st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)))
def test_round_trip(at: datetime) -> None:
    """Every second of the calendar is read as it was written, in the form that RFC 5280 gives it."""
    encoded = der.time(at)
    assert (at, len(encoded)) == read_moment(encoded, 0, len(encoded))


@pytest.mark.parametrize(
    ("tag", "content", "reason"),
    [
        (tlv.UTC_TIME, b"", "form"),
        (tlv.UTC_TIME, b"2601010000Z", "form"),
        (tlv.UTC_TIME, b"260101000000", "form"),
        (tlv.UTC_TIME, b"2601010000000", "digits and Z"),
        (tlv.UTC_TIME, b"260101000000z", "digits and Z"),
        (tlv.UTC_TIME, b"26010100000 Z", "digits and Z"),
        (tlv.UTC_TIME, b"-60101000000Z", "digits and Z"),
        (tlv.UTC_TIME, b"2601010000000Z", "form"),
        (tlv.UTC_TIME, b"260101000000+0100", "form"),
        (tlv.UTC_TIME, b"20260101000000Z", "form"),
        (tlv.UTC_TIME, b"260231000000Z", "does not exist"),
        (tlv.UTC_TIME, b"260229000000Z", "does not exist"),
        (tlv.UTC_TIME, b"261301000000Z", "does not exist"),
        (tlv.UTC_TIME, b"260100000000Z", "does not exist"),
        (tlv.UTC_TIME, b"260101240000Z", "does not exist"),
        (tlv.UTC_TIME, b"260101006000Z", "does not exist"),
        (tlv.UTC_TIME, b"260101000060Z", "does not exist"),
        (tlv.GENERALIZED_TIME, b"260101000000Z", "form"),
        (tlv.GENERALIZED_TIME, b"20260101000000.5Z", "form"),
        (tlv.GENERALIZED_TIME, b"202601010000.5Z", "digits and Z"),
        (tlv.GENERALIZED_TIME, b"20260101000000", "form"),
        (tlv.GENERALIZED_TIME, b"20260101000000+0000", "form"),
        (tlv.GENERALIZED_TIME, b"2026010100Z", "form"),
        (tlv.GENERALIZED_TIME, b"00000101000000Z", "does not exist"),
        (tlv.GENERALIZED_TIME, b"20260431000000Z", "does not exist"),
        (tlv.GENERALIZED_TIME, "2026010100000٣Z".encode(), "form"),
        (tlv.GENERALIZED_TIME, "202601010000٣Z".encode(), "digits and Z"),
        (tlv.OCTET_STRING, b"260101000000Z", "form"),
        (tlv.INTEGER, b"20260101000000Z", "form"),
    ],
)
def test_refuses(tag: int, content: bytes, reason: str) -> None:
    """Fractions, offsets, missing seconds, other digits and days that do not exist are refused."""
    with pytest.raises(MalformedError, match=reason):
        moment(tag, content)


def test_read_moment_stops_at_its_end() -> None:
    """A Time does not reach beyond the element around it."""
    encoded = der.utc_time(datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(MalformedError, match="truncated"):
        read_moment(encoded, 0, len(encoded) - 1)


def test_is_time() -> None:
    """Time is UTCTime or GeneralizedTime."""
    assert [tlv.UTC_TIME, tlv.GENERALIZED_TIME] == [tag for tag in range(256) if is_time(tag)]
