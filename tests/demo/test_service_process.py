"""The service's environment, and its end together with the demonstration's."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.demo import service_process
from service.demo.errors import ServiceFailedError
from service.demo.layout import Layout
from service.demo.ports import free_port
from service.demo.service_process import ServiceProcess, service_environment
from service.demo.tied import tied
from tests.demo.running import ROOT, gone, until


def never() -> bool:
    """Nobody wants to stop."""
    return False


@contextmanager
def process(*command: str) -> Iterator[ServiceProcess]:
    """Something in the service's place."""
    with ServiceProcess(command, {"PYTHONPATH": str(ROOT)}, free_port(0)) as started:
        yield started


def test_environment(tmp_path: Path) -> None:
    """The service gets what the demonstration is about, whatever the user has set for services of his own."""
    inherited = {
        "PATH": "/bin",
        "REVET_CONFIG": "revet.toml",
        "REVET_HOST": "0.0.0.0",
        "REVET_PORT": "1",
        "REVET_TRUST_STORE_DIR": "/etc",
        "REVET_WORKERS": "3",
        "REVET_LOG_LEVEL": "debug",
    }

    environment = service_environment(inherited, Layout(tmp_path), 8081)

    assert {
        "PATH": "/bin",
        "REVET_PORT": "8081",
        "REVET_TRUST_STORE": str(tmp_path / "trust-store" / "default.pem"),
        "REVET_DATA_DIR": str(tmp_path / "data"),
        "REVET_EGRESS_ALLOW": "127.0.0.1",
        "REVET_WORKERS": "3",
        "REVET_LOG_LEVEL": "debug",
        "REVET_LOG_FORMAT": "console",
    } == environment


def test_paths_do_not_depend_on_the_current_directory() -> None:
    """A relative directory is made absolute."""
    environment = service_environment({}, Layout(Path(".demo")), 8080)

    assert str(Path.cwd() / ".demo" / "data") == environment["REVET_DATA_DIR"]


def test_ended_by_itself() -> None:
    """A service that ends is not waited for."""
    with process(sys.executable, "-c", "raise SystemExit(78)") as started:
        with pytest.raises(ServiceFailedError, match="exit code 78"):
            started.wait_until_ready(never)
        with pytest.raises(ServiceFailedError, match="exit code 78"):
            started.stay(never)


def test_never_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that does not answer is not waited for without end."""
    monkeypatch.setattr(service_process, "READY_WITHIN_S", 0.1)
    with (
        process(sys.executable, "-c", "import time; time.sleep(600)") as started,
        pytest.raises(ServiceFailedError, match="not ready"),
    ):
        started.wait_until_ready(never)


def test_stopped_while_it_starts() -> None:
    """Who wants to stop does not wait for the start."""
    with process(sys.executable, "-c", "import time; time.sleep(600)") as started:
        started.wait_until_ready(lambda: True)


def test_killed_when_it_does_not_stop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A service that does not heed SIGTERM is killed when its time is up."""
    monkeypatch.setattr(service_process, "STOP_WITHIN_S", 0.2)
    said = tmp_path / "pid"
    program = (
        "import os, pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(said)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    with process(sys.executable, "-c", program):
        until(lambda: said.exists() and said.read_text() != "", "the program's start")

    assert gone(int(said.read_text()))


def test_tied_to_a_parent_that_is_gone() -> None:
    """A program whose parent ended before the kernel was asked is not started."""
    command = tied((sys.executable, "-c", "print('started')"))
    not_the_parent = [*command[:3], "1", *command[4:]]

    done = subprocess.run(not_the_parent, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert (1, "") == (done.returncode, done.stdout)


def test_tied_program_ends_with_its_parent() -> None:
    """A program that knows of nothing ends when its parent is killed."""
    parent = (
        "import subprocess, sys, time; from service.demo.tied import tied; "
        "print(subprocess.Popen(tied((sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(600)')))"
        ".pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        child = int(started.stdout.readline())
        assert "1\n" == started.stdout.readline()  # it is past its wish
        before = gone(child)
        started.kill()
        until(lambda: gone(child), "the child's end")

    assert not before
