"""Every source, in memory and written down: what the plan is made of, and what others read.

Rules it keeps: memory is what counts while the process runs, and what could not be written down is written with the
next change; a record costs a download when it is lost, never a verdict; how often a source is used is written down
seldom, since it is wanted once in a month.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import takewhile

from service.application.clock import Clock
from service.application.crl_fetcher import CrlSigner
from service.application.evidence_store import StoreError
from service.application.prefetch.place_names import PlaceNames
from service.application.prefetch.source_record import (
    PlaceRecord,
    SourceRecord,
    SourceStore,
    bounded_signers,
    each_once,
)
from service.application.prefetch.telling import PrefetchObserver
from service.core.prefetch.inventory import Source, SourceKind, SourceState

USED_EVERY = timedelta(minutes=10)
"""How exactly it is written down when a source was used last: forgetting counts in days."""


LetGo = Callable[[frozenset[bytes], Callable[[], frozenset[bytes]]], None]
"""Lets what waits go, but for what sources have by then; called in a thread."""


class Inventory:
    """The sources of this host."""

    def __init__(
        self,
        store: SourceStore,
        clock: Clock,
        observer: PrefetchObserver,
        let_go: LetGo,
        name_of: Callable[[str], str] | None = None,
    ) -> None:
        """Nothing is known before `load`.

        Args:
            store: Where it is written down.
            clock: Time.
            observer: Is told what could not be written.
            let_go: `IndexedShelf.let_go`, for what a forgotten source had wait.
            name_of: What the fleet calls a place; None without one.
        """
        self._let_go = let_go
        self._store = store
        self._clock = clock
        self._observer = observer
        self._records: dict[str, SourceRecord] = {}
        self._names = PlaceNames(name_of)
        self._places: dict[str, PlaceRecord] = {}
        self._unwritten: set[str] = set()

    def load(self) -> None:
        """Take up what was written down; whatever was under way then is not any more.

        Raises:
            StoreError: the store cannot be read.
        """
        records = self._store.sources()
        for record in records:
            self.remember(replace(record, progress=None))
        self._unwritten = {record.source.key for record in records if record.progress is not None}
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

    def called(self, name: str) -> tuple[tuple[str, str], ...]:
        """The sources that go by what the fleet calls so: each one's key, and the place that it goes by."""
        return self._names.find(name)

    def states(self) -> tuple[SourceState, ...]:
        """What the plan is made of."""
        return tuple(record.state for record in self._records.values())

    def signers(self) -> tuple[CrlSigner, ...]:
        """Those of everything that was learned."""
        return each_once(signer for record in self._records.values() for signer in record.signers)

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
            self._names.put(self._records.get(record.source.key), record)
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
        for record in gone.values():
            self._names.put(record, None)
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

    def sources_of(self, urls: tuple[str, ...]) -> tuple[str, ...]:
        """The sources that have the places of an order, as `learn` has divided them."""
        keys: list[str] = []
        while urls and (record := self._records.get(urls[0])) is not None:
            keys.append(urls[0])
            is_configured = record.source.kind is SourceKind.CONFIGURED
            urls = () if is_configured else urls[max(1, len(_common(record.source.places, urls))) :]
        return tuple(dict.fromkeys(keys))

    def learn(self, urls: tuple[str, ...], signers: tuple[CrlSigner, ...]) -> bool:
        """Note what a certificate on a valid path names.

        Its places are tried in turn, so that one that serves hides those behind it. Which these are is for everybody
        to say who has certificates that name the first: a source has those on which all agree, from the first one on,
        and the others are sources of their own. Whoever names whatever takes nobody's place away, and hides none.

        Args:
            urls: Where one CRL may be had; at least one.
            signers: Under whose keys it may verify.

        Returns:
            Whether anything about it is new.
        """
        is_new = False
        left = [(urls, signers)]
        while left:
            one, theirs = left.pop()
            found, rest = self._learn(one, theirs)
            is_new = is_new or found
            left += rest
        return is_new

    def _learn(
        self, urls: tuple[str, ...], signers: tuple[CrlSigner, ...]
    ) -> tuple[bool, list[tuple[tuple[str, ...], tuple[CrlSigner, ...]]]]:
        """Note what the first URL is a source of; what is left is to be noted next."""
        now, key = self._clock.now(), urls[0]
        known = self._records.get(key)
        if known is None:
            state = SourceState(Source(key, urls, SourceKind.LEARNED), used_at=now, known_since=now)
            self.remember(SourceRecord(state, bounded_signers(signers)))
            return True, []
        self.use(key)
        known = self._records[key]
        joined = _joined(known.signers, signers)
        if known.source.kind is SourceKind.CONFIGURED:
            places, others = known.source.places, []
        else:
            places = _common(known.source.places, urls)
            others = [(known.source.places[len(places) :], joined), (urls[len(places) :], signers)]
        is_new = joined != known.signers or places != known.source.places
        if is_new:
            state = replace(known.state, source=replace(known.source, places=places))
            self.remember(replace(known, state=state, signers=joined))
        return is_new, [other for other in others if other[0]]

    async def _write_places(self) -> None:
        try:
            await self._store.put_places(tuple(self._places.values()))
        except StoreError as error:
            self._observer.not_remembered(str(error))


def _joined(known: tuple[CrlSigner, ...], signers: tuple[CrlSigner, ...]) -> tuple[CrlSigner, ...]:
    """The signers of a source after an order: those that were known stay, as long as there is room for them.

    Of those that do not find room the newest go: whoever can have many keys ordered for puts nobody out.
    """
    return bounded_signers((*known, *signers))


def _common(places: tuple[str, ...], urls: tuple[str, ...]) -> tuple[str, ...]:
    """The places with which both begin."""
    return tuple(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(places, urls, strict=False)))
