"""deploy/compose.yaml as far as it runs without a container daemon: our images, with Debian's Redis and Prometheus.

Grafana is not run, and no image of others is. Networks, published ports and the order of starting are the runtime's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from service.settings.cores import allowed_cores
from tests.docs.console import commands, is_same
from tests.docs.pages import blocks, page
from tests.docs.shell import shell
from tests.e2e.running import PATIENCE_S, events_in, until
from tests.images.building import Image
from tests.images.composing import Composition
from tests.images.running import Container, running

pytestmark = pytest.mark.slow

PAGE: Final = "container.md"

PROMETHEUS: Final = "127.0.0.1:9099"
"""Where it listens here: its own port is the service's, in one network."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs."""

    made: Composition
    revet: Container
    sidecar: Container

    def inside(self, *command: str | Path) -> str:
        """What a program of this machine prints in their network."""
        enter = ("nsenter", "--target", str(self.revet.pid), "--net")
        done = subprocess.run((*enter, *command), capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def curl(self, *options: str | Path) -> str:
        """What curl prints, as on the host: by the name `localhost`."""
        common = ("curl", "-q", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", self.made.demo / "ca.pem")
        return self.inside(*common, *options)

    def api(self, path: str, *options: str) -> Any:  # noqa: ANN401 - JSON
        """What the API answers."""
        bearer = f"authorization: Bearer {(self.made.demo / 'secrets/api-token').read_text()}"
        return json.loads(self.curl("-H", bearer, *options, f"https://localhost:8080{path}"))

    def status(self, token: str) -> str:
        """The status of an answer to whoever has a token."""
        bearer = f"authorization: Bearer {token}"
        return self.curl("-o", "/dev/null", "-w", "%{http_code}", "-H", bearer, "https://localhost:8080/v1/stats")

    def verdict(self, name: str) -> str:
        """What `POST /v1/validate` decides."""
        body = ("-H", "content-type: application/json", "-d", f"@{self.made.demo / name}.json")
        return str(self.api("/v1/validate", *body)["decision"])

    def taken(self, setting: str) -> int:
        """How often workers have said that another content of the file of a setting is in force."""
        return sum(one["setting"] == setting for one in events_in(self.revet.log, "file_taken"))

    def behind_the_sidecar(self, name: str) -> tuple[str, str]:
        """Status and body, for a client with a certificate."""
        client = self.made.demo / "clients" / name
        shown = ("--cert", f"{client}.pem", "--key", f"{client}.key")
        body, _, status = self.curl(*shown, "-w", "\n%{http_code}", "https://localhost:8443/").rpartition("\n")
        return status, body


@contextmanager
def program(container: Container, command: Sequence[str | Path], log: Path) -> Iterator[None]:
    """Run a program of this machine in a container's network until the block is left."""
    enter = ("nsenter", "--target", str(container.pid), "--net")
    with log.open("wb") as output:
        process = subprocess.Popen((*enter, *command), stdout=output, stderr=output, cwd=log.parent)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def run(service_image: Image, sidecar_image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The composition, started in the order that `depends_on` asks for."""
    place = tmp_path_factory.mktemp("running")
    made = Composition.copied(place)
    hosts = place / "hosts"
    hosts.write_text("127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {name}\n" for name in made.services))
    redis = [made.translated("redis", word) for word in made.services["redis"]["command"]]
    with ExitStack() as stack:
        application = stack.enter_context(running(service_image, _log(place, "a"), made.wanted("application", hosts)))
        stack.enter_context(program(application, [*redis, "--bind", "127.0.0.1"], _log(place, "r") / "redis.log"))
        revet = running(service_image, _log(place, "s"), made.wanted("revet", hosts, application))
        service = stack.enter_context(revet)
        _, *health = made.services["revet"]["healthcheck"]["test"]
        until(lambda: service.process.poll() is not None or service.run(*health).returncode == 0, "it is healthy")
        assert service.process.poll() is None, service.log.read_text()
        nginx = stack.enter_context(running(sidecar_image, _log(place, "n"), made.wanted("sidecar", hosts, service)))
        until(lambda: nginx.process.poll() is not None or nginx.healthy(), "the sidecar is healthy")
        assert nginx.process.poll() is None, nginx.log.read_text()
        yield Running(made, service, nginx)


def _log(place: Path, name: str) -> Path:
    directory = place / f"log-{name}"
    directory.mkdir()
    return directory


def test_what_the_page_shows(run: Running) -> None:
    """Each command of it prints what stands below it: two verdicts, the front door, a revocation, a new certificate."""
    shown = [command for block in blocks(page(PAGE), "console") for command in commands(block)]
    assert len(shown) > 8

    with shell(run.made.file.parents[1], os.environ) as typed:
        # Where ports are published, the host's loopback is the services'.
        typed.run(f"curl() {{ nsenter --target {run.revet.pid} --net curl -q -sS --noproxy '*' \"$@\"; }}")
        for command in shown:
            printed = typed.run(command.line)
            assert is_same(command.expected, printed), f"$ {command.line}\n{printed}"
            if command.line.startswith("sleep"):
                until(lambda: run.verdict("good") == "deny", "a machine that is busy has come round to the CRL")


def test_who_is_revoked_does_not_get_in(run: Running) -> None:
    """The application is not asked, and the answer says why."""
    status, body = run.behind_the_sidecar("revoked")

    assert ("403", "revoked") == (status, json.loads(body)["code"])


@contextmanager
def replaced(run: Running, setting: str, *files: tuple[Path, str]) -> Iterator[None]:
    """Other contents in files until the block is left, each put there by renaming, as most tools do.

    Each worker looks for itself: none has the one content when the block is left, and none the other one afterwards.
    """
    before = [(file, file.read_text()) for file, _ in files]
    taken, workers = run.taken(setting), allowed_cores()

    def put(contents: Sequence[tuple[Path, str]]) -> None:
        for file, text in contents:
            new = file.with_name(f".{file.name}.new")
            new.write_text(text)
            new.replace(file)

    put(files)
    try:
        yield
        until(lambda: run.taken(setting) >= taken + workers, "every worker has the other one")
    finally:
        put(before)
    until(lambda: run.taken(setting) >= taken + 2 * workers, "every worker has it again")


def test_a_removed_token_opens_nothing(run: Running) -> None:
    """Soon after its line is gone from the file, which is another file then; the other token still opens."""
    tokens = run.made.demo / "revet/api-tokens"
    _, of_the_sidecar = tokens.read_text().splitlines(keepends=True)

    def status() -> str:
        return run.status((run.made.demo / "secrets/api-token").read_text())

    with replaced(run, "REVET_API_TOKENS_FILE", (tokens, of_the_sidecar)):
        until(lambda: status() == "401", "the token is forgotten")
        assert "200" == run.status((run.made.demo / "sidecar/api-token").read_text())
    assert "200" == status()


def test_a_replaced_certificate_is_shown(run: Running) -> None:
    """Soon after both files are others: here the sidecar's, which is for `localhost` too."""
    revet, sidecar = (run.made.demo / name for name in ("revet", "sidecar"))
    ask = "import ssl; print(ssl.get_server_certificate(('127.0.0.1', 8080)))"
    own, other = ((directory / "server.pem").read_text().strip() for directory in (revet, sidecar))

    def shown() -> str:
        return run.inside(sys.executable, "-I", "-c", ask).strip()

    names = ("server.pem", "server.key")
    with replaced(run, "REVET_TLS_CERT", *((revet / name, (sidecar / name).read_text()) for name in names)):
        until(lambda: shown() == other, "the new one is shown")
    assert own == shown()


def test_redis_is_in_use(run: Running) -> None:
    """With the user that may do no more than Revet needs; a token that was put back counts within two seconds."""
    until(lambda: "compose" in json.dumps(run.api("/v1/stats").get("fleet")), "the replica is in the fleet")
    ready = json.loads(run.curl("http://localhost:9090/readyz"))

    assert ("ready", True) == (ready["status"], ready["checks"]["fleet"]["ok"])


def test_prometheus_scrapes_the_service(run: Running, tmp_path: Path) -> None:
    """With its own configuration: the target is up, and every rule can be evaluated."""
    config = tmp_path / "prometheus.yml"
    text = (run.made.file.parent / "compose/prometheus/prometheus.yml").read_text()
    text = text.replace("/rules", str(run.made.file.parents[1] / "helm/files"))
    config.write_text(text.replace("revet:9090", "127.0.0.1:9090").replace("15s", "1s"))
    flags = (f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address={PROMETHEUS}")

    def asked(path: str) -> Any:  # noqa: ANN401 - JSON
        done = run.curl(
            "--retry", "20", "--retry-connrefused", "--retry-delay", "1", f"http://{PROMETHEUS}/api/v1/{path}"
        )
        return json.loads(done)["data"]

    with program(run.revet, ("prometheus", *flags), tmp_path / "prometheus.log"):
        until(lambda: [one["value"][1] for one in asked("query?query=up")["result"]] == ["1"], "the target is up")
        until(
            lambda: {rule["health"] for group in asked("rules")["groups"] for rule in group["rules"]} == {"ok"},
            "every rule has been evaluated",
            60,
        )
