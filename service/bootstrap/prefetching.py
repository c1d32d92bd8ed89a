"""The prefetcher: the only process that fetches CRLs and writes them to the store."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from service.adapters.clock import SystemClock
from service.adapters.counted import CountedMetrics
from service.adapters.ipc.server import PrefetcherServer
from service.adapters.lmdb.directory import prepare
from service.adapters.lmdb.role import Absent, Role
from service.adapters.lmdb.store import Store
from service.adapters.log_observer import LogObserver
from service.adapters.metrics import PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.adapters.pending_files import PendingFiles
from service.adapters.places import MissingExtraError, open_places, require_extras
from service.adapters.prefetch_log import PrefetchLog, RequestLog
from service.adapters.prefetch_metrics import PrefetchCounters
from service.adapters.spool import FileSpool
from service.application.breaker import BreakerRules
from service.application.cache_counting import HELD_OCSP, SHARED_CRLS
from service.application.crl_sharing import CrlSharing, Unshared
from service.application.fleet.heartbeat import Role as ReplicaRole
from service.application.fleet.shared_crls import SharedCrls
from service.application.ingest import IngestRules
from service.application.observer import Observers
from service.application.pace import PaceRules
from service.application.places import PlaceError, parse_place
from service.application.prefetch.assembling import PrefetchConfiguration, PrefetchPorts, assemble
from service.application.prefetch.named_by_stores import NamedByStores
from service.application.prefetch.telling import PrefetchObservers
from service.application.prefetch.watching import UPLOADS_DIRECTORY, uploads_place
from service.application.shared_counting import CountedCrlSharing
from service.bootstrap.directories import PENDING_DIRECTORY, SPOOL_DIRECTORY, STORE_DIRECTORY
from service.bootstrap.fleet import OpenFleet, ReplicaPorts, compose_replica, open_fleet
from service.bootstrap.outside import make_origin, open_trust_stores
from service.settings import Settings, SettingsError
from service.settings.model import setting

SALT_OCTETS = 16
"""What tells one replica's schedule from another's."""


@dataclass(frozen=True, slots=True)
class OpenPrefetcher:
    """The prefetcher, ready to run.

    Attributes:
        server: For workers.
        run: What it does by itself, until cancelled.
    """

    server: PrefetcherServer
    run: Callable[[], Awaitable[None]]


@asynccontextmanager
async def open_prefetcher(settings: Settings, role: ReplicaRole = ReplicaRole.SERVICE) -> AsyncIterator[OpenPrefetcher]:
    """What fetches CRLs, ahead of need and for workers, and writes the store; and what follows the fleet.

    Args:
        settings: The settings.
        role: What this replica is there for.

    Raises:
        StoreError: the data directory cannot be used, or another process writes it.
        SettingsError: a place that the settings name cannot be.
    """
    clock, data_dir = SystemClock(), settings.data_dir
    async with AsyncExitStack() as stack:
        counts = PrometheusObserver(clock.now(), metrics_directory(os.environ))
        not_written, path = counts.not_written, data_dir / STORE_DIRECTORY
        store = stack.enter_context(Store.open(path, Role.INGESTER, absent=Absent.REFUSE, not_written=not_written))
        fleet = await open_fleet(settings, counts, stack)
        configuration = prefetch_configuration(settings)
        ports = await _open_ports(settings, configuration, store, counts, fleet, stack)
        assembled = assemble(ports, configuration, stack)
        await assembled.loops.begin()
        requests = RequestLog(clock)
        if fleet is None:
            yield OpenPrefetcher(PrefetcherServer(assembled.desk, requests), assembled.loops.run)
            return
        counted = CountedMetrics(counts, metrics_directory(os.environ))
        replica_ports = ReplicaPorts(
            store, ports.stores, ports.observer.blocks_changed, assembled.prefetcher.heard, counted
        )
        replica = compose_replica(settings, fleet, role, replica_ports)
        server = PrefetcherServer(assembled.desk, requests, replica.follower)
        loops = [assembled.loops.run, replica.run]
        if role is ReplicaRole.PREFETCH:  # nobody asks it for verdicts that would name anything
            loops.append(NamedByStores(ports.stores, assembled.prefetcher, configuration.ingest.policy, clock).run)
        yield OpenPrefetcher(server, partial(_run_beside, *loops))


async def _open_ports(
    settings: Settings,
    configuration: PrefetchConfiguration,
    store: Store,
    counts: PrometheusObserver,
    fleet: OpenFleet | None,
    stack: AsyncExitStack,
) -> PrefetchPorts:
    """What the prefetcher works with: the way out, places, files, trust stores, and who is told."""
    clock, data_dir, not_written = SystemClock(), settings.data_dir, counts.not_written
    observer = Observers(LogObserver(SystemClock()), counts)
    told = PrefetchObservers(PrefetchLog(), PrefetchCounters(counts.registry))
    for directory in (SPOOL_DIRECTORY, PENDING_DIRECTORY, UPLOADS_DIRECTORY):
        prepare(data_dir / directory)
    origin = make_origin(settings)
    stack.push_async_callback(origin.aclose)
    mapped = tuple(parse_place(place) for _, place in settings.crl_map)
    places = open_places(origin, (*configuration.sources, *mapped), settings.fetch_timeout_s, stack)
    pending = PendingFiles(
        data_dir / PENDING_DIRECTORY, settings.pending_max_bytes, told.pending_dropped, not_written=not_written
    )
    wanted = None if fleet is None else store.fleet.looks_wanted
    stores = await open_trust_stores(settings, data_dir, origin, wanted, stack)
    spool = FileSpool(data_dir / SPOOL_DIRECTORY, not_written)
    store.count_in(counts.cells.of(HELD_OCSP))  # what gives way to a CRL
    sharing = _sharing(fleet, counts)
    name_of = None if fleet is None else fleet.parts.names.crl
    return PrefetchPorts(origin, places, store, spool, pending, stores, clock, observer, told, sharing, name_of)


def _sharing(fleet: OpenFleet | None, counts: PrometheusObserver) -> CrlSharing:
    if fleet is None:
        return Unshared()
    return CountedCrlSharing(SharedCrls(fleet.parts), counts.cells.of(SHARED_CRLS))


async def _run_beside(*loops: Callable[[], Awaitable[None]]) -> None:
    """Go on with all until cancelled; whatever fails ends all of them."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(_until_cancelled(loop))


async def _until_cancelled(loop: Callable[[], Awaitable[None]]) -> None:
    await loop()


def prefetch_configuration(settings: Settings) -> PrefetchConfiguration:
    """What the settings say of prefetching.

    Raises:
        SettingsError: a place cannot be used.
    """
    try:
        sources = tuple(parse_place(place) for place in settings.crl_sources)
        require_extras((*sources, *(parse_place(place) for _, place in settings.crl_map)))
    except (PlaceError, MissingExtraError) as error:
        raise SettingsError((f"{setting('crl_sources')}, {setting('crl_map')}: {error}",)) from None
    return PrefetchConfiguration(
        ingest=IngestRules(settings.max_crl_bytes, settings.fetch_timeout_s, settings.policy()),
        uploads=uploads_place(settings.data_dir),
        sources=sources,
        url_map=settings.crl_map,
        schedule=settings.schedule(os.urandom(SALT_OCTETS)),
        breakers=BreakerRules(settings.breaker_failures, settings.breaker_open_s, settings.breaker_open_max_s),
        pace=PaceRules(settings.fetch_concurrency, settings.fetch_bandwidth_bps),
    )
