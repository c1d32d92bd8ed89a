"""What answers questions, in a worker as in a command that asks without a service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from service.adapters.clock import SystemClock
from service.adapters.ids import RandomDecisionIds
from service.adapters.lmdb.directory import prepare
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.adapters.spool import FileSpool
from service.application.blocks import Blocks
from service.application.breaker import BreakerRules
from service.application.cache_counting import HELD_OCSP, READ_OCSP, SHARED_OCSP, CellsOf, HeldLooks, own_cells
from service.application.claims import CrlClaims
from service.application.crl_fetcher import CrlFetcher
from service.application.decision_records import DecisionKeeper
from service.application.fleet.block_sharing import FleetBlockSharing
from service.application.fleet.parts import FleetParts
from service.application.fleet.shared_ocsp import SharedOcspAnswers
from service.application.gather import Gatherer
from service.application.ingest import Ingester, IngestRules
from service.application.observer import NullObserver, Observer
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_memory import OcspMemory
from service.application.ocsp_refresh import RefreshRules
from service.application.ocsp_sharing import NotShared
from service.application.operating.purging import PurgeWatch
from service.application.prefetch.used import UsedSources
from service.application.recording import NOTHING_KEPT
from service.application.shadow import Enforcement, ShadowReport, ShadowRules
from service.application.shared_counting import CountedOcspSharing
from service.application.tracing import NullTracer, Tracer
from service.application.trust_stores import TrustStores
from service.application.validate import Validator
from service.bootstrap.directories import SPOOL_DIRECTORY, STORE_DIRECTORY
from service.bootstrap.outside import make_origin, open_trust_stores, policy_of
from service.core.model.policy import Policy
from service.settings import Settings


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
        yield await compose_answering(settings, data_dir, store, ingester, observer, stack)


async def compose_answering(  # noqa: PLR0913 - what each composition has of its own
    settings: Settings,
    data_dir: Path,
    store: Store,
    crl_fetcher: CrlFetcher,
    observer: Observer,
    stack: AsyncExitStack,
    *,
    claims: CrlClaims | None = None,
    fleet: FleetParts | None = None,
    keeper: DecisionKeeper = NOTHING_KEPT,
    cells: CellsOf = own_cells,
    tracer: Tracer | None = None,
) -> Answering:
    """Put together what answers, around a store that is open.

    Args:
        settings: The settings.
        data_dir: Where copies of trust stores are kept.
        store: The host's.
        crl_fetcher: Who fetches CRLs.
        observer: Is told what happens.
        stack: What is to be closed afterwards.
        claims: Who is asked whether a CRL that waits can be told apart now; None where there is no prefetcher.
        fleet: What this process shares with other replicas; None where there are none.
        keeper: Keeps records of decisions.
        cells: Where caches count; nobody reads it where absent.
        tracer: Times the steps of decisions; nobody where absent.

    Raises:
        SettingsError: a file that the settings name cannot be used.
    """
    clock = SystemClock()
    origin = make_origin(settings)
    stack.push_async_callback(origin.aclose)
    policy = policy_of(settings)
    ids = RandomDecisionIds(clock)
    sharing = None if fleet is None else FleetBlockSharing(fleet, store.blocks)
    blocks = Blocks(store.blocks, clock, ids, observer, sharing=sharing)
    store.count_in(cells(HELD_OCSP))
    ocsp_rules = replace(
        _ocsp_rules(settings, policy, store, blocks),
        sharing=NotShared() if fleet is None else CountedOcspSharing(SharedOcspAnswers(fleet), cells(SHARED_OCSP)),
        memory=OcspMemory(cells=cells(READ_OCSP)),
    )
    steps: Tracer = NullTracer() if tracer is None else tracer
    ocsp_client = OcspClient(steps.origin(origin), store, clock, observer, ocsp_rules, RandomNonces())
    stack.push_async_callback(ocsp_client.aclose)
    wanted = None if fleet is None else store.fleet.looks_wanted
    stores = await open_trust_stores(settings, data_dir, origin, wanted, stack, observer=observer)
    used = UsedSources(policy)
    gatherer = Gatherer(
        store, store, steps.crl_fetcher(crl_fetcher), ocsp_client, clock, used, claims, HeldLooks(cells)
    )
    deadline_s = settings.deadline_ms / 1000
    report = ShadowReport()
    shadow = _shadow_rules(settings)
    validator = Validator(
        stores, gatherer, clock, ids, observer, deadline_s, blocks, shadow, report, keeper, tracer=steps
    )
    return Answering(validator, stores, store, policy, blocks, ocsp_client, report, used)


def _shadow_rules(settings: Settings) -> ShadowRules:
    everybody = Enforcement.SHADOW if settings.shadow else Enforcement.ENFORCED
    return ShadowRules(everybody, frozenset(settings.shadow_trust_stores))


def _ocsp_rules(settings: Settings, policy: Policy, store: Store, blocks: Blocks) -> OcspRules:
    """How responders are asked; a revocation that one of them tells of ends the verdicts kept on this host."""
    return OcspRules(
        policy,
        settings.ocsp_timeout_s,
        RefreshRules(settings.ocsp_refresh_fraction),
        BreakerRules(settings.breaker_failures, settings.breaker_open_s, settings.breaker_open_max_s),
        store.bump_generation,
        blocks,
        PurgeWatch(store),
    )


def _ingester(settings: Settings, data_dir: Path, store: Store, observer: Observer, stack: AsyncExitStack) -> Ingester:
    spool = data_dir / SPOOL_DIRECTORY
    prepare(spool)
    origin = make_origin(settings)
    stack.push_async_callback(origin.aclose)
    rules = IngestRules(settings.max_crl_bytes, settings.fetch_timeout_s, settings.policy())
    ingester = Ingester(origin, store, FileSpool(spool), SystemClock(), observer, rules)
    stack.push_async_callback(ingester.aclose)
    return ingester
