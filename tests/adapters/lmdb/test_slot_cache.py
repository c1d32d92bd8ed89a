"""Slots decoded once."""

import pytest

from service.adapters.lmdb.crl_rows import SlotRow
from service.adapters.lmdb.generation import Generation
from service.adapters.lmdb.record import SlotRecord, encode_slot
from service.adapters.lmdb.slot_cache import SlotCache
from service.application.evidence_store import StoreError
from tests.adapters.lmdb.values import held


def _record(number: int) -> SlotRecord:
    return SlotRecord(held(number), Generation("00" * 16, 0, 8192))


def _row(slot: bytes, number: int) -> SlotRow:
    return SlotRow(slot, encode_slot(_record(number)))


def test_decoded_once() -> None:
    """A row that has not changed is decoded once; of more slots than are kept, the least recently asked one again."""
    cache = SlotCache(2)
    first = {slot: cache.record(_row(slot, int(slot))) for slot in (b"1", b"2")}
    assert first[b"1"] is cache.record(_row(b"1", 1))
    cache.record(_row(b"3", 3))

    assert first[b"1"] is cache.record(_row(b"1", 1))
    assert first[b"2"] is not cache.record(_row(b"2", 2))
    assert first[b"2"] == cache.record(_row(b"2", 2))


def test_changed_row() -> None:
    """A row that has changed means what it says now."""
    cache = SlotCache()
    cache.record(_row(b"1", 1))

    assert _record(2) == cache.record(_row(b"1", 2))


def test_damaged_row_is_not_kept() -> None:
    """A damaged row is an error each time, and does not disturb what comes after it."""
    cache = SlotCache()
    for _ in range(2):
        with pytest.raises(StoreError, match="damaged"):
            cache.record(SlotRow(b"1", b"?"))

    assert _record(2) == cache.record(_row(b"1", 2))
