"""Replicas with stores and workers of their own, one Redis between them, and one responder that counts."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.blocks import BlocksInForce
from service.application.evidence_store import HeldOcsp
from service.application.fleet.envelope import Envelope, EnvelopeKind, FleetKeys, Refusal
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.shared_ocsp import SharedOcspAnswers
from service.application.fleet.telling import FleetEvent, NullFleetObserver, RefusedDetails
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_keeping import NothingBlocked
from service.application.ocsp_tally import OcspOutcome
from service.application.origin import Origin
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import OCSP_URL, SUB, leaf, read
from tests.application.ocsp_refreshing import Counting
from tests.pki import NOW
from tests.redis_servers import RedisServer

ISSUER: Final = read(SUB)
LEAF: Final = leaf(ocsp_urls=OCSP_URL)
SERIAL: Final = LEAF.serial_number
KEY: Final = store_key(LEAF, ISSUER)
FLEET_KEY: Final = bytes(range(32))
LIFE: Final = timedelta(hours=10)
LONGEST: Final = timedelta(hours=1)
SKEW: Final = timedelta(seconds=60)
RULES: Final = FleetRules("tester", FleetKeys((FLEET_KEY,)), LONGEST, SKEW)

PATIENCE_S: Final = 60.0
"""Seconds that a responder has: more than any test takes. Half of it is more than a lease lasts."""


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - what it waits for is in another process, or tells nobody
            await asyncio.sleep(0.001)


def good(this_update: datetime = NOW - timedelta(minutes=10), serial: int = SERIAL) -> bytes:
    """An answer that is good for ten hours."""
    return SUB.ocsp(serial, this_update=this_update, next_update=this_update + LIFE, produced_at=this_update)


def revoked(this_update: datetime = NOW - timedelta(minutes=10)) -> bytes:
    """The leaf is revoked, which is news for ten hours."""
    return SUB.ocsp(
        SERIAL, status="revoked", this_update=this_update, next_update=this_update + LIFE, produced_at=this_update
    )


class FleetClock:
    """The moment of all test certificates, which a test moves; to wait takes its time. Implements `Clock`."""

    def __init__(self) -> None:
        """It is that moment."""
        self.tick_s = 0.0
        self.slept: list[float] = []
        self._shift = 0.0

    def now(self) -> datetime:
        """The moment, in UTC: a tick later each time that somebody asks."""
        self._shift += self.tick_s
        return NOW + timedelta(seconds=self._shift)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic() + self._shift

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        self.slept.append(seconds)
        await asyncio.sleep(seconds)

    def advance(self, passing: timedelta) -> None:
        """Let time pass."""
        self._shift += passing.total_seconds()


class Told(NullFleetObserver):
    """Keeps what a replica tells of the fleet."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[FleetEvent] = []
        self.refusals: list[RefusedDetails] = []

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Keep it."""
        assert kind is EnvelopeKind.OCSP
        self.events.append(event)

    def refused(self, details: RefusedDetails) -> None:
        """Keep it."""
        assert details.kind is EnvelopeKind.OCSP
        self.refusals.append(details)

    @property
    def reasons(self) -> list[Refusal]:
        """Why something was refused, in order."""
        return [one.refusal for one in self.refusals]


@dataclass(frozen=True, slots=True)
class Setup:
    """What replicas have in common, or have not."""

    rules: FleetRules = RULES
    policy: Policy = field(default_factory=Policy)
    workers: int = 1
    timeout_s: float = PATIENCE_S
    blocks: BlocksInForce = field(default_factory=NothingBlocked)


@dataclass(slots=True)
class Replica:
    """A host: its store, and the workers that share it."""

    store: Store
    parts: FleetParts
    told: Told
    observer: Counting
    workers: list[OcspClient] = field(default_factory=list)
    caches: list[RedisCache] = field(default_factory=list)
    revocations: int = 0

    async def revoked_seen(self) -> None:
        """Count the ends of kept verdicts."""
        self.revocations += 1

    async def ask(self, certificate: Certificate = LEAF, deadline_s: float | None = None) -> OcspOutcome:
        """Ask by the first worker, with so many seconds."""
        end = None if deadline_s is None else self.parts.clock.monotonic() + deadline_s
        return await self.workers[0].ask(certificate, ISSUER, end)

    @property
    def held(self) -> HeldOcsp | None:
        """What the host holds about the leaf."""
        return self.store.find_ocsp(KEY)

    async def settled(self) -> None:
        """Wait until nothing is being refreshed."""
        await until(lambda: not any(one.report().refreshes.under_way for one in self.workers))


@dataclass(slots=True)
class Fleet:
    """All of them, and what is between them."""

    server: RedisServer
    names: FleetNames
    directory: Path
    origin: Origin
    clock: FleetClock
    replicas: list[Replica] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def replica(self, setup: Setup | None = None) -> Replica:
        """One more."""
        setup = setup or Setup()
        store = self._stack.enter_context(Store.open(self.directory / str(len(self.replicas)), Role.INGESTER))
        told, observer = Told(), Counting()
        one = Replica(store, await self.parts(setup, told), told, observer)
        for _ in range(setup.workers):
            parts = await self.parts(setup, told)
            rules = OcspRules(
                setup.policy,
                setup.timeout_s,
                revoked_seen=one.revoked_seen,
                blocks=setup.blocks,
                sharing=SharedOcspAnswers(parts),
            )
            worker = OcspClient(self.origin, store, self.clock, observer, rules, RandomNonces())
            self._stack.push_async_callback(worker.aclose)
            one.workers.append(worker)
            assert isinstance(parts.cache, RedisCache)
            one.caches.append(parts.cache)
        self.replicas.append(one)
        return one

    async def parts(self, setup: Setup, told: Told) -> FleetParts:
        """What one worker works with, a connection of its own above all."""
        cache = await self._stack.enter_async_context(open_cache(RedisPlace(self.server.url)))
        return FleetParts(cache, self.names, setup.rules, self.clock, told)

    async def several(self, count: int, setup: Setup | None = None) -> list[Replica]:
        """So many more."""
        return [await self.replica(setup) for _ in range(count)]

    @property
    def lease_ms(self) -> int:
        """Milliseconds that the lease of the leaf is still somebody's; -2 where it is nobody's."""
        return int(self.server.ask("PTTL", self.names.ocsp_lease(KEY)).removeprefix(b":"))

    async def released(self) -> None:
        """Wait until nobody has the lease of the leaf."""
        await until(lambda: self.lease_ms == NOBODYS)

    async def aclose(self) -> None:
        """End all of them."""
        await self._stack.aclose()


NOBODYS: Final = -2
"""What Redis says of the life of what is not there."""

LONG_S: Final = 60.0
"""Seconds for which somebody holds a lease who is waited for in vain."""


def occupy(fleet: Fleet, seconds: float) -> None:
    """Have somebody hold the lease of the leaf who will never write anything."""
    assert b"+OK" == fleet.server.ask("SET", fleet.names.ocsp_lease(KEY), "x", "PX", str(round(1000 * seconds)))


@asynccontextmanager
async def fleet_on(server: RedisServer, prefix: str, directory: Path, origin: Origin) -> AsyncIterator[Fleet]:
    """A fleet without replicas, on a Redis that it may share with others."""
    fleet = Fleet(server, FleetNames(prefix), directory, origin, FleetClock())
    try:
        yield fleet
    finally:
        await fleet.aclose()


def sealed(
    response: bytes,
    at: datetime = NOW,
    source: str = OCSP_URL,
    about: str = KEY.hex(),
    kind: EnvelopeKind = EnvelopeKind.OCSP,
    rules: FleetRules = RULES,
) -> bytes:
    """An envelope as a replica writes it, or somebody who would like to."""
    content = len(source.encode()).to_bytes(2) + source.encode() + response
    return enveloped(content, at, about, kind, rules)


def enveloped(
    content: bytes,
    at: datetime = NOW,
    about: str = KEY.hex(),
    kind: EnvelopeKind = EnvelopeKind.OCSP,
    rules: FleetRules = RULES,
) -> bytes:
    """An envelope around anything."""
    return rules.keys.seal(Envelope(kind, about, at, content))


def with_keys(*keys: bytes) -> FleetRules:
    """The rules of a replica that has these keys."""
    return replace(RULES, keys=FleetKeys(keys))
