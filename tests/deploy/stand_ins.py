"""Who might answer in Revet's place, right or wrong: with any certificate, and any answer."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tests.deploy.clients import HOST

AN_ALLOW: Final = {
    "X-Revet-Decision": "allow",
    "X-Revet-Code": "ok",
    "X-Revet-Decision-Id": "0123456789abcdef0123456789abcdef",
    "X-Revet-Subject": "CN=stand-in",
}
"""What only Revet may say."""


class Says(Enum):
    """What a stand-in answers to everything: a status and headers, or nothing at all."""

    ALLOW = (200, AN_ALLOW)
    OK = (200, dict[str, str]())
    DENYING_OK = (200, {**AN_ALLOW, "X-Revet-Decision": "deny"})
    DENIED_ALLOW = (403, AN_ALLOW)
    NOTHING = None


@contextmanager
def standing_in(
    directory: Path,
    certificate: str | None,
    says: Says | Callable[[], Says],
    heard: list[dict[str, str]] | None = None,
) -> Iterator[str]:
    """Answer until the block is left.

    Args:
        directory: Where the files are.
        certificate: Of which files: `server` is Revet's own, and None is plain HTTP.
        says: What it answers, always or from now on.
        heard: Where the headers of the questions are put, in lower case, beside the first line (`:line`) and
            the port that it came from (`:port`).

    Yields:
        `localhost:port`.
    """
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        """Answers every question alike."""

        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            """Answer; Envoy asks with the method of the client's request, and without its body."""
            if heard is not None:
                own = {":line": self.requestline, ":port": str(self.client_address[1])}
                heard.append({**own, **{name.lower(): value for name, value in self.headers.items()}})
            now = says if isinstance(says, Says) else says()
            if now.value is None:
                over.wait()
                return
            status, headers = now.value
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": "2"}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"{}")

        do_GET = _answer  # noqa: N815 - http.server's names
        do_HEAD = _answer  # noqa: N815 - as above
        do_POST = _answer  # noqa: N815 - as above

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        """Shakes hands in the connection's own thread."""

        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Whom a proxy does not believe, it hangs up on."""

    server = Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / f"{certificate}.pem", directory / f"{certificate}.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{HOST}:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
