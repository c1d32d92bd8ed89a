"""An answer that goes on: its head is sent at once, and pieces of its body as they come.

Rules it keeps: a caller who takes nothing holds up nobody, and nothing is kept for him but the piece that is being
sent; the connection ends with the answer, so that nobody waits for another request on it when a service ends.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Send

from service.api.endpoint import Endpoint
from service.api.reply import Header, Reply, send_reply

STUCK_S: Final = 10.0
"""Seconds in which a caller has to take a piece: whoever is slower asks again, and misses nothing but what is old."""

_CLOSING: Final[Header] = (b"connection", b"close")
_NONE: Final[tuple[bytes, ...]] = ()


async def _no_pieces() -> AsyncGenerator[bytes, None]:
    """None."""
    for piece in _NONE:
        yield piece


def _nothing() -> None:
    """Nothing is to be given back."""


@dataclass(frozen=True, slots=True)
class StreamedReply(Reply):
    """An answer whose body is not complete when it begins; `body` is not used.

    Attributes:
        pieces: Of its body. Not begun for HEAD.
        release: Is called once, when the answer has ended, however it has.
    """

    pieces: AsyncGenerator[bytes, None] = field(default_factory=_no_pieces)
    release: Callable[[], object] = _nothing


async def send_streamed(reply: Reply, method: str, send: Send) -> None:
    """Send an answer that may go on."""
    if not isinstance(reply, StreamedReply):
        await send_reply(reply, method, send)
        return
    try:
        async with aclosing(reply.pieces):
            await _send_pieces(reply, method, send)
    finally:
        reply.release()


async def _send_pieces(reply: StreamedReply, method: str, send: Send) -> None:
    headers = [(b"content-type", reply.media_type), *reply.common, *reply.headers, _CLOSING]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if method != "HEAD":
        async for piece in reply.pieces:
            try:
                async with asyncio.timeout(STUCK_S):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:
                return  # the server cuts off what is not complete
    await send({"type": "http.response.body", "body": b""})


class StreamingEndpoint(Endpoint):
    """One path whose answers may go on."""

    _send = staticmethod(send_streamed)
