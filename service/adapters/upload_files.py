"""Uploaded CRLs, a file each in a directory for this user alone.

Rules it keeps: a file is whole and on the disk when it has its name, and so is its name; what is being written has a
name with a leading dot, which whoever lists the directory passes over. A name is one process' at a time where it is
claimed; the kernel takes the claim of one that was killed back.

What it does not do: look into them, or check names: whoever gives one has.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from service.application.clock import Clock
from service.application.operating.uploads import NAME, UploadedFile
from service.application.places import FilePlace

ABANDONED_S: Final = 3600.0
"""Seconds after which what was left half written is removed: no upload may take so long."""

_PREFIX: Final = ".upload-"

_CLAIM_PREFIX: Final = ".claim-"
"""Of a file that is there while a name is claimed, or after the process that had claimed it was killed: until the next
claim of that name. One that is there is not removed by its age, since somebody may just be claiming it."""


class UploadFiles:
    """Implements `service.application.operating.uploads.UploadShelf`."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        """Take the directory, which must exist, and remove what was left half written in it."""
        self._directory = directory.absolute()
        for path in self._directory.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                if path.stat().st_mtime < clock.now().timestamp() - ABANDONED_S:
                    path.unlink()

    def key(self, name: str) -> str:
        """What the source of an upload is called."""
        return str(FilePlace(self._directory / name))

    def files(self) -> tuple[UploadedFile, ...]:
        """Every upload, by name.

        Raises:
            OSError: they cannot be listed.
        """
        found = []
        with os.scandir(self._directory) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        modified = datetime.fromtimestamp(status.st_mtime, UTC)
                        found.append(UploadedFile(entry.name, status.st_size, modified))
        return tuple(sorted(found, key=lambda file: file.name))

    def begin(self) -> "ArrivingFile":
        """Begin to write one.

        Raises:
            OSError: it cannot be written.
        """
        return ArrivingFile(self._directory)

    def remove(self, name: str) -> bool:
        """Remove one; whether there was any.

        Raises:
            OSError: it could not be removed.
        """
        try:
            (self._directory / name).unlink()
        except FileNotFoundError:
            return False
        _sync(self._directory)
        return True

    def claim(self, name: str) -> Callable[[], None] | None:
        """Have a name to oneself; None while somebody has it, in whatever process.

        Raises:
            OSError: nobody can say.
        """
        path = self._directory / f"{_CLAIM_PREFIX}{name}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have removed it after it was opened here: then the next one locks another file.
            is_ours = _is(path, descriptor)
        except BlockingIOError:
            is_ours = False
        except BaseException:
            os.close(descriptor)
            raise
        if not is_ours:
            os.close(descriptor)
            return None

        def release() -> None:
            try:
                path.unlink(missing_ok=True)  # while it is locked, so that it is nobody else's
            finally:
                os.close(descriptor)

        return release


class ArrivingFile:
    """Implements `service.application.operating.uploads.Arrival`."""

    def __init__(self, directory: Path) -> None:
        """Begin an empty file, for its owner alone."""
        self._directory = directory
        descriptor, path = tempfile.mkstemp(prefix=_PREFIX, suffix=".part", dir=directory)
        self._file: IO[bytes] = os.fdopen(descriptor, "wb")
        self._unfinished = Path(path)
        self._before = self._unfinished.with_suffix(".before")
        self._kept: Path | None = None

    def write(self, piece: bytes) -> None:
        """Write more of it.

        Raises:
            OSError: it cannot be written.
        """
        self._file.write(piece)

    def keep(self, name: str) -> None:
        """Make it durable, and give it its name.

        Raises:
            OSError: it could not be.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        path = self._directory / name
        with suppress(FileNotFoundError):
            os.link(path, self._before)
        self._unfinished.rename(path)
        self._kept = path
        _sync(self._directory)

    def take_back(self) -> None:
        """Give the name back to what had it before.

        Raises:
            OSError: it could not be.
        """
        if self._kept is None or not _is(self._kept, self._file.fileno()):
            return
        if self._before.exists():
            self._before.rename(self._kept)
        else:
            self._kept.unlink()
        _sync(self._directory)

    def end(self) -> None:
        """Leave nothing behind but what has a name."""
        self._file.close()
        for path in (self._unfinished, self._before):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _is(path: Path, descriptor: int) -> bool:
    """Whether a path leads to an open file."""
    try:
        found, ours = path.stat(), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def _sync(directory: Path) -> None:
    """Have the names of a directory written down."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
