"""The port to somewhere that large downloads are kept while they are read."""

from collections.abc import AsyncIterator
from typing import Protocol


class Spool(Protocol):
    """Keeps a download out of memory."""

    async def collect(self, chunks: AsyncIterator[bytes]) -> memoryview:
        """Write the pieces to a file that has no name any more and map it; it is gone when nobody looks at it.

        Raises:
            OSError: no space.
        """
