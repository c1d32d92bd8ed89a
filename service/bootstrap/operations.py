"""What a worker has for probes, scrapers and operators."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from service.adapters.clock import SystemClock
from service.adapters.counted import CountedMetrics
from service.adapters.ipc.client import PrefetcherClient
from service.adapters.kept_memory import KeptMemory
from service.adapters.lmdb.directory import prepare
from service.adapters.metric_collectors import BlockCollector, BuildCollector, HeldCrlCollector, TrustStoreCollector
from service.adapters.metrics import MetricsPage, PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.adapters.operator_log import OperatorLog
from service.adapters.reload_metrics import ReloadCollector
from service.adapters.state_metrics import BreakerCollector, CacheSizeCollector
from service.adapters.upload_files import UploadFiles
from service.adapters.worker_states import WorkerStates
from service.adapters.write_failures import RoomCollector
from service.api.app import OperationsServices, OperatorServices
from service.api.operations import Readiness
from service.application.decision_records import DecisionBook
from service.application.evidence_store import StoreError
from service.application.fleet.heartbeats import FleetReader
from service.application.operating.crl_listing import CrlListing, ListingRules
from service.application.operating.purging import Purging, follow_purges
from service.application.operating.refreshing import Refreshing
from service.application.operating.resetting import Resetting
from service.application.operating.statistics import Statistics, StatisticsPorts
from service.application.operating.trust_store_listing import TrustStoreListing
from service.application.operating.uploads import Uploads
from service.application.operating.worker_state import CacheSize, ReplicaState, StateTelling, WorkerState, together
from service.application.prefetch.watching import UPLOADS_DIRECTORY
from service.application.verdict_cache import CacheReport
from service.bootstrap.answering import Answering
from service.bootstrap.directories import VERSION
from service.bootstrap.fleet import OpenFleet
from service.bootstrap.logs import log_fault
from service.bootstrap.readiness import compose_checks
from service.bootstrap.rotation import Rotating
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class WorkerReports:
    """What a worker can say of itself and of others.

    Attributes:
        counted: What all processes have counted.
        states: Where workers say how they stand.
        verdicts: Of this worker.
        fleet: Where other replicas say what they do; None without Redis.
        decisions: What was decided.
    """

    counted: CountedMetrics
    states: WorkerStates
    verdicts: Callable[[], CacheReport]
    fleet: OpenFleet | None
    decisions: DecisionBook


def compose_page(
    settings: Settings,
    answering: Answering,
    counts: PrometheusObserver,
    reports: WorkerReports,
    rotating: Rotating,
    last_reload: KeptMemory | None,
) -> MetricsPage:
    """What scrapers ask of a worker."""
    store, own = answering.store, _own_state(answering, reports)

    def state() -> ReplicaState:
        mine = own()
        return together((mine, *(one for one in reports.states.living(mine.at) if one.pid != mine.pid)))

    def block_count() -> int:
        # A damaged one can be counted, and nothing is decided because of it.
        if not answering.blocks.are_readable:
            raise StoreError("blocks cannot be read")
        return store.blocks.block_count()

    collectors = (
        HeldCrlCollector(store.held),
        CacheSizeCollector(state, store.held, store.ocsp_room),
        BreakerCollector(state, counts.responder_names),
        BlockCollector(block_count),
        TrustStoreCollector(answering.stores.report),
        BuildCollector(VERSION),
        rotating.collector(),
        ReloadCollector(last_reload),
        RoomCollector(settings.data_dir),
    )
    return MetricsPage(counts, collectors, metrics_directory(os.environ))


def compose_operations(
    settings: Settings, answering: Answering, client: PrefetcherClient, rotating: Rotating, page: MetricsPage
) -> OperationsServices:
    """What probes and scrapers ask of a worker."""
    readiness = Readiness(compose_checks(settings, answering, client, rotating), log_fault)
    return OperationsServices(readiness, page.render, log_fault, VERSION)


def compose_operators(
    settings: Settings,
    answering: Answering,
    client: PrefetcherClient,
    reports: WorkerReports,
    stack: AsyncExitStack,
) -> OperatorServices:
    """What operators ask of a worker."""
    clock, store, told, counted = SystemClock(), answering.store, OperatorLog(), reports.counted
    prepare(settings.data_dir / UPLOADS_DIRECTORY)
    listing = CrlListing(store, ListingRules(answering.policy, settings.schedule()), clock)
    watching = asyncio.create_task(follow_purges(answering.ocsp.follow, clock))
    stack.callback(watching.cancel)
    own = _own_state(answering, reports)
    telling = asyncio.create_task(StateTelling(own, reports.states, clock).run())
    stack.callback(reports.states.forget, os.getpid())
    stack.callback(telling.cancel)
    ports = StatisticsPorts(
        version=VERSION,
        clock=clock,
        listing=listing,
        host=store,
        blocks=store.blocks.block_count,
        alive=client.answers,
        counted=counted,
        own=own,
        shelf=reports.states,
        trust_stores=answering.stores.report,
        fleet=None if reports.fleet is None else FleetReader(reports.fleet.parts).replicas,
    )
    shelf = UploadFiles(settings.data_dir / UPLOADS_DIRECTORY, clock)
    return OperatorServices(
        listing=listing,
        statistics=Statistics(ports),
        trust_stores=TrustStoreListing(answering.stores.report, clock),
        refreshing=Refreshing(client, store, clock, told),
        purging=Purging(store, answering.ocsp.follow, told),
        resetting=Resetting(store, client, told),
        uploads=Uploads(shelf, client, store, clock, told),
        decisions=reports.decisions,
    )


def _own_state(answering: Answering, reports: WorkerReports) -> Callable[[], WorkerState]:
    """How this worker stands, where that is no count."""
    clock, pid, fleet = SystemClock(), os.getpid(), reports.fleet

    def own() -> WorkerState:
        verdicts, ocsp = reports.verdicts(), answering.ocsp.report()
        return WorkerState(
            pid=pid,
            at=clock.now(),
            caches=(
                CacheSize("memory", "verdict", verdicts.entries, verdicts.octets),
                CacheSize("memory", "ocsp", ocsp.in_memory, ocsp.memory_octets),
            ),
            refusals=ocsp.remembered,
            refreshing=ocsp.refreshes.under_way,
            responders=ocsp.responders,
            redis=None if fleet is None else fleet.unreachable(),
            recent=answering.shadow.snapshot().recent,
        )

    return own
