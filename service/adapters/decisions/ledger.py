"""Writing decisions into an open file, and removing the oldest: by age, and where there is no room for new ones.

Rules it keeps: a batch is written whole or not at all; what is written fits, since as much of the oldest goes before
it; nothing takes long, since what is removed is removed in pieces.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from service.adapters.decisions.layout import PAGE_OCTETS, number_of
from service.adapters.decisions.rows import FIELDS, Row, size_of

PIECE: Final = 256
"""Rows that are removed at a time for their age: some milliseconds."""

ROOM_PIECE: Final = 32
"""Rows that are removed at a time where there is no room: no more than is needed."""

ROW_OCTETS: Final = 512
"""What a row takes in the file besides its texts and its case: four indexes, the rest of its last page."""

SLACK_OCTETS: Final = 64 * PAGE_OCTETS
"""What is left free: pages of the indexes are split, and lists of free pages take pages."""

SPARE_OCTETS: Final = 8 << 20
"""Free pages that the file keeps for what comes next; more of them are given back to the disk."""

MOST_GIVEN_BACK: Final = 2_048
"""Pages that are given back at a time: each is moved by hand."""

_COLUMNS: Final = (*FIELDS, "content")
_PLACES: Final = ", ".join("?" * len(_COLUMNS))
_INSERT: Final = f"INSERT OR IGNORE INTO decisions ({', '.join(_COLUMNS)}) VALUES ({_PLACES})"  # noqa: S608 - ours alone
_LEFT_OUT: Final = "UPDATE decisions SET left_out = left_out + ? WHERE id = ?"
_REMOVE_OLDEST: Final = "DELETE FROM decisions WHERE number IN (SELECT number FROM decisions ORDER BY id LIMIT ?)"
_REMOVE_PAST: Final = (
    "DELETE FROM decisions WHERE number IN "
    "(SELECT number FROM (SELECT number, at FROM decisions ORDER BY id LIMIT ?) WHERE at < ?)"
)


class DecisionLedger:
    """Writes to one file. For one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, max_octets: int) -> None:
        """Take the file, and how long it may become."""
        self._connection = connection
        self._max_octets = max_octets

    def write(self, rows: Sequence[Row]) -> None:
        """Write records.

        Raises:
            sqlite3.Error: nothing of it is written.
        """
        needed = sum(map(size_of, rows)) + len(rows) * ROW_OCTETS
        with self._transaction():
            self._make_room(needed)
            self._connection.executemany(_INSERT, rows)

    def note_left_out(self, counts: Mapping[str, int]) -> None:
        """Write how often decisions were given again without a record.

        Args:
            counts: By the decision that was given again.

        Raises:
            sqlite3.Error: nothing of it is written.
        """
        with self._transaction():
            self._connection.executemany(_LEFT_OUT, [(count, name) for name, count in counts.items()])

    def remove_past(self, before: int) -> bool:
        """Remove a piece of what is older, and give back what the file has too much; tell whether there may be more.

        Args:
            before: Microseconds since 1970.

        Raises:
            sqlite3.Error: it could not be written.
        """
        with self._transaction():
            self._make_room(0)
            removed = self._connection.execute(_REMOVE_PAST, (PIECE, before)).rowcount
        self._give_back()
        return removed == PIECE

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def _make_room(self, needed: int) -> None:
        """Remove the oldest until so many octets fit."""
        limit = self._max_octets - SLACK_OCTETS - needed
        while self._used() > limit:
            if self._connection.execute(_REMOVE_OLDEST, (ROOM_PIECE,)).rowcount == 0:
                return

    def _used(self) -> int:
        pages = number_of(self._connection, "page_count") - number_of(self._connection, "freelist_count")
        return pages * PAGE_OCTETS

    def _give_back(self) -> None:
        """Shorten a file that has much free room, or is longer than it may be, since that was more once."""
        free = number_of(self._connection, "freelist_count")
        over = number_of(self._connection, "page_count") - self._max_octets // PAGE_OCTETS
        pages = min(max(free - SPARE_OCTETS // PAGE_OCTETS, min(over, free)), MOST_GIVEN_BACK)
        if pages > 0:
            # As a script, since every page is a step of it, and of a statement without columns one is made.
            self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")
            self._connection.execute("PRAGMA wal_checkpoint").fetchall()  # the file itself is shortened by this alone
            # No page may be asked for beyond what there is: a limit that was below the length was not taken.
            self._connection.execute(f"PRAGMA max_page_count = {self._max_octets // PAGE_OCTETS}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # of some errors SQLite has rolled back by itself
                self._connection.execute("ROLLBACK")
            raise
