"""Rows of the hot environment that say which CRLs are held: slots, the index that finds them, watermarks.

The index leads from an issuer, and a distribution point or none, to slots. Its keys are digests: one of 32 octets for
CRLs that name no point, two of them for each point named. A length tells the two apart.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from service.adapters.lmdb.hot import Hot
from service.application.evidence_store import StoreError
from service.core.model.crl import CrlSlot

_UNHELD = "the index of the store names a CRL that it does not hold"


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A slot as it stands in the store.

    Attributes:
        slot: The slot's key.
        row: What it holds, encoded; any change of what is held changes it.
    """

    slot: bytes
    row: bytes = field(repr=False)


class CrlRows:
    """The three databases."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._slots = hot.database(b"crl-slots")
        self._index = hot.database(b"crl-index", duplicates=True)
        self._watermarks = hot.database(b"crl-watermarks")

    def covering(self, issuer: bytes, points: Iterable[bytes]) -> list[SlotRow]:
        """The slots of an issuer that name one of the points, and those that name none, each once.

        Raises:
            StoreError: they cannot be read.
        """
        digest = sha256(issuer).digest()
        with self._hot.reading, self._hot.begin() as transaction:
            found: dict[bytes, bytes | None] = {}
            with transaction.cursor(db=self._index) as cursor:
                for key in (digest, *(_point_key(digest, point) for point in points)):
                    if cursor.set_key(key):
                        for slot in cursor.iternext_dup():
                            found[slot] = transaction.get(slot, db=self._slots)
        rows = [SlotRow(slot, row) for slot, row in found.items() if row is not None]
        if len(rows) != len(found):
            raise StoreError(_UNHELD)
        return rows

    def any_of(self, issuer: bytes, accepts: Callable[[SlotRow], bool]) -> bool:
        """Whether any slot of an issuer is accepted, whatever points it names.

        Args:
            issuer: Canonical form of the CRL issuer's name.
            accepts: Asked about one slot after the other, about each once, until it accepts one.

        Raises:
            StoreError: they cannot be read.
        """
        digest = sha256(issuer).digest()
        seen: set[bytes] = set()
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=self._index) as cursor:
            is_there = cursor.set_range(digest)
            while is_there and cursor.key().startswith(digest):
                slot = cursor.value()
                if slot not in seen:
                    seen.add(slot)
                    row = transaction.get(slot, db=self._slots)
                    if row is None:
                        raise StoreError(_UNHELD)
                    if accepts(SlotRow(slot, row)):
                        return True
                is_there = cursor.next()
        return False

    def all(self) -> list[SlotRow]:
        """Every slot.

        Raises:
            StoreError: they cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=self._slots) as cursor:
            return [SlotRow(slot, row) for slot, row in cursor.iternext()]

    def row(self, slot: bytes) -> bytes | None:
        """What a slot holds, encoded.

        Raises:
            StoreError: it cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction:
            return transaction.get(slot, db=self._slots)

    def watermark(self, slot: bytes) -> bytes | None:
        """A slot's watermark, encoded.

        Raises:
            StoreError: it cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction:
            return transaction.get(slot, db=self._watermarks)

    def switch(self, slot: CrlSlot, row: bytes, watermark: bytes) -> bytes | None:
        """Let a slot hold something else: one transaction, durable when this returns, and another generation.

        Returns:
            What it held before.

        Raises:
            StoreError: it could not be written; nothing changed.
        """
        digest = sha256(slot.issuer).digest()
        keys = [_point_key(digest, point) for point in slot.points] or [digest]
        with self._hot.writing, self._hot.begin_writing() as transaction:
            replaced = transaction.replace(slot.key, row, db=self._slots)
            for key in keys:
                transaction.put(key, slot.key, db=self._index)
            transaction.put(slot.key, watermark, db=self._watermarks)
            self._hot.raise_generation(transaction)
        return replaced

    def put_watermarks(self, watermarks: Mapping[bytes, bytes]) -> None:
        """Replace the watermarks of some slots: one transaction, and another generation.

        Raises:
            StoreError: it could not be written; nothing changed.
        """
        with self._hot.writing, self._hot.begin_writing() as transaction:
            for slot, watermark in watermarks.items():
                transaction.put(slot, watermark, db=self._watermarks)
            self._hot.raise_generation(transaction)


def _point_key(issuer: bytes, point: bytes) -> bytes:
    return issuer + sha256(point).digest()
