"""An HTTP server on loopback that has one file, in a process of its own: `python -m bench.origin FILE`.

It says on its standard output which port it took, and ends when its standard input does: with whoever started it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

PATH: Final = "/list.crl"


@contextmanager
def serving(file: Path) -> Iterator[str]:
    """Serve a file; the URL that it is at."""
    command = [sys.executable, "-m", "bench.origin", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}{PATH}"
        finally:
            process.stdin.close()


def main(file: Path) -> None:
    """Serve until the standard input ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with file.open("rb") as content:
                self.send_response(200)
                self.send_header("Content-Type", "application/pkix-crl")
                self.send_header("Content-Length", str(os.fstat(content.fileno()).st_size))
                self.end_headers()
                self.wfile.flush()
                self.connection.sendfile(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
