"""The files of the hot environment: made whole or not at all, and opened where they are whole.

LMDB takes an empty file for a new environment, maps a file that was cut beyond its end (whoever reads there is ended by
SIGBUS), and maps a table of locks with holes, which need room on the disk when they are first written to.

Rules it keeps: an environment has its name when it is whole and on the disk; files that are missing, empty or shorter
than they say are an error and never a new environment: what was blocked would be forgotten.

What it does not do: look into rows.
"""

import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

import lmdb

from service.adapters.lmdb.directory import OWNER_ONLY, sync
from service.application.evidence_store import StoreError

FORMAT: Final = b"4"
"""Raised with every change of what rows look like, in the hot environment or in a generation, and with a step of
`migration`."""

ABOUT: Final = b"about"
"""The database with what the environment says of itself."""

FORMAT_KEY: Final = b"format"

MAP_OCTETS: Final = 512 << 20
"""What it may grow to: 192 MiB for OCSP responses, 128 for blocks (`block_rooms.AUTHENTIC`), 32 for tombstones, and 160
for the rest: rows of CRLs, some 8 KiB each, and of their sources, and pages that are still being read. The file is
sparse: it takes on disk what was once in it."""

MAX_READERS: Final = 1024
"""Read transactions at one time, of all processes: one for each thread that looks something up, at 64 octets each."""

MAX_DATABASES: Final = 16

DATA_FILE: Final = "data.mdb"

LOCK_FILE: Final = "lock.mdb"

LOCK_OCTETS: Final = 128 << 10
"""Of the table of readers: more than `MAX_READERS` take."""

UNFINISHED: Final = ".new-"
"""In the names of directories that an environment is made in."""


def make_environment(path: Path, map_size: int) -> None:
    """Make one; nothing happens where somebody else has made it meanwhile.

    Args:
        path: Of its directory, which is not there or empty.
        map_size: Octets it may grow to.

    Raises:
        OSError: it cannot be written.
        lmdb.Error: likewise.
    """
    beside = Path(tempfile.mkdtemp(prefix=f"{path.name}{UNFINISHED}", dir=path.parent))
    try:
        reserve_locks(beside)
        with closing(_opened(beside, map_size)) as environment:
            about = environment.open_db(ABOUT)
            with environment.begin(write=True) as transaction:
                transaction.put(FORMAT_KEY, FORMAT, db=about)
        sync(beside)
        try:
            beside.rename(path)
        except OSError:
            if not (path / DATA_FILE).exists():
                raise
        sync(path.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def remove_unfinished(path: Path) -> None:
    """Remove what was left of attempts to make an environment; nobody may be about to."""
    for beside in path.parent.glob(f"{path.name}{UNFINISHED}*"):
        shutil.rmtree(beside, ignore_errors=True)


def open_environment(path: Path, map_size: int) -> lmdb.Environment:
    """Open one that is there, with others who have it open.

    Raises:
        StoreError: it is not there, or its file was cut.
        OSError: it cannot be read.
        lmdb.Error: likewise, or it is not LMDB's.
    """
    _check_file(path)
    return _whole(path, _opened(path, map_size))


def open_untouched(path: Path) -> lmdb.Environment:
    """Open one for reading alone, without a lock and without a change of anything; nobody else may have it open.

    Raises:
        StoreError: it is not there, or its file was cut.
        OSError: it cannot be read.
        lmdb.Error: likewise, or it is not LMDB's.
    """
    _check_file(path)
    environment = lmdb.open(
        str(path), map_size=MAP_OCTETS, max_dbs=MAX_DATABASES, readonly=True, lock=False, max_spare_txns=1
    )
    return _whole(path, environment)


def _whole(path: Path, environment: lmdb.Environment) -> lmdb.Environment:
    """The same, or none where its file was cut: it is closed then."""
    try:
        check_length(path, environment)
    except BaseException:
        environment.close()
        raise
    return environment


def check_length(path: Path, environment: lmdb.Environment) -> None:
    """Refuse a file that is shorter than it says: whoever reads beyond its end is killed.

    Raises:
        StoreError: it is.
    """
    octets = (path / DATA_FILE).stat().st_size
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if octets < needed:
        raise StoreError(f"{path / DATA_FILE} is damaged: it has {octets} octets and says that it has {needed}")


def reserve_locks(path: Path) -> None:
    """Begin a new table of locks, with its room on the disk; nobody may have the environment open.

    Raises:
        OSError: there is no room.
    """
    lock = path / LOCK_FILE
    lock.unlink(missing_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, LOCK_OCTETS)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(lock)) from error
    finally:
        os.close(descriptor)


def _check_file(path: Path) -> None:
    data = path / DATA_FILE
    try:
        octets = data.stat().st_size
    except FileNotFoundError:
        raise StoreError(f"{data} is missing: what it held is lost") from None
    if octets == 0:
        raise StoreError(f"{data} is empty: what it held is lost")


def _opened(path: Path, map_size: int) -> lmdb.Environment:
    return lmdb.open(
        str(path),
        map_size=map_size,
        max_dbs=MAX_DATABASES,
        max_readers=MAX_READERS,
        max_spare_txns=1,
        mode=OWNER_ONLY,
    )
