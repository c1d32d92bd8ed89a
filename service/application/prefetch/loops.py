"""What the prefetching process does all the time, side by side: the plan, the places, the authorities."""

import asyncio

from service.application.places import Place
from service.application.prefetch.executor import Prefetcher
from service.application.prefetch.issuers import AuthorityWatch
from service.application.prefetch.parts import PrefetchParts
from service.application.prefetch.replaced import forget_replaced
from service.application.prefetch.watching import PlaceWatch
from service.application.trust_stores import TrustStores
from service.core.model.policy import Policy

AUTHORITIES_EVERY_S = 1.0
"""Seconds between two looks at who is known: as often as trust stores are looked at."""


class PrefetchLoops:
    """Everything that goes on until the process ends."""

    def __init__(
        self,
        parts: PrefetchParts,
        prefetcher: Prefetcher,
        watch: PlaceWatch,
        issuers: AuthorityWatch,
        stores: TrustStores,
        policy: Policy,
    ) -> None:
        """Take what is to go on, and the operator's policy."""
        self._parts = parts
        self._prefetcher = prefetcher
        self._watch = watch
        self._issuers = issuers
        self._stores = stores
        self._policy = policy
        self._clock = parts.clock

    async def begin(self) -> None:
        """Take up what was written down but for what is configured no more, and who is known; nothing is fetched yet.

        Raises:
            StoreError: the store cannot be read.
            OSError: what waits for its issuer cannot.
        """
        await asyncio.to_thread(self._parts.inventory.load)
        await self._parts.inventory.write()  # that nothing is under way any more
        await self._watch.begin()
        await forget_replaced(self._parts, self._stores, self._policy)
        await self._issuers.begin()
        await self._issuers.look()

    async def run(self) -> None:
        """Go on until cancelled; whatever fails unexpectedly ends all of it, and the process is replaced."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._know())
            for place in self._watch.all_places:
                group.create_task(self._look_at(place))
            group.create_task(self._prefetcher.run())

    async def tick(self) -> None:
        """Look at everything once."""
        await self._stores.reload()
        await self._issuers.look()
        for place in self._watch.all_places:
            await self._watch.look_at(place)

    async def _know(self) -> None:
        while True:
            await self._clock.sleep(AUTHORITIES_EVERY_S)
            await self._stores.reload()
            if await self._issuers.look():
                self._prefetcher.wake()

    async def _look_at(self, place: Place) -> None:
        while True:
            if await self._watch.look_at(place):
                self._prefetcher.wake()
            await self._clock.sleep(self._watch.every_s(place))
