"""Every source, in memory and written down: what the plan is made of, and what others read.

Rules it keeps: memory is what counts while the process runs, and what could not be written down is written with the
next change; a record costs a download when it is lost, never a verdict; how often a source is used is written down
seldom, since it is wanted once in a month.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from service.application.clock import Clock
from service.application.crl_fetcher import CrlSigner
from service.application.evidence_store import StoreError
from service.application.prefetch.source_record import (
    PlaceRecord,
    SourceRecord,
    SourceStore,
    bounded_signers,
)
from service.application.prefetch.telling import PrefetchObserver
from service.core.prefetch.inventory import Source, SourceKind, SourceState

USED_EVERY = timedelta(minutes=10)
"""How exactly it is written down when a source was used last: forgetting counts in days."""


LetGo = Callable[[frozenset[bytes], Callable[[], frozenset[bytes]]], None]
"""Lets what waits go, but for what sources have by then; called in a thread."""


def nothing_waits(digests: frozenset[bytes], named: Callable[[], frozenset[bytes]]) -> None:
    """For an inventory whose sources have nothing wait."""
    del digests, named


class Inventory:
    """The sources of this host."""

    def __init__(
        self, store: SourceStore, clock: Clock, observer: PrefetchObserver, let_go: LetGo = nothing_waits
    ) -> None:
        """Nothing is known before `load`.

        Args:
            store: Where it is written down.
            clock: Time.
            observer: Is told what could not be written.
            let_go: `IndexedShelf.let_go`, for what a forgotten source had wait.
        """
        self._let_go = let_go
        self._store = store
        self._clock = clock
        self._observer = observer
        self._records: dict[str, SourceRecord] = {}
        self._places: dict[str, PlaceRecord] = {}
        self._unwritten: set[str] = set()

    def load(self) -> None:
        """Take up what was written down; whatever was under way then is not any more.

        Raises:
            StoreError: the store cannot be read.
        """
        self._records = {record.source.key: replace(record, progress=None) for record in self._store.sources()}
        self._places = {record.place: record for record in self._store.places()}

    def __getitem__(self, key: str) -> SourceRecord:
        """The record of a source.

        Raises:
            KeyError: there is none.
        """
        return self._records[key]

    def get(self, key: str) -> SourceRecord | None:
        """The record of a source; None where there is none."""
        return self._records.get(key)

    def records(self) -> tuple[SourceRecord, ...]:
        """All of them."""
        return tuple(self._records.values())

    def states(self) -> tuple[SourceState, ...]:
        """What the plan is made of."""
        return tuple(record.state for record in self._records.values())

    def signers(self) -> tuple[CrlSigner, ...]:
        """Those of everything that was learned."""
        return tuple(dict.fromkeys(signer for record in self._records.values() for signer in record.signers))

    def named(self) -> frozenset[bytes]:
        """Digests of all that some source has and that makes an answer needed. For any thread."""
        return frozenset(digest for record in tuple(self._records.values()) for digest in record.named)

    def places(self) -> tuple[PlaceRecord, ...]:
        """The configured places that were listed, or tried to be."""
        return tuple(self._places.values())

    async def put(self, *records: SourceRecord) -> None:
        """Remember these, and write them down with whatever is not written yet."""
        self.remember(*records)
        await self.write()

    def remember(self, *records: SourceRecord) -> None:
        """Remember these until something is written."""
        for record in records:
            self._records[record.source.key] = record
            self._unwritten.add(record.source.key)

    async def write(self) -> None:
        """Write down what is not written yet."""
        keys, self._unwritten = self._unwritten, set()
        records = tuple(self._records[key] for key in keys if key in self._records)
        if not records:
            return
        try:
            await self._store.put_sources(records)
        except StoreError as error:
            self._unwritten |= keys
            self._observer.not_remembered(str(error))

    async def forget(self, keys: Iterable[str]) -> None:
        """Forget these; what they gave stays held, and what they alone had waits no longer when others see it."""
        gone = {key: record for key in keys if (record := self._records.pop(key, None)) is not None}
        if not gone:
            return
        digests = frozenset(digest for record in gone.values() for digest in record.named)
        await asyncio.to_thread(self._let_go, digests, self.named)
        try:
            await self._store.forget_sources(tuple(gone))
        except StoreError as error:  # they are back after a restart, and forgotten again
            self._observer.not_remembered(str(error))

    async def put_place(self, record: PlaceRecord) -> None:
        """Remember what the listing of a place showed."""
        if self._places.get(record.place) != record:
            self._places[record.place] = record
            await self._write_places()

    async def keep_places(self, places: Iterable[str]) -> None:
        """Forget every place but these."""
        kept = frozenset(places)
        if not self._places.keys() <= kept:
            self._places = {place: record for place, record in self._places.items() if place in kept}
            await self._write_places()

    def use(self, key: str) -> bool:
        """Note that a verdict rested on a source; whether there is one of this name."""
        record = self._records.get(key)
        if record is None:
            return False
        now = self._clock.now()
        if record.source.kind is SourceKind.LEARNED and now - record.state.used_at >= USED_EVERY:
            self.remember(replace(record, state=replace(record.state, used_at=now)))
        return True

    def learn(self, urls: tuple[str, ...], signers: tuple[CrlSigner, ...]) -> bool:
        """Note what a certificate on a valid path names.

        Args:
            urls: Where one CRL may be had; at least one.
            signers: Under whose keys it may verify.

        Returns:
            Whether anything about it is new.
        """
        now, key = self._clock.now(), urls[0]
        known = self._records.get(key)
        if known is None:
            state = SourceState(Source(key, urls, SourceKind.LEARNED), used_at=now, known_since=now)
            self.remember(SourceRecord(state, bounded_signers(signers)))
            return True
        self.use(key)
        known = self._records[key]
        joined = _joined(known.signers, signers)
        places = known.source.places if known.source.kind is SourceKind.CONFIGURED else urls
        if joined == known.signers and places == known.source.places:
            return False
        state = replace(known.state, source=replace(known.source, places=places))
        self.remember(replace(known, state=state, signers=joined))
        return True

    async def _write_places(self) -> None:
        try:
            await self._store.put_places(tuple(self._places.values()))
        except StoreError as error:
            self._observer.not_remembered(str(error))


def _joined(known: tuple[CrlSigner, ...], signers: tuple[CrlSigner, ...]) -> tuple[CrlSigner, ...]:
    """The signers of a source after an order: those that were known stay, as long as there is room for them.

    Of those that do not find room the newest go: whoever can have many keys ordered for puts nobody out.
    """
    return bounded_signers(tuple(dict.fromkeys((*known, *signers))))
