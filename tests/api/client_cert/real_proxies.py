"""Envoy and Traefik, each in front of an application that answers with the headers that it was sent.

Rules: real programs on loopback, ended by whoever started them; the client verifies the server, and has the key of what
it presents.
"""

import http.client
import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization

from service.api.reply import Headers
from tests.api.client_cert.certificates import ROOT
from tests.e2e.running import until
from tests.pki import Authority, Issued, PrivateKey
from tests.ports import free_port

TIMEOUT_S: Final = 10
SERVERS: Final = Authority.root("Servers")
SERVER: Final = SERVERS.issue("proxy", san="DNS:localhost", extended_key_usage="serverAuth")

_TYPES: Final = "type.googleapis.com/envoy.extensions"


class _Echo(BaseHTTPRequestHandler):
    """Answers with the request's headers, as ASGI would have them."""

    def do_GET(self) -> None:
        """Answer."""
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        body = json.dumps(headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


@contextmanager
def application() -> Iterator[int]:
    """The application's port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(TIMEOUT_S)


def _pem_of(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass(frozen=True, slots=True)
class Client:
    """A client of a proxy.

    Attributes:
        directory: For its files.
        port: Where the proxy listens.
    """

    directory: Path
    port: int

    def sent(self, issued: Issued | None, *more: bytes, headers: Mapping[str, str] | None = None) -> Headers:
        """What the application is sent for a request of whoever has this certificate.

        Args:
            issued: The certificate, or None for none.
            more: DER of what is presented after it.
            headers: More of the request.
        """
        context = ssl.create_default_context(cadata=SERVERS.pem)
        if issued is not None:
            file = self.directory / f"client-{issued.serial}-{len(more)}.pem"
            chain = b"".join(ssl.DER_cert_to_PEM_cert(der).encode() for der in (issued.der, *more))
            file.write_bytes(_pem_of(issued.key) + chain)
            context.load_cert_chain(file)
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=TIMEOUT_S, context=context)
        try:
            connection.request("GET", "/", headers=dict(headers or {}))
            answer = connection.getresponse()
            body = answer.read()
            assert http.client.OK == answer.status, (answer.status, body)
        finally:
            connection.close()
        return [(name.encode(), value.encode("latin-1")) for name, value in json.loads(body)]


@contextmanager
def envoy(directory: Path, upstream: int, details: Mapping[str, bool]) -> Iterator[Client]:
    """Envoy that tells `upstream` of its clients what the options say."""
    port = free_port()
    configuration = directory / f"envoy-{port}.json"
    configuration.write_text(json.dumps(_envoy(_files(directory), port, upstream, details)))
    alone = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning")
    with _started(("envoy", "--config-path", str(configuration), *alone), directory, port) as client:
        yield client


@contextmanager
def traefik(directory: Path, upstream: int) -> Iterator[Client]:
    """Traefik that tells `upstream` of its clients with passTLSClientCert."""
    port, files = free_port(), _files(directory)
    routes = directory / f"routes-{port}.yml"
    routes.write_text(json.dumps(_traefik(files, upstream)))
    static = directory / f"traefik-{port}.yml"
    static.write_text(
        json.dumps(
            {
                "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
                "entryPoints": {"clients": {"address": f"127.0.0.1:{port}"}},
                "providers": {"file": {"filename": str(routes)}},
            }
        )
    )
    with _started(("traefik", f"--configfile={static}"), directory, port) as client:
        yield client


@contextmanager
def _started(command: tuple[str, ...], directory: Path, port: int) -> Iterator[Client]:
    beside = Path(sys.executable).parent / command[0]
    program = str(beside) if beside.exists() else shutil.which(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    log = directory / f"{command[0]}-{port}.log"
    client = Client(directory, port)
    with log.open("wb") as output:
        process = subprocess.Popen((program, *command[1:]), cwd=directory, stdout=output, stderr=output)
        try:
            until(lambda: _answers(client) or process.poll() is not None, "the proxy answers")
            assert process.poll() is None, log.read_text()
            yield client
        finally:
            process.terminate()
            try:
                process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(client: Client) -> bool:
    try:
        client.sent(None)
    except (OSError, http.client.HTTPException, AssertionError):
        return False
    return True


def _files(directory: Path) -> Mapping[str, str]:
    contents = {
        "server.pem": SERVER.pem.encode(),
        "server.key": _pem_of(SERVER.key),
        "clients-ca.pem": ROOT.pem.encode(),
    }
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return {name: str(directory / name) for name in contents}


def _envoy(files: Mapping[str, str], port: int, upstream: int, details: Mapping[str, bool]) -> dict[str, Any]:
    tls, manager = _envoy_tls(files), _envoy_manager(details)
    listener = {
        "name": "clients",
        "address": _address(port),
        "filter_chains": [
            {
                "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
                "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
            }
        ],
    }
    endpoint = {"endpoint": {"address": _address(upstream)}}
    cluster = {
        "name": "application",
        "load_assignment": {"cluster_name": "application", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _envoy_tls(files: Mapping[str, str]) -> dict[str, Any]:
    """Any client certificate is taken: who is to judge it is behind."""
    return {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": files["server.pem"]},
                    "private_key": {"filename": files["server.key"]},
                }
            ],
            "validation_context": {
                "trusted_ca": {"filename": files["clients-ca.pem"]},
                "trust_chain_verification": "ACCEPT_UNTRUSTED",
            },
        },
    }


def _envoy_manager(details: Mapping[str, bool]) -> dict[str, Any]:
    """Everything goes to the application, with these details of the certificate."""
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"},
    }
    return {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "clients",
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": dict(details),
        "http_filters": [router],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "application"}}],
                }
            ]
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _traefik(files: Mapping[str, str], upstream: int) -> dict[str, Any]:
    return {
        "http": {
            "routers": {
                "all": {"rule": "PathPrefix(`/`)", "service": "application", "middlewares": ["tell"], "tls": {}}
            },
            "middlewares": {"tell": {"passTLSClientCert": {"pem": True}}},
            "services": {
                "application": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{upstream}"}]}},
            },
        },
        "tls": {
            "certificates": [{"certFile": files["server.pem"], "keyFile": files["server.key"]}],
            "options": {"default": {"clientAuth": {"clientAuthType": "RequestClientCert"}}},
        },
    }
