"""What answers hold, field by field, for `/openapi.json`; `answer_document` writes them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel

from service.core.model.evidence_tier import Tier
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Method, RevocationStatus, Status

Hex = Annotated[str, Field(pattern="^-?[0-9a-f]+$")]
Fingerprint = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Cache(StrEnum):
    """Whether a verdict was decided before."""

    HIT = "hit"
    MISS = "miss"


class ReadyStatus(StrEnum):
    """Whether requests should be sent here."""

    READY = "ready"
    NOT_READY = "not_ready"
    DEGRADED = "degraded"


class AnswerSchema(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RevocationAnswer(AnswerSchema):
    """What is known of one certificate's revocation, and from what."""

    status: RevocationStatus
    """`unknown`: looked for, nothing usable. `not_checked`: out of scope, mode `off`, not needed, or not reached."""
    method: Method
    """Which kind of evidence gave the status."""
    source: str | None
    """URL of the evidence, or `evidence` for what came with the request."""
    this_update: datetime | None
    """thisUpdate of the evidence."""
    next_update: datetime | None
    """nextUpdate of the evidence."""
    revoked_at: datetime | None
    """When it was revoked."""
    reason: str | None
    """Why, as RFC 5280 §5.3.1 names it."""
    crl_number: int | None
    """Number of the CRL."""
    tier: Tier | None
    """Where the evidence was found."""
    detail: str
    """A sentence for a person: why it was not checked, or what was tried and not usable. May be empty."""


class PathAnswer(AnswerSchema):
    """One certificate of the path."""

    subject: str
    """RFC 4514."""
    issuer: str
    """RFC 4514."""
    serial_number: Hex
    """Hex without leading zeros."""
    fingerprint_sha256: Fingerprint
    """SHA-256 of the certificate."""
    not_after: datetime
    """Last moment of its validity."""
    revocation: RevocationAnswer


class EnforcedAnswer(AnswerSchema):
    """In shadow: what would have been answered."""

    decision: Decision
    status: Status
    code: Code
    detail: str


class Answer(AnswerSchema):
    """A decision and everything it rests on."""

    decision: Decision
    """What the caller shall do."""
    status: Status
    """What is known of the certificate."""
    code: Code
    """Why."""
    detail: str
    """A sentence for a person, and what of the request was ignored."""
    decision_id: str
    """Names this decision in logs."""
    checked_at: datetime
    """When it was decided."""
    valid_until: datetime | None
    """Until when the answer may be reused; null where the request carried options: never."""
    serial_number: Hex | None
    """Hex without leading zeros; null where the certificate cannot be read, as are the next five."""
    fingerprint_sha256: Fingerprint | None
    """SHA-256 of the certificate."""
    subject: str | None
    """RFC 4514."""
    issuer: str | None
    """RFC 4514."""
    sans: list[str] | None
    """Subject alternative names: `DNS:`, `URI:` and so on."""
    path: list[PathAnswer]
    """Leaf first, without the anchor unless it is the leaf; empty where no path reached an anchor."""
    authorized_policies: list[str]
    """The user-constrained policy set; 2.5.29.32.0 for any policy."""
    enforced: EnforcedAnswer | None
    """In shadow: what would have been answered."""
    cache: Cache
    """Whether the verdict was decided before."""


class FieldFaultAnswer(AnswerSchema):
    """What is wrong with one field."""

    field: str
    """Its path: `options.evidence.crls[3]`."""
    detail: str


class ProblemAnswer(AnswerSchema):
    """A request that got no answer (RFC 9457)."""

    type: str
    """Which problem: does not change between versions."""
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    """The HTTP status."""
    detail: str
    """A sentence for a person."""
    errors: list[FieldFaultAnswer] = []
    """Which fields are at fault."""


class ItemProblem(AnswerSchema):
    """An item of a batch that got no answer."""

    problem: ProblemAnswer


class Result(RootModel[Answer | ItemProblem]):
    """What one item of a batch got."""


class BatchAnswer(AnswerSchema):
    """The answers to a batch."""

    results: list[Result]
    """One for each item, in order."""


class Health(AnswerSchema):
    """The process lives."""

    status: Annotated[str, Field(pattern="^ok$")]


class CheckAnswer(AnswerSchema):
    """One check."""

    ok: bool
    detail: str


class ReadinessAnswer(AnswerSchema):
    """Whether requests should be sent here."""

    status: ReadyStatus
    """`degraded`: answers, although a check failed."""
    checks: dict[str, CheckAnswer]
    """Every check by its name."""
