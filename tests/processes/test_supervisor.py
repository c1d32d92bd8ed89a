"""The supervisor: who dies is replaced, who hangs is killed, and nobody outlives it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.processes.child import ChildSpec, Part
from service.processes.exit_code import EXIT_CONFIGURATION, EXIT_STOPPED
from service.processes.listen import AddressInUseError, bind_tcp
from service.processes.plan import ServicePlan, Times
from service.processes.signals import END_SIGNAL
from tests.processes.plan import Behaviour, Plan, Trouble
from tests.processes.running import ROOT, Running, gone, state_of, until

Start = Callable[[Plan], Running]

O_ACCMODE, O_WRONLY, O_CLOEXEC = 0o3, 0o1, 0o2000000  # the kernel's numbers, as in /proc/pid/fdinfo


def _one(behaviour: Behaviour = Behaviour.ANSWER) -> tuple[tuple[str, Behaviour, int], ...]:
    return (("worker", behaviour, 1),)


def _can_be_bound(port: int) -> bool:
    try:
        bind_tcp("127.0.0.1", port).close()
    except AddressInUseError:
        return False
    return True


def _pipes(pid: int) -> dict[str, set[int]]:
    """Give the pipes that a process holds beyond standard input and output, with their open flags."""
    pipes: dict[str, set[int]] = {}
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        name = str(fd.readlink())
        if int(fd.name) > 2 and name.startswith("pipe:"):
            info = Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text()
            flags = next(line.split()[1] for line in info.splitlines() if line.startswith("flags:"))
            pipes.setdefault(name, set()).add(int(flags, 8))
    return pipes


# --- death -----------------------------------------------------------------------------------------------------------


def test_a_killed_child_is_replaced(start: Start) -> None:
    """Connections that come in between wait in the queue and are answered by the new one."""
    service = start(Plan(_one()))
    old = service.ask()
    os.kill(old, signal.SIGKILL)
    until(lambda: gone(old), "the child to die")
    new = service.ask()
    assert [old, new] == service.pids(count=2)
    assert "SIGKILL" == service.wait_for("child_died")[0]["signal"]


def test_every_place_is_kept_filled(start: Start) -> None:
    """Several kinds, several of a kind; only the place that is empty is filled again."""
    service = start(Plan((("worker", Behaviour.ANSWER, 2), ("ingester", Behaviour.ANSWER, 1))))
    service.wait_for("child_ready", 3)
    ingester = next(event for event in service.events("child_started") if event["child"] == "ingester")
    assert isinstance(ingester["pid"], int)
    os.kill(ingester["pid"], signal.SIGKILL)
    started = service.wait_for("child_started", 4)
    assert ["worker.0", "worker.1", "ingester", "ingester"] == [event["child"] for event in started]


def test_a_crash_loop_slows_down(start: Start) -> None:
    """The first is replaced at once, the next after a wait that grows, and is really waited for."""
    service = start(Plan(_one(Behaviour.CRASH)))
    started = service.wait_for("child_started", 5)
    died = service.events("child_died")
    assert [0.0, 0.1, 0.2, 0.4] == [event["again_in_s"] for event in died[:4]]
    assert {1} == {event["exit_code"] for event in died}
    for death, birth in zip(died, started[1:], strict=False):
        wait, ordered = _time(birth["at"]) - _time(death["at"]), _time(death["again_in_s"])
        assert wait > ordered - 0.05  # the log writes a moment after the decision


def _time(value: object) -> float:
    assert isinstance(value, float)
    return value


def test_a_child_that_cannot_be_configured_stops_the_service(start: Start) -> None:
    """Its exit code becomes that of the service, and the others end gracefully."""
    service = start(Plan((("worker", Behaviour.ANSWER, 1), ("ingester", Behaviour.MISCONFIGURED, 1))))
    assert EXIT_CONFIGURATION == service.exit_code()
    assert "ingester" == service.events("stopping")[0]["reason"]
    assert len(service.events("child_started")) == len(service.events("child_died")) == 2
    assert EXIT_CONFIGURATION == service.events("stopped")[0]["exit_code"]


def test_a_program_that_does_not_exist_is_tried_again(start: Start) -> None:
    """An interpreter that is being replaced, a process table that is full: neither ends the service."""
    service = start(Plan(_one(), program="/nowhere/python"))
    failed = service.wait_for("child_start_failed", 3)
    assert [0.0, 0.1, 0.2] == [event["again_in_s"] for event in failed[:3]]
    assert "/nowhere/python" in str(failed[0]["error"])
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()


# --- hanging ---------------------------------------------------------------------------------------------------------


def test_a_stopped_child_is_replaced(start: Start) -> None:
    """It does not beat, so it hangs, for whatever reason."""
    service = start(Plan(_one(), hang_after_s=1.0))
    old = service.ask()
    service.wait_for("child_ready")
    os.kill(old, signal.SIGSTOP)
    assert [old] == service.pids("child_hung")
    new = service.ask()
    assert new != old
    assert gone(old)


def test_a_child_that_never_beats_is_replaced(start: Start) -> None:
    """Until the first beat a child has a time of its own."""
    service = start(Plan(_one(Behaviour.SILENT), first_beat_within_s=0.3))
    service.wait_for("child_hung", 2)
    assert [] == service.events("child_ready")


def test_a_stopped_supervisor_does_not_blame_its_children(start: Start) -> None:
    """After Ctrl-Z and `fg`, or a frozen container, everybody was silent for the same reason."""
    service = start(Plan(_one(), hang_after_s=1.5))
    worker = service.pids("child_ready")[0]
    service.signal(signal.SIGSTOP)
    os.kill(worker, signal.SIGSTOP)
    time.sleep(1.7)
    service.signal(signal.SIGCONT)
    time.sleep(0.3)  # the supervisor looks around before the child can beat
    os.kill(worker, signal.SIGCONT)
    assert worker == service.ask()
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()
    assert [] == service.events("child_hung")


# --- nobody outlives it ----------------------------------------------------------------------------------------------


def test_nobody_outlives_a_killed_supervisor(start: Start) -> None:
    """Its children are gone, and the port can be had again."""
    service = start(Plan((("worker", Behaviour.ANSWER, 2), ("ingester", Behaviour.ANSWER, 1))))
    children = service.pids("child_ready", 3)
    port = service.port
    assert not _can_be_bound(port)
    service.signal(signal.SIGKILL)
    until(lambda: all(gone(pid) for pid in children), "the children to end")
    until(lambda: _can_be_bound(port), "the port to be free")


@pytest.mark.parametrize("behaviour", [Behaviour.STUBBORN, Behaviour.GREEDY, Behaviour.UNTIED])
def test_no_behaviour_outlives_a_killed_supervisor(start: Start, behaviour: Behaviour) -> None:
    """Deaf to signals, busy in C code, or without the kernel's help: it ends."""
    service = start(Plan(_one(behaviour)))
    child = service.pids("child_ready")[0]
    time.sleep(0.05)  # GREEDY and UNTIED come to it just after their first beat
    service.signal(signal.SIGKILL)
    until(lambda: gone(child), "the child to end")


def test_a_stopped_child_does_not_outlive_a_killed_supervisor(start: Start) -> None:
    """A stopped process cannot end itself; the kernel does it."""
    service = start(Plan(_one()))
    child = service.pids("child_ready")[0]
    os.kill(child, signal.SIGSTOP)
    until(lambda: state_of(child) == "T", "the child to stop")
    service.signal(signal.SIGKILL)
    until(lambda: gone(child), "the child to end")


def test_nobody_is_left_when_the_supervisor_fails(start: Start) -> None:
    """An error that nobody foresaw ends the children before it ends the call."""
    service = start(Plan(_one(), trouble=Trouble.LOG_BROKEN))
    assert 1 == service.exit_code()
    assert [False] == [event["somebody_left"] for event in service.events("failed")]
    assert all(gone(pid) for pid in service.pids())


def test_each_end_of_each_pipe_has_one_holder(start: Start) -> None:
    """Only the supervisor can write to the lifeline, only a child to its heartbeat, and neither passes them on."""
    service = start(Plan((("worker", Behaviour.ANSWER, 2), ("ingester", Behaviour.ANSWER, 1))))
    # The event loop's own wake-up is a socket pair: all pipes of a child came from the supervisor.
    children = [_pipes(pid) for pid in service.pids("child_ready", 3)]
    supervisor = _pipes(service.pid)
    lifelines = set.intersection(*(set(pipes) for pipes in children))
    assert 1 == len(lifelines)
    lifeline = lifelines.pop()
    assert {os.O_RDONLY | O_CLOEXEC, O_WRONLY | O_CLOEXEC} == {
        f & (O_ACCMODE | O_CLOEXEC) for f in supervisor[lifeline]
    }
    heartbeats = [name for pipes in children for name in pipes if name != lifeline]
    assert 3 == len(heartbeats) == len(set(heartbeats))
    for pipes in children:
        flags = {name == lifeline: {f & (O_ACCMODE | O_CLOEXEC) for f in pipes[name]} for name in pipes}
        assert {True: {os.O_RDONLY | O_CLOEXEC}, False: {O_WRONLY | O_CLOEXEC}} == flags
    for name in heartbeats:
        assert {os.O_RDONLY | O_CLOEXEC} == {f & (O_ACCMODE | O_CLOEXEC) for f in supervisor[name]}


# --- stopping --------------------------------------------------------------------------------------------------------


def _stop_during_an_answer(service: Running, stop: Callable[[], None]) -> int:
    """Stop the service while it is at work; give the answer."""
    with service.connect() as connection, connection.makefile("rwb") as stream:
        stream.write(b"slow\n")
        stream.flush()
        assert b"begun\n" == stream.readline()
        stop()
        return int(stream.readline())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_children_may_finish(start: Start, number: signal.Signals) -> None:
    """What was begun is answered, and a service that was asked to stop has not failed."""
    service = start(Plan(_one()))
    assert service.pids("child_ready")[0] == _stop_during_an_answer(service, lambda: service.signal(number))
    assert EXIT_STOPPED == service.exit_code()
    assert [number.name] == [event["reason"] for event in service.events("stopping")]
    assert [0] == [event["exit_code"] for event in service.events("child_died")]
    assert 1 == len(service.events("child_started"))


def test_ctrl_c_is_left_to_the_supervisor(start: Start) -> None:
    """A terminal tells every process of the group; children finish all the same."""
    service = start(Plan(_one()))
    assert service.pids("child_ready")[0] == _stop_during_an_answer(service, service.interrupt)
    assert EXIT_STOPPED == service.exit_code()
    assert [0] == [event["exit_code"] for event in service.events("child_died")]


def test_a_launchers_signal_is_left_to_the_supervisor(start: Start) -> None:
    """It reaches every process of the group: the service drains as ever, and those relied on end last."""
    service = start(Plan((*_one(), ("back", Behaviour.BACK, 1)), backs=("back",), drain_s=0.5))
    service.wait_for("child_ready", 2)
    os.killpg(service.pid, signal.SIGTERM)
    service.wait_for("told_to_drain")
    service.ask()
    assert EXIT_STOPPED == service.exit_code()
    order = [event["event"] for event in service.all_events()]
    assert ["finishing", "front_ends", "back_ends"] == [
        name for name in order if name in {"finishing", "front_ends", "back_ends"}
    ]
    assert [0, 0] == [event["exit_code"] for event in service.events("child_died")]


def test_one_request_to_stop_may_come_twice(start: Start) -> None:
    """`make` passes on a signal that its whole group has got: nobody has become impatient."""
    service = start(Plan(_one()))

    def twice() -> None:
        service.signal(signal.SIGTERM)
        service.wait_for("stopping")
        service.signal(signal.SIGINT)

    assert service.pids("child_ready")[0] == _stop_during_an_answer(service, twice)
    assert EXIT_STOPPED == service.exit_code()


def test_a_child_that_does_not_end_is_killed(start: Start) -> None:
    """After the grace, and the service still ends as it was asked to."""
    service = start(Plan(_one(Behaviour.STUBBORN), shutdown_grace_s=0.2))
    child = service.pids("child_ready")[0]
    until(lambda: _ignores_the_end(child), "the child to become stubborn")
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()
    assert [child] == service.pids("child_killed")
    assert gone(child)


def test_a_second_request_to_stop_does_not_wait(start: Start) -> None:
    """Whoever asks again has become impatient."""
    service = start(Plan(_one(Behaviour.STUBBORN), shutdown_grace_s=600.0))
    child = service.pids("child_ready")[0]
    service.signal(signal.SIGTERM)
    service.wait_for("stopping")
    time.sleep(0.6)  # nobody takes this for an echo of the first
    assert not gone(child)
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()
    assert [child] == service.pids("child_killed")


def test_a_hangup_changes_nothing(start: Start) -> None:
    """Neither the supervisor nor its children end with the terminal they were started from."""
    service = start(Plan(_one()))
    child = service.ask()
    os.kill(child, signal.SIGHUP)
    service.signal(signal.SIGHUP)
    assert child == service.ask()
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()


def _ignores_the_end(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(ignored, 16) >> (END_SIGNAL - 1) & 1)


# --- surroundings ----------------------------------------------------------------------------------------------------


def test_orphans_are_collected_and_not_taken_for_children(start: Start) -> None:
    """As PID 1 of a container does: no zombie stays, and no child is replaced because of one."""
    service = start(Plan(_one(Behaviour.LITTERING), trouble=Trouble.ORPHANS))
    orphan = service.pids("orphan")[0]
    until(lambda: state_of(orphan) == "", "the orphan to be collected")
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()
    assert 1 == len(service.events("child_died")) == len(service.events("child_started"))


def test_a_log_that_cannot_be_written_stops_nothing(start: Start) -> None:
    """The terminal may be gone, the disk may be full: the service goes on, and so does supervision."""
    service = start(Plan(_one(), trouble=Trouble.LOG_CLOSED))
    old = service.ask()
    os.kill(old, signal.SIGKILL)
    until(lambda: gone(old), "the child to die")
    assert old != service.ask()
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()


def test_supervising_is_light() -> None:
    """Nothing that is large, opens files or starts threads is imported by either side's machinery."""
    code = "import sys, service.processes.supervisor, service.processes.lifeline; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    heavy = {"asyncio", "cryptography", "fastapi", "lmdb", "pydantic", "ssl", "structlog", "typer", "uvicorn"}
    assert set() == heavy & set(done.stdout.split())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ChildSpec("worker", ()), "worker: there is no program"),
        (lambda: ChildSpec("worker", ("true",), count=0), "count is 0"),
        (lambda: ChildSpec("worker", ("true",), pass_fds={"A B": sys.stdin}), "'A B'"),
        (lambda: ChildSpec("back", ("true",), count=2, part=Part.BACK), "only one at a time"),
        (lambda: ServicePlan((ChildSpec("w", ("true",)), ChildSpec("w", ("false",)))), "w, w"),
        (lambda: Times(hang_after_s=0.0), "hang_after_s=0.0"),
        (lambda: Times(shutdown_grace_s=-1.0), "shutdown_grace_s=-1.0"),
        (lambda: Times(drain_s=-1.0), "drain_s=-1.0"),
    ],
)
def test_what_cannot_work_is_refused_at_once(build: Callable[[], object], message: str) -> None:
    """Contradictions are named before anything is started."""
    with pytest.raises(ValueError, match=message):
        build()
