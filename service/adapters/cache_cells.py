"""Where caches count: a small file of each process in the directory of the counters, mapped into memory.

A verdict that is given again takes some twenty microseconds, and prometheus-client a whole one to count. A cell is
eight octets at a place that is known beforehand: adding one to it takes some ten nanoseconds more than to a variable,
and whoever asks for metrics reads what every process has counted at that moment.

Rules it keeps: the file has its room on the disk before it is mapped (`metrics_directory` says why); where there is
none, this process counts for itself. What a process has counted stays when it ends, killed or not.
"""

import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.adapters.metrics_directory import CELLS_SUFFIX
from service.application.cache_counting import (
    CELLS,
    COUNTED,
    EVICTING,
    EVICTIONS,
    HITS,
    MISSES,
    CacheName,
    Cells,
)

_USED: Final = CELLS
"""Behind the cells of a cache: whether anybody counts in them."""

_WORDS_OF_ONE: Final = CELLS + 1
_WORDS: Final = len(COUNTED) * _WORDS_OF_ONE
_FORMAT: Final = "q"
_OCTETS: Final = 8 * _WORDS

_LABELS: Final = ("tier", "kind")


class CacheCells:
    """The cells of all caches of one process."""

    def __init__(self, directory: Path | None) -> None:
        """Begin at zero.

        Args:
            directory: Where all processes count; None where this one counts for itself.
        """
        octets = None if directory is None else _mapped(directory / f"caches_{os.getpid()}{CELLS_SUFFIX}")
        self._words = memoryview(bytearray(_OCTETS) if octets is None else octets)[:_OCTETS].cast(_FORMAT)

    def of(self, name: CacheName) -> Cells:
        """Those of one cache; from now on it is shown, with zeros."""
        first = COUNTED.index(name) * _WORDS_OF_ONE
        self._words[first + _USED] = 1
        return self._words[first : first + CELLS]

    def counts(self) -> tuple[int, ...]:
        """What this process has counted."""
        return tuple(self._words)


class OwnCacheCounts(Collector):
    """What one process has counted for itself, as metrics."""

    def __init__(self, cells: CacheCells) -> None:
        """Take its cells."""
        self._cells = cells

    def collect(self) -> Iterator[Metric]:
        """Show them."""
        return _families(self._cells.counts())


class SharedCacheCounts(Collector):
    """What all processes have counted in one directory, as metrics."""

    def __init__(self, directory: Path) -> None:
        """Take the directory."""
        self._directory = directory

    def collect(self) -> Iterator[Metric]:
        """Add up what every process has counted, those included that are no more."""
        files = (file.read_bytes() for file in self._directory.glob(f"*{CELLS_SUFFIX}"))
        every = [memoryview(octets)[:_OCTETS].cast(_FORMAT) for octets in files if len(octets) >= _OCTETS]
        return _families([sum(words) for words in zip(*every, strict=True)] or [0] * _WORDS)


def _mapped(path: Path) -> mmap.mmap | None:
    """The file, as memory; None where there is no room for it."""
    try:
        with path.open("a+b") as file:
            os.posix_fallocate(file.fileno(), 0, mmap.PAGESIZE)
            return mmap.mmap(file.fileno(), mmap.PAGESIZE)
    except OSError:
        return None


def _families(words: Iterable[int]) -> Iterator[Metric]:
    """The three metrics, of those caches alone that somebody counts for: a service without Redis has none there."""
    every = list(words)
    counts = {name: every[_WORDS_OF_ONE * at : _WORDS_OF_ONE * (at + 1)] for at, name in enumerate(COUNTED)}
    shown = {name: cells for name, cells in counts.items() if cells[_USED]}
    yield _family("revet_cache_hits", "Looked for and found, by where and what.", shown, HITS)
    yield _family("revet_cache_misses", "Looked for and not found.", shown, MISSES)
    evicting = {name: cells for name, cells in shown.items() if name in EVICTING}
    yield _family("revet_cache_evictions", "Put out of a cache for want of room.", evicting, EVICTIONS)


def _family(name: str, documentation: str, counts: Mapping[CacheName, list[int]], cell: int) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=_LABELS)
    for cache, cells in counts.items():
        family.add_metric((cache.tier.value, cache.kind.value), cells[cell])
    return family
