"""Who has changed what, in a service that runs: in the log and in a file, through rotations, and with no room."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from service.processes.exit_code import EXIT_CONFIGURATION
from tests.e2e.running import ROOT as CHECKOUT
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority

ROOT: Final = Authority.root("Root")
CALLER, ADMIN = "callers-token-0123456789", "admins-token-0123456789"
BLOCK: Final = {"fingerprint_sha256": "ab" * 32, "reason": "Key stolen,\nticket 4711"}


@pytest.fixture
def trust_store(tmp_path: Path) -> Path:
    """One root."""
    path = tmp_path / "trusted.pem"
    path.write_text(ROOT.pem)
    return path


def ask(service: Service, method: str, path: str, document: object = None, token: str = ADMIN) -> httpx.Response:
    """A request over a connection of its own, with a name."""
    headers = {"authorization": f"Bearer {token}", "x-request-id": "request-1"}
    return httpx.request(method, f"{service.url}{path}", json=document, headers=headers, timeout=20)


def records(path: Path) -> list[dict[str, Any]]:
    """What is in the file, each on a line of its own."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def of_people(path: Path) -> list[tuple[str, str]]:
    """Actions and outcomes of what somebody has asked for."""
    return [(one["action"], one["outcome"]) for one in records(path) if one["peer"]]


def workers_with_a_trust_store(path: Path) -> set[int]:
    """Processes that have put one into force."""
    return {one["pid"] for one in records(path) if one["action"] == "trust_store_loaded"}


def settings(path: Path) -> dict[str, str]:
    """A service that writes down its changes there."""
    return {"REVET_API_TOKENS": CALLER, "REVET_ADMIN_TOKENS": ADMIN, "REVET_AUDIT_LOG": str(path)}


def test_changes_and_attempts(tmp_path: Path, trust_store: Path) -> None:
    """Both workers write to one file, and go on in a new one when that is moved away."""
    path = tmp_path / "audit.jsonl"
    with running_service(tmp_path, trust_store, settings(path)) as service:
        block = ask(service, "POST", "/v1/blocks", BLOCK).json()["id"]
        assert 204 == ask(service, "DELETE", f"/v1/blocks/{block}").status_code
        assert 403 == ask(service, "POST", "/v1/cache/purge", {"caches": ["ocsp"]}, CALLER).status_code
        assert 401 == ask(service, "POST", "/v1/refresh", None, "nobodys-token-0123456789").status_code
        expected = [("block_add", "begun"), ("block_add", "done"), ("block_remove", "begun"), ("block_remove", "done")]
        assert [*expected, ("cache_purge", "refused"), ("crl_refresh", "refused")] == of_people(path)
        added = next(one for one in records(path) if one["outcome"] == "done" and one["action"] == "block_add")
        assert ({**BLOCK, "block": block}, "127.0.0.1", "request-1") == (
            added["on"],
            added["peer"],
            added["request_id"],
        )
        assert added["by"].startswith("admin token ")
        assert 0o600 == path.stat().st_mode & 0o777
        until(lambda: 2 <= len(workers_with_a_trust_store(path)), "both workers have loaded the trust store")
        path.rename(tmp_path / "audit.jsonl.1")
        for _ in range(10):
            assert 200 == ask(service, "POST", "/v1/cache/purge", {"caches": ["ocsp"]}).status_code
        assert [("cache_purge", "begun"), ("cache_purge", "done")] * 10 == of_people(path)
        assert 6 == len(of_people(tmp_path / "audit.jsonl.1"))
    written = path.read_text() + (tmp_path / "audit.jsonl.1").read_text() + (tmp_path / "service.log").read_text()
    assert not [token for token in (CALLER, ADMIN, "nobodys-token") if token in written]
    log = [json.loads(line) for line in (tmp_path / "service.log").read_text().splitlines()]
    assert 14 == len([one for one in log if one["event"] == "audit" and one["logger"] == "revet.audit"])


def test_no_record_no_change_but_a_block(tmp_path: Path, trust_store: Path) -> None:
    """What cannot be written down does not happen; a block is in force all the same, and everybody is told."""
    directory = tmp_path / "logs"
    directory.mkdir()
    path = directory / "audit.jsonl"
    with running_service(tmp_path, trust_store, settings(path)) as service:
        earlier = ask(service, "POST", "/v1/blocks", BLOCK).json()["id"]
        path.rename(tmp_path / "audit.jsonl.1")
        path.mkdir()  # as good as a disk that is full, and root cannot write there either
        for request, document in (
            (f"DELETE /v1/blocks/{earlier}", None),
            ("POST /v1/cache/purge", {"caches": ["ocsp"]}),
            ("POST /v1/refresh", {}),
        ):
            method, where = request.split()
            refused = ask(service, method, where, document)
            assert (503, "1") == (refused.status_code, refused.headers["retry-after"])
            assert "audit-unavailable" in refused.json()["type"]
        later = ask(service, "POST", "/v1/blocks", {**BLOCK, "fingerprint_sha256": "cd" * 32})
        assert 201 == later.status_code
        held = [one["id"] for one in ask(service, "GET", "/v1/blocks").json()["blocks"]]
        assert [earlier, later.json()["id"]] == held
        until(lambda: "revet_audit_failures_total 5.0" in httpx.get(f"{service.url}/metrics").text, "five are counted")
        path.rmdir()
        assert 204 == ask(service, "DELETE", f"/v1/blocks/{earlier}").status_code
        assert [("block_remove", "begun"), ("block_remove", "done")] == of_people(path)
    log = (tmp_path / "service.log").read_text()
    assert 5 == log.count('"event": "audit_not_kept"')


@pytest.mark.parametrize("path", ["/dev/null", "/nowhere/audit.jsonl"])
def test_a_service_that_could_change_nothing_does_not_start(tmp_path: Path, trust_store: Path, path: str) -> None:
    """It says why."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    environment |= {
        "REVET_PORT": "0",
        "REVET_DATA_DIR": str(tmp_path / "data"),
        "REVET_TRUST_STORE": str(trust_store),
        "REVET_AUDIT_LOG": path,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "service", "serve"],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (EXIT_CONFIGURATION, True) == (ended.returncode, "REVET_AUDIT_LOG" in ended.stderr)
