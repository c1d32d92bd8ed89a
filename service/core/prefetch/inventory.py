"""What the prefetcher knows of the places where CRLs are published: values that its plan is made of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SourceKind(StrEnum):
    """How a source came to be one."""

    CONFIGURED = "configured"
    """The operator named it; it is never forgotten."""
    LEARNED = "learned"
    """A certificate that chained to an anchor named it, or a CRL that was held did (freshestCRL)."""


@dataclass(frozen=True, slots=True)
class Source:
    """One CRL, and where it may be had.

    Attributes:
        key: What it is called: the first of its places.
        places: Tried in turn: `https://…`, `http://…`, `s3://…`, `file:///…`.
        kind: How it came to be a source.
    """

    key: str
    places: tuple[str, ...]
    kind: SourceKind


@dataclass(frozen=True, slots=True)
class Window:
    """The times of the CRL that a source gave last (RFC 5280 §5.1.2.4, §5.1.2.5)."""

    this_update: datetime
    next_update: datetime | None


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source, and what has come of it so far.

    Attributes:
        used_at: When a verdict last depended on it; for a configured one, when it was configured.
        tried_at: When the last attempt ended; None before the first.
        succeeded_at: When it last gave a CRL that is held, an unchanged one included; None before the first time.
        failures: Attempts in a row that gave none.
        window: Of the CRL that is held; None where none is.
        fresh_until: Until when the origin said that nothing changes (`Cache-Control: max-age`); None where it did not.
        asked_at: When somebody asked for it to be fetched now; None where nobody waits.
        known_since: When it was first heard of: the first delay counts from there. None where nobody wrote it down;
            then it counts from `used_at`, which must not move before the first attempt has ended.
    """

    source: Source
    used_at: datetime
    tried_at: datetime | None = None
    succeeded_at: datetime | None = None
    failures: int = 0
    window: Window | None = None
    fresh_until: datetime | None = None
    asked_at: datetime | None = None
    known_since: datetime | None = None
