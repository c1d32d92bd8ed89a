"""What operators are answered from, in memory: a store that says what is held, a prefetcher that does as it is told."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from service.api.app import OperatorServices
from service.application.clock import Clock
from service.application.evidence_store import HeldCrl, StoreError
from service.application.fleet.heartbeats import FleetReport
from service.application.operating.counts import Counts, Decided
from service.application.operating.crl_listing import CrlListing, ListingRules
from service.application.operating.purging import PurgeWatch, Purging
from service.application.operating.refreshing import Refreshing
from service.application.operating.resetting import Resetting
from service.application.operating.statistics import Statistics, StatisticsPorts
from service.application.operating.telling import (
    Purged,
    RefreshAsked,
    Uploaded,
    UploadRemoved,
    WatermarksReset,
)
from service.application.operating.trust_store_listing import TrustStoreListing
from service.application.operating.uploads import UploadedFile, Uploads
from service.application.operating.worker_state import CacheSize, WorkerState
from service.application.prefetch.desk import PrefetcherUnavailableError, RefreshReport, SourceOutcome, Waiting
from service.application.prefetch.source_record import GivenCrl, PlaceRecord, SourceRecord
from service.application.trust_stores import TrustStoreReport
from service.core.crl.slot import slot_of
from service.core.der.crl import read_crl
from service.core.model.attempt import Problem
from service.core.model.policy import Policy
from service.core.prefetch.inventory import Source, SourceKind, SourceState, Window
from service.core.prefetch.schedule import Schedule
from tests.memory_decisions import MemoryDecisions
from tests.pki import NOW, Authority

PID = 4711
STARTED_AT = NOW - timedelta(hours=1)


def held_crl(issuer: Authority, source: str, at: datetime = NOW, **crl: object) -> HeldCrl:
    """A CRL of an issuer as the store has it."""
    spki = issuer.issued.spki
    meta = read_crl(issuer.crl(**crl)).meta  # type: ignore[arg-type]  # the builder checks its words itself
    return HeldCrl(slot_of(meta, spki), meta, spki, source, at)


def given(held: HeldCrl) -> GivenCrl:
    """What a source that has given a CRL remembers of it."""
    meta = held.meta
    return GivenCrl(
        slot=held.slot.key,
        digest=meta.digest,
        issuer=meta.issuer.text,
        crl_number=meta.crl_number,
        this_update=meta.this_update,
        next_update=meta.next_update,
        entries=meta.entries,
        size=meta.size,
        number_moved_at=held.fetched_at,
    )


def source(
    key: str, *crls: HeldCrl, kind: SourceKind = SourceKind.CONFIGURED, at: datetime | None = NOW
) -> SourceRecord:
    """A source that was tried at a moment, and has given these."""
    state = SourceState(Source(key, (key,), kind), used_at=NOW, known_since=NOW - timedelta(days=1), tried_at=at)
    if not crls:
        return SourceRecord(replace(state, failures=int(at is not None)), problem=Problem.UNREACHABLE if at else None)
    window = Window(crls[0].meta.this_update, crls[0].meta.next_update)
    state = replace(state, succeeded_at=at, window=window)
    return SourceRecord(state, given=tuple(map(given, crls)), served_by=key)


@dataclass(slots=True)
class HostInMemory:
    """What the store says; cannot be read or written while it is broken."""

    crls: list[HeldCrl] = field(default_factory=list)
    records: list[SourceRecord] = field(default_factory=list)
    listings: list[PlaceRecord] = field(default_factory=list)
    number: int = 7
    ocsp: tuple[int, int] = (0, 0)
    purged: Counter[str] = field(default_factory=Counter)
    broken: str = ""

    def held(self) -> tuple[HeldCrl, ...]:
        """Every CRL."""
        self._check()
        return tuple(self.crls)

    def sources(self) -> tuple[SourceRecord, ...]:
        """Every source."""
        self._check()
        return tuple(self.records)

    def places(self) -> tuple[PlaceRecord, ...]:
        """Every place."""
        self._check()
        return tuple(self.listings)

    def generation(self) -> int:
        """The number."""
        self._check()
        return self.number

    def ocsp_room(self) -> tuple[int, int]:
        """OCSP answers and their octets."""
        self._check()
        return self.ocsp

    def purges(self) -> Mapping[str, int]:
        """How often each kind was purged."""
        self._check()
        return dict(self.purged)

    async def purge(self, kinds: tuple[str, ...]) -> None:
        """Once more."""
        self._check()
        self.purged.update(kinds)
        self.number += 1

    def _check(self) -> None:
        if self.broken:
            raise StoreError(self.broken)


@dataclass(slots=True)
class PrefetcherInMemory:
    """Tries what it is told to, and remembers that. Its attempts do nothing, unless a test says what they do."""

    host: HostInMemory
    clock: Clock
    attempt: Callable[[SourceRecord], SourceRecord] | None = None
    refreshes: list[tuple[str | None, Waiting]] = field(default_factory=list)
    resets: list[tuple[bytes, ...]] = field(default_factory=list)
    is_there: bool = True
    disk_is_full: bool = False
    held_up: asyncio.Event | None = None

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Try these."""
        self._check()
        self.refreshes.append((source, waiting))
        keys = [
            one.source.key
            for one in self.host.records
            if source is None or source == one.source.key or source in one.source.places
        ]
        if waiting is Waiting.STARTED:
            return RefreshReport(len(keys), tuple(keys))
        outcomes = [self._try(key) for key in keys]
        if self.held_up is not None:
            await self.held_up.wait()
        return RefreshReport(len(keys), tuple(keys), tuple(outcomes))

    async def reset(self, slots: tuple[bytes, ...]) -> None:
        """Remember it."""
        self._check()
        if self.disk_is_full:
            raise StoreError("no space left")
        self.resets.append(slots)

    async def answers(self) -> bool:
        """Whether it is there."""
        return self.is_there

    def _try(self, key: str) -> SourceOutcome:
        (place,) = (place for place, one in enumerate(self.host.records) if one.source.key == key)
        record = self.host.records[place]
        record = replace(record, state=replace(record.state, tried_at=self.clock.now()))
        self.host.records[place] = record = self.attempt(record) if self.attempt else record
        return SourceOutcome(key, record.problem, record.detail)

    def _check(self) -> None:
        if not self.is_there:
            raise PrefetcherUnavailableError("nobody there")


@dataclass(slots=True)
class ArrivalInMemory:
    """An upload that is being written."""

    shelf: "ShelfInMemory"
    written: bytes = b""
    kept: str = ""
    before: bytes | None = None
    ended: bool = False

    def write(self, piece: bytes) -> None:
        """More of it."""
        self.written += piece

    def keep(self, name: str) -> None:
        """It has a name."""
        self.kept, self.before = name, self.shelf.content.get(name)
        self.shelf.content[name] = self.written
        self.shelf.noticed(name)

    def take_back(self) -> None:
        """It has not."""
        if self.before is None:
            del self.shelf.content[self.kept]
        else:
            self.shelf.content[self.kept] = self.before

    def end(self) -> None:
        """Nothing is left."""
        self.ended = True


@dataclass(slots=True)
class ShelfInMemory:
    """Uploads; each is a source as soon as it has its name."""

    host: HostInMemory
    content: dict[str, bytes] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    is_watched: bool = True

    def key(self, name: str) -> str:
        """What its source is called."""
        return f"file:///uploads/{name}"

    def files(self) -> tuple[UploadedFile, ...]:
        """All of them."""
        return tuple(UploadedFile(name, len(octets), NOW) for name, octets in sorted(self.content.items()))

    def begin(self) -> ArrivalInMemory:
        """One more."""
        return ArrivalInMemory(self)

    def remove(self, name: str) -> bool:
        """One less."""
        return self.content.pop(name, None) is not None

    def claim(self, name: str) -> Callable[[], None] | None:
        """Nobody's yet, or somebody's."""
        if name in self.claimed:
            return None
        self.claimed.add(name)
        return partial(self.claimed.remove, name)

    def noticed(self, name: str) -> None:
        """The prefetcher sees a file."""
        if self.is_watched and not any(one.source.key == self.key(name) for one in self.host.records):
            self.host.records.append(source(self.key(name), at=None))


class Asked:
    """Keeps what it is told. Implements `OperatorObserver`."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.told: list[RefreshAsked | Purged | WatermarksReset | Uploaded | UploadRemoved] = []

    def refresh_asked(self, details: RefreshAsked) -> None:
        """Keep it."""
        self.told.append(details)

    def purged(self, details: Purged) -> None:
        """Keep it."""
        self.told.append(details)

    def watermarks_reset(self, details: WatermarksReset) -> None:
        """Keep it."""
        self.told.append(details)

    def uploaded(self, details: Uploaded) -> None:
        """Keep it."""
        self.told.append(details)

    def upload_removed(self, details: UploadRemoved) -> None:
        """Keep it."""
        self.told.append(details)


THIRTEEN: Final = Counts(STARTED_AT, {Decided("allow", "ok", "api"): 12, Decided("deny", "revoked", "api"): 1})
"""Decisions."""


@dataclass(slots=True)
class CountedInMemory:
    """What was counted."""

    found: Counts = THIRTEEN

    def counts(self) -> Counts:
        """All of it."""
        return self.found


@dataclass(slots=True)
class ShelfOfStates:
    """What other workers have said."""

    others: list[WorkerState] = field(default_factory=list)
    told: list[WorkerState] = field(default_factory=list)

    def tell(self, state: WorkerState) -> None:
        """Keep it."""
        self.told.append(state)

    def living(self, at: datetime) -> tuple[WorkerState, ...]:
        """All of them."""
        del at
        return tuple(self.others)


@dataclass(slots=True)
class Forgetting:
    """Counts how often it forgot. Implements `Memories`."""

    answers: int = 0
    failures: int = 0

    def forget_answers(self) -> None:
        """Once more."""
        self.answers += 1

    def forget_failures(self) -> None:
        """Once more."""
        self.failures += 1


class Operators:
    """Everything that operators are answered from."""

    def __init__(self, clock: Clock, longest_wait_s: float = 10.0) -> None:
        """Nothing is held."""
        self.clock = clock
        self.host = HostInMemory()
        self.prefetcher = PrefetcherInMemory(self.host, clock)
        self.shelf = ShelfInMemory(self.host)
        self.asked = Asked()
        self.memories = Forgetting()
        self.counted = CountedInMemory()
        self.state = WorkerState(PID, NOW, (CacheSize("memory", "verdict", 3, 6144),))
        self.states = ShelfOfStates()
        self.trust_stores: tuple[TrustStoreReport, ...] = ()
        self.fleet: Callable[[], Awaitable[FleetReport]] | None = None
        self.longest_wait_s = longest_wait_s
        self.decisions = MemoryDecisions()

    def services(self) -> OperatorServices:
        """What the application is made with."""
        host, clock, told = self.host, self.clock, self.asked
        listing = CrlListing(host, ListingRules(Policy(), Schedule()), clock)
        watch = PurgeWatch(host)
        return OperatorServices(
            listing=listing,
            statistics=Statistics(self._ports(listing)),
            trust_stores=TrustStoreListing(lambda: self.trust_stores, clock),
            refreshing=Refreshing(self.prefetcher, host, clock, told, self.longest_wait_s),
            purging=Purging(host, partial(watch.look, self.memories), told),
            resetting=Resetting(host, self.prefetcher, told),
            uploads=Uploads(self.shelf, self.prefetcher, host, clock, told),
            decisions=self.decisions,
        )

    def _ports(self, listing: CrlListing) -> StatisticsPorts:
        return StatisticsPorts(
            version="1.2.3",
            clock=self.clock,
            listing=listing,
            host=self.host,
            blocks=lambda: 2,
            alive=self.prefetcher.answers,
            counted=self.counted,
            own=lambda: self.state,
            shelf=self.states,
            trust_stores=lambda: self.trust_stores,
            fleet=self.fleet,
        )
