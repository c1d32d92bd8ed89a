"""The hot environment: small rows that change often, apart from the CRLs' entries.

Rules it keeps: opened once, after spawn (a forked child gets `StoreError`); another format is refused, and one that was
cut or lost is an error (`environment`); nothing holds a read transaction longer than one lookup, so that pages are
reused; reader slots of dead processes are cleared when it is opened.

What it does not do: grow. All processes would have to notice; what fills it is bounded instead (`ocsp_rows`).
"""

import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import lmdb

from service.adapters.lmdb.environment import ABOUT, FORMAT, FORMAT_KEY, make_environment, open_environment
from service.adapters.lmdb.errors import Translating
from service.adapters.lmdb.role import Absent
from service.application.evidence_store import StoreError

_GENERATION_KEY = b"generation"

_NUMBER = struct.Struct(">Q")


class Hot:
    """The open environment."""

    def __init__(self, path: Path, map_size: int, absent: Absent = Absent.MAKE) -> None:
        """Open it.

        Args:
            path: A directory of its own.
            map_size: Octets it may grow to.
            absent: What is done where there is no such directory.

        Raises:
            StoreError: it cannot be opened, or another format wrote it.
        """
        self._path = path
        self._owner = os.getpid()
        self._closed = False
        self.reading = Translating(f"cannot read the store at {path}")
        self.writing = Translating(f"cannot write to the store at {path}", path)
        with Translating(f"cannot open the store at {path}"):
            if absent is Absent.MAKE and not path.exists():
                make_environment(path, map_size)
            self._environment = open_environment(path, map_size)
            try:
                self._environment.reader_check()
                self._about = self._environment.open_db(ABOUT, create=False)
                self._check_format()
            except BaseException:
                self._environment.close()
                raise

    def close(self) -> None:
        """Close it; nothing works afterwards. Left alone in a forked child, whose parent still uses it."""
        self._closed = True
        if os.getpid() == self._owner:
            with suppress(lmdb.Error):
                self._environment.close()

    def database(self, name: bytes, *, duplicates: bool = False) -> "lmdb._Database":
        """Open one of its databases, or make it."""
        with self.writing:
            return self._environment.open_db(name, dupsort=duplicates)

    def begin(self) -> "lmdb.Transaction[bytes]":
        """A read transaction, for one lookup."""
        self.check_open()
        return self._environment.begin()

    def begin_writing(self) -> "lmdb.Transaction[bytes]":
        """A write transaction; waits for those of other threads and processes."""
        self.check_open()
        return self._environment.begin(write=True)

    def turn(self) -> None:
        """Commit a transaction that changes nothing: pages that one transaction frees serve the one after the next."""
        with self.begin_writing() as transaction:
            transaction.put(FORMAT_KEY, FORMAT, db=self._about)

    def number(self, key: bytes) -> int:
        """One of its numbers; zero where it was never raised.

        Raises:
            StoreError: it cannot be read.
        """
        with self.reading, self.begin() as transaction:
            return self.number_in(transaction, key)

    def number_in(self, transaction: "lmdb.Transaction[bytes]", key: bytes) -> int:
        """The same as a transaction sees it."""
        return _number(transaction.get(key, db=self._about))

    def raise_number(self, transaction: "lmdb.Transaction[bytes]", key: bytes) -> None:
        """Raise one of its numbers by one, when the transaction is committed."""
        number = self.number_in(transaction, key) + 1
        transaction.put(key, _NUMBER.pack(number), db=self._about)

    def text(self, key: bytes) -> bytes | None:
        """What it says of itself under a name of its own; None where it says nothing.

        Raises:
            StoreError: it cannot be read.
        """
        with self.reading, self.begin() as transaction:
            found: bytes | None = transaction.get(key, db=self._about)
        return found

    def put_text(self, key: bytes, text: bytes) -> None:
        """Have it say so, in a transaction of its own.

        Raises:
            StoreError: it could not be written.
        """
        with self.writing, self.begin_writing() as transaction:
            transaction.put(key, text, db=self._about)

    def generation(self) -> int:
        """The generation of the decisions (`application.generation`).

        Raises:
            StoreError: it cannot be read.
        """
        return self.number(_GENERATION_KEY)

    def raise_generation(self, transaction: "lmdb.Transaction[bytes]") -> None:
        """End every kept verdict when the transaction is committed: it changes what one may depend on."""
        self.raise_number(transaction, _GENERATION_KEY)

    def turn_generation(self) -> None:
        """Raise the generation in a transaction of its own.

        Raises:
            StoreError: it could not be written.
        """
        with self.writing, self.begin_writing() as transaction:
            self.raise_generation(transaction)

    def numbers(self, keys: Iterable[bytes]) -> tuple[int, ...]:
        """Some of its numbers, as they stand at one moment.

        Raises:
            StoreError: they cannot be read.
        """
        with self.reading, self.begin() as transaction:
            return tuple(self.number_in(transaction, key) for key in keys)

    def turn_numbers(self, keys: Iterable[bytes]) -> None:
        """Raise some of its numbers, and the generation with them, in a transaction of their own.

        Raises:
            StoreError: nothing was raised.
        """
        with self.writing, self.begin_writing() as transaction:
            for key in keys:
                self.raise_number(transaction, key)
            self.raise_generation(transaction)

    def check_open(self) -> None:
        """Refuse to work in a forked child, or after the end.

        Raises:
            StoreError: this is another process than the one that opened it, or it was closed.
        """
        if self._closed:
            raise StoreError(f"the store at {self._path} is closed")
        if os.getpid() != self._owner:
            raise StoreError(f"the store at {self._path} was opened before this process was forked: open it afterwards")

    def _check_format(self) -> None:
        with self._environment.begin() as transaction:
            found = transaction.get(FORMAT_KEY, db=self._about)
        if found != FORMAT:
            says = "no format" if found is None else f"format {found.decode(errors='replace')}"
            raise StoreError(
                f"the store at {self._path} has {says}, and this version reads and writes {FORMAT.decode()}: a service "
                "that starts brings older ones forward"
            )


def _number(row: bytes | None) -> int:
    if row is None:
        return 0
    try:
        number: int = _NUMBER.unpack(row)[0]
    except struct.error as error:
        raise StoreError("a damaged number in the store") from error
    return number
