"""Which requests are traced, and what is known of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.api.traced import TracedApp, route_of
from tests.api.asgi import exchange, scope_of
from tests.api.world import LEAF, SUB, World, calling

pytestmark = pytest.mark.anyio

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Recorder:
    """Writes down what it is asked to time. Implements `service.application.tracing.RequestTracer`."""

    def __init__(self) -> None:
        """Nothing was timed."""
        self.requests: list[tuple[str, str, str | None]] = []
        self.statuses: list[int] = []

    @contextmanager
    def request(self, method: str, route: str, parent: str | None) -> Iterator[Callable[[int], None]]:
        """Write it down."""
        self.requests.append((method, route, parent))
        yield self.statuses.append


async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer everything."""
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


async def nothing() -> Message:
    """No body."""
    return {"type": "http.request", "body": b""}


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/validate", "/v1/validate"),
        ("/v1/validate/batch", "/v1/validate/batch"),
        ("/v1/authorize/nginx@partners/whatever?the=client", "/v1/authorize/{front}"),
        ("/v1/validate/", None),
        ("/v1/authorize", None),
        ("/v1/stats", None),
        ("/metrics", None),
        ("/healthz", None),
    ],
)
async def test_routes(path: str, route: str | None) -> None:
    """Questions for verdicts alone, by a path without what varies; all are answered alike."""
    recorder = Recorder()
    answer = await exchange(TracedApp(app, recorder), scope_of(path, method="GET"), nothing)
    assert (403, b"no") == (answer.status, answer.body)
    assert ([] if route is None else [("GET", route, None)]) == recorder.requests
    assert ([] if route is None else [403]) == recorder.statuses


def test_what_is_no_http() -> None:
    """Nobody asks anything there."""
    assert route_of({**scope_of("/v1/validate"), "type": "websocket"}) is None


@pytest.mark.parametrize(
    ("given", "parent"), [((PARENT,), PARENT.decode()), ((), None), ((PARENT, PARENT), None), ((b"\xff",), "\xff")]
)
async def test_the_caller_s_trace(given: tuple[bytes, ...], parent: str | None) -> None:
    """As the caller says it, where he says it once."""
    recorder = Recorder()
    scope = scope_of("/v1/validate", [(b"traceparent", one) for one in given])
    await exchange(TracedApp(app, recorder), scope, nothing)
    assert [("POST", "/v1/validate", parent)] == recorder.requests


@pytest.mark.parametrize("kept", [0, 10])
async def test_the_decision_in_the_header(kept: int) -> None:
    """It is the one of the body, whether the answer was made now or is given again."""
    caller = calling(World(kept=kept))
    request = {"certificate": LEAF.pem, "intermediates": [SUB.pem]}
    answers = [await caller.validate(request) for _ in range(2)]
    assert [answer.json()["decision_id"] for answer in answers] == [
        answer.headers["x-revet-decision-id"] for answer in answers
    ]
    assert 2 == len({answer.headers["x-revet-decision-id"] for answer in answers})
