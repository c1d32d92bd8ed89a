"""What the file of decisions looks like, and how it is opened.

Rules it keeps: a process that is killed, or a host that loses its power, leaves a file that is whole (a write-ahead
log); what was committed by a process that was killed is there. Nothing but the disk's own fault damages it.
"""

import sqlite3
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import quote

APPLICATION_ID: Final = 0x52455644
"""`REVD`: what tells this file from others of SQLite's."""

VERSION: Final = 1
"""Of the table. A file of another one is put aside: what is kept of decisions is for days, and nothing rests on it."""

PAGE_OCTETS: Final = 4096

BUSY_S: Final = 5.0
"""Seconds to wait for another process that writes: a transaction takes milliseconds."""

LOG_OCTETS: Final = 4 << 20
"""What is left of the write-ahead log on the disk when it has been written back; it may be longer in between."""

_TABLE: Final = """
CREATE TABLE decisions (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  decision TEXT NOT NULL,
  status TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  trust_store TEXT NOT NULL,
  front TEXT NOT NULL,
  serial_number TEXT,
  subject TEXT,
  issuer TEXT,
  fingerprint_sha256 TEXT,
  duration_s REAL,
  enforced TEXT,
  repeats TEXT,
  left_out INTEGER NOT NULL,
  content BLOB
);
CREATE INDEX by_code ON decisions (code, id);
CREATE INDEX by_decision ON decisions (decision, id);
CREATE INDEX by_trust_store ON decisions (trust_store, id);
"""
"""`content` stands last: whoever lists decisions does not read it."""


class Use(Enum):
    """What a file is opened for."""

    WRITING = "writing"
    READING = "reading"


def make_file(path: Path) -> None:
    """Make an empty one, for its owner alone; what has the name already is lost.

    Raises:
        OSError: there is no room, or it may not be written.
        sqlite3.Error: likewise.
    """
    remove_file(path)
    path.touch(mode=0o600, exist_ok=False)  # SQLite gives its other files the mode of this one
    with closing(_connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_OCTETS}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before there is a table, or never
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(
            f"BEGIN; {_TABLE} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
        )


def open_file(path: Path, use: Use, max_octets: int) -> sqlite3.Connection:
    """Open one that is there.

    Args:
        path: The file.
        use: For what.
        max_octets: How long it may become.

    Raises:
        UnusableFileError: it can never be used.
        sqlite3.Error: it cannot be opened now.
    """
    connection = _connect(path)
    try:
        _check(connection)
        if use is Use.READING:
            connection.execute("PRAGMA query_only = ON")
            connection.text_factory = _lenient
        else:
            connection.execute("PRAGMA synchronous = NORMAL")  # whole after a loss of power, but for the last moments
            connection.execute(f"PRAGMA journal_size_limit = {LOG_OCTETS}")
            connection.execute(f"PRAGMA max_page_count = {max_octets // PAGE_OCTETS}")
    except sqlite3.Error as error:
        connection.close()
        if is_damage(error):
            raise UnusableFileError(f"it is damaged: {error}") from error
        raise
    except UnusableFileError:
        connection.close()
        raise
    return connection


def remove_file(path: Path) -> None:
    """Remove one, and what SQLite has put beside it.

    Raises:
        OSError: it could not be removed.
    """
    for beside in ("", "-wal", "-shm", "-journal"):
        path.with_name(f"{path.name}{beside}").unlink(missing_ok=True)


class UnusableFileError(Exception):
    """A file that is damaged, of another version, or somebody else's."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file itself is spoilt, rather than that it cannot be had now."""
    # The lower octet of a code is its kind (https://sqlite.org/rescode.html).
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _connect(path: Path) -> sqlite3.Connection:
    """Without transactions that begin by themselves; never a new file."""
    name = f"file:{quote(str(path))}?mode=rw"
    return sqlite3.connect(name, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def _lenient(text: bytes) -> str:
    """A damaged text is no reason to show none."""
    return text.decode("utf-8", "replace")


def _check(connection: sqlite3.Connection) -> None:
    """See whether it is one of ours.

    Raises:
        UnusableFileError: it is not, or of another version.
    """
    application, version = number_of(connection, "application_id"), number_of(connection, "user_version")
    if application != APPLICATION_ID:
        raise UnusableFileError("it is empty, or not one of Revet's")
    if version != VERSION:
        raise UnusableFileError(f"it has format {version}, and this version reads {VERSION}")


def number_of(connection: sqlite3.Connection, pragma: str) -> int:
    """What a pragma says that is a number."""
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
