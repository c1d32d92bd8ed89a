"""What `GET /v1/trust-stores` answers, field by field."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.api.answers import AnswerSchema, Fingerprint

Count = Annotated[int, Field(ge=0)]


class TrustedCertificate(AnswerSchema):
    """A certificate of a trust store."""

    subject: str
    """RFC 4514."""
    fingerprint_sha256: Fingerprint
    not_after: datetime
    """Its last moment; whoever reads says how long that is."""
    is_anchor: bool
    """Whether a path may end at it, or only go through it."""


class TrustStoreAnswer(AnswerSchema):
    """A trust store, as the worker that answers has it; or a place with a problem."""

    name: str
    """What requests call it; or the place, where a place is the problem."""
    problem: str | None
    """Why what is written down is not in force."""
    sources: list[str]
    """Ten at most of the files, or the place, that it was read from."""
    in_force_since: datetime | None
    """Since when the worker that answers has this version; null without any."""
    total: Count
    """Certificates of its own in the version in force; the intermediates of all stores are not among them."""
    certificates: list[TrustedCertificate]
    """Those that end soonest first, those that have ended included."""
    omitted: Count
    """Certificates that are not shown."""


class TrustStoresAnswer(AnswerSchema):
    """Trust stores: those with a problem first, then those of which a certificate ends soonest."""

    trust_stores: list[TrustStoreAnswer]
    total: Count
    """How many there are in all."""
    at: datetime
    """The moment."""
