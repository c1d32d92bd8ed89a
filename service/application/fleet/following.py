"""Following: hears of what other replicas have changed, and knows when this one has missed something.

Events are read from the last one that was applied, over a restart too. Whoever was away, and whoever finds the cache
emptied, its events gone, or an older copy of itself in its place, brings this host and the fleet together before he
counts as current.

Rules it keeps: nothing that comes out of the cache ends the following, or any other work of this process: what is no
event is passed over (`hearing`), what is no stream is asked for anew after a pause; what cannot be applied is not tried
again and again, since bringing everything together finds what it said; `current` is said only where events are
read, and everything was brought together after the last gap began.

What it does not do: know what is in events, or speak with the cache in its own tongue.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from service.application.evidence_store import StoreError
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.hearing import Hearing, Listeners
from service.application.fleet.parts import FleetParts
from service.application.fleet.position import BEGINNING, END, EventId, GarbledStreamError, Position, PositionStore
from service.application.fleet.standing import FleetStanding, Standing

PATIENCE: Final = 2
"""Times in a row that events cannot be read although the cache answers, before they are passed over unread: whoever
owns it may have written what no answer has room for, or what nobody can read. And times in a row that nobody can say
whether the stream is still the one that is read, before that counts as a gap."""

_EPOCH_OCTETS: Final = 16
_AT_ONCE_S: Final = 0.001

_STARTED: Final = "it was started"
_RETURNED: Final = "the cache is there again"
_PERIODIC: Final = "it is time"


@dataclass(frozen=True, slots=True)
class FollowRules:
    """How often, in seconds.

    Attributes:
        wait_s: How long one question for events waits.
        look_every_s: Between two looks whether the stream is still the one that was read: a flush is noticed by then.
        reconcile_every_s: Between two times that everything is brought together although nothing seems amiss.
        reconcile_within_s: For doing that once: 100,000 blocks take some seconds, and whoever owns the cache must
            not keep us at it.
        breath_s: After each answer: the next thousand events are then one rather than a thousand, and an answer that
            comes too soon is asked for fifty times a second and no more.
        first_pause_s: Before the cache is asked again after it failed; doubled by each failure in a row.
        longest_pause_s: Where doubling ends: who comes back hears of a block within a second.
        starting_s: How long nobody needs to say whether this replica is current; afterwards it is behind.
        lag_s: An event that is unread for so long makes a replica be behind.
    """

    wait_s: float = 1.0
    look_every_s: float = 1.0
    reconcile_every_s: float = 30.0
    reconcile_within_s: float = 60.0
    breath_s: float = 0.02
    first_pause_s: float = 0.2
    longest_pause_s: float = 0.25
    starting_s: float = 10.0
    lag_s: float = 5.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there is to read, at one moment."""

    epoch: str
    first: EventId | None
    last: EventId


class Follower:
    """Follows the events of the fleet: in one process of each replica, which is told of them by nobody else."""

    def __init__(
        self,
        parts: FleetParts,
        store: PositionStore,
        listeners: Listeners,
        faults: Callable[[str, Exception], None],
        rules: FollowRules | None = None,
    ) -> None:
        """Nothing is known yet.

        Args:
            parts: The cache, and how it is used.
            store: Keeps how far events were read.
            listeners: Are told what was read.
            faults: Is told of what nobody has thought of, and where it happened.
            rules: How often.
        """
        self._cache, self._clock, self._names, self._observer = parts.cache, parts.clock, parts.names, parts.observer
        self._store = store
        self._hearing = Hearing(parts, listeners)
        self._blocks = listeners.blocks
        self._faults = faults
        self._rules = rules or FollowRules()
        self._standing = FleetStanding(Standing.CATCHING_UP, self._clock.now())
        self._epoch: str | None = None
        self._at = self._looked = BEGINNING  # the last event that was read, and what it was at the last look
        self._kept: Position | None = None
        self._target = (BEGINNING, 0.0)  # what was the end of the stream, and when; to be reached
        # Why this replica is not current; it is where nothing is said.
        self._away: str | None = _STARTED
        self._missing: str | None = _STARTED
        self._late: str | None = None
        self._unread = 0  # how often in a row nothing could be read here
        self._pause = self._rules.first_pause_s
        self._gaps = 0
        self._gap = asyncio.Event()

    @property
    def standing(self) -> FleetStanding:
        """How this replica stands with its fleet."""
        latest = self._standing.since + timedelta(seconds=self._rules.starting_s)
        if self._standing.standing is Standing.CATCHING_UP and self._clock.now() > latest:
            return FleetStanding(Standing.BEHIND, latest, "it has not caught up since it was started")
        return self._standing

    async def run(self) -> None:
        """Follow until cancelled, whatever the cache does."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read_always())
            group.create_task(self._reconcile_always())

    async def _read_always(self) -> None:
        missed = _STARTED
        while True:
            try:
                self._enter(await self._look())
                await self._read(_AT_ONCE_S)
                self._away = None
                self._want_everything(missed)
                await self._read_on()
            except Exception as error:  # noqa: BLE001 - the rest of this process must not depend on whose cache it is
                self._away = self._in_words(error)
                self._judge()
            missed = _RETURNED
            await self._clock.sleep(self._pause)
            self._pause = min(2 * self._pause, self._rules.longest_pause_s)

    def _enter(self, seen: _Seen) -> None:
        """Take up reading where this host has stopped, as far as that is a place in what is there."""
        if self._epoch is None:
            kept = self._recalled()
            # Everything is brought together now: who has read nothing yet needs nothing that was said before.
            self._epoch, self._at = (seen.epoch, seen.last) if kept is None else (kept.epoch, kept.last)
        if seen.epoch != self._epoch or seen.last < self._at:
            self._epoch, self._at = seen.epoch, BEGINNING
        if self._unread >= PATIENCE:
            self._at = seen.last
        self._unread += 1
        self._looked, self._target = self._at, (seen.last, self._clock.monotonic())

    async def _read_on(self) -> None:
        looked_at, failures = self._clock.monotonic(), 0
        while True:
            await self._read(self._rules.wait_s)
            if self._clock.monotonic() - looked_at >= self._rules.look_every_s:
                try:
                    self._compare(await self._look())
                except FleetUnavailableError:
                    # A process that was kept busy for a moment has missed nothing as long as it reads.
                    failures += 1
                    if failures >= PATIENCE:
                        raise
                else:
                    failures = 0
                looked_at = self._clock.monotonic()
                await self._keep()
            # Also where nothing came: whoever owns the cache may say so at once, again and again.
            await self._clock.sleep(self._rules.breath_s)

    async def _read(self, wait_s: float) -> None:
        """Read and apply what there is, or what comes in so many seconds."""
        told = await self._cache.follow(self._names.events, str(self._at), wait_s)
        at = self._at
        for one in told:
            found = EventId.parse(one.id)
            if found <= at:
                raise GarbledStreamError("events are out of order")
            at = found
        # First, since one that cannot be applied would be read for ever: whoever comes back wants all that it said.
        self._at, self._unread, self._pause = at, 0, self._rules.first_pause_s
        for event in self._hearing.events(one.envelope for one in told):
            await self._hearing.tell(event)
            await self._clock.sleep(0)  # others have their turn, however much is said

    async def _look(self) -> _Seen:
        found = await self._cache.mark(self._names.epoch, secrets.token_hex(_EPOCH_OCTETS).encode())
        ends = await self._cache.ends(self._names.events)
        first = EventId.parse(ends.first) if ends.first else None
        return _Seen(sha256(found).hexdigest(), first, EventId.parse(ends.last))

    def _compare(self, seen: _Seen) -> None:
        """Whether what is there is what was read, and has been read."""
        now = self._clock.monotonic()
        is_emptied, is_older = seen.epoch != self._epoch, seen.last < self._at
        if is_emptied or is_older:
            self._epoch, self._at, self._target = seen.epoch, BEGINNING, (seen.last, now)
            self._want_everything("the cache was emptied" if is_emptied else "the cache has lost events")
        elif BEGINNING < self._looked < (seen.last if seen.first is None else seen.first):
            # They may all have been read before they went: who cannot tell brings everything together.
            self._want_everything("there were more events than the cache keeps")
        if seen.first is None:
            self._at = max(self._at, seen.last)
        self._looked = self._at
        target, since = self._target
        if self._at >= target:
            self._target, self._late = (seen.last, now), None
        elif now - since > self._rules.lag_s:
            self._late = f"events of {self._rules.lag_s:g} s ago are not read yet"
        if seen.last == END:
            self._late = f"the stream of events takes no more: remove {self._names.events}"
        self._judge()

    async def _reconcile_always(self) -> None:
        pause = self._rules.first_pause_s
        while True:
            await self._gap_or(self._rules.reconcile_every_s if self._missing is None else pause)
            self._gap.clear()
            if self._away is not None:  # whoever comes back wants everything
                continue
            gaps, reason = self._gaps, self._missing or _PERIODIC
            try:
                await self._reconcile(reason)
            except Exception as error:  # noqa: BLE001 - as above
                self._missing = self._in_words(error)
                pause = min(2 * pause, self._rules.longest_pause_s)
            else:
                pause = self._rules.first_pause_s
                if gaps == self._gaps:
                    self._missing = None
            self._judge()

    async def _reconcile(self, reason: str) -> None:
        within = self._rules.reconcile_within_s
        try:
            async with asyncio.timeout(within):
                await self._blocks.reconcile(reason)
        except TimeoutError:
            raise FleetUnavailableError(f"blocks were not brought together within {within:g} s") from None

    async def _gap_or(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._gap.wait()
        except TimeoutError:
            pass

    def _want_everything(self, reason: str) -> None:
        self._missing = reason
        self._gaps += 1
        self._gap.set()
        if self._standing.standing is Standing.CURRENT:
            self._judge()

    def _judge(self) -> None:
        if self._standing.standing is Standing.CATCHING_UP and self._missing is _STARTED and self._away is None:
            return
        reason = self._away or self._missing or self._late
        standing = Standing.CURRENT if reason is None else Standing.BEHIND
        is_other = standing is not self._standing.standing
        since = self._clock.now() if is_other else self._standing.since
        self._standing = FleetStanding(standing, since, reason or "")
        if is_other:
            self._observer.stands(standing)

    def _recalled(self) -> Position | None:
        try:
            return self._store.position()
        except StoreError:  # then everything is as after a first start
            return None

    async def _keep(self) -> None:
        if self._epoch is None or self._kept == (position := Position(self._epoch, self._at)):
            return
        try:
            await self._store.keep_position(position)
        except StoreError:  # a restart reads some events again
            return
        self._kept = position

    def _in_words(self, error: Exception) -> str:
        match error:
            case FleetUnavailableError():
                return error.reason
            case StoreError() | GarbledStreamError():
                return str(error)
            case _:
                self._faults("following the fleet", error)
                return f"internal: {type(error).__name__}"
