"""Rows of the hot environment that say which of the operator's CRLs wait for their issuer, by the name they bear.

The key is the digest of the issuer's name and the CRL's, the row the digests of the distribution points that the CRL is
about, one after the other; an empty one is about all of them.

Rules it keeps: each change is one transaction and another generation, since a name makes an answer needed.

What it does not do: keep the CRLs. A row may outlive its file: the name counts all the same.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from hashlib import sha256

from service.adapters.lmdb.hot import Hot
from service.application.evidence_store import NOTHING_WAITS, WaitingCrl, WaitingCrls

_DIGEST = 32


class WaitingRows:
    """The database."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._waiting = hot.database(b"waiting")

    def find(self, issuer: bytes, points: Iterable[bytes]) -> WaitingCrls:
        """What waits in a name.

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
                return NOTHING_WAITS
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
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=self._waiting) as cursor:
            return frozenset(key[_DIGEST:] for key in cursor.iternext(values=False))

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

    def remove(self, digests: frozenset[bytes]) -> None:
        """Let these wait no longer.

        Raises:
            StoreError: nothing was removed.
        """
        with self._hot.writing, self._hot.begin_writing() as transaction:
            with transaction.cursor(db=self._waiting) as cursor:
                keys = [key for key in cursor.iternext(values=False) if key[_DIGEST:] in digests]
            for key in keys:
                transaction.delete(key, db=self._waiting)
            if keys:
                self._hot.raise_generation(transaction)


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

    def add(self, crl: WaitingCrl) -> None:
        """Let one wait.

        Raises:
            StoreError: it could not be written.
        """
        self._submit(lambda: self._rows.add(crl)).result()

    def remove(self, digests: frozenset[bytes]) -> None:
        """Let these wait no longer; nothing is written where none of them does.

        Raises:
            StoreError: nothing was removed.
        """
        waiting = digests & self._rows.digests()
        if waiting:
            self._submit(lambda: self._rows.remove(waiting)).result()


def _digests(row: bytes) -> set[bytes]:
    return {row[start : start + _DIGEST] for start in range(0, len(row), _DIGEST)}
