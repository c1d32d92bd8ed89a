"""The quick way through the entries of a CRL and the thorough one come to the same, whatever the entries are."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.der import tlv
from service.core.der.crl_entry import MAX_SERIAL_OCTETS, EntryExtensions, read_entry
from service.core.der.entry_runs import MAX_WINDOW_OCTETS, count_runs, read_runs
from service.core.der.usual_entries import (
    MAX_USUAL_LENGTH,
    MAX_USUAL_OCTETS,
    EntryRun,
    plain_count,
    plain_rows,
    usual_count,
    usual_rows,
)
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
    remarks = [(number, one) for number, (_, one) in enumerate(found) if one.certificate_issuer or one.unsupported]
    return [row for row, _ in found], len(found), remarks


def quick_summary(data: bytes) -> object:
    """The same by runs, through a view."""
    view = memoryview(data)
    runs, counted = list(read_runs(view, 0, len(view))), list(count_runs(view, 0, len(view)))
    assert [run.after for run in runs] == [run.after for run in counted]
    assert [run.remarks for run in runs] == [run.remarks for run in counted]
    remarks = []
    rows: list[CrlRow] = []
    for run in runs:
        remarks += [(len(rows) + number, one) for number, one in run.remarks]
        rows += run.found
    return rows, sum(run.found for run in counted), remarks


def check(data: bytes) -> None:
    """Both come to the same."""
    assert outcome(thorough_summary, data) == outcome(quick_summary, data)


serials = st.integers(-(1 << 511), (1 << 511) - 1) | st.integers(-(1 << 160), 1 << 160) | st.integers(-300, 300)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001 - made aware by `timezones`
    lambda at: at.replace(microsecond=0)
)
dates = moments.map(der.time) | moments.map(der.generalized_time)

INVALIDITY_DATE = "2.5.29.24"
HOLD = Extension("2.5.29.23", der.oid("1.2.840.10040.2.1"))
DATED = Extension(INVALIDITY_DATE, der.generalized_time(NOW))
COMPROMISED = Extension(oids.REASON_CODE, der.enumerated(1))
usual_extensions = st.lists(
    st.sampled_from(
        [
            COMPROMISED,
            DATED,
            HOLD,
            Extension(oids.REASON_CODE, der.enumerated(1), critical=True),
            Extension(INVALIDITY_DATE, bytes(17)),
            Extension(INVALIDITY_DATE, der.generalized_time(NOW), critical=True),
            Extension(oids.CRL_NUMBER, der.integer(1)),
            # Octets that an invalidity date has as well, where they are none.
            Extension("1.2.3", bytes.fromhex("3018 0603551d18 0411") + bytes(17)),
            Extension("1.2.3", bytes(140)),
            Extension("1.2.4", b"", critical=True),
        ]
    ),
    max_size=4,
    unique_by=lambda one: one.oid,
)
odd_extensions = st.lists(
    st.sampled_from(
        [
            COMPROMISED,
            DATED,
            Extension(INVALIDITY_DATE, bytes(15)),
            Extension(INVALIDITY_DATE, bytes(18)),
            Extension(oids.REASON_CODE, der.enumerated(7)),
            Extension(oids.CERTIFICATE_ISSUER, der.seq(), critical=True),
            Extension("1.2.3", bytes(256)),
        ]
    ),
    max_size=4,
)
issuers = st.sampled_from([None, None, "Other CA", "A", "CN=" + "A" * 64 + ",O=" + "B" * 64])
usual = st.builds(Entry, serials, st.none(), dates, issuers, extensions=usual_extensions)
odd = st.builds(Entry, serials, extensions=odd_extensions)
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


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("date", [REVOKED_AT, der.generalized_time(REVOKED_AT)], ids=["UTCTime", "GeneralizedTime"])
def test_usual_entries_are_taken(reason: Reason | None, date: der.Moment) -> None:
    """Serial numbers of any length, with any reason and either form of date: nothing is left to the thorough reader."""
    bits = [8 * octets - 1 for octets in range(1, MAX_SERIAL_OCTETS + 1)]
    check_taken(*(Entry(serial, reason, date) for n in bits for serial in (-(1 << n), (1 << n) - 1)))


@pytest.mark.parametrize("before", [(), (COMPROMISED,), (HOLD,), (COMPROMISED, HOLD), (Extension("1.2.3", bytes(90)),)])
@pytest.mark.parametrize(
    "after", [(), (Extension("1.2.4", b"4"),), (Extension("1.2.4", b"4"), Extension("1.2.5", b""))]
)
@pytest.mark.parametrize("dated", [(), (DATED,)])
def test_usual_extensions_are_taken(
    before: tuple[Extension, ...], dated: tuple[Extension, ...], after: tuple[Extension, ...]
) -> None:
    """In any order, whether an invalidity date is among them or not."""
    check_taken(*(Entry(serial, extensions=[*before, *dated, *after]) for serial in (1, 2)), Entry(3))


@pytest.mark.parametrize("issuer", ["Other CA", "CN=" + "A" * 64 + ",O=" + "B" * 64])
def test_issuers_are_taken(issuer: str) -> None:
    """An entry that names one is remarked on, and ends no run."""
    named = [Entry(number, "superseded", certificate_issuer=issuer) for number in (2, 3)]
    check_taken(Entry(1), *named, Entry(4))
    data = b"".join(map(Entry.encoded, named))
    (run,) = read_runs(data, 0, len(data))
    assert [0, 1] == [number for number, _ in run.remarks]


def check_taken(*entries: Entry) -> None:
    """They are taken in one piece, for what the thorough reader takes them for."""
    encoded = [entry.encoded() for entry in entries]
    data = b"".join(encoded)
    found, counted = usual_rows(data, 0, len(data)), usual_count(data, 0, len(data))
    assert found is not None
    assert counted is not None
    assert ([row for row, _ in thorough(data)], len(data)) == (found.found, found.after)
    assert (len(entries), found.remarks, len(data)) == (counted.found, counted.remarks, counted.after)
    assert max(map(len, encoded)) <= MAX_USUAL_OCTETS


@pytest.mark.parametrize("find", [plain_rows, usual_rows])
@pytest.mark.parametrize(
    "entry",
    [
        Entry(5),
        Entry(1 << 100, "superseded", der.generalized_time(NOW)),
        Entry(5, "superseded"),
        Entry(5, "superseded", invalidity_date=NOW, extensions=[HOLD]),
        Entry(5, extensions=[Extension("1.2.3", bytes(150))]),
    ],
    ids=["bare", "GeneralizedTime", "reason", "invalidity date", "long"],
)
def test_windows_cut_anywhere(find: Callable[[bytes, int, int], EntryRun[list[CrlRow]] | None], entry: Entry) -> None:
    """Of an entry that goes on behind the window nothing is taken."""
    data = Entry(4).encoded() + entry.encoded() + Entry(6).encoded()
    ends = list(accumulate(len(one) for one in (Entry(4).encoded(), entry.encoded(), Entry(6).encoded())))
    for stop in range(ends[0], len(data)):
        found = find(data, 0, stop)
        assert found is not None
        assert found.after in ends
        assert [row for row, _ in thorough(data[: found.after])] == found.found


@pytest.mark.parametrize("more", [0, 1])
def test_how_long_a_usual_entry_may_be(more: int) -> None:
    """Its content has up to 255 octets."""
    entry = Entry(5, extensions=[Extension("1.2.3", bytes(MAX_USUAL_LENGTH - 31 + more))]).encoded()
    assert MAX_USUAL_OCTETS + 2 * more == len(entry)  # one octet, and one more for the length
    assert (usual_rows(entry, 0, len(entry)) is None) == bool(more)
    check(Entry(4).encoded() + entry + Entry(6).encoded())


@pytest.mark.parametrize(
    "entry",
    [
        Entry(5, extensions=[Extension("1.2.3", bytes(256))]).encoded(),
        der.seq(der.integer(5), der.time(REVOKED_AT), der.seq()),
    ],
    ids=["long", "an empty list of extensions"],
)
def test_others_are_left_alone(entry: bytes) -> None:
    """What is rare ends a run, which goes on after it; it is read all the same."""
    plain = Entry(5).encoded()
    data = plain + entry + plain
    for find in (plain_rows, usual_rows, plain_count, usual_count):
        found = find(data, 0, len(data))
        assert found is not None
        assert len(plain) == found.after
        assert None is find(data, len(plain), len(data))
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
        *(
            pytest.param(
                der.seq(der.integer(5), der.time(REVOKED_AT), der.seq(der.tlv(0x30, b"\x06\xff"[:length]))), id=name
            )
            for length, name in ((1, "no identifier"), (2, "a cut identifier"))
        ),
        pytest.param(
            der.seq(der.integer(5), der.time(REVOKED_AT), der.seq(der.seq(der.oid("1.2.3"), b"\x04\x05"))),
            id="no value",
        ),
        pytest.param(
            der.seq(der.integer(5), der.time(REVOKED_AT), der.seq(der.seq(der.oid("1.2.3"), b"\x04\x01\x05\x05"))),
            id="a value too short",
        ),
        pytest.param(Entry(5, extensions=[DATED, COMPROMISED, COMPROMISED]).encoded(), id="a reason twice"),
        pytest.param(Entry(5, extensions=[COMPROMISED, HOLD, DATED, DATED]).encoded(), id="a date twice"),
        pytest.param(
            Entry(5, invalidity_date=NOW).encoded().replace(b"\x30\x1a\x30", b"\x30\x1b\x30"), id="a longer list"
        ),
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


@pytest.mark.parametrize(
    ("tag", "digits", "leap_years"),
    [(tlv.UTC_TIME, 2, 25), (tlv.GENERALIZED_TIME, 4, 2424)],
    ids=["UTC", "Generalized"],
)
def test_every_29_february(tag: int, digits: int, leap_years: int) -> None:
    """Four divides the years that have one, but no hundred unless four hundred does; there is no year 0."""
    taken = 0
    for year in range(10**digits):
        entry = der.seq(der.integer(5), der.tlv(tag, b"%0*d0229120000Z" % (digits, year)))
        is_taken = usual_rows(entry, 0, len(entry)) is not None
        assert is_taken is (outcome(thorough, entry) is not MalformedError)
        taken += is_taken
    assert leap_years == taken


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
