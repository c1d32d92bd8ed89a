"""How a service does, in one value: what operators look at first on a bad day.

Rules it keeps: whichever worker is asked speaks for all of them. What is counted is counted by all processes together;
what the host's store holds is read off it; how other workers stand is what they said a moment ago (`worker_state`).
What cannot be read is absent, and the rest is told all the same; nobody waits for the prefetcher or for Redis longer
than a moment.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from service.application.breaker import BreakerState
from service.application.clock import Clock
from service.application.evidence_store import StoreError
from service.application.fleet.heartbeats import FleetReport
from service.application.operating.counts import CacheCounts, Counted, Counts, ResponderCounts
from service.application.operating.crl_listing import CrlLine, CrlListing, CrlStatus, overdue
from service.application.operating.worker_state import (
    CacheSize,
    ReplicaState,
    StateShelf,
    WorkerState,
    shareable,
    together,
)
from service.application.trust_stores import TrustStoreReport
from service.core.prefetch.inventory import SourceKind

PING_S: Final = 0.8
"""Seconds within which the prefetcher says that it lives: as long as a readiness check may take."""

HOST_CRLS: Final = ("host", "crl")
HOST_OCSP: Final = ("host", "ocsp")
"""The caches that the store is."""

_TIERS: Final = ("memory", "host", "redis", "origin")
"""In the order in which they are looked into."""

OTHER_HOSTS: Final = "(other)"
"""Stands for the hosts that are not counted each by itself: there is a limit to those that are."""


class Host(Protocol):
    """What the store says besides CRLs."""

    def generation(self) -> int:
        """The generation of the decisions.

        Raises:
            StoreError: it cannot be read.
        """

    def ocsp_room(self) -> tuple[int, int]:
        """How many OCSP answers are held, and their octets.

        Raises:
            StoreError: it cannot be read.
        """


@dataclass(frozen=True, slots=True)
class CrlFigures:
    """The CRLs held.

    Attributes:
        octets: Of all of them, as they came.
        entries: Of all of them.
        by_status: How many lines of the listing there are of each status.
    """

    held: int
    octets: int
    entries: int
    by_status: Mapping[CrlStatus, int]


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """The places where CRLs are published.

    Attributes:
        failing: Whose last attempt gave nothing.
        pending: CRLs that wait for their issuer to become known.
        stalled: CRLs whose number has stopped moving.
    """

    configured: int
    learned: int
    failing: int
    pending: int
    stalled: int


@dataclass(frozen=True, slots=True)
class PrefetcherFigures:
    """The prefetcher.

    Attributes:
        alive: Whether it answers.
        last_attempt: When an attempt at any source ended last.
        due: Sources whose time has come.
        lag: Since when the one of them that waits longest.
        under_way: Sources that are being downloaded or read.
    """

    alive: bool
    last_attempt: datetime | None
    due: int
    lag: timedelta
    under_way: int


@dataclass(frozen=True, slots=True)
class Inventoried:
    """What is read off the store.

    Attributes:
        blocks: Those included whose time is over.
        ocsp: OCSP answers held, and their octets.
    """

    generation: int
    blocks: int
    crls: CrlFigures
    sources: SourceFigures
    prefetcher: PrefetcherFigures
    ocsp: tuple[int, int]


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """A cache of this replica.

    Attributes:
        tier: Where it is.
        kind: Of what.
        counts: Of all processes.
        entries: Of all workers now; None where nobody counts them.
        octets: Likewise.
    """

    tier: str
    kind: str
    counts: CacheCounts
    entries: int | None
    octets: int | None


@dataclass(frozen=True, slots=True)
class ResponderFigures:
    """An OCSP responder's host.

    Attributes:
        counts: Of all processes; None where hosts before it have taken all places.
        state: Of its breaker, in the worker that sees it worst; None for hosts that are counted together.
        failures: In a row, in that worker.
        answered_at: When it gave a usable answer last; None for never.
    """

    host: str
    counts: ResponderCounts | None
    state: BreakerState | None
    failures: int
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class RedisFigures:
    """Redis, as this replica reaches it.

    Attributes:
        asked_s: Seconds that it took to answer the worker that is asked; None where it did not.
        shut_out: Why some worker does not ask it now; None where all do.
        reason: Why it did not answer, or is not asked; None where it is up.
    """

    asked_s: float | None
    shut_out: str | None
    reason: str | None

    @property
    def is_up(self) -> bool:
        """Whether every worker is answered."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class ServiceStatistics:
    """All of it.

    Attributes:
        at: The moment.
        pid: The worker that was asked.
        host: None where the store cannot be read.
        counts: Of all processes.
        state: Of all workers.
        caches: By tier and kind.
        responders: By host.
        redis: None without Redis.
        fleet: Who is there; None without Redis.
    """

    at: datetime
    version: str
    pid: int
    host: Inventoried | None
    counts: Counts
    state: ReplicaState
    caches: tuple[CacheFigures, ...]
    responders: tuple[ResponderFigures, ...]
    redis: RedisFigures | None
    trust_stores: tuple[TrustStoreReport, ...]
    fleet: FleetReport | None


@dataclass(frozen=True, slots=True)
class StatisticsPorts:
    """Whom to ask.

    Attributes:
        blocks: How many there are; raises `StoreError`.
        alive: Whether the prefetcher answers.
        own: How this worker stands.
        shelf: How the others do.
        fleet: Who is there; answers within a moment, and raises nothing. None without Redis.
    """

    version: str
    clock: Clock
    listing: CrlListing
    host: Host
    blocks: Callable[[], int]
    alive: Callable[[], Awaitable[bool]]
    counted: Counted
    own: Callable[[], WorkerState]
    shelf: StateShelf
    trust_stores: Callable[[], tuple[TrustStoreReport, ...]]
    fleet: Callable[[], Awaitable[FleetReport]] | None = None


class Statistics:
    """Gathers it."""

    def __init__(self, ports: StatisticsPorts) -> None:
        """Take whom to ask."""
        self._ports = ports
        self._turn = asyncio.Lock()

    async def gather(self) -> ServiceStatistics:
        """How things stand."""
        ports = self._ports
        alive, report = await asyncio.gather(self._alive(), self._replicas())
        async with self._turn:  # one thread at a time: verdicts share the interpreter with it
            own = shareable(ports.own())
            host, counts, others = await asyncio.to_thread(self._read, own, alive=alive)
        state = together((own, *others))
        return ServiceStatistics(
            at=ports.clock.now(),
            version=ports.version,
            pid=own.pid,
            host=host,
            counts=counts,
            state=state,
            caches=_cache_figures(counts, state, host),
            responders=_responder_figures(counts, state),
            redis=None if report is None else _redis(report, state),
            trust_stores=ports.trust_stores(),
            fleet=report,
        )

    async def _alive(self) -> bool:
        try:
            async with asyncio.timeout(PING_S):
                return await self._ports.alive()
        except TimeoutError:
            return False

    async def _replicas(self) -> FleetReport | None:
        return None if self._ports.fleet is None else await self._ports.fleet()

    def _read(self, own: WorkerState, *, alive: bool) -> tuple[Inventoried | None, Counts, tuple[WorkerState, ...]]:
        try:
            host = self._inventoried(alive=alive)
        except StoreError:
            host = None
        others = (one for one in self._ports.shelf.living(own.at) if one.pid != own.pid)
        return host, self._ports.counted.counts(), tuple(others)

    def _inventoried(self, *, alive: bool) -> Inventoried:
        lines, now = self._ports.listing.lines(), self._ports.clock.now()
        return Inventoried(
            generation=self._ports.host.generation(),
            blocks=self._ports.blocks(),
            crls=_crls(lines),
            sources=_sources(lines),
            prefetcher=_prefetcher(lines, now, alive=alive),
            ocsp=self._ports.host.ocsp_room(),
        )


def _cache_figures(counts: Counts, state: ReplicaState, host: Inventoried | None) -> tuple[CacheFigures, ...]:
    """Every cache that was looked into, or has anything in it, the nearest first."""
    sizes = dict(state.caches)
    if host is not None:
        sizes[HOST_CRLS] = CacheSize(*HOST_CRLS, host.crls.held, host.crls.octets)
        sizes[HOST_OCSP] = CacheSize(*HOST_OCSP, *host.ocsp)
    found: list[CacheFigures] = []
    for key in sorted(counts.caches.keys() | sizes.keys(), key=lambda one: (_TIERS.index(one[0]), one[1])):
        size = sizes.get(key)
        entries, octets = (None, None) if size is None else (size.entries, size.octets)
        found.append(CacheFigures(*key, counts.caches.get(key, CacheCounts()), entries, octets))
    return tuple(found)


def _responder_figures(counts: Counts, state: ReplicaState) -> tuple[ResponderFigures, ...]:
    """Every host that was asked, or is left alone."""
    found: list[ResponderFigures] = []
    for host in sorted(counts.responders.keys() | state.responders.keys()):
        counted, known = counts.responders.get(host), state.responders.get(host)
        if known is None:
            shown = None if host == OTHER_HOSTS else BreakerState.CLOSED
            found.append(ResponderFigures(host, counted, shown, 0, None))
        else:
            found.append(ResponderFigures(host, counted, known.state, known.failures, known.answered_at))
    return tuple(found)


def _redis(report: FleetReport, state: ReplicaState) -> RedisFigures:
    return RedisFigures(report.asked_s, state.redis, report.reason if state.redis is None else state.redis)


def _crls(lines: tuple[CrlLine, ...]) -> CrlFigures:
    held = {line.held.slot.key: line.held.meta for line in lines if line.held is not None}
    counts = Counter(line.status for line in lines)
    return CrlFigures(
        held=len(held),
        octets=sum(meta.size for meta in held.values()),
        entries=sum(meta.entries for meta in held.values()),
        by_status={status: counts[status] for status in CrlStatus},
    )


def _sources(lines: tuple[CrlLine, ...]) -> SourceFigures:
    records = {line.record.source.key: line.record for line in lines if line.record is not None}
    kinds = Counter(record.source.kind for record in records.values())
    return SourceFigures(
        configured=kinds[SourceKind.CONFIGURED],
        learned=kinds[SourceKind.LEARNED],
        failing=sum(1 for record in records.values() if record.state.failures),
        pending=sum(len(record.pending) for record in records.values()),
        stalled=sum(1 for line in lines if line.given is not None and line.given.stalled),
    )


def _prefetcher(lines: tuple[CrlLine, ...], now: datetime, *, alive: bool) -> PrefetcherFigures:
    records = {line.record.source.key: line.record for line in lines if line.record is not None}
    tried = [record.state.tried_at for record in records.values() if record.state.tried_at is not None]
    due, lag = overdue(lines, now)
    return PrefetcherFigures(
        alive=alive,
        last_attempt=max(tried, default=None),
        due=due,
        lag=lag,
        under_way=sum(1 for record in records.values() if record.progress is not None),
    )
