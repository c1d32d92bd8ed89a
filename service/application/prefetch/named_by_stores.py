"""What the intermediates of the trust stores name, kept fresh although nobody has asked for a verdict yet.

For the fleet's fetcher, who never sees a request. Each intermediate counts that leads to an anchor of its store by
names and signatures; what it names is a source as if a verdict had rested on it: fetched through the guard, and held
where it verifies.

What it does not do: know what clients' certificates name. Those are the operator's to configure, or each replica's.
"""

import asyncio
from collections.abc import Iterator
from typing import Final, Protocol

from service.application.clock import Clock
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import StoreError
from service.application.prefetch.used import orders_for
from service.application.trust_stores import TrustStores
from service.core.model.budget import Budget, BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.model.trust_store import TrustStore
from service.core.path.building import build_paths
from service.core.path.certification_path import CertificationPath

LOOK_EVERY_S: Final = 1.0
"""Seconds between two looks whether a trust store has changed: as often as they are looked at themselves."""

USED_EVERY_S: Final = 3600.0
"""Seconds after which everything is used again: what nobody uses for 30 days is forgotten."""


class Learner(Protocol):
    """Keeps sources fresh."""

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Keep these fresh.

        Raises:
            StoreError: they could not be written down.
        """

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Note that these are used."""


class NamedByStores:
    """Has kept fresh what trust stores name."""

    def __init__(self, stores: TrustStores, learner: Learner, policy: Policy, clock: Clock) -> None:
        """Take the collaborators; nothing was looked at."""
        self._stores = stores
        self._learner = learner
        self._policy = policy
        self._clock = clock
        self._versions: tuple[bytes, ...] | None = None
        self._looked_at = 0.0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Have learned what is new, and now and then everything."""
        stores = tuple(report.store for report in self._stores.report() if report.store is not None)
        versions, now = tuple(store.version for store in stores), self._clock.monotonic()
        if versions == self._versions and now - self._looked_at < USED_EVERY_S:
            return
        orders = await asyncio.to_thread(lambda: tuple(_orders(stores, self._policy)))
        try:
            await self._learner.learn(orders)
        except StoreError:  # the next look is another attempt, and whoever fetches complains
            return
        await self._learner.note_used(tuple(order.urls[0] for order in orders))
        self._versions, self._looked_at = versions, now


def _orders(stores: tuple[TrustStore, ...], policy: Policy) -> Iterator[CrlOrder]:
    for store in stores:
        for certificate in sorted(store.intermediates, key=lambda one: one.fingerprint):
            above = _above(certificate, store, policy)
            if above:
                yield from orders_for(certificate, above, policy)


def _above(certificate: Certificate, store: TrustStore, policy: Policy) -> tuple[Certificate, ...]:
    """Those above a certificate up to an anchor; nobody where no path leads to one."""
    try:
        for path in build_paths(certificate, store, policy, Budget(policy.limits)):
            if isinstance(path, CertificationPath):
                return (*path.certificates[1:], path.anchor)
    except BudgetExhaustedError:
        pass
    return ()
