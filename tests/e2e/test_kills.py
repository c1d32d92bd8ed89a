"""Killed processes: the service is back, or wholly gone."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.running import PATIENCE_S, Service, running_service, until
from tests.pki import Authority
from tests.pki.clock import validity_of_now


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service."""
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(Authority.root("Root", **validity_of_now()).pem)
    with running_service(tmp_path, trust_store) as started:
        yield started


@pytest.mark.parametrize("kind", ["worker", "prefetcher"])
def test_a_killed_child_is_replaced(service: Service, kind: str) -> None:
    """The port answers all the while, and the same number of children serve again."""
    before = service.children(kind)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(service.children(kind)) == len(before) and before[0] not in service.children(kind), "replaced")
    until(service.is_ready, "ready again")


def test_all_workers_at_once(service: Service) -> None:
    """Connections wait at the socket until a worker is back."""
    for pid in service.children("worker"):
        os.kill(pid, signal.SIGKILL)
    until(service.answers, "answers again")


def test_nothing_is_left_of_a_killed_service(service: Service) -> None:
    """The supervisor is killed: its children end with it, and the port is free."""
    children = [*service.children("worker"), *service.children("prefetcher")]
    assert 3 == len(children)
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait(PATIENCE_S)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "the children are gone")
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_server((host, int(port))):
        pass


def test_sigterm_ends_it_in_order(service: Service) -> None:
    """Exit code 0, and nobody is left."""
    children = [*service.children("worker"), *service.children("prefetcher")]
    service.process.send_signal(signal.SIGTERM)
    assert 0 == service.process.wait(PATIENCE_S)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_nobody_waits_for_a_service_that_ends(service: Service) -> None:
    """While requests under way are finished, new connections are refused at once instead of queueing for nothing."""
    address = httpx.URL(service.url)
    with socket.create_connection((address.host, address.port or 0)) as unfinished:
        unfinished.sendall(b"POST /v1/validate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        until(service.answers, "the unfinished request was read, since a later one is answered")
        service.process.send_signal(signal.SIGTERM)
        until(lambda: _refused(address), "new connections are refused")
        unfinished.sendall(b"}" * 99)
        assert b"HTTP/1.1 400" == unfinished.recv(12)


def _refused(address: httpx.URL) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_connection((address.host, address.port or 0)).close()
    except ConnectionRefusedError:
        return True
    return False
