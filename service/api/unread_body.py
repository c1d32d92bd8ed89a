"""Answers to requests whose body nobody wants: whether it comes or not, nothing of it is taken for another request.

A proxy that asks on behalf of a client may pass on the client's Content-Length without the body. What it sends next on
that connection would count as the body, as much of it as the client has chosen, and the rest as a request. So the
connection serves nobody after such a request. It is ended when the body has come, since octets that nobody reads would
have it reset, and whoever is still sending would lose the answer; or after a while, if it does not come.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final

from starlette.types import Receive, Send

from service.api.reply import Headers, Reply, send_head, sent_body

DRAIN_S: Final = 5.0
"""Seconds for what is left of a body, after the answer: as for bodies that are read (`body.GRACE_S`)."""

_CLOSE: Final = (b"connection", b"close")


def announces_body(headers: Headers) -> bool:
    """Whether a request says that it has a body (RFC 9112 §6.3)."""
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


async def send_reply_and_close(reply: Reply, method: str, receive: Receive, send: Send) -> None:
    """Send an answer as the last one of its connection, at once, and let the request's body run out."""
    await send_head(replace(reply, headers=(*reply.headers, _CLOSE)), send)
    await send({"type": "http.response.body", "body": sent_body(reply, method), "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            await _run_out(receive)
    await send({"type": "http.response.body", "body": b""})


async def _run_out(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
