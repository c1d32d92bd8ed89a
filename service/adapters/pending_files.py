"""CRLs that wait for their issuer, a file each: `<sha256>.crl` in a directory for this user alone.

Rules it keeps: what is kept is bounded in number and octets, and the oldest gives way; a file is whole when it has its
name; what is read is what its name says.

What it does not do: look into them.
"""

import mmap
import os
import re
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from service.adapters.write_failures import nobody, telling
from service.application.prefetch.pending import MAX_PENDING
from service.core.der import tlv

_NAME: Final = re.compile(r"([0-9a-f]{64})\.crl")


class PendingFiles:
    """Implements `service.application.prefetch.pending.PendingShelf`."""

    def __init__(
        self,
        directory: Path,
        max_octets: int,
        dropped: Callable[[str], None],
        max_files: int = MAX_PENDING,
        not_written: Callable[[], object] = nobody,
    ) -> None:
        """Take the directory, which must exist.

        Args:
            directory: For this alone; files that were left half written are removed.
            max_octets: Of all files together; 0 keeps none.
            dropped: Is told the digest of what found no room, or gave way.
            max_files: Kept.
            not_written: Is called when one could not be written.
        """
        self._directory = directory
        self._max_octets = max_octets
        self._max_files = max_files
        self._dropped = dropped
        self._not_written = not_written
        for unfinished in directory.glob("*.part"):
            unfinished.unlink(missing_ok=True)

    def keep(self, digest: bytes, data: tlv.Buffer) -> bool:
        """Keep one, dropping the oldest for it where there are too many.

        Raises:
            OSError: it could not be written.
        """
        if len(data) > self._max_octets:
            self._dropped(digest.hex())
            return False
        path = self._path(digest)
        if not path.exists():
            part = path.with_suffix(".part")
            try:
                with telling(self._not_written):
                    part.write_bytes(data)
                    part.rename(path)
            finally:
                part.unlink(missing_ok=True)
        self._make_room(path)
        return True

    def digests(self) -> frozenset[bytes]:
        """What is kept.

        Raises:
            OSError: it cannot be listed.
        """
        names = (_NAME.fullmatch(name) for name in os.listdir(self._directory))  # noqa: PTH208 - names are wanted
        return frozenset(bytes.fromhex(name[1]) for name in names if name is not None)

    def read(self, digest: bytes) -> memoryview | None:
        """One of them, mapped into memory; None where it has gone, or is not what its name says.

        Raises:
            OSError: it cannot be read.
        """
        try:
            with self._path(digest).open("rb") as file:
                data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (FileNotFoundError, ValueError):  # an empty file cannot be mapped
            return None
        return data if sha256(data).digest() == digest else None

    def remove(self, digest: bytes) -> None:
        """Keep it no longer."""
        with suppress(OSError):
            self._path(digest).unlink(missing_ok=True)

    def _make_room(self, newest: Path) -> None:
        files = []
        for path in self._directory.glob("*.crl"):
            with suppress(FileNotFoundError):
                status = path.stat()
                files.append((path != newest, -status.st_mtime_ns, status.st_size, path))
        octets = 0
        for count, (_, _, size, path) in enumerate(sorted(files), 1):
            octets += size
            if count > self._max_files or octets > self._max_octets:
                path.unlink(missing_ok=True)
                self._dropped(path.stem)

    def _path(self, digest: bytes) -> Path:
        return self._directory / f"{digest.hex()}.crl"
