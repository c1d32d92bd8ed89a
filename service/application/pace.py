"""How much is downloaded at once: a limit of concurrency and one of bandwidth, over everything that shares a pace.

Both only ever make a download wait: nothing is dropped. The limit of bandwidth is kept on average; what a piece has
too much is waited for before the next one, so no piece is too large for it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from service.application.clock import Clock

CONCURRENT_FETCHES = 8
"""Downloads at once: enough that one slow authority does not hold up the others, and 8 spooled files and connections
at most."""

BURST_S = 1.0
"""Seconds' worth of octets that may come at once after a pause: small CRLs do not wait for a limit that they keep."""


@dataclass(frozen=True, slots=True)
class PaceRules:
    """How much at once.

    Attributes:
        concurrent: Downloads at the same time; at least 1.
        octets_per_s: Of all downloads together; None or 0: as fast as they come.
    """

    concurrent: int = CONCURRENT_FETCHES
    octets_per_s: int | None = None

    def __post_init__(self) -> None:
        """Refuse what would let nothing through.

        Raises:
            ValueError: a number is out of its range.
        """
        if self.concurrent < 1 or (self.octets_per_s or 0) < 0:
            raise ValueError(f"{self.concurrent} downloads at once with {self.octets_per_s} octets a second never end")


class Pace:
    """Limits that several downloads keep together."""

    def __init__(self, clock: Clock, rules: PaceRules | None = None) -> None:
        """Nothing is under way."""
        rules = PaceRules() if rules is None else rules
        self._clock = clock
        self._octets_per_s = rules.octets_per_s or 0
        self._slots = asyncio.Semaphore(rules.concurrent)
        self._under_way = 0
        self._paid_until = clock.monotonic() - BURST_S

    @property
    def under_way(self) -> int:
        """Downloads that hold a slot."""
        return self._under_way

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until fewer downloads than the limit are under way, and be one of them; who came first goes first."""
        async with self._slots:
            self._under_way += 1
            try:
                yield
            finally:
                self._under_way -= 1

    async def limited(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same pieces, not faster than the limit of bandwidth; nothing is asked for while one waits.

        Whoever opened `chunks` closes it.
        """
        async for chunk in chunks:
            await self._pay(len(chunk))
            yield chunk

    async def _pay(self, octets: int) -> None:
        """A token bucket, written as the moment until which everything so far is paid for."""
        if not self._octets_per_s:
            return
        now = self._clock.monotonic()
        self._paid_until = max(self._paid_until, now - BURST_S) + octets / self._octets_per_s
        if self._paid_until > now:
            await self._clock.sleep(self._paid_until - now)
