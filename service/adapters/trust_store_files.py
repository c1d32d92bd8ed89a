"""Trust stores in files.

What it reads: one file or directory that is the default store, a directory in which every `NAME.pem` is a store, and
files or directories of intermediates.

Rules it keeps: links are followed, since a Kubernetes volume is made of them (`NAME.pem` points into `..data`, which is
replaced as a whole); names with a leading dot and all that is no certificate by its name is passed over; no file is
read beyond its limit; nothing but regular files is opened, since a pipe would never end.

What it does not do: look into the files, or decide what happens to a store that cannot be read.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from service.application.trust_store_source import (
    DEFAULT_STORE,
    STORE_NAME,
    FileStamp,
    Listing,
    Scan,
    Snapshot,
    SourceFile,
    TrustStoreSourceError,
)

MAX_FILE_BYTES: Final = 16 * 2**20
"""Of one file: the limit of 10,000 certificates in PEM at 1.6 kB each. All CAs that Mozilla trusts are 220 kB."""

MAX_FILES: Final = 10_000
"""In one directory: each is looked at every second, and so many take 70 ms."""

STORE_SUFFIX: Final = ".pem"
"""Of a named store."""

CERTIFICATE_SUFFIXES: Final = frozenset({".pem", ".crt", ".cer", ".der"})
"""In a directory that is one store or one set of intermediates: what tools call files with certificates."""


class TrustStoreFiles:
    """Implements `service.application.trust_store_source.TrustStoreSource`."""

    def __init__(self, default: Path | None, directory: Path | None, intermediates: Iterable[Path] = ()) -> None:
        """Take the places; nothing is looked at yet.

        Args:
            default: The store called `default`: a file, or a directory of files; None for none.
            directory: Every `NAME.pem` in it is a store called NAME; None for none.
            intermediates: Files, or directories of files.
        """
        self._default = default
        self._directory = directory
        self._intermediates = tuple(intermediates)

    def scan(self) -> Scan:
        """Look what is there."""
        stores: dict[str, Snapshot] = {}
        problems: dict[str, str] = {}
        listing = Listing.COMPLETE
        if self._directory is not None:
            try:
                stores = dict(_named_stores(self._directory))
            except OSError as error:
                problems[str(self._directory)] = f"{self._directory} cannot be read: {_why(error)}"
            else:
                if not stores:
                    problems[str(self._directory)] = f"there is no NAME{STORE_SUFFIX} in {self._directory}"
            if not stores:
                listing = Listing.PARTIAL
        if self._default is not None:
            if DEFAULT_STORE in stores:
                file = f"{self._directory}/{DEFAULT_STORE}{STORE_SUFFIX}"
                problems[file] = f"{file} is passed over: the store {DEFAULT_STORE} is {self._default}"
            stores[DEFAULT_STORE] = _snapshot(self._default)
        intermediates = tuple(stamp for place in self._intermediates for stamp in _snapshot(place))
        return Scan(stores, intermediates, listing, problems)

    def read(self, name: str) -> tuple[SourceFile, ...]:
        """Read the files of a trust store.

        Raises:
            TrustStoreSourceError: one cannot be read, is too long, or there is none.
        """
        if name == DEFAULT_STORE and self._default is not None:
            return tuple(_read_place(self._default))
        if self._directory is None or STORE_NAME.fullmatch(name) is None:
            raise TrustStoreSourceError(f"there is no place for a store {name}")
        path = self._directory / f"{name}{STORE_SUFFIX}"
        return (SourceFile(str(path), _read(path)),)

    def read_intermediates(self) -> tuple[SourceFile, ...]:
        """Read the files with intermediates for all stores.

        Raises:
            TrustStoreSourceError: one cannot be read or is too long.
        """
        return read_places(self._intermediates)


def read_places(places: Iterable[Path]) -> tuple[SourceFile, ...]:
    """Read files, and every file of directories that is a certificate's by its name.

    Raises:
        TrustStoreSourceError: one cannot be read or is too long, or there is none in a directory.
    """
    return tuple(file for place in places for file in _read_place(place))


def _named_stores(directory: Path) -> Iterator[tuple[str, Snapshot]]:
    """Every store of a directory, with its file.

    Raises:
        OSError: the directory cannot be read, or has too many files.
    """
    with os.scandir(directory) as entries:
        for entry in islice(entries, MAX_FILES):
            name = entry.name.removesuffix(STORE_SUFFIX)
            if name == entry.name or STORE_NAME.fullmatch(name) is None:
                continue
            stamp = _stamp(entry.path)
            # A link into nowhere is a store that cannot be read; a file that has just been removed is no store.
            if stamp is not None or entry.is_symlink():
                yield name, _only(stamp)
        if next(entries, None) is not None:
            raise OSError(f"it has more than {MAX_FILES} files")


def _snapshot(place: Path) -> Snapshot:
    """The state of a file or a directory of files; of what cannot be looked at, nothing."""
    try:
        return tuple(stamp for path in _files(place) if (stamp := _stamp(str(path))) is not None)
    except OSError:
        return ()


def _files(place: Path) -> list[Path]:
    """The files that a place stands for, by name.

    Raises:
        OSError: it is a directory that cannot be read, or one with too many files.
    """
    if not place.is_dir():
        return [place]
    with os.scandir(place) as entries:
        names = [entry.name for entry in islice(entries, MAX_FILES + 1)]
    if len(names) > MAX_FILES:
        raise OSError(f"it has more than {MAX_FILES} files")
    named = sorted(name for name in names if not name.startswith("."))
    paths = [place / name for name in named if Path(name).suffix.lower() in CERTIFICATE_SUFFIXES]
    return [path for path in paths if not path.is_dir()]


def _stamp(path: str) -> FileStamp | None:
    """The state of a file; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - it is done for every file every second, and needs no Path
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return FileStamp(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _only(stamp: FileStamp | None) -> Snapshot:
    return () if stamp is None else (stamp,)


def _read_place(place: Path) -> Iterator[SourceFile]:
    """Read a file, or every file of a directory.

    Raises:
        TrustStoreSourceError: one cannot be read, is too long, or there is none.
    """
    try:
        files = _files(place)
    except OSError as error:
        raise TrustStoreSourceError(f"{place} cannot be read: {_why(error)}") from None
    if not files:
        endings = ", ".join(sorted(CERTIFICATE_SUFFIXES))
        raise TrustStoreSourceError(f"there is no file in {place} whose name ends with {endings}")
    for path in files:
        yield SourceFile(str(path), _read(path))


def _read(path: Path) -> bytes:
    try:
        # Without waiting for whoever should write to a pipe: it is refused further down.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _read_descriptor(path, descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise TrustStoreSourceError(f"{path} cannot be read: {_why(error)}") from None


def _read_descriptor(path: Path, descriptor: int) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise TrustStoreSourceError(f"{path} is not a regular file")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise TrustStoreSourceError(f"{path} has more than {MAX_FILE_BYTES} bytes")
    return content


def _why(error: OSError) -> str:
    return error.strerror or str(error)
