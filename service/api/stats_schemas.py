"""What `GET /v1/stats` answers, field by field."""

from datetime import datetime
from typing import Annotated, Literal

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


class DecisionTotals(AnswerSchema):
    """Decisions, whatever their reasons."""

    decisions: Count
    """All of them."""
    allow: Count
    deny: Count


class DecisionCount(AnswerSchema):
    """Decisions of one kind."""

    decision: Decision
    code: Code
    count: Count
    fronts: dict[str, Count]
    """By where they were asked for: `api`, or a proxy's front."""


class LatencyBucket(AnswerSchema):
    """Decisions that took so many seconds at most."""

    le_s: Seconds
    count: Count
    """Those of the buckets before it included."""


class LatencyStats(AnswerSchema):
    """How long decisions took that were made then: one that was given again takes no time, and is not here."""

    count: Count
    """How many there were."""
    sum_s: Seconds
    """Of all of them."""
    buckets: list[LatencyBucket]
    """What took longer than the last bound is in `count` alone."""
    p50_s: Seconds | None
    """Within which half of them were made, interpolated in its bucket; null where there were none."""
    p95_s: Seconds | None
    p99_s: Seconds | None


class CacheStats(AnswerSchema):
    """Where something is found that was needed before."""

    tier: Literal["memory", "host", "redis", "origin"]
    """The nearest first: a worker's memory, the host's store, Redis, and whoever publishes it."""
    kind: Literal["verdict", "crl", "ocsp"]
    hits: Count
    """How often it was found there."""
    misses: Count
    """How often it was not."""
    evictions: Count
    """How often something had to go that was still good, since there was no room."""
    entries: Count | None
    """There now, in all workers together; null where nobody counts them."""
    bytes: Count | None
    """Of all of them; null where nobody counts them."""


class OcspRefreshStats(AnswerSchema):
    """OCSP answers that were asked for ahead of their end."""

    renewed: Count
    unchanged: Count
    failed: Count
    dropped: Count
    under_way: Count


class OcspStats(AnswerSchema):
    """What the workers know of OCSP."""

    refusals: Count
    """Questions that are not asked now, since a responder refused to answer them."""
    events: dict[OcspEvent, Count]
    """How often what happened."""
    refreshes: OcspRefreshStats


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
    """An OCSP responder's host; where workers see it differently, as the one that has the worst of it does."""

    host: str
    """`(other)` for all that come after those that are counted each by itself."""
    asked: Count | None
    """How often; null where it is counted with others."""
    failed: Count | None
    """How often it gave nothing usable."""
    mean_s: Seconds | None
    """Of a question; null where none is known."""
    state: BreakerState | None
    """`open`: it is left alone for a while. Null for `(other)`."""
    failures: Count
    """In a row."""
    answered_at: datetime | None
    """When it gave a usable answer last."""


class RedisStats(AnswerSchema):
    """Redis, as this replica reaches it."""

    up: bool
    """Whether every worker is answered."""
    latency_ms: Annotated[float, Field(ge=0)] | None
    """Of the question that this answer needed, with whatever the worker had to do meanwhile; null where there was no
    answer."""
    breaker: Literal["closed", "open"]
    """`open`: some worker does not ask it now, but for a probe."""
    reason: str | None
    """Why it is not up."""


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
    """What would have been denied."""

    total: Count
    denials: list[ShadowCount]
    recent: list[ShadowDenial]
    """The last of them, newest first; those of other workers up to a second later."""


class AnsweringWorker(AnswerSchema):
    """Who answers, for all of them."""

    pid: Count


class WorkerStats(AnswerSchema):
    """A worker that is spoken for."""

    pid: Count
    at: datetime
    """When it said last how it stands: what it keeps, whom it leaves alone."""


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


class FleetDecisionCount(AnswerSchema):
    """Decisions of one kind, as heartbeats have them."""

    decision: Decision
    code: str
    """As in `decisions`; another version may have codes that this one has not."""
    count: Count


class FleetTotalStats(AnswerSchema):
    """What the replicas that are present have decided together, each since its start."""

    replicas: Count
    """Present."""
    counted: Count
    """Those of them that say what they have decided: older versions do not."""
    allow: Count
    deny: Count
    decisions: list[FleetDecisionCount]
    oldest_at: datetime | None
    """When the one said so that was heard of longest ago, by its own clock; null where nobody did."""
    oldest_s: Seconds | None
    """How many seconds ago that was: the sum is as old as that at most."""


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
    uptime_s: Seconds
    """From its start to its last heartbeat."""
    workers: Count | None
    """Processes that answer requests; null where there are none."""
    standing: Standing
    """`current`: it knows what its fleet knows."""
    reason: str
    """Why it is not current. May be empty."""
    host: ReplicaHost | None
    """Null where its store cannot be read."""
    leases: LeaseStats
    decisions: list[FleetDecisionCount] | None
    """Since its start; null where its version does not say."""
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
    totals: FleetTotalStats
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
    worker: AnsweringWorker
    workers: list[WorkerStats]
    """All that are spoken for, whichever answers."""
    host: HostStats | None
    """Null where the store cannot be read."""
    totals: DecisionTotals
    decisions: list[DecisionCount]
    """Of all workers since the start."""
    latency: LatencyStats
    caches: list[CacheStats]
    ocsp: OcspStats
    responders: list[ResponderStats]
    redis: RedisStats | None
    """Null without Redis."""
    trust_stores: list[TrustStoreStats]
    shadow: ShadowStats
    fleet: FleetStats | None
    """Null without Redis."""
