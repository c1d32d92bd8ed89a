"""Services on a socket that do what they are told, right or wrong, one request after the other."""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, Final

Behaviour = Callable[[socket.socket], bool]
"""Does something instead of answering a request; tells whether the connection goes on."""

ALLOW: Final = {
    "decision": "allow",
    "status": "good",
    "code": "ok",
    "decision_id": "d-1",
    "valid_until": "2999-01-01T00:00:00Z",
    "serial_number": "a1b2c3d",
    "fingerprint_sha256": "ab" * 32,
    "subject": "CN=client",
}
NOTHING_SAID: Final = dict.fromkeys(
    ("subject", "serial_number", "fingerprint_sha256", "decision_id", "valid_until"), "-"
)
"""What every context has, without an answer too: with no value to set it to, the client's own header might stay."""

DENY: Final = {**ALLOW, "decision": "deny", "status": "revoked", "code": "revoked"}


def octets(
    body: bytes, status: str = "200 OK", content_type: str = "application/json", *more: str, length: int | None = None
) -> bytes:
    """An answer of HTTP/1.1."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", *more]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer(document: object, status: str = "200 OK", *more: str) -> Behaviour:
    """Answer with JSON, and go on."""
    return raw(octets(json.dumps(document).encode(), status, "application/json", *more))


def raw(data: bytes, *, goes_on: bool = True) -> Behaviour:
    """Send these octets."""

    def behave(connection: socket.socket) -> bool:
        connection.sendall(data)
        return goes_on

    return behave


def close(_: socket.socket) -> bool:
    """Close the connection without a word."""
    return False


def reset(connection: socket.socket) -> bool:
    """Break the connection off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hang(connection: socket.socket) -> bool:
    """Say nothing, until the other side goes away."""
    return bool(connection.recv(1))


def drip(data: bytes, pause_s: float = 0.02) -> Behaviour:
    """Send an octet at a time."""

    def behave(connection: socket.socket) -> bool:
        for octet in data:
            connection.sendall(bytes([octet]))
            time.sleep(pause_s)
        return True

    return behave


def then_close(behaviour: Behaviour) -> Behaviour:
    """Do something, and close the connection without having said so."""

    def behave(connection: socket.socket) -> bool:
        behaviour(connection)
        return False

    return behave


@dataclass
class Server:
    """A service that runs.

    Attributes:
        requests: Head and body of each.
        connections: How many there were.
    """

    port: int
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Where it is, without TLS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[Any]:
        """What was asked, read."""
        return [json.loads(body) for _, body in self.requests]

    @property
    def tokens(self) -> list[str]:
        """The value of `Authorization` in each request; empty where it has none."""
        found = [
            [line for line in head.split("\r\n") if line.lower().startswith("authorization:")]
            for head, _ in self.requests
        ]
        return [lines[0].partition(": ")[2] if lines else "" for lines in found]


@contextlib.contextmanager
def serving(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a service that behaves so, request by request; the last behaviour is that of all that follow."""
    rest = chain(behaviours, repeat(behaviours[-1]))
    open_ones: list[socket.socket] = []
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(listening.getsockname()[1])

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    server.connections += 1
                    open_ones.append(connection)
                    threads.append(threading.Thread(target=attend, args=(connection,)))
                    threads[-1].start()

        def attend(plain: socket.socket) -> None:
            with contextlib.suppress(OSError), plain, _wrapped(plain, tls) as one:
                open_ones.append(one)
                while (request := _request(one)) is not None:
                    server.requests.append(request)
                    if not next(rest)(one):
                        return

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server
        finally:
            _end([listening, *open_ones])
            accepting.join()
            _end(open_ones)
            for thread in threads:
                thread.join()


def _wrapped(plain: socket.socket, tls: ssl.SSLContext | None) -> contextlib.AbstractContextManager[socket.socket]:
    return contextlib.nullcontext(plain) if tls is None else tls.wrap_socket(plain, server_side=True)


def _end(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(one, socket.SHUT_RDWR)


def _request(connection: socket.socket) -> tuple[str, bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    while len(body) < length:
        body += connection.recv(65_536)
    return head.decode("latin-1"), body
