# ruff: noqa: INP001 - a program that is mounted, not a package
"""An application behind the sidecar: answers with what it was told about the client."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Application(BaseHTTPRequestHandler):
    """Knows no TLS and no certificate: who the client is stands in headers, which only the sidecar can have written."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with them."""
        told = {name: value for name, value in self.headers.items() if name.lower().startswith("x-revet-")}
        body = "".join(f"{name}: {value}\n" for name, value in told.items()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 9000), Application).serve_forever()
