"""What the service shows of settings that were read again.

The supervisor, who knows, answers nobody: he keeps it in memory that workers inherit, and any of them can answer. It
ends with the service, since a start reads all settings anew.
"""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.adapters.kept_memory import KeptMemory

KEPT_RELOAD: Final = "kept_reload"
"""The name under which workers inherit what became of the last reload."""

IN_FORCE: Final = b"in force"
"""What is kept where the settings that were read last are."""

NOT_IN_FORCE: Final = b"not in force"
"""Where they were refused, or a child did not get ready with them."""


class ReloadCollector(Collector):
    """Whether the settings that were read last are in force."""

    def __init__(self, kept: KeptMemory | None) -> None:
        """Take where it is kept; None where no supervisor started this process."""
        self._kept = kept

    def collect(self) -> Iterator[Metric]:
        """Look."""
        gauge = GaugeMetricFamily(
            "revet_reload_problem", "Whether the last reload was refused or failed; the settings before are in force."
        )
        gauge.add_metric((), self._kept is not None and self._kept.read() == NOT_IN_FORCE)
        yield gauge
