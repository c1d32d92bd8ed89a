"""One answer over HTTP, and how it is sent.

Rules: every answer is complete before its first byte is sent, but for one that goes on (`streaming`), and none may be
stored, but for the files of the dashboard: a verdict is reused by those who read `valid_until`, not by caches on the
way. No answer is anything in a browser but what it says that it is: nothing in it is run or loaded, no page shows it in
a frame, and no page of another origin can have it. No answer lets another origin in (CORS), and none speaks for the
whole host (HSTS), where others may serve plain HTTP at other ports.
"""

from dataclasses import dataclass
from typing import TypeAlias

from pydantic_core import to_json
from starlette.types import Send

Header: TypeAlias = tuple[bytes, bytes]
Headers: TypeAlias = list[Header]

BLANKS = b" \t"
"""What may stand around the value of a header, and is no part of it (RFC 9110 §5.5)."""

DECISION_ID = b"x-revet-decision-id"
"""The header of an answer with a decision that names it, as the log does, its trace and what is kept of it."""

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
PROBLEM_JSON = b"application/problem+json"

COMMON_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Of every answer."""

DATA_POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""Of every answer that is no page: shown in a browser, it does nothing."""

DATA_HEADERS: tuple[Header, ...] = (*COMMON_HEADERS, DATA_POLICY)
"""Of every answer that is no page."""

_WITHOUT_CONTENT = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer.

    Attributes:
        media_type: Its Content-Type.
        headers: More headers than those that every answer has.
        common: Those; a page has a policy of its own among them.
    """

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[Header, ...] = ()
    common: tuple[Header, ...] = DATA_HEADERS


def json_reply(status: int, document: object) -> Reply:
    """A JSON answer."""
    return Reply(status, to_json(document))


def values_of(headers: Headers, name: bytes) -> list[bytes]:
    """Every value of a header; ASGI gives names in lower case."""
    return [value for key, value in headers if key == name]


async def send_reply(reply: Reply, method: str, send: Send) -> None:
    """Send an answer; one to HEAD without its body (RFC 9110 §9.3.2)."""
    await send_head(reply, send)
    await send({"type": "http.response.body", "body": sent_body(reply, method)})


async def send_head(reply: Reply, send: Send) -> None:
    """Send status and headers."""
    await send({"type": "http.response.start", "status": reply.status, "headers": headers_of(reply)})


def headers_of(reply: Reply) -> Headers:
    """All headers of an answer."""
    return [
        *_content_headers(reply),
        *reply.common,
        *reply.headers,
    ]


def sent_body(reply: Reply, method: str) -> bytes:
    """The body that is sent: none to HEAD."""
    return b"" if method == "HEAD" else reply.body


def _content_headers(reply: Reply) -> tuple[Header, ...]:
    """What says of the content what it is; without content there is nothing to say (RFC 9110 §8.6)."""
    if reply.status in _WITHOUT_CONTENT:
        return ()
    return (b"content-type", reply.media_type), (b"content-length", b"%d" % len(reply.body))
