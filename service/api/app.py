"""The FastAPI applications: which handler answers which path.

Everything that a handler needs is given; nothing here reads settings, opens a socket or knows an adapter.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from service.api.admission import MAX_BATCHES_IN_FLIGHT, MAX_IN_FLIGHT, Admission
from service.api.batch import BatchHandler
from service.api.blocks import BlocksHandler
from service.api.crls import CrlsHandler
from service.api.documentation import Documentation
from service.api.endpoint import DELETE, GET, POST, PUT, Endpoint, Faults, Handler, nothing_here
from service.api.kept_answers import KeptAnswer
from service.api.openapi import openapi_document
from service.api.openapi_parts import Json
from service.api.operations import MetricsRenderer, Operations, Readiness
from service.api.refresh import PurgeHandler, RefreshHandler
from service.api.rules import ApiRules, OperationsPort
from service.api.stats import StatsHandler
from service.api.uploads import UploadsHandler
from service.api.validation import ValidateHandler, Validation
from service.application.blocks import Blocks
from service.application.operating.crl_listing import CrlListing
from service.application.operating.purging import Purging
from service.application.operating.refreshing import Refreshing
from service.application.operating.resetting import Resetting
from service.application.operating.statistics import Statistics
from service.application.operating.uploads import Uploads
from service.application.validate import Validator
from service.application.verdict_cache import VerdictCache
from service.core.model.policy import Policy

TITLE: Final = "Revet"

Served: TypeAlias = tuple[str, frozenset[str], Handler]


@dataclass(frozen=True, slots=True)
class OperationsServices:
    """What probes and scrapers are answered from.

    Attributes:
        readiness: One for all applications of a process, since it remembers.
        metrics: Renders them.
        faults: Is told of our own faults.
        version: Of the service.
    """

    readiness: Readiness
    metrics: MetricsRenderer
    faults: Faults
    version: str


@dataclass(frozen=True, slots=True)
class OperatorServices:
    """What operators are answered from.

    Attributes:
        listing: What is held, and where it comes from.
        statistics: How the service does.
        refreshing: Has sources tried.
        purging: Empties caches.
        resetting: Lets lower CRL numbers of a rebuilt authority in.
        uploads: CRLs that come from an administrator.
    """

    listing: CrlListing
    statistics: Statistics
    refreshing: Refreshing
    purging: Purging
    resetting: Resetting
    uploads: Uploads


@dataclass(frozen=True, slots=True)
class ApiServices:
    """What callers are answered from.

    Attributes:
        validator: Decides.
        policy: The operator's, where a request asks nothing else.
        operations: What probes and scrapers are answered from.
        blocks: What is denied at once.
        answers: What was answered before; None where nothing is kept.
        operators: What operators are answered from; None where there is one process and no host to operate.
    """

    validator: Validator
    policy: Policy
    operations: OperationsServices
    blocks: Blocks
    answers: VerdictCache[KeptAnswer] | None = None
    operators: OperatorServices | None = None


def create_app(services: ApiServices, rules: ApiRules) -> FastAPI:
    """The application of the main port."""
    faults = services.operations.faults
    validation = Validation(services.validator, services.policy, rules, services.answers)
    document = openapi_document(services.operations.version, rules)
    documentation = Documentation(document)
    operations = Operations(services.operations.readiness, services.operations.metrics)
    blocks = BlocksHandler(services.blocks, rules)
    routes: list[Served] = [
        ("/v1/validate", POST, ValidateHandler(validation, Admission(MAX_IN_FLIGHT))),
        ("/v1/validate/batch", POST, BatchHandler(validation, Admission(MAX_BATCHES_IN_FLIGHT), faults)),
        ("/v1/blocks", GET | POST, blocks.collection),
        ("/v1/blocks/{id}", GET | DELETE, blocks.item),
        *(() if services.operators is None else _operator_routes(services.operators, rules)),
        ("/healthz", GET, operations.healthz),
        ("/openapi.json", GET, documentation.openapi),
        ("/docs", GET, documentation.page),
    ]
    if rules.operations is OperationsPort.MAIN:
        routes += [("/readyz", GET, operations.readyz), ("/metrics", GET, operations.metrics)]
    return _application(routes, services.operations, document)


def _operator_routes(services: OperatorServices, rules: ApiRules) -> Iterator[Served]:
    crls = CrlsHandler(services.listing, services.resetting, rules)
    uploads = UploadsHandler(services.uploads, rules)
    yield "/v1/crls", GET, crls.collection
    yield "/v1/crls/reset", POST, crls.reset
    yield "/v1/crls/uploads", GET, uploads.collection
    yield "/v1/crls/uploads/{name}", PUT | DELETE, uploads.item
    yield "/v1/refresh", POST, RefreshHandler(services.refreshing, rules)
    yield "/v1/cache/purge", POST, PurgeHandler(services.purging, rules)
    yield "/v1/stats", GET, StatsHandler(services.statistics, rules)


def create_management_app(services: OperationsServices) -> FastAPI:
    """The application of the management port: for probes and scrapers alone."""
    operations = Operations(services.readiness, services.metrics)
    routes: list[Served] = [
        ("/healthz", GET, operations.healthz),
        ("/readyz", GET, operations.readyz),
        ("/metrics", GET, operations.metrics),
    ]
    return _application(routes, services, {})


class _Application(FastAPI):
    """An application that describes itself by a document of ours."""

    def __init__(self, document: Json, version: str, endpoints: dict[str, Endpoint]) -> None:
        routes: list[BaseRoute] = [Route(path, endpoint) for path, endpoint in endpoints.items()]
        super().__init__(
            title=TITLE,
            version=version,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            routes=routes,
        )
        self._document = document
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; on a path that is exactly one of ours, without asking everybody else first."""
        is_ours = scope["type"] == "http" and not scope.get("root_path")
        endpoint = self._endpoints.get(scope["path"]) if is_ours else None
        if endpoint is None:
            await super().__call__(scope, receive, send)
        else:
            await endpoint(scope, receive, send)

    def openapi(self) -> Json:
        """The document; FastAPI's own would be empty, since it knows nothing of these routes."""
        return self._document


def _application(routes: Iterable[Served], services: OperationsServices, document: Json) -> FastAPI:
    endpoints = {path: Endpoint(methods, handler, services.faults) for path, methods, handler in routes}
    app = _Application(document, services.version, endpoints)
    app.router.default = nothing_here
    return app
