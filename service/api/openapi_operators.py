"""The operations of operators in the OpenAPI document: what is held, how the service does, what is done now."""

from service.api import operator_examples as examples
from service.api.crls import DEFAULT_LIMIT, MOST_LISTED
from service.api.openapi_decisions import decision_paths
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
from service.api.query import MOST_SKIPPED
from service.api.refresh import WAIT
from service.api.rules import ApiRules
from service.api.stats_schemas import StatsAnswer
from service.api.trust_store_schemas import TrustStoresAnswer
from service.api.trust_stores import DEFAULT_CERTIFICATES, DEFAULT_STORES, MOST_STORES
from service.api.uploads import TYPES, UPLOAD_NAME
from service.application.operating.crl_listing import CrlOrder, CrlStatus
from service.application.operating.refreshing import LONGEST_WAIT_S
from service.application.operating.trust_store_listing import MOST_CERTIFICATES
from service.application.operating.uploads import NAME

REQUESTS = (PurgeRequest, RefreshRequest, ResetRequest)
"""Models of bodies."""

ANSWERS = (
    CrlsAnswer,
    PurgeAnswer,
    RefreshAnswer,
    ResetAnswer,
    StatsAnswer,
    TrustStoresAnswer,
    UploadAnswer,
    UploadsAnswer,
)
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
        **decision_paths(rules),
        "/v1/refresh": {"post": _refresh(rules)},
        "/v1/cache/purge": {"post": _purge(rules)},
        "/v1/stats": {"get": _stats(rules)},
        "/v1/trust-stores": {"get": _trust_stores(rules)},
        "/v1/events": {"get": _events(rules)},
    }


def _crls(rules: ApiRules) -> Json:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": DEFAULT_LIMIT}
    skip = {"type": "integer", "minimum": 0, "maximum": MOST_SKIPPED}
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
            _parameter("search", {"type": "string"}, "Part of issuer, scope, source, place, slot or problem."),
            _parameter("order", {"type": "string", "enum": list(CrlOrder), "default": "id"}, "Which come first."),
            _parameter("skip", skip, "Lines to leave out before the first."),
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
        "description": "Of the whole replica, whichever worker answers.",
        "security": security(rules),
        "responses": {
            "200": answer("Figures.", StatsAnswer, {"usual": examples.STATS}),
            **problems_of(rules, {500}),
        },
    }


def _events(rules: ApiRules) -> Json:
    text = {"type": "string"}
    event = {
        "type": "object",
        "description": "One of them.",
        "properties": {
            "event": {**text, "enum": ["changed", "stats"], "description": "Which."},
            "id": {**text, "description": "Of `stats`: the moment."},
            "data": {**text, "description": "What it says, in JSON."},
        },
    }
    return {
        "operationId": "events",
        "tags": ["operations"],
        "summary": "How the service does, as it changes",
        "description": "Server-sent events. `stats` comes every two seconds, with what `GET /v1/stats` answers. "
        "`changed` comes when one of its tokens is another: whoever shows `crls`, `blocks`, `decisions` or "
        "`trust_stores` fetches that list again then. The stream ends after a quarter of an hour, and when the worker "
        "ends; connect again.",
        "security": security(rules),
        "responses": {
            "200": {"description": "Events, until it ends.", "content": {"text/event-stream": {"schema": event}}},
            **problems_of(rules, {500}),
        },
    }


def _trust_stores(rules: ApiRules) -> Json:
    stores = {"type": "integer", "minimum": 1, "maximum": MOST_STORES, "default": DEFAULT_STORES}
    skip = {"type": "integer", "minimum": 0, "maximum": MOST_SKIPPED}
    certificates = {"type": "integer", "minimum": 1, "maximum": MOST_CERTIFICATES, "default": DEFAULT_CERTIFICATES}
    return {
        "operationId": "trustStores",
        "tags": ["operations"],
        "summary": "Whom the service trusts, and until when",
        "description": "Those with a problem first, then those of which a certificate ends soonest.",
        "security": security(rules),
        "parameters": [
            _parameter("limit", stores, "Trust stores at most."),
            _parameter("skip", skip, "Trust stores to leave out before the first."),
            _parameter("certificates", certificates, "Certificates of each at most."),
        ],
        "responses": {
            "200": answer("A page.", TrustStoresAnswer, {"one": examples.TRUST_STORES}),
            **problems_of(rules, {400, 500}),
        },
    }


def _parameter(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
