"""A worker's reports to the prefetcher of what its verdicts rested on."""

from service.application.clock import Clock
from service.application.crl_fetcher import CrlOrder
from service.application.prefetch.desk import PrefetcherUnavailableError, PrefetchPort
from service.application.prefetch.used import UsedSources

REPORT_EVERY_S = 30.0
"""Seconds between two reports: what is used is kept for days, and what is new is seldom learned this way."""


class UsedReporter:
    """Tells the prefetcher."""

    def __init__(self, used: UsedSources, prefetcher: PrefetchPort, clock: Clock) -> None:
        """Take what is to be told, and to whom."""
        self._used = used
        self._prefetcher = prefetcher
        self._clock = clock

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await self._clock.sleep(REPORT_EVERY_S)
            await self.report()

    async def report(self) -> None:
        """Report once; what the prefetcher does not know yet it learns. Where it does not answer, nothing is lost.

        What is in use is used again, and told the next time. Whether each of several places is known is not told by
        the first of them: these are told whole.
        """
        orders, signers = self._used.take(), self._used.take_signers()
        try:
            if signers:
                await self._prefetcher.learn(tuple(CrlOrder((), (signer,)) for signer in signers))
            if not orders:
                return
            keys = tuple(dict.fromkeys(order.urls[0] for order in orders))
            unknown = frozenset(await self._prefetcher.note_used(keys))
            new = tuple(order for order in orders if order.urls[0] in unknown or len(order.urls) > 1)
            if new:
                await self._prefetcher.learn(new)
        except PrefetcherUnavailableError:
            return
