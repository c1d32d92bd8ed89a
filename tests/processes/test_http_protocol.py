"""The bound on what is read of a request beside its body."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from service.processes.http_protocol import MAX_HEAD_OCTETS, BoundedHttpProtocol

pytestmark = pytest.mark.anyio

PIECE = b"x-much: " + b"y" * 1000 + b"\r\n"
PIECES = 4 * MAX_HEAD_OCTETS // len(PIECE)
START = b"POST / HTTP/1.1\r\nhost: here\r\n"


async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and answer with its length."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    text = b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


async def name_headers(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with the names of the request's headers, before anything of its body is asked for."""
    text = b" ".join(sorted(name for name, _ in scope["headers"]))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


@asynccontextmanager
async def connected(app: ASGIApp = answer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server of an application."""
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttpProtocol(config, state, {}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def send_piecemeal(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Send many pieces, each as a read of its own for the server; stop when it has closed the connection."""
    for _ in range(PIECES):
        if writer.transport.is_closing():
            return
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)


async def first_line(reader: asyncio.StreamReader) -> bytes:
    """The status line of an answer; nothing where the connection ended without."""
    try:
        return (await reader.readline()).strip()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (START, PIECE),
        (START + b"x-long: ", b"y" * 1000),
        (START + b"transfer-encoding: chunked\r\n\r\n0\r\n", PIECE),
    ],
    ids=["headers", "header", "trailers"],
)
async def test_what_belongs_to_no_body_is_bounded(start: bytes, piece: bytes) -> None:
    """However it is spread, the connection ends long before all of it was read, and never with a 200."""
    async with connected() as (reader, writer):
        writer.write(start)
        with suppress(ConnectionError):
            await send_piecemeal(writer, piece)
        assert await first_line(reader) in {b"HTTP/1.1 400 Bad Request", b""}


async def test_bodies_are_not_counted() -> None:
    """A body may be longer than that, in pieces and in chunks, and the next request on the connection is answered."""
    async with connected() as (reader, writer):
        for _ in range(2):
            writer.write(START + b"content-length: %d\r\n\r\n" % (PIECES * len(PIECE)))
            await send_piecemeal(writer, PIECE)
            assert b"HTTP/1.1 200 OK" == await first_line(reader)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length" in head.lower()
            assert b"%d" % (PIECES * len(PIECE)) == await reader.readexactly(len(str(PIECES * len(PIECE))))
        writer.write(START + b"transfer-encoding: chunked\r\n\r\n")
        await send_piecemeal(writer, b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
        writer.write(b"0\r\n\r\n")
        assert b"HTTP/1.1 200 OK" == await first_line(reader)


async def test_trailers_are_no_headers() -> None:
    """What follows a body says nothing about the request, also where all of it arrives in one piece; twice."""
    async with connected(name_headers) as (reader, writer):
        for _ in range(2):
            writer.write(START + b"transfer-encoding: chunked\r\n\r\n0\r\nx-ssl-client-cert: victim\r\n\r\n")
            assert b"HTTP/1.1 200 OK" == await first_line(reader)
            await reader.readuntil(b"\r\n\r\n")
            assert b"host transfer-encoding" == await reader.readexactly(len(b"host transfer-encoding"))
