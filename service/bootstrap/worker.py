"""A worker: what answers, behind the API."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.adapters.clock import SystemClock
from service.adapters.connection_tally import ConnectionTally
from service.adapters.counted import CountedMetrics
from service.adapters.ids import RandomDecisionIds
from service.adapters.ipc.client import PrefetcherClient
from service.adapters.kept_memory import KeptMemory
from service.adapters.lmdb.role import Absent, Role
from service.adapters.lmdb.store import Store
from service.adapters.log_observer import LogObserver
from service.adapters.metrics import PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.adapters.reload_metrics import KEPT_RELOAD
from service.adapters.worker_states import WorkerStates
from service.api.app import ApiServices, create_app, create_management_app
from service.api.authentication import Access
from service.api.authorize import AuthorizeServices
from service.api.client_cert.header import HeaderNames
from service.api.event_streams import EventStreams
from service.api.events import EventServices
from service.api.kept_answers import KeptAnswer
from service.api.operations import Readiness
from service.api.rules import ApiRules, OperationsPort, Overrides
from service.api.traced import TracedApp
from service.application.blocks import BlocksUnavailableError
from service.application.cache_counting import VERDICTS
from service.application.connection_limits import ConnectionObserver
from service.application.observer import Observers
from service.application.prefetch.reporting import UsedReporter
from service.application.verdict_cache import VerdictCache
from service.bootstrap.answering import Answering, compose_answering
from service.bootstrap.auditing import compose_trail
from service.bootstrap.decisions import newest_decision, open_decisions
from service.bootstrap.directories import STORE_DIRECTORY
from service.bootstrap.fleet import open_fleet
from service.bootstrap.limits import compose_limits
from service.bootstrap.operations import WorkerReports, compose_operations, compose_operators, compose_page
from service.bootstrap.rotation import open_rotating
from service.bootstrap.tracing import open_tracing
from service.settings import Settings

NOTHING_KEPT: Final[Mapping[str, KeptMemory]] = MappingProxyType({})
"""What a worker has inherited that no supervisor started."""


@dataclass(frozen=True, slots=True)
class WorkerApps:
    """What a worker serves.

    Attributes:
        main: The API.
        management: For probes and scrapers; None where they are served on the main port.
        readiness: Whether requests should be sent to it.
        connections: Is told of connections.
        streams: Answers that go on until somebody ends them.
        served: The API as it is served: traced, where that is wanted.
        tls: What connections to the API are made with; None for plain HTTP.
    """

    main: FastAPI
    management: FastAPI | None
    readiness: Readiness
    connections: ConnectionObserver
    streams: EventStreams
    served: ASGIApp
    tls: ssl.SSLContext | None = None


@asynccontextmanager
async def open_worker_apps(
    settings: Settings, prefetcher: Path, kept: Mapping[str, KeptMemory] = NOTHING_KEPT
) -> AsyncIterator[WorkerApps]:
    """A worker that has CRLs fetched by the prefetcher.

    Args:
        settings: The settings.
        prefetcher: Path of the prefetcher's socket.
        kept: Last good versions of files that are replaced (`bootstrap.rotation`), and what became of the last reload.

    Raises:
        StoreError: the data directory cannot be used.
        SettingsError: a file that the settings name cannot.
    """
    client = PrefetcherClient(prefetcher)
    shared = metrics_directory(os.environ)
    counts = PrometheusObserver(SystemClock().now(), shared)
    connections = ConnectionTally(counts.registry, SystemClock())
    async with AsyncExitStack() as stack:
        traces = open_tracing(settings, stack)
        log = LogObserver(SystemClock(), settings.log_allows_per_s)
        observer = Observers(log, counts, *(() if traces is None else (traces.observer,)))
        path = settings.data_dir / STORE_DIRECTORY
        store = stack.enter_context(Store.open(path, Role.WORKER, absent=Absent.REFUSE, not_written=counts.not_written))
        fleet = await open_fleet(settings, counts, stack)
        parts = None if fleet is None else fleet.parts
        kept_decisions = open_decisions(settings, counts, stack)
        answering = await compose_answering(
            settings,
            settings.data_dir,
            store,
            client,
            observer,
            stack,
            claims=client,
            fleet=parts,
            keeper=kept_decisions.keeper,
            cells=counts.cells.of,
            tracer=None if traces is None else traces.tracer,
        )
        await _set_going(answering, client, stack)
        rotating = open_rotating(settings, kept, stack)
        answers: VerdictCache[KeptAnswer] = VerdictCache(
            settings.verdict_cache_entries,
            answering.policy,
            store,
            answering.stores.in_force,
            SystemClock(),
            counts.cells.of(VERDICTS),
        )
        reports = WorkerReports(
            CountedMetrics(counts, shared), WorkerStates(shared), answers.report, fleet, kept_decisions.book
        )
        page = compose_page(settings, answering, counts, reports, rotating, kept.get(KEPT_RELOAD))
        operations = compose_operations(settings, answering, client, rotating, page)
        operators = compose_operators(settings, answering, client, reports, stack)
        authorizing = AuthorizeServices(SystemClock(), RandomDecisionIds(SystemClock()), observer)
        streams = EventStreams(settings.max_event_streams)
        services = ApiServices(
            answering.validator,
            answering.policy,
            operations,
            answering.blocks,
            answers,
            operators,
            authorizing,
            compose_limits(settings, counts),
            compose_trail(settings, counts),
            EventServices(streams, SystemClock(), partial(newest_decision, kept_decisions.book)),
        )
        management = None if settings.management_port is None else create_management_app(operations)
        main = create_app(services, _rules(settings, rotating.access))
        served = main if traces is None else TracedApp(main, traces.tracer)
        yield WorkerApps(main, management, operations.readiness, connections, streams, served, rotating.tls)


async def _set_going(answering: Answering, client: PrefetcherClient, stack: AsyncExitStack) -> None:
    """Have done what a worker does by itself: trust stores are looked at, used sources told; and blocks are read."""
    for loop in (answering.stores.run(), UsedReporter(answering.used, client, SystemClock()).run()):
        task = asyncio.create_task(loop)
        stack.callback(task.cancel)
    with suppress(BlocksUnavailableError):  # told by /readyz, and by every decision
        await answering.blocks.current()


def _rules(settings: Settings, access: Access) -> ApiRules:
    return ApiRules(
        access=access,
        overrides=Overrides.ALLOWED if settings.allow_request_overrides else Overrides.REFUSED,
        max_request_bytes=settings.max_request_bytes,
        max_batch_bytes=settings.max_batch_bytes,
        max_intermediates=settings.max_intermediates,
        operations=OperationsPort.MAIN if settings.management_port is None else OperationsPort.MANAGEMENT,
        max_crl_bytes=settings.max_crl_bytes,
        fronts=frozenset(settings.authorize_fronts),
        header_names=_header_names(settings),
        hosts=frozenset({settings.host}),
    )


def _header_names(settings: Settings) -> HeaderNames:
    """As requests have them: in lower case (ASGI)."""
    return HeaderNames(
        alb_passthrough=settings.authorize_header_alb_passthrough.lower().encode(),
        alb_verify=settings.authorize_header_alb_verify.lower().encode(),
        nginx=settings.authorize_header_nginx.lower().encode(),
        envoy=settings.authorize_header_envoy.lower().encode(),
        traefik=settings.authorize_header_traefik.lower().encode(),
        rfc9440=settings.authorize_header_rfc9440.lower().encode(),
        rfc9440_chain=settings.authorize_header_rfc9440_chain.lower().encode(),
    )
