"""CRLs published over HTTP, by this process: what is published may change, and requests are counted."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Published:
    """What is published, by path.

    While its gate is closed, nobody gets an answer.
    """

    def __init__(self, url: str) -> None:
        """Nothing is published; the gate is open."""
        self.url = url
        self.bodies: dict[str, bytes] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.asked: Counter[str] = Counter()
        self.unmodified: Counter[str] = Counter()


@contextmanager
def publishing() -> Iterator[Published]:
    """Publish until the block is left."""
    published: list[Published] = []

    class Handler(BaseHTTPRequestHandler):
        """Answers with ETags."""

        def do_GET(self) -> None:
            """Answer with what is published under the path."""
            place = published[0]
            place.asked[self.path] += 1
            place.gate.wait(30)
            body = place.bodies.get(self.path)
            etag = f'"{hash(body):x}"'
            if body is not None and self.headers["If-None-Match"] == etag:
                place.unmodified[self.path] += 1
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.send_header("ETag", etag)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        published.append(Published(f"http://127.0.0.1:{server.server_address[1]}"))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield published[0]
        finally:
            published[0].gate.set()
            server.shutdown()
            thread.join()
