"""Bars at the terminal while a large CRL is downloaded and read; nothing elsewhere, and nothing for a small one.

What is shown goes to standard error and is gone when it is done, so that what is asked for is all that stays.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from service.cli.options import errors

LARGE_BYTES: Final = 4 * 2**20
"""Octets from which reading takes long enough to be watched: a tenth of a second."""

Told = Callable[[str, int, int | None], None]
"""Is told what is being done, how many octets of it are done, and how many there are where that is known."""


@contextmanager
def progress() -> Iterator[Told]:
    """Show bars while the block lasts, one for each thing that is being done."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int | None) -> None:
            if what not in tasks and max(done, total or 0) < LARGE_BYTES:
                return
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield tell


async def joined(chunks: AsyncIterator[bytes], told: Told, octets: int | None = None) -> bytes:
    """The pieces of a download in one, of as many octets as its origin says."""
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        told("downloading", len(found), octets)
    return bytes(found)


def entries_in_words(progress: Mapping[str, Any]) -> str:
    """How many entries of a CRL are read while the service takes it in; nothing before they were counted."""
    total = progress["entries_total"]
    return "" if total is None else f", {progress['entries']:,} of {total:,} entries"
