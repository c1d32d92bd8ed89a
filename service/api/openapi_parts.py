"""What the operations of the OpenAPI document have in common: bodies, answers, problems, credentials."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from service.api.answers import AnswerSchema, ProblemAnswer
from service.api.authentication import ClientCertificates
from service.api.rules import ApiRules
from service.api.schemas import Schema

Json: TypeAlias = dict[str, Any]

BEARER = "token"
OWN_HEADER = "proxyToken"
"""The schemes of tokens: in `Authorization`, and in the header of proxies."""

REFERENCES = "#/components/schemas/"

_PROBLEMS: Mapping[int, str] = {
    400: "The request cannot be understood: no JSON, a field that is wrong or unknown, or no text of a certificate.",
    401: "No token, or one that is not known.",
    403: "The request carries options and may not, or an administrator's token is needed, or a browser sends it for a "
    "page of another site.",
    404: "There is no such trust store, block, source, CRL, upload or kept decision.",
    408: "The body did not arrive in time.",
    409: "There is no room for another block, or another upload; or somebody else changes the same upload.",
    413: "The body is too large, or the batch has too many items.",
    415: "The body is of another type than is taken here.",
    421: "Host has a name that is not the service's, where neither tokens nor a client CA are configured.",
    422: "The CRL is refused; nothing has changed.",
    429: "The caller has asked too often; Retry-After says when to come again.",
    500: "Something is wrong here; it is not the request.",
    503: "Too many requests at once, of all callers or of this one, or the blocks, the store or the prefetcher cannot "
    "be used now, or what is kept of decisions cannot be read; Retry-After says when to come again.",
}

RETRY_AFTER: Json = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}

_HEADERS: Mapping[int, Json] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "RFC 6750 §3."}},
    429: RETRY_AFTER,
    503: RETRY_AFTER,
}


def body(schema: type[Schema], named: Mapping[str, Json]) -> Json:
    """A body that is needed."""
    return {"required": True, "content": {"application/json": _media(schema, named)}}


def answer(description: str, schema: type[AnswerSchema], named: Mapping[str, Json]) -> Json:
    """An answer in JSON."""
    return {"description": description, "content": {"application/json": _media(schema, named)}}


def _media(schema: type[Schema | AnswerSchema], named: Mapping[str, Json]) -> Json:
    return {
        "schema": {"$ref": f"{REFERENCES}{schema.__name__}"},
        "examples": {name: {"value": value} for name, value in named.items()},
    }


def required_header(description: str) -> Json:
    """A header that every such answer has."""
    return {"required": True, "description": description, "schema": {"type": "string"}}


def problems(rules: ApiRules, *more: int) -> Json:
    """The problems of an operation with a body: those that all have, those of credentials where any are asked, more."""
    return problems_of(rules, {400, 408, 413, 415, 500, *more})


def problems_of(rules: ApiRules, expected: set[int]) -> Json:
    """These problems, those of callers who have asked enough, and those of credentials where any are asked for."""
    statuses = expected | {429, 503} | ({401} if rules.access.has_tokens else set())
    statuses |= {421} if rules.access.lets_in_anybody else set()
    return {
        str(status): {
            "description": _PROBLEMS[status],
            "content": {"application/problem+json": {"schema": {"$ref": f"{REFERENCES}{ProblemAnswer.__name__}"}}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status in sorted(statuses)
    }


def security(rules: ApiRules, token: str = BEARER) -> list[Json]:
    """The ways to be let in; an empty list where everybody is.

    Args:
        rules: Say which there are.
        token: The scheme of tokens.
    """
    access = rules.access
    ways: list[Json] = []
    if access.has_tokens:
        ways.append({token: []})
    if access.client_certificates is ClientCertificates.REQUIRED and not access.callers:
        ways.append({"clientCertificate": []})
    return ways
