"""Sorting more rows than memory should hold: in runs, which are written to a file and merged from there.

Rules it keeps: memory does not grow with the rows; of rows with one key the one that counts is kept, in the order in
which they came (`prevailing`); nothing is done with so many rows at once that another thread has to wait for it.

What it does not do: keep anything. The file has no name, nobody else reads or writes it, and it goes when it is closed.
"""

import errno
import marshal
import os
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import eq, itemgetter
from pathlib import Path
from typing import IO

from service.adapters.lmdb.errors import Translating
from service.adapters.lmdb.generation import MAX_LITERAL_OCTETS, row_key
from service.core.crl.entries import prevailing
from service.core.model.crl import CrlRow

RUN_ROWS = 100_000
"""Rows sorted at one time: some 20 MB, and 40 ms in which no other thread of this process runs."""

BLOCK_ROWS = 1_000
"""Rows of a run that are read back at one time: of 10,000,000 rows, which are 100 runs, another 20 MB in all."""

_MARSHAL_VERSION = 2
"""The last one that does not look for objects that occur twice, which takes longer than writing them twice."""

_KEY = itemgetter(0)


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows in the file.

    Attributes:
        position: Of the first octet.
        octets: How many there are.
    """

    position: int
    octets: int


class SortedRuns:
    """Rows in any order, given back in the order of their keys; of equal keys the one that counts (`prevailing`)."""

    def __init__(self, scratch: Path, failing: Translating) -> None:
        """Take a directory for what does not fit into memory."""
        self._scratch = scratch
        self._failing = failing
        self._file: IO[bytes] | None = None
        self._runs: list[list[_Block]] = []
        self._rows: list[CrlRow] = []
        self._octets = 0

    @property
    def octets(self) -> int:
        """Octets of everything collected, at least."""
        return self._octets + sum(map(len, chain.from_iterable(self._rows)))

    @property
    def runs(self) -> int:
        """How many runs are in the file."""
        return len(self._runs)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def collect(self, rows: Iterable[CrlRow]) -> None:
        """Take rows.

        Raises:
            StoreError: a run could not be written; what `rows` raises passes through.
        """
        left = iter(rows)
        while run := list(islice(left, RUN_ROWS)):
            self._rows = _in_order(_with_short_keys(run))
            if len(run) == RUN_ROWS:
                with self._failing:
                    self._spill()

    def merged(self) -> Iterator[CrlRow]:
        """Everything collected, sorted.

        Raises:
            OSError: a run could not be read.
        """
        if self._file is None:
            return iter(self._rows)
        self._file.flush()
        # Runs are in the order of their collection, which decides among equal keys.
        return chain.from_iterable(_merge([*(_read(self._file, run) for run in self._runs), _blocks(self._rows)]))

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 - closed by `close`
        run = []
        for rows in _blocks(self._rows):
            position = self._file.tell()
            run.append(_Block(position, self._file.write(marshal.dumps(rows, _MARSHAL_VERSION))))
        self._octets = self._file.tell()
        self._runs.append(run)
        self._rows = []


def _with_short_keys(rows: list[CrlRow]) -> list[CrlRow]:
    if max(map(len, map(_KEY, rows))) <= MAX_LITERAL_OCTETS:
        return rows
    return [(row_key(key), record) for key, record in rows]


def _in_order(rows: list[CrlRow]) -> list[CrlRow]:
    """Sort rows, which came in an order that counts, and keep one of each key."""
    rows.sort(key=_KEY)
    keys = list(map(_KEY, rows))
    if not any(map(eq, keys, islice(keys, 1, None))):
        return rows
    kept: dict[bytes, bytes] = {}
    for key, record in rows:
        earlier = kept.get(key)
        kept[key] = record if earlier is None else prevailing(earlier, record)
    return list(kept.items())


def _merge(runs: Iterable[Iterator[list[CrlRow]]]) -> Iterator[list[CrlRow]]:
    """Merge sorted runs, as many rows at a time as are at hand: nothing that comes later belongs before them."""
    heads = [(head, run) for run in runs if (head := next(run, []))]
    while heads:
        limit = min(head[-1][0] for head, _ in heads)
        due: list[CrlRow] = []
        left = []
        for head, run in heads:
            cut = bisect_right(head, limit, key=_KEY)
            due += head[:cut]
            if rest := head[cut:] or next(run, []):
                left.append((rest, run))
        heads = left
        yield _in_order(due)


def _blocks(rows: Sequence[CrlRow]) -> Iterator[list[CrlRow]]:
    return (list(rows[first : first + BLOCK_ROWS]) for first in range(0, len(rows), BLOCK_ROWS))


def _read(file: IO[bytes], run: Iterable[_Block]) -> Iterator[list[CrlRow]]:
    for block in run:
        data = os.pread(file.fileno(), block.octets, block.position)
        if len(data) != block.octets:
            raise OSError(errno.EIO, "rows that were written are not there")
        rows: list[CrlRow] = marshal.loads(data)  # noqa: S302 - written by this process, into a file without a name
        yield rows
