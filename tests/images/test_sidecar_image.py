"""The sidecar's image: user 10101 on a read-only root, TLS in front of an application, asking the service's image."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.running import until
from tests.images.building import Image
from tests.images.conftest import API_TOKEN, Material
from tests.images.running import Container, Wanted, running
from tests.images.test_service_image import PYTHON, await_ready, wanted

pytestmark = pytest.mark.slow

RUN_DIRECTORY: Final = "/run/revet-sidecar"

APPLICATION: Final = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.headers.get("X-Revet-Subject", "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", 9000), Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Front:
    """A sidecar in front of an application, in the network of a service."""

    sidecar: Container
    material: Material

    def get(self, *options: str, client: str | None = None) -> tuple[str, str]:
        """Status and body, for a client that shows a certificate or none."""
        files = self.material.directory
        shown = ("--cert", str(files / f"{client}.pem"), "--key", str(files / f"{client}.key")) if client else ()
        curl = ("curl", "-q", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", str(files / "trust.pem"))
        enter = ("nsenter", "--target", str(self.sidecar.pid), "--net")
        command = (*enter, *curl, *shown, *options, "--write-out", "\n%{http_code}", "https://localhost:8443/orders")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + self.sidecar.log.read_text()
        body, _, status = done.stdout.rpartition("\n")
        return status, body


def sidecar_wanted(material: Material, beside: Container) -> Wanted:
    """How an operator runs it."""
    environment = {
        "REVET_SIDECAR_MODE": "nlb",
        "REVET_URL": "http://127.0.0.1:8080",
        "REVET_SIDECAR_READY_URL": "http://127.0.0.1:9090/readyz",
        "REVET_TOKEN_FILE": f"{material.path}/api-tokens",
        "REVET_TIMEOUT_MS": "8000",
        "REVET_SIDECAR_UPSTREAM": "http://127.0.0.1:9000",
        "REVET_SIDECAR_TLS_CERT": f"{material.path}/server.pem",
        "REVET_SIDECAR_TLS_KEY": f"{material.path}/server.key",
        "REVET_SIDECAR_WORKERS": "1",
    }
    volumes = {RUN_DIRECTORY: "uid=10101,gid=10101,mode=0700"}
    return Wanted(environment=environment, files={material.path: material.directory}, volumes=volumes, beside=beside)


@pytest.fixture(scope="module")
def service(service_image: Image, material: Material, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A service, and beside it an application."""
    place = tmp_path_factory.mktemp("service")
    with ExitStack() as stack:
        started = stack.enter_context(running(service_image, place, wanted(material)))
        application = Wanted(entrypoint=(PYTHON, "-c", APPLICATION), command=(), beside=started)
        stack.enter_context(running(service_image, place, application))
        await_ready(started)
        yield started


@pytest.fixture(scope="module")
def front(
    sidecar_image: Image, service: Container, material: Material, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """A sidecar that runs."""
    with running(sidecar_image, tmp_path_factory.mktemp("sidecar"), sidecar_wanted(material, service)) as started:
        until(lambda: started.process.poll() is not None or started.healthy(), "the sidecar is healthy")
        assert started.process.poll() is None, started.log.read_text()
        yield Front(started, material)


def test_lets_through_what_the_service_allows(front: Front) -> None:
    """The application sees who it is; a revoked certificate is a 403, and none a 401."""
    good, revoked, nobody = front.get(client="good"), front.get(client="revoked"), front.get()

    assert ("200", "CN=good") == good
    assert ("403", "revoked") == (revoked[0], json.loads(revoked[1])["code"])
    assert ("401", "no_certificate") == (nobody[0], json.loads(nobody[1])["code"])


def test_is_nobody_in_particular(front: Front) -> None:
    """Every process of it is user 10101, without capabilities, on a root file system that cannot be written."""
    for pid in front.sidecar.processes():
        status = Path(f"/proc/{pid}/status").read_text().split()
        assert ["10101"] * 4 == status[status.index("Uid:") + 1 : status.index("Uid:") + 5]
        assert "0" * 16 == status[status.index("CapEff:") + 1]
    assert "Read-only" in front.sidecar.run("/bin/sh", "-c", "touch /opt/revet-sidecar/x").stderr


def test_writes_its_log_to_its_output(front: Front) -> None:
    """What runtimes collect: a line of JSON for each request, and no token."""
    front.get(client="good")
    until(lambda: '"decision":"allow"' in front.sidecar.log.read_text(), "the request is in the log")

    assert API_TOKEN not in front.sidecar.log.read_text()


def test_health_check_passes_and_fails(sidecar_image: Image, service: Container, tmp_path: Path, front: Front) -> None:
    """`HEALTHCHECK` is content while nginx answers, and not once it does not."""
    assert front.sidecar.healthy()
    elsewhere = {"REVET_SIDECAR_HEALTH_LISTEN": "127.0.0.1:1"}
    silent = Wanted(entrypoint=("/bin/sleep", "60"), command=(), environment=elsewhere, beside=service)
    with running(sidecar_image, tmp_path, silent) as container:
        assert not container.healthy()


def test_ends_when_it_is_told(sidecar_image: Image, service_image: Image, material: Material, tmp_path: Path) -> None:
    """Its stop signal ends it with 0, its workers too."""
    application = Wanted(entrypoint=(PYTHON, "-c", APPLICATION), command=())
    with (
        running(service_image, tmp_path, application) as alone,
        running(sidecar_image, tmp_path, sidecar_wanted(material, alone)) as container,
    ):
        until(lambda: container.process.poll() is not None or container.healthy(), "the sidecar is healthy")

        assert container.stop() == 0
