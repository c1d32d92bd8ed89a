"""The application behind a proxy: it answers with the request as it came, whatever the method.

It minds nothing: it takes trailers, goes over to every protocol that it is asked to, and answers CONNECT.
"""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final


@dataclass(slots=True)
class Application:
    """An application that runs.

    Attributes:
        address: `host:port`, for a proxy's configuration.
        asked: How many requests have reached it.
        ended: How many of them it is done with.
        paths: Of all of them.
        trailers: The lines of all trailers that have reached it.
    """

    address: str
    asked: int = 0
    ended: int = 0
    paths: list[str] = field(default_factory=list)
    trailers: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


_OF_WEBSOCKETS: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""

SENDS: Final = "/sends?"
"""A path that begins so has the application send the header that follows it: `name=value`."""


def _body_of(handler: BaseHTTPRequestHandler) -> tuple[int, list[str]]:
    """How long a body is, and its trailers.

    Raises:
        ConnectionError: It breaks off.
    """
    if "chunked" not in handler.headers.get("transfer-encoding", ""):
        return len(handler.rfile.read(int(handler.headers.get("content-length", "0")))), []
    length = 0
    while size := int(_line(handler).partition(";")[0], 16):
        length += len(handler.rfile.read(size))
        _line(handler)
    return length, list(iter(lambda: _line(handler), ""))


def _line(handler: BaseHTTPRequestHandler) -> str:
    line = handler.rfile.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError("the body breaks off")
    return line.strip().decode("latin-1")


def _change_protocol(handler: BaseHTTPRequestHandler, protocols: list[str]) -> None:
    """101, and from there on each line is sent back."""
    handler.send_response(101)
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Upgrade", ", ".join(protocols))
    key = handler.headers.get("sec-websocket-key", "") + _OF_WEBSOCKETS
    handler.send_header("Sec-WebSocket-Accept", b64encode(sha1(key.encode(), usedforsecurity=False).digest()).decode())
    handler.end_headers()
    while line := handler.rfile.readline():
        handler.wfile.write(line)
    handler.close_connection = True


@contextmanager
def running_application() -> Iterator[Application]:
    """Run one until the block is left."""
    application = Application("")

    class Handler(BaseHTTPRequestHandler):
        """Answers every method alike."""

        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            with application.lock:
                application.asked += 1
                application.paths.append(self.path)
            try:
                self._answer_to(self.headers.get_all("upgrade", []))
            finally:
                with application.lock:
                    application.ended += 1

        def _answer_to(self, protocols: list[str]) -> None:
            if protocols:
                _change_protocol(self, protocols)
                return
            length, trailers = _body_of(self)
            application.trailers.extend(trailers)
            seen: dict[str, Any] = {
                "path": self.path,
                "headers": [[name.lower(), value] for name, value in self.headers.items()],
                "length": length,
            }
            body = json.dumps(seen).encode()
            self.send_response(200)
            if self.path.startswith(SENDS):
                self.send_header(*self.path.removeprefix(SENDS).split("=", 1))
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = _answer  # noqa: N815 - http.server's names
        do_POST = _answer  # noqa: N815 - as above
        do_CONNECT = _answer  # noqa: N815 - as above

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        """Minds no client that hangs up."""

        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Keep quiet."""

    server = Server(("127.0.0.1", 0), Handler)
    application.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield application
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
