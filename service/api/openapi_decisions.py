"""The operations about decisions that are kept, in the OpenAPI document."""

from service.api import decision_examples as examples
from service.api.decision_schemas import DecisionAnswer, DecisionsAnswer
from service.api.decisions import DECISION_ID, DEFAULT_LIMIT, MOST_LISTED
from service.api.openapi_parts import Json, answer, problems_of, security
from service.api.rules import ApiRules
from service.core.model.failure import Code
from service.core.model.verdict import Decision

ANSWERS = (DecisionAnswer, DecisionsAnswer)
"""Models of answers."""


def decision_paths(rules: ApiRules) -> Json:
    """The paths of decisions that are kept."""
    return {
        "/v1/decisions": {"get": _decisions(rules)},
        "/v1/decisions/{id}": {"get": _decision(rules)},
    }


def _decisions(rules: ApiRules) -> Json:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": DEFAULT_LIMIT}
    return {
        "operationId": "decisions",
        "tags": ["operations"],
        "summary": "What was decided",
        "description": "Of this host, the newest first, whichever worker has answered; at most a second after that.",
        "security": security(rules),
        "parameters": [
            _parameter("code", {"type": "string", "enum": list(Code)}, "Decisions with this code alone."),
            _parameter("decision", {"type": "string", "enum": list(Decision)}, "Denials alone, or allows."),
            _parameter("trust_store", {"type": "string"}, "Those of this trust store alone."),
            _parameter("limit", limit, "Decisions at most."),
            _parameter("before", {"type": "string"}, "The decision to go on behind: `next` of the answer before."),
        ],
        "responses": {
            "200": answer("A page.", DecisionsAnswer, {"one": examples.DECISIONS}),
            **problems_of(rules, {400, 500}),
        },
    }


def _decision(rules: ApiRules) -> Json:
    name = {"name": DECISION_ID, "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "decision",
        "tags": ["operations"],
        "summary": "One decision, and what it rested on",
        "security": security(rules),
        "parameters": [name],
        "responses": {
            "200": answer("The decision.", DecisionAnswer, {"revoked": examples.DECISION}),
            **problems_of(rules, {400, 404, 500}),
        },
    }


def _parameter(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
