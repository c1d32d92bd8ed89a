"""What tells of writes to the data directory that fail, and how much room there is for more.

What it does not do: say why one failed. That is in the log, with what was to be written.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


def nobody() -> None:
    """Tell nobody."""


@contextmanager
def telling(not_written: Callable[[], object]) -> Iterator[None]:
    """A block that tells of a write that failed; its `OSError` passes on."""
    try:
        yield
    except OSError:
        not_written()
        raise


class RoomCollector(Collector):
    """How much may still be written to the data directory; any worker can answer for all.

    A disk that takes nothing is seen even where nothing is to be written, and where there was no room for counters.
    """

    def __init__(self, data_dir: Path) -> None:
        """Take the directory."""
        self._data_dir = data_dir

    def collect(self) -> Iterator[Metric]:
        """Look; nothing where nobody can say."""
        try:
            found = os.statvfs(self._data_dir)
        except OSError:
            return
        free = 0 if found.f_flag & os.ST_RDONLY else found.f_bavail * found.f_frsize
        gauge = GaugeMetricFamily(
            "revet_data_free_bytes", "Octets that may be written to the data directory; 0 where it is for reading only."
        )
        gauge.add_metric((), free)
        yield gauge
