"""Reading a request's body: JSON only, bounded in bytes and time, and no more of it than is needed to refuse it."""

import asyncio

from starlette.types import Receive, Scope

from service.api.json_text import read_json
from service.api.problems import ProblemError, body_too_large, too_slow, unsupported_media_type
from service.api.reply import JSON, Headers, values_of

GRACE_S = 5.0
"""Seconds for any body. A request in flight takes one of a few hundred places, so nobody may sit on one."""

SLOWEST_BYTES_PER_S = 125_000
"""1 Mbit/s: a body of the largest size may take as long as it takes at this speed, and the grace."""

MAX_LENGTH_DIGITS = 18
"""Digits of a Content-Length that are still read as a number; more is over any limit."""


class CallerGoneError(Exception):
    """The connection ended before the request did; there is nobody to answer."""


async def receive_json(scope: Scope, receive: Receive, max_bytes: int) -> object:
    """The JSON value of a request's body.

    Args:
        scope: ASGI's description of the request.
        receive: Gives the body's pieces.
        max_bytes: Its largest size.

    Raises:
        ProblemError: it is of another type (415), too large (413), too slow (408), or no JSON (400).
        CallerGoneError: the connection ended.
    """
    headers: Headers = scope["headers"]
    _require_json(headers)
    _require_length(headers, max_bytes)
    limit_s = GRACE_S + max_bytes / SLOWEST_BYTES_PER_S
    try:
        async with asyncio.timeout(limit_s):
            body = await _read(receive, max_bytes)
    except TimeoutError:
        raise ProblemError(too_slow(limit_s)) from None
    return read_json(body)


def _require_json(headers: Headers) -> None:
    """Refuse a body that says it is something else; one that says nothing is taken for JSON."""
    for value in values_of(headers, b"content-type"):
        media_type = value.partition(b";")[0].strip().lower()
        if media_type != JSON and not (media_type.startswith(b"application/") and media_type.endswith(b"+json")):
            raise ProblemError(unsupported_media_type("Content-Type: application/json is needed."))
    for value in values_of(headers, b"content-encoding"):
        if value.strip().lower() != b"identity":
            raise ProblemError(unsupported_media_type("Content-Encoding: a body is taken as it is only."))


def _require_length(headers: Headers, max_bytes: int) -> None:
    for value in values_of(headers, b"content-length"):
        if len(value) > MAX_LENGTH_DIGITS or (value.isdigit() and int(value) > max_bytes):
            raise ProblemError(body_too_large(max_bytes))


async def _read(receive: Receive, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > max_bytes:
            raise ProblemError(body_too_large(max_bytes))
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)
