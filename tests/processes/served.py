"""A server over real sockets, whose application answers when it may."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

import uvicorn
from starlette.types import Receive, Scope, Send

from service.application.connection_limits import ConnectionLimits, Ended
from service.processes.http_protocol import BoundedHttpProtocol, Connections
from service.processes.http_server import HttpServer
from service.processes.listen import bind_tcp

LONG_S: Final = 600.0
PATIENT: Final = ConnectionLimits(most=1_000, head_s=LONG_S, idle_s=LONG_S, unsent_s=LONG_S)
SHORT_S: Final = 0.3
HURRIED: Final = ConnectionLimits(most=1_000, head_s=SHORT_S, idle_s=SHORT_S, unsent_s=SHORT_S)
OUTLASTED_S: Final = 3.0
"""Long enough for several looks after every limit that is short."""

GET: Final = b"GET %b HTTP/1.1\r\nhost: here\r\n\r\n"
MUCH: Final = 64 * 2**20
"""More than the kernel keeps for somebody who reads nothing."""


@dataclass(slots=True)
class Answering:
    """An application that answers when it may: `/long` in pieces, `/much` with much, and everything else with its path.

    Attributes:
        may_answer: Whether it may.
        asked: How many requests have come.
    """

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer without reading the body."""
        self.asked += 1
        await self.may_answer.wait()
        if scope["path"] == "/long":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(int(OUTLASTED_S * 10)):
                await send({"type": "http.response.body", "body": b"more", "more_body": True})
                await asyncio.sleep(0.1)
            await send({"type": "http.response.body", "body": b"end"})
            return
        text = b"x" * MUCH if scope["path"] == "/much" else scope["path"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
        await send({"type": "http.response.body", "body": text})


@dataclass(slots=True)
class Told:
    """Remembers what it is told."""

    why: Counter[Ended] = field(default_factory=Counter)
    crowds: int = 0

    def ended(self, why: Ended, count: int) -> None:
        """So many were."""
        self.why[why] += count

    def full(self, _most: int) -> None:
        """Once more."""
        self.crowds += 1


@dataclass(slots=True)
class Served:
    """A server that runs."""

    app: Answering
    server: HttpServer
    address: tuple[str, int]
    told: Told
    task: "asyncio.Task[None]"
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def open(self) -> tuple[BoundedHttpProtocol, ...]:
        """The connections whose handshake is complete."""
        return tuple(cast("set[BoundedHttpProtocol]", self.server.server_state.connections))

    def opening(self) -> int:
        """How many have a handshake to complete."""
        return len(cast("Connections", self.server.server_state).opening)

    async def send(self, octets: bytes) -> asyncio.StreamReader:
        """Connect, and send this."""
        reader, writer = await asyncio.open_connection(*self.address)
        self.writers.append(writer)
        writer.write(octets)
        await writer.drain()
        return reader


@asynccontextmanager
async def serving(limits: ConnectionLimits, tls: ssl.SSLContext | None = None) -> AsyncIterator[Served]:
    """A server of an application that may answer; it is ended with the block."""
    app, told, listens = Answering(), Told(), asyncio.Event()
    app.may_answer.set()
    config = uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        lifespan="off",
        log_config=None,
        loop="none",
        ws="none",
        timeout_keep_alive=int(LONG_S),
        ssl_context_factory=None if tls is None else lambda _config, _make: tls,
    )
    with bind_tcp("127.0.0.1", 0) as listening:
        server = HttpServer(config, 5.0, listens.set, limits, told)
        task = asyncio.create_task(server.serve([listening.dup()]))
        served = Served(app, server, listening.getsockname(), told, task)
        async with asyncio.timeout(30):
            await listens.wait()
            try:
                yield served
            finally:
                app.may_answer.set()
                for writer in served.writers:
                    writer.transport.abort()
                server.finish()
                await task


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so; whoever calls has a bound on it."""
    while not condition():  # noqa: ASYNC110 - what it waits for is no event of ours
        await asyncio.sleep(0.01)


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The headers and the body of an answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
    return head, await reader.readexactly(int(length.partition(b": ")[2]))
