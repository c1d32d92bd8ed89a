"""The composition root: the only file that puts concrete adapters behind the application's ports.

Three compositions: a worker, the ingesting process, and both in one for the command line, which asks without a service.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import structlog
from fastapi import FastAPI

from service.adapters.clock import SystemClock
from service.adapters.http.guard import EgressRules, proxy_target
from service.adapters.http.network import SystemResolver, TcpConnector
from service.adapters.http.origin import HttpOrigin
from service.adapters.http.slots import Slots
from service.adapters.http.transport import GuardedTransport, tls_context
from service.adapters.ids import RandomDecisionIds
from service.adapters.ipc.client import IngesterClient
from service.adapters.ipc.server import IngesterServer
from service.adapters.lmdb.directory import prepare
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.tenancy import only_service
from service.adapters.log_observer import LogObserver
from service.adapters.logs import configure_logs
from service.adapters.metric_collectors import BuildCollector, HeldCrlCollector, TrustStoreCollector
from service.adapters.metrics import MetricsPage, PrometheusObserver
from service.adapters.metrics_directory import metrics_directory, prepare_metrics_directory
from service.adapters.nonces import RandomNonces
from service.adapters.spool import FileSpool
from service.adapters.trust_store_files import TrustStoreFiles, read_places
from service.api.app import ApiServices, OperationsServices, create_app, create_management_app
from service.api.authentication import ClientCertificates, grant_access
from service.api.operations import CheckResult, Condition, Readiness
from service.api.rules import ApiRules, OperationsPort, Overrides
from service.application.crl_fetcher import CrlFetcher
from service.application.evidence_store import StoreError
from service.application.gather import Gatherer
from service.application.ingest import Ingester, IngestRules
from service.application.observer import NullObserver, Observer, Observers
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.trust_store_source import DEFAULT_STORE, TrustStoreSourceError
from service.application.trust_stores import TrustStores
from service.application.trusted_responders import TrustedResponderError, read_trusted_responders
from service.application.validate import Validator
from service.core.model.policy import Policy
from service.settings import Settings, SettingsError
from service.settings.model import setting

VERSION = version("revet")

STORE_DIRECTORY = "store"
"""Below the data directory: the host's store."""

SPOOL_DIRECTORY = "spool"
"""Below the data directory: downloads while they are read."""


METRICS_DIRECTORY = "metrics"
"""Below the data directory: where the processes share their counters."""

_SUPERVISOR_LEVELS = {"child_died": logging.WARNING, "child_hung": logging.WARNING, "child_start_failed": logging.ERROR}
"""What of a child's life is more than information."""


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers questions: a worker, or a command that asks without a service.

    Attributes:
        policy: The operator's, with what its settings name in files.
    """

    validator: Validator
    stores: TrustStores
    store: Store
    policy: Policy


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
async def open_worker_apps(settings: Settings, ingester: Path) -> AsyncIterator[WorkerApps]:
    """A worker that has CRLs fetched by the ingesting process.

    Args:
        settings: The settings.
        ingester: Path of the ingesting process's socket.

    Raises:
        StoreError: the data directory cannot be used.
        SettingsError: a file that the settings name cannot.
    """
    client = IngesterClient(ingester)
    counts = PrometheusObserver(SystemClock().now())
    observer = Observers(LogObserver(), counts)
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(settings.data_dir / STORE_DIRECTORY, Role.WORKER))
        answering = _answering(settings, store, client, observer, stack)
        reloading = asyncio.create_task(answering.stores.run())
        stack.callback(reloading.cancel)
        operations = _operations(settings, answering, client, counts)
        services = ApiServices(answering.validator, answering.policy, operations)
        management = None if settings.management_port is None else create_management_app(operations)
        yield WorkerApps(create_app(services, _rules(settings)), management)


@asynccontextmanager
async def open_ingester_server(settings: Settings) -> AsyncIterator[IngesterServer]:
    """What takes orders, fetches CRLs and writes the store.

    Raises:
        StoreError: the data directory cannot be used, or another process writes it.
    """
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(settings.data_dir / STORE_DIRECTORY, Role.INGESTER))
        observer = Observers(LogObserver(), PrometheusObserver(SystemClock().now()))
        yield IngesterServer(_ingester(settings, settings.data_dir, store, observer, stack))


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
        yield _answering(settings, store, ingester, observer, stack)


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

    Raises:
        SettingsError: one cannot be used, or there is no trust store.
    """
    stores = TrustStores(_trust_store_files(settings), SystemClock())
    stores.load()
    problems = tuple(f"trust store {name}: {problem}" for name, problem in stores.problems().items())
    if problems or not stores.names():
        raise SettingsError(problems or ("there is no trust store",))
    _policy(settings)


def _answering(
    settings: Settings, store: Store, crl_fetcher: CrlFetcher, observer: Observer, stack: AsyncExitStack
) -> Answering:
    clock = SystemClock()
    origin = _origin(settings)
    stack.push_async_callback(origin.aclose)
    policy = _policy(settings)
    ocsp_rules = OcspRules(policy, settings.ocsp_timeout_s)
    ocsp_client = OcspClient(origin, store, clock, observer, ocsp_rules, RandomNonces())
    stack.push_async_callback(ocsp_client.aclose)
    stores = TrustStores(_trust_store_files(settings), clock, observer)
    stores.load()
    gatherer = Gatherer(store, store, crl_fetcher, ocsp_client, clock)
    deadline_s = settings.deadline_ms / 1000
    validator = Validator(stores, gatherer, clock, RandomDecisionIds(clock), observer, deadline_s)
    return Answering(validator, stores, store, policy)


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


def _trust_store_files(settings: Settings) -> TrustStoreFiles:
    return TrustStoreFiles(settings.trust_store, settings.trust_store_dir, settings.intermediates)


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
    settings: Settings, answering: Answering, client: IngesterClient, counts: PrometheusObserver
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

    async def ingester() -> CheckResult:
        answers = await client.answers()
        return CheckResult(Condition.GOOD) if answers else CheckResult(Condition.FAILED, "it does not answer")

    checks = {"trust_stores": trust_stores, "store": host_store, "ingester": ingester}
    collectors = (
        HeldCrlCollector(answering.store.held),
        TrustStoreCollector(answering.stores.report),
        BuildCollector(VERSION),
    )
    page = MetricsPage(counts, collectors, metrics_directory(os.environ))
    return OperationsServices(Readiness(checks, _log_fault), page.render, _log_fault, VERSION)


def _rules(settings: Settings) -> ApiRules:
    asks = settings.tls_client_ca is not None
    certificates = ClientCertificates.REQUIRED if asks else ClientCertificates.NOT_ASKED
    return ApiRules(
        access=grant_access(
            [token.get_secret_value() for token in settings.api_tokens],
            [token.get_secret_value() for token in settings.admin_tokens],
            certificates,
        ),
        overrides=Overrides.ALLOWED if settings.allow_request_overrides else Overrides.REFUSED,
        max_request_bytes=settings.max_request_bytes,
        max_batch_bytes=settings.max_batch_bytes,
        max_intermediates=settings.max_intermediates,
        operations=OperationsPort.MAIN if settings.management_port is None else OperationsPort.MANAGEMENT,
    )


def configure_logging(settings: Settings) -> None:
    """Send the log where the settings say. To be called once in a process, before anything is logged."""
    configure_logs(settings.log_level, settings.log_format)


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
