"""Rows of the hot environment that say in whose names the operator has CRLs, and which of these wait for their issuer.

The key is the digest of the issuer's name and the CRL's. Of one that waits the row is the digests of the distribution
points that it is about, one after the other; an empty one is about all of them. Those that are held have empty rows in
a database of their own: thousands of partitions of one issuer cost a lookup nothing.

Rules it keeps: each change is one transaction and another generation, since a name makes an answer needed.

What it does not do: keep the CRLs. A row may outlive its file: the name counts all the same.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from hashlib import sha256
from itertools import chain

import lmdb

from service.adapters.lmdb.hot import Hot
from service.application.evidence_store import NAMED_ALONE, NOTHING_WAITS, WaitingCrl, WaitingCrls

_DIGEST = 32


class WaitingRows:
    """The two databases."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._waiting = hot.database(b"waiting")
        self._held = hot.database(b"held-names")

    def find(self, issuer: bytes, points: Iterable[bytes]) -> WaitingCrls:
        """What waits in a name, and whether the operator has anything in it.

        Args:
            issuer: Canonical form of the name.
            points: Keys of a certificate's distribution point names.

        Raises:
            StoreError: it cannot be read.
        """
        name = sha256(issuer).digest()
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=self._waiting) as cursor:
            is_there = cursor.set_range(name) and cursor.key().startswith(name)
            if not is_there:  # most often
                return NAMED_ALONE if self._is_held(transaction, name) else NOTHING_WAITS
            wanted = {sha256(point).digest() for point in points}
            digests = []
            while is_there:
                about = _digests(cursor.value())
                if not about or not wanted.isdisjoint(about):
                    digests.append(cursor.key()[_DIGEST:])
                is_there = cursor.next() and cursor.key().startswith(name)
        return WaitingCrls(is_named=True, digests=tuple(digests))

    def digests(self) -> frozenset[bytes]:
        """Everything that waits.

        Raises:
            StoreError: it cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction:
            return frozenset(key[_DIGEST:] for key in _keys(transaction, self._waiting))

    def named(self) -> frozenset[bytes]:
        """The same and everything that is held: all that makes an answer needed.

        Raises:
            StoreError: it cannot be read.
        """
        with self._hot.reading, self._hot.begin() as transaction:
            keys = chain(_keys(transaction, self._waiting), _keys(transaction, self._held))
            return frozenset(key[_DIGEST:] for key in keys)

    def add(self, crl: WaitingCrl) -> None:
        """Let one wait; nothing changes where it does already.

        Raises:
            StoreError: it could not be written.
        """
        key = sha256(crl.issuer).digest() + crl.digest
        row = b"".join(sorted(sha256(point).digest() for point in crl.points))
        with self._hot.writing, self._hot.begin_writing() as transaction:
            if transaction.get(key, db=self._waiting) != row:
                transaction.put(key, row, db=self._waiting)
                self._hot.raise_generation(transaction)

    def hold(self, crl: WaitingCrl) -> None:
        """One is held: it waits no longer, and its name stays; nothing changes where that is so already.

        Raises:
            StoreError: it could not be written.
        """
        key = sha256(crl.issuer).digest() + crl.digest
        with self._hot.writing, self._hot.begin_writing() as transaction:
            has_waited = transaction.delete(key, db=self._waiting)
            if transaction.put(key, b"", overwrite=False, db=self._held) or has_waited:
                self._hot.raise_generation(transaction)

    def remove(self, digests: frozenset[bytes]) -> None:
        """Forget these, and their names.

        Raises:
            StoreError: nothing was removed.
        """
        with self._hot.writing, self._hot.begin_writing() as transaction:
            databases = (self._waiting, self._held)
            rows = [(key, one) for one in databases for key in _keys(transaction, one) if key[_DIGEST:] in digests]
            for key, database in rows:
                transaction.delete(key, db=database)
            if rows:
                self._hot.raise_generation(transaction)

    def _is_held(self, transaction: "lmdb.Transaction[bytes]", name: bytes) -> bool:
        with transaction.cursor(db=self._held) as cursor:
            return cursor.set_range(name) and cursor.key().startswith(name)


class LmdbWaitingIndex:
    """Implements `service.application.prefetch.pending.WaitingIndex`."""

    def __init__(self, rows: WaitingRows, submit: Callable[[Callable[[], None]], Future[None]]) -> None:
        """Take the rows, and who writes in the store's one thread."""
        self._rows = rows
        self._submit = submit

    def digests(self) -> frozenset[bytes]:
        """Everything that waits.

        Raises:
            StoreError: it cannot be read.
        """
        return self._rows.digests()

    def named(self) -> frozenset[bytes]:
        """Everything that makes an answer needed.

        Raises:
            StoreError: it cannot be read.
        """
        return self._rows.named()

    def add(self, crl: WaitingCrl) -> None:
        """Let one wait.

        Raises:
            StoreError: it could not be written.
        """
        self._submit(lambda: self._rows.add(crl)).result()

    def hold(self, crl: WaitingCrl) -> None:
        """One waits no longer, and its name stays.

        Raises:
            StoreError: it could not be written.
        """
        self._submit(lambda: self._rows.hold(crl)).result()

    def remove(self, digests: frozenset[bytes]) -> None:
        """Forget these, and their names; nothing is written where none of them is there.

        Raises:
            StoreError: nothing was removed.
        """
        gone = digests & self._rows.named()
        if gone:
            self._submit(lambda: self._rows.remove(gone)).result()


def _keys(transaction: "lmdb.Transaction[bytes]", database: "lmdb._Database") -> list[bytes]:
    with transaction.cursor(db=database) as cursor:
        return list(cursor.iternext(values=False))


def _digests(row: bytes) -> set[bytes]:
    return {row[start : start + _DIGEST] for start in range(0, len(row), _DIGEST)}
