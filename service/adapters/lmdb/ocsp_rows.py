"""Rows of the hot environment that hold OCSP responses, and the order in which they expire.

Rules it keeps: each response held takes a few expired ones away; rows are bounded in number and in their share of the
environment, so that a client with many certificates cannot keep a CRL from being switched, and where there is no room
for something else they give way to it: they can be asked for again. What expires first goes first. Whether a response
takes the place of another is decided in the transaction that writes it.

What it does not do: read a response, or judge its age.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import lmdb

from service.adapters.lmdb.hot import Hot
from service.application.cache_counting import EVICTIONS, Cells, own_cells
from service.application.evidence_store import HeldOcsp, StoreError

T = TypeVar("T")

ROW_VERSION = 1

MAX_RESPONSE_OCTETS = 256 * 1024
"""A response with the certificates of a delegated responder has 1 to 5 KiB; what is larger is not worth keeping."""

SWEPT_PER_PUT = 8
"""Expired rows that one write takes away: more than it adds, and still no long transaction."""

SWEPT_WHEN_FULL = 4096
"""Expired rows that go at once when there is no room left."""

GIVING_WAY = 512
"""Responses that give way at once to what there is no room for: half a megabyte at least, in one short transaction."""

GIVING_WAY_TIMES = 8
"""That is tried: pages are put to another use by the transaction after the next, and long rows need adjacent ones."""

_ROW = struct.Struct(">BqqI")
"""Version, fetched at, expires at (microseconds since the epoch), octets of the source that follows."""

_ORDER = struct.Struct(">Q")

_SIGN = 1 << 63
"""Added to a time so that its octets sort as it does."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class OcspLimits:
    """How much room responses may take.

    Attributes:
        rows: Most responses held.
        octets: Most octets of the environment's pages.
    """

    rows: int
    octets: int


class OcspRows:
    """The two databases."""

    def __init__(self, hot: Hot, limits: OcspLimits) -> None:
        self._hot = hot
        self._limits = limits
        self._responses = hot.database(b"ocsp")
        self._expiries = hot.database(b"ocsp-expiries")
        self._cells = own_cells()

    def count_in(self, cells: Cells) -> None:
        """Count there from now on what goes for want of room."""
        self._cells = cells

    def room(self) -> tuple[int, int]:
        """How many responses are held, and the octets of the pages that they take.

        Raises:
            StoreError: it cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction:
            return self._taken(transaction)

    def find(self, key: bytes) -> HeldOcsp | None:
        """The response held under a key, whatever its age.

        Raises:
            StoreError: it cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction:
            row = transaction.get(key, db=self._responses)
        return None if row is None else unpack(row)

    def put(self, key: bytes, held: HeldOcsp, supersedes: Callable[[HeldOcsp], bool] | None = None) -> None:
        """Hold a response in place of what the key held, unless that is to stay.

        Args:
            key: What it answers.
            held: The response.
            supersedes: Whether it takes the place of another; None for any. Damaged rows it always replaces.

        Raises:
            StoreError: it is too large, or could not be written.
        """
        if len(held.response) > MAX_RESPONSE_OCTETS:
            raise StoreError(
                f"an OCSP response of {len(held.response)} octets is not held: {MAX_RESPONSE_OCTETS} at most"
            )
        with self._hot.writing:
            try:
                self._put(key, held, supersedes)
            except lmdb.MapFullError:
                self._sweep_all(held.fetched_at)
                self._hot.turn()
                self._put(key, held, supersedes)

    def giving_way(self, write: Callable[[], T]) -> T:
        """What comes of a write; where there is no room left for it, responses give way, and it is tried again.

        Args:
            write: Writes in one transaction, or nothing.

        Raises:
            StoreError: as the write says, or there is no room all the same.
        """
        for _ in range(GIVING_WAY_TIMES):
            try:
                return write()
            except StoreError as error:
                if not isinstance(error.__cause__, lmdb.MapFullError) or not self._give_way():
                    raise
        return write()

    def _give_way(self) -> bool:
        """Take some responses away, good or not; whether there were any."""
        with self._hot.writing:
            gone = 0
            with self._hot.begin_writing() as transaction, transaction.cursor(db=self._expiries) as cursor:
                found = cursor.first()
                while found and gone < GIVING_WAY:
                    found, gone = self._step(transaction, cursor, keep=b""), gone + 1
            self._cells[EVICTIONS] += gone
            self._hot.turn()
        return bool(gone)

    def _put(self, key: bytes, held: HeldOcsp, supersedes: Callable[[HeldOcsp], bool] | None) -> None:
        with self._hot.begin_writing() as transaction:
            if supersedes is not None and _stays(transaction.get(key, db=self._responses), supersedes):
                return
            replaced = transaction.replace(key, pack(held), db=self._responses)
            if replaced is not None:
                transaction.delete(_expiry_key_of(replaced, key), db=self._expiries)
            transaction.put(_expiry_key(held.expires_at, key), b"", db=self._expiries)
            self._sweep(transaction, held.fetched_at, SWEPT_PER_PUT, keep=key)
            before = transaction.stat(self._responses)["entries"]
            self._bound(transaction, keep=key)
            gone = before - transaction.stat(self._responses)["entries"]
        self._cells[EVICTIONS] += gone

    def _sweep_all(self, at: datetime) -> None:
        with self._hot.begin_writing() as transaction:
            self._sweep(transaction, at, SWEPT_WHEN_FULL, keep=b"")

    def _sweep(self, transaction: "lmdb.Transaction[bytes]", at: datetime, most: int, keep: bytes) -> None:
        """Take away rows that have expired."""
        now = _order(at)
        with transaction.cursor(db=self._expiries) as cursor:
            found = cursor.first()
            for _ in range(most):
                if not found or cursor.key()[: _ORDER.size] > now:
                    return
                found = self._step(transaction, cursor, keep)

    def _bound(self, transaction: "lmdb.Transaction[bytes]", keep: bytes) -> None:
        """Take rows away until the limits hold."""
        with transaction.cursor(db=self._expiries) as cursor:
            found = cursor.first()
            while found and self._is_over(transaction):
                found = self._step(transaction, cursor, keep)

    def _step(self, transaction: "lmdb.Transaction[bytes]", cursor: "lmdb.Cursor[bytes]", keep: bytes) -> bool:
        """Take away the row under the cursor, unless it is the one just written; whether there is another."""
        key = cursor.key()[_ORDER.size :]
        if key == keep:
            return cursor.next()
        transaction.delete(key, db=self._responses)
        # Deleting leaves the cursor on the row that follows, and the key empty behind the last one.
        cursor.delete()
        return bool(cursor.key())

    def _is_over(self, transaction: "lmdb.Transaction[bytes]") -> bool:
        rows, octets = self._taken(transaction)
        return rows > self._limits.rows or octets > self._limits.octets

    def _taken(self, transaction: "lmdb.Transaction[bytes]") -> tuple[int, int]:
        status = transaction.stat(self._responses)
        pages = status["branch_pages"] + status["leaf_pages"] + status["overflow_pages"]
        return status["entries"], pages * status["psize"]


def pack(held: HeldOcsp) -> bytes:
    """A response as it is stored."""
    source = held.source.encode()
    return (
        _ROW.pack(ROW_VERSION, _micros(held.fetched_at), _micros(held.expires_at), len(source)) + source + held.response
    )


def unpack(row: bytes) -> HeldOcsp:
    """A response out of the store.

    Raises:
        StoreError: the row is damaged.
    """
    try:
        version, fetched_at, expires_at, length = _ROW.unpack_from(row)
        if version != ROW_VERSION or len(row) < _ROW.size + length:
            raise StoreError("a damaged OCSP response in the store")
        source = row[_ROW.size : _ROW.size + length].decode()
        return HeldOcsp(row[_ROW.size + length :], source, _moment(fetched_at), _moment(expires_at))
    except (struct.error, UnicodeDecodeError, OverflowError) as error:
        raise StoreError("a damaged OCSP response in the store") from error


def _stays(row: bytes | None, supersedes: Callable[[HeldOcsp], bool]) -> bool:
    """Whether what a key holds is not to be replaced."""
    if row is None:
        return False
    try:
        held = unpack(row)
    except StoreError:
        return False
    return not supersedes(held)


def _expiry_key_of(row: bytes, key: bytes) -> bytes:
    """The expiry key that was written with a row; of a damaged row, one that is not there."""
    try:
        return _expiry_key(unpack(row).expires_at, key)
    except StoreError:
        return key


def _expiry_key(expires_at: datetime, key: bytes) -> bytes:
    return _order(expires_at) + key


def _order(at: datetime) -> bytes:
    return _ORDER.pack(_micros(at) + _SIGN)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND
