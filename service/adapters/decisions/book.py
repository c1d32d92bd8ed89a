"""Finding decisions again, whichever process of the service has kept them.

Each question opens the file anew: it may be another one since the last, and nobody asks often.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

from service.adapters.decisions.files import DecisionFiles
from service.adapters.decisions.layout import UnusableFileError, Use, is_damage, open_file
from service.adapters.decisions.rows import FIELDS, DamagedRowError, Value, expanded, record_of
from service.application.decision_records import DecisionQuery, DecisionRecord, DecisionsUnavailableError

LONGEST_S: Final = 5.0
"""Seconds of one question: one that finds little in a large file reads all of it, a second or so."""

_STEPS: Final = 10_000
"""Steps of SQLite's between two looks at the clock: a millisecond or less."""

_COLUMNS: Final = ", ".join(FIELDS)


class FileBook:
    """Reads the file in use. Implements `service.application.decision_records.DecisionBook`."""

    def __init__(self, files: DecisionFiles, why_none: Callable[[], str]) -> None:
        """Take the files.

        Args:
            files: Of the service.
            why_none: Why there is no file, where there is none.
        """
        self._files = files
        self._why_none = why_none

    def recent(self, query: DecisionQuery) -> Sequence[DecisionRecord]:
        """The newest first; see `DecisionBook`. A row that is damaged is left out."""
        wanted = {"code": query.code, "decision": query.decision, "trust_store": query.trust_store}
        given = {name: str(value) for name, value in wanted.items() if value is not None}
        conditions = [f"{name} = ?" for name in given] + ([] if query.before is None else ["id < ?"])
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        values = [*given.values(), *(() if query.before is None else (query.before,))]
        with self._open() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM decisions {where}ORDER BY id DESC",  # noqa: S608 - names of ours alone
                values,
            )
            # Counted as they are read: one that is damaged must not look like the end of a page.
            readable = (record for row in rows if (record := _readable(row)) is not None)
            return list(islice(readable, query.limit))

    def find(self, decision_id: str) -> DecisionRecord | None:
        """One with its case; see `DecisionBook`."""
        with self._open() as connection:
            row = _row(connection, decision_id)
            if row is None:
                return None
            *fields, content = row
            record = record_of(fields)
            if content is None and record.repeats is not None:
                first = _row(connection, record.repeats)
                content = None if first is None else first[-1]
            return record_of(fields, expanded(content))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            path = self._files.current()
        except OSError as error:
            raise DecisionsUnavailableError(error.strerror or str(error)) from error
        if path is None:
            raise DecisionsUnavailableError(self._why_none())
        give_up_at = time.monotonic() + LONGEST_S
        try:
            with closing(open_file(path, Use.READING, self._files.max_octets)) as connection:
                connection.set_progress_handler(lambda: time.monotonic() > give_up_at, _STEPS)
                yield connection
        except DamagedRowError as error:
            raise DecisionsUnavailableError(str(error)) from error
        except UnusableFileError as error:
            self._put_aside(path, error)
            raise DecisionsUnavailableError(str(error)) from error
        except sqlite3.Error as error:
            if is_damage(error):
                self._put_aside(path, error)
            raise DecisionsUnavailableError(str(error)) from error

    def _put_aside(self, path: Path, error: Exception) -> None:
        """Have nobody read what cannot be used; who writes notices by himself that there is another file."""
        with suppress(OSError, sqlite3.Error):  # who writes tries again, and tells why it cannot be done
            self._files.put_aside(path, str(error))


class NoBook:
    """Where no decision is kept. Implements `service.application.decision_records.DecisionBook`."""

    def __init__(self, why: str) -> None:
        """Take why, for a person."""
        self._why = why

    def recent(self, query: DecisionQuery) -> Sequence[DecisionRecord]:
        """There are none."""
        del query
        raise DecisionsUnavailableError(self._why)

    def find(self, decision_id: str) -> DecisionRecord | None:
        """There is none."""
        del decision_id
        raise DecisionsUnavailableError(self._why)


def _row(connection: sqlite3.Connection, decision_id: str) -> Sequence[Value] | None:
    found: Sequence[Value] | None = connection.execute(
        f"SELECT {_COLUMNS}, content FROM decisions WHERE id = ?",  # noqa: S608 - names of ours alone
        (decision_id,),
    ).fetchone()
    return found


def _readable(row: Sequence[Value]) -> DecisionRecord | None:
    try:
        return record_of(row)
    except DamagedRowError:
        return None
