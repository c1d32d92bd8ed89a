"""Replicas with stores of their own that share CRLs through one Redis, and the one origin that they all ask."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, Unpack

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.adapters.spool import FileSpool
from service.application.crl_delivery import CrlDownload, Delivery, OrderedSigners
from service.application.fleet.crl_versions import Body, SharedVersion, write_version
from service.application.fleet.envelope import Envelope, EnvelopeKind, FleetKeys, Refusal
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.shared_crls import SharedCrls
from service.application.fleet.telling import FleetEvent, NullFleetObserver, RefusedDetails
from service.application.ingest import Ingester, IngestRules
from service.application.origin import UrlTrust
from service.application.origin_headers import OriginHeaders
from service.core.model.attempt import Attempt
from service.core.model.policy import Policy
from tests.application.chain import CRL_URL, SUB, order
from tests.application.fakes import Recorder
from tests.application.prefetch.world import VersionedOrigin
from tests.pki import NOW, Authority, CrlOverrides
from tests.redis_servers import RedisServer

KEY: Final = bytes(range(32))
LONGEST: Final = timedelta(hours=1)
SKEW: Final = timedelta(seconds=60)
RULES: Final = FleetRules("tester", FleetKeys((KEY,)), LONGEST, SKEW)
MAX_BYTES: Final = 1 << 20


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - what it waits for is in another process, or tells nobody
            await asyncio.sleep(0.001)


class FleetClock:
    """The moment of all test certificates, which a test moves; to wait takes its time. Implements `Clock`."""

    def __init__(self) -> None:
        """It is that moment, and patience has no end."""
        self._shift = 0.0
        self.is_patient = True

    def now(self) -> datetime:
        """The moment, in UTC."""
        return NOW + timedelta(seconds=self._shift)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._shift if self.is_patient else time.monotonic() * HURRY + self._shift

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds / 10)

    def advance(self, passing: timedelta) -> None:
        """Let time pass."""
        self._shift += passing.total_seconds()


HURRY: Final = 50
"""Times as quickly as it does otherwise, time passes for whoever has no patience."""


class Told(NullFleetObserver):
    """Keeps what a replica tells of the fleet."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[FleetEvent] = []
        self.refusals: list[RefusedDetails] = []

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Keep it."""
        assert kind is EnvelopeKind.CRL
        self.events.append(event)

    def refused(self, details: RefusedDetails) -> None:
        """Keep it."""
        assert (details.kind, details.about) == (EnvelopeKind.CRL, CRL_URL)
        self.refusals.append(details)

    @property
    def reasons(self) -> list[Refusal]:
        """Why something was refused, in order."""
        return [one.refusal for one in self.refusals]

    @property
    def counts(self) -> Counter[FleetEvent]:
        """How often what happened."""
        return Counter(self.events)


@dataclass(slots=True)
class Replica:
    """A host: its store, and what writes it."""

    store: Store
    cache: RedisCache
    parts: FleetParts
    told: Told
    recorder: Recorder
    origin: VersionedOrigin
    ingester: Ingester

    async def order(self, *signers: Authority) -> tuple[Attempt, ...]:
        """Order the CRL as a worker does; what failed."""
        return await self.ingester.fetch(order(CRL_URL, signers=signers or (SUB,)))

    async def bring(self, download: CrlDownload | None = None) -> Delivery:
        """Have it refreshed."""
        return await self.ingester.bring(download or DOWNLOAD)

    @property
    def numbers(self) -> set[int | None]:
        """Of what is held."""
        return {one.meta.crl_number for one in self.store.held()}

    @property
    def asked(self) -> int:
        """How often this replica has asked the origin."""
        return len(self.recorder.fetches)


@dataclass(slots=True)
class Fleet:
    """All of them, and what is between them."""

    server: RedisServer
    names: FleetNames
    directory: Path
    origin: VersionedOrigin
    clock: FleetClock
    replicas: list[Replica] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def replica(
        self, rules: FleetRules = RULES, origin: VersionedOrigin | None = None, timeout_s: float = 10.0
    ) -> Replica:
        """One more, which may have a line of its own to the origin."""
        directory = self.directory / str(len(self.replicas))
        directory.mkdir()
        store = self._stack.enter_context(Store.open(directory / "store", Role.INGESTER))
        cache = await self._stack.enter_async_context(open_cache(RedisPlace(self.server.url)))
        told, recorder = Told(), Recorder()
        parts = FleetParts(cache, self.names, rules, self.clock, told)
        ingest_rules = IngestRules(MAX_BYTES, timeout_s, Policy())
        origin = origin or self.origin
        ingester = Ingester(origin, store, FileSpool(directory), self.clock, recorder, ingest_rules, SharedCrls(parts))
        self._stack.push_async_callback(ingester.aclose)
        self.replicas.append(Replica(store, cache, parts, told, recorder, origin, ingester))
        return self.replicas[-1]

    async def several(self, count: int) -> list[Replica]:
        """So many more."""
        return [await self.replica() for _ in range(count)]

    @property
    def asked(self) -> int:
        """How often anybody has asked the origin."""
        return len(self.origin.requests)

    @property
    def name(self) -> str:
        """Of the envelope."""
        return self.names.crl(CRL_URL)

    @property
    def lease(self) -> str:
        """Of the lease."""
        return self.names.crl_lease(CRL_URL)

    def pass_time(self, **passing: float) -> None:
        """Let time pass for everybody."""
        self.clock.advance(timedelta(**passing))

    async def write(self, data: bytes, at: datetime = NOW, rules: FleetRules = RULES) -> None:
        """Write a CRL as a replica does, or somebody who would like to."""
        cache = self.replicas[0].cache
        body = Body(digest_of(data), len(data))
        start = 0
        for number, octets in enumerate(body.pieces):
            await cache.put_piece(self.piece(body.digest, number), data[start : start + octets], LIFE_S)
            start += octets
        await self.put(self.sealed(SharedVersion(OriginHeaders(), body), at, rules=rules))

    async def put(self, envelope: bytes) -> None:
        """Write an envelope, whatever it is."""
        await self.replicas[0].cache.put(self.name, envelope, LIFE_S)

    def sealed(
        self,
        content: SharedVersion | bytes,
        at: datetime = NOW,
        about: str | None = None,
        kind: EnvelopeKind = EnvelopeKind.CRL,
        rules: FleetRules = RULES,
    ) -> bytes:
        """An envelope as a replica writes it, or somebody who would like to."""
        octets = content if isinstance(content, bytes) else write_version(content)
        return rules.keys.seal(Envelope(kind, self.name if about is None else about, at, octets))

    def piece(self, digest: bytes, number: int = 0) -> str:
        """What a piece is called."""
        return self.names.piece(CRL_URL, digest, number)

    async def aclose(self) -> None:
        """End all of them."""
        await self._stack.aclose()


LIFE_S: Final = 3600.0

DOWNLOAD: Final = CrlDownload(CRL_URL, UrlTrust.CERTIFICATE, OrderedSigners(order(CRL_URL).signers))


@asynccontextmanager
async def fleet_on(server: RedisServer, prefix: str, directory: Path, *replicas: int) -> AsyncIterator[Fleet]:
    """A fleet on a Redis that it may share with others, whose origin has number 1 of Sub's CRL."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    fleet = Fleet(server, FleetNames(prefix), directory, origin, FleetClock())
    try:
        for count in replicas:
            await fleet.several(count)
        yield fleet
    finally:
        await fleet.aclose()


def crl(crl_number: int, signer: Authority = SUB, **overrides: Unpack[CrlOverrides]) -> bytes:
    """A CRL that holds for a day; the higher its number, the newer it is."""
    moment = NOW - timedelta(hours=2) + timedelta(minutes=crl_number)
    wanted: CrlOverrides = {"this_update": moment, "next_update": NOW + timedelta(days=1), "number": crl_number}
    wanted.update(overrides)
    return signer.crl(**wanted)


def digest_of(data: bytes) -> bytes:
    """What its pieces are called after."""
    return sha256(data).digest()


def with_keys(*keys: bytes) -> FleetRules:
    """The rules of a replica that has these keys."""
    return replace(RULES, keys=FleetKeys(keys))
