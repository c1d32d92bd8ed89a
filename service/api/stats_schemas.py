"""What `GET /v1/stats` answers, field by field."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.api.answers import AnswerSchema, Fingerprint, Hex
from service.application.breaker import BreakerState
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.heartbeat import Role
from service.application.fleet.heartbeats import Presence
from service.application.fleet.standing import Standing
from service.application.fleet.telling import FleetEvent
from service.application.observer import OcspEvent
from service.application.operating.crl_listing import CrlStatus
from service.core.model.failure import Code
from service.core.model.verdict import Decision

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


class DecisionCount(AnswerSchema):
    """Decisions of one kind."""

    decision: Decision
    code: Code
    count: Count


class VerdictCacheStats(AnswerSchema):
    """The verdicts that this worker keeps."""

    entries: Count
    """Kept now."""
    limit: Count
    """At most."""
    hits: Count
    """Requests that were answered from it."""
    misses: Count
    """Requests that were not."""
    epochs: Count
    """How often everything was forgotten, since something had changed."""


class OcspRefreshStats(AnswerSchema):
    """OCSP answers that were asked for ahead of their end."""

    renewed: Count
    unchanged: Count
    failed: Count
    dropped: Count
    under_way: Count


class OcspStats(AnswerSchema):
    """What this worker remembers of OCSP."""

    in_memory: Count
    """Answers that it has read."""
    refusals: Count
    """Questions that are not asked now, since a responder refused to answer them."""
    events: dict[OcspEvent, Count]
    """How often what happened."""
    refreshes: OcspRefreshStats


class CacheStats(AnswerSchema):
    """The caches of this worker."""

    verdicts: VerdictCacheStats | None
    """Null where none are kept."""
    ocsp: OcspStats


class CrlStats(AnswerSchema):
    """The CRLs held."""

    held: Count
    """How many."""
    size: Count
    """Octets of all of them."""
    entries: Count
    """Entries of all of them."""
    by_status: dict[CrlStatus, Count]
    """As `GET /v1/crls` lists them."""


class SourceStats(AnswerSchema):
    """The sources of CRLs."""

    configured: Count
    """Named by the operator."""
    learned: Count
    """Named by certificates."""
    failing: Count
    """Whose last attempt gave nothing."""
    pending: Count
    """CRLs that wait for their issuer."""
    stalled: Count
    """CRLs whose number has stopped moving."""


class PrefetcherStats(AnswerSchema):
    """The prefetcher."""

    alive: bool
    """Whether it answers."""
    last_attempt: datetime | None
    """When an attempt at any source ended last."""
    due: Count
    """Sources whose time has come."""
    lag_s: Seconds
    """For how many seconds the one of them that waits longest has been due."""
    under_way: Count
    """Sources whose progress is shown."""


class HostStats(AnswerSchema):
    """What is read off the host's store."""

    generation: Count
    """Raised with every change that a verdict may depend on."""
    blocks: Count
    """Those included whose time is over."""
    crls: CrlStats
    sources: SourceStats
    prefetcher: PrefetcherStats


class ResponderStats(AnswerSchema):
    """An OCSP responder's host, as this worker knows it."""

    host: str
    state: BreakerState
    """`open`: it is left alone for a while."""
    failures: Count
    """In a row."""
    answered_at: datetime | None
    """When it gave a usable answer last."""


class TrustStoreStats(AnswerSchema):
    """A trust store."""

    name: str
    certificates: Count | None
    """Of the version in force; null without any."""
    problem: str | None
    """Why what is written down is not in force."""


class ShadowCount(AnswerSchema):
    """Denials of one kind that were answered as allow."""

    code: Code
    trust_store: str
    count: Count


class ShadowDenial(AnswerSchema):
    """One of them."""

    decision_id: str
    code: Code
    trust_store: str
    at: datetime
    serial_number: Hex
    subject: str
    fingerprint_sha256: Fingerprint


class ShadowStats(AnswerSchema):
    """What this worker would have denied."""

    total: Count
    denials: list[ShadowCount]
    recent: list[ShadowDenial]
    """The last of them, newest first."""


class WorkerStats(AnswerSchema):
    """Who answers: caches, responders and shadow are this worker's own."""

    pid: Count


class HitStats(AnswerSchema):
    """How often something was found, since the replica was started."""

    hits: Count
    misses: Count
    """How often it had to be looked for elsewhere."""


class ReplicaHits(AnswerSchema):
    """Where a replica finds what it needs."""

    verdicts: HitStats
    """Requests that were answered with a verdict that was kept."""
    host: HitStats
    """OCSP answers on its host."""
    redis: HitStats
    """CRLs and OCSP answers in Redis."""


class LeaseStats(AnswerSchema):
    """Leases: whoever has one asks the authority for all."""

    held: Count
    """By its prefetcher, at that moment."""
    taken: Count
    """By all of its processes, since it was started."""


class ReplicaHost(AnswerSchema):
    """What a replica's host holds."""

    generation: Count
    """Raised with every change that a verdict may depend on; each host counts for itself."""
    crls: Count
    crls_digest: str
    """The same where the same CRLs are held."""
    blocks: Count


class ReplicaStats(AnswerSchema):
    """A replica, as its last heartbeat says."""

    name: str
    presence: Presence
    """`gone`: it was silent for ten seconds; after an hour it is forgotten."""
    at: datetime
    """When it was heard last, by its own clock."""
    instance: str
    """Random, of this run of it."""
    name_taken: bool
    """Whether another replica writes under its name: each hides the other."""
    version: str
    role: Role
    """`prefetch`: it answers no requests."""
    started_at: datetime
    workers: Count | None
    """Processes that answer requests; null where there are none."""
    standing: Standing
    """`current`: it knows what its fleet knows."""
    reason: str
    """Why it is not current. May be empty."""
    host: ReplicaHost | None
    """Null where its store cannot be read."""
    leases: LeaseStats
    hits: ReplicaHits
    refused: Count
    """How often it refused what came out of Redis."""


class FleetStats(AnswerSchema):
    """The fleet, and what this replica has to do with it."""

    replica: str
    """What this one is called."""
    reachable: bool
    """Whether the worker that answers reached Redis."""
    reason: str | None
    """Why it did not."""
    authenticated: bool
    """Whether there is a fleet key. Without one anybody who reaches Redis may have written what is shown."""
    replicas: list[ReplicaStats]
    """By name."""
    unreadable: Count
    """Heartbeats that are none, or nobody's of this fleet."""
    omitted: Count
    """Heartbeats that were not looked into: there are too many."""
    events: dict[EnvelopeKind, dict[FleetEvent, Count]]
    """What happened between this replica and Redis, and how often."""
    refused: dict[EnvelopeKind, dict[Refusal, Count]]
    """What it refused that came from there, and why."""


class StatsAnswer(AnswerSchema):
    """How a service does."""

    at: datetime
    """The moment."""
    version: str
    """Of the service."""
    started_at: datetime
    """When it was started."""
    uptime_s: Seconds
    """Seconds since then."""
    worker: WorkerStats
    host: HostStats | None
    """Null where the store cannot be read."""
    decisions: list[DecisionCount]
    """Of all workers since the start."""
    caches: CacheStats
    responders: list[ResponderStats]
    trust_stores: list[TrustStoreStats]
    shadow: ShadowStats
    fleet: FleetStats | None
    """Null without Redis."""
