"""Files that are whole or absent, and directories that one program at a time changes."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, IntEnum
from pathlib import Path


class Mode(IntEnum):
    """Who may read a file."""

    PUBLIC = 0o644
    PRIVATE = 0o600


class Patience(Enum):
    """What to do while another program holds a lock."""

    WAIT = fcntl.LOCK_EX
    GIVE_UP = fcntl.LOCK_EX | fcntl.LOCK_NB


def write_atomically(path: Path, content: bytes, mode: Mode = Mode.PUBLIC) -> None:
    """Write a file so that a reader sees the old content or the new, and nothing between.

    Raises:
        OSError: it could not be written.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(descriptor, mode)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Remove whatever is there: nothing, a file, a link, a directory with all that is in it.

    Raises:
        OSError: it could not be removed.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def locked(directory: Path, patience: Patience) -> Iterator[None]:
    """Hold a directory's lock, which the kernel releases when this process ends, however it ends.

    Raises:
        BlockingIOError: another program holds it, and it is not waited for.
        OSError: there is no such directory.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, patience.value)
        yield
    finally:
        os.close(descriptor)
