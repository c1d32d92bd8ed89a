"""The API over a real socket, behind the server that it runs under."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
import uvicorn

from service.api.rules import ApiRules
from tests.api.world import LEAF, SUB, World

pytestmark = pytest.mark.anyio

BODY: Final = json.dumps({"certificate": LEAF.pem + SUB.pem}).encode()
POST: Final = b"POST /v1/validate HTTP/1.1\r\nHost: localhost\r\n"


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that serves a world."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(world.app(), http="httptools", lifespan="off", log_config=None, server_header=False)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            server.should_exit = True
            await serving


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    status, *lines = head.strip().split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines)
    body = await reader.readexactly(int(headers[b"content-length"]))
    return int(status.split()[1]), headers, body


async def test_a_connection_serves_one_request_after_the_other() -> None:
    """An allow, a problem, and an allow again; no answer says what serves it."""
    async with connected(World()) as (reader, writer):
        seen = []
        for body in (BODY, b"{", BODY):
            writer.write(POST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            status, headers, _ = await answer(reader)
            seen.append((status, headers.get(b"server")))
    assert [(200, None), (400, None), (200, None)] == seen


async def test_a_chunked_body_is_read() -> None:
    """Its length is not known before its end."""
    async with connected(World()) as (reader, writer):
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(BODY), 100):
            part = BODY[start : start + 100]
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        status, _, body = await answer(reader)
    assert (200, "allow") == (status, json.loads(body)["decision"])


async def test_a_chunked_body_over_the_limit_ends_the_connection() -> None:
    """The answer comes while the caller is still sending, and after it there is nothing more."""
    async with connected(World(rules=ApiRules(max_request_bytes=1_000))) as (reader, writer):
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n%b\r\n" % (b"x" * 0x400))
        status, headers, _ = await answer(reader)
        rest = await reader.read()
    assert (413, b"close", b"") == (status, headers[b"connection"], rest)


async def test_a_body_that_is_announced_too_long_is_not_asked_for() -> None:
    """Who waits for `100 Continue` before sending gets the 413 instead."""
    async with connected(World()) as (reader, writer):
        writer.write(POST + b"Content-Length: 10000000\r\nExpect: 100-continue\r\n\r\n")
        status, _, _ = await answer(reader)
    assert 413 == status


async def test_a_body_that_is_announced_is_asked_for() -> None:
    """Who waits for `100 Continue` gets it."""
    async with connected(World()) as (reader, writer):
        writer.write(POST + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(BODY))
        proceed = await reader.readuntil(b"\r\n\r\n")
        writer.write(BODY)
        status, _, _ = await answer(reader)
    assert (b"HTTP/1.1 100 Continue\r\n\r\n", 200) == (proceed, status)
