"""The OpenAPI document: what the routes do, written down beside them, with the schemas that they check and answer with.

It is made once, from the rules of this deployment: its limits are the operator's, and it asks for credentials exactly
where the routes do.
"""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any, TypeAlias

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from service.api import examples
from service.api.answers import Answer, AnswerSchema, BatchAnswer, Health, ProblemAnswer, ReadinessAnswer
from service.api.authentication import ClientCertificates
from service.api.rules import ApiRules, OperationsPort
from service.api.schemas import BatchRequest, Schema, ValidateRequest

Json: TypeAlias = dict[str, Any]

REFERENCES = "#/components/schemas/"

_ABOUT = """\
Verdicts on client certificates: chain, CRL and OCSP, checked ahead of the request and explained.

Every decision is a 200, allow or deny. A request that cannot be understood gets a problem (RFC 9457)."""

_PROBLEMS: Mapping[int, str] = {
    400: "The request cannot be understood: no JSON, a field that is wrong or unknown, or no text of a certificate.",
    401: "No token, or one that is not known.",
    403: "The request carries options, and may not.",
    404: "There is no such trust store.",
    408: "The body did not arrive in time.",
    413: "The body is too large, or the batch has too many items.",
    415: "The body is not JSON.",
    500: "Something is wrong here; it is not the request.",
    503: "Too many requests at once; Retry-After says when to come again.",
}

_HEADERS: Mapping[int, Json] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "RFC 6750 §3."}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
}


def openapi_document(version: str, rules: ApiRules) -> Json:
    """The document of one deployment."""
    paths: Json = {
        "/v1/validate": {"post": _validate(rules)},
        "/v1/validate/batch": {"post": _validate_batch(rules)},
        "/healthz": {"get": _health()},
    }
    if rules.operations is OperationsPort.MAIN:
        paths |= {"/readyz": {"get": _readiness()}, "/metrics": {"get": _metrics()}}
    paths |= {"/openapi.json": {"get": _openapi()}, "/docs": {"get": _docs()}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Revet", "version": version, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": _schemas(rules), "securitySchemes": _security_schemes(rules)},
    }


def _validate(rules: ApiRules) -> Json:
    return {
        "operationId": "validate",
        "tags": ["verdicts"],
        "summary": "Validate one certificate",
        "description": "Decides on the certificate that leads `certificate`. "
        "One that does not parse is a decision too: `deny`, `malformed`.",
        "security": _security(rules),
        "requestBody": _body(ValidateRequest, {"plain": examples.REQUEST}),
        "responses": {
            "200": _answer("The decision.", Answer, {"allow": examples.ALLOW, "revoked": examples.REVOKED}),
            **_problems(rules, 403, 404),
        },
    }


def _validate_batch(rules: ApiRules) -> Json:
    return {
        "operationId": "validateBatch",
        "tags": ["verdicts"],
        "summary": "Validate many certificates",
        "description": "Answers every item on its own and in order: what is wrong with one is a problem in its place.",
        "security": _security(rules),
        "requestBody": _body(BatchRequest, {"plain": {"items": [examples.REQUEST]}}),
        "responses": {
            "200": _answer("The decisions.", BatchAnswer, {"allow": {"results": [examples.ALLOW]}}),
            **_problems(rules),
        },
    }


def _health() -> Json:
    return {
        "operationId": "health",
        "tags": ["operations"],
        "summary": "Whether the process lives",
        "responses": {"200": _answer("It does.", Health, {"alive": {"status": "ok"}})},
    }


def _readiness() -> Json:
    return {
        "operationId": "readiness",
        "tags": ["operations"],
        "summary": "Whether requests should be sent here",
        "description": "503 until every check has passed once; later trouble is 200 with `degraded`.",
        "responses": {
            "200": _answer("They should.", ReadinessAnswer, {"ready": examples.READY}),
            "503": _answer("Not yet.", ReadinessAnswer, {"not_ready": examples.NOT_READY}),
        },
    }


def _metrics() -> Json:
    return {
        "operationId": "metrics",
        "tags": ["operations"],
        "summary": "Metrics for Prometheus",
        "responses": {
            "200": {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}
        },
    }


def _openapi() -> Json:
    return {
        "operationId": "openapi",
        "tags": ["documentation"],
        "summary": "This document",
        "responses": {
            "200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}
        },
    }


def _docs() -> Json:
    return {
        "operationId": "docs",
        "tags": ["documentation"],
        "summary": "This document, for people",
        "responses": {"200": {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
    }


def _body(schema: type[Schema], named: Mapping[str, Json]) -> Json:
    return {"required": True, "content": {"application/json": _media(schema, named)}}


def _answer(description: str, schema: type[AnswerSchema], named: Mapping[str, Json]) -> Json:
    return {"description": description, "content": {"application/json": _media(schema, named)}}


def _media(schema: type[Schema | AnswerSchema], named: Mapping[str, Json]) -> Json:
    return {
        "schema": {"$ref": f"{REFERENCES}{schema.__name__}"},
        "examples": {name: {"value": value} for name, value in named.items()},
    }


def _problems(rules: ApiRules, *more: int) -> Json:
    """The problems of an operation with a body: those that all have, those of credentials where any are asked, more."""
    statuses = {400, 408, 413, 415, 500, 503, *more} | ({401} if rules.access.has_tokens else set())
    return {
        str(status): {
            "description": _PROBLEMS[status],
            "content": {"application/problem+json": {"schema": {"$ref": f"{REFERENCES}{ProblemAnswer.__name__}"}}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status in sorted(statuses)
    }


def _security(rules: ApiRules) -> list[Json]:
    """The ways to be let in; an empty list where everybody is."""
    access = rules.access
    ways: list[Json] = []
    if access.has_tokens:
        ways.append({"token": []})
    if access.client_certificates is ClientCertificates.REQUIRED and not access.callers:
        ways.append({"clientCertificate": []})
    return ways


def _security_schemes(rules: ApiRules) -> Json:
    schemes: Json = {
        "token": {"type": "http", "scheme": "bearer", "description": "A caller's or an administrator's token."},
        "clientCertificate": {"type": "mutualTLS", "description": "A certificate that the operator's CA issued."},
    }
    return {name: schemes[name] for way in _security(rules) for name in way}


def _schemas(rules: ApiRules) -> Json:
    schemas = deepcopy(_models())
    # What depends on the operator, or is checked item by item, is not in the models.
    schemas["ValidateRequest"]["properties"]["intermediates"]["maxItems"] = rules.max_intermediates
    schemas["BatchRequest"]["properties"]["items"] |= {
        "maxItems": rules.max_items,
        "items": {"$ref": f"{REFERENCES}ValidateRequest"},
    }
    return schemas


@cache
def _models() -> Json:
    requests: list[tuple[type[Schema | AnswerSchema], JsonSchemaMode]] = [
        (ValidateRequest, "validation"),
        (BatchRequest, "validation"),
    ]
    answers: list[tuple[type[Schema | AnswerSchema], JsonSchemaMode]] = [
        (model, "serialization") for model in (Answer, BatchAnswer, Health, ProblemAnswer, ReadinessAnswer)
    ]
    _, described = models_json_schema([*requests, *answers], ref_template=f"{REFERENCES}{{model}}")
    return dict(sorted(described["$defs"].items()))
