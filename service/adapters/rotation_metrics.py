"""Metrics of files that are replaced while the service runs. Any worker can answer for all: they see the same files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class RotationCollector(Collector):
    """Which files cannot be used, and until when the service's own certificate is valid."""

    def __init__(
        self,
        settings: Iterable[str],
        problems: Callable[[], Mapping[str, str]],
        not_after: Callable[[], datetime | None] | None,
    ) -> None:
        """Take what reports on them.

        Args:
            settings: Those that name files.
            problems: Settings whose files cannot be used.
            not_after: The end of the certificate that new connections are made with; None without TLS.
        """
        self._settings = tuple(settings)
        self._problems = problems
        self._not_after = not_after

    def collect(self) -> Iterator[Metric]:
        """Look how they are."""
        problem = GaugeMetricFamily(
            "revet_file_problem",
            "Whether the file that a setting names cannot be used; what it was before stays in force.",
            labels=("setting",),
        )
        problems = self._problems()
        for setting in dict.fromkeys((*self._settings, *problems)):
            problem.add_metric((setting,), setting in problems)
        yield problem
        not_after = None if self._not_after is None else self._not_after()
        if not_after is not None:
            gauge = GaugeMetricFamily(
                "revet_tls_not_after_seconds",
                "notAfter of the certificate that new connections are made with, in seconds since 1970.",
            )
            gauge.add_metric((), not_after.timestamp())
            yield gauge
