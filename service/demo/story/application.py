"""The application behind the doors: answers 204, and repeats who it was told the client is."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from service.demo.ports import LOOPBACK

TOLD: Final = "X-Revet-Subject"
"""The header in which a sidecar, and the gateway's integration, say whose certificate was allowed."""

REPEATED: Final = "X-Application-Saw"
"""The header in which the application repeats it, so that one sees it outside."""

_POLL_S: Final = 0.05
_SILENCE_S: Final = 10.0


class Application:
    """Answers at a port of loopback, in threads of its own, while it is entered."""

    def __init__(self) -> None:
        """Listen at any free port; nothing is answered before it is entered."""
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Answer no longer."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    timeout = _SILENCE_S

    def do_GET(self) -> None:
        self.send_response(HTTPStatus.NO_CONTENT)
        for told in self.headers.get_all(TOLD, ()):
            self.send_header(REPEATED, told)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the terminal belongs to the story."""
