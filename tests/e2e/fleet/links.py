"""The ways from replicas to their Redis, in a process of its own: each may be slow, cut, or whole.

    python -m tests.e2e.fleet.links 6379 6379 …

One way for each port that it is given. It is told what to do by lines of JSON on its standard input, and ends when that
does. A slow way delays whatever goes to Redis; what comes back is passed on at once.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from tests.e2e.running import ROOT

PIECE: Final = 65536
PATIENCE_S: Final = 10.0


class Way:
    """One way, in the process."""

    def __init__(self, target: int) -> None:
        """It is whole, and nobody uses it."""
        self.delay_s = 0.0
        self.is_cut = False
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Close what is open, and what is opened as soon as it is."""
        self.is_cut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.is_cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._delayed(reader, back))
                both.create_task(_pass(there, writer))
        finally:
            self._writers -= {writer, back}

    async def _delayed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        last = 0.0
        with suppress(OSError):
            while octets := await reader.read(PIECE):
                last = max(last, loop.time() + self.delay_s)  # never before what was sent earlier
                if last > loop.time():
                    loop.call_at(last, _write, writer, octets)
                else:
                    writer.write(octets)
                    await writer.drain()
        writer.transport.abort()


def _write(writer: asyncio.StreamWriter, octets: bytes) -> None:
    if not writer.is_closing():
        writer.write(octets)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while octets := await reader.read(PIECE):
            writer.write(octets)
            await writer.drain()
    writer.transport.abort()


class Links:
    """The ways, as whoever started the process sees them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take a process that has begun."""
        self._process = process
        assert process.stdout is not None
        self.ports: tuple[int, ...] = tuple(json.loads(process.stdout.readline()))

    def delay(self, seconds: float, *numbers: int) -> None:
        """Have ways delay what goes to Redis; all of them where none is named."""
        self._tell({"do": "delay", "seconds": seconds, "numbers": numbers})

    def cut(self, *numbers: int) -> None:
        """Cut ways."""
        self._tell({"do": "cut", "numbers": numbers})

    def heal(self, *numbers: int) -> None:
        """Make them whole and quick."""
        self._tell({"do": "heal", "numbers": numbers})

    def _tell(self, order: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert json.loads(self._process.stdout.readline()) == "done"


@contextmanager
def links(targets: Sequence[int]) -> Iterator[Links]:
    """Ways to ports of this host, for as long as the block runs."""
    command = [sys.executable, "-m", "tests.e2e.fleet.links", *map(str, targets)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        try:
            yield Links(process)
        finally:
            process.stdin.close()
            try:
                process.wait(PATIENCE_S)
            finally:
                process.kill()


def _do(ways: Sequence[Way], order: Mapping[str, Any]) -> None:
    for way in [ways[number] for number in order["numbers"]] or ways:
        match order["do"]:
            case "delay":
                way.delay_s = order["seconds"]
            case "cut":
                way.cut()
            case "heal":
                way.is_cut, way.delay_s = False, 0.0
            case what:
                raise ValueError(what)


async def _run(targets: Sequence[int]) -> None:
    ways = [Way(target) for target in targets]
    servers = [await asyncio.start_server(way.serve, "127.0.0.1", 0) for way in ways]
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    _say([server.sockets[0].getsockname()[1] for server in servers])
    while line := await lines.readline():
        _do(ways, json.loads(line))
        _say("done")
    for way, server in zip(ways, servers, strict=True):
        server.close()
        way.cut()


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_run([int(port) for port in sys.argv[1:]]))
