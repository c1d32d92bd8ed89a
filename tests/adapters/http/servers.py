"""Real HTTP servers on loopback whose answers are written byte by byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_MAX_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came.

    Attributes:
        line: The request line.
        headers: Values by lower-case name.
        body: As long as Content-Length says.
        reader: What comes after it.
    """

    line: str
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader = field(repr=False)


Answer = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Server:
    """A server that runs.

    Attributes:
        port: On 127.0.0.1.
        received: Every request, in order.
        connections: How many were accepted.
        asked: Set once a request has come.
        gone: Set once a client has closed its connection.
    """

    answer: Answer
    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, in a task of our own: asyncio's own reports its cancellation as an error."""
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    received = await _receive(reader)
                    self.received.append(received)
                    self.asked.set()
                    await self.answer(received, writer)
                    await writer.drain()
        finally:
            self.gone.set()
            writer.transport.abort()


@asynccontextmanager
async def serve(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server until the block is left."""
    server = Server(answer)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=tls, limit=_MAX_HEAD)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        tasks = tuple(server.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def always(raw: bytes) -> Answer:
    """Answer everything with these bytes."""

    async def answer(_received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return answer


def then_close(raw: bytes) -> Answer:
    """Answer with these bytes and close the connection."""

    async def answer(_received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    return answer


def by_path(answers: dict[str, bytes]) -> Answer:
    """Answer by the path that is asked for."""

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[received.line.split(" ")[1]])

    return answer


async def silence(_received: Received, _writer: asyncio.StreamWriter) -> None:
    """Never answer, and notice when the client has had enough."""


def ok(body: bytes = b"", *headers: str) -> bytes:
    """Spell an answer with status 200 and a length."""
    return head(200, f"Content-Length: {len(body)}", *headers) + body


def head(status: int, *headers: str) -> bytes:
    """Spell the head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status} Reason", *headers, "", ""]).encode("latin-1")


def redirect(location: str, status: int = 302) -> bytes:
    """Spell a redirect."""
    return head(status, f"Location: {location}", "Content-Length: 0")


def chunk(data: bytes) -> bytes:
    """Spell one chunk of a chunked body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _receive(reader: asyncio.StreamReader) -> Received:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return Received(lines[0], headers, await reader.readexactly(int(headers.get("content-length", "0"))), reader)
