"""A small web server for the demonstration's revocation data, on a socket that is bound already.

One thread for each connection, one request for each connection; a client that says nothing is dropped. It is for
loopback: it does not defend itself against many such clients.
"""

import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self, cast

MAX_BODY_BYTES: Final = 65_536
"""An OCSP request is about a hundred bytes for each certificate asked about."""

SILENCE_S: Final = 5.0
"""After so long without a byte a connection is closed."""

_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks.

    Attributes:
        path: With its percent-escapes.
        body: None where the method has none.
    """

    path: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Response:
    """What it is answered."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = "text/plain"


NOT_FOUND: Final = Response(HTTPStatus.NOT_FOUND)
METHOD_NOT_ALLOWED: Final = Response(HTTPStatus.METHOD_NOT_ALLOWED)

Answer = Callable[[Request], Response]


class LoopbackServer:
    """Answers at a listening socket, in threads of its own, until it is closed."""

    def __init__(self, listener: socket.socket, answer: Answer) -> None:
        """Take the socket, which stays its owner's, and what answers. Nothing is served before `start`."""
        self._server = _Server(listener, answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), daemon=True)

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Take no more connections; those that were accepted are answered or dropped."""
        self._server.shutdown()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    """The standard library's server on a socket that somebody else has made and will close."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, answer: Answer) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.answer = answer

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Say nothing about a client that has gone or was too slow."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = SILENCE_S

    def do_GET(self) -> None:
        self._answer(None)

    def do_HEAD(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("content-length", ""))
        except ValueError:
            self._send(Response(HTTPStatus.LENGTH_REQUIRED))
            return
        if not 0 <= length <= MAX_BODY_BYTES:
            self._send(Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        self._answer(self.rfile.read(length))

    def _answer(self, body: bytes | None) -> None:
        answer = cast("_Server", self.server).answer
        self._send(answer(Request(self.path, body)))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the terminal belongs to the service."""
