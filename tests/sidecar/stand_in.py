"""A stand-in for the service, for what the real one does not do: be slow, talk nonsense, answer at somebody's word.

It answers each request with whatever octets it is told, and records the requests.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Final

ALLOW: Final = (("X-Revet-Decision", "allow"), ("X-Revet-Code", "ok"), ("X-Revet-Decision-Id", "D1"))
"""The headers of an answer that lets a request through."""

PATIENCE_S: Final = 30.0


def answer(status: int, *headers: tuple[str, str]) -> bytes:
    """An answer, as octets; without a body, since it is asked by HEAD."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers), "Content-Length: 2"]
    return "\r\n".join([*lines, "", ""]).encode()


def deny(status: int, code: str, *headers: tuple[str, str]) -> bytes:
    """An answer that lets nothing through."""
    named = (("X-Revet-Decision", "deny"), ("X-Revet-Code", code), ("X-Revet-Decision-Id", "D2"))
    return answer(status, *named, *headers)


@dataclass
class StandIn:
    """What it answers, and what it was asked.

    Attributes:
        url: Where it answers.
        says: The octets of its answer; nothing: it says nothing, and keeps the connection.
        after_s: How long it thinks before it answers.
        asked: The requests, as octets.
        connections: How many there were.
    """

    url: str
    says: bytes = answer(200, *ALLOW)
    after_s: float = 0
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def last(self) -> list[str]:
        """The lines of the last request."""
        return self.asked[-1].decode("latin-1").split("\r\n")[:-2]

    def values(self, name: str) -> list[str]:
        """The values of a header of the last request."""
        pairs = (line.partition(": ") for line in self.last[1:])
        return [value for key, _, value in pairs if key.lower() == name.lower()]


def _head(reader: BufferedIOBase) -> bytes:
    """A request, which has no body; nothing where the connection has ended."""
    lines = [reader.readline()]
    while lines[-1] not in {b"\r\n", b""}:
        lines.append(reader.readline())
    return b"".join(lines) if lines[-1] else b""


@contextlib.contextmanager
def standing_in() -> Iterator[StandIn]:
    """Stand in until the block is left."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stand_in = StandIn(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    stand_in.connections += 1
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(connection: socket.socket) -> None:
            connection.settimeout(PATIENCE_S)
            with connection, contextlib.suppress(OSError), connection.makefile("rb") as reader:
                while head := _head(reader):
                    stand_in.asked.append(head)
                    if not stand_in.says:
                        over.wait(PATIENCE_S)
                        return
                    over.wait(stand_in.after_s)
                    connection.sendall(stand_in.says)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield stand_in
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)  # closing does not wake up an accept that waits
            thread.join()
