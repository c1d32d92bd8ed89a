"""Downloads in unnamed files of the data directory, mapped into memory.

A disk is waited for in threads only: one that is busy may keep a writer for seconds, and a process whose loop stands
still for ten is taken for dead and replaced, with everything that others have asked of it.
"""

import asyncio
import mmap
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

WRITTEN_AT_ONCE: Final = 1 << 20
"""Octets: each change of threads costs some 50 microseconds, and so many octets of each download wait in memory."""


class FileSpool:
    """Spools into a directory of the pod's store: the same disk, and never a full /tmp."""

    def __init__(self, directory: Path) -> None:
        """Take the directory, which must exist."""
        self._directory = directory

    async def collect(self, chunks: AsyncIterator[bytes]) -> memoryview:
        """Write the pieces to an unnamed file and map it.

        Raises:
            OSError: no space.
        """
        with tempfile.TemporaryFile(dir=self._directory) as file:
            waiting: list[bytes] = []
            octets = 0
            async for chunk in chunks:
                waiting.append(chunk)
                octets += len(chunk)
                if octets >= WRITTEN_AT_ONCE:
                    await asyncio.to_thread(file.writelines, waiting)
                    waiting, octets = [], 0
            return await asyncio.to_thread(_mapped, file, waiting)


def _mapped(file: BinaryIO, rest: list[bytes]) -> memoryview:
    """The file with the rest, in memory."""
    file.writelines(rest)
    if not file.tell():
        return memoryview(b"")
    file.flush()
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
