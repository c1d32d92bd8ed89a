"""One data directory and two containers: two services that are both process 1, each in namespaces of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from service.processes.exit_code import EXIT_CONFIGURATION, EXIT_STOPPED
from tests.e2e.data_directory.scene import Scene, block, code, deaths, refusal
from tests.e2e.running import PATIENCE_S, ROOT, Service, running_service, until
from tests.ports import free_port

pytestmark = pytest.mark.slow

CONTAINER: Final = (
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
)
"""Runs a command as process 1 of its own namespace, and takes everything in there with it."""


@contextmanager
def container(tmp_path: Path, scene: Scene, name: str) -> Iterator[tuple[Service, int]]:
    """A service as process 1, and the process id that it has outside."""
    port = free_port()
    own = {
        "REVET_PORT": str(port),
        "REVET_WORKERS": "2",
        "REVET_DATA_DIR": str(tmp_path / "data"),
        "REVET_TRUST_STORE": str(tmp_path / "trust.pem"),
        "REVET_EGRESS_ALLOW": "127.0.0.1",
        "REVET_DEADLINE_MS": "5000",
        "REVET_DRAIN_S": "0",
        **scene.settings,
    }
    foreign = {key: value for key, value in os.environ.items() if not key.startswith("REVET_")}
    with (tmp_path / name).open("wb") as log:
        outer = subprocess.Popen(
            (*CONTAINER, sys.executable, "-m", "service", "serve"),
            cwd=ROOT,
            env={**foreign, **own},
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    service = Service(url, outer, url)
    try:
        until(lambda: service.is_ready() or outer.poll() is not None, "the service has begun")
        assert outer.poll() is None, (tmp_path / name).read_text()
        yield service, _first_of(outer.pid)
    finally:
        outer.kill()
        outer.wait()


def _first_of(outer: int) -> int:
    """Process 1 of a namespace, as it is called outside."""
    (child,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    return int(child)


def test_the_second_is_refused(tmp_path: Path, scene: Scene) -> None:
    """It says that another service uses the store and disturbs nobody, and may start when the first one has ended."""
    with container(tmp_path, scene, "first.log") as (first, pid):
        assert 201 == block(first, scene.good).status_code
        says = refusal(tmp_path, scene.settings, CONTAINER)
        store = tmp_path / "data" / "store"
        assert f"another service uses the store at {store}: give each service a directory of its own" in says
        assert ["blocked", "revoked"] == [code(first, scene.good), code(first, scene.revoked)]
        os.kill(pid, signal.SIGTERM)
        assert EXIT_STOPPED == first.process.wait(PATIENCE_S)
    with container(tmp_path, scene, "second.log") as (second, _):
        assert ["blocked", "revoked"] == [code(second, scene.good), code(second, scene.revoked)]


def test_the_first_is_killed(tmp_path: Path, scene: Scene) -> None:
    """The second one starts when the first one was killed, and denies what was blocked there."""
    with container(tmp_path, scene, "first.log") as (first, pid):
        assert 201 == block(first, scene.good).status_code
        os.kill(pid, signal.SIGKILL)
        first.process.wait(PATIENCE_S)
        with container(tmp_path, scene, "second.log") as (second, _):
            assert ["blocked", "ok"] == [code(second, scene.good), code(second, scene.by_ocsp)]
            assert EXIT_CONFIGURATION != first.process.returncode


def test_a_supervisor_alone_is_killed(tmp_path: Path, scene: Scene) -> None:
    """Its processes are on their way out: the next service waits for them, and reads what they have written."""
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as first:
        assert 201 == block(first, scene.good).status_code
        os.kill(first.process.pid, signal.SIGKILL)
        with container(tmp_path, scene, "second.log") as (second, _):
            assert ["blocked", "revoked"] == [code(second, scene.good), code(second, scene.revoked)]
    assert [] == deaths(tmp_path)
