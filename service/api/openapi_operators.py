"""The operations of operators in the OpenAPI document: what is held, how the service does, what is done now."""

from service.api import operator_examples as examples
from service.api.crls import DEFAULT_LIMIT, MOST_LISTED
from service.api.openapi_parts import Json, answer, body, problems, problems_of, security
from service.api.operator_schemas import (
    CrlsAnswer,
    PurgeAnswer,
    PurgeRequest,
    RefreshAnswer,
    RefreshRequest,
    ResetAnswer,
    ResetRequest,
    UploadAnswer,
    UploadsAnswer,
)
from service.api.refresh import WAIT
from service.api.rules import ApiRules
from service.api.stats_schemas import StatsAnswer
from service.api.uploads import TYPES, UPLOAD_NAME
from service.application.operating.crl_listing import CrlStatus
from service.application.operating.refreshing import LONGEST_WAIT_S
from service.application.operating.uploads import NAME

REQUESTS = (PurgeRequest, RefreshRequest, ResetRequest)
"""Models of bodies."""

ANSWERS = (CrlsAnswer, PurgeAnswer, RefreshAnswer, ResetAnswer, StatsAnswer, UploadAnswer, UploadsAnswer)
"""Models of answers."""

_ADMIN = "An administrator's token is needed where tokens are configured."

_UPLOAD_NAME: Json = {
    "name": UPLOAD_NAME,
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{NAME.pattern}$"},
}


def operator_paths(rules: ApiRules) -> Json:
    """The paths of operators."""
    return {
        "/v1/crls": {"get": _crls(rules)},
        "/v1/crls/reset": {"post": _reset(rules)},
        "/v1/crls/uploads": {"get": _uploads(rules)},
        "/v1/crls/uploads/{name}": {"put": _upload(rules), "delete": _remove_upload(rules)},
        "/v1/refresh": {"post": _refresh(rules)},
        "/v1/cache/purge": {"post": _purge(rules)},
        "/v1/stats": {"get": _stats(rules)},
    }


def _crls(rules: ApiRules) -> Json:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": DEFAULT_LIMIT}
    return {
        "operationId": "crls",
        "tags": ["operations"],
        "summary": "What is held, and how fresh it is",
        "description": "Every CRL and every source of CRLs, joined, a page at a time.",
        "security": security(rules),
        "parameters": [
            _parameter("limit", limit, "Lines at most."),
            _parameter("after", {"type": "string"}, "The line to begin behind: `after` of the answer before."),
            _parameter("issuer", {"type": "string"}, "Part of the issuer's name, in any case of letters."),
            _parameter("status", {"type": "string", "enum": list(CrlStatus)}, "Lines of this status alone."),
        ],
        "responses": {
            "200": answer("A page.", CrlsAnswer, {"one": examples.CRLS}),
            **problems_of(rules, {400, 500}),
        },
    }


def _reset(rules: ApiRules) -> Json:
    return {
        "operationId": "resetCrls",
        "tags": ["operations"],
        "summary": "Accept lower CRL numbers of a rebuilt authority",
        "description": "Forgets how new the CRLs were that some slots have seen. What they hold stays in force until "
        f"another one comes. {_ADMIN}",
        "security": security(rules),
        "requestBody": body(ResetRequest, {"issuer": examples.RESET_REQUEST}),
        "responses": {
            "200": answer("It is done.", ResetAnswer, {"one": examples.RESET}),
            **problems(rules, 403, 404),
        },
    }


def _uploads(rules: ApiRules) -> Json:
    return {
        "operationId": "uploads",
        "tags": ["operations"],
        "summary": "What was uploaded",
        "security": security(rules),
        "responses": {
            "200": answer("Every upload.", UploadsAnswer, {"one": {"uploads": [examples.UPLOAD]}}),
            **problems_of(rules, {500}),
        },
    }


def _upload(rules: ApiRules) -> Json:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "operationId": "upload",
        "tags": ["operations"],
        "summary": "Upload a CRL",
        "description": "DER or PEM. What has the name already is replaced; what is refused changes nothing. "
        f"{rules.max_crl_bytes} bytes at most. {_ADMIN}",
        "security": security(rules),
        "parameters": [_UPLOAD_NAME],
        "requestBody": {"required": True, "content": {one.decode(): binary for one in sorted(TYPES)}},
        "responses": {
            "200": answer("It was read: held, or waiting for its issuer.", UploadAnswer, {"held": examples.UPLOAD}),
            "202": answer("It is on the disk, and was not read yet.", UploadAnswer, {}),
            **problems(rules, 403, 409, 422),
        },
    }


def _remove_upload(rules: ApiRules) -> Json:
    return {
        "operationId": "removeUpload",
        "tags": ["operations"],
        "summary": "Remove an upload",
        "description": f"What it gave stays held. {_ADMIN}",
        "security": security(rules),
        "parameters": [_UPLOAD_NAME],
        "responses": {"204": {"description": "It is gone."}, **problems_of(rules, {400, 403, 404, 409, 500})},
    }


def _refresh(rules: ApiRules) -> Json:
    named = {"all": {}, "one": examples.REFRESH_REQUEST}
    return {
        "operationId": "refresh",
        "tags": ["operations"],
        "summary": "Fetch CRLs now",
        "description": f"All sources, or those that are named. {_ADMIN}",
        "security": security(rules),
        "parameters": [
            _parameter(
                WAIT,
                {"type": "boolean", "default": False},
                f"Answer when it is done, or after {LONGEST_WAIT_S:g} seconds with what is not.",
            )
        ],
        "requestBody": {**body(RefreshRequest, named), "required": False},
        "responses": {
            "200": answer("It is done.", RefreshAnswer, {"done": examples.REFRESHED}),
            "202": answer(
                "It was started; or what was waited for takes longer, and `running` names it.",
                RefreshAnswer,
                {"started": examples.REFRESH_STARTED},
            ),
            **problems(rules, 403, 404),
        },
    }


def _purge(rules: ApiRules) -> Json:
    return {
        "operationId": "purge",
        "tags": ["operations"],
        "summary": "Empty caches",
        "description": "In every worker: each request that begins after the answer is decided without them. CRLs, "
        f"watermarks, blocks and the OCSP answers of the host stay, those that say revoked above all. {_ADMIN}",
        "security": security(rules),
        "requestBody": {**body(PurgeRequest, {"all": {}, "one": examples.PURGE_REQUEST}), "required": False},
        "responses": {"200": answer("It is done.", PurgeAnswer, {"one": examples.PURGED}), **problems(rules, 403)},
    }


def _stats(rules: ApiRules) -> Json:
    return {
        "operationId": "stats",
        "tags": ["operations"],
        "summary": "How the service does",
        "description": "Caches, responders and shadow are those of the worker that answers.",
        "security": security(rules),
        "responses": {
            "200": answer("Figures.", StatsAnswer, {"usual": examples.STATS}),
            **problems_of(rules, {500}),
        },
    }


def _parameter(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
