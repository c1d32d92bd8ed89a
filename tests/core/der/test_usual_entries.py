"""The quick way through the entries of a CRL and the thorough one come to the same, whatever the entries are."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.der import tlv
from service.core.der.crl_entry import EntryExtensions, read_entry
from service.core.der.entry_runs import MAX_WINDOW_OCTETS, count_runs, read_runs
from service.core.der.usual_entries import MAX_USUAL_OCTETS, MAX_USUAL_SERIAL_OCTETS, count, take
from service.core.model.crl import CrlRow
from service.core.model.malformed import MalformedError
from service.core.model.reason import Reason
from tests.pki import NOW, REVOKED_AT, Entry, Extension, der, oids

REASONS = [None, *Reason]


def thorough(data: bytes) -> list[tuple[CrlRow, EntryExtensions]]:
    """Every entry by itself."""
    found, position = [], 0
    while position < len(data):
        row, extensions, position = read_entry(data, position, len(data))
        found.append((row, extensions))
    return found


def outcome(read: Callable[[bytes], object], data: bytes) -> object:
    """What a reader makes of entries, or that it refuses them."""
    try:
        return read(data)
    except MalformedError:
        return MalformedError


def thorough_summary(data: bytes) -> object:
    """The rows, how many they are, and what is said beside reasons."""
    found = thorough(data)
    said = {(one.certificate_issuer, one.unsupported) for _, one in found} - {((), ())}
    return [row for row, _ in found], len(found), said


def quick_summary(data: bytes) -> object:
    """The same by runs, through a view."""
    view = memoryview(data)
    runs, counted = list(read_runs(view, 0, len(view))), list(count_runs(view, 0, len(view)))
    assert [run.after for run in runs] == [run.after for run in counted]
    assert [run.extensions for run in runs] == [run.extensions for run in counted]
    said = {
        (run.extensions.certificate_issuer, run.extensions.unsupported) for run in runs if run.extensions is not None
    }
    return [row for run in runs for row in run.found], sum(run.found for run in counted), said - {((), ())}


def check(data: bytes) -> None:
    """Both come to the same."""
    assert outcome(thorough_summary, data) == outcome(quick_summary, data)


serials = st.integers(-(1 << 175), 1 << 175) | st.integers(-300, 300)
moments = st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001 - made aware by `timezones`
    lambda at: at.replace(microsecond=0)
)
dates = moments.map(der.time) | moments.map(der.generalized_time)
odd_extensions = st.sampled_from(
    [
        [Extension(oids.REASON_CODE, der.enumerated(1), critical=True)],
        [Extension(oids.CRL_NUMBER, der.integer(1))],
        [Extension("1.2.3", b"", critical=True)],
        [Extension("2.5.29.24", der.generalized_time(NOW)), Extension(oids.REASON_CODE, der.enumerated(1))],
        [Extension("2.5.29.24", bytes(17))],
        [Extension("2.5.29.24", bytes(15))],
        [Extension(oids.REASON_CODE, der.enumerated(7))],
    ]
)
usual = st.builds(Entry, serials, st.sampled_from(REASONS), invalidity_date=st.none() | moments, date=dates)
odd = st.builds(Entry, serials, extensions=odd_extensions) | st.builds(
    Entry, serials, certificate_issuer=st.sampled_from(["Other CA", "A"])
)
lists = st.lists((usual | odd).map(Entry.encoded), max_size=12)


@given(lists)
def test_whatever_is_listed(entries: list[bytes]) -> None:
    """Usual entries and others, mixed."""
    check(b"".join(entries))


@given(st.data())
def test_whatever_becomes_of_it(data: st.DataObject) -> None:
    """One octet is another, one is left out, or one is there twice."""
    octets = b"".join(data.draw(st.lists(usual.map(Entry.encoded), min_size=1, max_size=4)))
    at = data.draw(st.integers(0, len(octets) - 1))
    # What is most likely to be taken for something else: tags and lengths, and what differs from them by one.
    other = bytes((data.draw(st.integers(0, 255) | st.sampled_from(sorted({*octets, *(one ^ 1 for one in octets)}))),))
    check(octets[:at] + other + octets[at + 1 :])
    check(octets[:at] + octets[at + 1 :])
    check(octets[:at] + other + octets[at:])


@given(st.binary(max_size=80), st.integers(0, 3))
def test_any_octets(octets: bytes, before: int) -> None:
    """What is no entry at all, after some that are."""
    check(Entry(5, "superseded").encoded() * before + octets)


@pytest.mark.parametrize("octets", range(1, MAX_USUAL_SERIAL_OCTETS + 1))
@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("invalidity", [None, NOW])
def test_usual_entries_are_taken(octets: int, reason: Reason | None, invalidity: datetime | None) -> None:
    """Serial numbers of 1 to 21 octets, with all usual extensions: nothing is left to the thorough reader."""
    smallest, largest = -(1 << 8 * octets - 1), (1 << 8 * octets - 1) - 1
    data = b"".join(Entry(one, reason, invalidity_date=invalidity).encoded() for one in (smallest, largest) * 2)
    rows, after = take(data, 0, len(data))
    assert ([row for row, _ in thorough(data)], len(data)) == (rows, after)
    assert (4, len(data)) == count(data, 0, len(data))
    assert len(data) <= 4 * MAX_USUAL_OCTETS


@pytest.mark.parametrize(
    "entry",
    [
        Entry(1 << 167),
        Entry(5, date=der.generalized_time(REVOKED_AT)),
        Entry(5, date=der.time(datetime(2024, 2, 29, tzinfo=UTC))),
        Entry(5, extensions=[Extension(oids.REASON_CODE, der.enumerated(1), critical=True)]),
        Entry(5, certificate_issuer="Other CA"),
    ],
    ids=["22 octets", "GeneralizedTime", "29 February", "critical", "certificateIssuer"],
)
def test_others_are_left_alone(entry: Entry) -> None:
    """What is rare ends a run, which goes on after it; it is read all the same."""
    plain = Entry(5).encoded()
    data = plain + entry.encoded() + plain
    assert (1, len(plain)) == count(data, 0, len(data))
    assert (take(plain, 0, len(plain))[0], len(plain)) == take(data, 0, len(data))
    check(data)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(Entry(5).encoded() + b"\x30\x0c\x30" + bytes(11), id="extensions outside"),
        pytest.param(Entry(5).encoded() + Entry(5, "superseded").encoded()[20:], id="a reason outside"),
        pytest.param(b"\x30\x20" + Entry(5).encoded()[2:] + b"\x30\x0c\x30" + bytes(11), id="other extensions"),
        pytest.param(Entry(5).encoded()[:-1] + b"z", id="a small z"),
        pytest.param(b"\x30\x13" + Entry(5).encoded()[2:], id="too long"),
        pytest.param(b"\x30\x11" + Entry(5).encoded()[2:], id="too short"),
        pytest.param(b"\x30\x81\x12" + Entry(5).encoded()[2:], id="a long length"),
        pytest.param(Entry(0x5005).encoded().replace(b"\x50\x05", b"\x00\x05"), id="padded"),
        pytest.param(Entry(-0x5005).encoded().replace(tlv.integer_octets(-0x5005), b"\xff\x85"), id="padded below 0"),
    ],
)
def test_malformed_entries_are_not_taken(octets: bytes) -> None:
    """A run ends before what the thorough reader refuses, wherever that stands."""
    good = Entry(4).encoded()
    assert outcome(thorough, octets) is MalformedError
    for data in (octets, good + octets, good + octets + good):
        assert outcome(quick_summary, data) is MalformedError


def test_every_date() -> None:
    """Months have their days; the pattern knows no other."""
    head = Entry(5).encoded()[:-13]
    for month in range(14):
        for day in range(33):
            check(head + b"26%02d%02d120000Z" % (month, day))
    for hour, minute, second in ((23, 59, 59), (24, 0, 0), (12, 60, 0), (12, 0, 60), (0, 0, 0)):
        check(head + b"260101%02d%02d%02dZ" % (hour, minute, second))


@pytest.mark.parametrize(("every", "number_of"), [(1, 4_000), (2, 4_000), (3, 4_000), (50, 4_000), (10_000, 12_000)])
def test_more_than_a_window(every: int, number_of: int) -> None:
    """Windows cut entries anywhere, grow and shrink: no entry is lost or told twice."""
    entries = [
        Entry(
            number + 1,
            "superseded" if number % 3 else None,
            date=REVOKED_AT if number % every else der.generalized_time(NOW),
        )
        for number in range(number_of)
    ]
    data = b"".join(entry.encoded() for entry in entries)
    assert len(data) > MAX_WINDOW_OCTETS
    check(data)
    ends = [run.after for run in read_runs(data, 0, len(data))]
    assert len(data) == ends[-1]
    assert all(one < other <= one + MAX_WINDOW_OCTETS for one, other in pairwise(ends))
