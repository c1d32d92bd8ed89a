"""The application behind the sidecar: answers over HTTP/1.1, echoes WebSocket frames, and records what arrives.

What arrives is kept as it came: request line, every header in its order and spelling, and the body. Some paths ask for
something else than an echo: `/stream`, `/silence`, `/large-head`, `/redirect-inside`, `/slow`.
"""

import contextlib
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

WEBSOCKET_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""

LARGE: Final = "x" * 30_000
"""A header's value as long as applications have them: longer than nginx's own buffers."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def headers_of(self, prefix: str) -> list[tuple[str, str]]:
        """The headers whose names begin so, in lower case."""
        return [(key.lower(), value) for key, value in self.headers if key.lower().startswith(prefix)]

    @property
    def names(self) -> set[str]:
        """Names of all headers, in lower case."""
        return {key.lower() for key, _ in self.headers}


class Application:
    """What has arrived, and where to send more."""

    def __init__(self, url: str) -> None:
        """Nothing has arrived."""
        self.url = url
        self.arrived: list[Arrived] = []
        self.begun = 0
        """How many requests have begun to arrive."""
        self.gate = threading.Event()
        """Where `/stream` waits between its first and its second piece, and `/silence` before it answers."""

    @property
    def last(self) -> Arrived:
        """The last request."""
        return self.arrived[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    application: Application

    def handle_any(self) -> None:
        """Record and answer one request."""
        self.application.begun += 1
        body = self._body()
        line = self.requestline
        self.application.arrived.append(Arrived(line, tuple(self.headers.items()), body))
        path = self.path.partition("?")[0]
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._websocket()
        elif path == "/stream":
            self._stream()
        elif path == "/silence":
            self.application.gate.wait(30)
            self._answer(b"at last")
        elif path == "/large-head":
            self._answer(b"large", ("X-Large", LARGE))
        elif path == "/redirect-inside":
            self._answer(b"not inside", ("X-Accel-Redirect", "/.revet-sidecar/bad-request"))
        else:
            self._answer(b"the application\n")

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method, `do_GET` and the like, is one."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in (b"data: one\n\n", b"data: two\n\n"):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            self.wfile.flush()
            self.application.gate.wait(30)
        self.wfile.write(b"0\r\n\r\n")

    def _websocket(self) -> None:
        digest = sha1(f"{self.headers['Sec-WebSocket-Key']}{WEBSOCKET_GUID}".encode(), usedforsecurity=False).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", b64encode(digest).decode())
        self.end_headers()
        self.close_connection = True
        while head := self.rfile.read(2):
            length, mask = head[1] & 0x7F, self.rfile.read(4)
            data = bytes(octet ^ mask[i % 4] for i, octet in enumerate(self.rfile.read(length)))
            self.wfile.write(bytes([head[0], length]) + data)
            if head[0] & 0x0F == 0x8:  # a close is answered by a close
                return

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running_application(certificate: Path | None = None, key: Path | None = None) -> Iterator[Application]:
    """Run an application until the block is left; over TLS where there is a certificate."""

    class Handler(_Handler):
        """Of this application."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        application = Application(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        Handler.application = application
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield application
        finally:
            application.gate.set()
            server.shutdown()
            thread.join()
