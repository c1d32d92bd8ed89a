"""Heartbeats: what replicas say of themselves in Redis every other second, and what operators read there.

Rules it keeps: a replica writes under its name, and says so where somebody else does as well; nobody waits for Redis
longer than a moment; what is there is bounded in number and length before it is looked into, and what is no heartbeat
is counted and shown to nobody. One that has been silent is gone, and after an hour forgotten, by whoever looks next.

What it does not do: decide anything. No verdict, no block and no fetch depends on who is there.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from service.application.evidence_store import StoreError
from service.application.fleet.cache import BULK_S, FleetUnavailableError
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.heartbeat import (
    MAX_OCTETS,
    Heartbeat,
    HeartbeatError,
    Held,
    Role,
    Tallies,
    decode_heartbeat,
    encode_heartbeat,
)
from service.application.fleet.parts import FleetParts
from service.application.fleet.standing import StandingReport
from service.application.fleet.telling import FleetEvent, RefusedDetails, ReplicaObserver
from service.application.flights import Flights

HEARTBEAT_S: Final = 2.0
"""Seconds between two heartbeats: half a kilobyte each."""

LOOK_S: Final = 10.0
"""Seconds between two looks at all of them: each replica reads what all have written."""

GONE: Final = timedelta(seconds=10)
"""A replica that was silent for so long is gone: five heartbeats. Clocks that are further apart show as that, too."""

FORGOTTEN: Final = timedelta(hours=1)
"""One that was silent for so long is removed: long enough to be looked for, and what went at night is in the logs."""

READ_S: Final = 0.8
"""Seconds within which an operator learns who is there: as long as a readiness check may take."""

MOST_REPLICAS: Final = 500
"""Heartbeats that are looked into at once; whoever owns Redis may write any number of them."""

_PORTION: Final = 50
"""Heartbeats that are read before somebody else has a turn: a millisecond."""

_INSTANCE_OCTETS: Final = 8


class Presence(StrEnum):
    """Whether a replica is there."""

    PRESENT = "present"
    """It was heard a moment ago."""
    GONE = "gone"
    """It was heard of late, and not since."""


@dataclass(frozen=True, slots=True)
class ReplicaLine:
    """A replica, as its last heartbeat says."""

    presence: Presence
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class FleetReport:
    """Who is there.

    Attributes:
        replica: What this replica is called.
        authenticated: Whether what is shown was written by somebody who has a key of the fleet.
        reason: Why Redis could not be asked; None where it was.
        replicas: By name.
        unreadable: Heartbeats that are none, or nobody's of this fleet.
        omitted: Heartbeats that were not looked into, since there are too many.
        asked_s: Seconds that Redis took to answer; None where it did not.
    """

    replica: str
    authenticated: bool
    reason: str | None
    replicas: tuple[ReplicaLine, ...] = ()
    unreadable: int = 0
    omitted: int = 0
    asked_s: float | None = None


class ReplicaFigures(Protocol):
    """What a replica knows of itself; both are called in a thread."""

    def held(self) -> Held:
        """What its host holds.

        Raises:
            StoreError: it cannot be read.
        """

    def tallies(self) -> Tallies:
        """What all of its processes have counted."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which replica this is, besides its name.

    Attributes:
        workers: Processes that answer; None where there are none.
    """

    version: str
    role: Role
    started_at: datetime
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatPorts:
    """Whom to ask.

    Attributes:
        figures: What it knows of itself.
        standing: How it stands with its fleet.
        leases_held: How many leases this process holds (`lease.held_now`).
        faults: Is told what nobody has thought of.
    """

    figures: ReplicaFigures
    standing: StandingReport
    leases_held: Callable[[], int]
    faults: Callable[[str, Exception], None]


class Heartbeats:
    """Writes those of this replica, and looks who else is there. One in a replica, in its prefetcher."""

    def __init__(self, parts: FleetParts, identity: Identity, ports: HeartbeatPorts, told: ReplicaObserver) -> None:
        """Nothing is written yet.

        Args:
            parts: The cache, and how it is used.
            identity: Which replica this is.
            ports: Whom to ask.
            told: Is told who is there.
        """
        self._parts = parts
        self._identity = identity
        self._ports = ports
        self._told = told
        self._instance = secrets.token_hex(_INSTANCE_OCTETS)
        self._written = False
        self._name_taken = False
        self._looked_at: float | None = None

    async def run(self) -> None:
        """Beat until cancelled, whatever Redis does."""
        while True:
            try:
                await self.beat()
            except Exception as error:  # noqa: BLE001 - a fault of ours: told, and the next one is another chance
                self._ports.faults("heartbeat", error)
            await self._parts.clock.sleep(HEARTBEAT_S)

    async def beat(self) -> None:
        """Look who else is there where it is time, and write one heartbeat."""
        parts, name = self._parts, self._parts.rules.replica
        await self._look_in_time()
        content = encode_heartbeat(await self._heartbeat())
        envelope = parts.seal(EnvelopeKind.HEARTBEAT, name, content)
        try:
            await parts.cache.put_members(parts.names.replicas, {name: envelope})
        except FleetUnavailableError:
            self._looked_at = None  # whoever comes back wants to know who is there
            self._told.fleet(EnvelopeKind.HEARTBEAT, FleetEvent.UNAVAILABLE)
        else:
            self._written = True
            self._told.fleet(EnvelopeKind.HEARTBEAT, FleetEvent.WRITTEN)

    async def _look_in_time(self) -> None:
        """Look where it is time; that there is too much to look at keeps nobody from saying that he is there."""
        now = self._parts.clock.monotonic()
        if self._looked_at is not None and now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        try:
            async with asyncio.timeout(BULK_S):
                await self._look()
        except (FleetUnavailableError, TimeoutError):
            self._told.replicas(0, 0)

    async def _look(self) -> None:
        """Look before writing: what is under our name now was written since we did so."""
        parts, me = self._parts, self._parts.rules.replica
        seen = await _read(parts)
        if seen.forgotten:
            await parts.cache.drop_members(parts.names.replicas, seen.forgotten)
        ours = next((one for one in seen.lines if one.heartbeat.name == me), None)
        others = Counter(one.presence for one in seen.lines if one is not ours)
        self._told.replicas(others[Presence.PRESENT] + 1, others[Presence.GONE])
        # One from before our first was that of the run before, and is none of somebody else's.
        self._name_taken = (
            self._written
            and ours is not None
            and ours.presence is Presence.PRESENT
            and ours.heartbeat.instance != self._instance
        )
        if self._name_taken:
            self._told.name_taken(me)

    async def _heartbeat(self) -> Heartbeat:
        identity, standing = self._identity, self._ports.standing.standing
        held, tallies = await asyncio.to_thread(self._figures)
        return Heartbeat(
            name=self._parts.rules.replica,
            at=self._parts.clock.now(),
            instance=self._instance,
            version=identity.version,
            role=identity.role,
            started_at=identity.started_at,
            workers=identity.workers,
            held=held,
            standing=standing.standing,
            reason=standing.reason,
            leases_held=self._ports.leases_held(),
            name_taken=self._name_taken,
            tallies=tallies,
        )

    def _figures(self) -> tuple[Held | None, Tallies]:
        figures = self._ports.figures
        try:
            held = figures.held()
        except StoreError:
            held = None
        return held, figures.tallies()


class FleetReader:
    """Reads who is there, for operators; those who ask while it reads are answered from what it reads."""

    def __init__(self, parts: FleetParts) -> None:
        """Take the cache, and how it is used."""
        self._parts = parts
        self._flights: Flights[str, FleetReport] = Flights()

    async def replicas(self) -> FleetReport:
        """Who is there, or why nobody can say; within `READ_S`."""
        return await self._flights.join(self._parts.names.replicas, self._read_in_time)

    async def _read_in_time(self) -> FleetReport:
        rules = self._parts.rules
        me, authenticated = rules.replica, rules.keys.authenticate
        try:
            async with asyncio.timeout(READ_S):
                seen = await _read(self._parts)
        except FleetUnavailableError as error:
            return FleetReport(me, authenticated, error.reason)
        except TimeoutError:
            return FleetReport(me, authenticated, f"no answer within {READ_S:g} s")
        return FleetReport(me, authenticated, None, seen.lines, seen.unreadable, seen.omitted, seen.asked_s)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is under the name of heartbeats, sorted out."""

    lines: tuple[ReplicaLine, ...]
    forgotten: tuple[str, ...]
    unreadable: int
    omitted: int
    asked_s: float


async def _read(parts: FleetParts) -> _Seen:
    """Everything that is under the name of heartbeats.

    Raises:
        FleetUnavailableError: nobody can say.
    """
    began = parts.clock.monotonic()
    members = await parts.cache.members(parts.names.replicas)
    asked_s = parts.clock.monotonic() - began
    looked_into, now = list(members.items())[:MOST_REPLICAS], parts.clock.now()
    found: list[Heartbeat | None] = []
    for name, octets in looked_into:
        found.append(_opened(parts, name, octets))
        if len(found) % _PORTION == 0:
            await parts.clock.sleep(0)
    heartbeats = [one for one in found if one is not None]
    lines = (_line(one, now) for one in heartbeats if now - one.at <= FORGOTTEN)
    return _Seen(
        lines=tuple(sorted(lines, key=lambda line: line.heartbeat.name)),
        forgotten=tuple(one.name for one in heartbeats if now - one.at > FORGOTTEN),
        unreadable=len(found) - len(heartbeats),
        omitted=len(members) - len(looked_into),
        asked_s=asked_s,
    )


def _line(heartbeat: Heartbeat, now: datetime) -> ReplicaLine:
    return ReplicaLine(Presence.PRESENT if now - heartbeat.at <= GONE else Presence.GONE, heartbeat)


def _opened(parts: FleetParts, name: str, octets: bytes) -> Heartbeat | None:
    """The heartbeat under a name; None, and told, where it is none."""
    if len(octets) <= MAX_OCTETS:
        envelope = parts.open_lasting(octets, EnvelopeKind.HEARTBEAT, name)
        if envelope is None:
            return None
        with suppress(HeartbeatError):
            return decode_heartbeat(name, envelope.at, envelope.content)
    parts.observer.refused(RefusedDetails(EnvelopeKind.HEARTBEAT, Refusal.MALFORMED, name))
    return None
