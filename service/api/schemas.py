"""What requests hold, field by field: strict types, bounded lists, no unknown fields.

The description of each field is what `/openapi.json` and `/docs` say of it. What an absent option means is the
operator's to say; null stands only where a field's description allows it.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StrictBool,
    StrictInt,
    StrictStr,
)
from pydantic_core import CoreSchema

from service.api.moment import read_moment
from service.application.trust_store_source import DEFAULT_STORE
from service.core.model.policy import EvidenceOrder, KeyPurpose, RevocationMode, RevocationScope, WeakAlgorithm

MAX_EVIDENCE_AGE: Final = timedelta(days=36_525)
"""A hundred years: longer than any certificate lives; the calendar ends after 9999."""

MAX_PATH_LENGTH: Final = 64
"""Intermediates that an option may ask for; path building stops earlier (`Limits.path_length`)."""

MAX_LISTED: Final = 1_000
"""Elements of a list in a request: the most intermediates that the settings allow."""

MAX_OID_LENGTH: Final = 256
"""Characters of an object identifier; the readers of certificates refuse more than 128 octets."""


class _NotNull:
    """Marks a field that may be absent but not null: None stands for its absence alone."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check what stands inside of `T | None`."""
        inner: CoreSchema = handler(source)["schema"]
        return inner


def _without_null_defaults(schema: dict[str, Any]) -> None:
    """Absent is not null, so null is no default to tell callers of."""
    for described in schema.get("properties", {}).values():
        if described.get("default", ...) is None:
            del described["default"]


class Schema(BaseModel):
    """What all requests have in common."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        json_schema_extra=_without_null_defaults,
    )


Texts = Annotated[tuple[StrictStr, ...], Field(max_length=MAX_LISTED, fail_fast=True)]
Moment = Annotated[datetime, BeforeValidator(read_moment)]
ObjectIdentifier = Annotated[
    StrictStr, Field(pattern=r"^[0-2](\.(0|[1-9][0-9]*))+$", max_length=MAX_OID_LENGTH, examples=["2.5.29.32.0"])
]
Absent = _NotNull()


class InlineEvidence(Schema):
    """Revocation evidence, added to what is held, for this request alone.

    What does not parse is ignored, and named in the answer's `detail`.
    """

    crls: Texts = ()
    """CRLs, each PEM or base64 of DER."""
    ocsp_responses: Texts = ()
    """OCSP responses, each base64 of DER."""


class PolicyOptions(Schema):
    """Inputs (c), (e), (f) and (g) of RFC 5280 §6.1.1. What is absent is as the operator has it."""

    initial_policy_set: Annotated[
        Annotated[tuple[ObjectIdentifier, ...], Field(max_length=MAX_LISTED, fail_fast=True)] | None, Absent
    ] = None
    """user-initial-policy-set; 2.5.29.32.0 is any policy."""
    require_explicit_policy: Annotated[StrictBool | None, Absent] = None
    """initial-explicit-policy."""
    inhibit_policy_mapping: Annotated[StrictBool | None, Absent] = None
    """initial-policy-mapping-inhibit."""
    inhibit_any_policy: Annotated[StrictBool | None, Absent] = None
    """initial-any-policy-inhibit."""


class Options(Schema):
    """What one request asks instead of what the operator has set. Answers to it may not be reused."""

    at: Annotated[Moment | None, Absent] = None
    """The moment in question (RFC 3339); now where absent. In the past, only inline evidence is used."""
    online: StrictBool = True
    """Whether revocation evidence may be fetched; what is held counts in any case."""
    revocation_mode: Annotated[RevocationMode | None, Absent] = None
    """How much evidence of not being revoked an allow needs."""
    revocation_scope: Annotated[RevocationScope | None, Absent] = None
    """Which certificates of the path are asked about."""
    evidence_order: Annotated[EvidenceOrder | None, Absent] = None
    """Which methods are admitted, and which is fetched first."""
    evidence: InlineEvidence = InlineEvidence()
    partial_chain: StrictBool = False
    """Whether a path may end at any certificate of the trust store."""
    weak_algorithms: Annotated[
        Annotated[tuple[WeakAlgorithm, ...], Field(max_length=MAX_LISTED, fail_fast=True)] | None, Absent
    ] = None
    """What is accepted although it is refused by default."""
    key_purpose: Annotated[KeyPurpose | None, Absent] = None
    """What the leaf must be good for."""
    max_evidence_age_s: (
        Annotated[StrictInt, Field(ge=0, le=int(MAX_EVIDENCE_AGE.total_seconds()), examples=[86400])] | None
    ) = None
    """Longest time in seconds from thisUpdate to the moment in question; null for no limit beyond nextUpdate."""
    max_path_length: Annotated[StrictInt, Field(ge=0, le=MAX_PATH_LENGTH, examples=[2])] | None = None
    """Most intermediates between leaf and anchor; null for no limit of the request's own."""
    policies: PolicyOptions = PolicyOptions()


class ValidateRequest(Schema):
    """A certificate, and whom it shall chain to."""

    certificate: StrictStr
    """PEM, the leaf first and then any intermediates, or base64 of the leaf's DER."""
    intermediates: Texts = ()
    """More intermediates, each PEM or base64 of DER. One that does not parse is ignored, and named in `detail`."""
    trust_store: StrictStr = DEFAULT_STORE
    """Name of the trust store."""
    options: Annotated[Options | None, Absent] = None
    """Where the operator allows it."""


class BatchRequest(Schema):
    """Several requests at once."""

    items: tuple[Any, ...]
    """The requests. Each is answered on its own: what is wrong with one is a problem in its place."""
