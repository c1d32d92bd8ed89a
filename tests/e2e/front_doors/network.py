"""A private network on loopback: load balancers that pass octets on, and backends with certificates of their own."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography import x509

from tests.demo.openssl import openssl


@contextmanager
def load_balancer(target: str) -> Iterator[str]:
    """A Network Load Balancer with a TCP listener: passes octets on, and knows nothing of TLS. Where it listens.

    Args:
        target: `host:port`.
    """
    host, _, port = target.rpartition(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, (host, int(port))), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            # Closing alone does not wake up an accept that waits.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@dataclass(frozen=True, slots=True)
class Backend:
    """An application of the user's.

    Attributes:
        address: `host:port` of its TLS.
        certificate: Its own, self-signed.
    """

    address: str
    certificate: x509.Certificate


@contextmanager
def self_signed_backend(directory: Path, common_name: str = "127.0.0.1") -> Iterator[Backend]:
    """A backend with a self-signed certificate of which the common name is its address, as OpenSSL makes it."""
    certificate, private = directory / "backend.crt", directory / "backend.key"
    made = openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", private, "-out", certificate),
        *("-days", "365", "-subj", f"/CN={common_name}"),
    )
    assert 0 == made.returncode, made.stderr
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    with _Quiet(("127.0.0.1", 0), _Application) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            address = f"127.0.0.1:{server.server_address[1]}"
            yield Backend(address, x509.load_pem_x509_certificate(certificate.read_bytes()))
        finally:
            server.shutdown()
            thread.join()


class _Application(BaseHTTPRequestHandler):
    """Says who was let in, by each header of Revet's names that arrives, in lower case, and however often it does."""

    def do_GET(self) -> None:
        """Say it."""
        told = {name.lower() for name in self.headers if name.lower().startswith("x-revet-")}
        body = json.dumps({name: self.headers.get_all(name) for name in sorted(told)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


class _Quiet(HTTPServer):
    """Says nothing about handshakes that a client has broken off."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


def _accept(listener: socket.socket, target: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, target), daemon=True).start()


def _serve(client: socket.socket, target: tuple[str, int]) -> None:
    with client, contextlib.suppress(OSError), socket.create_connection(target) as server:
        back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
        back.start()
        _pass_on(client, server)
        back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while octets := source.recv(65_536):
            sink.sendall(octets)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
