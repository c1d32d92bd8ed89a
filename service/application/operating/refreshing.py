"""Having sources of CRLs tried now: one, some or all, and waiting for what comes of it, within a limit.

Rules it keeps: a source that nobody knows is named as unknown, and nothing else is said of what is known here; whoever
waits is told what has ended and what is still under way, and nothing that is under way ends because he waits no longer;
nobody waits for longer than the limit, whatever the prefetcher does: one that dies meanwhile has a successor, which is
asked instead, within the same limit.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.application.clock import Clock
from service.application.operating.telling import OperatorObserver, RefreshAsked
from service.application.prefetch.desk import (
    PrefetcherGoneError,
    PrefetcherUnavailableError,
    Refresher,
    RefreshReport,
    SourceOutcome,
    Waiting,
)
from service.application.prefetch.source_record import SourceReader, SourceRecord

LONGEST_WAIT_S: Final = 60.0
"""Seconds for which a request waits: load balancers end a silent connection after a minute or so."""

TOGETHER: Final = 16
"""Sources that are asked for at one time where somebody names some: each is a connection to the prefetcher."""

ASKED_AGAIN: Final = 3
"""Times that a successor is asked for what a prefetcher had in hand when it died: more of them would die of it too."""

_INSTANT: Final = timedelta(milliseconds=1)


class UnknownSourceError(LookupError):
    """None of the named sources is known here."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What came of asking.

    Attributes:
        asked_at: When it was.
        started: Keys of the sources that are tried.
        unknown: What was named and is not known.
        outcomes: Of those that were waited for and have ended.
        running: Of those that were waited for and have not.
    """

    asked_at: datetime
    started: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    outcomes: tuple[SourceOutcome, ...] = ()
    running: tuple[str, ...] = ()


class Refreshing:
    """Asks the prefetcher."""

    def __init__(
        self,
        refresher: Refresher,
        sources: SourceReader,
        clock: Clock,
        observer: OperatorObserver,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:
        """Take who does it, who remembers what came of it, and who is told."""
        self._refresher = refresher
        self._sources = sources
        self._clock = clock
        self._observer = observer
        self._longest_wait_s = longest_wait_s
        self._waiting: set[asyncio.Task[RefreshReport]] = set()

    async def refresh(self, named: tuple[str, ...] | None, waiting: Waiting, by: str) -> Refreshed:
        """Have sources tried now.

        Args:
            named: Their keys, or any of their places; None for all.
            waiting: Whether to wait for the end, as long as is allowed.
            by: Who asks, for people.

        Raises:
            UnknownSourceError: something was named, and none of it is known.
            PrefetcherUnavailableError: nobody does it, or nobody says within the limit that it was begun.
            StoreError: nobody can say what came of it.
        """
        asked_at = self._clock.now()
        records = await asyncio.to_thread(self._sources.sources)
        meant = {one: _meant(records, one) for one in dict.fromkeys(named or ())}
        unknown = tuple(one for one, keys in meant.items() if not keys)
        every = tuple(record.source.key for record in records)
        keys = every if named is None else tuple(dict.fromkeys(key for keys in meant.values() for key in keys))
        if named is not None and not keys:
            raise UnknownSourceError
        self._observer.refresh_asked(RefreshAsked(by, len(keys)))
        match waiting:
            case Waiting.STARTED:
                await self._begun(None if named is None else keys)
                return Refreshed(asked_at, keys, unknown)
            case Waiting.DONE:
                return await self._waited_for(None if named is None else keys, keys, unknown, asked_at)

    async def _begun(self, keys: tuple[str, ...] | None) -> None:
        try:
            async with asyncio.timeout(self._longest_wait_s):
                await self._each(keys, Waiting.STARTED)
        except TimeoutError:
            reason = f"the prefetcher did not answer within {self._longest_wait_s:g} s"
            raise PrefetcherUnavailableError(reason) from None

    async def _each(self, keys: tuple[str, ...] | None, waiting: Waiting) -> RefreshReport:
        """Ask for all, or for these, a few at a time."""
        if keys is None:
            return await self._asked(None, waiting)
        turns = asyncio.Semaphore(TOGETHER)

        async def ask(key: str) -> RefreshReport:
            async with turns:
                return await self._asked(key, waiting)

        reports = await asyncio.gather(*(ask(key) for key in keys))
        outcomes = tuple(outcome for report in reports for outcome in report.outcomes)
        return RefreshReport(len(keys), keys, outcomes)

    async def _asked(self, key: str | None, waiting: Waiting) -> RefreshReport:
        for _ in range(ASKED_AGAIN):
            try:
                return await self._refresher.refresh(key, waiting)
            except PrefetcherGoneError:
                continue  # whoever connects while there is none waits for the next
        return await self._refresher.refresh(key, waiting)

    async def _waited_for(
        self, asked: tuple[str, ...] | None, keys: tuple[str, ...], unknown: tuple[str, ...], asked_at: datetime
    ) -> Refreshed:
        task = asyncio.create_task(self._each(asked, Waiting.DONE))
        self._waiting.add(task)  # whoever waits no longer ends nothing
        task.add_done_callback(self._forget)
        done, _ = await asyncio.wait((task,), timeout=self._longest_wait_s)
        told = {one.source: one for one in task.result().outcomes} if done else {}
        missing = [key for key in keys if key not in told]
        if missing:
            records = {record.source.key: record for record in await asyncio.to_thread(self._sources.sources)}
            ended = (records[key] for key in missing if key in records)
            told |= {one.source.key: _outcome(one) for one in ended if done or _ended_since(one, asked_at)}
        outcomes = tuple(told[key] for key in keys if key in told)
        running = () if done else tuple(key for key in keys if key not in told)
        return Refreshed(asked_at, keys, unknown, outcomes, running)

    def _forget(self, task: "asyncio.Task[RefreshReport]") -> None:
        self._waiting.discard(task)
        if not task.cancelled():
            task.exception()  # nobody is left to be told


def _meant(records: Iterable[SourceRecord], named: str) -> tuple[str, ...]:
    """The sources that somebody means, as the prefetcher understands it."""
    return tuple(one.source.key for one in records if named == one.source.key or named in one.source.places)


def _ended_since(record: SourceRecord, moment: datetime) -> bool:
    tried_at = record.state.tried_at
    return tried_at is not None and tried_at >= moment - _INSTANT


def _outcome(record: SourceRecord) -> SourceOutcome:
    return SourceOutcome(record.source.key, record.problem, record.detail)
