"""The port to metrics and logs: a hook that is given one frozen object for each event.

Nothing in these objects that may become a label of a metric names a certificate: what does is marked "for logs alone".
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, Protocol

from service.core.model.attempt import Problem
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status

UNKNOWN_FRONT: Final = "(unknown)"
"""What stands for the name of a front that is none: no front can be called so."""


@dataclass(frozen=True, slots=True)
class DecisionDetails:
    """A decision was made.

    Attributes:
        decision_id: For logs alone.
        front: Where the request came in: `API_FRONT`, or a proxy's.
        duration_s: Seconds from request to verdict; None where an earlier one was given again.
        status: Of the certificate; None where nobody has said.
    """

    decision_id: str
    decision: Decision
    code: Code
    trust_store: str
    front: str
    duration_s: float | None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class AuthorizedDetails:
    """A proxy that asked whether to let a request through was answered, with a decision or without.

    Attributes:
        front: Which it is; `UNKNOWN_FRONT` where it names none that is served.
        code: Why: that of the decision, or why there is none.
        decision_id: For logs alone.
    """

    front: str
    code: str
    decision_id: str


@dataclass(frozen=True, slots=True)
class ShadowDetails:
    """An answer was an allow, and would have been a denial outside shadow mode.

    Attributes:
        decision_id: For logs alone.
        code: Why it would have been.
    """

    decision_id: str
    code: Code
    trust_store: str


@dataclass(frozen=True, slots=True)
class IgnoredDetails:
    """Something that came with a request does not parse, and the decision was made without it.

    Attributes:
        decision_id: For logs alone.
        reasons: One for each intermediate and each piece of evidence; for logs alone.
    """

    decision_id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FetchDetails:
    """Something was fetched, or not.

    Attributes:
        kind: `crl` or `ocsp`.
        url: For logs alone.
        problem: What went wrong; None for a usable answer.
        detail: For logs alone.
        duration_s: Seconds from asking to knowing whether it is usable.
    """

    kind: Literal["crl", "ocsp"]
    url: str
    problem: Problem | None
    detail: str
    duration_s: float


class OcspEvent(StrEnum):
    """What happened to an OCSP answer besides being fetched."""

    MEMORY = "memory"
    """It was held, and had been read by this worker."""
    HOST = "host"
    """It was held, and was read now."""
    REDIS = "redis"
    """Another replica had fetched it, and no responder was asked."""
    REMEMBERED = "remembered"
    """A responder was not asked, since it refused to answer the same a moment ago."""
    NOT_TRIED = "not_tried"
    """A responder was not asked, since its host failed several times in a row."""
    REFRESHED = "refreshed"
    """It was asked for ahead of its end, and another one came."""
    REFRESH_UNCHANGED = "refresh_unchanged"
    """The same one came."""
    REFRESH_FAILED = "refresh_failed"
    """None came; what is held serves until its end."""
    REFRESH_DROPPED = "refresh_dropped"
    """Too many others were to be asked for."""


class Ingested(StrEnum):
    """How a CRL came to be held."""

    STORED = "stored"
    """It is new."""
    UNCHANGED = "unchanged"
    """It is the one that is held already."""
    SAME_NUMBER = "same_number"
    """It is newer than the one held and bears its number: stored, and the issuer should be told."""


@dataclass(frozen=True, slots=True)
class IngestDetails:
    """A CRL was downloaded whole, and is now held or was refused.

    Attributes:
        url: For logs alone.
        outcome: A problem where it was refused.
        entries: How many certificates it revokes; 0 where it could not be read.
        size: Bytes of DER.
        duration_s: Seconds for reading, verifying and storing it.
    """

    url: str
    outcome: Ingested | Problem
    entries: int
    size: int
    duration_s: float


class TrustStoreChange(StrEnum):
    """What became of a trust store."""

    LOADED = "loaded"
    """It is new, or has another content than before."""
    REFUSED = "refused"
    """What it should become cannot be used; what it was stays in force."""
    REMOVED = "removed"
    """It is gone."""


@dataclass(frozen=True, slots=True)
class TrustStoreDetails:
    """A trust store has changed, or should have.

    Attributes:
        name: What requests call it, or where the problem is.
        certificates: Of the version in force; 0 where there is none.
        problem: Why it was refused; empty otherwise. For logs alone.
        unchained: Subjects of its intermediates that chain to none of its anchors. For logs alone.
    """

    name: str
    change: TrustStoreChange
    certificates: int = 0
    problem: str = ""
    unchained: tuple[str, ...] = field(default=())


class BlockChange(StrEnum):
    """What became of the blocks."""

    ADDED = "added"
    """There is one more."""
    REMOVED = "removed"
    """There is one less."""
    UNREADABLE = "unreadable"
    """They cannot be read, and nothing is decided without them."""
    NOT_WRITTEN = "not_written"
    """One was asked for, or its removal, and could not be written down: nothing has changed."""


@dataclass(frozen=True, slots=True)
class BlockDetails:
    """The blocks have changed, or cannot be read.

    Attributes:
        block_id: Which one. For logs alone.
        by: Who asked for it. For logs alone.
        reason: Why. For logs alone.
    """

    change: BlockChange
    block_id: str = ""
    by: str = ""
    reason: str = ""


class Observer(Protocol):
    """Is told what happens; must not raise and must not wait."""

    def decided(self, details: DecisionDetails) -> None:
        """A decision was made."""

    def authorized(self, details: AuthorizedDetails) -> None:
        """A proxy was answered."""

    def would_deny(self, details: ShadowDetails) -> None:
        """It was answered as allow, in shadow mode alone."""

    def ignored(self, details: IgnoredDetails) -> None:
        """It was made without something that came with the request."""

    def fetched(self, details: FetchDetails) -> None:
        """An origin was asked."""

    def ocsp(self, event: OcspEvent) -> None:
        """An OCSP answer was found, or not asked for, or asked for ahead."""

    def ingested(self, details: IngestDetails) -> None:
        """A CRL was downloaded, and is held or refused."""

    def trust_store_changed(self, details: TrustStoreDetails) -> None:
        """A trust store has another content, or should have."""

    def blocks_changed(self, details: BlockDetails) -> None:
        """A block was added or removed, or they cannot be read."""


class NullObserver:
    """Is told, and forgets."""

    def decided(self, details: DecisionDetails) -> None:
        """Forget it."""

    def authorized(self, details: AuthorizedDetails) -> None:
        """Forget it."""

    def would_deny(self, details: ShadowDetails) -> None:
        """Forget it."""

    def ignored(self, details: IgnoredDetails) -> None:
        """Forget it."""

    def fetched(self, details: FetchDetails) -> None:
        """Forget it."""

    def ocsp(self, event: OcspEvent) -> None:
        """Forget it."""

    def ingested(self, details: IngestDetails) -> None:
        """Forget it."""

    def trust_store_changed(self, details: TrustStoreDetails) -> None:
        """Forget it."""

    def blocks_changed(self, details: BlockDetails) -> None:
        """Forget it."""


class Observers:
    """Tells each of several observers."""

    def __init__(self, *observers: Observer) -> None:
        """Take them, in the order in which they are told."""
        self._observers = observers

    def decided(self, details: DecisionDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.decided(details)

    def authorized(self, details: AuthorizedDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.authorized(details)

    def would_deny(self, details: ShadowDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.would_deny(details)

    def ignored(self, details: IgnoredDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.ignored(details)

    def fetched(self, details: FetchDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.fetched(details)

    def ocsp(self, event: OcspEvent) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.ocsp(event)

    def ingested(self, details: IngestDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.ingested(details)

    def trust_store_changed(self, details: TrustStoreDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.trust_store_changed(details)

    def blocks_changed(self, details: BlockDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.blocks_changed(details)
