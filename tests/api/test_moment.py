"""Moments: what is written is read again, and the calendar has two ends."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from service.api.moment import read_moment, write_moment, write_optional

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_again(moment: datetime) -> None:
    """To the microsecond, in every year."""
    assert moment == read_moment(write_moment(moment))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS))  # noqa: DTZ001 - bounds without a zone
def test_an_offset_is_taken_away(moment: datetime) -> None:
    """Whatever the zone, it is the same moment, in UTC."""
    read = read_moment(moment.isoformat())
    assert (moment, UTC) == (read, read.tzinfo)


@given(st.text(alphabet="0123456789-+:.TtZz ", max_size=40))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    """Nothing but one exception comes of it."""
    with suppress(PydanticCustomError):
        assert read_moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T00:00:00.5Z", datetime(2026, 1, 1, 0, 0, 0, 500_000, UTC)),
        ("2026-01-01T00:00:00.0000009Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-06-30T23:59:60Z", datetime(2026, 7, 1, tzinfo=UTC)),
        ("2026-07-01T01:59:60.5+02:00", datetime(2026, 7, 1, 0, 0, 0, 500_000, UTC)),
        ("2026-01-01T00:00:00-00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00-23:59", datetime(1, 1, 1, 23, 59, tzinfo=UTC)),
        ("9999-12-31T23:59:59+23:59", datetime(9999, 12, 31, 0, 0, 59, tzinfo=UTC)),
    ],
)
def test_rfc_3339_in_all_its_forms(text: str, expected: datetime) -> None:
    """Fractions of any length, leap seconds, and the offset that says nothing of the place."""
    assert expected == read_moment(text)


@pytest.mark.parametrize(("year", "written"), [(1, "0001-01-01T00:00:00Z"), (9999, "9999-01-01T00:00:00Z")])
def test_a_year_has_four_digits(year: int, written: str) -> None:
    """The first one too."""
    assert written == write_moment(datetime(year, 1, 1, tzinfo=UTC))


def test_no_moment_is_none() -> None:
    """Evidence without nextUpdate has none."""
    assert write_optional(None) is None
