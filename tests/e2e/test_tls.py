"""HTTPS with a client CA: who presents no certificate of it is not let in."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.e2e.running import PATIENCE_S, Service, running_service
from tests.pki import Authority, CertificateOverrides, Issued
from tests.pki.clock import validity_of_now


def write(directory: Path, name: str, issued: Issued) -> tuple[Path, Path]:
    """A certificate and its key in files."""
    certificate, private_key = directory / f"{name}.pem", directory / f"{name}.key"
    certificate.write_text(issued.pem)
    private_key.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private_key


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, the service's certificate, and those of two callers, one of them of another CA."""
    place = tmp_path_factory.mktemp("tls")
    validity = validity_of_now()
    server: CertificateOverrides = {**validity, "san": ["IP:127.0.0.1"], "extended_key_usage": ["serverAuth"]}
    authority, stranger = Authority.root("Callers", **validity), Authority.root("Strangers", **validity)
    write(place, "ca", authority.issued)
    write(place, "server", authority.issue("server", **server))
    write(place, "caller", authority.issue("caller", **validity))
    write(place, "stranger", stranger.issue("stranger", **validity))
    return place


@pytest.fixture(scope="module")
def service(directory: Path) -> Iterator[Service]:
    """A service on HTTPS, with its probes on a port of their own."""
    settings = {
        "REVET_TLS_CERT": str(directory / "server.pem"),
        "REVET_TLS_KEY": str(directory / "server.key"),
        "REVET_TLS_CLIENT_CA": str(directory / "ca.pem"),
        "REVET_WORKERS": "1",
    }
    with running_service(directory, directory / "ca.pem", settings, management=True) as started:
        yield started


def ask(service: Service, directory: Path, caller: str | None) -> httpx.Response:
    """One question over HTTPS."""
    context = ssl.create_default_context(cafile=directory / "ca.pem")
    if caller is not None:
        context.load_cert_chain(directory / f"{caller}.pem", directory / f"{caller}.key")
    with httpx.Client(verify=context, trust_env=False, timeout=PATIENCE_S) as client:
        body = {"certificate": (directory / "caller.pem").read_text()}
        return client.post(f"{service.url.replace('http:', 'https:')}/v1/validate", json=body)


def test_a_caller_of_the_ca(service: Service, directory: Path) -> None:
    """The certificate is all that is asked for."""
    assert "allow" == ask(service, directory, "caller").json()["decision"]


@pytest.mark.parametrize("caller", [None, "stranger"])
def test_anybody_else(service: Service, directory: Path, caller: str | None) -> None:
    """There is no answer of any kind."""
    with pytest.raises(httpx.TransportError):
        ask(service, directory, caller)


def test_probes_need_no_certificate(service: Service) -> None:
    """The management port is plain HTTP, and asks for nobody's certificate."""
    assert service.is_ready()
    assert "revet_build_info" in httpx.get(f"{service.management_url}/metrics", timeout=PATIENCE_S).text
