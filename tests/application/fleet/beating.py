"""Replicas that say what they do in a real Redis, and what they say."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import pytest

from service.adapters.redis.cache import RedisCache
from service.application.fleet.envelope import Envelope, EnvelopeKind, FleetKeys, Refusal
from service.application.fleet.heartbeat import (
    Held,
    Hits,
    Role,
    Tallies,
)
from service.application.fleet.heartbeats import (
    FleetReader,
    FleetReport,
    HeartbeatPorts,
    Heartbeats,
    Identity,
    Presence,
)
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.standing import FleetStanding, Standing
from service.application.fleet.telling import FleetEvent, NullFleetObserver, RefusedDetails
from tests.application.manual_clock import ManualClock
from tests.pki import NOW

KEY: Final = b"the fleet's key, 32 octets of it"
SECOND: Final = timedelta(seconds=1)


class Told(NullFleetObserver):
    """Keeps what it is told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.counts: list[tuple[int, int]] = []
        self.taken: list[str] = []
        self.refusals: list[tuple[EnvelopeKind, Refusal]] = []
        self.events: list[tuple[EnvelopeKind, FleetEvent]] = []

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Keep it."""
        self.events.append((kind, event))

    def refused(self, details: RefusedDetails) -> None:
        """Keep it."""
        self.refusals.append((details.kind, details.refusal))

    def replicas(self, present: int, gone: int) -> None:
        """Keep it."""
        self.counts.append((present, gone))

    def name_taken(self, name: str) -> None:
        """Keep it."""
        self.taken.append(name)


class Figures:
    """What a replica knows of itself."""

    def __init__(self) -> None:
        """A store that can be read."""
        self.broken: Exception | None = None
        self.standing = FleetStanding(Standing.CURRENT, NOW)
        self.leases = 1

    def held(self) -> Held:
        """Three CRLs and two blocks."""
        if self.broken is not None:
            raise self.broken
        return Held(7, 3, "a1c03ef09b52", 2)

    def tallies(self) -> Tallies:
        """Something of each."""
        return Tallies(Hits(1, 2), Hits(3, 4), Hits(5, 6), 7, 8)


class Fleet:
    """Replicas that share a Redis."""

    def __init__(self, cache: RedisCache, prefix: str) -> None:
        """Nobody is there."""
        self.cache = cache
        self.names = FleetNames(prefix)
        self.clock = ManualClock()
        self.told = Told()
        self.figures = Figures()
        self.faults: list[tuple[str, Exception]] = []

    def parts(self, name: str = "pod-1", keys: tuple[bytes, ...] = (KEY,), told: Told | None = None) -> FleetParts:
        """What a replica works with."""
        rules = FleetRules(name, FleetKeys(keys), timedelta(hours=1), timedelta(minutes=1))
        return FleetParts(self.cache, self.names, rules, self.clock, told or self.told)

    def replica(self, name: str = "pod-1", keys: tuple[bytes, ...] = (KEY,), told: Told | None = None) -> Heartbeats:
        """A replica."""
        identity = Identity("1.2.3", Role.SERVICE, NOW, workers=2)
        figures = self.figures
        ports = HeartbeatPorts(figures, figures, lambda: figures.leases, lambda *fault: self.faults.append(fault))
        return Heartbeats(self.parts(name, keys, told), identity, ports, told or self.told)

    async def report(self, keys: tuple[bytes, ...] = (KEY,)) -> FleetReport:
        """What an operator reads, in a worker of the first replica."""
        return await FleetReader(self.parts(keys=keys, told=Told())).replicas()

    async def shown(self, keys: tuple[bytes, ...] = (KEY,)) -> list[tuple[str, Presence]]:
        """Who is there."""
        return [(line.heartbeat.name, line.presence) for line in (await self.report(keys)).replicas]

    async def write(self, name: str, octets: bytes) -> None:
        """What whoever owns Redis can do."""
        await self.cache.put_members(self.names.replicas, {name: octets})

    async def there(self) -> set[str]:
        """Under which names there is anything."""
        return set(await self.cache.members(self.names.replicas))


def sealed(name: str, at: datetime, content: bytes, kind: EnvelopeKind = EnvelopeKind.HEARTBEAT) -> bytes:
    """An envelope of somebody who has the key."""
    return FleetKeys((KEY,)).seal(Envelope(kind, name, at, content))


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that others do."""
    for _ in range(1000):
        if happened():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen")
