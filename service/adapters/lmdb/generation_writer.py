"""Building generations aside, and the directory that they are in.

Rules it keeps: a generation appears under its name only when it is whole and on the disk, and never changes; memory
does not grow with the list (`sorted_runs`).

What it does not do: decide which generation a slot holds; that is a row of the hot environment (`crl_rows`).
"""

import os
import secrets
import shutil
from collections.abc import Collection, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path

import lmdb

from service.adapters.lmdb.directory import OWNER_ONLY, sync
from service.adapters.lmdb.errors import Translating
from service.adapters.lmdb.generation import Generation
from service.adapters.lmdb.sorted_runs import SortedRuns
from service.application.evidence_store import StoreError
from service.core.model.crl import CrlRow

BATCH_ROWS = 50_000
"""Rows of one transaction."""

SPARE_OCTETS = 1 << 20
"""Room for meta pages, branch pages and the pages that one transaction leaves to the next."""

IMMUTABLE = 0o400


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
        self._failing = Translating(f"cannot write a CRL below {building.parent}", building.parent)

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
        with self._scratch(name) as scratch, closing(SortedRuns(scratch, self._failing)) as runs:
            runs.collect(rows)
            with self._failing:
                path = scratch / name
                count = _write(path, runs.merged(), runs.octets)
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


def _write(path: Path, rows: Iterator[CrlRow], octets: int) -> int:
    """Write sorted rows into a file of their own, without waiting for the disk.

    Returns:
        How many there were.
    """
    count = 0
    with closing(
        # Nobody else knows the file yet: no locks. It is synced once, when it is whole.
        lmdb.open(str(path), map_size=_map_size(octets), subdir=False, lock=False, sync=False, mode=0o600)
    ) as environment:
        while batch := list(islice(rows, BATCH_ROWS)):
            _append(environment, batch)
            count += len(batch)
    return count


def _map_size(octets: int) -> int:
    """Address space for a file; what is not written takes no room. Doubled for what LMDB adds to each row."""
    return 2 * octets + SPARE_OCTETS


def _append(environment: lmdb.Environment, batch: list[CrlRow]) -> None:
    while True:
        try:
            with environment.begin(write=True) as transaction, transaction.cursor() as cursor:
                _, added = cursor.putmulti(batch, append=True)
                if added != len(batch):
                    raise StoreError("rows of a CRL were not in order")
            return
        except lmdb.MapFullError:
            environment.set_mapsize(2 * environment.info()["map_size"])


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
