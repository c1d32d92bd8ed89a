"""Entries of a CRL: each is found by its serial number's octets, and read from its row later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.der import tlv
from service.core.der.crl_entry import (
    MAX_CACHED_OCTETS,
    EntryExtensions,
    read_entry,
    read_reason,
    unpack,
)
from service.core.der.name import read_name
from service.core.model.crl import CrlEntry, CrlRow
from service.core.model.malformed import MalformedError
from service.core.model.reason import Reason
from tests.pki import NOW, REVOKED_AT, Entry, Extension, der, names, oids

SERIAL = der.integer(5)
DATE = der.time(REVOKED_AT)
OTHER_CA = read_name(names.name("Other CA"))
NOBODY = "a certificateIssuer that is not one directory name"


def read(*entries: bytes) -> list[tuple[CrlRow, EntryExtensions]]:
    """The rows and extensions of a list of entries."""
    content = b"".join(entries)
    found, position = [], 0
    while position < len(content):
        row, extensions, position = read_entry(content, position, len(content))
        found.append((row, extensions))
    return found


def only(entry: Entry) -> tuple[CrlEntry, EntryExtensions]:
    """One entry, as it is after a stay in the store."""
    (((_, record), extensions),) = read(entry.encoded())
    return unpack(record), extensions


def test_none() -> None:
    """A list without entries has none."""
    assert [] == read()


@given(st.integers(-(1 << 511), (1 << 511) - 1), st.sampled_from([None, *Reason]))
def test_round_trip(serial: int, reason: Reason | None) -> None:
    """An entry comes back from its row as it stood, negative and long serial numbers included."""
    found, extensions = only(Entry(serial, reason))
    assert CrlEntry(REVOKED_AT, reason) == found
    assert EntryExtensions(reason) == extensions


@given(st.integers(-(1 << 200), 1 << 200))
def test_rows_are_found_by_their_serial(serial: int) -> None:
    """A certificate's serial number leads to the octets that its entry is stored under."""
    (((key, _), _),) = read(Entry(serial).encoded())
    assert tlv.integer_octets(serial) == key


def test_order_and_repetition_are_kept() -> None:
    """Entries come as they stand: nobody promises an order, or that each is there once."""
    serials = [7, 3, 7, -1]
    found = read(*(Entry(serial).encoded() for serial in serials))
    assert serials == [int.from_bytes(key, "big", signed=True) for (key, _), _ in found]


def test_generalized_time() -> None:
    """A date may have either form, and keeps it in its row."""
    found, _ = only(Entry(5, date=der.generalized_time(NOW)))
    assert NOW == found.revoked_at


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (Entry(5, "keyCompromise"), EntryExtensions(Reason.KEY_COMPROMISE)),
        (Entry(5, invalidity_date=NOW), EntryExtensions()),
        (Entry(5, extensions=[Extension("2.5.29.23", b"", critical=True)]), EntryExtensions()),
        (Entry(5, certificate_issuer="Other CA"), EntryExtensions(None, (OTHER_CA,))),
        (Entry(5, extensions=[Extension(oids.CERTIFICATE_ISSUER, der.seq())]), EntryExtensions(None, (), (NOBODY,))),
        (Entry(5, extensions=[Extension("1.2.3", b"")]), EntryExtensions()),
        (
            Entry(5, "superseded", extensions=[Extension("1.2.3", b"", critical=True)]),
            EntryExtensions(Reason.SUPERSEDED, (), ("1.2.3",)),
        ),
        (
            Entry(5, certificate_issuer="Other CA", extensions=[Extension("1.2.3", b"", critical=True)]),
            EntryExtensions(None, (OTHER_CA,), ("1.2.3",)),
        ),
    ],
)
def test_extensions(entry: Entry, expected: EntryExtensions) -> None:
    """Unknown critical extensions, and issuers that are nobody, make the CRL unusable (RFC 5280 §5.3) and are named."""
    assert expected == only(entry)[1]


def test_long_extensions_are_read_each_time() -> None:
    """Extensions above the limit of the cache are read like any other, and not kept."""
    short, long = (Entry(5, "superseded", extensions=[Extension("1.2.3", bytes(n))]) for n in (0, MAX_CACHED_OCTETS))
    assert only(short)[1] is only(short)[1]
    assert only(long)[1] is not only(long)[1]
    assert EntryExtensions(Reason.SUPERSEDED) == only(short)[1] == only(long)[1]
    assert Reason.SUPERSEDED is only(long)[0].reason


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (der.set_of(SERIAL, DATE), "DER tag"),
        (der.seq(), "truncated"),
        (der.seq(DATE), "DER tag"),
        (der.seq(SERIAL), "truncated"),
        (der.seq(b"\x02\x00", DATE), "empty"),
        (der.seq(b"\x02\x02\x00\x05", DATE), "not minimal"),
        (der.seq(b"\x02\x02\xff\x85", DATE), "not minimal"),
        (der.seq(der.integer(1 << 511), DATE), "too long"),
        (der.seq(SERIAL, der.null()), "revocation date"),
        (der.seq(SERIAL, der.seq()), "revocation date"),
        (der.seq(SERIAL, b"\x17\x0d260231000000Z"), "does not exist"),
        (der.seq(SERIAL, b"\x17\x0b2602010000Z"), "form"),
        (der.seq(SERIAL, b"\x18\x1120260101000000.5Z"), "form"),
        (der.seq(SERIAL, DATE, der.null()), "DER tag"),
        (der.seq(SERIAL, DATE, der.seq(), der.null()), "octets after"),
        (der.seq(SERIAL, DATE, der.seq(der.null())), "not a SEQUENCE"),
        (Entry(5, 7).encoded(), "reason code"),
        (Entry(5, 11).encoded(), "reason code"),
        (Entry(5, -1).encoded(), "reason code"),
        (Entry(5, 1 << 64).encoded(), "reason code"),
        (Entry(5, extensions=[Extension(oids.REASON_CODE, der.integer(1))]).encoded(), "DER tag"),
        (Entry(5, extensions=[Extension(oids.REASON_CODE, der.enumerated(1) + b"\x00")]).encoded(), "octets after"),
        (Entry(5, extensions=[Extension(oids.REASON_CODE, b"\x0a\x02\x00\x01")]).encoded(), "not minimal"),
        (Entry(5, "superseded", extensions=[Extension(oids.REASON_CODE, b"")]).encoded(), "twice"),
    ],
)
def test_refuses(entry: bytes, reason: str) -> None:
    """One entry that does not decode spoils the list: what it would have said is not known."""
    good = Entry(4).encoded()
    with pytest.raises(MalformedError, match=reason):
        read(good, entry, good)


def test_refuses_octets_between_entries() -> None:
    """The list is filled by its entries."""
    with pytest.raises(MalformedError, match="truncated"):
        read(Entry(5).encoded(), b"\x30")


@pytest.mark.parametrize("code", range(-1, 12))
def test_reasons(code: int) -> None:
    """Reason 7 was never given out; 0 to 10 are the others (RFC 5280 §5.3.1)."""
    if code in {0, 1, 2, 3, 4, 5, 6, 8, 9, 10}:
        assert code == read_reason(code)
    else:
        with pytest.raises(MalformedError, match="reason code"):
            read_reason(code)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"", "damaged row"),
        (b"\xff", "damaged row"),
        (b"\xff\x17", "form"),
        (b"\x07\x17260101000000Z", "reason code"),
        (b"\xff\x05260101000000Z", "form"),
        (b"\xff\x17260101000000", "form"),
    ],
)
def test_damaged_rows(record: bytes, reason: str) -> None:
    """A row that is not as it was written is refused, whoever damaged it."""
    with pytest.raises(MalformedError, match=reason):
        unpack(record)
