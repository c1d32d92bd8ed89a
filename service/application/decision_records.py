"""What is kept of a decision, so that somebody can ask about it later.

Rules it keeps: a record is a fact about one answer, and no authority: nothing is decided by it; keeping one must
neither wait nor fail, and what there is no room for is counted and left out.

What it does not do: store anything (`service.adapters.decisions`), or know what a case looks like (`replay_case`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status

API_FRONT = "api"
"""The front of what came to `POST /v1/validate` and its batch: no proxy is called so."""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision, as it was answered.

    Attributes:
        decision_id: As the answer says it.
        at: When it was answered.
        decision: What the caller was told to do.
        status: Of the certificate.
        code: Why.
        detail: Why, in a sentence for a person.
        trust_store: Which was named.
        front: Where the request came in: `API_FRONT`, or a proxy's.
        serial_number: Of the leaf, hexadecimal; None where it cannot be read.
        subject: Of the leaf (RFC 4514); None where it cannot be read.
        issuer: Of the leaf (RFC 4514); None where it cannot be read.
        fingerprint_sha256: Of the leaf, hexadecimal; None where it cannot be read.
        duration_s: Seconds from request to verdict; None where an earlier one was given again.
        enforced: In shadow, the code of the denial that was put aside; None otherwise.
        repeats: The decision that was given again; None where this one was decided then.
        case: What it rests on, to be decided again (`replay_case`); None where that is not kept.
        left_out: How often it was given again without a record of its own.
    """

    decision_id: str
    at: datetime
    decision: Decision
    status: Status
    code: Code
    detail: str
    trust_store: str
    front: str
    serial_number: str | None
    subject: str | None
    issuer: str | None
    fingerprint_sha256: str | None
    duration_s: float | None
    enforced: Code | None = None
    repeats: str | None = None
    case: bytes | None = field(default=None, repr=False)
    left_out: int = 0


class DecisionKeeper(Protocol):
    """Keeps records; must not raise and must not wait."""

    def wants(self, decision: Decision, enforced: Code | None) -> bool:
        """Whether a decision of this kind is kept: every denial is, and others where the operator says so."""

    def has_room(self, repeats: str) -> bool:
        """Whether a decision that is given again gets one more record; otherwise it is counted on the first one's.

        Asked before that record is made: who asks thousands of times in a second costs no more than this, and pushes
        nobody else's record out.

        Args:
            repeats: The decision that is given again.
        """

    def keep(self, record: DecisionRecord) -> None:
        """Keep one, in a moment; where there is no room, count it as lost."""


@dataclass(frozen=True, slots=True)
class DecisionQuery:
    """Which records are wanted.

    Attributes:
        code: Only with this code; None for all.
        decision: Only these; None for both.
        trust_store: Only of this one; None for all.
        before: Only older than the record with this id; None for the newest.
        limit: How many at most.
    """

    code: Code | None = None
    decision: Decision | None = None
    trust_store: str | None = None
    before: str | None = None
    limit: int = 100


class DecisionBook(Protocol):
    """Where they are found again, whichever process of the service kept them."""

    def recent(self, query: DecisionQuery) -> Sequence[DecisionRecord]:
        """The newest first, without their cases.

        Raises:
            DecisionsUnavailableError: they cannot be read.
        """

    def find(self, decision_id: str) -> DecisionRecord | None:
        """One of them with its case, or with that of the one it repeats; None where it is not kept.

        Raises:
            DecisionsUnavailableError: they cannot be read.
        """


class DecisionsUnavailableError(Exception):
    """What is kept of decisions cannot be read, or nothing is kept."""
