"""One answer over HTTP, and how it is sent.

Rules: every answer is complete before its first byte is sent, and none may be stored: a verdict is reused by those who
read `valid_until`, not by caches on the way.
"""

from dataclasses import dataclass
from typing import TypeAlias

from pydantic_core import to_json
from starlette.types import Send

Header: TypeAlias = tuple[bytes, bytes]
Headers: TypeAlias = list[Header]

JSON = b"application/json"
PROBLEM_JSON = b"application/problem+json"

COMMON_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer.

    Attributes:
        media_type: Its Content-Type.
        headers: More headers than those that every answer has.
    """

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[Header, ...] = ()


def json_reply(status: int, document: object) -> Reply:
    """A JSON answer."""
    return Reply(status, to_json(document))


def values_of(headers: Headers, name: bytes) -> list[bytes]:
    """Every value of a header; ASGI gives names in lower case."""
    return [value for key, value in headers if key == name]


async def send_reply(reply: Reply, method: str, send: Send) -> None:
    """Send an answer; one to HEAD without its body (RFC 9110 §9.3.2)."""
    headers = [
        *_content_headers(reply),
        *COMMON_HEADERS,
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else reply.body})


def _content_headers(reply: Reply) -> tuple[Header, ...]:
    """What says of the content what it is; without content there is nothing to say (RFC 9110 §8.6, §15.3.5)."""
    if reply.status == _NO_CONTENT:
        return ()
    return (b"content-type", reply.media_type), (b"content-length", b"%d" % len(reply.body))
