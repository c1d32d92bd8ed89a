"""Slots decoded once: a row that has not changed means what it meant."""

from collections import OrderedDict

from service.adapters.lmdb.crl_rows import SlotRow
from service.adapters.lmdb.record import SlotRecord, decode_slot

DECODED_SLOTS = 4096
"""Slots kept decoded, some 8 KiB each: twice the partitions of the largest CAs."""


class SlotCache:
    """The decoded rows of this process, least recently used first. Whoever calls holds a lock."""

    def __init__(self, limit: int = DECODED_SLOTS) -> None:
        """Start empty.

        Args:
            limit: Slots kept.
        """
        self._limit = limit
        self._records: OrderedDict[bytes, tuple[bytes, SlotRecord]] = OrderedDict()

    def record(self, row: SlotRow) -> SlotRecord:
        """What a row says.

        Raises:
            StoreError: it is damaged.
        """
        known = self._records.get(row.slot)
        if known is not None and known[0] == row.row:
            self._records.move_to_end(row.slot)
            return known[1]
        record = decode_slot(row.row)
        self._records[row.slot] = (row.row, record)
        self._records.move_to_end(row.slot)
        if len(self._records) > self._limit:
            self._records.popitem(last=False)
        return record
