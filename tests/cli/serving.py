"""A service that answers what a test says, on a socket of its own."""

import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Answer = tuple[int, dict[str, Any]]
Respond = Callable[[str, str, dict[str, Any]], Answer]
"""Status and document for a method, a path with its query, and a body."""


@contextmanager
def answering(respond: Respond, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve while the block lasts, over https where there is a context for it; where it is."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, document = respond(self.command, self.path, json.loads(body) if body else {})
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield (
            f"http://127.0.0.1:{server.server_address[1]}" if tls is None else f"https://localhost:{server.server_port}"
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
