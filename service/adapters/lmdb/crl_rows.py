"""Rows of the hot environment that say which CRLs are held: slots, the index that finds them, watermarks.

The index leads from a signer's key, an issuer's name, and a distribution point or none, to slots. Its keys are digests
of 32 octets: two for CRLs that name no point, three for each point named. A length tells the two apart. A database of
its own leads from the key of somebody who certified signers, and the issuer's name, to the keys of these signers.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import lmdb

from service.adapters.lmdb.hot import Hot
from service.application.crl_fetcher import CrlSigner, key_digest
from service.application.evidence_store import StoreError
from service.core.model.crl import CrlSlot

USUAL_POINTS = 8
"""Up to so many points each is looked for: there is one most often. Some name hundreds: then what is there leads."""

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
    """The four databases."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._slots = hot.database(b"crl-slots")
        self._index = hot.database(b"crl-index", duplicates=True)
        self._signers = hot.database(b"crl-signers", duplicates=True)
        self._watermarks = hot.database(b"crl-watermarks")

    def covering(self, spkis: Iterable[bytes], issuer: bytes, points: Iterable[bytes]) -> list[SlotRow]:
        """The slots of an issuer that name one of the points, and those that name none, each once.

        Args:
            spkis: By which keys they are found.
            issuer: Canonical form of the CRL issuer's name.
            points: Keys of distribution point names.

        Raises:
            StoreError: they cannot be read.
        """
        wanted = [b"", *[sha256(point).digest() for point in points]]
        is_usual = len(wanted) <= USUAL_POINTS
        if not is_usual:
            wanted.sort()
        with self._hot.reading, self._hot.begin() as transaction:
            found: dict[bytes, bytes | None] = {}
            bases = self._bases(transaction, spkis, issuer)
            with transaction.cursor(db=self._index) as cursor:
                for base in bases:
                    for key in [base + digest for digest in wanted] if is_usual else _leap(cursor, base, wanted):
                        if cursor.set_key(key):
                            for slot in cursor.iternext_dup():
                                found[slot] = transaction.get(slot, db=self._slots)
        rows = [SlotRow(slot, row) for slot, row in found.items() if row is not None]
        if len(rows) != len(found):
            raise StoreError(_UNHELD)
        return rows

    def any_of(self, spkis: Iterable[bytes], issuer: bytes, accepts: Callable[[SlotRow], bool]) -> bool:
        """Whether any slot of an issuer is accepted, whatever points it names.

        Args:
            spkis: By which keys slots are found.
            issuer: Canonical form of the CRL issuer's name.
            accepts: Asked about one slot after the other, about each once, until it accepts one.

        Raises:
            StoreError: they cannot be read.
        """
        seen: set[bytes] = set()
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=self._index) as cursor:
            for base in self._bases(transaction, spkis, issuer):
                is_there = cursor.set_range(base)
                while is_there and cursor.key().startswith(base):
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

    def _bases(self, transaction: "lmdb.Transaction", spkis: Iterable[bytes], issuer: bytes) -> set[bytes]:
        """What the keys of the index begin with, by some keys: their own, and those of whom they have certified."""
        name = sha256(issuer).digest()
        bases = {key_digest(spki) + name for spki in spkis}
        with transaction.cursor(db=self._signers) as cursor:
            for base in list(bases):
                if cursor.set_key(base):
                    bases.update(bytes(signer) + name for signer in cursor.iternext_dup())
        return bases

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

    def switch(self, slot: CrlSlot, signer_spki: bytes, row: bytes, watermark: bytes) -> bytes | None:
        """Let a slot hold something else: one transaction, durable when this returns, and another generation.

        Args:
            slot: Which one.
            signer_spki: The key by which it is found; it belongs to the slot.
            row: What it holds, encoded.
            watermark: The newest CRL ever accepted in it, encoded.

        Returns:
            What it held before.

        Raises:
            StoreError: it could not be written; nothing changed.
        """
        base = key_digest(signer_spki) + sha256(slot.issuer).digest()
        digests = [sha256(point).digest() for point in slot.points] or [b""]
        with self._hot.writing, self._hot.begin_writing() as transaction:
            replaced = transaction.replace(slot.key, row, db=self._slots)
            for digest in digests:
                transaction.put(base + digest, slot.key, db=self._index)
            transaction.put(slot.key, watermark, db=self._watermarks)
            self._hot.raise_generation(transaction)
        return replaced

    def signed_by(self, signer: CrlSigner) -> list[SlotRow]:
        """The slots of a signer, whatever points they name.

        Raises:
            StoreError: they cannot be read.
        """
        base = key_digest(signer.spki) + signer.name
        found: dict[bytes, bytes | None] = {}
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=self._index) as cursor:
            is_there = cursor.set_range(base)
            while is_there and cursor.key().startswith(base):
                found[cursor.value()] = transaction.get(cursor.value(), db=self._slots)
                is_there = cursor.next()
        return [SlotRow(slot, row) for slot, row in found.items() if row is not None]

    def rewrite(self, rows: Mapping[bytes, bytes]) -> None:
        """Say something else of some slots that hold what they held: one transaction, and another generation.

        Raises:
            StoreError: it could not be written; nothing changed.
        """
        self._put(rows.items(), self._slots)

    def new_authorities(self, signer: CrlSigner) -> frozenset[bytes]:
        """By which of his authorities the CRLs of a signer are not found yet.

        Raises:
            StoreError: it cannot be read.
        """
        key = key_digest(signer.spki)
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=self._signers) as cursor:
            others = signer.authorities - {key}
            return frozenset(one for one in others if not cursor.set_key_dup(one + signer.name, key))

    def add_authorities(self, signer: CrlSigner, authorities: Iterable[bytes]) -> None:
        """Let the CRLs of a signer be found by some keys: one transaction, and another generation.

        Raises:
            StoreError: it could not be written; nothing changed.
        """
        key = key_digest(signer.spki)
        self._put(((authority + signer.name, key) for authority in authorities), self._signers)

    def put_watermarks(self, watermarks: Mapping[bytes, bytes]) -> None:
        """Replace the watermarks of some slots: one transaction, and another generation.

        Raises:
            StoreError: it could not be written; nothing changed.
        """
        self._put(watermarks.items(), self._watermarks)

    def _put(self, rows: Iterable[tuple[bytes, bytes]], database: "lmdb._Database") -> None:
        """Write rows: one transaction, and another generation."""
        with self._hot.writing, self._hot.begin_writing() as transaction:
            for key, row in rows:
                transaction.put(key, row, db=database)
            self._hot.raise_generation(transaction)


def _leap(cursor: "lmdb.Cursor", base: bytes, wanted: Sequence[bytes]) -> Iterator[bytes]:
    """The keys of the index below one that name a wanted point: from one that is there to the next that is wanted.

    It takes as many steps as the fewer of the two have.
    """
    is_there = cursor.set_range(base)
    while is_there and (key := bytes(cursor.key())).startswith(base):
        place = bisect_left(wanted, key[len(base) :])
        if place < len(wanted) and base + wanted[place] == key:
            yield key
            place += 1
        if place == len(wanted):
            return
        is_there = cursor.set_range(base + wanted[place])
