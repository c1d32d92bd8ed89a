"""A worker: what answers, behind the API."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from service.adapters.clock import SystemClock
from service.adapters.counted import CountedMetrics
from service.adapters.ipc.client import PrefetcherClient
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.log_observer import LogObserver
from service.adapters.metrics import PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.api.app import ApiServices, create_app, create_management_app
from service.api.authentication import ClientCertificates, grant_access
from service.api.kept_answers import KeptAnswer
from service.api.rules import ApiRules, OperationsPort, Overrides
from service.application.blocks import BlocksUnavailableError
from service.application.observer import Observers
from service.application.prefetch.reporting import UsedReporter
from service.application.verdict_cache import VerdictCache
from service.bootstrap.answering import compose_answering
from service.bootstrap.directories import STORE_DIRECTORY
from service.bootstrap.fleet import open_fleet
from service.bootstrap.operations import WorkerReports, compose_operations, compose_operators
from service.settings import Settings


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
        fleet = await open_fleet(settings, counts, stack)
        parts = None if fleet is None else fleet.parts
        answering = await compose_answering(
            settings, settings.data_dir, store, client, observer, stack, claims=client, fleet=parts
        )
        reloading = asyncio.create_task(answering.stores.run())
        stack.callback(reloading.cancel)
        reporting = asyncio.create_task(UsedReporter(answering.used, client, SystemClock()).run())
        stack.callback(reporting.cancel)
        with suppress(BlocksUnavailableError):  # told by /readyz, and by every decision
            await answering.blocks.current()
        operations = compose_operations(settings, answering, client, counts)
        answers: VerdictCache[KeptAnswer] = VerdictCache(
            settings.verdict_cache_entries, answering.policy, store, answering.stores.in_force, SystemClock()
        )
        reports = WorkerReports(CountedMetrics(counts, shared), answers.report, parts)
        operators = compose_operators(settings, answering, client, reports, stack)
        services = ApiServices(answering.validator, answering.policy, operations, answering.blocks, answers, operators)
        management = None if settings.management_port is None else create_management_app(operations)
        yield WorkerApps(create_app(services, _rules(settings)), management)


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
