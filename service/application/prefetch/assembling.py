"""The prefetcher put together from its ports and what is configured: the pieces know each other nowhere else."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

from service.application.breaker import BreakerRules, Breakers
from service.application.clock import Clock
from service.application.crl_sharing import CrlSharing, SharedWhere, Unshared
from service.application.evidence_store import CrlWriter
from service.application.ingest import Ingester, IngestRules
from service.application.observer import Observer
from service.application.origin import Origin
from service.application.pace import Pace, PaceRules
from service.application.places import Place, Places
from service.application.prefetch.authorities import Authorities
from service.application.prefetch.claiming import Claiming
from service.application.prefetch.desk import PrefetchDesk, Watermarks
from service.application.prefetch.executor import Prefetcher
from service.application.prefetch.inventory import Inventory
from service.application.prefetch.issuers import AuthorityWatch
from service.application.prefetch.loops import PrefetchLoops
from service.application.prefetch.parts import HeldCrls, PrefetchParts
from service.application.prefetch.pending import IndexedShelf, PendingShelf, WaitingIndex
from service.application.prefetch.source_record import SourceStore
from service.application.prefetch.telling import PrefetchObserver
from service.application.prefetch.url_map import UrlMap
from service.application.prefetch.watching import PlaceWatch
from service.application.prefetch.ways import SourceOrigin, led_to
from service.application.spool import Spool
from service.application.trust_stores import TrustStores
from service.core.prefetch.schedule import Schedule


class PrefetchStore(CrlWriter, HeldCrls, SourceStore, Watermarks, Protocol):
    """The host's store as the prefetcher needs it."""

    @property
    def waiting_index(self) -> WaitingIndex:
        """In whose names CRLs wait."""


@dataclass(frozen=True, slots=True)
class PrefetchPorts:
    """What the prefetcher works with.

    Attributes:
        told: Is told of sources, as `observer` is of CRLs.
        sharing: With whom it shares what it fetched from where others would find it as well.
        name_of: What those call a place who tell that there is news; None where nobody does.
    """

    origin: Origin
    places: Places
    store: PrefetchStore
    spool: Spool
    pending: PendingShelf
    stores: TrustStores
    clock: Clock
    observer: Observer
    told: PrefetchObserver
    sharing: CrlSharing = field(default_factory=Unshared)
    name_of: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True)
class PrefetchConfiguration:
    """What an operator has decided.

    Attributes:
        sources: The places that he named.
        uploads: Where uploads are.
        url_map: Prefixes of URLs, and where their CRLs are in fact.
    """

    ingest: IngestRules
    uploads: Place
    sources: tuple[Place, ...] = ()
    url_map: tuple[tuple[str, str], ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    breakers: BreakerRules = field(default_factory=BreakerRules)
    pace: PaceRules = field(default_factory=PaceRules)


@dataclass(frozen=True, slots=True)
class Assembled:
    """The prefetcher.

    Attributes:
        desk: For other processes.
        loops: What it does by itself.
    """

    ingester: Ingester
    inventory: Inventory
    prefetcher: Prefetcher
    desk: PrefetchDesk
    loops: PrefetchLoops


def assemble(ports: PrefetchPorts, configuration: PrefetchConfiguration, stack: AsyncExitStack) -> Assembled:
    """Put it together; nothing is read or fetched yet.

    Args:
        ports: What it works with.
        configuration: What an operator has decided.
        stack: Ends what is under way.
    """
    clock, told = ports.clock, ports.told
    pending = IndexedShelf(ports.pending, ports.store.waiting_index)
    url_map, name_of = UrlMap(configuration.url_map), ports.name_of
    names = None if name_of is None else (lambda place: name_of(led_to(place, url_map)))
    inventory = Inventory(ports.store, clock, told, pending.let_go, names)
    watch = PlaceWatch(configuration.sources, configuration.uploads, ports.places, inventory, clock, told)
    breakers, pace = Breakers(clock, configuration.breakers), Pace(clock, configuration.pace)
    ways = SourceOrigin(ports.origin, ports.places, url_map, breakers, pace, watch.is_operators)
    sharing = SharedWhere(ports.sharing, ways.shared_as)
    ingester = Ingester(ways, ports.store, ports.spool, clock, ports.observer, configuration.ingest, sharing)
    stack.push_async_callback(ingester.aclose)
    parts = PrefetchParts(
        ingester=ingester,
        inventory=inventory,
        crls=ports.store,
        authorities=Authorities(),
        pending=pending,
        breakers=breakers,
        pace=pace,
        clock=clock,
        observer=told,
        host_of=ways.host_of,
        concurrent=configuration.pace.concurrent,
    )
    prefetcher = Prefetcher(parts, configuration.schedule)
    stack.push_async_callback(prefetcher.aclose)
    desk = PrefetchDesk(prefetcher, ports.store, Claiming(parts))
    stack.push_async_callback(desk.aclose)
    issuers = AuthorityWatch(parts, ports.stores)
    loops = PrefetchLoops(parts, prefetcher, watch, issuers, ports.stores, configuration.ingest.policy)
    return Assembled(ingester, inventory, prefetcher, desk, loops)
