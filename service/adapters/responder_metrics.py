"""Metrics of the responders that are asked, a host each: counted in every process, shown on the page of every worker.

The host of a responder is written in certificates that chain to a trust store, and so is a label; there is a limit.
"""

from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Summary

from service.adapters.label_names import NAMES_SUFFIX, LabelNames
from service.application.breaker import host_of

MAX_RESPONDERS: Final = 100
"""Hosts with metrics of their own: certificate authorities have one or two each, and a service seldom trusts fifty."""

OTHER_RESPONDERS: Final = "(other)"
"""The label of all others: no host can be called so."""

_NAMES: Final = f"responders{NAMES_SUFFIX}"


def responder_names(directory: Path | None) -> LabelNames:
    """Which hosts have metrics of their own.

    Args:
        directory: Where all processes count; None where this one counts for itself.
    """
    return LabelNames(None if directory is None else directory / _NAMES, MAX_RESPONDERS, OTHER_RESPONDERS)


class ResponderCounters:
    """Counts what was asked. One in a process."""

    def __init__(self, registry: CollectorRegistry, names: LabelNames) -> None:
        """Nobody was asked.

        Args:
            registry: Of this process.
            names: Which hosts have metrics of their own.
        """
        self._names = names
        self._requests = Counter(
            "revet_responder_requests",
            "Questions to OCSP responders, by their host and what came of it.",
            ("host", "result"),
            registry=registry,
        )
        self._seconds = Summary(
            "revet_responder_duration_seconds",
            "Seconds that questions to a responder took, failed ones included.",
            ("host",),
            registry=registry,
        )
        # A counter that appears with its first event hides that event: these hosts nobody knows beforehand.
        self._requests.labels(OTHER_RESPONDERS, "ok")
        self._seconds.labels(OTHER_RESPONDERS)

    def asked(self, url: str, result: str, seconds: float) -> None:
        """Count it.

        Args:
            url: Of the responder.
            result: `ok`, or what went wrong.
            seconds: How long it took.
        """
        host = self._names.label(host_of(url))
        self._requests.labels(host, result).inc()
        self._seconds.labels(host).observe(seconds)
