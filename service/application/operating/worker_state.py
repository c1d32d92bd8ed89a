"""How each worker of a replica stands, where that is no count: what it keeps, whom it leaves alone, whom it reaches.

Every worker says so of itself once a second, where it has changed, and whoever is asked puts together what all of them
have said. So whichever worker answers says the same, of itself what is true now, and of others what was true a moment
ago.

Rules it keeps: what a worker says is bounded, and what it says of strangers is what they could not make long. Of a
responder that workers see differently the worst is told: it is what somebody waits for.

What it does not do: write or read what they say (`service.adapters.worker_states`); count (`counts`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from service.application.breaker import BreakerState
from service.application.clock import Clock
from service.application.ocsp_responders import ResponderReport
from service.application.shadow import MAX_RECENT, WouldDeny

TOLD_EVERY_S: Final = 1.0
"""Seconds between two looks at what a worker would say: as old as it may be when another one is asked."""

TOLD_ANYWAY: Final = timedelta(seconds=10)
"""When it is said once more although nothing has changed, so that it is known to be there."""

SILENT: Final = timedelta(seconds=40)
"""A worker that has said nothing for so long is left out: it hangs, or its number is somebody else's by now."""

MOST_RESPONDERS: Final = 512
"""Responders that a worker tells of: as many as it remembers; hosts that fail have none of these places for long."""

MAX_SUBJECT: Final = 512
"""Characters of a subject among denials in shadow that other workers tell of: whoever asks has chosen it."""

_BY_BADNESS: Final = (BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED)


@dataclass(frozen=True, slots=True)
class CacheSize:
    """What is in a cache now.

    Attributes:
        tier: Where it is: `memory`, `host`, `redis`, `origin`.
        kind: Of what: `verdict`, `crl`, `ocsp`.
        entries: How many.
        octets: Of all of them; None where nobody counts them.
    """

    tier: str
    kind: str
    entries: int
    octets: int | None


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How one worker stands.

    Attributes:
        pid: Which it is.
        at: When it said so.
        caches: What it keeps.
        refusals: OCSP questions that it does not ask now, since a responder refused to answer them.
        refreshing: OCSP answers that it is asking for ahead of their end.
        responders: Hosts that it has asked.
        redis: Why it does not ask Redis now; None where it does, or there is none.
        recent: Denials in shadow, newest first.
    """

    pid: int
    at: datetime
    caches: tuple[CacheSize, ...] = ()
    refusals: int = 0
    refreshing: int = 0
    responders: tuple[ResponderReport, ...] = ()
    redis: str | None = None
    recent: tuple[WouldDeny, ...] = ()


class StateShelf(Protocol):
    """Where workers say how they stand. Its methods wait for a disk, and are for threads; they raise nothing."""

    def tell(self, state: WorkerState) -> None:
        """Say it, in place of what was said before."""

    def living(self, at: datetime) -> tuple[WorkerState, ...]:
        """What workers that live have said within `SILENT` before a moment."""


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """How all workers of a replica stand together.

    Attributes:
        workers: Each that has said something, by its number, and when.
        caches: By tier and kind: entries and octets of all workers together.
        refusals: Of all of them.
        refreshing: Of all of them.
        responders: By host, each as the worker that has the worst of it sees it.
        redis: Why some worker does not ask Redis now; None where all do.
        recent: Denials in shadow, newest first, `MAX_RECENT` at most.
    """

    workers: Mapping[int, datetime]
    caches: Mapping[tuple[str, str], CacheSize]
    refusals: int
    refreshing: int
    responders: Mapping[str, ResponderReport]
    redis: str | None
    recent: tuple[WouldDeny, ...]


class StateTelling:
    """Says how this worker stands, while it runs."""

    def __init__(self, own: Callable[[], WorkerState], shelf: StateShelf, clock: Clock) -> None:
        """Nothing was said.

        Args:
            own: How it stands.
            shelf: Where it says so.
            clock: Time.
        """
        self._own = own
        self._shelf = shelf
        self._clock = clock
        self._told: WorkerState | None = None

    async def run(self) -> None:
        """Say it every second where it has changed, until cancelled."""
        while True:
            await self.tell()
            await self._clock.sleep(TOLD_EVERY_S)

    async def tell(self) -> None:
        """Say it where it has changed, or was not said for a while."""
        state, told = shareable(self._own()), self._told
        if told is not None and replace(state, at=told.at) == told and state.at - told.at < TOLD_ANYWAY:
            return
        self._told = state
        await asyncio.to_thread(self._shelf.tell, state)


def shareable(state: WorkerState) -> WorkerState:
    """What a worker tells others of itself: bounded, the worst first."""
    responders = sorted(state.responders, key=lambda one: (_BY_BADNESS.index(one.state), -one.failures, one.host))
    recent = tuple(replace(one, subject=one.subject[:MAX_SUBJECT]) for one in state.recent[:MAX_RECENT])
    return replace(state, responders=tuple(responders[:MOST_RESPONDERS]), recent=recent)


def together(states: Iterable[WorkerState]) -> ReplicaState:
    """How all of them stand."""
    every = sorted(states, key=lambda one: one.pid)
    return ReplicaState(
        workers={one.pid: one.at for one in every},
        caches=_caches(every),
        refusals=sum(one.refusals for one in every),
        refreshing=sum(one.refreshing for one in every),
        responders=_responders(every),
        redis=next((one.redis for one in every if one.redis is not None), None),
        recent=_recent(every),
    )


def _caches(states: Iterable[WorkerState]) -> Mapping[tuple[str, str], CacheSize]:
    entries: Counter[tuple[str, str]] = Counter()
    octets: dict[tuple[str, str], int | None] = {}
    for size in (size for state in states for size in state.caches):
        key = (size.tier, size.kind)
        entries[key] += size.entries
        before = octets.get(key, 0)
        octets[key] = None if before is None or size.octets is None else before + size.octets
    return {key: CacheSize(*key, entries[key], octets[key]) for key in octets}


def _responders(states: Iterable[WorkerState]) -> Mapping[str, ResponderReport]:
    found: dict[str, ResponderReport] = {}
    for one in (one for state in states for one in state.responders):
        before = found.get(one.host, one)
        moments = [moment for moment in (before.answered_at, one.answered_at) if moment is not None]
        found[one.host] = ResponderReport(
            one.host,
            min(before.state, one.state, key=_BY_BADNESS.index),
            max(before.failures, one.failures),
            max(moments, default=None),
        )
    return dict(sorted(found.items()))


def _recent(states: Iterable[WorkerState]) -> tuple[WouldDeny, ...]:
    every = [one for state in states for one in state.recent]
    every.sort(key=lambda one: one.at, reverse=True)  # stable: of one moment, each worker's own order stays
    return tuple(every[:MAX_RECENT])
