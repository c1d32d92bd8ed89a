"""Records of who has changed what, in a file: a JSON object a line, in one write each, at its end.

Rules it keeps: whoever waits for a record waits until it is on the disk; several processes share the file, and no line
of theirs is torn or mixed up with another; a line that does not fit on the disk leaves nothing behind; a file that was
moved away or removed is begun anew before the next line. It is the owner's alone where we make it, and never anything
but a file. What a record quotes is escaped, so that it ends no line, and passes through `redaction`.

What it does not do: rotate, or read.
"""

import asyncio
import errno
import fcntl
import json
import os
import stat
import threading
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from service.adapters.redaction import redact_event
from service.application.auditing import AuditRecord, AuditUnavailableError

MODE: Final = 0o600

MAX_LISTED: Final = 20
"""Elements of a list that a record names; their number is there in any case."""

MAX_TEXT: Final = 1_000
"""Characters of any text in a record: twice the longest reason for a block."""

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class Durability(Enum):
    """When a record is written."""

    ON_DISK = "on-disk"
    """When it would outlive the host."""
    HANDED_OVER = "handed-over"
    """When the kernel has it: it outlives this process. Nobody is made to wait for a disk."""


class AuditFile:
    """One process' hand in the file. Its methods are for threads, and wait for each other."""

    def __init__(self, path: Path) -> None:
        """Take the path; the file is made with the first line."""
        self._path = path
        self._turn = threading.Lock()
        self._descriptor: int | None = None

    def open(self) -> None:
        """Make the file where there is none.

        Raises:
            OSError: it cannot be written.
        """
        with self._turn:
            self._current()

    def append(self, line: bytes, durability: Durability) -> None:
        """Write a line, with its end.

        Raises:
            OSError: it could not be written; nothing of it is there, or nobody knows whether it is.
        """
        with self._turn:
            descriptor = self._current()
            _write_whole(descriptor, line)
            if durability is Durability.ON_DISK:
                os.fsync(descriptor)

    def close(self) -> None:
        """Let go of the file; a line after that opens it again."""
        with self._turn:
            self._let_go()

    def _current(self) -> int:
        """The descriptor of the file that has the name now."""
        try:
            named: os.stat_result | None = self._path.stat()
        except FileNotFoundError:
            named = None
        if self._descriptor is not None:
            if named is not None and os.path.samestat(named, os.fstat(self._descriptor)):
                return self._descriptor
            self._let_go()
        descriptor = os.open(self._path, _FLAGS, MODE)
        try:
            self._require_file(descriptor)
            if named is None:
                _sync_directory(self._path.parent)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return descriptor

    def _require_file(self, descriptor: int) -> None:
        """Refuse pipes and devices: nobody could say whether a record is kept there."""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(self._path))

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class FileRecords:
    """Keeps records in a file. Implements `service.application.auditing.AuditRecords`."""

    def __init__(self, file: AuditFile) -> None:
        """Take the file."""
        self._file = file

    async def keep(self, record: AuditRecord) -> None:
        """Keep one; in a thread, since it waits for a disk.

        Raises:
            AuditUnavailableError: it could not be written.
        """
        try:
            await asyncio.to_thread(self._file.append, line_of(document_of(record)), Durability.ON_DISK)
        except OSError as error:
            raise AuditUnavailableError(error.strerror or str(error)) from error


def document_of(record: AuditRecord) -> dict[str, object]:
    """A record as a JSON object."""
    return {
        "time": record.at.isoformat().replace("+00:00", "Z"),
        "attempt": record.attempt or None,
        "action": record.action,
        "outcome": record.outcome.value,
        "by": record.by,
        "peer": record.peer or None,
        "request_id": record.request_id or None,
        "on": {name: _bounded(value) for name, value in record.on.items()},
        "problem": record.problem or None,
        "pid": os.getpid(),
    }


def line_of(document: Mapping[str, object]) -> bytes:
    """A JSON object as a line: in ASCII, so that nothing in it ends one."""
    return json.dumps(redact_event(None, "", dict(document)), ensure_ascii=True, default=str).encode() + b"\n"


def _bounded(value: object) -> object:
    match value:
        case str():
            return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}…"
        case list() | tuple():
            listed = [_bounded(one) for one in value[:MAX_LISTED]]
            return listed if len(value) <= MAX_LISTED else [*listed, f"and {len(value) - MAX_LISTED} more"]
        case _:
            return value


def _write_whole(descriptor: int, line: bytes) -> None:
    """Write a line, or nothing. Alone among all processes, since what did not fit is taken back."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        length = os.fstat(descriptor).st_size
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, length)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _sync_directory(path: Path) -> None:
    """Have the name of a new file outlive the host."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
