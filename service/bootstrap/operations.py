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
from service.adapters.upload_files import UploadFiles
from service.adapters.write_failures import RoomCollector
from service.api.app import OperationsServices, OperatorServices
from service.api.operations import Readiness
from service.application.evidence_store import StoreError
from service.application.fleet.heartbeats import FleetReader
from service.application.fleet.parts import FleetParts
from service.application.operating.crl_listing import CrlListing, ListingRules
from service.application.operating.purging import Purging, follow_purges
from service.application.operating.refreshing import Refreshing
from service.application.operating.resetting import Resetting
from service.application.operating.statistics import FleetPorts, Statistics, StatisticsPorts
from service.application.operating.uploads import Uploads
from service.application.prefetch.watching import UPLOADS_DIRECTORY
from service.application.verdict_cache import CacheReport
from service.bootstrap.answering import Answering
from service.bootstrap.directories import VERSION
from service.bootstrap.logs import log_fault
from service.bootstrap.readiness import compose_checks
from service.bootstrap.rotation import Rotating
from service.settings import Settings


def compose_operations(
    settings: Settings,
    answering: Answering,
    client: PrefetcherClient,
    counts: PrometheusObserver,
    rotating: Rotating,
    last_reload: KeptMemory | None,
) -> OperationsServices:
    """What probes and scrapers ask of a worker."""

    def block_count() -> int:
        # A damaged one can be counted, and nothing is decided because of it.
        if not answering.blocks.are_readable:
            raise StoreError("blocks cannot be read")
        return answering.store.blocks.block_count()

    collectors = (
        HeldCrlCollector(answering.store.held),
        BlockCollector(block_count),
        TrustStoreCollector(answering.stores.report),
        BuildCollector(VERSION),
        rotating.collector(),
        ReloadCollector(last_reload),
        RoomCollector(settings.data_dir),
    )
    page = MetricsPage(counts, collectors, metrics_directory(os.environ))
    return OperationsServices(
        Readiness(compose_checks(settings, answering, client, rotating), log_fault), page.render, log_fault, VERSION
    )


@dataclass(frozen=True, slots=True)
class WorkerReports:
    """What a worker can say of itself and of others.

    Attributes:
        counted: What all processes have counted.
        verdicts: Of this worker.
        fleet: Where other replicas say what they do; None without Redis.
    """

    counted: CountedMetrics
    verdicts: Callable[[], CacheReport]
    fleet: FleetParts | None


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
    ports = StatisticsPorts(
        version=VERSION,
        pid=os.getpid(),
        clock=clock,
        listing=listing,
        host=store,
        blocks=store.blocks.block_count,
        alive=client.answers,
        counted=counted,
        verdicts=reports.verdicts,
        ocsp=answering.ocsp.report,
        shadow=answering.shadow.snapshot,
        trust_stores=answering.stores.report,
        fleet=None if reports.fleet is None else FleetPorts(FleetReader(reports.fleet).replicas, counted.fleet),
    )
    shelf = UploadFiles(settings.data_dir / UPLOADS_DIRECTORY, clock)
    return OperatorServices(
        listing=listing,
        statistics=Statistics(ports),
        refreshing=Refreshing(client, store, clock, told),
        purging=Purging(store, answering.ocsp.follow, told),
        resetting=Resetting(store, client, told),
        uploads=Uploads(shelf, client, store, clock, told),
    )
