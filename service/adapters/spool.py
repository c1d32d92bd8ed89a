"""Downloads in unnamed files of the data directory, mapped into memory.

A disk is waited for in threads only: one that is busy may keep a writer for seconds, and a process whose loop stands
still for ten is taken for dead and replaced, with everything that others have asked of it.
"""

import asyncio
import mmap
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Final

from service.adapters.write_failures import nobody, telling

WRITTEN_AT_ONCE: Final = 1 << 20
"""Octets: each change of threads costs some 50 microseconds, and so many octets of each download wait in memory."""


class FileSpool:
    """Spools into a directory of the pod's store: the same disk, and never a full /tmp."""

    def __init__(self, directory: Path, not_written: Callable[[], object] = nobody) -> None:
        """Take the directory, which must exist, and who is told of writes that fail."""
        self._directory = directory
        self._not_written = not_written

    async def collect(self, chunks: AsyncIterator[bytes]) -> memoryview:
        """Write the pieces to an unnamed file and map it.

        Raises:
            OSError: no space.
        """
        with self._opened() as file:
            waiting: list[bytes] = []
            octets = 0
            async for chunk in chunks:
                waiting.append(chunk)
                octets += len(chunk)
                if octets >= WRITTEN_AT_ONCE:
                    with telling(self._not_written):
                        await asyncio.to_thread(file.writelines, waiting)
                    waiting, octets = [], 0
            with telling(self._not_written):
                return await asyncio.to_thread(_mapped, file, waiting)

    def _opened(self) -> IO[bytes]:
        with telling(self._not_written):
            return tempfile.TemporaryFile(dir=self._directory)


def _mapped(file: IO[bytes], rest: list[bytes]) -> memoryview:
    """The file with the rest, in memory."""
    file.writelines(rest)
    if not file.tell():
        return memoryview(b"")
    file.flush()
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
