"""Uploaded CRLs, a file each in a directory for this user alone.

Rules it keeps: a file is whole and on the disk when it has its name, and so is its name; what is being written has a
name with a leading dot, which whoever lists the directory passes over.

What it does not do: look into them, or check names: whoever gives one has.
"""

import os
import tempfile
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
        if self._kept is None or not self._is_ours(self._kept):
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

    def _is_ours(self, path: Path) -> bool:
        try:
            return _same(path, self._file)
        except FileNotFoundError:
            return False


def _same(path: Path, file: IO[bytes]) -> bool:
    found, ours = path.stat(), os.fstat(file.fileno())
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def _sync(directory: Path) -> None:
    """Have the names of a directory written down."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
