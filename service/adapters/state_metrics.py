"""Metrics of what is true now of all workers together: what is in the caches, and which responders are left alone.

Whichever worker is asked says the same: of itself what is true now, of others what they said within the last second.
"""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.adapters.label_names import LabelNames
from service.adapters.responder_metrics import OTHER_RESPONDERS
from service.application.breaker import BreakerState
from service.application.cache_counting import HELD_CRLS, HELD_OCSP, CacheName
from service.application.evidence_store import HeldCrl, StoreError
from service.application.operating.worker_state import CacheSize, ReplicaState

BREAKER_VALUES: Final = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
"""The worse, the higher: the largest of several is what somebody waits for."""

_LABELS: Final = ("tier", "kind")


class CacheSizeCollector(Collector):
    """How much is in each cache whose contents somebody counts; Redis and origins are others' affairs."""

    def __init__(
        self,
        state: Callable[[], ReplicaState],
        held: Callable[[], tuple[HeldCrl, ...]],
        ocsp_room: Callable[[], tuple[int, int]],
    ) -> None:
        """Take whom to ask.

        Args:
            state: How all workers stand.
            held: The CRLs of the host; raises `StoreError`.
            ocsp_room: How many OCSP answers it has, and their octets; raises `StoreError`.
        """
        self._state = state
        self._held = held
        self._ocsp_room = ocsp_room

    def collect(self) -> Iterator[Metric]:
        """Look; what cannot be read is missing."""
        entries = GaugeMetricFamily("revet_cache_entries", "What is in a cache, by where and what.", labels=_LABELS)
        octets = GaugeMetricFamily("revet_cache_bytes", "Octets of what is in a cache.", labels=_LABELS)
        for size in self._sizes():
            entries.add_metric((size.tier, size.kind), size.entries)
            if size.octets is not None:
                octets.add_metric((size.tier, size.kind), size.octets)
        yield from (entries, octets)

    def _sizes(self) -> Iterator[CacheSize]:
        yield from self._state().caches.values()
        try:
            held = self._held()
            yield _size(HELD_CRLS, len(held), sum(one.meta.size for one in held))
            yield _size(HELD_OCSP, *self._ocsp_room())
        except StoreError:
            return


class BreakerCollector(Collector):
    """Whether responders are asked: a host's breaker as the worker has it that fares worst."""

    def __init__(self, state: Callable[[], ReplicaState], names: LabelNames) -> None:
        """Take how all workers stand, and which hosts have metrics of their own."""
        self._state = state
        self._names = names

    def collect(self) -> Iterator[Metric]:
        """Look."""
        family = GaugeMetricFamily(
            "revet_breaker_state",
            "Whether the host of a responder is asked: 0 it is, 1 one request is let through, 2 it is left alone.",
            labels=("host",),
        )
        worst = {OTHER_RESPONDERS: 0}
        for report in self._state().responders.values():
            host = self._names.label(report.host)
            worst[host] = max(worst.get(host, 0), BREAKER_VALUES[report.state])
        for host, value in worst.items():
            family.add_metric((host,), value)
        yield family


def _size(name: CacheName, entries: int, octets: int) -> CacheSize:
    return CacheSize(name.tier.value, name.kind.value, entries, octets)
