"""Who works for the prefetcher: everything that its pieces have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from service.application.breaker import Breakers
from service.application.clock import Clock
from service.application.evidence_store import HeldCrl
from service.application.ingest import Ingester
from service.application.pace import Pace
from service.application.prefetch.authorities import Authorities
from service.application.prefetch.inventory import Inventory
from service.application.prefetch.pending import IndexedShelf
from service.application.prefetch.telling import PrefetchObserver


class HeldCrls(Protocol):
    """What is held, one by one and all."""

    def held(self) -> tuple[HeldCrl, ...]:
        """Every CRL held.

        Raises:
            StoreError: the store cannot be read.
        """

    def held_in(self, slot: bytes) -> HeldCrl | None:
        """The CRL in the slot of a key; None where it is empty.

        Raises:
            StoreError: the store cannot be read.
        """


@dataclass(frozen=True, slots=True)
class PrefetchParts:
    """Who works for the prefetcher.

    Attributes:
        crls: For what is held, and under whose key.
        host_of: Which host a source's place leads to, where it is mapped the host that it is mapped to.
        concurrent: Planned attempts at one time.
    """

    ingester: Ingester
    inventory: Inventory
    crls: HeldCrls
    authorities: Authorities
    pending: IndexedShelf
    breakers: Breakers
    pace: Pace
    clock: Clock
    observer: PrefetchObserver
    host_of: Callable[[str], str]
    concurrent: int
