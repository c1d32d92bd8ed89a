"""How a service does, in one value: what operators look at first on a bad day.

Some of it is the host's, read off the store by whichever worker is asked; decisions are counted by all workers
together; caches, responders and what was denied in shadow are those of the one worker that answers, which says who it
is. What cannot be read is absent, and the rest is told all the same; nobody waits for the prefetcher or for Redis
longer than a moment.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from service.application.clock import Clock
from service.application.evidence_store import StoreError
from service.application.fleet.heartbeats import FleetReport
from service.application.fleet.telling import FleetCounts
from service.application.ocsp_client import OcspReport
from service.application.operating.crl_listing import CrlLine, CrlListing, CrlStatus, overdue
from service.application.shadow import ShadowSnapshot
from service.application.trust_stores import TrustStoreReport
from service.application.verdict_cache import CacheReport
from service.core.prefetch.inventory import SourceKind

PING_S: Final = 0.8
"""Seconds within which the prefetcher says that it lives: as long as a readiness check may take."""


class Counted(Protocol):
    """What the processes of the service have counted together."""

    def decisions(self) -> Mapping[tuple[str, str], int]:
        """Decisions since the service was started, by what the caller shall do and why."""

    def started_at(self) -> datetime:
        """When the service was started."""


class Host(Protocol):
    """What the store says besides CRLs."""

    def generation(self) -> int:
        """The generation of the decisions.

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
    """

    generation: int
    blocks: int
    crls: CrlFigures
    sources: SourceFigures
    prefetcher: PrefetcherFigures


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """The fleet, and what this replica has to do with it.

    Attributes:
        report: Who is there.
        counts: What all of its processes have counted.
    """

    report: FleetReport
    counts: FleetCounts


@dataclass(frozen=True, slots=True)
class ServiceStatistics:
    """All of it.

    Attributes:
        at: The moment.
        host: None where the store cannot be read.
        decisions: Of all workers.
        verdicts: Of this worker; None where it keeps none.
        ocsp: Of this worker.
        shadow: Of this worker.
        fleet: None without Redis.
    """

    at: datetime
    version: str
    pid: int
    started_at: datetime
    host: Inventoried | None
    decisions: Mapping[tuple[str, str], int]
    verdicts: CacheReport | None
    ocsp: OcspReport
    shadow: ShadowSnapshot
    trust_stores: tuple[TrustStoreReport, ...]
    fleet: FleetFigures | None


@dataclass(frozen=True, slots=True)
class FleetPorts:
    """Whom to ask of the fleet.

    Attributes:
        replicas: Who is there; answers within a moment, and raises nothing.
        counts: What all processes have counted; called in a thread.
    """

    replicas: Callable[[], Awaitable[FleetReport]]
    counts: Callable[[], FleetCounts]


@dataclass(frozen=True, slots=True)
class StatisticsPorts:
    """Whom to ask.

    Attributes:
        blocks: How many there are; raises `StoreError`.
        alive: Whether the prefetcher answers.
        verdicts: Of this worker; None where it keeps none.
        fleet: None without Redis.
    """

    version: str
    pid: int
    clock: Clock
    listing: CrlListing
    host: Host
    blocks: Callable[[], int]
    alive: Callable[[], Awaitable[bool]]
    counted: Counted
    verdicts: Callable[[], CacheReport] | None
    ocsp: Callable[[], OcspReport]
    shadow: Callable[[], ShadowSnapshot]
    trust_stores: Callable[[], tuple[TrustStoreReport, ...]]
    fleet: FleetPorts | None = None


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
            host, decisions, started_at = await asyncio.to_thread(self._read, alive=alive)
            counts = None if ports.fleet is None else await asyncio.to_thread(ports.fleet.counts)
        return ServiceStatistics(
            at=ports.clock.now(),
            version=ports.version,
            pid=ports.pid,
            started_at=started_at,
            host=host,
            decisions=decisions,
            verdicts=None if ports.verdicts is None else ports.verdicts(),
            ocsp=ports.ocsp(),
            shadow=ports.shadow(),
            trust_stores=ports.trust_stores(),
            fleet=None if report is None or counts is None else FleetFigures(report, counts),
        )

    async def _alive(self) -> bool:
        try:
            async with asyncio.timeout(PING_S):
                return await self._ports.alive()
        except TimeoutError:
            return False

    async def _replicas(self) -> FleetReport | None:
        return None if self._ports.fleet is None else await self._ports.fleet.replicas()

    def _read(self, *, alive: bool) -> tuple[Inventoried | None, Mapping[tuple[str, str], int], datetime]:
        counted = self._ports.counted
        try:
            host = self._inventoried(alive=alive)
        except StoreError:
            host = None
        return host, counted.decisions(), counted.started_at()

    def _inventoried(self, *, alive: bool) -> Inventoried:
        lines, now = self._ports.listing.lines(), self._ports.clock.now()
        return Inventoried(
            generation=self._ports.host.generation(),
            blocks=self._ports.blocks(),
            crls=_crls(lines),
            sources=_sources(lines),
            prefetcher=_prefetcher(lines, now, alive=alive),
        )


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
