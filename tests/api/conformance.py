"""Answers held against the document that the service gives of itself."""

from typing import Any, TypeAlias

import httpx
import jsonschema_rs

Json: TypeAlias = dict[str, Any]


AUTHORIZE = "/v1/authorize/"


def check_documented(document: Json, response: httpx.Response) -> None:
    """An answer has a status, a type and a body that the OpenAPI document knows.

    Raises:
        AssertionError: it has not.
    """
    path = response.request.url.path
    # Whatever the method, and whatever a client's path is behind that of its proxy.
    proxy = path.startswith(AUTHORIZE)
    method = "get" if proxy else response.request.method.lower()
    operation = document["paths"][f"{AUTHORIZE}{{front}}"]["get"] if proxy else _path(document, path).get(method)
    if operation is None:
        # Not an operation at all: only a problem can come of it.
        assert response.status_code in {404, 405}
        check_schema(document, "ProblemAnswer", response.json())
        return
    content = operation["responses"][str(response.status_code)].get("content")
    if content is None:
        assert (b"", False) == (response.content, "content-type" in response.headers)
        return
    media_type = response.headers["content-type"].partition(";")[0]
    assert media_type in content
    reference = content[media_type]["schema"].get("$ref")
    if reference is not None:
        check_schema(document, reference.rpartition("/")[2], response.json())


def _path(document: Json, path: str) -> Json:
    """The operations of a path, whose last part may be a variable."""
    found: Json = document["paths"].get(path, {})
    if found:
        return found
    parent = path.rpartition("/")[0]
    return next((one for name, one in document["paths"].items() if name.startswith(f"{parent}/{{")), {})


def check_schema(document: Json, name: str, value: object) -> None:
    """A value is what the document's schema of this name says.

    Raises:
        AssertionError: it is not.
    """
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    assert [] == [f"{'/'.join(map(str, one.instance_path))}: {one.message}" for one in validator.iter_errors(value)]
