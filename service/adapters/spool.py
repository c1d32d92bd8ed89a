"""Downloads in unnamed files of the data directory, mapped into memory."""

import mmap
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path


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
            async for chunk in chunks:
                file.write(chunk)
            if not file.tell():
                return memoryview(b"")
            file.flush()
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
