"""Tokens come and go in their files while two workers serve: whoever is removed is refused by both."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from service.application.tokens import entry_of
from tests.adapters.tls.materials import OLD_CA, OLD_CALLER, write
from tests.e2e.running import PATIENCE_S, Service, running_service, until, until_all_say

FIRST: Final = "first-0123456789abcdef"
SECOND: Final = "second-0123456789abcdef"
ADMIN: Final = "admin-0123456789abcdef"
CALLERS_FILE: Final = "REVET_API_TOKENS_FILE"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Two workers who know one caller and one administrator, the one by his token, the other by its digest."""
    write(tmp_path / "callers", FIRST.encode())
    write(tmp_path / "admins", entry_of(ADMIN).encode())
    write(tmp_path / "trusted.pem", OLD_CA.issued.pem.encode())
    settings = {
        CALLERS_FILE: str(tmp_path / "callers"),
        "REVET_ADMIN_TOKENS_FILE": str(tmp_path / "admins"),
    }
    with running_service(tmp_path, tmp_path / "trusted.pem", settings) as started:
        yield started


def statuses(service: Service, token: str) -> set[int]:
    """What a few connections are answered."""
    headers, body = {"authorization": f"Bearer {token}"}, {"certificate": OLD_CALLER.pem}
    url = f"{service.url}/v1/validate"
    return {httpx.post(url, json=body, headers=headers, timeout=PATIENCE_S).status_code for _ in range(12)}


def ready(service: Service) -> tuple[int, str, str]:
    """Status, word and what is said of the files."""
    answer = httpx.get(f"{service.url}/readyz", timeout=PATIENCE_S)
    document = answer.json()
    return answer.status_code, document["status"], document["checks"]["files"]["detail"]


@pytest.mark.slow
def test_a_token_is_changed(service: Service, tmp_path: Path) -> None:
    """Both count for a while, then the old one does not, on a connection that exists either."""
    assert [{200}, {401}, {200}] == [statuses(service, token) for token in (FIRST, SECOND, ADMIN)]
    headers, body = {"authorization": f"Bearer {FIRST}"}, {"certificate": OLD_CALLER.pem}
    with httpx.Client(base_url=service.url, headers=headers, timeout=PATIENCE_S) as kept:
        assert 200 == kept.post("/v1/validate", json=body).status_code
        write(tmp_path / "callers", f"{FIRST}\n{entry_of(SECOND)}\n".encode())
        until_all_say(tmp_path, "file_taken", CALLERS_FILE)
        assert [{200}, {200}] == [statuses(service, token) for token in (FIRST, SECOND)]
        write(tmp_path / "callers", entry_of(SECOND).encode())
        until_all_say(tmp_path, "file_taken", CALLERS_FILE, 4)
        assert {401} == statuses(service, FIRST)
        assert 401 == kept.post("/v1/validate", json=body).status_code
    assert {200} == statuses(service, SECOND)


@pytest.mark.slow
def test_files_are_broken_and_workers_are_replaced(service: Service, tmp_path: Path) -> None:
    """What was last in force stays in force, also in workers that are started meanwhile, and no token is told."""
    write(tmp_path / "callers", SECOND.encode())
    until_all_say(tmp_path, "file_taken", CALLERS_FILE)
    write(tmp_path / "callers", f"{SECOND}\n{ADMIN}\n".encode())
    (tmp_path / "admins").unlink()
    until_all_say(tmp_path, "file_refused", "REVET_ADMIN_TOKENS_FILE")
    killed = service.children("worker")
    for pid in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(service.children("worker")) - set(killed)) == len(killed), "both are replaced")
    until(service.is_ready, "it is ready again")
    assert [{401}, {200}, {200}] == [statuses(service, token) for token in (FIRST, SECOND, ADMIN)]
    status, word, detail = ready(service)
    assert (200, "degraded") == (status, word)
    assert f"REVET_ADMIN_TOKENS_FILE: {tmp_path}/admins: it does not exist" in detail
    assert f"REVET_API_TOKENS_FILE: {tmp_path}/callers: a token of it is one of REVET_ADMIN_TOKENS_FILE too" in detail
    assert service.process.poll() is None
    log = (tmp_path / "service.log").read_text()
    assert "file_refused" in log
    assert not [token for token in (FIRST, SECOND, ADMIN) if token in log or entry_of(token)[7:] in log]
