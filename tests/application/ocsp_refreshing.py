"""A refresher of answers over a store, and one who asks in place of the client."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.adapters.lmdb.store import Store
from service.application.evidence_store import HeldOcsp, OcspStore
from service.application.observer import NullObserver, OcspEvent
from service.application.ocsp_refresh import (
    OcspRefresher,
    RefreshRules,
    Used,
)
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import OCSP_URL, SUB, leaf, read
from tests.application.fakes import settle
from tests.application.manual_clock import ManualClock
from tests.application.world import LEAF_ALONE
from tests.pki import NOW, days

LEAF: Final = leaf(ocsp_urls=OCSP_URL)
SERIAL: Final = LEAF.serial_number
ISSUER: Final = read(SUB)
KEY: Final = store_key(LEAF, ISSUER)
LIFE: Final = timedelta(hours=10)
USED: Final = Used(LEAF, ISSUER, NOW, NOW + LIFE)


def answer(this_update: datetime = NOW, status: str = "good") -> bytes:
    """An answer about the leaf that is good for ten hours."""
    end = this_update + LIFE
    if status == "revoked":
        return SUB.ocsp(SERIAL, this_update=this_update, next_update=end, produced_at=this_update, status="revoked")
    return SUB.ocsp(SERIAL, this_update=this_update, next_update=end, produced_at=this_update)


async def hold(store: Store, response: bytes, fetched_at: datetime = NOW, key: bytes = KEY) -> None:
    """Put an answer into the store."""
    await store.put_ocsp(key, HeldOcsp(response, OCSP_URL, fetched_at, fetched_at + days(1)))


class Counting(NullObserver):
    """Keeps what it is told of answers."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[OcspEvent] = []

    def ocsp(self, event: OcspEvent) -> None:
        """Keep it."""
        self.events.append(event)


class Asker:
    """Asks in place of the client: counts, waits at a gate, and puts what comes into the store."""

    def __init__(self, store: Store | None, response: bytes | None, clock: ManualClock) -> None:
        """Take what comes; the gate is open."""
        self.asked: list[Certificate] = []
        self.under_way = 0
        self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.response = response
        self._store = store
        self._clock = clock

    async def ask(self, certificate: Certificate, issuer: Certificate) -> None:
        """Ask about one certificate."""
        self.asked.append(certificate)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.gate.wait()
        self.under_way -= 1
        if self._store is not None and self.response is not None:
            await hold(self._store, self.response, self._clock.now(), store_key(certificate, issuer))


@dataclass(slots=True)
class Shell:
    """A refresher, and what is around it."""

    refresher: OcspRefresher
    asker: Asker
    clock: ManualClock
    observer: Counting

    async def use(self, used: Used = USED) -> int:
        """Use an answer; how often somebody was asked for a new one by now."""
        self.refresher.used(used)
        await self.done()
        return len(self.asker.asked)

    async def done(self) -> None:
        """Wait until nothing is under way."""
        async with asyncio.timeout(30):
            while self.asker.gate.is_set() and self.refresher.report().under_way:
                await settle()
        await settle()


def shell(
    store: OcspStore,
    response: bytes | None = None,
    policy: Policy = LEAF_ALONE,
    rules: RefreshRules | None = None,
) -> Shell:
    """A refresher over a store."""
    clock, observer = ManualClock(), Counting()
    asker = Asker(store if isinstance(store, Store) else None, response, clock)
    refresher = OcspRefresher(asker.ask, store, clock, observer, policy, rules or RefreshRules())
    return Shell(refresher, asker, clock, observer)


def point(fraction: float) -> float:
    """Seconds after which that much of an answer's life has passed."""
    return (LIFE * fraction).total_seconds()
