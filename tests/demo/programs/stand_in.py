"""Stands in for the service: is ready at REVET_PORT at once, tells its process id and settings, ends on SIGTERM."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer 200, with the process id and the settings."""
        settings = {name: value for name, value in os.environ.items() if name.startswith("REVET_")}
        body = json.dumps({"pid": os.getpid(), "settings": settings}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/end":
            self.wfile.flush()
            os._exit(7)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


if __name__ == "__main__":
    if "fail" in sys.argv:
        sys.exit(78)
    HTTPServer(("127.0.0.1", int(os.environ["REVET_PORT"])), Handler).serve_forever()
