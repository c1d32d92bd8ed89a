"""OCSP responses as rows: replaced, swept, bounded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.lmdb.hot import Hot
from service.adapters.lmdb.ocsp_rows import (
    MAX_RESPONSE_OCTETS,
    SWEPT_PER_PUT,
    OcspLimits,
    OcspRows,
    pack,
    unpack,
)
from service.application.cache_counting import EVICTIONS, own_cells
from service.application.evidence_store import HeldOcsp, StoreError
from tests.adapters.lmdb.values import AT, ocsp

HOUR = timedelta(hours=1)
MAP_OCTETS = 1 << 20
LIMITS = OcspLimits(rows=1000, octets=MAP_OCTETS)

moments = st.datetimes(timezones=st.just(UTC))


@pytest.fixture
def hot(tmp_path: Path) -> Iterator[Hot]:
    """A small environment."""
    hot = Hot(tmp_path / "hot", MAP_OCTETS)
    yield hot
    hot.close()


def _key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _present(rows: OcspRows, count: int) -> list[int]:
    return [number for number in range(count) if rows.find(_key(number)) is not None]


@given(st.builds(HeldOcsp, response=st.binary(), source=st.text(), fetched_at=moments, expires_at=moments))
def test_round_trip(held: HeldOcsp) -> None:
    """Everything that is known of a response comes back as it was."""
    assert held == unpack(pack(held))


@pytest.mark.parametrize("row", [b"", b"\x01", b"\x02" + pack(ocsp())[1:], pack(ocsp(response=b""))[:-1]])
def test_damaged_row(hot: Hot, row: bytes) -> None:
    """A damaged row is an error, and writing the response again repairs it."""
    rows = OcspRows(hot, LIMITS)
    database = hot.database(b"ocsp")
    with hot.begin_writing() as transaction:
        transaction.put(_key(1), row, db=database)
    with pytest.raises(StoreError, match="damaged"):
        rows.find(_key(1))

    rows.put(_key(1), ocsp())

    assert ocsp() == rows.find(_key(1))


def test_time_out_of_range() -> None:
    """A time that does not exist is a damaged row, and so is a source that is not text."""
    row = pack(ocsp())

    for damaged in (row[:1] + b"\x7f" + row[2:], row[:21] + b"\xff" + row[22:]):
        with pytest.raises(StoreError, match="damaged"):
            unpack(damaged)


def test_absent(hot: Hot) -> None:
    """A key that holds nothing is None."""
    assert OcspRows(hot, LIMITS).find(_key(1)) is None


def test_expired_is_found(hot: Hot) -> None:
    """Age is not the store's matter: a response that expired before it was fetched is held."""
    rows = OcspRows(hot, LIMITS)

    rows.put(_key(1), ocsp(-HOUR))

    assert ocsp(-HOUR) == rows.find(_key(1))


def test_replaced(hot: Hot) -> None:
    """A key holds one response; the time at which an earlier one would have expired is forgotten."""
    rows = OcspRows(hot, LIMITS)
    rows.put(_key(1), ocsp(HOUR))
    rows.put(_key(1), ocsp(3 * HOUR, response=b"newer"))

    rows.put(_key(2), ocsp(at=AT + 2 * HOUR))

    assert ocsp(3 * HOUR, response=b"newer") == rows.find(_key(1))


def test_what_is_to_stay_stays(hot: Hot) -> None:
    """Who writes is asked about what is held, once, and not where nothing is; when it expires stays too."""
    rows = OcspRows(hot, LIMITS)
    asked: list[bytes] = []

    def supersedes(held: HeldOcsp) -> bool:
        asked.append(held.response)
        return held.response == b"older"

    rows.put(_key(1), ocsp(HOUR, response=b"older"), supersedes)
    rows.put(_key(1), ocsp(4 * HOUR, response=b"newer"), supersedes)
    rows.put(_key(1), ocsp(2 * HOUR, response=b"older"), supersedes)
    rows.put(_key(2), ocsp(5 * HOUR, at=AT + 3 * HOUR))

    assert [b"older", b"newer"] == asked
    assert ocsp(4 * HOUR, response=b"newer") == rows.find(_key(1))


def test_a_damaged_row_never_stays(hot: Hot) -> None:
    """Nobody can say what it was."""
    rows = OcspRows(hot, LIMITS)
    database = hot.database(b"ocsp")
    with hot.begin_writing() as transaction:
        transaction.put(_key(1), b"\x01", db=database)

    rows.put(_key(1), ocsp(), lambda _: False)

    assert ocsp() == rows.find(_key(1))


def test_a_few_expired_ones_go(hot: Hot) -> None:
    """A write takes a few expired responses away, the earliest first, and none that is still good."""
    rows = OcspRows(hot, LIMITS)
    expired = SWEPT_PER_PUT + 3
    for number in range(expired):
        rows.put(_key(number), ocsp(HOUR + number * timedelta(seconds=1)))
    rows.put(_key(expired), ocsp(4 * HOUR))
    later = AT + 3 * HOUR

    rows.put(_key(expired + 1), ocsp(at=later))
    assert list(range(SWEPT_PER_PUT, expired + 2)) == _present(rows, expired + 2)

    rows.put(_key(expired + 1), ocsp(at=later))
    assert [expired, expired + 1] == _present(rows, expired + 2)


def test_expires_at_this_moment(hot: Hot) -> None:
    """A response that expires as another one is fetched has expired."""
    rows = OcspRows(hot, LIMITS)
    rows.put(_key(1), ocsp(HOUR))
    rows.put(_key(2), ocsp(HOUR + timedelta(microseconds=1)))

    rows.put(_key(3), ocsp(at=AT + HOUR))

    assert [2, 3] == _present(rows, 4)


def test_before_the_epoch(hot: Hot) -> None:
    """Times before 1970 sort before those after."""
    rows = OcspRows(hot, LIMITS)
    long_ago = datetime(1960, 1, 1, tzinfo=UTC)
    rows.put(_key(1), ocsp(at=long_ago))
    rows.put(_key(2), ocsp(at=long_ago + HOUR / 2))

    rows.put(_key(3), ocsp(at=long_ago + HOUR))

    assert [2, 3] == _present(rows, 4)


def test_number_is_bounded(hot: Hot) -> None:
    """Above the limit what expires first goes first, but never what was just written."""
    rows = OcspRows(hot, OcspLimits(rows=3, octets=MAP_OCTETS))
    for number, expires_in in enumerate((3 * HOUR, 5 * HOUR, 2 * HOUR, 4 * HOUR)):
        rows.put(_key(number), ocsp(expires_in))
    assert [0, 1, 3] == _present(rows, 4)

    rows.put(_key(4), ocsp(HOUR))

    assert [1, 3, 4] == _present(rows, 5)


def test_room_is_bounded(hot: Hot) -> None:
    """Above their share of the environment responses go, so that the rest stays free for CRLs."""
    rows = OcspRows(hot, OcspLimits(rows=1000, octets=MAP_OCTETS // 2))
    for number in range(100):
        rows.put(_key(number), ocsp(HOUR + number * timedelta(seconds=1), response=bytes(20_000)))

    present = _present(rows, 100)

    assert list(range(100 - len(present), 100)) == present
    assert MAP_OCTETS // 4 < len(present) * 20_000 < MAP_OCTETS // 2


def test_what_goes_is_counted(hot: Hot) -> None:
    """For want of room, and not because its time was over."""
    rows, cells = OcspRows(hot, OcspLimits(rows=3, octets=MAP_OCTETS)), own_cells()
    rows.count_in(cells)
    for number in range(5):
        rows.put(_key(number), ocsp((number + 1) * HOUR))
    assert (2, 3) == (cells[EVICTIONS], rows.room()[0])
    rows.put(_key(9), ocsp(HOUR, at=AT + 8 * HOUR))
    assert (2, 1) == (cells[EVICTIONS], rows.room()[0])


def test_the_room_that_is_taken(hot: Hot) -> None:
    """Whole pages; none where nothing is held."""
    rows = OcspRows(hot, LIMITS)
    assert (0, 0) == rows.room()
    rows.put(_key(1), ocsp())
    held, octets = rows.room()
    assert (1, 0) == (held, octets % 4096)
    assert octets >= 4096


def test_too_large(hot: Hot) -> None:
    """A response beyond the limit is refused; one at the limit is held."""
    rows = OcspRows(hot, LIMITS)
    rows.put(_key(1), ocsp(response=bytes(MAX_RESPONSE_OCTETS)))

    with pytest.raises(StoreError, match=str(MAX_RESPONSE_OCTETS)):
        rows.put(_key(2), ocsp(response=bytes(MAX_RESPONSE_OCTETS + 1)))


def _fill(rows: OcspRows, expires_in: timedelta) -> int:
    for number in range(1000):
        try:
            rows.put(_key(number), ocsp(expires_in, response=bytes(20_000)))
        except StoreError:
            return number
    return 1000


def test_full_of_expired_ones(hot: Hot) -> None:
    """When there is no room, all that has expired goes at once and the response is held."""
    rows = OcspRows(hot, LIMITS)
    count = _fill(rows, HOUR)
    assert count < 1000

    rows.put(_key(count), ocsp(at=AT + 2 * HOUR, response=bytes(200_000)))

    assert [count] == _present(rows, count + 1)


def test_full_of_good_ones(hot: Hot) -> None:
    """When there is no room and nothing has expired, that is an error and what is held stays."""
    rows = OcspRows(hot, LIMITS)
    count = _fill(rows, HOUR)

    with pytest.raises(StoreError, match="MAP_FULL"):
        rows.put(_key(count), ocsp(response=bytes(20_000)))

    assert list(range(count)) == _present(rows, count + 1)
