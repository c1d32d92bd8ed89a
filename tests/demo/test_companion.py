"""Programs beside the demonstration: awaited, explained when they fail, and never left behind."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.demo import companion
from service.demo.companion import Companion, Program, answers_200, listens, stay
from service.demo.errors import CompanionError
from service.demo.ports import LOOPBACK
from service.demo.story.application import Application
from service.demo.story.reserved import ReservedPorts
from tests.demo.running import ROOT, gone, until


def never() -> bool:
    """It is never so."""
    return False


def always() -> bool:
    """It is always so."""
    return True


@contextmanager
def running(log: Path | None, program: str) -> Iterator[Companion]:
    """A program in Python that never says that it is ready."""
    command = (sys.executable, "-c", program)
    with Companion(Program("the thing", command, {"PYTHONPATH": str(ROOT)}, log), never) as started:
        yield started


def test_ready(tmp_path: Path) -> None:
    """Who is ready is waited for no longer."""
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    program = Program("the thing", command, {"PYTHONPATH": str(ROOT)}, tmp_path / "log")
    with Companion(program, always) as started:
        assert started.wait_until_ready(never)
        started.check()


def test_ended_by_itself(tmp_path: Path) -> None:
    """Its name, its exit code and its last words say why."""
    said = "".join(f"print('line {number}');" for number in range(9))
    with running(tmp_path / "log", f"{said} raise SystemExit(78)") as started:
        with pytest.raises(CompanionError, match="the thing has ended by itself, with exit code 78") as failed:
            started.wait_until_ready(never)
        with pytest.raises(CompanionError):
            stay(started.check, never)

    assert [f"  line {number}" for number in range(4, 9)] == failed.value.reason.splitlines()[1:]


@pytest.mark.parametrize("log", ["log", None])
def test_silent_end(tmp_path: Path, log: str | None) -> None:
    """Of one that said nothing, or said it at the terminal, nothing is shown."""
    place = None if log is None else tmp_path / log
    with running(place, "raise SystemExit(3)") as started, pytest.raises(CompanionError, match=r"code 3$"):
        started.wait_until_ready(never)


def test_never_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for without end."""
    monkeypatch.setattr(companion, "READY_WITHIN_S", 0.1)
    with (
        running(tmp_path / "log", "import time; time.sleep(600)") as started,
        pytest.raises(CompanionError, match="not ready after"),
    ):
        started.wait_until_ready(never)


def test_stopped_while_it_starts() -> None:
    """Who wants to stop does not wait for the start, nor for anything after it."""
    with running(None, "import time; time.sleep(600)") as started:
        assert not started.wait_until_ready(always)
        stay(started.check, always)


def test_a_ctrl_c_that_comes_too_early(capfd: pytest.CaptureFixture[str]) -> None:
    """One at the terminal is blocked until the program listens; one whose output goes elsewhere is never reached."""
    program = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()), flush=True)"
    with running(None, program) as started, pytest.raises(CompanionError, match="code 0"):
        started.wait_until_ready(never)
    assert "True\n" == capfd.readouterr().out


@pytest.mark.parametrize("log", ["log", None], ids=["apart", "at the terminal"])
@pytest.mark.parametrize("heeds", [True, False], ids=["asked", "killed"])
def test_it_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heeds: bool, log: str | None) -> None:
    """It is asked to end, and killed when it does not heed."""
    monkeypatch.setattr(companion, "STOP_WITHIN_S", 20.0 if heeds else 0.2)
    said = tmp_path / "pid"
    program = (
        "import os, pathlib, signal, time; "
        f"{'' if heeds else 'signal.signal(signal.SIGTERM, signal.SIG_IGN); '}"
        f"pathlib.Path({str(said)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    with running(None if log is None else tmp_path / log, program):
        until(lambda: said.exists() and said.read_text() != "", "the program's start")
        pid = int(said.read_text())
        before = gone(pid)
        apart = os.getpgid(pid) != os.getpgrp()

    assert not before
    assert apart == (log is not None)  # a Ctrl-C at the terminal does not reach it
    assert gone(pid)


def test_probes() -> None:
    """A port at which an application answers 204 is listened at, and does not answer 200; others are neither."""
    with ReservedPorts() as ports, Application() as application:
        unused, used = ports.take(), int(application.url.rpartition(":")[2])

        assert [True, False] == [listens(used)(), listens(unused)()]
        assert [False, False] == [answers_200(used, "/")(), answers_200(unused, "/")()]


def test_answering(tmp_path: Path) -> None:
    """A server that answers 200 is ready."""
    with ReservedPorts() as ports:
        port = ports.take()
        command = (sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK, "--directory", str(tmp_path))
        program = Program("a server", command, {"PYTHONPATH": str(ROOT)}, tmp_path / "log")
        with Companion(program, answers_200(port, "/")) as started:
            started.wait_until_ready(never)
