"""Backends behind the gateway: which certificates are taken, and what they get."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from service.demo.gateway.authorization import Permission
from service.demo.gateway.integration import IntegrationError, Proxy
from service.demo.gateway.own_certificate import OwnCertificate, make_own_certificate
from service.demo.gateway.parameters import IDENTITY
from tests.demo.conftest import CLOCK
from tests.demo.gateway.clients import a_request
from tests.demo.openssl import openssl

PERMISSION = Permission({"code": "ok", "subject": "CN=東京"})


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked."""

    def do_GET(self) -> None:
        """Say it."""
        body = f"{self.path} {self.headers['x-revet-code']} {self.headers['x-revet-subject']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


class Quiet(HTTPServer):
    """Says nothing of failed handshakes."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


def backend(certificate: Path, key: Path) -> HTTPServer:
    """An HTTPS server on loopback."""
    server = Quiet(("127.0.0.1", 0), Echo)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def self_signed(directory: Path, common_name: str) -> tuple[Path, Path]:
    """A self-signed certificate with nothing but a common name, as `openssl req -x509` makes it, and its key."""
    directory.mkdir()
    certificate, key = directory / "server.crt", directory / "server.key"
    made = openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", key, "-out", certificate),
        *("-days", "365", "-subj", f"/CN={common_name}"),
    )
    assert 0 == made.returncode, made.stderr
    return certificate, key


@pytest.fixture(scope="module")
def by_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, OwnCertificate]]:
    """A backend whose certificate a private authority signed, and its files."""
    own = make_own_certificate(tmp_path_factory.mktemp("backend"), ("127.0.0.1",), CLOCK.now())
    server = backend(own.certificate, own.key)
    yield f"https://127.0.0.1:{server.server_address[1]}", own
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def by_itself(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, x509.Certificate]]:
    """A backend with a self-signed certificate whose common name is its IP address, and that certificate."""
    certificate, key = self_signed(tmp_path_factory.mktemp("self-signed") / "made", "127.0.0.1")
    server = backend(certificate, key)
    yield f"https://127.0.0.1:{server.server_address[1]}", x509.load_pem_x509_certificate(certificate.read_bytes())
    server.shutdown()
    server.server_close()


def test_a_backend_that_its_authority_vouches_for(by_authority: tuple[str, OwnCertificate]) -> None:
    """The request arrives with its query, and with what the authorizer said."""
    url, own = by_authority

    reply = Proxy.verified(url, own.authority.read_bytes()).mapping(IDENTITY)(a_request("/a", "q=1"), PERMISSION)

    assert (200, b"/a?q=1 ok CN=\\u6771\\u4eac") == (reply.status, reply.body)


def test_a_backend_that_nobody_vouches_for(
    by_authority: tuple[str, OwnCertificate], by_itself: tuple[str, x509.Certificate]
) -> None:
    """A self-signed certificate is not taken: what API Gateway calls a path that cannot be built."""
    with pytest.raises(IntegrationError, match=r"self.signed"):
        Proxy.verified(by_itself[0], by_authority[1].authority.read_bytes())(a_request(), PERMISSION)


def test_the_certificate_that_was_chosen(by_itself: tuple[str, x509.Certificate]) -> None:
    """A self-signed certificate that its user has chosen is taken."""
    url, certificate = by_itself

    assert 200 == Proxy.pinning(url, certificate)(a_request(), PERMISSION).status


def test_another_certificate_than_the_one_that_was_chosen(
    tmp_path: Path, by_itself: tuple[str, x509.Certificate]
) -> None:
    """Another self-signed certificate of the same name is not taken."""
    certificate, _ = self_signed(tmp_path / "other", "127.0.0.1")
    other = x509.load_pem_x509_certificate(certificate.read_bytes())

    with pytest.raises(IntegrationError):
        Proxy.pinning(by_itself[0], other)(a_request(), PERMISSION)


def test_what_the_chosen_certificate_has_issued(tmp_path: Path) -> None:
    """OpenSSL's self-signed certificates are authorities too: one that such a certificate has issued is not taken."""
    chosen, authority_key = self_signed(tmp_path / "chosen", "127.0.0.1")
    certificate, key, request = (tmp_path / f"issued.{end}" for end in ("crt", "key", "csr"))
    for command in (
        ("req", "-new", "-newkey", "rsa:2048", "-noenc", "-keyout", key, "-out", request, "-subj", "/O=x/CN=127.0.0.1"),
        ("x509", "-req", "-in", request, "-CA", chosen, "-CAkey", authority_key, "-out", certificate),
    ):
        done = openssl(*command)
        assert 0 == done.returncode, done.stderr
    server = backend(certificate, key)
    try:
        proxy = Proxy.pinning(
            f"https://127.0.0.1:{server.server_address[1]}", x509.load_pem_x509_certificate(chosen.read_bytes())
        )
        with pytest.raises(IntegrationError, match="another certificate"):
            proxy(a_request(), PERMISSION)
    finally:
        server.shutdown()
        server.server_close()


def test_another_host_than_the_one_that_it_names(tmp_path: Path) -> None:
    """A chosen certificate counts for the host that it names: API Gateway looks at that too."""
    certificate, key = self_signed(tmp_path / "elsewhere", "10.0.3.21")
    server = backend(certificate, key)
    try:
        chosen = x509.load_pem_x509_certificate(certificate.read_bytes())
        with pytest.raises(IntegrationError, match="another certificate"):
            Proxy.pinning(f"https://127.0.0.1:{server.server_address[1]}", chosen)(a_request(), PERMISSION)
    finally:
        server.shutdown()
        server.server_close()


def test_no_backend() -> None:
    """A backend that is not there is an error of the integration."""
    with pytest.raises(IntegrationError):
        Proxy("http://127.0.0.1:9")(a_request(), PERMISSION)
