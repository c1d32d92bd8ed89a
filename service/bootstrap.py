"""The composition root: the only file that puts concrete adapters behind the application's ports.

Three compositions: a worker, the prefetcher, and both in one for the command line, which asks without a service.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import structlog
from fastapi import FastAPI

from service.adapters.clock import SystemClock
from service.adapters.counted import CountedMetrics
from service.adapters.http.guard import EgressRules, proxy_target
from service.adapters.http.network import SystemResolver, TcpConnector
from service.adapters.http.origin import HttpOrigin
from service.adapters.http.slots import Slots
from service.adapters.http.transport import GuardedTransport, tls_context
from service.adapters.ids import RandomDecisionIds
from service.adapters.ipc.client import PrefetcherClient
from service.adapters.ipc.server import PrefetcherServer
from service.adapters.lmdb.directory import prepare
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.tenancy import only_service
from service.adapters.log_observer import LogObserver
from service.adapters.logs import configure_logs
from service.adapters.metric_collectors import BlockCollector, BuildCollector, HeldCrlCollector, TrustStoreCollector
from service.adapters.metrics import MetricsPage, PrometheusObserver
from service.adapters.metrics_directory import metrics_directory, prepare_metrics_directory
from service.adapters.nonces import RandomNonces
from service.adapters.operator_log import OperatorLog
from service.adapters.pending_files import PendingFiles
from service.adapters.places import MissingExtraError, open_places, require_extras
from service.adapters.prefetch_log import PrefetchLog
from service.adapters.prefetch_metrics import PrefetchCounters
from service.adapters.spool import FileSpool
from service.adapters.trust_store_files import read_places
from service.adapters.trust_store_places import RemoteRules, TrustStorePlaces
from service.adapters.upload_files import UploadFiles
from service.api.app import ApiServices, OperationsServices, OperatorServices, create_app, create_management_app
from service.api.authentication import ClientCertificates, grant_access
from service.api.kept_answers import KeptAnswer
from service.api.operations import CheckResult, Condition, Readiness, ReadinessCheck
from service.api.rules import ApiRules, OperationsPort, Overrides
from service.application.blocks import Blocks, BlocksUnavailableError
from service.application.breaker import BreakerRules
from service.application.claims import CrlClaims
from service.application.crl_fetcher import CrlFetcher
from service.application.evidence_store import StoreError
from service.application.gather import Gatherer
from service.application.ingest import Ingester, IngestRules
from service.application.observer import NullObserver, Observer, Observers
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_refresh import RefreshRules
from service.application.operating.crl_listing import CrlListing, ListingRules
from service.application.operating.purging import PurgeWatch, Purging
from service.application.operating.refreshing import Refreshing
from service.application.operating.resetting import Resetting
from service.application.operating.statistics import Statistics, StatisticsPorts
from service.application.operating.uploads import Uploads
from service.application.pace import PaceRules
from service.application.places import PlaceError, parse_place
from service.application.prefetch.assembling import PrefetchConfiguration, PrefetchPorts, assemble
from service.application.prefetch.holding import in_words, missing, waiting
from service.application.prefetch.reporting import UsedReporter
from service.application.prefetch.telling import PrefetchObservers
from service.application.prefetch.used import UsedSources
from service.application.prefetch.watching import UPLOADS_DIRECTORY, uploads_place
from service.application.shadow import Enforcement, ShadowReport, ShadowRules
from service.application.trust_store_source import DEFAULT_STORE, TrustStoreSourceError
from service.application.trust_stores import TrustStores
from service.application.trusted_responders import TrustedResponderError, read_trusted_responders
from service.application.validate import Validator
from service.application.verdict_cache import CacheReport, VerdictCache
from service.core.model.policy import Policy, RevocationMode
from service.core.model.trust_store import TrustStore
from service.core.path.trust_store import build_trust_store
from service.settings import Settings, SettingsError
from service.settings.model import setting

VERSION = version("revet")

STORE_DIRECTORY = "store"
"""Below the data directory: the host's store."""

SPOOL_DIRECTORY = "spool"
"""Below the data directory: downloads while they are read."""


TRUST_STORE_COPIES = "trust-stores"
"""Below the data directory: the last good versions of trust stores that are written down elsewhere."""

PENDING_DIRECTORY = "pending"
"""Below the data directory: CRLs whose issuer nobody knows yet."""

SALT_OCTETS = 16
"""What tells one replica's schedule from another's."""

METRICS_DIRECTORY = "metrics"
"""Below the data directory: where the processes share their counters."""

_SUPERVISOR_LEVELS = {"child_died": logging.WARNING, "child_hung": logging.WARNING, "child_start_failed": logging.ERROR}
"""What of a child's life is more than information."""


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers questions: a worker, or a command that asks without a service.

    Attributes:
        policy: The operator's, with what its settings name in files.
        blocks: What is denied at once.
        ocsp: Asks responders; for its report, and to be purged.
        shadow: What would have been denied.
        used: Which sources of CRLs verdicts rested on.
    """

    validator: Validator
    stores: TrustStores
    store: Store
    policy: Policy
    blocks: Blocks
    ocsp: OcspClient
    shadow: ShadowReport
    used: UsedSources


@dataclass(frozen=True, slots=True)
class OpenPrefetcher:
    """The prefetcher, ready to run.

    Attributes:
        server: For workers.
        run: What it does by itself, until cancelled.
    """

    server: PrefetcherServer
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WorkerApps:
    """What a worker serves.

    Attributes:
        main: The API.
        management: For probes and scrapers; None where they are served on the main port.
    """

    main: FastAPI
    management: FastAPI | None


@asynccontextmanager
async def open_worker_apps(settings: Settings, prefetcher: Path) -> AsyncIterator[WorkerApps]:
    """A worker that has CRLs fetched by the prefetcher.

    Args:
        settings: The settings.
        prefetcher: Path of the prefetcher's socket.

    Raises:
        StoreError: the data directory cannot be used.
        SettingsError: a file that the settings name cannot.
    """
    client = PrefetcherClient(prefetcher)
    counts, shared = PrometheusObserver(SystemClock().now()), metrics_directory(os.environ)
    observer = Observers(LogObserver(), counts)
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(settings.data_dir / STORE_DIRECTORY, Role.WORKER))
        answering = await _answering(settings, settings.data_dir, store, client, observer, stack, claims=client)
        reloading = asyncio.create_task(answering.stores.run())
        stack.callback(reloading.cancel)
        reporting = asyncio.create_task(UsedReporter(answering.used, client, SystemClock()).run())
        stack.callback(reporting.cancel)
        with suppress(BlocksUnavailableError):  # told by /readyz, and by every decision
            await answering.blocks.current()
        operations = _operations(settings, answering, client, counts)
        answers: VerdictCache[KeptAnswer] = VerdictCache(
            settings.verdict_cache_entries, store, answering.stores.in_force, SystemClock()
        )
        operators = _operators(settings, answering, client, CountedMetrics(counts, shared), answers.report, stack)
        services = ApiServices(answering.validator, answering.policy, operations, answering.blocks, answers, operators)
        management = None if settings.management_port is None else create_management_app(operations)
        yield WorkerApps(create_app(services, _rules(settings)), management)


@asynccontextmanager
async def open_prefetcher(settings: Settings) -> AsyncIterator[OpenPrefetcher]:
    """What fetches CRLs, ahead of need and for workers, and writes the store.

    Raises:
        StoreError: the data directory cannot be used, or another process writes it.
        SettingsError: a place that the settings name cannot be.
    """
    clock, data_dir = SystemClock(), settings.data_dir
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(data_dir / STORE_DIRECTORY, Role.INGESTER))
        counts = PrometheusObserver(clock.now())
        observer, told = (
            Observers(LogObserver(), counts),
            PrefetchObservers(PrefetchLog(), PrefetchCounters(counts.registry)),
        )
        configuration = prefetch_configuration(settings)
        for directory in (SPOOL_DIRECTORY, PENDING_DIRECTORY, UPLOADS_DIRECTORY):
            prepare(data_dir / directory)
        origin = _origin(settings)
        stack.push_async_callback(origin.aclose)
        mapped = tuple(parse_place(place) for _, place in settings.crl_map)
        places = open_places(origin, (*configuration.sources, *mapped), settings.fetch_timeout_s, stack)
        pending = PendingFiles(data_dir / PENDING_DIRECTORY, settings.pending_max_bytes, told.pending_dropped)
        copies = RemoteRules(data_dir / TRUST_STORE_COPIES, settings.trust_store_poll_s, settings.fetch_timeout_s)
        stores = TrustStores(await _trust_stores(settings).open(copies, origin, clock, stack), clock)
        stores.load()
        spool = FileSpool(data_dir / SPOOL_DIRECTORY)
        ports = PrefetchPorts(origin, places, store, spool, pending, stores, clock, observer, told)
        assembled = assemble(ports, configuration, stack)
        await assembled.loops.begin()
        yield OpenPrefetcher(PrefetcherServer(assembled.desk), assembled.loops.run)


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


@asynccontextmanager
async def open_alone(settings: Settings, data_dir: Path) -> AsyncIterator[Answering]:
    """Everything in one process, with a store of its own: for commands that ask without a service.

    Args:
        settings: The settings; their data directory is not touched.
        data_dir: A directory for this alone.

    Raises:
        StoreError: `data_dir` cannot be used.
        SettingsError: a file that the settings name cannot.
    """
    observer = NullObserver()
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(data_dir / STORE_DIRECTORY, Role.INGESTER))
        ingester = _ingester(settings, data_dir, store, observer, stack)
        yield await _answering(settings, data_dir, store, ingester, observer, stack)


@asynccontextmanager
async def open_origin(settings: Settings) -> AsyncIterator[HttpOrigin]:
    """The way out, for commands that fetch one thing."""
    origin = _origin(settings)
    try:
        yield origin
    finally:
        await origin.aclose()


@contextmanager
def hold_data_directory(settings: Settings) -> Iterator[None]:
    """Keep the data directory for this service alone; a second one would empty the counters of the first.

    Raises:
        StoreError: it cannot be used, or another service has it.
    """
    store = settings.data_dir / STORE_DIRECTORY
    prepare(store)
    with only_service(store):
        yield


def prepare_metrics(settings: Settings) -> Mapping[str, str]:
    """Empty the directory where the processes share their counters, before the first of them is started.

    Returns:
        What the environment of every child must have.

    Raises:
        OSError: it cannot be made or emptied.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return prepare_metrics_directory(settings.data_dir / METRICS_DIRECTORY)


def check_trust_stores(settings: Settings) -> None:
    """Read the trust stores once, as a worker would, and the trusted responders.

    A default store that is elsewhere is not asked for: a service starts without it, and is not ready until it has it.

    Raises:
        SettingsError: one cannot be used, or there is no trust store.
    """
    places = _trust_stores(settings)
    stores = TrustStores(places.files, SystemClock())
    stores.load()
    problems = tuple(f"trust store {name}: {problem}" for name, problem in stores.problems().items())
    if problems or not (stores.names() or places.remote):
        raise SettingsError(problems or ("there is no trust store",))
    _policy(settings)


def local_trust_store(settings: Settings) -> TrustStore:
    """The trust store that requests mean which name none, as far as it is on this host; an empty one otherwise."""
    stores = TrustStores(_trust_stores(settings).files, SystemClock())
    stores.load()
    return stores.in_force(DEFAULT_STORE) or build_trust_store(DEFAULT_STORE, ())


async def _answering(  # noqa: PLR0913 - what each composition has of its own
    settings: Settings,
    data_dir: Path,
    store: Store,
    crl_fetcher: CrlFetcher,
    observer: Observer,
    stack: AsyncExitStack,
    *,
    claims: CrlClaims | None = None,
) -> Answering:
    clock = SystemClock()
    origin = _origin(settings)
    stack.push_async_callback(origin.aclose)
    policy = _policy(settings)
    ids = RandomDecisionIds(clock)
    blocks = Blocks(store.blocks, clock, ids, observer)
    ocsp_rules = _ocsp_rules(settings, policy, store, blocks)
    ocsp_client = OcspClient(origin, store, clock, observer, ocsp_rules, RandomNonces())
    stack.push_async_callback(ocsp_client.aclose)
    rules = RemoteRules(data_dir / TRUST_STORE_COPIES, settings.trust_store_poll_s, settings.fetch_timeout_s)
    source = await _trust_stores(settings).open(rules, origin, clock, stack)
    stores = TrustStores(source, clock, observer)
    stores.load()
    used = UsedSources(policy)
    gatherer = Gatherer(store, store, crl_fetcher, ocsp_client, clock, used, claims)
    deadline_s = settings.deadline_ms / 1000
    shadow = ShadowRules(
        Enforcement.SHADOW if settings.shadow else Enforcement.ENFORCED, frozenset(settings.shadow_trust_stores)
    )
    report = ShadowReport()
    validator = Validator(stores, gatherer, clock, ids, observer, deadline_s, blocks, shadow, report)
    return Answering(validator, stores, store, policy, blocks, ocsp_client, report, used)


def _ocsp_rules(settings: Settings, policy: Policy, store: Store, blocks: Blocks) -> OcspRules:
    """How responders are asked; a revocation that one of them tells of ends the verdicts kept on this host."""
    return OcspRules(
        policy,
        settings.ocsp_timeout_s,
        RefreshRules(settings.ocsp_refresh_fraction),
        BreakerRules(settings.breaker_failures, settings.breaker_open_s, settings.breaker_open_max_s),
        store.bump_generation,
        blocks,
    )


def _policy(settings: Settings) -> Policy:
    """The operator's policy, with the responders that the settings name in files.

    Raises:
        SettingsError: a file cannot be used.
    """
    try:
        responders = read_trusted_responders(read_places(settings.ocsp_trusted_responders))
    except (TrustStoreSourceError, TrustedResponderError) as error:
        raise SettingsError((f"{setting('ocsp_trusted_responders')}: {error.reason}",)) from None
    return replace(settings.policy(), trusted_responders=responders)


def _trust_stores(settings: Settings) -> TrustStorePlaces:
    """Where the trust stores are written down.

    Raises:
        SettingsError: the default store's place is none, or what reads it is not installed.
    """
    try:
        return TrustStorePlaces(settings.trust_store, settings.trust_store_dir, settings.intermediates)
    except (PlaceError, MissingExtraError) as error:
        raise SettingsError((f"{setting('trust_store')}: {error}",)) from None


def _ingester(settings: Settings, data_dir: Path, store: Store, observer: Observer, stack: AsyncExitStack) -> Ingester:
    spool = data_dir / SPOOL_DIRECTORY
    prepare(spool)
    origin = _origin(settings)
    stack.push_async_callback(origin.aclose)
    rules = IngestRules(settings.max_crl_bytes, settings.fetch_timeout_s, settings.policy())
    ingester = Ingester(origin, store, FileSpool(spool), SystemClock(), observer, rules)
    stack.push_async_callback(ingester.aclose)
    return ingester


def _origin(settings: Settings) -> HttpOrigin:
    proxy = None if settings.egress_proxy is None else proxy_target(settings.egress_proxy)
    rules = EgressRules.parse(settings.egress_allow)
    tls = tls_context(settings.egress_ca_bundle)
    transport = GuardedTransport(rules, tls, SystemResolver(), TcpConnector(), proxy)
    return HttpOrigin(transport, Slots(), f"revet/{VERSION}")


def _operations(
    settings: Settings, answering: Answering, client: PrefetcherClient, counts: PrometheusObserver
) -> OperationsServices:
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
    }
    collectors = (
        HeldCrlCollector(answering.store.held),
        BlockCollector(answering.store.blocks.block_count),
        TrustStoreCollector(answering.stores.report),
        BuildCollector(VERSION),
    )
    page = MetricsPage(counts, collectors, metrics_directory(os.environ))
    return OperationsServices(Readiness(checks, _log_fault), page.render, _log_fault, VERSION)


def _operators(
    settings: Settings,
    answering: Answering,
    client: PrefetcherClient,
    counted: CountedMetrics,
    verdicts: Callable[[], CacheReport],
    stack: AsyncExitStack,
) -> OperatorServices:
    """What operators ask of a worker."""
    clock, store, told = SystemClock(), answering.store, OperatorLog()
    prepare(settings.data_dir / UPLOADS_DIRECTORY)
    listing = CrlListing(store, ListingRules(answering.policy, settings.schedule()), clock)
    watch = PurgeWatch(store, answering.ocsp, clock)
    watching = asyncio.create_task(watch.run())
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
        verdicts=verdicts,
        ocsp=answering.ocsp.report,
        shadow=answering.shadow.snapshot,
        trust_stores=answering.stores.report,
    )
    shelf = UploadFiles(settings.data_dir / UPLOADS_DIRECTORY, clock)
    return OperatorServices(
        listing=listing,
        statistics=Statistics(ports),
        refreshing=Refreshing(client, store, clock, told),
        purging=Purging(store, watch, told),
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


def _rules(settings: Settings) -> ApiRules:
    asks = settings.tls_client_ca is not None
    certificates = ClientCertificates.REQUIRED if asks else ClientCertificates.NOT_ASKED
    return ApiRules(
        access=grant_access(
            [token.get_secret_value() for token in settings.api_tokens],
            [token.get_secret_value() for token in settings.admin_tokens],
            certificates,
            [token.get_secret_value() for token in settings.shadow_tokens],
        ),
        overrides=Overrides.ALLOWED if settings.allow_request_overrides else Overrides.REFUSED,
        max_request_bytes=settings.max_request_bytes,
        max_batch_bytes=settings.max_batch_bytes,
        max_intermediates=settings.max_intermediates,
        operations=OperationsPort.MAIN if settings.management_port is None else OperationsPort.MANAGEMENT,
        max_crl_bytes=settings.max_crl_bytes,
    )


def configure_logging(settings: Settings) -> None:
    """Send the log where the settings say. To be called once in a process, before anything is logged."""
    configure_logs(settings.log_level, settings.log_format)


def warn_of_rules(settings: Settings) -> None:
    """Log which rules for issuers ask for more and can be sidestepped. To be called once, by the supervisor.

    A rule that a key identifier alone ties to its issuer does not match another certificate of the same issuer with
    another identifier, and whoever asks chooses which one he presents.
    """
    log = structlog.get_logger("revet.settings")
    for rule in settings.policy().issuer_rules:
        tied = rule.match.name is not None or rule.match.spki is not None
        if not tied and rule.revocation_mode in (RevocationMode.REQUIRE, RevocationMode.HARD_FAIL):
            log.warning("issuer_rule_by_key_identifier", rule=rule.place, revocation_mode=rule.revocation_mode.value)


def supervisor_log() -> Callable[[str, Mapping[str, object]], None]:
    """What the supervisor tells of its children, as events of the log."""
    log = structlog.get_logger("revet.supervisor")

    def write(event: str, fields: Mapping[str, object]) -> None:
        # While the service stops, a child that ends is what should happen.
        is_stopping = event == "child_died" and fields.get("again_in_s") is None
        is_expected = is_stopping and fields.get("exit_code") in (None, 0)
        level = logging.INFO if is_expected else _SUPERVISOR_LEVELS.get(event, logging.INFO)
        log.log(level, event, **fields)

    return write


def _log_fault(where: str, error: Exception) -> None:
    structlog.get_logger("revet.fault").error("fault", where=where, exc_info=error)
