"""Rows of the hot environment that say what is blocked, as JSON, by id.

Rules it keeps: each change is one transaction, durable when it returns, that raises the number of the blocks and the
generation of the decisions with it; a row never changes, it is added or removed; one that is damaged is an error that
names it, and never passed over.
"""

from collections.abc import Mapping
from datetime import UTC

import lmdb

from service.adapters.lmdb.fields import Fields, decode, encode, hexadecimal
from service.adapters.lmdb.hot import Hot
from service.application.blocks import StoredBlocks
from service.application.evidence_store import StoreError
from service.core.model.block import Block, BlockMatch, FingerprintMatch, IssuerSerialMatch, SpkiMatch
from service.core.model.malformed import MalformedError
from service.core.names.rfc4514 import canonical_of_text

_VERSION_KEY = b"blocks-version"

MAX_ID_OCTETS = 64
"""No id is longer; LMDB refuses keys above 511 octets, and empty ones."""


class BlockRows:
    """The database of blocks."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._blocks = hot.database(b"blocks")

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
        return StoredBlocks(version, blocks)

    def find(self, block_id: str) -> Block | None:
        """One block.

        Raises:
            StoreError: it cannot be read, or is damaged.
        """
        key = _key(block_id)
        if key is None:
            return None
        with self._hot.reading, self._hot.begin() as transaction:
            row = transaction.get(key, db=self._blocks)
        return None if row is None else _decode(block_id, row)

    def add(self, block: Block, most: int) -> bool:
        """Hold one more, unless there are so many already.

        Raises:
            StoreError: it could not be written, or its id is taken; nothing changed.
        """
        key = _key(block.id)
        if key is None:
            raise StoreError("a block without a usable id")
        with self._hot.writing, self._hot.begin_writing() as transaction:
            if transaction.stat(self._blocks)["entries"] >= most:
                return False
            if not transaction.put(key, _encode(block), db=self._blocks, overwrite=False):
                raise StoreError(f"there is a block {block.id} already")
            self._changed(transaction)
        return True

    def remove(self, block_id: str) -> bool:
        """Forget one, damaged or not; False where there is none.

        Raises:
            StoreError: it could not be written; nothing changed.
        """
        key = _key(block_id)
        if key is None:
            return False
        with self._hot.writing, self._hot.begin_writing() as transaction:
            if not transaction.delete(key, db=self._blocks):
                return False
            self._changed(transaction)
        return True

    def _changed(self, transaction: "lmdb.Transaction[bytes]") -> None:
        self._hot.raise_number(transaction, _VERSION_KEY)
        self._hot.raise_generation(transaction)


def _key(block_id: str) -> bytes | None:
    """The key of an id; None for what cannot be one."""
    is_usable = block_id.isascii() and 0 < len(block_id) <= MAX_ID_OCTETS
    return block_id.encode() if is_usable else None


def _encode(block: Block) -> bytes:
    return encode(
        {
            **_match(block.match),
            "reason": block.reason,
            "created_at": block.created_at.isoformat(),
            "created_by": block.created_by,
            "until": None if block.until is None else block.until.isoformat(),
        }
    )


def _decode(block_id: str, row: bytes) -> Block:
    try:
        fields = decode(row)
        return Block(
            id=block_id,
            match=_read_match(fields),
            reason=fields.text("reason"),
            created_at=fields.moment("created_at"),
            created_by=fields.text("created_by"),
            until=fields.optional("until", lambda name: fields.moment(name).astimezone(UTC)),
        )
    except (StoreError, MalformedError) as error:
        raise StoreError(f"block {ascii(block_id)[1:-1]} is damaged: {error}") from error


def _match(match: BlockMatch) -> dict[str, object]:
    match match:
        case FingerprintMatch(digest):
            return {"fingerprint": digest.hex()}
        case SpkiMatch(digest):
            return {"spki": digest.hex()}
        case IssuerSerialMatch():
            # The name as text: the form for comparison may be another one in the next version.
            return {"issuer": match.issuer, "serial": hexadecimal(match.serial_number)}


def _read_match(fields: Fields) -> BlockMatch:
    if fields.has("fingerprint"):
        return FingerprintMatch(fields.digest("fingerprint"))
    if fields.has("spki"):
        return SpkiMatch(fields.digest("spki"))
    issuer = fields.text("issuer")
    return IssuerSerialMatch(issuer, canonical_of_text(issuer), fields.number("serial"))
