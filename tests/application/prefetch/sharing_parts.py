"""Prefetchers of several replicas in one process, on a real Redis, and how far each has followed the others."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.crl_versions import Body, SharedVersion, write_version
from service.application.fleet.envelope import Envelope, EnvelopeKind, FleetKeys
from service.application.fleet.events import CrlEvent, decode_event, encode_event
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.shared_crls import SharedCrls
from service.application.fleet.telling import FleetEvent, NullFleetObserver, RefusedDetails
from service.application.origin import OriginError
from service.application.origin_headers import OriginHeaders, Validators
from service.core.model.attempt import Problem
from tests.application.chain import CRL_URL, ROOT, SUB, leaf
from tests.application.manual_clock import ManualClock
from tests.application.prefetch.world import (
    HOUR,
    Setup,
    VersionedOrigin,
    World,
    crl,
    trust,
    world,
)
from tests.redis_servers import RedisServer

KEYED: Final = FleetKeys((bytes(range(32)),))
DOWN: Final = OriginError(Problem.UNREACHABLE, "nobody there")
LEAF: Final = leaf(crl_urls=[CRL_URL])


class FleetClock:
    """The moment of the test; to wait takes its time, and patience has no end. Implements `Clock`."""

    def __init__(self, clock: ManualClock) -> None:
        """Take the test's."""
        self._clock = clock

    def now(self) -> datetime:
        """The moment, in UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds that do not pass for whoever waits."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait a little."""
        await asyncio.sleep(seconds / 10)


class Told(NullFleetObserver):
    """Keeps what a replica tells."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[FleetEvent] = []
        self.refusals: list[RefusedDetails] = []

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Keep it."""
        del kind
        self.events.append(event)

    def refused(self, details: RefusedDetails) -> None:
        """Keep it."""
        self.refusals.append(details)


TRIES: Final = 50
BETWEEN_TRIES_S: Final = 0.1


async def surely(write: Callable[[], Awaitable[object]]) -> None:
    """Write, and try again where a busy machine has kept the server from answering in time.

    Raises:
        FleetUnavailableError: it never answers.
    """
    for _ in range(TRIES - 1):
        try:
            await write()
        except FleetUnavailableError:
            await asyncio.sleep(BETWEEN_TRIES_S)
        else:
            return
    await write()


@dataclass(slots=True)
class Replica:
    """One service, and how far it has followed the others."""

    world: World
    cache: RedisCache
    parts: FleetParts
    told: Told
    sharing: SharedCrls
    last: str = "0"

    async def hear(self) -> None:
        """Hear what the others have told, and do what comes of that."""
        for event in await self.cache.follow(self.parts.names.events, self.last, 0.001):
            self.last = event.id
            envelope = self.parts.open_lasting(event.envelope, EnvelopeKind.EVENT, None)
            assert envelope is not None
            message = decode_event(envelope.content)
            assert isinstance(message, CrlEvent)
            self.world.prefetcher.heard(message.name)
        await self.world.prefetcher.settle()

    @property
    def asked(self) -> int:
        """How often it has asked an origin."""
        return len(self.world.recorder.fetches)


@dataclass(slots=True)
class Fleet:
    """All of them, and what is between them."""

    server: RedisServer
    directory: Path
    clock: ManualClock = field(default_factory=ManualClock)
    origin: VersionedOrigin = field(default_factory=lambda: VersionedOrigin({CRL_URL: crl(1)}))
    names: FleetNames = field(default_factory=lambda: FleetNames(token_hex(8)))
    replicas: list[Replica] = field(default_factory=list)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def replica(self, setup: Setup | None = None, keys: FleetKeys = KEYED, known: bool = True) -> Replica:
        """One more, which knows Sub, or Root alone."""
        directory = self.directory / str(len(self.replicas))
        directory.mkdir()
        trust(directory, *((ROOT, SUB) if known else (ROOT,)))
        cache = await self.stack.enter_async_context(open_cache(RedisPlace(self.server.url)))
        rules = FleetRules(directory.name, keys, timedelta(hours=1), timedelta(minutes=1))
        told = Told()
        parts = FleetParts(cache, self.names, rules, FleetClock(self.clock), told)
        sharing = SharedCrls(parts)
        setup = replace(setup or Setup((CRL_URL,)), sharing=sharing, name_of=self.names.crl)
        made = self.stack.enter_context(world(directory, setup, self.origin, self.clock))
        self.stack.push_async_callback(made.prefetcher.aclose)
        self.stack.push_async_callback(made.ingester.aclose)
        await made.loops.begin()
        await made.loops.tick()
        self.replicas.append(Replica(made, cache, parts, told, sharing))
        return self.replicas[-1]

    async def several(self, count: int, *setups: Setup) -> list[Replica]:
        """So many more."""
        return [await self.replica(setups[number] if setups else None) for number in range(count)]

    async def forge(
        self, data: bytes, at: datetime | None = None, keys: FleetKeys = KEYED, validators: Validators | None = None
    ) -> None:
        """Write a CRL as a replica does, or whoever owns the cache, and tell of it."""
        cache, body, name = self.replicas[0].cache, Body(sha256(data).digest(), len(data)), self.names.crl(CRL_URL)
        at, start = at or self.clock.now(), 0
        for number, octets in enumerate(body.pieces):
            piece = self.names.piece(CRL_URL, body.digest, number)
            await surely(partial(cache.put_piece, piece, data[start : start + octets], HOUR))
            start += octets
        content = write_version(SharedVersion(OriginHeaders(validators or Validators()), body))
        await surely(partial(cache.put, name, keys.seal(Envelope(EnvelopeKind.CRL, name, at, content)), HOUR))
        event = keys.seal(Envelope(EnvelopeKind.EVENT, "somebody", at, encode_event(CrlEvent(name))))
        await surely(partial(cache.tell, self.names.events, event))

    async def live(self, seconds: float, step: float) -> None:
        """Let time pass in steps; after each of them everybody does what is due, and hears of it."""
        for _ in range(int(seconds / step)):
            self.clock.advance(step)
            for one in self.replicas:
                before = len(self.origin.requests)
                await one.world.prefetcher.settle()
                if len(self.origin.requests) > before:
                    for other in self.replicas:
                        await other.hear()
