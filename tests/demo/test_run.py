"""The demonstration with the real service: what is printed is pasted into bash."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509

from tests.demo.running import ROOT, Showing, gone, until

pytestmark = pytest.mark.slow

STARTED_WITHIN_S: Final = 90.0


@pytest.fixture(scope="module")
def showing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showing]:
    """A demonstration that has told what to try."""
    directory = tmp_path_factory.mktemp("demonstration") / ".demo"
    one = Showing("service.demo", "--port", "0", "--directory", str(directory))
    one.url(STARTED_WITHIN_S)
    yield one
    one.end()


def lines(showing: Showing, start: str) -> list[str]:
    """The printed lines that begin so."""
    return [line for line in showing.output.splitlines() if line.startswith(start)]


def paste(line: str) -> subprocess.CompletedProcess[str]:
    """Do what a user does in the project's root."""
    return subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def asked(line: str) -> dict[str, Any]:
    """The answer to a pasted curl command."""
    done = paste(line)
    assert 0 == done.returncode, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def about(showing: Showing, client: str) -> dict[str, Any]:
    """The answer about another client."""
    (good, _) = lines(showing, "curl")
    return asked(good.replace("/good.json", f"/{client}.json"))


def test_curl_lines(showing: Showing) -> None:
    """The first one is allowed; the second is denied as revoked, with reason and date."""
    allowed, denied = map(asked, lines(showing, "curl"))

    assert ["allow", "good", "ok"] == [allowed[name] for name in ("decision", "status", "code")]
    assert ["deny", "revoked", "revoked"] == [denied[name] for name in ("decision", "status", "code")]
    revocation = denied["path"][0]["revocation"]
    assert ["revoked", "crl", "keyCompromise"] == [revocation[name] for name in ("status", "method", "reason")]
    crl = x509.load_der_x509_crl((_directory(showing) / "crl" / "sub.crl").read_bytes())
    (entry,) = crl
    assert f"{entry.revocation_date_utc:%Y-%m-%dT%H:%M:%SZ}" == revocation["revoked_at"]


@pytest.mark.parametrize(
    ("client", "decision", "code", "method", "reason"),
    [
        ("revoked-ocsp", "deny", "revoked", "ocsp", "superseded"),
        ("expired", "deny", "expired", None, None),
        ("foreign", "deny", "untrusted", None, None),
        ("ed25519", "allow", "ok", "crl", None),
        ("by-root", "allow", "ok", "crl", None),
    ],
)
def test_other_clients(
    showing: Showing, client: str, decision: str, code: str, method: str | None, reason: str | None
) -> None:
    """Each of the other certificates shows what it is there to show."""
    answer = about(showing, client)

    assert [decision, code] == [answer["decision"], answer["code"]], answer["detail"]
    if method is not None:
        revocation = answer["path"][0]["revocation"]
        assert [method, reason] == [revocation["method"], revocation.get("reason")]


def test_revet_lines(showing: Showing) -> None:
    """`revet check` says revoked with exit code 1; `revet explain` names the reason."""
    start = str(ROOT / ".venv")
    check, explain = [*lines(showing, ".venv"), *lines(showing, start)]

    checked, explained = paste(check), paste(explain)

    assert 1 == checked.returncode, checked.stderr
    assert "revoked" in checked.stdout
    assert "keyCompromise" in explained.stdout, explained.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_end(tmp_path: Path, number: signal.Signals) -> None:
    """After Ctrl-C, and also when the demonstration is killed, none of the service's processes is left."""
    showing = Showing("service.demo", "--port", "0", "--directory", str(tmp_path / ".demo"))
    try:
        showing.url(STARTED_WITHIN_S)
        pids = showing.started()
        assert len(pids) >= 3  # supervisor, worker, ingester

        if number is signal.SIGINT:
            showing.interrupt()
        else:
            showing.signal(number)

        code = showing.exit_code()
        assert (0 if number is signal.SIGINT else -number) == code, showing.output
        until(lambda: all(gone(pid) for pid in pids), "the service's end")
        assert "Traceback" not in showing.output
    finally:
        showing.end()


def _directory(showing: Showing) -> Path:
    (line, _) = lines(showing, "curl")
    return Path(line.partition("@")[2]).parents[1]
