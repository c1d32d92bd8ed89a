"""Attempts at one source: what its places give, one after the other, and what is remembered of the source afterwards.

Rules it keeps: what comes goes through the ingester as every order does; what is held stays, whatever fails; a host
that answers again is asked for everything that had failed there.

What it does not do: decide when a source is tried (`executor`).
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from service.application.breaker import FAILURES
from service.application.crl_delivery import AnswerFrom, CrlDownload, Delivery, OrderedSigners
from service.application.origin import UrlTrust
from service.application.prefetch.conclusions import concluded, stalled
from service.application.prefetch.parts import PrefetchParts
from service.application.prefetch.pending import Brought
from service.application.prefetch.progress import ProgressKeeper
from service.application.prefetch.recalling import HeldSigners, known_version
from service.application.prefetch.source_record import SourceRecord
from service.application.prefetch.telling import RefreshDetails, RolledBackDetails, StalledDetails
from service.core.model.attempt import Attempt, Problem
from service.core.prefetch.inventory import SourceKind


class SourceAttempts:
    """Tries sources."""

    def __init__(self, parts: PrefetchParts, wake: Callable[[], None]) -> None:
        """Take who works for it, and how the plan is made anew."""
        self._ingester = parts.ingester
        self._inventory = parts.inventory
        self._crls = parts.crls
        self._held_signers = HeldSigners(parts.crls, parts.clock)
        self._authorities = parts.authorities
        self._pending = parts.pending
        self._breakers = parts.breakers
        self._clock = parts.clock
        self._observer = parts.observer
        self._host_of = parts.host_of
        self._wake = wake

    async def run(self, record: SourceRecord, answer_from: AnswerFrom) -> None:
        """Try one place after the other, and write down what came of it."""
        started = self._clock.now()
        with self._pending.attempt() as brought:
            deliveries = await self._try_places(record, answer_from, brought)
            now = self._inventory.get(record.source.key)
            # One that was forgotten meanwhile is no source any more, nor is what came an answer of one that came back.
            if now is not None and now.state.known_since == record.state.known_since:
                await self.conclude(now, deliveries, started, brought.named)
        await self._let_go(brought.left.union(record.named))

    async def adopt(self, record: SourceRecord, place: str) -> bool:
        """Take what another replica has fetched from one of its places; whether there was anything new.

        Where there was not, nothing was tried, and nothing is written down.
        """
        started = self._clock.now()
        with self._pending.attempt() as brought:
            delivery = await self._adopted(record, place, brought)
            now = self._inventory.get(record.source.key)
            is_same = now is not None and now.state.known_since == record.state.known_since
            if now is not None and is_same and delivery is not None:
                await self.conclude(now, (delivery,), started, brought.named)
        await self._let_go(brought.left.union(record.named))
        return delivery is not None

    async def _try_places(
        self, record: SourceRecord, answer_from: AnswerFrom, pending: Brought
    ) -> tuple[Delivery, ...]:
        deliveries: list[Delivery] = []
        keeper = ProgressKeeper(self._inventory, record.source.key, self._clock)
        for place in record.source.places:
            with self.noticing((self._host_of(place),)):
                deliveries.append(await self._brought(record, place, answer_from, keeper, pending))
            if deliveries[-1].attempt is None or deliveries[-1].waits:
                break
        return tuple(deliveries)

    async def _brought(
        self, record: SourceRecord, place: str, answer_from: AnswerFrom, keeper: ProgressKeeper, pending: Brought
    ) -> Delivery:
        """What one place gives; a fault of ours is that of this attempt, and nobody's who waits for others."""
        try:
            download = await self._download(record, place, keeper, pending)
            return await self._ingester.bring(replace(download, answer_from=answer_from))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is written down, and tried again later
            return self._failed(place, error)

    async def _adopted(self, record: SourceRecord, place: str, pending: Brought) -> Delivery | None:
        keeper = ProgressKeeper(self._inventory, record.source.key, self._clock)
        try:
            return await self._ingester.adopt(await self._download(record, place, keeper, pending))
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(place, error)

    def _failed(self, place: str, error: Exception) -> Delivery:
        attempt = Attempt(place, Problem.INTERNAL, f"{type(error).__name__}: {error}")
        return Delivery(place, self._clock.now(), attempt)

    async def _download(
        self, record: SourceRecord, place: str, keeper: ProgressKeeper, pending: Brought
    ) -> CrlDownload:
        is_known = place == record.served_by
        known = await asyncio.to_thread(known_version, record, self._crls, self._pending) if is_known else None
        if record.source.kind is SourceKind.LEARNED:
            signers = OrderedSigners(await asyncio.to_thread(self._held_signers.of, record))
            download = CrlDownload(place, UrlTrust.CERTIFICATE, signers, known)
        else:
            download = CrlDownload(place, UrlTrust.OPERATOR, self._authorities, known, pending)
        return replace(
            download, arriving=keeper.arriving, indexing=keeper.indexing, checked_at=record.state.succeeded_at
        )

    async def conclude(
        self,
        record: SourceRecord,
        deliveries: tuple[Delivery, ...],
        started: datetime,
        named: frozenset[bytes] | None,
    ) -> None:
        """Write down what came of an attempt or an order, and tell.

        Args:
            record: As it was remembered when that ended.
            deliveries: What came, place by place.
            started: When it began.
            named: As for `concluded`.
        """
        now = self._clock.now()
        after = concluded(record, deliveries, started, now, named)
        await self._inventory.put(after)
        if named is None:  # an attempt has told the shelf what is held
            await asyncio.to_thread(self._pending.settle, frozenset(record.pending).difference(after.pending))
        await self._let_go(frozenset(record.named))
        self._tell(record, after, deliveries, (now - started).total_seconds())

    async def _let_go(self, digests: frozenset[bytes]) -> None:
        """Let go of what waited from a source that has it no more, unless another source has it."""
        if digests - self._inventory.named():
            await asyncio.to_thread(self._pending.let_go, digests, self._inventory.named)

    def _tell(
        self, before: SourceRecord, after: SourceRecord, deliveries: tuple[Delivery, ...], duration_s: float
    ) -> None:
        source, state = after.source, after.state
        self._observer.refreshed(
            RefreshDetails(source.key, source.kind, after.problem, after.detail, state.failures, duration_s)
        )
        if any(Problem.ROLLED_BACK in one.lost for one in deliveries):
            self._observer.rolled_back(RolledBackDetails(source.key))
        for given in stalled(before, after):
            self._observer.number_stalled(
                StalledDetails(source.key, given.issuer, given.crl_number, given.number_moved_at)
            )

    @contextmanager
    def noticing(self, hosts: Iterable[str]) -> Iterator[None]:
        """Notice which hosts answer that were left alone."""
        failing = {host for host in hosts if self._breakers.failures(host) >= FAILURES}
        yield
        for host in failing:
            if not self._breakers.failures(host):
                self._recovered(host)

    def _recovered(self, host: str) -> None:
        """A host answers again: whatever else failed there is tried now, and not when its turn to retry comes."""
        now = self._clock.now()
        for record in self._inventory.records():
            state = record.state
            if state.failures and any(self._host_of(place) == host for place in record.source.places):
                self._inventory.remember(replace(record, state=replace(state, asked_at=now)))
        self._wake()
