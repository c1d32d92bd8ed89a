"""What a worker has for probes, scrapers and operators."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from service.adapters.clock import SystemClock
from service.adapters.counted import CountedMetrics
from service.adapters.ipc.client import PrefetcherClient
from service.adapters.lmdb.directory import prepare
from service.adapters.lmdb.store import Store
from service.adapters.metric_collectors import BlockCollector, BuildCollector, HeldCrlCollector, TrustStoreCollector
from service.adapters.metrics import MetricsPage, PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.adapters.operator_log import OperatorLog
from service.adapters.upload_files import UploadFiles
from service.api.app import OperationsServices, OperatorServices
from service.api.operations import CheckResult, Condition, Readiness, ReadinessCheck
from service.application.blocks import BlocksUnavailableError
from service.application.evidence_store import StoreError
from service.application.fleet.heartbeats import FleetReader
from service.application.fleet.parts import FleetParts
from service.application.operating.crl_listing import CrlListing, ListingRules
from service.application.operating.purging import Purging, follow_purges
from service.application.operating.refreshing import Refreshing
from service.application.operating.resetting import Resetting
from service.application.operating.statistics import FleetPorts, Statistics, StatisticsPorts
from service.application.operating.uploads import Uploads
from service.application.prefetch.holding import in_words, missing, waiting
from service.application.prefetch.watching import UPLOADS_DIRECTORY
from service.application.trust_store_source import DEFAULT_STORE
from service.application.verdict_cache import CacheReport
from service.bootstrap.answering import Answering
from service.bootstrap.directories import VERSION
from service.bootstrap.fleet import fleet_check
from service.bootstrap.logs import log_fault
from service.bootstrap.prefetching import prefetch_configuration
from service.settings import Settings


def compose_operations(
    settings: Settings, answering: Answering, client: PrefetcherClient, counts: PrometheusObserver
) -> OperationsServices:
    """What probes and scrapers ask of a worker."""
    has_default = settings.trust_store is not None

    async def trust_stores() -> CheckResult:
        problems = answering.stores.problems()
        detail = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        names = answering.stores.names()
        if not names or (has_default and DEFAULT_STORE not in names):
            return CheckResult(Condition.FAILED, detail or "none is loaded")
        return CheckResult(Condition.IMPAIRED if problems else Condition.GOOD, detail)

    async def host_store() -> CheckResult:
        try:
            await asyncio.to_thread(answering.store.held)
        except StoreError as error:
            return CheckResult(Condition.FAILED, str(error))
        return CheckResult(Condition.GOOD)

    async def prefetcher() -> CheckResult:
        answers = await client.answers()
        return CheckResult(Condition.GOOD) if answers else CheckResult(Condition.FAILED, "it does not answer")

    async def blocks() -> CheckResult:
        try:
            await answering.blocks.current()
        except BlocksUnavailableError as error:
            return CheckResult(Condition.FAILED, error.reason)
        return CheckResult(Condition.GOOD)

    checks = {
        "trust_stores": trust_stores,
        "store": host_store,
        "blocks": blocks,
        "crl_sources": _crl_sources_check(settings, answering.store),
        "prefetcher": prefetcher,
        **({} if settings.redis_url is None else {"fleet": fleet_check(client)}),
    }
    collectors = (
        HeldCrlCollector(answering.store.held),
        BlockCollector(answering.store.blocks.block_count),
        TrustStoreCollector(answering.stores.report),
        BuildCollector(VERSION),
    )
    page = MetricsPage(counts, collectors, metrics_directory(os.environ))
    return OperationsServices(Readiness(checks, log_fault), page.render, log_fault, VERSION)


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


def _crl_sources_check(settings: Settings, store: Store) -> ReadinessCheck:
    """Whether every CRL of the configured places was held once: what was held is served, however old it is by now."""
    configured = prefetch_configuration(settings).sources
    was_held = False

    async def check() -> CheckResult:
        nonlocal was_held
        if was_held:
            return CheckResult(Condition.GOOD)
        try:
            problems = await asyncio.to_thread(missing, store, configured)
            unclaimed = await asyncio.to_thread(waiting, store)
        except StoreError as error:
            return CheckResult(Condition.FAILED, str(error))
        if problems:
            return CheckResult(Condition.FAILED, in_words(problems))
        was_held = not unclaimed
        return CheckResult(Condition.IMPAIRED if unclaimed else Condition.GOOD, in_words(unclaimed))

    return check
