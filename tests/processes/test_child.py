"""One child process, as it is started and heard."""

import json
import os
import sys
import time

import pytest

from service.processes.child import Child, ChildSpec, start_child
from service.processes.inheritance import PREFIX

_TELL_ENVIRONMENT = """
import json, os
os.write(int(os.environ["_REVET_FD_OUT"]), json.dumps(dict(os.environ)).encode())
os.write(int(os.environ["_REVET_HEARTBEAT_FD"]), b".")
"""


def _run(spec: ChildSpec) -> Child:
    """Run a child to its end."""
    lifeline, writer = os.pipe()
    try:
        child = start_child(spec, lifeline=lifeline, heartbeat_every_s=0.5, now=time.monotonic())
        child.process.wait(30)
    finally:
        os.close(lifeline)
        os.close(writer)
    return child


def test_a_child_is_told_what_it_inherits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own variables and the supervisor's settings reach it; what a supervisor above was told does not."""
    monkeypatch.setenv("REVET_PORT", "1")
    monkeypatch.setenv("REVET_HOST", "from outside")
    monkeypatch.setenv("_REVET_FD_STALE", "7")
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as answer:
        with os.fdopen(writer, "wb") as out:
            argv = (sys.executable, "-c", _TELL_ENVIRONMENT)
            child = _run(ChildSpec("teller", argv, pass_fds={"out": out}, env={"REVET_HOST": "from the specification"}))
        told = json.loads(answer.read())
    child.close()
    assert ("1", "from the specification") == (told["REVET_PORT"], told["REVET_HOST"])
    assert {
        "_REVET_FD_OUT",
        "_REVET_HEARTBEAT_EVERY_S",
        "_REVET_HEARTBEAT_FD",
        "_REVET_LIFELINE_FD",
        "_REVET_SUPERVISOR_PID",
    } == {name for name in told if name.startswith(PREFIX)}
    assert (str(os.getpid()), "0.5") == (told["_REVET_SUPERVISOR_PID"], told["_REVET_HEARTBEAT_EVERY_S"])


def test_a_child_that_has_ended_is_heard_once_more_and_then_never() -> None:
    """What it wrote counts; the end of its pipe does not, and is not looked at again and again."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), os.fdopen(writer, "wb") as out:
        child = _run(ChildSpec("teller", (sys.executable, "-c", _TELL_ENVIRONMENT), pass_fds={"out": out}))
    heard = [child.listen(child.started_at + second) for second in (1.0, 2.0, 3.0)]
    assert [True, False, False] == heard
    assert child.started_at + 1.0 == child.heard_at
    assert child.heartbeat is None


def test_children_of_a_kind_are_numbered() -> None:
    """One alone keeps its plain name."""
    assert ("ingester",) == ChildSpec("ingester", ("true",)).places()
    assert ("worker.0", "worker.1") == ChildSpec("worker", ("true",), count=2).places()
