"""What requests and answers of the operations hold, field by field."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StrictStr

from service.api.answers import AnswerSchema, Fingerprint
from service.api.schemas import Absent, Schema
from service.application.operating.crl_listing import CrlStatus
from service.application.operating.purging import CacheKind
from service.application.operating.resetting import FEWEST_DIGITS
from service.application.operating.uploads import UploadOutcome
from service.application.prefetch.source_record import Phase
from service.core.model.attempt import Problem
from service.core.prefetch.inventory import SourceKind

MAX_SOURCES: Final = 1_000
"""Sources that one request names; who means more of them means all."""

MAX_SOURCE: Final = 8_192
"""Characters of a source: more than any URL that servers take."""

MAX_ISSUER: Final = 16_384
"""Characters of an issuer's name: that of four kibibytes, the longest that is read, with every character escaped."""

SourceName = Annotated[StrictStr, Field(min_length=1, max_length=MAX_SOURCE, examples=["http://crl.example/a.crl"])]
SlotDigits = Annotated[StrictStr, Field(pattern=rf"^[0-9a-f]{{{FEWEST_DIGITS},64}}$", examples=["0f" * 32])]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


class ProgressAnswer(AnswerSchema):
    """How far a source has come that is being fetched."""

    phase: Phase
    """`ingesting`: it is being verified and written."""
    done: Count
    """Octets so far: those that have come, then those of its list that are read."""
    total: Count | None
    """Octets there are; null where the origin does not say."""
    entries: Count
    """Entries that are read."""
    entries_total: Count | None
    """Entries there are; null before they were counted."""
    at: datetime
    """When that was."""


class CrlAnswer(AnswerSchema):
    """A CRL of a source; or a CRL whose source is forgotten, or a source that has given none."""

    id: str
    """Names the line; `after` takes it."""
    status: CrlStatus
    """`fresh`; `due`: may be used, and a newer one is wanted; `stale`: may be used by grace alone; `ended`: may not be
    used; `pending`: waits for its issuer; `failed`, `never`: a source that has given nothing, or was not tried."""
    issuer: str | None
    """RFC 4514; null where nothing is held, as are the next twelve."""
    crl_number: int | None
    """CRL number."""
    base_crl_number: int | None
    """Of a delta CRL: the number that it builds on."""
    this_update: datetime | None
    """thisUpdate."""
    next_update: datetime | None
    """nextUpdate."""
    entries: Count | None
    """Certificates in it."""
    size: Count | None
    """Octets."""
    scope: list[str] | None
    """Names of the issuing distribution point, and what it leaves out; empty for a CRL that is complete."""
    slot: Fingerprint | None
    """What it replaces another one in: signer, issuer, scope and kind."""
    sha256: Fingerprint | None
    """SHA-256 of the CRL."""
    signer_spki_sha256: Fingerprint | None
    """SHA-256 of the key under which its signature verified."""
    fetched_at: datetime | None
    """When it came."""
    fetched_from: str | None
    """Which URL, file or object it came from."""
    source: str | None
    """What its source is called; null for a CRL whose source is forgotten, as are the next ten."""
    places: list[str]
    """Where the source may be had, tried in turn."""
    kind: SourceKind | None
    """Whether the operator named the source, or a certificate did."""
    failures: Count | None
    """Attempts in a row that gave nothing."""
    problem: Problem | None
    """What was wrong the last time; null where nothing was."""
    detail: str | None
    """More about that."""
    last_attempt: datetime | None
    """When the last attempt ended."""
    last_success: datetime | None
    """When it last gave what is held, an unchanged one included."""
    next_attempt: datetime | None
    """When it is tried again, at the latest."""
    number_moved_at: datetime | None
    """When its CRL number was first seen."""
    stalled: bool | None
    """Whether that number has stopped moving."""
    pending: Count | None
    """CRLs of the source that wait for their issuer."""
    progress: ProgressAnswer | None
    """While it is being fetched."""


class PlaceAnswer(AnswerSchema):
    """A configured place with any number of CRLs, and what its last listing showed."""

    place: str
    """A directory, `s3://bucket/prefix/`, or a single file or URL."""
    listed_at: datetime | None
    """Since when it can be listed; null for never."""
    objects: Count
    """CRLs there."""
    problem: str
    """Why it cannot be listed now; empty where it can."""


class CrlsAnswer(AnswerSchema):
    """What is held, and where it comes from."""

    crls: list[CrlAnswer]
    """In the order of `id`, or of `order`."""
    total: Count
    """How many are wanted in all."""
    after: str | None
    """What `after` is to be for the next of them; null where these are the last, and in the order of urgency."""
    places: list[PlaceAnswer]
    """The configured places."""
    at: datetime
    """The moment of all of it."""


def _one_at_most(schema: dict[str, Any]) -> None:
    """Say that the fields exclude each other, and that absent is not null."""
    for described in schema["properties"].values():
        if described.get("default", ...) is None:
            del described["default"]
    schema["not"] = {"required": ["source", "sources"]}


class RefreshRequest(Schema):
    """Which sources to try now; all of them where none is named."""

    model_config = ConfigDict(json_schema_extra=_one_at_most)

    source: Annotated[SourceName | None, Absent] = None
    """One: what it is called, or any of its places."""
    sources: Annotated[
        Annotated[tuple[SourceName, ...], Field(min_length=1, max_length=MAX_SOURCES, fail_fast=True)] | None, Absent
    ] = None
    """Several."""


class OutcomeAnswer(AnswerSchema):
    """How the refresh of one source ended."""

    source: str
    """What it is called."""
    problem: Problem | None
    """What is wrong; null for a CRL that is held and serves."""
    detail: str
    """More about that."""


class RefreshAnswer(AnswerSchema):
    """What is being tried, and what came of it."""

    asked_at: datetime
    """When it was asked for: an attempt that ended later answers it."""
    started: list[str]
    """The sources."""
    unknown: list[str]
    """What was named and is no source here."""
    outcomes: list[OutcomeAnswer]
    """With `wait=true`: what has ended."""
    running: list[str]
    """With `wait=true`: what has not."""


class PurgeRequest(Schema):
    """Which caches to empty; all of them where none is named."""

    caches: Annotated[tuple[CacheKind, ...], Field(min_length=1, max_length=len(CacheKind))] = tuple(CacheKind)
    """`verdicts`, `ocsp`: what workers have read, `negative`: what responders refused, and hosts left alone."""


class PurgeAnswer(AnswerSchema):
    """It is done, and every worker forgets within a second."""

    purged: list[CacheKind]
    """What was emptied."""
    generation: Count
    """Verdicts decided under an earlier number are not answered again."""


_MEANINGS: Final = ("issuer", "slot", "url")


def _exactly_one(schema: dict[str, Any]) -> None:
    """Say that one of the fields is needed, and that absent is not null."""
    for described in schema["properties"].values():
        if described.get("default", ...) is None:
            del described["default"]
    schema["oneOf"] = [{"required": [field]} for field in _MEANINGS]


class ResetRequest(Schema):
    """Whose lower CRL numbers are to be accepted: exactly one of these."""

    model_config = ConfigDict(json_schema_extra=_exactly_one)

    issuer: Annotated[Annotated[StrictStr, Field(min_length=1, max_length=MAX_ISSUER)] | None, Absent] = None
    """Every CRL of this issuer (RFC 4514), compared as RFC 5280 §7.1 says."""
    slot: Annotated[SlotDigits | None, Absent] = None
    """One slot, by twelve digits of it or more."""
    url: Annotated[SourceName | None, Absent] = None
    """Every CRL that came from this source."""


class ResetCrl(AnswerSchema):
    """A slot that accepts lower CRL numbers now, and what it goes on holding until one comes."""

    slot: Fingerprint
    """The slot."""
    issuer: str
    """RFC 4514."""
    crl_number: int | None
    """Of what it holds."""
    fetched_from: str
    """Where that came from."""


class ResetAnswer(AnswerSchema):
    """What was reset."""

    reset: list[ResetCrl]
    """Each slot."""


class UploadedCrl(AnswerSchema):
    """A CRL of an uploaded file that is held."""

    issuer: str
    """RFC 4514."""
    slot: Fingerprint
    """What it is held in."""
    crl_number: int | None
    """CRL number."""
    this_update: datetime
    """thisUpdate."""
    next_update: datetime | None
    """nextUpdate."""
    entries: Count
    """Certificates in it."""


class UploadAnswer(AnswerSchema):
    """An uploaded file, and what has become of it."""

    name: str
    """What it is called."""
    source: str
    """What `POST /v1/refresh` and `GET /v1/crls` call it."""
    size: Count
    """Octets."""
    uploaded_at: datetime
    """When."""
    outcome: UploadOutcome
    """`held`; `pending`: nobody is known by its issuer's name; `waiting`: not read yet; `refused`: it was good once."""
    crls: list[UploadedCrl]
    """What of it is held."""
    problem: Problem | None
    """What is wrong; null where nothing is."""
    detail: str
    """More about that."""


class UploadsAnswer(AnswerSchema):
    """Every uploaded file."""

    uploads: list[UploadAnswer]
    """By name."""
