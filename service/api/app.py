"""The FastAPI applications: which handler answers which path.

Everything that a handler needs is given; nothing here reads settings, opens a socket or knows an adapter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

from service.api.admission import MAX_BATCHES_IN_FLIGHT, MAX_IN_FLIGHT, Admission
from service.api.batch import BatchHandler
from service.api.documentation import Documentation
from service.api.endpoint import GET, POST, Endpoint, Faults, Handler, nothing_here
from service.api.openapi import Json, openapi_document
from service.api.operations import MetricsRenderer, Operations, Readiness
from service.api.rules import ApiRules, OperationsPort
from service.api.validation import ValidateHandler, Validation
from service.application.validate import Validator
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
class ApiServices:
    """What callers are answered from.

    Attributes:
        validator: Decides.
        policy: The operator's, where a request asks nothing else.
        operations: What probes and scrapers are answered from.
    """

    validator: Validator
    policy: Policy
    operations: OperationsServices


def create_app(services: ApiServices, rules: ApiRules) -> FastAPI:
    """The application of the main port."""
    faults = services.operations.faults
    validation = Validation(services.validator, services.policy, rules)
    document = openapi_document(services.operations.version, rules)
    documentation = Documentation(document)
    operations = Operations(services.operations.readiness, services.operations.metrics)
    routes: list[Served] = [
        ("/v1/validate", POST, ValidateHandler(validation, Admission(MAX_IN_FLIGHT))),
        ("/v1/validate/batch", POST, BatchHandler(validation, Admission(MAX_BATCHES_IN_FLIGHT), faults)),
        ("/healthz", GET, operations.healthz),
        ("/openapi.json", GET, documentation.openapi),
        ("/docs", GET, documentation.page),
    ]
    if rules.operations is OperationsPort.MAIN:
        routes += [("/readyz", GET, operations.readyz), ("/metrics", GET, operations.metrics)]
    return _application(routes, services.operations, document)


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

    def __init__(self, document: Json, version: str, routes: list[BaseRoute]) -> None:
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

    def openapi(self) -> Json:
        """The document; FastAPI's own would be empty, since it knows nothing of these routes."""
        return self._document


def _application(routes: Iterable[Served], services: OperationsServices, document: Json) -> FastAPI:
    served: list[BaseRoute] = [
        Route(path, Endpoint(methods, handler, services.faults)) for path, methods, handler in routes
    ]
    app = _Application(document, services.version, served)
    app.router.default = nothing_here
    return app
