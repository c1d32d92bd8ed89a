"""The operation of proxies in the OpenAPI document."""

from typing import Final

from service.api import examples
from service.api.authorize_answer import MAX_AGE_S
from service.api.authorize_schemas import AuthorizeAnswer, AuthorizeProblemAnswer
from service.api.openapi_parts import OWN_HEADER, REFERENCES, RETRY_AFTER, Json, answer, required_header, security
from service.api.rules import ApiRules
from service.application.trust_store_source import STORE_NAME

ANSWERS: Final = (AuthorizeAnswer, AuthorizeProblemAnswer)
"""Models of answers."""

FRONT: Final = "front"

_ABOUT: Final = """\
Any method is answered alike, and no body is read. The certificate is read from the one header of the front that the
path names, and every other header with a certificate is ignored. `@` and the name of a trust store may follow the
front; what follows the next `/` is ignored, and nothing in the path is decoded."""

_PROBLEMS: Final = {
    400: "The header is there twice, or holds something else than the front sends.",
    401: "The client has presented no certificate, or the proxy no token that is known.",
    404: "There is no such front, or no such trust store.",
    503: "Nothing can be decided now, or the proxy has asked too often; Retry-After says when to come again.",
}

_EVERY_ANSWER: Final = {
    "X-Revet-Decision": "`allow` or `deny`.",
    "X-Revet-Code": "`code` of the body.",
    "X-Revet-Decision-Id": "`decision_id` of the body.",
}

_ALLOW: Final = {
    "X-Revet-Subject": "RFC 4514, percent-encoded where it is not printable ASCII; `-` for an empty one.",
    "X-Revet-Serial": "Hex without leading zeros.",
    "X-Revet-Fingerprint": "SHA-256 of the certificate, in hex.",
    "X-Revet-Valid-Until": "Until when the answer may be reused.",
}

_SHADOW: Final = {"X-Revet-Enforced-Code": "In shadow: the code of the denial that it would have been."}

_KEEPING: Final = {"X-Accel-Expires": "Where X-Revet-Max-Age is given: for how many seconds the answer may be kept."}


def authorize_paths(rules: ApiRules) -> Json:
    """The path of proxies."""
    return {"/v1/authorize/{front}": {"get": _authorize(rules)}}


def _authorize(rules: ApiRules) -> Json:
    allow, deny = {"allow": examples.AUTHORIZED}, {"revoked": examples.NOT_AUTHORIZED}
    return {
        "operationId": "authorize",
        "tags": ["verdicts"],
        "summary": "Whether a proxy shall let a request through",
        "description": _ABOUT,
        "security": security(rules, OWN_HEADER),
        "parameters": [_front(rules), _max_age(), *_certificates(rules)],
        "responses": {
            "200": {
                **answer("It shall.", AuthorizeAnswer, allow),
                "headers": {**_headers({**_EVERY_ANSWER, **_ALLOW}), **_optional({**_SHADOW, **_KEEPING})},
            },
            "403": {
                **answer("It shall not.", AuthorizeAnswer, deny),
                "headers": {**_headers(_EVERY_ANSWER), **_optional(_KEEPING)},
            },
            **{str(status): _problem(status, description) for status, description in _PROBLEMS.items()},
        },
    }


def _problem(status: int, description: str) -> Json:
    more = {401: {"WWW-Authenticate": {"schema": {"type": "string"}}}, 503: RETRY_AFTER}.get(status, {})
    return {
        "description": description,
        "headers": {**_headers(_EVERY_ANSWER), **_optional(_KEEPING), **more},
        "content": {"application/problem+json": {"schema": {"$ref": f"{REFERENCES}{AuthorizeProblemAnswer.__name__}"}}},
    }


def _headers(described: dict[str, str]) -> Json:
    return {name: required_header(description) for name, description in described.items()}


def _optional(described: dict[str, str]) -> Json:
    return {name: {"description": description, "schema": {"type": "string"}} for name, description in described.items()}


def _front(rules: ApiRules) -> Json:
    names = "|".join(sorted(rules.fronts))
    return {
        "name": FRONT,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": f"^({names})(@{STORE_NAME.pattern})?$"},
        "examples": {"front": {"value": min(rules.fronts)}, "trust store": {"value": f"{min(rules.fronts)}@partners"}},
    }


def _max_age() -> Json:
    return {
        "name": "X-Revet-Max-Age",
        "in": "header",
        "description": "For how many seconds at most the proxy wants to keep the answer: 0 to "
        f"{MAX_AGE_S}, anything else counts as 0. Where it is given, the answer has X-Accel-Expires.",
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_AGE_S},
    }


def _certificates(rules: ApiRules) -> list[Json]:
    names = rules.header_names
    described = {
        names.alb_passthrough: "alb-passthrough: percent-encoded PEM, the leaf first.",
        names.alb_verify: "alb-verify: percent-encoded PEM of the leaf.",
        names.nginx: "nginx: percent-encoded PEM of the leaf.",
        names.envoy: "envoy: one element, with Cert or Chain.",
        names.traefik: "traefik: base64 of DER, the leaf first, separated by commas.",
        names.rfc9440: "rfc9440: the leaf, as a byte sequence (RFC 9440).",
        names.rfc9440_chain: "rfc9440: the intermediates, as a list of byte sequences.",
    }
    return [
        {"name": name.decode(), "in": "header", "description": description, "schema": {"type": "string"}}
        for name, description in described.items()
    ]
