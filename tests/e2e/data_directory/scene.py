"""Who is asked about in these tests: a CA with a CRL and a responder, both on loopback, and a service with its data."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx

from service.processes.exit_code import EXIT_CONFIGURATION
from service.processes.signals import END_SIGNAL
from tests.adapters.metrics_reader import value
from tests.e2e.running import PATIENCE_S, ROOT, Service, logged, until
from tests.pki import Authority, Issued
from tests.pki.certificate import CertificateOverrides
from tests.pki.clock import now, validity_of_now
from tests.ports import free_port

ADMIN: Final = "an-administrators-token"

HEADERS: Final = {"authorization": f"Bearer {ADMIN}"}

HELD_NUMBER: Final = 7
"""Of the CRL that is published first."""


@dataclass(slots=True)
class Scene:
    """A CA, what it publishes, and how often it was asked.

    Attributes:
        root: The CA.
        good: A certificate with a distribution point.
        revoked: One that its CRLs list.
        by_ocsp: One with a responder.
        crl: What is published; None is an error.
        asked: How often anything was asked for.
    """

    root: Authority
    good: Issued
    revoked: Issued
    by_ocsp: Issued
    crl: bytes | None = None
    asked: int = 0
    settings: dict[str, str] = field(default_factory=dict)

    def numbered(self, number: int, minutes: int = 0, *, revoked: bool = True, entries: int = 0) -> bytes:
        """A CRL with this number that begins so many minutes from now."""
        listed = [*([self.revoked.serial] if revoked else []), *range(1, entries + 1)]
        this_update = now() + timedelta(minutes=minutes - 60)
        return self.root.crl(
            number=number, revoked=listed, this_update=this_update, next_update=this_update + timedelta(days=1)
        )

    def answer(self) -> bytes:
        """What the responder says: that all is well."""
        this_update = now() - timedelta(minutes=5)
        return self.root.ocsp(
            self.by_ocsp, this_update=this_update, next_update=now() + timedelta(days=1), produced_at=this_update
        )


@contextmanager
def a_scene(tmp_path: Path) -> Iterator[Scene]:
    """It publishes a CRL with `HELD_NUMBER`, until the block is left."""
    scenes: list[Scene] = []

    class Handler(BaseHTTPRequestHandler):
        """Answers with the CRL, or for the responder."""

        def do_GET(self) -> None:
            """The CRL, or what the responder says."""
            scene = scenes[0]
            scene.asked += 1
            body = scene.crl if self.path.endswith(".crl") else scene.answer()
            self.send_response(503 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def do_POST(self) -> None:
            """The responder."""
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        url = f"http://127.0.0.1:{server.server_address[1]}"
        scenes.append(_made(tmp_path, url))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield scenes[0]
        finally:
            server.shutdown()
            thread.join()


def _made(tmp_path: Path, url: str) -> Scene:
    valid = validity_of_now()
    root = Authority.root("Root", **valid)
    by_crl: CertificateOverrides = {**valid, "crl_urls": [f"{url}/root.crl"]}
    by_ocsp: CertificateOverrides = {**valid, "ocsp_urls": [f"{url}/ocsp"]}
    good, revoked = (root.issue(name, **by_crl) for name in ("good", "revoked"))
    scene = Scene(root, good, revoked, root.issue("by OCSP", **by_ocsp))
    scene.crl = scene.numbered(HELD_NUMBER)
    (tmp_path / "trust.pem").write_text(root.pem)
    scene.settings = {"REVET_ADMIN_TOKENS": ADMIN, "REVET_LOG_FORMAT": "json"}
    return scene


def refusal(tmp_path: Path, settings: Mapping[str, str], inside: tuple[str, ...] = ()) -> str:
    """What a service says that does not start; exit code 78 is taken for granted."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    own = {
        "REVET_PORT": str(free_port()),
        "REVET_DATA_DIR": str(tmp_path / "data"),
        "REVET_TRUST_STORE": str(tmp_path / "trust.pem"),
    }
    ended = subprocess.run(
        (*inside, sys.executable, "-m", "service", "serve"),
        cwd=ROOT,
        env={**foreign, **own, **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert EXIT_CONFIGURATION == ended.returncode, ended.stderr
    return ended.stderr


def deaths(tmp_path: Path) -> list[object]:
    """By which signals processes of the service have died; those that were starting when it ended are ended by one."""
    were_ready = {event["pid"] for event in logged(tmp_path, "child_ready")}
    return [
        event["signal"]
        for event in logged(tmp_path, "child_died")
        if "signal" in event and (event["pid"] in were_ready or event["signal"] != END_SIGNAL.name)
    ]


def killed(service: Service) -> None:
    """Kill every process of it at once, and wait until none is left."""
    everybody = [service.process.pid, *service.children("worker"), *service.children("prefetcher")]
    for pid in everybody:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    service.process.wait(PATIENCE_S)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody[1:]), "nobody is left")


def shown(service: Service, metric: str) -> float:
    """The value of a metric without labels, whichever worker is asked."""
    return value(httpx.get(f"{service.url}/metrics", timeout=20).content, metric) or 0.0


def code(service: Service, leaf: Issued) -> str:
    """What is said of a certificate; of one that nothing is said of, the kind of the problem."""
    answer = _answer(service, leaf)
    return str(answer["code"] if "code" in answer else answer["type"])


def detail(service: Service, leaf: Issued) -> str:
    """The sentence beside the code."""
    return str(_answer(service, leaf)["detail"])


def _answer(service: Service, leaf: Issued) -> dict[str, Any]:
    request = {"certificate": leaf.pem}
    answer = httpx.post(f"{service.url}/v1/validate", json=request, headers=HEADERS, timeout=20)
    return dict(answer.json())


def block(service: Service, leaf: Issued) -> httpx.Response:
    """What is answered to who wants a certificate blocked."""
    body = {"issuer": "CN=Root", "serial_number": f"{leaf.serial:x}", "reason": "stolen"}
    return httpx.post(f"{service.url}/v1/blocks", json=body, headers=HEADERS, timeout=20)


def unblock(service: Service, block_id: str) -> httpx.Response:
    """What is answered to who wants it blocked no longer."""
    return httpx.delete(f"{service.url}/v1/blocks/{block_id}", headers=HEADERS, timeout=20)


def blocks(service: Service) -> list[str]:
    """Which blocks there are."""
    listed = httpx.get(f"{service.url}/v1/blocks", headers=HEADERS, timeout=20).json()["blocks"]
    return [str(one["id"]) for one in listed]
