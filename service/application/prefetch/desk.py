"""What the prefetcher does for others: the port, whichever process it is asked from, and who answers it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from service.application.claims import ClaimOutcome, CrlClaim, CrlClaims
from service.application.crl_fetcher import CrlFetcher, CrlOrder
from service.application.prefetch.executor import Prefetcher
from service.application.prefetch.source_record import SourceRecord
from service.core.model.attempt import Attempt, Problem


class Waiting(Enum):
    """Whether somebody waits for the end of what he asks for."""

    STARTED = "started"
    """He is told what was started."""
    DONE = "done"
    """He is told how it ended."""


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """How the refresh of one source ended.

    Attributes:
        source: Its key.
        problem: None for a CRL that is held and serves.
        detail: For a person.
    """

    source: str
    problem: Problem | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What came of asking for a refresh.

    Attributes:
        total: Sources that are meant; none where nobody knows the one that was named.
        started: Their keys, as many as find room in an answer.
        outcomes: One for each of these; empty where nobody waited.
    """

    total: int
    started: tuple[str, ...]
    outcomes: tuple[SourceOutcome, ...] = ()


class PrefetcherUnavailableError(Exception):
    """The prefetcher does not answer, or says that it could not do it; the message says which, for a person."""


class PrefetcherGoneError(PrefetcherUnavailableError):
    """It was there, and hung up with the request in hand: it is being replaced, and its successor can be asked."""


class Refresher(Protocol):
    """What operators ask for."""

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Have sources tried now.

        Args:
            source: The key of one, or any of its places; None for all.
            waiting: For what to wait.

        Raises:
            PrefetcherUnavailableError: nobody can say what was started.
        """


class Watermarks(Protocol):
    """What keeps lower CRL numbers out."""

    async def forget_watermarks(self, slots: tuple[bytes, ...]) -> None:
        """Forget the numbers that these slots have seen; what they hold stays, and nothing older is accepted.

        Raises:
            StoreError: nothing was forgotten.
        """


class PrefetchPort(CrlFetcher, CrlClaims, Refresher, Protocol):
    """Everything that other processes ask the prefetcher for."""

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Note that verdicts rested on sources; which of them are not known."""

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Keep fresh what verdicts rest on, although nobody had to order it."""

    async def reset(self, slots: tuple[bytes, ...]) -> None:
        """Accept CRLs of lower numbers in these slots: their authority was rebuilt.

        Raises:
            StoreError: nothing has changed.
        """


class PrefetchDesk:
    """Implements `PrefetchPort` in the process of the prefetcher."""

    def __init__(self, prefetcher: Prefetcher, watermarks: Watermarks, claims: CrlClaims) -> None:
        """Take who does it."""
        self._prefetcher = prefetcher
        self._watermarks = watermarks
        self._claims = claims
        self._started: set[asyncio.Task[tuple[SourceRecord, ...]]] = set()

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Carry an order out."""
        return await self._prefetcher.fetch(order)

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Try what waits."""
        return await self._claims.claim(claim)

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Note that verdicts rested on sources; which of them are not known."""
        return await self._prefetcher.note_used(keys)

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Keep fresh what verdicts rest on."""
        await self._prefetcher.learn(orders)

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Have sources tried now."""
        keys = self._prefetcher.keys_of(source)
        match waiting:
            case Waiting.DONE:
                records = await self._prefetcher.refresh(keys)
                return RefreshReport(len(keys), keys, tuple(_outcomes(records)))
            case Waiting.STARTED:
                task = asyncio.create_task(self._prefetcher.refresh(keys))
                self._started.add(task)
                task.add_done_callback(self._started.discard)
                return RefreshReport(len(keys), keys)

    async def reset(self, slots: tuple[bytes, ...]) -> None:
        """Accept CRLs of lower numbers in these slots, from the next one that arrives.

        One that is being stored at this moment was judged before, and leaves its watermark: then somebody asks again.
        """
        await self._watermarks.forget_watermarks(slots)

    async def aclose(self) -> None:
        """End what nobody waits for."""
        tasks = tuple(self._started)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _outcomes(records: Iterable[SourceRecord]) -> Iterable[SourceOutcome]:
    return (SourceOutcome(record.source.key, record.problem, record.detail) for record in records)
