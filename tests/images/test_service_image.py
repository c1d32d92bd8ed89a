"""The service's image: built, entered as user 10001 on a read-only root without a shell, and asked."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.running import until
from tests.images.building import Image
from tests.images.conftest import API_TOKEN, Material
from tests.images.running import Container, Wanted, make_places, running

pytestmark = pytest.mark.slow

PYTHON: Final = "/opt/revet/bin/python3"
REVET: Final = "/opt/revet/bin/revet"
URL: Final = "http://127.0.0.1:8080"
NO_PROGRAMS: Final = ("/usr/bin", "/usr/sbin")
"""Without these there is no shell, and nothing else of the base but its interpreter."""

ASK: Final = """
import json, sys, urllib.request
url, token = sys.argv[1:]
headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
with urllib.request.urlopen(urllib.request.Request(url, sys.stdin.buffer.read() or None, headers)) as answer:
    print(answer.read().decode())
"""


def ask(container: Container, path: str, body: object = None, port: int = 8080) -> Any:  # noqa: ANN401 - JSON
    """What the service answers a program in its own container."""
    url = f"http://127.0.0.1:{port}{path}"
    done = container.run(PYTHON, "-c", ASK, url, API_TOKEN, text="" if body is None else json.dumps(body))
    assert done.returncode == 0, done.stderr + container.log.read_text()
    return json.loads(done.stdout)


def wanted(material: Material, **more: Any) -> Wanted:  # noqa: ANN401 - whatever `Wanted` takes
    """How an operator runs it."""
    environment = {**material.settings, **more.pop("environment", {})}
    return Wanted(environment=environment, files={material.path: material.directory}, hidden=NO_PROGRAMS, **more)


@pytest.fixture(scope="module")
def container(
    service_image: Image, material: Material, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    """A service that runs, healthy and ready."""
    with running(service_image, tmp_path_factory.mktemp("log"), wanted(material)) as started:
        await_ready(started)
        yield started


def await_ready(container: Container) -> None:
    """Wait until it is."""
    probe = "import urllib.request as u; u.urlopen('http://127.0.0.1:9090/readyz')"
    until(
        lambda: container.process.poll() is not None or container.run(PYTHON, "-c", probe).returncode == 0,
        "the service in the container is ready",
    )
    assert container.process.poll() is None, container.log.read_text()


def test_answers_from_inside(container: Container, material: Material) -> None:
    """`POST /v1/validate` allows what is good, and denies what is revoked."""
    answers = [ask(container, "/v1/validate", {"certificate": one}) for one in (material.good, material.revoked)]

    assert [("allow", "ok"), ("deny", "revoked")] == [(one["decision"], one["code"]) for one in answers]


def test_command_line_asks_beside_it(container: Container) -> None:
    """`revet check` in the same container has a verdict, by its exit code too."""
    command = "import os, sys; os.environ['REVET_TOKEN'] = sys.argv[1]; os.execv(sys.argv[2], sys.argv[2:])"
    asked = [
        container.run(PYTHON, "-c", command, API_TOKEN, REVET, "check", f"/etc/revet/{name}.pem", "--url", URL)
        for name in ("good", "revoked")
    ]

    assert [("allow / good", 0), ("deny / revoked  (revoked)", 1)] == [
        (one.stdout.splitlines()[0].partition("  ")[2], one.returncode) for one in asked
    ]


def test_is_nobody_in_particular(container: Container) -> None:
    """Every process is user 10001 of group 10001 and no other, without a capability and without a way to one."""
    rights = {
        tuple(re.findall(r"^(?:Uid|Gid|Groups|CapEff|CapBnd|NoNewPrivs):[\t ]*(.*?)[\t ]*$", status, re.MULTILINE))
        for status in (Path(f"/proc/{pid}/status").read_text() for pid in container.processes())
    }

    identity = "\t".join(["10001"] * 4)
    assert {(identity, identity, "", "0" * 16, "0" * 16, "1")} == rights


def test_is_process_1_and_leaves_no_zombie(container: Container) -> None:
    """The supervisor is process 1; what is orphaned in its container it collects."""
    assert ["NSpid:", str(container.pid), "1"] in [
        line.split() for line in Path(f"/proc/{container.pid}/status").read_text().splitlines()
    ]
    before = set(container.processes())

    orphan = "import os, sys, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(0.3)"
    assert container.run(PYTHON, "-c", orphan).returncode == 0

    until(lambda: set(container.processes()) == before, "the orphan is gone, and nobody else")


def test_has_the_ports_that_it_exposes(container: Container) -> None:
    """The API and the probes are where the image says."""
    assert {"8080/tcp", "9090/tcp"} == set(container.image.config["ExposedPorts"])
    assert ask(container, "/readyz", port=9090)["status"] == "ready"
    assert "decisions" in ask(container, "/v1/stats", port=8080)


def test_writes_to_its_volumes_alone(container: Container) -> None:
    """What the image says are volumes can be written, and what lies beside them cannot."""
    assert {"/var/lib/revet", "/tmp"} == set(container.image.config["Volumes"])  # noqa: S108 - of the container
    attempt = "import sys\ntry: open(sys.argv[1], 'w').close()\nexcept OSError as error: print(error.strerror)"

    others = ("/", "/opt/revet", "/run", "/dev", "/etc/revet")
    said = [
        container.run(PYTHON, "-c", attempt, f"{place}/x").stdout.strip()
        for place in (*container.image.config["Volumes"], *others)
    ]

    assert ["", "", *["Read-only file system"] * len(others)] == said


def test_health_check_passes_and_fails(service_image: Image, material: Material, tmp_path: Path) -> None:
    """`HEALTHCHECK` is content while the service answers, and not once nobody answers any more."""
    with running(service_image, tmp_path, wanted(material)) as container:
        await_ready(container)
        assert container.healthy()

        # The supervisor first: it would replace a worker that is silent.
        for pid in (container.pid, *(set(container.processes()) - {container.pid})):
            os.kill(pid, signal.SIGSTOP)

        assert not container.healthy()


def test_ends_when_it_is_told(service_image: Image, material: Material, tmp_path: Path) -> None:
    """SIGTERM ends it with 0, and its last words are that it has stopped."""
    with running(service_image, tmp_path, wanted(material)) as container:
        await_ready(container)

        assert container.stop() == 0

    last = json.loads(container.log.read_text().splitlines()[-1])
    assert ("stopped", 0) == (last["event"], last["exit_code"])


def test_leaves_nothing_in_a_root_that_can_be_written(service_image: Image, material: Material, tmp_path: Path) -> None:
    """Where nobody has made the root file system read-only, it is not written either."""
    writable = wanted(material, read_only=False)
    make_places(service_image, writable)
    before = _tree(service_image.root)

    with running(service_image, tmp_path, writable) as container:
        await_ready(container)
        ask(container, "/v1/validate", {"certificate": material.good})
        container.stop()

    assert before == _tree(service_image.root)


@pytest.mark.parametrize(
    ("command", "printed", "code"),
    [
        (("check", "/etc/revet/good.pem", "--trust-store", "/etc/revet/trust.pem"), "allow / unknown", 0),
        (("check", "/etc/revet/foreign.pem", "--trust-store", "/etc/revet/trust.pem"), "deny / invalid", 1),
        (("config", "check"), "The settings are good.", 0),
        (("--version",), "revet ", 0),
        (("healthcheck",), "could not be asked", 1),
        (("prefetch",), "REVET_REDIS_URL", 78),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_one_image_has_every_command(
    service_image: Image, material: Material, tmp_path: Path, command: tuple[str, ...], printed: str, code: int
) -> None:
    """What is not `serve` is an argument."""
    with running(service_image, tmp_path, wanted(material, command=command)) as container:
        ended = container.process.wait(60)

    assert (True, code) == (printed in container.log.read_text(), ended), container.log.read_text()


def test_does_not_start_for_everybody(service_image: Image, material: Material, tmp_path: Path) -> None:
    """It listens at every address, and so does not start without tokens."""
    settings = {"REVET_TRUST_STORE": f"{material.path}/trust.pem"}
    alone = Wanted(environment=settings, files={material.path: material.directory}, hidden=NO_PROGRAMS)
    with running(service_image, tmp_path, alone) as container:
        assert container.process.wait(60) == 78

    assert "REVET_HOST is 0.0.0.0, which others can reach" in container.log.read_text()


def _tree(root: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, size and time of everything below a directory."""
    found = {str(place): place.lstat() for place in root.rglob("*")}
    return {place: (one.st_mode, one.st_size, one.st_mtime_ns) for place, one in found.items()}
