"""Which file decisions are kept in, for all processes of a service, and what becomes of one that cannot be used.

Files have numbers, and the highest is the one in use. One that is damaged or of another version is put aside by
beginning the next: it is neither renamed nor written any more, so that it does not matter who has it open. Of those put
aside the last one stays, as long as its records would have been kept.
"""

import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from service.adapters.decisions.layout import UnusableFileError, Use, make_file, open_file, remove_file
from service.adapters.lmdb.directory import prepare
from service.adapters.log_observer import LOGGER

LOCK: Final = "lock"
"""Held by whoever begins a file."""

UNFINISHED: Final = "new.db"
"""A file before it has a number."""

LOCK_S: Final = 2.0
"""Seconds to wait for another process that begins a file, which takes it milliseconds."""

_STEP_S: Final = 0.01
_NAME: Final = re.compile(r"decisions-(\d{1,9})\.db")


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open for writing.

    Attributes:
        path: Which.
        inode: Tells it from another one of this name.
    """

    path: Path
    inode: int
    connection: sqlite3.Connection


class DecisionFiles:
    """The files of a directory."""

    def __init__(self, directory: Path, max_octets: int) -> None:
        """Take the directory.

        Args:
            directory: Made where it is missing; for this alone.
            max_octets: How long a file may become.
        """
        self._directory = directory
        self.max_octets = max_octets

    def current(self) -> Path | None:
        """The file in use; None where there is none.

        Raises:
            OSError: the directory cannot be read.
        """
        found = self._numbered()
        return found[max(found)] if found else None

    def is_current(self, opened: OpenFile) -> bool:
        """Whether a file that was opened is still the one in use.

        Raises:
            OSError: nobody can say.
        """
        path = self.current()
        return path == opened.path and path.stat().st_ino == opened.inode

    def open(self) -> OpenFile:
        """The file in use, for writing; a new one where there is none that can be used.

        Raises:
            StoreError: the directory cannot be used.
            OSError: likewise.
            sqlite3.Error: the file cannot be used now.
            UnusableFileError: nor can the one that was begun in its place.
        """
        prepare(self._directory)
        path = self.current()
        if path is not None:
            try:
                return self._open(path)
            except UnusableFileError as error:
                self.put_aside(path, str(error))
        else:
            self._begin(None)
        path = self.current()
        if path is None:
            raise FileNotFoundError(f"there is no file in {self._directory}")
        return self._open(path)

    def put_aside(self, path: Path, problem: str) -> None:
        """Begin another file in place of one that cannot be used, if nobody has yet.

        Raises:
            OSError: it could not be begun.
            sqlite3.Error: likewise.
        """
        if self._begin(path):
            structlog.get_logger(LOGGER).error("decisions_put_aside", file=str(path), problem=problem)

    def forget(self, before: datetime) -> None:
        """Remove files that were put aside and not written since a moment.

        Raises:
            OSError: one could not be removed.
        """
        found = self._numbered()
        for number in sorted(found)[:-1]:
            path = found[number]
            if path.stat().st_mtime < before.timestamp():
                remove_file(path)

    def remove(self) -> None:
        """Remove all of them; whoever has one open writes to what has no name any more.

        Raises:
            OSError: one could not be removed.
        """
        if self._directory.is_dir():
            for path in self._numbered().values():
                remove_file(path)

    def _open(self, path: Path) -> OpenFile:
        inode = path.stat().st_ino
        return OpenFile(path, inode, open_file(path, Use.WRITING, self.max_octets))

    def _begin(self, found: Path | None) -> bool:
        """Begin a file after the one that was found; tell whether it was done here."""
        with self._locked():
            if self.current() != found:
                return False
            older = self._numbered()
            last = max(older, default=0)
            unfinished = self._directory / UNFINISHED
            make_file(unfinished)
            begun = self._directory / f"decisions-{last + 1}.db"
            remove_file(begun)  # what lies beside a file that somebody has removed would be taken for the new one's
            unfinished.rename(begun)
            for number, path in older.items():
                if number != last:
                    remove_file(path)
        return True

    def _numbered(self) -> dict[int, Path]:
        found = ((_NAME.fullmatch(path.name), path) for path in self._directory.iterdir())
        return {int(match[1]): path for match, path in found if match is not None}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor)
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Wait for whoever begins a file.

    Raises:
        BlockingIOError: for too long.
    """
    give_up_at = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(_STEP_S)
        else:
            return
