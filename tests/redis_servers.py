"""Real Redis servers on loopback, each in a directory of its own: started, frozen, emptied and killed.

Beside them what stands between a client and a server: `SlowWire`. Clusters are in `redis_clusters`.
"""

import asyncio
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.pki import Authority, Issued, days
from tests.ports import free_port

PATIENCE_S: Final = 10.0
"""Seconds until a server that was started answers; milliseconds are usual."""


@dataclass(frozen=True, slots=True)
class RedisTls:
    """Files for TLS with a server: PEM, all made by one authority.

    Attributes:
        ca: The authority's certificate.
        server: The server's certificate and key, for `localhost` and 127.0.0.1.
        client: A client's certificate and key.
    """

    ca: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]

    def options(self, port: int) -> tuple[str, ...]:
        """What a server is told that talks to nobody without a certificate."""
        certificate, key = map(str, self.server)
        files = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", str(self.ca))
        return ("--port", "0", "--tls-port", str(port), *files, "--tls-auth-clients", "yes")

    def context(self) -> ssl.SSLContext:
        """As a client."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.load_cert_chain(*self.client)
        return context


def redis_tls(directory: Path, host: str = "localhost", authority: str = "Redis") -> RedisTls:
    """Files for TLS, valid now.

    Args:
        directory: Where they are put.
        host: Whose name is in the server's certificate, beside 127.0.0.1 where it is `localhost`.
        authority: Who has made them.
    """
    directory.mkdir(exist_ok=True)
    now = datetime.now(UTC).replace(microsecond=0)
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "localhost":
        names.append(x509.IPAddress(ip_address("127.0.0.1")))
    root = Authority.root(authority, not_before=now - days(1), not_after=now + days(1))
    server = root.issue("server", san=names, extended_key_usage=None, not_before=now - days(1), not_after=now + days(1))
    client = root.issue("client", not_before=now - days(1), not_after=now + days(1))
    ca = directory / "ca.pem"
    ca.write_text(root.pem)
    return RedisTls(ca, _files(directory, "server", server), _files(directory, "client", client))


def _files(directory: Path, name: str, issued: Issued) -> tuple[Path, Path]:
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    certificate.write_text(issued.pem)
    key.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, key


@dataclass(slots=True)
class RedisServer:
    """A server, and what a test does to it.

    Attributes:
        options: Of its command line, besides.
        tls: Where it speaks TLS, and nothing else.
        login: The user and the password with which the test asks it; none for the default user.
    """

    directory: Path
    port: int
    options: tuple[str, ...] = ()
    tls: RedisTls | None = None
    login: tuple[str, str] | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it is, without user and password."""
        return f"redis{'' if self.tls is None else 's'}://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed: scripts/system-packages"
        self.directory.mkdir(exist_ok=True)
        ports = ("--port", str(self.port)) if self.tls is None else self.tls.options(self.port)
        arguments = (*ports, "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", "")
        self._process = subprocess.Popen(
            [program, *arguments, *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE_S
        while self.ask("PING") != b"+PONG":
            assert time.monotonic() < deadline, f"redis-server on port {self.port} does not answer"
            time.sleep(0.01)

    def ask(self, *words: str) -> bytes:
        """The first line that it answers to a command; empty where it does not answer."""
        return self.say(*words).split(b"\r\n")[0]

    def say(self, *words: str) -> bytes:
        """What it answers to a command, 64 KiB at most; empty where it does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as plain:
                connection = (
                    plain if self.tls is None else self.tls.context().wrap_socket(plain, server_hostname="localhost")
                )
                with connection:
                    if self.login is not None:
                        connection.sendall(_command(("AUTH", *self.login)))
                        connection.recv(65536)
                    connection.sendall(_command(words))
                    return connection.recv(65536)
        except OSError:
            return b""

    def number(self, name: str) -> int:
        """A number out of INFO."""
        (line,) = (
            line for line in self.say("INFO", "everything").split(b"\r\n") if line.startswith(f"{name}:".encode())
        )
        return int(line.partition(b":")[2])

    def flush(self) -> None:
        """Empty it."""
        assert self.ask("FLUSHALL") == b"+OK"

    def fill(self) -> None:
        """Have it refuse whatever needs memory, and throw nothing away."""
        assert self.ask("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1") == b"+OK"

    def make_room(self) -> None:
        """Have it take what comes."""
        assert self.ask("CONFIG", "SET", "maxmemory", "0") == b"+OK"

    def freeze(self) -> None:
        """Have it do nothing, with every connection open."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self._running.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it does not run"
        return self._process


def _command(words: tuple[str, ...]) -> bytes:
    octets = [word.encode() for word in words]
    return b"*%d\r\n" % len(octets) + b"".join(b"$%d\r\n%s\r\n" % (len(one), one) for one in octets)


@contextmanager
def redis_server(
    directory: Path, *options: str, tls: RedisTls | None = None, login: tuple[str, str] | None = None
) -> Iterator[RedisServer]:
    """A server that has nothing in it, for as long as the block runs.

    Args:
        directory: For what it writes.
        options: Of its command line, besides.
        tls: To have it speak TLS.
        login: For what the test asks it.
    """
    server = RedisServer(directory, free_port(), options, tls, login)
    try:
        server.start()
        yield server
    finally:
        server.kill()


class SlowWire:
    """A line to a server on which every answer takes as long as a test says; to be opened with `slow_wire`."""

    def __init__(self, target: int) -> None:
        """Lead to a port on loopback."""
        self.delay_s = 0.0
        self.connections = 0
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[object] | None] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"redis://127.0.0.1:{self.port}/0"

    def cut(self) -> None:
        """End every connection that there is."""
        for writer in self._writers:
            writer.close()

    async def aclose(self) -> None:
        """End them, and wait for it."""
        self.cut()
        await asyncio.gather(*(task for task in self._tasks if task is not None), return_exceptions=True)
        await asyncio.sleep(0)  # transports end with the next turn of the loop

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, until either side ends it."""
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, back}
        try:
            with suppress(OSError):
                await asyncio.gather(_carry(reader, back, lambda: 0.0), _carry(there, writer, lambda: self.delay_s))
        finally:
            self._writers -= {writer, back}


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: Callable[[], float]) -> None:
    try:
        while octets := await reader.read(65536):
            if delay_s():
                await asyncio.sleep(delay_s())
            writer.write(octets)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def slow_wire(server: RedisServer) -> AsyncIterator[SlowWire]:
    """A line to a server, for as long as the block runs."""
    wire = SlowWire(server.port)
    listening = await asyncio.start_server(wire.connected, "127.0.0.1", 0)
    wire.port = listening.sockets[0].getsockname()[1]
    async with listening:
        try:
            yield wire
        finally:
            await wire.aclose()
