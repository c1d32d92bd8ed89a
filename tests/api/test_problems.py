"""Problems: their shape, and those that are about the path and the method."""

import re
from typing import Any

import pytest

from service.api.app import create_app, create_management_app
from service.application.validate import ValidationAnswer, ValidationRequest, Validator
from tests.api.asgi import exchange, nothing, scope_of
from tests.api.world import LEAF, Caller, World, calling

pytestmark = pytest.mark.anyio


async def test_a_problem_has_the_members_of_rfc_9457() -> None:
    """Type, title, status and detail; the type is a URI and the status is that of the answer."""
    answer = await calling(World()).validate({"certificate": "?"})
    assert "application/problem+json" == answer.headers["content-type"]
    problem = answer.json()
    assert {"type", "title", "status", "detail"} == set(problem)
    assert (400, True) == (problem["status"], re.fullmatch(r"urn:revet:problem:[a-z-]+", problem["type"]) is not None)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/validate/",
        "/v1/validate/batch/",
        "/v1/Validate",
        "/docs/",
        "/redoc",
        "/favicon.ico",
        "//",
        "/%00",
    ],
)
async def test_an_unknown_path_is_a_404(path: str) -> None:
    """For every method, as a problem, and without being sent elsewhere."""
    for method in ("GET", "POST", "DELETE"):
        answer = await calling(World()).send(method, path)
        assert (404, "urn:revet:problem:not-found") == (answer.status_code, answer.json()["type"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/validate", "POST"),
        ("HEAD", "/v1/validate", "POST"),
        ("PUT", "/v1/validate", "POST"),
        ("OPTIONS", "/v1/validate", "POST"),
        ("DELETE", "/v1/validate/batch", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
        ("BREW", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_another_method_is_a_405_that_names_the_right_one(method: str, path: str, allowed: str) -> None:
    """RFC 9110 §15.5.6 asks for `Allow`."""
    answer = await calling(World()).send(method, path)
    assert (405, allowed) == (answer.status_code, answer.headers["allow"])


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_head_is_get_without_a_body(path: str) -> None:
    """The length is that of the body which GET has."""
    app = World().app()
    got, headed = [await exchange(app, scope_of(path, method=method), nothing) for method in ("GET", "HEAD")]
    assert (200, b"", got.headers) == (headed.status, headed.body, headed.headers)
    assert len(got.body) == int(headed.headers[b"content-length"]) > 0


class _Broken(Validator):
    """Breaks."""

    def __init__(self) -> None:
        pass

    async def validate(self, request: ValidationRequest) -> ValidationAnswer:
        """Break.

        Raises:
            ZeroDivisionError: always.
        """
        raise ZeroDivisionError(f"a secret of {request.trust_store}")


async def test_our_own_fault_is_a_500_that_says_nothing() -> None:
    """What it was is told to the hook, with the operation's path, and to nobody else."""
    world = World()
    services = world.services()
    app = create_app(type(services)(_Broken(), services.policy, services.operations, services.blocks), world.rules)
    answer = await Caller(app).validate({"certificate": LEAF.pem})
    assert (500, "urn:revet:problem:internal") == (answer.status_code, answer.json()["type"])
    assert "secret" not in answer.text
    assert [("/v1/validate", "a secret of default")] == [(what, str(error)) for what, error in world.faults]


async def test_a_web_socket_is_closed() -> None:
    """There are none here."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has it
        sent.append(message["type"])

    scope = {**scope_of("/v1/validate"), "type": "websocket", "subprotocols": []}
    for app in (World().app(), create_management_app(World().operations())):
        await app(scope, receive, send)
    assert ["websocket.close", "websocket.close"] == sent
