"""Whoever is no Redis: a server on loopback that answers each command as a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Command = tuple[bytes, ...]
"""The words of a command."""


@dataclass(slots=True)
class Scripted:
    """What such a server does.

    Attributes:
        answer: Gives the octets that are sent for a command; None for nothing at all.
        flood: Sent again and again after an answer, until the client goes away.
        heard: Every command so far.
        sent: Octets of the flood that were taken.
    """

    answer: Callable[[Command], bytes | None]
    flood: bytes = b""
    heard: list[Command] = field(default_factory=list)
    sent: int = 0
    port: int = 0
    _clients: dict[asyncio.Task[object] | None, asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client, until he goes away."""
        self._clients[asyncio.current_task()] = writer
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                command = await _command(reader)
                self.heard.append(command)
                writer.write(self.answer(command) or b"")
                await writer.drain()
                while self.flood and not writer.is_closing():
                    writer.write(self.flood)
                    await writer.drain()
                    self.sent += len(self.flood)
        writer.close()

    async def aclose(self) -> None:
        """Leave every client."""
        for writer in self._clients.values():
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._clients if task is not None), return_exceptions=True)
        await asyncio.sleep(0)  # transports end with the next turn of the loop


async def _command(reader: asyncio.StreamReader) -> Command:
    words = []
    for _ in range(int((await reader.readuntil(b"\r\n"))[1:])):
        length = int((await reader.readuntil(b"\r\n"))[1:])
        words.append((await reader.readexactly(length + 2))[:-2])
    return tuple(words)


@asynccontextmanager
async def scripted(
    answer: Callable[[Command], bytes | None] | bytes | None, flood: bytes = b""
) -> AsyncIterator[Scripted]:
    """Such a server, for as long as the block runs; it answers PING as Redis does, unless it is given a function."""
    server = Scripted(answer if callable(answer) else _always(answer), flood)
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        try:
            yield server
        finally:
            await server.aclose()


def _always(answer: bytes | None) -> Callable[[Command], bytes | None]:
    return lambda command: b"+PONG\r\n" if command == (b"PING",) else answer
