"""Requests one ASGI message at a time, for what no well-behaved client does."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.types import ASGIApp, Message

from service.api.reply import Header

Receive: TypeAlias = Callable[[], Awaitable[Message]]


@dataclass(slots=True)
class Exchange:
    """What was sent in answer.

    Attributes:
        status: None where there was no answer.
    """

    status: int | None = None
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


def scope_of(path: str, headers: Iterable[Header] = (), method: str = "POST") -> dict[str, Any]:
    """A request as ASGI describes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def sending(*headers: Header) -> dict[str, Any]:
    """A request with these headers."""
    return scope_of("/v1/validate", headers)


async def exchange(app: ASGIApp, scope: dict[str, Any], receive: Receive) -> Exchange:
    """Have an application answer one request."""
    found = Exchange()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.status = message["status"]
            found.headers = dict(message["headers"])
        else:
            found.body += message["body"]

    await app(scope, receive, send)
    return found


def receiving(messages: AsyncIterator[Message]) -> Receive:
    """The messages, one at a time."""

    async def receive() -> Message:
        return await anext(messages)

    return receive


async def nothing() -> Message:
    """A body that is empty."""
    return piece(b"", is_last=True)


def piece(body: bytes, *, is_last: bool) -> Message:
    """A piece of a body."""
    return {"type": "http.request", "body": body, "more_body": not is_last}
