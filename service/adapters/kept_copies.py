"""Copies of remote trust stores on this host's disk.

Rules it keeps: whoever may write here decides whom the service trusts, so that the directory is this user's alone; a
copy is replaced as a whole and is on the disk before the old one is gone; processes that write at one time do not
disturb each other; nothing but regular files of a bounded size is read, and no link is followed.

What it does not do: look into them. A copy is judged like anything else that claims to be a trust store.
"""

import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final

from service.adapters.lmdb.directory import prepare

MAX_BYTES: Final = 16 * 2**20
"""Of a copy, as of a trust store."""

_OWNER_ONLY: Final = 0o600


class KeptCopies:
    """Implements `service.application.remote_trust_store.KeptCopies`."""

    def __init__(self, directory: Path) -> None:
        """Make the directory, or check it.

        Raises:
            StoreError: it is not a directory of this user alone on a local file system.
        """
        prepare(directory)
        self._directory = directory

    def load(self, name: str) -> bytes | None:
        """The copy of that name; None where there is none that can be read."""
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
                return None
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(MAX_BYTES)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def keep(self, name: str, content: bytes) -> None:
        """Replace the copy of that name.

        Raises:
            OSError: it cannot be written.
        """
        path = self._path(name)
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with os.fdopen(
                os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, _OWNER_ONLY), "wb"
            ) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _path(self, name: str) -> Path:
        """A name of any length and any characters as the name of a file."""
        return self._directory / sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
