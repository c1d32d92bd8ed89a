"""The dashboard in the OpenAPI document: files for a browser."""

from service.api.dashboard.pages import NAME
from service.api.openapi_parts import REFERENCES, Json

_SAME: Json = {"description": "The caller has it already, by its ETag."}


def dashboard_paths() -> Json:
    """Its paths."""
    return {"/dashboard": {"get": _page()}, "/dashboard/{name}": {"get": _file()}}


def _page() -> Json:
    text = {"schema": {"type": "string"}}
    return {
        "operationId": "dashboard",
        "tags": ["dashboard"],
        "summary": "How the service does, for people",
        "description": "The page has no data and needs no token: it asks for one, and then asks what it shows.",
        "responses": {"200": {"description": "A page.", "content": {"text/html": text}}, "304": _SAME},
    }


def _file() -> Json:
    text, problem = {"schema": {"type": "string"}}, {"application/problem+json": {"schema": _problem()}}
    content = {"text/css": text, "text/javascript": text, "image/svg+xml": text}
    return {
        "operationId": "dashboardFile",
        "tags": ["dashboard"],
        "summary": "What the dashboard consists of",
        "parameters": [{"name": NAME, "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {
            "200": {"description": "A file.", "content": content},
            "304": _SAME,
            "404": {"description": "There is none of this name.", "content": problem},
        },
    }


def _problem() -> Json:
    return {"$ref": f"{REFERENCES}ProblemAnswer"}
