"""The port to the log of what administrators have done: who asked for what, one frozen object for each event."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RefreshAsked:
    """Sources are to be tried now.

    Attributes:
        by: Who asked, for people.
        sources: How many.
    """

    by: str
    sources: int


@dataclass(frozen=True, slots=True)
class Purged:
    """Caches were emptied.

    Attributes:
        by: Who asked, for people.
        caches: Their names.
    """

    by: str
    caches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WatermarksReset:
    """Lower CRL numbers are accepted again in some slots.

    Attributes:
        by: Who asked, for people.
        slots: Their keys.
        issuers: Whose CRLs they hold.
    """

    by: str
    slots: tuple[bytes, ...]
    issuers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A CRL was uploaded.

    Attributes:
        by: Who did, for people.
        name: What it is called.
        octets: How long it is.
        outcome: What became of it, in one word.
    """

    by: str
    name: str
    octets: int
    outcome: str


@dataclass(frozen=True, slots=True)
class UploadRemoved:
    """An uploaded file was removed; what it gave stays held.

    Attributes:
        by: Who did, for people.
    """

    by: str
    name: str


class OperatorObserver(Protocol):
    """Is told what administrators do; must not raise and must not wait."""

    def refresh_asked(self, details: RefreshAsked) -> None:
        """Sources are to be tried now."""

    def purged(self, details: Purged) -> None:
        """Caches were emptied."""

    def watermarks_reset(self, details: WatermarksReset) -> None:
        """Lower CRL numbers are accepted again."""

    def uploaded(self, details: Uploaded) -> None:
        """A CRL was uploaded."""

    def upload_removed(self, details: UploadRemoved) -> None:
        """An uploaded file was removed."""


class NullOperatorObserver:
    """Is told, and forgets. Implements `OperatorObserver`."""

    def refresh_asked(self, details: RefreshAsked) -> None:
        """Forget it."""

    def purged(self, details: Purged) -> None:
        """Forget it."""

    def watermarks_reset(self, details: WatermarksReset) -> None:
        """Forget it."""

    def uploaded(self, details: Uploaded) -> None:
        """Forget it."""

    def upload_removed(self, details: UploadRemoved) -> None:
        """Forget it."""
