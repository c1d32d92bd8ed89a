"""Places that are files or directories.

Rules it keeps: links are followed, since a Kubernetes volume is made of them; of a directory, names with a leading dot
and all that is no CRL by its name is passed over; nothing but regular files is opened for reading, since a pipe would
never end; a disk is waited for in threads only; no file is read beyond its limit.

What it does not do: look below the directories of a directory, or notice a change by itself.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from service.application.origin import OriginError
from service.application.places import (
    MAX_OBJECTS,
    Content,
    FilePlace,
    NotModified,
    Place,
    PlaceObject,
    is_wanted,
)
from service.core.model.attempt import Problem

PIECE_BYTES: Final = 2**20
"""Read at once: each piece costs a change of threads, some 50 microseconds."""

MAX_ENTRIES: Final = 10 * MAX_OBJECTS
"""Names in a directory, wanted or not: looking at so many takes a fifth of a second."""


class FilePlaces:
    """Implements `service.application.places.Places` for `FilePlace`."""

    async def list(self, place: Place) -> tuple[PlaceObject, ...]:
        """The regular files of a directory, or the one that is named.

        Raises:
            OriginError: UNREACHABLE, or TOO_LARGE for too many files.
        """
        path = _path(place)
        with _as_origin_errors(path):
            return await asyncio.to_thread(_listed, path)

    @asynccontextmanager
    async def read(self, place: Place, max_bytes: int, held: str = "") -> AsyncIterator[Content | NotModified]:
        """Read a file in pieces.

        Raises:
            OriginError: UNREACHABLE, TOO_LARGE, or MALFORMED for what is no regular file.
        """
        path = _path(place)
        with _as_origin_errors(path):
            descriptor = await asyncio.to_thread(_opened, path)
        try:
            found = os.fstat(descriptor)
            version = _version(found)
            if not stat.S_ISREG(found.st_mode):
                raise OriginError(Problem.MALFORMED, f"{path} is not a regular file")
            if version == held:
                yield NotModified()
                return
            if found.st_size > max_bytes:
                raise _too_large(path, max_bytes)
            yield Content(version, _pieces(path, descriptor, max_bytes), octets=found.st_size)
        finally:
            os.close(descriptor)


async def _pieces(path: Path, descriptor: int, max_bytes: int) -> AsyncIterator[bytes]:
    position = 0
    while True:
        with _as_origin_errors(path):
            piece = await asyncio.to_thread(os.pread, descriptor, PIECE_BYTES, position)
        if not piece:
            return
        position += len(piece)
        if position > max_bytes:  # it has grown since it was opened
            raise _too_large(path, max_bytes)
        yield piece


def _path(place: Place) -> Path:
    if not isinstance(place, FilePlace):
        raise OriginError(Problem.UNSUPPORTED_SCHEME, f"{place} is not a file")
    return place.path


def _listed(path: Path) -> tuple[PlaceObject, ...]:
    """What is in a directory.

    Raises:
        OSError: it cannot be read, or is not there: a directory that is gone for a moment is no file that has come.
        OriginError: TOO_LARGE.
    """
    if not stat.S_ISDIR(path.stat().st_mode):
        return (PlaceObject(FilePlace(path)),)
    with os.scandir(path) as entries:
        names = [entry.name for entry in islice(entries, MAX_ENTRIES + 1)]
    wanted = sorted(name for name in names if is_wanted(name))
    if len(names) > MAX_ENTRIES or len(wanted) > MAX_OBJECTS:
        raise OriginError(Problem.TOO_LARGE, f"{path} has more than {MAX_OBJECTS} files")
    return tuple(_found(path, wanted))


def _found(directory: Path, names: list[str]) -> Iterator[PlaceObject]:
    for name in names:
        path = directory / name
        try:
            found = path.stat()
        except OSError:
            # A link into nowhere, or a file that may not be looked at: reading it says what is wrong. One that has
            # just been removed is not there.
            if path.is_symlink():
                yield PlaceObject(FilePlace(path))
            continue
        if stat.S_ISREG(found.st_mode):
            yield PlaceObject(FilePlace(path), _version(found))


def _opened(path: Path) -> int:
    # Without waiting for whoever should write to a pipe.
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _version(found: os.stat_result) -> str:
    """What tells one version of a file from the next: a replaced one is another inode, and ctime cannot be set back."""
    return ":".join(str(n) for n in (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


def _too_large(path: Path, max_bytes: int) -> OriginError:
    return OriginError(Problem.TOO_LARGE, f"{path} is larger than the limit of {max_bytes} bytes")


@contextmanager
def _as_origin_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OriginError(Problem.UNREACHABLE, f"{path}: {error.strerror or error}") from error
