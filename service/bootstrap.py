"""The composition root: the only file that puts concrete adapters behind the application's ports.

Three compositions: a worker, the ingesting process, and both in one for the command line, which asks without a service.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from service.adapters.clock import SystemClock
from service.adapters.http.guard import EgressRules, proxy_target
from service.adapters.http.network import SystemResolver, TcpConnector
from service.adapters.http.origin import HttpOrigin
from service.adapters.http.slots import Slots
from service.adapters.http.transport import GuardedTransport, tls_context
from service.adapters.ids import RandomDecisionIds
from service.adapters.ipc.client import IngesterClient
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.spool import FileSpool
from service.adapters.trust_store_files import TrustStoreFiles
from service.application.crl_fetcher import CrlFetcher
from service.application.gather import Gatherer
from service.application.ingest import Ingester, IngestRules
from service.application.observer import NullObserver, Observer
from service.application.ocsp_client import OcspClient
from service.application.trust_stores import TrustStores
from service.application.validate import Validator
from service.settings import Settings

VERSION = version("revet")

SPOOL_DIRECTORY = "spool"
"""Below the data directory: downloads while they are read."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What answers requests.

    Attributes:
        ingester: None where CRLs are fetched in this very process.
    """

    validator: Validator
    stores: TrustStores
    store: Store
    ingester: IngesterClient | None


@asynccontextmanager
async def open_worker(settings: Settings, ingester: Path, observer: Observer) -> AsyncIterator[Worker]:
    """A worker that has CRLs fetched by the ingesting process.

    Args:
        settings: The settings.
        ingester: Path of the ingesting process's socket.
        observer: Is told of decisions and fetches.

    Raises:
        StoreError: the data directory cannot be used.
        TrustStoreError: the trust stores cannot be read.
    """
    client = IngesterClient(ingester)
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(settings.data_dir, Role.WORKER))
        validator, stores = await _validating(settings, store, client, observer, stack)
        yield Worker(validator, stores, store, client)


@asynccontextmanager
async def open_ingester(settings: Settings, observer: Observer) -> AsyncIterator[Ingester]:
    """What fetches CRLs and writes the store.

    Raises:
        StoreError: the data directory cannot be used, or another process writes it.
    """
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(settings.data_dir, Role.INGESTER))
        yield await _ingesting(settings, settings.data_dir, store, observer, stack)


@asynccontextmanager
async def open_alone(settings: Settings, data_dir: Path) -> AsyncIterator[Worker]:
    """Everything in one process, with a store of its own: for commands that ask without a service.

    Args:
        settings: The settings; their data directory is not touched.
        data_dir: An empty directory, for this alone.
    """
    observer = NullObserver()
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(data_dir, Role.INGESTER))
        ingester = await _ingesting(settings, data_dir, store, observer, stack)
        validator, stores = await _validating(settings, store, ingester, observer, stack)
        yield Worker(validator, stores, store, None)


async def _validating(
    settings: Settings, store: Store, crl_fetcher: CrlFetcher, observer: Observer, stack: AsyncExitStack
) -> tuple[Validator, TrustStores]:
    clock = SystemClock()
    policy = settings.policy()
    origin = _origin(settings)
    stack.push_async_callback(origin.aclose)
    ocsp_client = OcspClient(origin, store, clock, observer, policy, settings.ocsp_timeout_s)
    stack.push_async_callback(ocsp_client.aclose)
    stores = TrustStores(TrustStoreFiles(settings.trust_store, settings.trust_store_dir, settings.intermediates), clock)
    stores.load()
    gatherer = Gatherer(store, store, crl_fetcher, ocsp_client, clock)
    validator = Validator(stores, gatherer, clock, RandomDecisionIds(), observer, settings.deadline_ms / 1000)
    return validator, stores


async def _ingesting(
    settings: Settings, data_dir: Path, store: Store, observer: Observer, stack: AsyncExitStack
) -> Ingester:
    spool = data_dir / SPOOL_DIRECTORY
    spool.mkdir(mode=0o700, exist_ok=True)
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
