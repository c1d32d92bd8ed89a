"""The OpenAPI document: what the routes do, written down beside them, with the schemas that they check and answer with.

It is made once, from the rules of this deployment: its limits are the operator's, and it asks for credentials exactly
where the routes do.
"""

from copy import deepcopy
from functools import cache

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from service.api import examples, openapi_authorize, openapi_decisions, openapi_operators
from service.api.answers import Answer, AnswerSchema, BatchAnswer, Health, ProblemAnswer, ReadinessAnswer
from service.api.block_schemas import BlockAnswer, BlockProblemAnswer, BlockRequest, BlocksAnswer
from service.api.blocks import BLOCK_ID
from service.api.openapi_authorize import authorize_paths
from service.api.openapi_dashboard import dashboard_paths
from service.api.openapi_operators import operator_paths
from service.api.openapi_parts import (
    BEARER,
    OWN_HEADER,
    REFERENCES,
    RETRY_AFTER,
    Json,
    answer,
    body,
    problems,
    problems_of,
    required_header,
    security,
)
from service.api.rules import ApiRules, OperationsPort
from service.api.schemas import BatchRequest, Schema, ValidateRequest

_ABOUT = """\
Verdicts on client certificates: chain, CRL and OCSP, checked ahead of the request and explained.

Every decision is a 200, allow or deny. A request that cannot be understood gets a problem (RFC 9457)."""

_BLOCK_ID: Json = {"name": BLOCK_ID, "in": "path", "required": True, "schema": {"type": "string"}}


def openapi_document(version: str, rules: ApiRules) -> Json:
    """The document of one deployment."""
    paths: Json = {
        "/v1/validate": {"post": _validate(rules)},
        "/v1/validate/batch": {"post": _validate_batch(rules)},
        "/v1/blocks": {"get": _blocks(rules), "post": _add_block(rules)},
        "/v1/blocks/{id}": {"get": _block(rules), "delete": _remove_block(rules)},
        **authorize_paths(rules),
        **operator_paths(rules),
        "/healthz": {"get": _health()},
    }
    if rules.operations is OperationsPort.MAIN:
        paths |= {"/readyz": {"get": _readiness()}, "/metrics": {"get": _metrics()}}
    paths |= {"/openapi.json": {"get": _openapi()}, "/docs": {"get": _docs()}, **dashboard_paths()}
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
        "security": security(rules),
        "requestBody": body(ValidateRequest, {"plain": examples.REQUEST}),
        "responses": {
            "200": {
                **answer("The decision.", Answer, {"allow": examples.ALLOW, "revoked": examples.REVOKED}),
                "headers": {"X-Revet-Decision-Id": required_header("`decision_id` of the body.")},
            },
            **problems(rules, 403, 404),
        },
    }


def _validate_batch(rules: ApiRules) -> Json:
    return {
        "operationId": "validateBatch",
        "tags": ["verdicts"],
        "summary": "Validate many certificates",
        "description": "Answers every item on its own and in order: what is wrong with one is a problem in its place.",
        "security": security(rules),
        "requestBody": body(BatchRequest, {"plain": {"items": [examples.REQUEST]}}),
        "responses": {
            "200": answer("The decisions.", BatchAnswer, {"allow": {"results": [examples.ALLOW]}}),
            **problems(rules),
        },
    }


def _blocks(rules: ApiRules) -> Json:
    return {
        "operationId": "blocks",
        "tags": ["blocks"],
        "summary": "What is blocked",
        "security": security(rules),
        "responses": {
            "200": answer("Every block.", BlocksAnswer, {"one": {"blocks": [examples.BLOCK]}}),
            **problems_of(rules, {500}),
        },
    }


def _add_block(rules: ApiRules) -> Json:
    described = answer("It is durable, and in force.", BlockAnswer, {"blocked": examples.BLOCK})
    location = {"Location": {"schema": {"type": "string"}, "description": "Path of the block."}}
    named = {"issuer and serial number": examples.BLOCK_REQUEST, "fingerprint": examples.BLOCK_REQUEST_FINGERPRINT}
    return {
        "operationId": "addBlock",
        "tags": ["blocks"],
        "summary": "Deny certificates at once",
        "description": "In every mode, and before any evidence is asked for. An administrator's token is needed where "
        "tokens are configured. Answers that callers hold already are not reached before their `valid_until`.",
        "security": security(rules),
        "requestBody": body(BlockRequest, named),
        "responses": {"201": {**described, "headers": location}, **problems(rules, 403, 409), **_local()},
    }


def _block(rules: ApiRules) -> Json:
    return {
        "operationId": "block",
        "tags": ["blocks"],
        "summary": "One block",
        "security": security(rules),
        "parameters": [_BLOCK_ID],
        "responses": {
            "200": answer("The block.", BlockAnswer, {"blocked": examples.BLOCK}),
            **problems_of(rules, {404, 500}),
        },
    }


def _remove_block(rules: ApiRules) -> Json:
    return {
        "operationId": "removeBlock",
        "tags": ["blocks"],
        "summary": "Remove a block",
        "description": "An administrator's token is needed where tokens are configured.",
        "security": security(rules),
        "parameters": [_BLOCK_ID],
        "responses": {"204": {"description": "It is gone."}, **problems_of(rules, {403, 404, 500}), **_local()},
    }


def _local() -> Json:
    """The 503 of a change of blocks: nothing has changed, or not everywhere."""
    return {
        "503": {
            "description": "With `local`: it is done, and in force on this host alone; the others of its fleet do not "
            "know of it, and Retry-After is absent. Otherwise nothing has changed.",
            "headers": RETRY_AFTER,
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": f"{REFERENCES}{BlockProblemAnswer.__name__}"},
                    "examples": {"local": {"value": examples.LOCAL_BLOCK}},
                }
            },
        }
    }


def _health() -> Json:
    return {
        "operationId": "health",
        "tags": ["operations"],
        "summary": "Whether the process lives",
        "responses": {"200": answer("It does.", Health, {"alive": {"status": "ok"}})},
    }


def _readiness() -> Json:
    return {
        "operationId": "readiness",
        "tags": ["operations"],
        "summary": "Whether requests should be sent here",
        "description": "503 until every check has passed once; later trouble is 200 with `degraded`.",
        "responses": {
            "200": answer("They should.", ReadinessAnswer, {"ready": examples.READY}),
            "503": answer("Not yet.", ReadinessAnswer, {"not_ready": examples.NOT_READY}),
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


def _security_schemes(rules: ApiRules) -> Json:
    schemes: Json = {
        BEARER: {"type": "http", "scheme": "bearer", "description": "A caller's or an administrator's token."},
        OWN_HEADER: {
            "type": "apiKey",
            "in": "header",
            "name": "X-Revet-Token",
            "description": "The same, of a proxy: Authorization is its client's.",
        },
        "clientCertificate": {"type": "mutualTLS", "description": "A certificate that the operator's CA issued."},
    }
    ways = [*security(rules), *security(rules, OWN_HEADER)]
    return {name: schemes[name] for way in ways for name in way}


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
        (BlockRequest, "validation"),
        *((model, "validation") for model in openapi_operators.REQUESTS),
    ]
    answers: list[tuple[type[Schema | AnswerSchema], JsonSchemaMode]] = [
        (model, "serialization")
        for model in (
            *(Answer, BatchAnswer, BlockAnswer, BlockProblemAnswer, BlocksAnswer),
            *(Health, ProblemAnswer, ReadinessAnswer),
        )
    ]
    answers += [(model, "serialization") for model in (*openapi_operators.ANSWERS, *openapi_authorize.ANSWERS)]
    answers += [(model, "serialization") for model in openapi_decisions.ANSWERS]
    _, described = models_json_schema([*requests, *answers], ref_template=f"{REFERENCES}{{model}}")
    return dict(sorted(described["$defs"].items()))
