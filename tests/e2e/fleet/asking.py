"""A small HTTP client: asks replicas hundreds of times a second and takes little of a core for it."""

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

LONGEST_ANSWER_S: Final = 10.0


@dataclass(slots=True)
class Asker:
    """One connection to one replica, made again where it was lost."""

    port: int
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, repr=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def post(self, path: str, body: bytes) -> tuple[int, Any]:
        """The status and the JSON of an answer.

        Raises:
            OSError: there was none; `TimeoutError` in time.
        """
        return await self.ask("POST", path, body)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        """The same for any method."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        octets = f"{head}Content-Length: {len(body)}\r\n\r\n".encode("ascii") + body
        try:
            async with asyncio.timeout(LONGEST_ANSWER_S):
                reader, writer = await self._connected()
                writer.write(octets)
                status, content = await _read(reader)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError) as error:
            self.close()
            if isinstance(error, asyncio.IncompleteReadError):
                raise ConnectionResetError("it ended before its answer did") from error
            raise
        return status, json.loads(content) if content else None

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        return self._streams


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    length = next((int(line.partition(":")[2]) for line in head if line.startswith("content-length:")), 0)
    return int(head[0].split(" ")[1]), await reader.readexactly(length)
