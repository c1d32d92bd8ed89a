"""Certificate, key and client CA are replaced while two workers serve: no connection is lost, nobody gets in by it."""

import contextlib
import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.adapters.tls.materials import (
    NEW_CA,
    NEW_CALLER,
    OLD_CA,
    OLD_CALLER,
    client_context,
    connected,
    server_pair,
    write,
)
from tests.e2e.running import PATIENCE_S, Service, running_service, until, until_all_say
from tests.pki import Issued

FIRST, SECOND = server_pair("first"), server_pair("second")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Two workers on HTTPS that let in callers of two CAs, with probes on a port of their own."""
    write(tmp_path / "tls.crt", FIRST.certificate)
    write(tmp_path / "tls.key", FIRST.key)
    write(tmp_path / "ca.crt", (OLD_CA.issued.pem + NEW_CA.issued.pem).encode())
    write(tmp_path / "trusted.pem", OLD_CA.issued.pem.encode())
    settings = {
        "REVET_TLS_CERT": str(tmp_path / "tls.crt"),
        "REVET_TLS_KEY": str(tmp_path / "tls.key"),
        "REVET_TLS_CLIENT_CA": str(tmp_path / "ca.crt"),
    }
    with running_service(tmp_path, tmp_path / "trusted.pem", settings, management=True) as started:
        yield started


def client(service: Service, directory: Path, caller: Issued) -> httpx.Client:
    """A caller with one connection, who verifies the service."""
    url = service.url.replace("http:", "https:")
    return httpx.Client(base_url=url, verify=client_context(directory, caller), trust_env=False, timeout=PATIENCE_S)


def ask(caller: httpx.Client) -> str:
    """One verdict."""
    return str(caller.post("/v1/validate", json={"certificate": OLD_CALLER.pem}).json()["decision"])


def is_let_in(service: Service, directory: Path, caller: Issued) -> bool:
    """Whether a new connection of a caller gets an answer."""
    try:
        with client(service, directory, caller) as opened:
            return ask(opened) == "allow"
    except httpx.TransportError:
        return False


def certificate_shown(service: Service, directory: Path) -> bytes | None:
    """What a new connection is shown."""
    port = int(service.url.rpartition(":")[2])
    with connected(port, client_context(directory, NEW_CALLER)) as secured:
        return secured.getpeercert(binary_form=True)


def all_show(service: Service, directory: Path, certificate: bytes) -> bool:
    """Whether that is what a few connections are shown."""
    der = ssl.PEM_cert_to_DER_cert(certificate.decode())
    return all(certificate_shown(service, directory) == der for _ in range(8))


def ready(service: Service) -> tuple[int, str, str]:
    """Status, word and what is said of the files."""
    answer = httpx.get(f"{service.management_url}/readyz", timeout=PATIENCE_S)
    document = answer.json()
    return answer.status_code, document["status"], document["checks"]["files"]["detail"]


def metric(service: Service, name: str) -> float:
    """The value of one series."""
    lines = httpx.get(f"{service.management_url}/metrics", timeout=PATIENCE_S).text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


@pytest.mark.slow
def test_a_certificate_is_replaced(service: Service, tmp_path: Path) -> None:
    """New connections are shown the new one; one that exists goes on, and no request fails meanwhile."""
    with client(service, tmp_path, NEW_CALLER) as kept:
        first = ask(kept)
        write(tmp_path / "tls.key", SECOND.key)
        until_all_say(tmp_path, "file_refused", "REVET_TLS_CERT")
        halfway = ready(service)
        assert all_show(service, tmp_path, FIRST.certificate)
        write(tmp_path / "tls.crt", SECOND.certificate)
        until_all_say(tmp_path, "file_taken", "REVET_TLS_CERT")
        assert all_show(service, tmp_path, SECOND.certificate)
        assert (200, "ready", "") == ready(service)
        assert ("allow", "allow") == (first, ask(kept))
    problem = f"{tmp_path}/tls.crt cannot be used with {tmp_path}/tls.key: key values mismatch"
    assert (200, "degraded", f"REVET_TLS_CERT: {problem}") == halfway
    assert "PRIVATE KEY" not in (tmp_path / "service.log").read_text()


@pytest.mark.slow
def test_a_client_ca_is_removed(service: Service, tmp_path: Path) -> None:
    """Its callers get no new connection in any worker; one that they have goes on, and the others' callers too."""
    assert is_let_in(service, tmp_path, OLD_CALLER)
    with client(service, tmp_path, OLD_CALLER) as kept:
        ask(kept)
        write(tmp_path / "ca.crt", NEW_CA.issued.pem.encode())
        until_all_say(tmp_path, "file_taken", "REVET_TLS_CLIENT_CA")
        assert not any(is_let_in(service, tmp_path, OLD_CALLER) for _ in range(8))
        assert "allow" == ask(kept)
    assert is_let_in(service, tmp_path, NEW_CALLER)


@pytest.mark.slow
def test_a_worker_is_replaced_while_the_files_are_broken(service: Service, tmp_path: Path) -> None:
    """It serves with what the others have in force, and shuts out whom they shut out."""
    write(tmp_path / "ca.crt", NEW_CA.issued.pem.encode())
    until_all_say(tmp_path, "file_taken", "REVET_TLS_CLIENT_CA")
    (tmp_path / "tls.key").unlink()
    write(tmp_path / "ca.crt", b"")
    until_all_say(tmp_path, "file_refused", "REVET_TLS_CLIENT_CA")
    killed = service.children("worker")
    for pid in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(service.children("worker")) - set(killed)) == len(killed), "both are replaced")
    until(lambda: is_let_in(service, tmp_path, NEW_CALLER), "it serves again")
    until(service.is_ready, "it is ready again")
    assert (200, "degraded") == ready(service)[:2]
    assert not any(is_let_in(service, tmp_path, OLD_CALLER) for _ in range(8))
    assert 1.0 == metric(service, 'revet_file_problem{setting="REVET_TLS_CLIENT_CA"}')
    assert 0.0 < metric(service, "revet_tls_not_after_seconds")
    assert service.process.poll() is None
