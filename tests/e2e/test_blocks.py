"""Blocks on a real service: in force on every worker, and still there after everything was killed."""

import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.running import PATIENCE_S, Service, running_service, until
from tests.pki import Authority, Issued
from tests.pki.clock import validity_of_now

ADMIN: Final = "an-administrators-token"
HEADERS: Final = {"authorization": f"Bearer {ADMIN}"}
VALIDITY: Final = validity_of_now()
ROOT: Final = Authority.root("Root", **VALIDITY)
LEAF: Final = ROOT.issue("leaf", **VALIDITY)
OTHER: Final = ROOT.issue("other", **VALIDITY)


@pytest.fixture
def trust_store(tmp_path: Path) -> Path:
    """Root alone."""
    path = tmp_path / "trust.pem"
    path.write_text(ROOT.pem)
    return path


@contextlib.contextmanager
def only(service: Service, worker: int) -> Iterator[None]:
    """One worker answers everything: the others stand still."""
    others = [pid for pid in service.children("worker") if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def block(service: Service, leaf: Issued, **more: object) -> str:
    """Block a certificate; its id."""
    body = {"issuer": "CN=Root", "serial_number": f"{leaf.serial:x}", "reason": "stolen", **more}
    answer = httpx.post(f"{service.url}/v1/blocks", json=body, headers=HEADERS, timeout=10)
    assert httpx.codes.CREATED == answer.status_code, answer.text
    return str(answer.json()["id"])


def code(service: Service, leaf: Issued) -> str:
    """What is said of a certificate, by whichever worker answers."""
    answer: dict[str, Any] = httpx.post(
        f"{service.url}/v1/validate", json={"certificate": leaf.pem}, headers=HEADERS, timeout=10
    ).json()
    return str(answer["code"])


def test_every_worker_denies_at_once(tmp_path: Path, trust_store: Path) -> None:
    """The one that was told, and the other one, which has just allowed it and keeps its verdict; and both forget it."""
    with running_service(tmp_path, trust_store, {"REVET_ADMIN_TOKENS": ADMIN}) as service:
        told, other = service.children("worker")
        for worker in (told, other):
            with only(service, worker):
                assert ["ok", "ok"] == [code(service, LEAF), code(service, LEAF)]
        with only(service, told):
            made = block(service, LEAF)
            assert "blocked" == code(service, LEAF)
        with only(service, other):
            assert ["blocked", "ok"] == [code(service, LEAF), code(service, OTHER)]
            assert b"revet_blocks 1.0" in httpx.get(f"{service.url}/metrics", timeout=10).content
            gone = httpx.delete(f"{service.url}/v1/blocks/{made}", headers=HEADERS, timeout=10)
            assert httpx.codes.NO_CONTENT == gone.status_code
            assert "ok" == code(service, LEAF)
        with only(service, told):
            assert "ok" == code(service, LEAF)
    log = (tmp_path / "service.log").read_text()
    assert all(event in log for event in ("block_added", "block_removed", made, "stolen"))
    assert ADMIN not in log


def test_blocks_survive_the_death_of_everything(tmp_path: Path, trust_store: Path) -> None:
    """Every process is killed as soon as the last 201 is answered; what is started then denies with its first answer.

    They come in several at a time, to both workers: writers of two processes wait for each other.
    """
    settings = {"REVET_ADMIN_TOKENS": ADMIN}
    leaves = [LEAF, *(ROOT.issue(f"leaf {number}", **VALIDITY) for number in range(11))]
    with running_service(tmp_path, trust_store, settings) as service, ThreadPoolExecutor(4) as threads:
        everybody = [service.process.pid, *service.children("worker"), *service.children("prefetcher")]
        made = set(threads.map(partial(block, service), leaves))
        for pid in everybody:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        service.process.wait(PATIENCE_S)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody[1:]), "nobody is left")
    with running_service(tmp_path, trust_store, settings, awaiting="answers") as service:
        assert ["blocked", "ok"] == [code(service, LEAF), code(service, OTHER)]
        assert {"blocked"} == {code(service, leaf) for leaf in leaves}
        listed = httpx.get(f"{service.url}/v1/blocks", headers=HEADERS, timeout=10).json()["blocks"]
        assert made == {one["id"] for one in listed}
