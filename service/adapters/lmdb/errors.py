"""The one place where the errors of py-lmdb and of the operating system become `StoreError`.

Only the adapter's own calls stand inside a `Translating`: what a caller's iterator raises passes through untouched.
`Noting` stands around whole writes: what is tried again in another way, with success, has not failed.
"""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import lmdb

from service.application.evidence_store import StoreError

LITTLE_ROOM_OCTETS = 1 << 20
"""On a disk with less than that a write may have failed for want of room: one transaction writes some dozen pages."""


class Translating:
    """A block whose `lmdb.Error` and `OSError` leave it as `StoreError`; reusable, and cheap enough for a lookup."""

    __slots__ = ("_disk", "_failed")

    def __init__(self, failed: str, disk: Path | None = None) -> None:
        """Keep what did not work, for the message: `cannot read the store at /var/lib/revet`.

        Args:
            failed: What.
            disk: A directory where something was to be written: where there is no room left, the message says so. Of
                a write that fits in part LMDB says `Input/output error`.
        """
        self._failed = failed
        self._disk = disk

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, lmdb.Error | OSError):
            raise StoreError(f"{self._failed}: {error}{room_left(self._disk)}") from error


class Noting:
    """A block that tells of a write that failed for good; its `StoreError` passes on. Reusable, by several threads."""

    __slots__ = ("_not_written",)

    def __init__(self, not_written: Callable[[], object]) -> None:
        """Take who is told."""
        self._not_written = not_written

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Of what was refused, rather than not written, there is no cause: a response that is too large, a closed store.
        if isinstance(error, StoreError) and isinstance(error.__cause__, lmdb.Error | OSError):
            self._not_written()


def room_left(disk: Path | None) -> str:
    """What to add of the room on a disk, where there is little."""
    if disk is None:
        return ""
    try:
        found = os.statvfs(disk)
    except OSError:
        return ""
    left = found.f_bavail * found.f_frsize
    return f" (No space left on device: {left} octets)" if left < LITTLE_ROOM_OCTETS else ""
