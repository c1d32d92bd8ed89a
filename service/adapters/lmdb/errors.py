"""The one place where the errors of py-lmdb and of the operating system become `StoreError`.

Only the adapter's own calls stand inside a `Translating`: what a caller's iterator raises passes through untouched.
"""

from types import TracebackType

import lmdb

from service.application.evidence_store import StoreError


class Translating:
    """A block whose `lmdb.Error` and `OSError` leave it as `StoreError`; reusable, and cheap enough for a lookup."""

    __slots__ = ("_failed",)

    def __init__(self, failed: str) -> None:
        """Keep what did not work, for the message: `cannot read the store at /var/lib/revet`."""
        self._failed = failed

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, lmdb.Error | OSError):
            raise StoreError(f"{self._failed}: {error}") from error
