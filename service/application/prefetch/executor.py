"""The prefetcher: carries out the plan of the inventory, and the orders of workers beside it.

Rules it keeps: what is due is decided by `core.prefetch.plan` alone; a source is tried by one attempt at a time, place
after place, and whoever asks for it to be refreshed is answered by an attempt that began after he asked, and by the
origin; what another replica has fetched meanwhile is taken without one.

What it does not do: verify, judge, or answer whether a certificate is revoked.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial

from service.application.crl_delivery import AnswerFrom, Delivery
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import HeldCrl, StoreError
from service.application.flights import Flights
from service.application.prefetch.attempts import SourceAttempts
from service.application.prefetch.parts import PrefetchParts
from service.application.prefetch.progress import ProgressKeeper
from service.application.prefetch.recalling import signer_of_held
from service.application.prefetch.source_record import SourceRecord
from service.application.prefetch.telling import (
    InventoryDetails,
)
from service.core.model.attempt import Attempt
from service.core.prefetch.due import asked, due_at
from service.core.prefetch.inventory import SourceKind, SourceState
from service.core.prefetch.plan import Planner
from service.core.prefetch.schedule import Schedule

BUSY_S = 1.0
"""Seconds between two plans while attempts are under way: what has ended meanwhile is due again in some seconds."""

PAUSE_S = 0.1
"""Seconds between two plans at least, however much happens: one of thousands of sources takes a millisecond."""

ADOPTIONS = 4
"""CRLs that are taken from other replicas at one time: they are written one after the other, and wait for no origin."""

LONGEST_SLEEP_S = 3600.0
"""Seconds: whatever is planned for later is planned again by then."""


class Prefetcher:
    """Keeps sources fresh. Implements `CrlFetcher` for workers."""

    def __init__(self, parts: PrefetchParts, schedule: Schedule) -> None:
        """Nothing is under way."""
        self._ingester = parts.ingester
        self._inventory = parts.inventory
        self._crls = parts.crls
        self._pending = parts.pending
        self._breakers = parts.breakers
        self._pace = parts.pace
        self._clock = parts.clock
        self._observer = parts.observer
        self._host_of = parts.host_of
        self._concurrent = parts.concurrent
        self._schedule = schedule
        self._planner = Planner(schedule)
        self._attempts: Flights[str, None] = Flights()
        self._under_way: set[asyncio.Task[None]] = set()
        self._waiting: deque[str] = deque()
        self._busy: Counter[str] = Counter()
        self._news: set[str] = set()
        self._heard: dict[str, str] = {}
        self._adopting: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()
        self._attempting = SourceAttempts(parts, self._awake.set)
        self._is_swept = False

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Carry an order out, and keep fresh from now on what it is about."""
        if not order.urls:
            return ()
        started = self._clock.now()
        if self._inventory.learn(order.urls, order.signers):
            self._observer.learned(order.urls[0])
            self._awake.set()
        keys = self._inventory.sources_of(order.urls)
        keeper = ProgressKeeper(self._inventory, keys[0], self._clock)
        with self._occupied(*keys), self._attempting.noticing(map(self._host_of, order.urls)):
            deliveries = await self._ingester.deliver(order, keeper.arriving, keeper.indexing)
        for key in keys:
            await self._note(key, deliveries, started)
        return tuple(one.attempt for one in deliveries if one.attempt is not None)

    async def _note(self, key: str, deliveries: tuple[Delivery, ...], started: datetime) -> None:
        """What came of an order, as far as it says anything of a source that it is about."""
        record = self._inventory.get(key)
        if record is not None and record.source.kind is SourceKind.LEARNED:
            deliveries = tuple(one for one in deliveries if one.url in record.source.places)
        if record is not None and _is_news(record, deliveries):
            is_doubtful = any(one.lost or not one.is_vouched_for for one in deliveries)
            if record.source.kind is SourceKind.CONFIGURED and is_doubtful:
                await self._ask_again(record)
            else:
                await self._attempting.conclude(record, deliveries, started, None)
            self._awake.set()
        else:
            if record is not None and record.progress is not None:
                self._inventory.remember(replace(record, progress=None))
            await self._inventory.write()

    async def note_used(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Note that verdicts rested on sources; which of them are not known here."""
        return tuple(key for key in keys if not self._inventory.use(key))

    async def learn(self, orders: Iterable[CrlOrder]) -> None:
        """Keep fresh from now on what verdicts rest on, although nobody had to order it.

        The paths of its signers are kept beside what is held of theirs, also of an order that names no URL.

        Raises:
            StoreError: the store could not be read or written.
        """
        orders = tuple(orders)
        await self._ingester.keep(signer for order in orders for signer in order.signers if signer.path)
        orders = tuple(order for order in orders if order.urls)
        by_source: dict[str, HeldCrl] = {}
        if any(self._inventory.get(order.urls[0]) is None for order in orders):  # else an attempt looks itself
            by_source.update((held.source, held) for held in await asyncio.to_thread(self._crls.held))
        for order in orders:
            held = tuple(signer_of_held(by_source[url]) for url in order.urls if url in by_source)
            signers = (*order.signers[:1], *held, *order.signers[1:])  # the first one tells whose source it is
            if self._inventory.learn(order.urls, tuple(dict.fromkeys(signers))):
                self._observer.learned(order.urls[0])
                self._awake.set()
        await self._inventory.write()

    def keys_of(self, source: str | None) -> tuple[str, ...]:
        """The sources that somebody means.

        Args:
            source: The key of one, or any of its places; None for all.
        """
        if source is None:
            return tuple(record.source.key for record in self._inventory.records())
        records = self._inventory.records()
        return tuple(one.source.key for one in records if source == one.source.key or source in one.source.places)

    async def refresh(self, keys: Iterable[str]) -> tuple[SourceRecord, ...]:
        """Try sources now, by attempts that begin after this; hosts that were left alone are asked again.

        Returns:
            What is remembered of them afterwards.
        """
        wanted = tuple(dict.fromkeys(keys))
        records = [record for key in wanted if (record := self._inventory.get(key)) is not None]
        hosts = {self._host_of(place) for record in records for place in record.source.places}
        with self._attempting.noticing(hosts):
            for host in hosts:
                self._breakers.succeeded(host)
            await asyncio.gather(*(self._anew(record.source.key) for record in records))
        self._awake.set()
        return tuple(record for key in wanted if (record := self._inventory.get(key)) is not None)

    def heard(self, name: str) -> None:
        """Another replica has asked an origin: have what it wrote, where that is what a source goes by.

        The origin is not asked: that is for the plan to say. An attempt that is under way is waited for: it may have
        looked before there was anything.

        Args:
            name: What the fleet calls the place that it has asked.
        """
        if not self._news:  # all that is told at once is looked up at once: there may be thousands of sources
            asyncio.get_running_loop().call_soon(self._look_up_news)
        self._news.add(name)

    async def run(self) -> None:
        """Keep everything fresh until cancelled."""
        try:
            while True:
                self._awake.clear()
                wake_at = await self.begin()
                await self._sleep(wake_at)
                await self._clock.sleep(PAUSE_S)
        finally:
            await self.aclose()

    async def begin(self) -> datetime | None:
        """Plan once, and start what is due as far as there is room for it; when to plan again."""
        now = self._clock.now()
        plan_now = self._planner.plan(self._inventory.states(), now)
        if plan_now.forget:
            await self._inventory.forget(plan_now.forget)
            self._observer.forgotten(len(plan_now.forget))
        await self._sweep()
        self._waiting = deque(one.key for one in plan_now.due if not self._busy[one.key])
        self._observer.inventory(self._details())
        self._fill()
        return plan_now.wake_at

    async def settle(self) -> None:
        """Wait until nothing is due and nothing is under way."""
        while True:
            self._look_up_news()
            await self.begin()
            if not self._under_way and not self._adopting:
                return
            await asyncio.gather(*self._under_way, *self._adopting)

    def wake(self) -> None:
        """Plan again now: something has changed."""
        self._awake.set()

    async def aclose(self) -> None:
        """End what is under way."""
        self._waiting.clear()
        self._news.clear()
        self._heard.clear()
        tasks = (*self._under_way, *self._adopting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._attempts.aclose()
        await self._inventory.write()

    async def _sleep(self, wake_at: datetime | None) -> None:
        seconds = LONGEST_SLEEP_S
        if wake_at is not None:
            seconds = min(seconds, max(0.0, (wake_at - self._clock.now()).total_seconds()))
        if self._under_way or self._busy:  # the plan has left out what is busy, and does not know when it will be due
            seconds = min(seconds, BUSY_S)
        waits = (asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._awake.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    def _fill(self) -> None:
        """Start what is due while there is room."""
        while self._waiting and len(self._under_way) < self._concurrent:
            key = self._waiting.popleft()
            task = asyncio.create_task(self._attempts.join(key, partial(self._attempt, key, AnswerFrom.FLEET_FIRST)))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.result()
            self._fill()

    def _look_up_news(self) -> None:
        names, self._news = self._news, set()
        self._heard.update(found for name in names for found in self._inventory.called(name))
        self._take_heard()

    def _take_heard(self) -> None:
        """Start to take what other replicas have while there is room, of sources that nobody is busy with."""
        free = [key for key in self._heard if key not in self._busy]
        for key in free[: ADOPTIONS - len(self._adopting)]:
            task = asyncio.create_task(self._attempts.join(key, partial(self._adopt, key, self._heard.pop(key))))
            self._adopting.add(task)
            task.add_done_callback(self._adopted)

    def _adopted(self, task: asyncio.Task[None]) -> None:
        self._adopting.discard(task)
        if not task.cancelled():
            task.result()
            self._take_heard()

    async def _adopt(self, key: str, place: str) -> None:
        with self._occupied(key):
            record = self._inventory.get(key)
            if record is not None and await self._attempting.adopt(record, place):
                self._awake.set()

    async def _anew(self, key: str) -> None:
        began: list[str] = []

        async def start() -> None:
            began.append(key)
            await self._attempt(key, AnswerFrom.ORIGIN)

        while not began:
            await self._attempts.join(key, start)

    async def _attempt(self, key: str, answer_from: AnswerFrom) -> None:
        with self._occupied(key):
            async with self._pace.slot():
                record, now = self._inventory.get(key), self._clock.now()
                if record is None:
                    return
                if answer_from is not AnswerFrom.ORIGIN and due_at(record.state, self._schedule, now) > now:
                    return  # since that was planned it was taken from another replica, or ordered
                is_asked = asked(record.state, now)
                await self._attempting.run(record, AnswerFrom.ORIGIN if is_asked else answer_from)

    @contextmanager
    def _occupied(self, *keys: str) -> Iterator[None]:
        """Leave sources out of plans, and of what is heard, for so long."""
        self._busy.update(keys)
        try:
            yield
        finally:
            self._busy.subtract(keys)
            self._busy = +self._busy
            self._take_heard()

    async def _ask_again(self, record: SourceRecord) -> None:
        """After an order that had not the keys of everything there: an attempt has those of all who are known here."""
        state = replace(record.state, asked_at=self._clock.now())
        await self._inventory.put(replace(record, progress=None, state=state))

    async def _sweep(self) -> None:
        """Once everything was tried that an earlier process may have left half done: let go of what no source has."""
        if self._is_swept or self._under_way or not self._inventory.places():
            return
        if any(map(_is_untried, self._inventory.states())):
            return
        self._is_swept = True
        try:
            await asyncio.to_thread(self._pending.sweep, self._inventory.named)
        except (OSError, StoreError) as error:
            self._observer.not_remembered(str(error))

    def _details(self) -> InventoryDetails:
        records = self._inventory.records()
        configured = sum(1 for one in records if one.source.kind is SourceKind.CONFIGURED)
        return InventoryDetails(
            configured=configured,
            learned=len(records) - configured,
            failing=sum(1 for one in records if one.state.failures),
            pending=sum(len(one.pending) for one in records),
            due=len(self._waiting),
        )


def _is_untried(state: SourceState) -> bool:
    if state.source.kind is not SourceKind.CONFIGURED:
        return False
    return state.tried_at is None or (state.asked_at is not None and state.asked_at > state.tried_at)


def _is_news(record: SourceRecord, deliveries: tuple[Delivery, ...]) -> bool:
    """Whether what came of an order says more of a source than is known.

    An order that failed may have had the wrong keys; a source that was never tried has failed all the same.
    """
    tried_at = record.state.tried_at
    return any(tried_at is None or (one.gave and one.at > tried_at) for one in deliveries)
