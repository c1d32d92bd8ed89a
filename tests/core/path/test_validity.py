"""Validity periods (RFC 5280 §6.1.3 (a)(2))."""

from datetime import datetime, timedelta, timezone
from typing import Final

import pytest

from service.core.model.failure import Expired, NotYetValid
from service.core.path.validity import check_validity
from tests.core.path.chains import failure, read
from tests.pki import NOT_AFTER, NOT_BEFORE, NOW, Authority, days

MICROSECOND: Final = timedelta(microseconds=1)
SECOND: Final = timedelta(seconds=1)

ROOT: Final = Authority.root("Root", not_before=NOT_BEFORE - days(9), not_after=NOT_AFTER + days(9))
SUB: Final = ROOT.subordinate("Sub", not_before=NOT_BEFORE - days(5), not_after=NOT_AFTER + days(5))
LEAF: Final = SUB.issue("leaf")


@pytest.mark.parametrize("at", [NOT_BEFORE, NOT_BEFORE + MICROSECOND, NOW, NOT_AFTER - MICROSECOND, NOT_AFTER])
def test_both_ends_are_inclusive(at: datetime) -> None:
    """A certificate is valid from notBefore through notAfter."""
    assert check_validity(read(LEAF), at) is None


@pytest.mark.parametrize("early", [MICROSECOND, SECOND, days(1)])
def test_not_yet_valid(early: timedelta) -> None:
    """The last microsecond before notBefore is too early: nobody's clock is given a tolerance here."""
    assert NotYetValid(read(LEAF)) == check_validity(read(LEAF), NOT_BEFORE - early)


@pytest.mark.parametrize("late", [MICROSECOND, SECOND, days(1)])
def test_expired(late: timedelta) -> None:
    """The first microsecond after notAfter is too late."""
    assert Expired(read(LEAF)) == check_validity(read(LEAF), NOT_AFTER + late)


def test_a_moment_in_another_time_zone() -> None:
    """The moment counts, however it is written."""
    zone = timezone(timedelta(hours=14))
    assert check_validity(read(LEAF), NOT_AFTER.astimezone(zone)) is None
    assert Expired(read(LEAF)) == check_validity(read(LEAF), (NOT_AFTER + SECOND).astimezone(zone))


def test_a_certificate_without_an_end() -> None:
    """99991231235959Z is later than any moment (RFC 5280 §4.1.2.5)."""
    endless = SUB.issue("leaf", not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=NOW.tzinfo))
    assert check_validity(read(endless), datetime(9999, 12, 31, tzinfo=NOW.tzinfo)) is None


def test_a_period_that_never_was() -> None:
    """A certificate whose end comes before its beginning is never valid."""
    never = SUB.issue("leaf", not_before=NOW + days(1), not_after=NOW - days(1))
    assert NotYetValid(read(never)) == check_validity(read(never), NOW)
    assert Expired(read(never)) == check_validity(read(never), NOW + days(1))


def test_every_certificate_of_a_path_must_be_valid() -> None:
    """Leaf, intermediate and anchor are each held against the moment; the first that fails, from above, is named."""
    assert failure(LEAF, SUB, ROOT) is None
    assert Expired(read(LEAF)) == failure(LEAF, SUB, ROOT, at=NOT_AFTER + days(1))
    assert Expired(read(SUB)) == failure(LEAF, SUB, ROOT, at=NOT_AFTER + days(6))
    assert Expired(read(ROOT)) == failure(LEAF, SUB, ROOT, at=NOT_AFTER + days(10))
    assert NotYetValid(read(LEAF)) == failure(LEAF, SUB, ROOT, at=NOT_BEFORE - days(1))
    assert NotYetValid(read(SUB)) == failure(LEAF, SUB, ROOT, at=NOT_BEFORE - days(6))
    assert NotYetValid(read(ROOT)) == failure(LEAF, SUB, ROOT, at=NOT_BEFORE - days(10))


def test_a_leaf_that_is_an_anchor_must_be_valid() -> None:
    """Being trusted does not outlive notAfter."""
    assert failure(LEAF) is None
    assert Expired(read(LEAF)) == failure(LEAF, at=NOT_AFTER + SECOND)
