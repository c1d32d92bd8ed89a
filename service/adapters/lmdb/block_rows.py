"""Rows of the hot environment that say what is blocked, and what is not any more, as JSON, by id.

Rules it keeps: each change is one transaction, durable when it returns, that raises the number of the blocks and the
generation of the decisions with it; a row never changes, it is added or removed, and a tombstone takes its place; one
that is damaged is an error that names it, and never passed over. There is never a block and a tombstone of one id.
"""

from collections.abc import Iterable, Mapping

import lmdb

from service.adapters.lmdb.hot import Hot
from service.application.block_bringing import MAX_TOMBSTONES, BlockRoom, Brought
from service.application.block_text import BlockTextError, read_block, read_tombstone, write_block, write_tombstone
from service.application.blocks import StoredBlocks
from service.application.evidence_store import StoreError
from service.core.model.block import Block, Tombstone

_VERSION_KEY = b"blocks-version"

_READ_KEY = b"blocks-read"
"""Of which fleet the list of blocks was read once."""

MAX_ID_OCTETS = 64
"""No id is longer; LMDB refuses keys above 511 octets, and empty ones."""


class BlockRows:
    """The databases of blocks and of tombstones."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._blocks = hot.database(b"blocks")
        self._tombstones = hot.database(b"block-tombstones")

    def version(self) -> int:
        """The number of what is held.

        Raises:
            StoreError: it cannot be read.
        """
        return self._hot.number(_VERSION_KEY)

    def count(self) -> int:
        """How many are held, damaged ones included.

        Raises:
            StoreError: they cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction:
            return int(transaction.stat(self._blocks)["entries"])

    def is_within(self, room: BlockRoom) -> bool:
        """Whether what is held is no more than so much.

        Raises:
            StoreError: it cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction:
            entries, octets = self._size(transaction)
        return entries <= room.most and octets <= room.octets

    def read(self, known: Mapping[str, Block]) -> StoredBlocks:
        """Everything held, in the order of the ids, and the number that belongs to it.

        Args:
            known: Blocks that need not be read again.

        Raises:
            StoreError: they cannot be read, or one is damaged.
        """
        blocks: dict[str, Block] = {}
        with self._hot.reading, self._hot.begin() as transaction:
            version = self._hot.number_in(transaction, _VERSION_KEY)
            with transaction.cursor(db=self._blocks) as cursor:
                for key, row in cursor:
                    block_id = key.decode("ascii", "replace")
                    blocks[block_id] = known.get(block_id) or _decode(block_id, row)
            entries = transaction.stat(self._blocks)["entries"]
        if len(blocks) != entries:
            raise StoreError(f"the blocks of the store are damaged: {len(blocks)} of {entries} can be found")
        return StoredBlocks(version, blocks)

    def find(self, block_id: str) -> Block | None:
        """One block.

        Raises:
            StoreError: it cannot be read, or is damaged.
        """
        row = self._row(block_id, self._blocks)
        return None if row is None else _decode(block_id, row)

    def add(self, block: Block, most: int) -> bool:
        """Hold one more, unless there are so many already.

        Raises:
            StoreError: it could not be written, or its id is taken; nothing changed.
        """
        key = _usable(block.id)
        with self._hot.writing, self._hot.begin_writing() as transaction:
            if transaction.stat(self._blocks)["entries"] >= most:
                return False
            if transaction.get(key, db=self._tombstones) is not None:
                raise StoreError(f"there was a block {block.id} already")
            if not transaction.put(key, write_block(block), db=self._blocks, overwrite=False):
                raise StoreError(f"there is a block {block.id} already")
            self._changed(transaction)
        return True

    def remove(self, tombstone: Tombstone) -> bool:
        """Hold a tombstone in the place of a block, damaged or not; False where there is no block.

        Raises:
            StoreError: it could not be written; nothing changed.
        """
        key = _key(tombstone.block_id)
        if key is None:
            return False
        with self._hot.writing, self._hot.begin_writing() as transaction:
            if not transaction.delete(key, db=self._blocks):
                return False
            self._bury(transaction, key, tombstone)
            self._changed(transaction)
        return True

    def block_ids(self) -> frozenset[str]:
        """Of every block, damaged or not.

        Raises:
            StoreError: they cannot be read.
        """
        return self._ids(self._blocks)

    def tombstone_ids(self) -> frozenset[str]:
        """Of every tombstone, damaged or not.

        Raises:
            StoreError: they cannot be read.
        """
        return self._ids(self._tombstones)

    def find_tombstone(self, block_id: str) -> Tombstone | None:
        """One tombstone.

        Raises:
            StoreError: it cannot be read, or is damaged.
        """
        row = self._row(block_id, self._tombstones)
        try:
            return None if row is None else read_tombstone(block_id, row)
        except BlockTextError as error:
            raise StoreError(f"the tombstone of block {block_id} is damaged: {error}") from error

    def bring(self, blocks: Iterable[Block], tombstones: Iterable[Tombstone], room: BlockRoom) -> Brought:
        """Hold what others have, where it is not held; see `SharedBlockStore`.

        Raises:
            StoreError: it could not be written, or an id is none; nothing changed.
        """
        added: list[Block] = []
        removed: list[Tombstone] = []
        no_room = 0
        with self._hot.writing, self._hot.begin_writing() as transaction:
            for tombstone in tombstones:
                key = _usable(tombstone.block_id)
                if transaction.delete(key, db=self._blocks):
                    removed.append(tombstone)
                self._bury(transaction, key, tombstone)
            for block in blocks:
                key = _usable(block.id)
                if transaction.get(key, db=self._tombstones) is not None:
                    continue
                if transaction.get(key, db=self._blocks) is not None:
                    continue
                if self._has_room(transaction, room):
                    transaction.put(key, write_block(block), db=self._blocks)
                    added.append(block)
                else:
                    no_room += 1
            if added or removed:
                self._changed(transaction)
        return Brought(tuple(added), tuple(removed), no_room)

    def list_was_read(self, fleet: str) -> bool:
        """Whether a fleet's list of blocks was read once.

        Raises:
            StoreError: nobody can say.
        """
        return self._hot.text(_READ_KEY) == fleet.encode()

    def note_list_read(self, fleet: str) -> None:
        """Note that it was, and whose.

        Raises:
            StoreError: it could not be written.
        """
        self._hot.put_text(_READ_KEY, fleet.encode())

    def _row(self, block_id: str, database: "lmdb._Database") -> bytes | None:
        key = _key(block_id)
        if key is None:
            return None
        with self._hot.reading, self._hot.begin() as transaction:
            return transaction.get(key, db=database)

    def _ids(self, database: "lmdb._Database") -> frozenset[str]:
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=database) as cursor:
            return frozenset(key.decode("ascii", "replace") for key in cursor.iternext(values=False))

    def _bury(self, transaction: "lmdb.Transaction[bytes]", key: bytes, tombstone: Tombstone) -> None:
        if not transaction.put(key, write_tombstone(tombstone), db=self._tombstones, overwrite=False):
            return
        with transaction.cursor(db=self._tombstones) as cursor:
            while transaction.stat(self._tombstones)["entries"] > MAX_TOMBSTONES and cursor.first():
                cursor.delete()  # ids sort by time

    def _has_room(self, transaction: "lmdb.Transaction[bytes]", room: BlockRoom) -> bool:
        entries, octets = self._size(transaction)
        return entries < room.most and octets < room.octets

    def _size(self, transaction: "lmdb.Transaction[bytes]") -> tuple[int, int]:
        """How many blocks there are, and how many octets they take."""
        found = transaction.stat(self._blocks)
        pages = found["leaf_pages"] + found["branch_pages"] + found["overflow_pages"]
        return int(found["entries"]), int(pages * found["psize"])

    def _changed(self, transaction: "lmdb.Transaction[bytes]") -> None:
        self._hot.raise_number(transaction, _VERSION_KEY)
        self._hot.raise_generation(transaction)


def _key(block_id: str) -> bytes | None:
    """The key of an id; None for what cannot be one."""
    is_usable = block_id.isascii() and 0 < len(block_id) <= MAX_ID_OCTETS
    return block_id.encode() if is_usable else None


def _usable(block_id: str) -> bytes:
    key = _key(block_id)
    if key is None:
        raise StoreError("a block without a usable id")
    return key


def _decode(block_id: str, row: bytes) -> Block:
    try:
        return read_block(block_id, row)
    except BlockTextError as error:
        raise StoreError(f"block {ascii(block_id)[1:-1]} is damaged: {error}") from error
