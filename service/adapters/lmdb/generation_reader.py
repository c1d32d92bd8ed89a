"""Looking entries up in generations.

Rules it keeps: of each slot at most one generation is open, and of all slots a bounded number; a file that is not what
the slot's row says it is (size, number of rows) is not read. Whoever calls holds a lock.

What it does not do: notice that a slot holds another generation; it is told the generation with each question.
"""

from collections import OrderedDict
from pathlib import Path

import lmdb

from service.adapters.lmdb.errors import Translating
from service.adapters.lmdb.generation import Generation, row_key
from service.application.evidence_store import StoreError


class GenerationGoneError(Exception):
    """The file is not there: its slot holds another generation by now, or the store is damaged."""


class GenerationReader:
    """The open generations of this process, least recently used first."""

    def __init__(self, generations: Path, limit: int) -> None:
        """Take the directory.

        Args:
            generations: What is finished.
            limit: Files open at one time.
        """
        self._generations = generations
        self._limit = limit
        self._reading = Translating(f"cannot read a CRL in {generations}")
        self._open: OrderedDict[bytes, tuple[Generation, lmdb.Environment]] = OrderedDict()

    def look_up(self, slot: bytes, generation: Generation, key: bytes) -> bytes | None:
        """The record under a key, None where there is none.

        Args:
            slot: Key of the slot.
            generation: What the slot holds now.
            key: Of the entry (`CrlRow.key`).

        Raises:
            GenerationGoneError: there is no such file.
            StoreError: it cannot be read.
        """
        with self._reading, self._environment(slot, generation).begin() as transaction:
            return transaction.get(row_key(key))

    def has(self, generation: Generation) -> bool:
        """Whether the file of a generation can be seen, with the size that it was written with."""
        try:
            return (self._generations / generation.name).stat().st_size == generation.size
        except OSError:
            return False

    def close(self) -> None:
        """Close every file."""
        while self._open:
            _, (_, environment) = self._open.popitem()
            environment.close()

    def _environment(self, slot: bytes, generation: Generation) -> lmdb.Environment:
        opened = self._open.get(slot)
        if opened is not None and opened[0] == generation:
            self._open.move_to_end(slot)
            return opened[1]
        if opened is not None:
            # The file is unlinked; closing it gives its room back.
            del self._open[slot]
            opened[1].close()
        environment = self._opened(generation)
        self._open[slot] = (generation, environment)
        if len(self._open) > self._limit:
            _, (_, oldest) = self._open.popitem(last=False)
            oldest.close()
        return environment

    def _opened(self, generation: Generation) -> lmdb.Environment:
        path = self._generations / generation.name
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise GenerationGoneError(str(path)) from None
        if size != generation.size:
            raise StoreError(f"the CRL in {path} is damaged: {size} octets, not {generation.size}")
        try:
            # Nobody writes there: no locks. Keys are spread over the file: reading ahead is of no use.
            environment = lmdb.open(
                str(path), map_size=size, subdir=False, readonly=True, lock=False, readahead=False, max_spare_txns=1
            )
        except lmdb.Error:
            if not path.exists():
                raise GenerationGoneError(str(path)) from None
            raise
        rows = environment.stat()["entries"]
        if rows != generation.rows:
            environment.close()
            raise StoreError(f"the CRL in {path} is damaged: {rows} rows, not {generation.rows}")
        return environment
