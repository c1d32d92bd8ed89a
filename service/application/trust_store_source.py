"""The port to where trust stores are written down.

Two questions: what is there, which is asked every second and must be cheap, and what is in it, which is asked only
after the first answer has changed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

DEFAULT_STORE: Final = "default"
"""The store of requests that name none."""

STORE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Names of trust stores."""


class TrustStoreSourceError(Exception):
    """A trust store cannot be read now; it may be later, without having changed.

    Attributes:
        reason: Which file, and what is wrong; for a person.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells one version of a file from the next without reading it.

    Attributes:
        path: As it is looked for, symbolic links unresolved.
        device: With `inode`, which file it is: a replaced one is another.
        size: Bytes.
        mtime_ns: When its content was last changed.
        ctime_ns: When anything about it was: it tells of a new mode, and cannot be set back as mtime can.
    """

    path: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class ContentStamp:
    """What tells one version of what is not on a disk from the next.

    Attributes:
        place: Where it comes from.
        sha256: Digest of its octets.
    """

    place: str
    sha256: bytes


Snapshot = tuple[FileStamp | ContentStamp, ...]
"""Every file of a trust store; while two are equal, so are the contents."""


class Listing(Enum):
    """Whether a scan has seen all there is."""

    COMPLETE = "complete"
    """A store that is not in it is gone."""
    PARTIAL = "partial"
    """A place could not be looked at, or was empty: what is not in it stays."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What is there.

    Attributes:
        stores: Every trust store.
        intermediates: The files with intermediates for all of them.
        listing: Whether `stores` is all.
        problems: What is wrong with the places themselves, by place; a store's own problems are found by reading it.
        outdated: Why what is read of a store may not be what is written down now, by store: it is elsewhere, and what
            is read is what came from there last.
    """

    stores: Mapping[str, Snapshot]
    intermediates: Snapshot = ()
    listing: Listing = Listing.COMPLETE
    problems: Mapping[str, str] = field(default_factory=dict)
    outdated: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a trust store.

    Attributes:
        name: For messages.
        content: PEM text, or DER.
    """

    name: str
    content: bytes = field(repr=False)


class TrustStoreSource(Protocol):
    """Where trust stores are written down. Called from one thread at a time; it may wait for a disk."""

    def scan(self) -> Scan:
        """Look what is there."""

    def read(self, name: str) -> tuple[SourceFile, ...]:
        """Read the files of a trust store.

        Raises:
            TrustStoreSourceError: one cannot be read, is too long, or there is none.
        """

    def read_intermediates(self) -> tuple[SourceFile, ...]:
        """Read the files with intermediates for all stores.

        Raises:
            TrustStoreSourceError: one cannot be read or is too long.
        """
