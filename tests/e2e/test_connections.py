"""Whoever holds connections open holds nothing that others need, in a service that runs."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.running import Service, running_service
from tests.pki import Authority

ROOT: Final = Authority.root("Root")

FILES: Final = 800
"""Open files that each process of the service may have: a little more than are kept for other things."""

OUTSIDERS: Final = FILES + 100

WITH_FEW_FILES: Final = ("prlimit", f"--nofile={FILES}:{FILES}")


@pytest.fixture
def trust_store(tmp_path: Path) -> Path:
    """One root."""
    path = tmp_path / "trusted.pem"
    path.write_text(ROOT.pem)
    return path


@contextmanager
def outsiders(service: Service, sent: bytes) -> Iterator[list[socket.socket]]:
    """Many who connect, send this, and nothing more."""
    host, port = service.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(socket.create_connection((host, int(port))))) for _ in range(OUTSIDERS)]
        for one in clients:
            one.sendall(sent)
        yield clients


@pytest.mark.parametrize("sent", [b"", b"POST /v1/validate HTTP/1.1\r\nhost: localhost\r\n"], ids=["nothing", "half"])
def test_whoever_connects_and_asks_nothing_keeps_nobody_out(tmp_path: Path, trust_store: Path, sent: bytes) -> None:
    """More connections than the process may have files: probes are answered at once, requests when it is their turn."""
    settings = {"REVET_WORKERS": "1"}
    with (
        running_service(tmp_path, trust_store, settings, management=True, inside=WITH_FEW_FILES) as service,
        outsiders(service, sent),
    ):
        for _ in range(5):
            assert 200 == httpx.get(f"{service.management_url}/readyz", timeout=5).status_code
        leaf = ROOT.issue("leaf").pem
        answer = httpx.post(f"{service.url}/v1/validate", json={"certificate": leaf}, timeout=60)
        assert 200 == answer.status_code
        page = httpx.get(f"{service.management_url}/metrics", timeout=5).text
        assert 'revet_connections_ended_total{why="crowded"} 0.0' not in page
    log = (tmp_path / "service.log").read_text()
    assert '"event": "connections_full"' in log
    assert "Too many open files" not in log


def test_a_head_that_does_not_come_is_told_so(tmp_path: Path, trust_store: Path) -> None:
    """In the time that the operator has set."""
    with running_service(tmp_path, trust_store, {"REVET_HEAD_TIMEOUT_S": "0.5"}) as service:
        host, port = service.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
            with connection.makefile("rb") as stream:
                told = stream.read()
        assert told.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"0.5 seconds" in told
        page = httpx.get(f"{service.management_url}/metrics", timeout=5).text
        assert 'revet_connections_ended_total{why="head"} 1.0' in page
