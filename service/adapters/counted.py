"""What the processes of the service have counted together, as numbers rather than as a page for Prometheus."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from prometheus_client.registry import Collector

from service.adapters.metrics import PrometheusObserver, SharedCounters

DECISIONS: Final = "revet_validate_requests_total"
"""The sample that counts decisions."""

STARTED: Final = "revet_process_start_time_seconds"
"""The sample that says when the service was started: the earliest of all processes'."""


class CountedMetrics:
    """Implements `service.application.operating.statistics.Counted`."""

    def __init__(self, observer: PrometheusObserver, directory: Path | None) -> None:
        """Take the counters.

        Args:
            observer: Those of this process.
            directory: Where all processes count; None where this one counts for itself.
        """
        self._collector: Collector = observer.registry if directory is None else SharedCounters(directory)

    def decisions(self) -> Mapping[tuple[str, str], int]:
        """Decisions since the service was started, by what the caller shall do and why; those that never were left out.

        Reads a file for each process: for threads.
        """
        found: Counter[tuple[str, str]] = Counter()
        for metric in self._collector.collect():
            for sample in metric.samples:
                if sample.name == DECISIONS and sample.value:
                    found[sample.labels["decision"], sample.labels["code"]] += int(sample.value)
        return found

    def started_at(self) -> datetime:
        """When the service was started."""
        seconds = [
            sample.value for metric in self._collector.collect() for sample in metric.samples if sample.name == STARTED
        ]
        return datetime.fromtimestamp(min(seconds, default=0.0), UTC)
