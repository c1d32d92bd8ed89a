"""The FastAPI applications: which handler answers which path.

Everything that a handler needs is given; nothing here reads settings, opens a socket or knows an adapter.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.admission import MAX_BATCHES_IN_FLIGHT, MAX_IN_FLIGHT, Admission
from service.api.auditing import AuditedHandler
from service.api.authorize import AuthorizeHandler, AuthorizeServices
from service.api.authorize_path import AUTHORIZE
from service.api.batch import BatchHandler
from service.api.blocks import BlocksHandler
from service.api.body_room import LARGEST_BODIES, BodyRoom
from service.api.crls import CrlsHandler
from service.api.dashboard.files import shipped_assets
from service.api.dashboard.pages import Dashboard
from service.api.decisions import DecisionsHandler
from service.api.documentation import Documentation
from service.api.endpoint import DELETE, GET, POST, PUT, Endpoint, Faults, Handler, nothing_here
from service.api.event_ticks import PATH as EVENTS
from service.api.events import EventServices, EventsHandler
from service.api.hosts import OwnHostHandler
from service.api.kept_answers import KeptAnswer
from service.api.limits import LIMITED_PATHS, LimitedHandler
from service.api.openapi import openapi_document
from service.api.openapi_parts import Json
from service.api.operations import MetricsRenderer, Operations, Readiness
from service.api.origins import OwnOriginHandler
from service.api.refresh import PurgeHandler, RefreshHandler
from service.api.rules import ApiRules, OperationsPort
from service.api.stats import StatsHandler
from service.api.streaming import StreamingEndpoint
from service.api.trust_stores import TrustStoresHandler
from service.api.uploads import UploadsHandler
from service.api.validation import ValidateHandler, Validation
from service.application.auditing import AuditTrail
from service.application.blocks import Blocks
from service.application.caller_limits import CallerLimits
from service.application.decision_records import DecisionBook
from service.application.operating.crl_listing import CrlListing
from service.application.operating.purging import Purging
from service.application.operating.refreshing import Refreshing
from service.application.operating.resetting import Resetting
from service.application.operating.statistics import Statistics
from service.application.operating.trust_store_listing import TrustStoreListing
from service.application.operating.uploads import Uploads
from service.application.validate import Validator
from service.application.verdict_cache import VerdictCache
from service.core.model.policy import Policy

TITLE: Final = "Revet"

QUESTIONS: Final = frozenset({"/v1/validate", "/v1/validate/batch"})
"""Paths whose POST changes nothing."""

STREAMING: Final = frozenset({EVENTS})
"""Paths whose answers go on."""

ACTIONS: Final[Mapping[str, str]] = {
    "POST /v1/blocks": "block_add",
    "DELETE /v1/blocks/{id}": "block_remove",
    "POST /v1/crls/reset": "crl_watermarks_reset",
    "PUT /v1/crls/uploads/{name}": "crl_upload",
    "DELETE /v1/crls/uploads/{name}": "crl_upload_remove",
    "POST /v1/refresh": "crl_refresh",
    "POST /v1/cache/purge": "cache_purge",
}
"""What changes something, and what it is called in records."""

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
        trust_stores: Whom it trusts.
        refreshing: Has sources tried.
        purging: Empties caches.
        resetting: Lets lower CRL numbers of a rebuilt authority in.
        uploads: CRLs that come from an administrator.
        decisions: What was decided.
    """

    listing: CrlListing
    statistics: Statistics
    trust_stores: TrustStoreListing
    refreshing: Refreshing
    purging: Purging
    resetting: Resetting
    uploads: Uploads
    decisions: DecisionBook


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
        authorizing: What proxies are answered from besides; None where none asks.
        limits: What each caller is held to; None where nothing is limited.
        trail: Where changes are written down; None where there is no such place, as in tests of something else.
        events: What those who listen are answered from; None where nobody may.
    """

    validator: Validator
    policy: Policy
    operations: OperationsServices
    blocks: Blocks
    answers: VerdictCache[KeptAnswer] | None = None
    operators: OperatorServices | None = None
    authorizing: AuthorizeServices | None = None
    limits: CallerLimits | None = None
    trail: AuditTrail | None = None
    events: EventServices | None = None


def create_app(services: ApiServices, rules: ApiRules) -> FastAPI:
    """The application of the main port."""
    faults = services.operations.faults
    validation = Validation(services.validator, services.policy, rules, services.answers)
    document = openapi_document(services.operations.version, rules)
    documentation, dashboard = Documentation(document), Dashboard(shipped_assets())
    operations = Operations(services.operations.readiness, services.operations.metrics)
    blocks = BlocksHandler(services.blocks, rules)
    admission = Admission(MAX_IN_FLIGHT)
    batches, room = Admission(MAX_BATCHES_IN_FLIGHT), BodyRoom(LARGEST_BODIES * rules.max_batch_bytes)
    authorizing = services.authorizing
    limits = services.limits
    authorize = None if authorizing is None else AuthorizeHandler(validation, authorizing, admission, faults, limits)
    routes: list[Served] = [
        ("/v1/validate", POST, ValidateHandler(validation, admission, room)),
        ("/v1/validate/batch", POST, BatchHandler(validation, batches, room, faults, limits)),
        ("/v1/blocks", GET | POST, blocks.collection),
        ("/v1/blocks/{id}", GET | DELETE, blocks.item),
        *(() if services.operators is None else _operator_routes(services.operators, rules)),
        *_event_routes(services, rules),
        ("/healthz", GET, operations.healthz),
        ("/openapi.json", GET, documentation.openapi),
        ("/docs", GET, documentation.page),
        ("/dashboard", GET, dashboard.page),
        ("/dashboard/{name}", GET, dashboard.file),
    ]
    if rules.operations is OperationsPort.MAIN:
        routes += [("/readyz", GET, operations.readyz), ("/metrics", GET, operations.metrics)]
    held = _guarded(services.trail, rules, _held_to(limits, rules, _called_by_name(rules, routes)))
    return _application(held, services.operations, document, authorize)


def _called_by_name(rules: ApiRules, routes: Iterable[Served]) -> Iterator[Served]:
    """Routes that answer to names of ours alone, where nobody is asked who he is; otherwise as they are."""
    for path, methods, handler in routes:
        is_open = path.startswith(LIMITED_PATHS) and rules.access.lets_in_anybody
        yield path, methods, OwnHostHandler(handler, rules) if is_open else handler


def _held_to(limits: CallerLimits | None, rules: ApiRules, routes: Iterable[Served]) -> Iterator[Served]:
    """Routes whose callers are held to their limits, whatever their handlers do; where there are none, as they are."""
    for path, methods, handler in routes:
        if limits is None or not path.startswith(LIMITED_PATHS):
            yield path, methods, handler
        else:
            yield path, methods, LimitedHandler(handler, limits, rules)


def _operator_routes(services: OperatorServices, rules: ApiRules) -> Iterator[Served]:
    crls = CrlsHandler(services.listing, services.resetting, rules)
    uploads = UploadsHandler(services.uploads, rules)
    decisions = DecisionsHandler(services.decisions, rules)
    yield "/v1/crls", GET, crls.collection
    yield "/v1/crls/reset", POST, crls.reset
    yield "/v1/crls/uploads", GET, uploads.collection
    yield "/v1/crls/uploads/{name}", PUT | DELETE, uploads.item
    yield "/v1/decisions", GET, decisions.collection
    yield "/v1/decisions/{id}", GET, decisions.item
    yield "/v1/refresh", POST, RefreshHandler(services.refreshing, rules)
    yield "/v1/cache/purge", POST, PurgeHandler(services.purging, rules)
    yield "/v1/stats", GET, StatsHandler(services.statistics, rules)
    yield "/v1/trust-stores", GET, TrustStoresHandler(services.trust_stores, rules)


def _event_routes(services: ApiServices, rules: ApiRules) -> Iterator[Served]:
    if services.operators is not None and services.events is not None:
        faults = services.operations.faults
        yield EVENTS, GET, EventsHandler(services.operators.statistics, services.events, rules, faults)


def create_management_app(services: OperationsServices) -> FastAPI:
    """The application of the management port: for probes and scrapers alone."""
    operations = Operations(services.readiness, services.metrics)
    routes: list[Served] = [
        ("/healthz", GET, operations.healthz),
        ("/readyz", GET, operations.readyz),
        ("/metrics", GET, operations.metrics),
    ]
    return _application(routes, services, {})


def _guarded(trail: AuditTrail | None, rules: ApiRules, routes: Iterable[Served]) -> Iterator[Served]:
    """Routes whose changes are written down, and are nothing that a page of another origin has a browser ask for.

    Raises:
        KeyError: a method that is no question and changes something has no name to be written down by.
    """
    for path, methods, handler in routes:
        changing = () if path in QUESTIONS else methods - GET
        actions = {method: ACTIONS[f"{method} {path}"] for method in changing}
        if not actions:
            yield path, methods, handler
        elif trail is None:
            yield path, methods, OwnOriginHandler(handler)
        else:
            yield path, methods, AuditedHandler(actions, OwnOriginHandler(handler), rules, trail)


class _Application(FastAPI):
    """An application that describes itself by a document of ours."""

    def __init__(
        self, document: Json, version: str, endpoints: dict[str, Endpoint], authorize: AuthorizeHandler | None
    ) -> None:
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
        # A variable's own name in braces is a value of it as any other: what has variables is the router's.
        self._endpoints = {path: endpoint for path, endpoint in endpoints.items() if "{" not in path}
        self._authorize = authorize

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; on a path that is exactly one of ours, without asking everybody else first.

        What proxies ask is known by the beginning of its path as it was sent, since the rest of it is the client's.
        """
        is_ours = scope["type"] == "http" and not scope.get("root_path")
        endpoint: ASGIApp | None = self._endpoints.get(scope["path"]) if is_ours else None
        if endpoint is None and is_ours and scope["raw_path"].startswith(AUTHORIZE):
            endpoint = self._authorize
        if endpoint is None:
            await super().__call__(scope, receive, send)
        else:
            await endpoint(scope, receive, send)

    def openapi(self) -> Json:
        """The document; FastAPI's own would be empty, since it knows nothing of these routes."""
        return self._document


def _application(
    routes: Iterable[Served],
    services: OperationsServices,
    document: Json,
    authorize: AuthorizeHandler | None = None,
) -> FastAPI:
    endpoints = {
        path: (StreamingEndpoint if path in STREAMING else Endpoint)(methods, handler, services.faults)
        for path, methods, handler in routes
    }
    app = _Application(document, services.version, endpoints, authorize)
    app.router.default = nothing_here
    return app
