"""What the processes of the service have counted together, as numbers rather than as a page for Prometheus."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from service.adapters.fleet_metrics import EVENTS, REFUSED
from service.adapters.metrics import PrometheusObserver, SharedCounters
from service.application.fleet.envelope import EnvelopeKind
from service.application.fleet.heartbeat import Hits, Tallies
from service.application.fleet.telling import FleetCounts, FleetEvent
from service.application.observer import OcspEvent

DECISIONS: Final = "revet_validate_requests_total"
"""The sample that counts decisions."""

DECIDED: Final = "revet_validate_duration_seconds_count"
"""The sample that counts those that were not given again: what was kept takes no time."""

STARTED: Final = "revet_process_start_time_seconds"
"""The sample that says when the service was started: the earliest of all processes'."""

OCSP: Final = "revet_ocsp_events_total"
"""The sample that counts where OCSP answers were found."""

FLEET_EVENTS: Final = f"{EVENTS}_total"
FLEET_REFUSED: Final = f"{REFUSED}_total"

_OCSP: Final = frozenset({EnvelopeKind.OCSP.value})
_SHARED: Final = frozenset({EnvelopeKind.CRL.value, EnvelopeKind.OCSP.value})
"""The kinds of what is looked for in Redis."""

_FOUND: Final = frozenset({OcspEvent.MEMORY.value, OcspEvent.HOST.value})
"""Of OCSP answers: the host had it."""

_NOT_FOUND: Final = frozenset(
    one.value for one in (FleetEvent.HIT, FleetEvent.LEASED, FleetEvent.OVERDUE, FleetEvent.UNAVAILABLE)
)
"""Of the fleet's, how looking for what the host had not may end; a question has one of these ends."""


class CountedMetrics:
    """Implements `service.application.operating.statistics.Counted`, and what the fleet asks for."""

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
        return self._sums(DECISIONS, "decision", "code")

    def started_at(self) -> datetime:
        """When the service was started."""
        seconds = [sample.value for sample in self._samples() if sample.name == STARTED]
        return datetime.fromtimestamp(min(seconds, default=0.0), UTC)

    def fleet(self) -> FleetCounts:
        """What happened between this replica and Redis since the service was started; for threads."""
        return FleetCounts(self._sums(FLEET_EVENTS, "kind", "event"), self._sums(FLEET_REFUSED, "kind", "reason"))

    def tallies(self) -> Tallies:
        """How often what was found where since the service was started; for threads."""
        samples = [sample for sample in self._samples() if sample.value]
        decided, asked = _total(samples, DECIDED), _total(samples, DECISIONS)
        return Tallies(
            verdicts=Hits(max(0, asked - decided), decided),
            host=Hits(
                _total(samples, OCSP, event=_FOUND),
                _total(samples, FLEET_EVENTS, kind=_OCSP, event=_NOT_FOUND),
            ),
            redis=Hits(
                _total(samples, FLEET_EVENTS, kind=_SHARED, event=frozenset({FleetEvent.HIT.value})),
                _total(samples, FLEET_EVENTS, kind=_SHARED, event=frozenset({FleetEvent.MISS.value})),
            ),
            leases_taken=_total(samples, FLEET_EVENTS, event=frozenset({FleetEvent.LEASED.value})),
            refused=_total(samples, FLEET_REFUSED),
        )

    def _sums(self, name: str, first: str, second: str) -> Mapping[tuple[str, str], int]:
        """The values of a sample by two of its labels; those that are zero are left out."""
        found: Counter[tuple[str, str]] = Counter()
        for sample in self._samples():
            if sample.name == name and sample.value:
                found[sample.labels[first], sample.labels[second]] += int(sample.value)
        return found

    def _samples(self) -> Iterator[Sample]:
        return (sample for metric in self._collector.collect() for sample in metric.samples)


def _total(samples: Iterable[Sample], name: str, **among: frozenset[str]) -> int:
    """The sum of a sample, of those alone whose labels are among these."""
    return sum(
        int(sample.value)
        for sample in samples
        if sample.name == name and all(sample.labels[label] in values for label, values in among.items())
    )
