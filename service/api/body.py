"""Reading a request's body: JSON only, bounded in bytes and time, and no more of it than is needed to refuse it."""

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope

from service.api.body_room import BodyClaim, BodyRoom
from service.api.json_text import read_json
from service.api.problems import Problem, ProblemError, body_too_large, too_slow, unsupported_media_type
from service.api.reply import JSON, Headers, values_of

GRACE_S = 5.0
"""Seconds for any body."""

SLOWEST_BYTES_PER_S = 125_000
"""1 Mbit/s: what has come of a body gives it so much more time. Who announces much and sends nothing has the grace."""

PIECE_BYTES = 2**20
"""A body that is not kept in memory is passed on in pieces of this size: each costs a change of threads."""

MAX_LENGTH_DIGITS = 18
"""Digits of a Content-Length that are still read as a number; more is over any limit."""


class CallerGoneError(Exception):
    """The connection ended before the request did; there is nobody to answer."""


async def receive_json(scope: Scope, receive: Receive, max_bytes: int) -> object:
    """The JSON value of a request's body; arguments and errors as those of `receive_body`, and 400 for no JSON."""
    return read_json(await receive_body(scope, receive, max_bytes))


async def receive_body(scope: Scope, receive: Receive, max_bytes: int, room: BodyRoom | None = None) -> bytes:
    """The octets of a request's body, which claims to be JSON.

    Args:
        scope: ASGI's description of the request.
        receive: Gives the body's pieces.
        max_bytes: Its largest size.
        room: For what has come of bodies; None for those of administrators, who are not kept out by others.

    Raises:
        ProblemError: it is of another type (415), too large (413) or too slow (408), or there is no room for it (503).
        CallerGoneError: the connection ended.
    """
    headers: Headers = scope["headers"]
    _require_json(headers)
    _require_length(headers, max_bytes)
    claim = None if room is None else room.claim(scope)
    try:
        async with asyncio.timeout(GRACE_S) as time:
            return await _read(receive, max_bytes, time, claim)
    except TimeoutError:
        raise ProblemError(body_too_slow()) from None
    finally:
        if claim is not None:
            claim.end()


async def receive_octets(
    scope: Scope, receive: Receive, max_bytes: int, types: frozenset[bytes]
) -> AsyncIterator[bytes]:
    """A request's body in pieces, as it arrives.

    Args:
        scope: ASGI's description of the request.
        receive: Gives the body's pieces.
        max_bytes: Its largest size.
        types: What it may say that it is; one that says nothing is taken as it is.

    Raises:
        ProblemError: it is of another type (415), too large (413) or too slow (408).
        CallerGoneError: the connection ended.
    """
    headers: Headers = scope["headers"]
    _require_type(headers, types)
    _require_length(headers, max_bytes)
    give_up_at = asyncio.get_running_loop().time() + GRACE_S
    size, is_more, pieces = 0, True, bytearray()
    while is_more:
        try:
            async with asyncio.timeout_at(give_up_at):
                message = await receive()
        except TimeoutError:
            raise ProblemError(body_too_slow()) from None
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        piece: bytes = message.get("body", b"")
        pieces += piece
        give_up_at += len(piece) / SLOWEST_BYTES_PER_S
        is_more = message.get("more_body", False)
        if size + len(pieces) > max_bytes:
            raise ProblemError(body_too_large(max_bytes))
        if len(pieces) >= PIECE_BYTES or not is_more:
            size += len(pieces)
            yield bytes(pieces)
            pieces.clear()


def _require_type(headers: Headers, types: frozenset[bytes]) -> None:
    for value in values_of(headers, b"content-type"):
        if value.partition(b";")[0].strip().lower() not in types:
            needed = ", ".join(sorted(one.decode() for one in types))
            raise ProblemError(unsupported_media_type(f"Content-Type: one of {needed} is needed."))
    _refuse_encoding(headers)


def _require_json(headers: Headers) -> None:
    """Refuse a body that says it is something else; one that says nothing is taken for JSON."""
    for value in values_of(headers, b"content-type"):
        media_type = value.partition(b";")[0].strip().lower()
        if media_type != JSON and not (media_type.startswith(b"application/") and media_type.endswith(b"+json")):
            raise ProblemError(unsupported_media_type("Content-Type: application/json is needed."))
    _refuse_encoding(headers)


def _refuse_encoding(headers: Headers) -> None:
    for value in values_of(headers, b"content-encoding"):
        if value.strip().lower() != b"identity":
            raise ProblemError(unsupported_media_type("Content-Encoding: a body is taken as it is only."))


def _require_length(headers: Headers, max_bytes: int) -> None:
    for value in values_of(headers, b"content-length"):
        if len(value) > MAX_LENGTH_DIGITS or (value.isdigit() and int(value) > max_bytes):
            raise ProblemError(body_too_large(max_bytes))


def body_too_slow() -> Problem:
    """A body that did not come as fast as it has to."""
    grace, speed = f"{GRACE_S:.0f} seconds", f"{SLOWEST_BYTES_PER_S:,} bytes"
    return too_slow(f"A body has {grace} to arrive, and one more for each {speed} that have.")


async def _read(receive: Receive, max_bytes: int, time: asyncio.Timeout, claim: BodyClaim | None) -> bytes:
    begun_at = asyncio.get_running_loop().time()
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
        if claim is not None:
            claim.grow(size)
        time.reschedule(begun_at + GRACE_S + size / SLOWEST_BYTES_PER_S)
