"""Building generations aside, and the directory that they are in.

Rules it keeps: a generation appears under its name only when it is whole and on the disk, and never changes; memory
does not grow with the list: rows are sorted in runs, and runs are merged from files.

What it does not do: decide which generation a slot holds; that is a row of the hot environment (`crl_rows`).
"""

import heapq
import os
import secrets
import shutil
from collections.abc import Collection, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path

import lmdb

from service.adapters.lmdb.directory import OWNER_ONLY, sync
from service.adapters.lmdb.errors import Translating
from service.adapters.lmdb.generation import MAX_LITERAL_OCTETS, Generation, row_key
from service.application.evidence_store import StoreError
from service.core.crl.entries import prevailing
from service.core.model.crl import CrlRow

RUN_ROWS = 250_000
"""Rows sorted in memory at one time: some 60 MB with keys of 20 octets."""

BATCH_ROWS = 50_000
"""Rows of one transaction."""

ROW_OVERHEAD = 16
"""Octets that LMDB adds to a key and its value: header, pointer, rounding."""

SPARE_OCTETS = 1 << 20
"""Room for meta pages, branch pages and the pages that one transaction leaves to the next."""

IMMUTABLE = 0o400

Pair = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Run:
    """Sorted rows in a file of their own."""

    path: Path
    octets: int


class GenerationWriter:
    """The directory of generations, for the one process that writes there."""

    def __init__(self, generations: Path, building: Path) -> None:
        """Take the two directories; they are on one file system.

        Args:
            generations: What is finished.
            building: What is not.
        """
        self._generations = generations
        self._building = building
        self._failing = Translating(f"cannot write a CRL below {building.parent}")

    def sweep(self, used: Collection[str]) -> None:
        """Remove what a crash left: everything unfinished, and what no slot names.

        Args:
            used: Names of the generations that slots name.

        Raises:
            StoreError: it could not be removed.
        """
        with self._failing:
            shutil.rmtree(self._building, ignore_errors=True)
            self._building.mkdir(OWNER_ONLY, exist_ok=True)
            for path in self._generations.iterdir():
                if path.name not in used:
                    path.unlink()

    def build(self, rows: Iterable[CrlRow]) -> Generation:
        """Write rows, in any order and of duplicates the one that counts, into a new generation.

        Raises:
            StoreError: it could not be written; what `rows` raises passes through. Nothing of it stays.
        """
        name = secrets.token_hex(16)
        with self._scratch(name) as scratch:
            runs = SortedRuns(scratch, self._failing)
            runs.collect(rows)
            with self._failing, ExitStack() as stack:
                path = scratch / name
                count = _write(path, runs.merged(stack), runs.octets)
                size = _finish(path)
                self._rename_in(path)
        return Generation(name=name, rows=count, size=size)

    def remove(self, name: str) -> None:
        """Remove a generation that no slot names any more; what stays is swept at the next start."""
        with suppress(OSError):
            (self._generations / name).unlink()

    def _rename_in(self, path: Path) -> None:
        finished = path.replace(self._generations / path.name)
        try:
            sync(self._generations)
        except BaseException:
            finished.unlink(missing_ok=True)
            raise

    @contextmanager
    def _scratch(self, name: str) -> Generator[Path]:
        path = self._building / name
        with self._failing:
            path.mkdir(OWNER_ONLY)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


class SortedRuns:
    """Rows in any order, given back in the order of their keys; of equal keys the one that counts (`prevailing`)."""

    def __init__(self, scratch: Path, failing: Translating) -> None:
        """Take a directory for what does not fit into memory."""
        self._scratch = scratch
        self._failing = failing
        self._runs: list[_Run] = []
        self._rows: dict[bytes, bytes] = {}

    @property
    def octets(self) -> int:
        """Octets of everything collected, as LMDB stores it."""
        return sum(run.octets for run in self._runs) + _octets(self._rows)

    def collect(self, rows: Iterable[CrlRow]) -> None:
        """Take rows.

        Raises:
            StoreError: a run could not be written.
        """
        pending = self._rows
        for row in rows:
            key = row.key if len(row.key) <= MAX_LITERAL_OCTETS else row_key(row.key)
            earlier = pending.get(key)
            pending[key] = row.record if earlier is None else prevailing(earlier, row.record)
            if len(pending) >= RUN_ROWS:
                self._spill()

    def merged(self, stack: ExitStack) -> Iterator[Pair]:
        """Everything collected, sorted; the files stay open as long as the stack does."""
        runs = [_read(run.path, stack) for run in self._runs]
        # Runs are in the order of their collection, and a merge keeps it among equal keys.
        runs.append(iter(sorted(self._rows.items())))
        return runs[0] if len(runs) == 1 else _one_of_each_key(heapq.merge(*runs, key=itemgetter(0)))

    def _spill(self) -> None:
        run = _Run(self._scratch / f"run-{len(self._runs)}", _octets(self._rows))
        with self._failing:
            _write(run.path, iter(sorted(self._rows.items())), run.octets)
        self._runs.append(run)
        self._rows.clear()


def _octets(rows: dict[bytes, bytes]) -> int:
    return sum(map(len, rows)) + sum(map(len, rows.values())) + ROW_OVERHEAD * len(rows)


def _one_of_each_key(pairs: Iterable[Pair]) -> Iterator[Pair]:
    kept: Pair | None = None
    for pair in pairs:
        if kept is not None and kept[0] != pair[0]:
            yield kept
            kept = None
        kept = pair if kept is None else (pair[0], prevailing(kept[1], pair[1]))
    if kept is not None:
        yield kept


def _write(path: Path, pairs: Iterator[Pair], octets: int) -> int:
    """Write sorted pairs into a file of their own, without waiting for the disk.

    Returns:
        How many there were.
    """
    count = 0
    with closing(
        # Nobody else knows the file yet: no locks. It is synced once, when it is whole.
        lmdb.open(str(path), map_size=_map_size(octets), subdir=False, lock=False, sync=False, mode=0o600)
    ) as environment:
        while batch := list(islice(pairs, BATCH_ROWS)):
            _append(environment, batch)
            count += len(batch)
    return count


def _map_size(octets: int) -> int:
    """Address space for a file; what is not written takes no room. Doubled for pages that are not full."""
    return 2 * octets + SPARE_OCTETS


def _append(environment: lmdb.Environment, batch: list[Pair]) -> None:
    while True:
        try:
            with environment.begin(write=True) as transaction, transaction.cursor() as cursor:
                _, added = cursor.putmulti(batch, append=True)
                if added != len(batch):
                    raise StoreError("rows of a CRL were not in order")
            return
        except lmdb.MapFullError:
            environment.set_mapsize(2 * environment.info()["map_size"])


def _read(path: Path, stack: ExitStack) -> Iterator[Pair]:
    size = path.stat().st_size
    environment = stack.enter_context(
        closing(lmdb.open(str(path), map_size=size, subdir=False, lock=False, readonly=True))
    )
    transaction = stack.enter_context(environment.begin())
    return stack.enter_context(transaction.cursor()).iternext()


def _finish(path: Path) -> int:
    """Make a file immutable and durable.

    Returns:
        Its octets.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, IMMUTABLE)
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
