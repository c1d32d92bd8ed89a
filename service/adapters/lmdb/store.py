"""The pod's store of revocation evidence, on LMDB.

A directory for its owner alone, shared by the processes of one PID namespace:

    hot/            small rows: which CRLs are held, watermarks, OCSP responses, blocks
    generations/    the entries of each CRL held, an immutable file each
    building/       what is not finished
    *.lock          who has it open

Rules it keeps: a CRL is switched by one transaction of the hot environment, after its file is whole and on the disk, so
that a crash at any moment leaves the old one or the new one; a lookup reads the slot each time and so sees a switch at
once; what cannot be read is an error and never "not listed"; one thread of each process writes to the hot environment,
never the event loop.

What it does not do: verify, judge or compare anything. Whether a CRL may replace another is decided before `publish`.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar

from service.adapters.lmdb.block_store import LmdbBlockStore
from service.adapters.lmdb.crl_publisher import CrlPublisher
from service.adapters.lmdb.crl_rows import SlotRow
from service.adapters.lmdb.errors import Noting
from service.adapters.lmdb.fleet_rows import LmdbFleetStore
from service.adapters.lmdb.generation_reader import GenerationGoneError
from service.adapters.lmdb.role import Absent, Role
from service.adapters.lmdb.slot_cache import SlotCache
from service.adapters.lmdb.store_parts import StoreLimits, StoreParts, open_parts
from service.adapters.lmdb.waiting_rows import LmdbWaitingIndex
from service.adapters.write_failures import nobody
from service.application.cache_counting import Cells
from service.application.crl_fetcher import CrlSigner
from service.application.evidence_store import HeldCrl, HeldOcsp, StoreError, WaitingCrls
from service.application.operating.purging import CacheKind
from service.application.prefetch.source_record import PlaceRecord, SourceRecord
from service.core.der.crl_entry import unpack
from service.core.model.crl import CrlFinding, CrlRow, CrlSlot, Watermark
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError

FIND_ATTEMPTS = 16
"""A generation can go between reading its slot and opening it, each time a newer one was published meanwhile: on a busy
machine several times in a row, where many CRLs of one issuer come at once."""

T = TypeVar("T")


class Store:
    """An open store: `CrlReader`, `CrlWriter` and `OcspStore` of the application. Made by `open` alone."""

    def __init__(self, parts: StoreParts, held: ExitStack, not_written: Callable[[], object] = nobody) -> None:
        """Keep the parts, what is to be closed, and who is told of writes that fail."""
        self._noting = Noting(not_written)
        self._role = parts.role
        self._hot = parts.hot
        self._crls = parts.crls
        self._ocsp = parts.ocsp
        self._sources = parts.sources
        self._waiting = parts.waiting
        self.waiting_index = LmdbWaitingIndex(parts.waiting, self._submit)
        self._reader = parts.reader
        self._publisher = CrlPublisher(parts.crls, parts.reader, parts.writer, self._submit, self._noting)
        self._thread = parts.thread
        self.blocks = LmdbBlockStore(parts.blocks, self._submit)
        self.fleet = LmdbFleetStore(parts.hot, self._submit)
        self._held = held
        self._slots = SlotCache()
        self._lookup = Lock()

    @classmethod
    def open(
        cls,
        path: Path,
        role: Role,
        limits: StoreLimits | None = None,
        absent: Absent = Absent.MAKE,
        not_written: Callable[[], object] = nobody,
    ) -> Self:
        """Open a store, after this process was spawned.

        Args:
            path: The store's directory, for nothing else.
            role: What this process does with it.
            limits: What it may take.
            absent: What is done where there is none.
            not_written: Is called, in whatever thread, when a write has failed: no room, or a disk that takes nothing.

        Raises:
            StoreError: wrong owner, mode, file system or format; open in this process or in another PID namespace; or
                another process publishes CRLs there.
        """
        with ExitStack() as stack:
            parts = open_parts(path, role, limits or StoreLimits(), absent, stack)
            return cls(parts, stack.pop_all(), not_written)

    def close(self) -> None:
        """Write what waits to be written, and let go of everything; nothing works afterwards."""
        with self._lookup:
            self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def find(
        self, issuer: bytes, points: frozenset[bytes], authorities: frozenset[bytes], key: bytes
    ) -> tuple[CrlFinding, ...]:
        """Ask every held CRL of an issuer that could cover a certificate; see `CrlReader`.

        Raises:
            StoreError: the store cannot be read, a CRL is missing or damaged.
        """
        gone: GenerationGoneError | None = None
        for _ in range(FIND_ATTEMPTS):
            rows = self._crls.covering(authorities, issuer, points)
            try:
                with self._lookup:
                    return tuple(self._ask(row, key) for row in rows)
            except GenerationGoneError as error:
                gone = error
                if rows == self._crls.covering(authorities, issuer, points):
                    break
        raise StoreError(f"a CRL of the store is missing: {gone}") from gone

    def holds_issuer(self, issuer: bytes, signer_spkis: frozenset[bytes]) -> bool:
        """Whether a CRL of this issuer is held that one of these keys signed; see `CrlReader`.

        Raises:
            StoreError: the store cannot be read, or what it says of a CRL of this issuer is damaged.
        """
        with self._lookup:
            return self._crls.any_of(
                signer_spkis, issuer, lambda row: self._slots.record(row).held.signer_spki in signer_spkis
            )

    def kept_signers(self, issuer: bytes, authorities: frozenset[bytes]) -> tuple[tuple[bytes, ...], ...]:
        """What is kept beside the CRLs of an issuer of their signers; see `CrlReader`.

        Raises:
            StoreError: the store cannot be read, or what it says of a CRL of this issuer is damaged.
        """
        paths: dict[tuple[bytes, ...], None] = {}

        def note(row: SlotRow) -> bool:
            paths.update(dict.fromkeys(self._slots.record(row).held.signer_paths))
            return False

        with self._lookup:
            self._crls.any_of(authorities, issuer, note)
        return tuple(paths)

    def waiting(self, issuer: bytes, points: frozenset[bytes]) -> WaitingCrls:
        """The CRLs of the operator's that wait for somebody of this name; see `CrlReader`.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._waiting.find(issuer, points)

    def held(self) -> tuple[HeldCrl, ...]:
        """Every CRL held, for inventories.

        Raises:
            StoreError: the store cannot be read.
        """
        rows = self._crls.all()
        with self._lookup:
            return tuple(self._slots.record(row).held for row in rows)

    def held_in(self, slot: bytes) -> HeldCrl | None:
        """The CRL in the slot of a key; None where it is empty.

        Raises:
            StoreError: the store cannot be read.
        """
        row = self._crls.row(slot)
        if row is None:
            return None
        with self._lookup:
            return self._slots.record(SlotRow(slot, row)).held

    def sources(self) -> tuple[SourceRecord, ...]:
        """Everything that is remembered of the sources of CRLs; see `SourceReader`.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._sources.sources()

    def places(self) -> tuple[PlaceRecord, ...]:
        """The configured places that were listed; see `SourceReader`.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._sources.places()

    async def put_sources(self, records: tuple[SourceRecord, ...]) -> None:
        """Remember these, off the event loop; see `SourceStore`.

        Raises:
            StoreError: they could not be written.
        """
        await asyncio.wrap_future(self._submit(lambda: self._sources.put_sources(records)))

    async def forget_sources(self, keys: tuple[str, ...]) -> None:
        """Forget these, off the event loop; see `SourceStore`.

        Raises:
            StoreError: nothing was forgotten.
        """
        await asyncio.wrap_future(self._submit(lambda: self._sources.forget_sources(keys)))

    async def put_places(self, records: tuple[PlaceRecord, ...]) -> None:
        """Remember these places and no other, off the event loop; see `SourceStore`.

        Raises:
            StoreError: they could not be written.
        """
        await asyncio.wrap_future(self._submit(lambda: self._sources.put_places(records)))

    def watermark(self, slot: CrlSlot) -> Watermark | None:
        """The newest CRL ever accepted in the slot.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._publisher.watermark(slot)

    def holds(self, slot: CrlSlot, digest: bytes) -> bool:
        """Whether a slot holds this very CRL, entries included; see `CrlWriter`.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._publisher.holds(slot, digest)

    def signer_paths(self, slot: CrlSlot) -> tuple[tuple[bytes, ...], ...]:
        """What is kept beside the CRL of a slot; see `CrlWriter`.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._publisher.signer_paths(slot)

    def vouch(self, signer: CrlSigner) -> None:
        """Let the CRLs of a signer be found by others' keys as well; see `CrlWriter`.

        Raises:
            StoreError: it could not be read or written, or this process is not the ingester; nothing changed.
        """
        self._check_publishes("the ingester says by whose keys CRLs are found")
        self._publisher.vouch(signer)

    def keep_path(self, signer: CrlSigner, at: datetime) -> None:
        """Keep the path of a signer beside his CRLs; see `CrlWriter`.

        Raises:
            StoreError: it could not be read or written, or this process is not the ingester; nothing changed.
        """
        self._check_publishes("the ingester keeps what is beside CRLs")
        self._publisher.keep_path(signer, at)

    def publish(self, held: HeldCrl, rows: Iterable[CrlRow], watermark: Watermark) -> None:
        """Replace what the slot holds; see `CrlWriter`. What `rows` raises passes through, and nothing has changed.

        Raises:
            StoreError: it could not be written, or this process is not the ingester; what was held still is.
        """
        self._check_publishes("the ingester publishes CRLs")
        self._publisher.publish(held, rows, watermark)

    async def forget_watermarks(self, slots: tuple[bytes, ...]) -> None:
        """Forget the numbers of these slots, off the event loop; nothing older than what they hold comes in.

        Raises:
            StoreError: it could not be written, or this process is not the prefetcher; nothing was forgotten.
        """
        self._check_publishes("the prefetcher forgets watermarks")
        await asyncio.wrap_future(self._submit(lambda: self._publisher.forget_watermarks(slots)))

    def find_ocsp(self, key: bytes) -> HeldOcsp | None:
        """The response held under a key, whatever its age.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._ocsp.find(key)

    def ocsp_room(self) -> tuple[int, int]:
        """How many responses are held, and the octets that they take in the store.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._ocsp.room()

    def count_in(self, cells: Cells) -> None:
        """Count in these cells what this process puts out of the store for want of room."""
        self._ocsp.count_in(cells)

    async def put_ocsp(self, key: bytes, held: HeldOcsp, supersedes: Callable[[HeldOcsp], bool] | None = None) -> None:
        """Hold a response, off the event loop; see `OcspStore`.

        Raises:
            StoreError: it could not be written.
        """
        await asyncio.wrap_future(self._submit(lambda: self._ocsp.put(key, held, supersedes)))

    def generation(self) -> int:
        """The generation of the decisions; see `Generations`.

        Raises:
            StoreError: it cannot be read.
        """
        return self._hot.generation()

    async def bump_generation(self) -> None:
        """End every kept verdict; see `Generations`.

        Raises:
            StoreError: it could not be raised.
        """
        await asyncio.wrap_future(self._submit(self._hot.turn_generation))

    def purges(self) -> Mapping[str, int]:
        """How often each kind of cache was purged; see `PurgeNumbers`.

        Raises:
            StoreError: they cannot be read.
        """
        return dict(zip(CacheKind, self._hot.numbers(map(_purge_key, CacheKind)), strict=True))

    async def purge(self, kinds: tuple[str, ...]) -> None:
        """Count a purge, and end every kept verdict, off the event loop; see `PurgeNumbers`.

        Raises:
            StoreError: nothing was counted.
        """
        keys = tuple(_purge_key(CacheKind(kind)) for kind in kinds)
        await asyncio.wrap_future(self._submit(lambda: self._hot.turn_numbers(keys)))

    def _check_publishes(self, who: str) -> None:
        if self._role is not Role.INGESTER:
            raise StoreError(f"this process opened the store as a worker: {who}")
        self._hot.check_open()

    def _submit(self, write: Callable[[], T]) -> Future[T]:
        self._hot.check_open()
        try:
            return self._thread.submit(self._write, write)
        except RuntimeError as error:
            raise StoreError("the store is closed") from error

    def _write(self, write: Callable[[], T]) -> T:
        with self._noting:
            return self._ocsp.giving_way(write)

    def _ask(self, row: SlotRow, key: bytes) -> CrlFinding:
        record = self._slots.record(row)
        found = self._reader.look_up(row.slot, record.generation, key)
        try:
            entry = None if found is None else unpack(found)
        except MalformedError as error:
            raise StoreError(f"the CRL in {record.generation.name} is damaged: {error}") from error
        held = record.held
        repeats_entries = record.generation.rows < held.meta.entries
        return CrlFinding(
            held.meta, entry, held.signer_spki, held.source, Tier.HOST, repeats_entries, held.signer_paths
        )


def _purge_key(kind: CacheKind) -> bytes:
    return f"purges-{kind.value}".encode()
