"""The body of an answer, read under limits.

What it does: gives a body in decoded pieces, and stops at the first byte too many before or after decoding, at the
deadline, and at a body cut into so many pieces that they cost more than their bytes.

What it does not do: catch what goes wrong in the code that takes the pieces: only our own waiting for the origin is
under the deadline and is translated.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import httpx

from service.adapters.http.encoding import decoder
from service.adapters.http.errors import as_origin_errors
from service.application.origin import OriginError
from service.core.model.attempt import Problem

MIN_MEAN_PIECE = 64
"""Bytes that the pieces of a long body have on average. Each costs some 10 microseconds whatever its size, which one
byte a chunk (RFC 9112 §7.1) turns into hours; real servers send a thousand bytes and more in each."""

FREE_PIECES = 1024
"""Pieces of any size: what comes in fewer is cheap, and a slow line may well bring a byte at a time."""


def check_declared_length(response: httpx.Response, max_bytes: int) -> None:
    """Refuse at once what says that it is too large.

    Raises:
        OriginError: TOO_LARGE.
    """
    # h11 has refused what is not a number, and two that differ.
    declared = response.headers.get("content-length")
    if declared is not None and int(declared) > max_bytes:
        raise too_large(f"the body is said to have {declared} bytes", max_bytes)


def declared_length(response: httpx.Response) -> int | None:
    """How many octets the decoded body has, where that is said before it comes (RFC 9110 §8.6).

    Of a coded body it says how many are sent, and of one in chunks it says nothing (RFC 9112 §6.3).
    """
    headers = response.headers
    if headers.get("content-encoding", "").strip().lower() not in {"", "identity"} or "transfer-encoding" in headers:
        return None
    declared = headers.get("content-length")
    return None if declared is None else int(declared)


async def read_body(response: httpx.Response, authority: str, max_bytes: int, deadline: float) -> AsyncGenerator[bytes]:
    """Give the decoded body in pieces.

    Args:
        response: An open answer whose body nobody has begun to read.
        authority: Host and port that were asked, for the detail.
        max_bytes: Limit before and after decoding.
        deadline: Event loop time after which nothing more is waited for.

    Raises:
        OriginError: MALFORMED, TIMED_OUT, TOO_LARGE, UNREACHABLE.
    """
    decode = decoder(response.headers.get("content-encoding", ""))
    received = decoded = pieces = 0
    raw = response.aiter_raw()
    while (data := await _next(raw, authority, deadline)) is not None:
        received += len(data)
        pieces += 1
        if received > max_bytes:
            raise too_large("the body goes on", max_bytes)
        if pieces > FREE_PIECES + received // MIN_MEAN_PIECE:
            raise OriginError(Problem.MALFORMED, f"{received} bytes of body came in {pieces} pieces")
        for piece in decode.feed(data):
            decoded += len(piece)
            if decoded > max_bytes:
                raise too_large("the decompressed body goes on", max_bytes)
            yield piece
    decode.finish()


async def read_nothing(response: httpx.Response, authority: str, deadline: float) -> AsyncGenerator[bytes]:
    """Come to the end of an answer that has no body, whatever its headers say (RFC 9110 §15.4.5).

    At its end the connection can be used again, and who learns that nothing was modified has no reason to look for it.

    Returns:
        No pieces.

    Raises:
        OriginError: TIMED_OUT, UNREACHABLE.
    """
    raw = response.aiter_raw()
    while await _next(raw, authority, deadline) is not None:
        pass  # h11 lets nothing through here
    return _nothing()


def too_large(what: str, max_bytes: int) -> OriginError:
    """Make the error of a body over the limit."""
    return OriginError(Problem.TOO_LARGE, f"{what}, the limit is {max_bytes} bytes")


async def _nothing() -> AsyncGenerator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece


async def _next(raw: AsyncIterator[bytes], authority: str, deadline: float) -> bytes | None:
    with as_origin_errors(authority):
        # What has been received already is given without waiting, which no time-out interrupts.
        if asyncio.get_running_loop().time() >= deadline:
            raise TimeoutError
        async with asyncio.timeout_at(deadline):
            return await anext(raw, None)
