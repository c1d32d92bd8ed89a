"""What answers about decisions that are kept hold, field by field."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from service.api.answers import AnswerSchema, Fingerprint, Hex
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status


class DecisionLine(AnswerSchema):
    """A decision, as it was answered."""

    decision_id: str
    """As the answer said it; `before` takes it."""
    at: datetime
    """When it was answered."""
    decision: Decision
    """What the caller was told to do."""
    status: Status
    """Of the certificate."""
    code: Code
    """Why."""
    detail: str
    """A sentence for a person."""
    trust_store: str
    """Which was named."""
    front: str
    """`api`, or the proxy's through which it was asked."""
    serial_number: Hex | None
    """Hex without leading zeros; null where the certificate cannot be read, as are the next three."""
    subject: str | None
    """RFC 4514."""
    issuer: str | None
    """RFC 4514."""
    fingerprint_sha256: Fingerprint | None
    """SHA-256 of the certificate."""
    duration_s: Annotated[float, Field(ge=0)] | None
    """Seconds from request to verdict; null where an earlier one was given again."""
    enforced: Code | None
    """In shadow, the code of the denial that was put aside."""
    repeats: str | None
    """The decision that was given again; null where this one was decided then."""
    left_out: Annotated[int, Field(ge=0)]
    """How often it was given again without a record of its own."""


class DecisionAnswer(DecisionLine):
    """A decision with what it rested on."""

    case: dict[str, Any] | None
    """What `revet explain --decision` decides again; of a decision that was given again, that of the first one."""


class DecisionsAnswer(AnswerSchema):
    """Decisions that are kept."""

    decisions: list[DecisionLine]
    """The newest first."""
    next: str | None
    """What `before` is to be for the next of them; null where these are the last."""
