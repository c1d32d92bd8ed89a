"""One child process as its supervisor sees it: how it is started, heard, killed and collected.

Children are started by exec (spawn semantics), never by a bare fork: neither LMDB environments nor event loops survive
a fork. A child gets the descriptors that its specification names, the read end of the lifeline and the write end
of its own heartbeat pipe, and no other: not a sibling's, and never the write end of the lifeline.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from service.processes.inheritance import GATE, PREFIX, SERVED_BEAT, WAITING_BEAT, Inheritance, descriptor_variable
from service.processes.signals import DRAIN_SIGNAL, RELOAD_SIGNAL, STOP_SIGNALS

_MANY_BEATS: Final = 4096
"""Bytes read at once: more than an hour of heartbeats."""


class HasDescriptor(Protocol):
    """A socket, a file: what owns a descriptor. The object is kept, so that it is not closed behind our back."""

    def fileno(self) -> int:
        """Give the descriptor."""


class Part(Enum):
    """What a child is for the others, which decides in which order they end and take each other's place."""

    FRONT = "front"
    """Answers callers. It understands `DRAIN_SIGNAL` and `RETIRE_SIGNAL`; several can be there at the same time."""
    BACK = "back"
    """Others rely on it, and there is only one at a time. It ends last, and its successor waits at a gate."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """Children of one kind.

    Attributes:
        name: What the log calls them.
        argv: The program and its arguments, `(sys.executable, "-m", "service", ...)`. It must use `Lifeline`.
        count: How many are kept running.
        pass_fds: Sockets and the like to pass on, by the name under which `inherited_socket` finds them.
        env: Environment variables in addition to the supervisor's own.
        part: What they are for the others.
    """

    name: str
    argv: tuple[str, ...]
    count: int = 1
    pass_fds: Mapping[str, HasDescriptor] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    part: Part = Part.FRONT

    def __post_init__(self) -> None:
        """Refuse what cannot be started.

        Raises:
            ValueError: no program, fewer than one child, several that cannot be there together, or a name that cannot
                become an environment variable.
        """
        if not self.argv:
            raise ValueError(f"{self.name}: there is no program to start")
        if self.count < 1:
            raise ValueError(f"{self.name}: count is {self.count}, at least 1 is needed")
        if self.part is Part.BACK and self.count > 1:
            raise ValueError(f"{self.name}: count is {self.count}, and there can be only one at a time")
        for name in self.pass_fds:
            descriptor_variable(name)

    def places(self) -> tuple[str, ...]:
        """Name the places to fill: `prefetcher`, or `worker.0`, `worker.1`."""
        if self.count == 1:
            return (self.name,)
        return tuple(f"{self.name}.{index}" for index in range(self.count))


class Gated(Enum):
    """Whether a child waits before it begins, until its supervisor lets it."""

    NO = "no"
    YES = "yes"


@dataclass(slots=True)
class Child:
    """A process that was started and whose end was not yet seen.

    Attributes:
        process: Only `poll` and `wait` of it are used to collect the exit status, so that it is collected once.
        heartbeat: Read end of its heartbeat pipe; None once the child has closed the other end.
        started_at: Monotonic seconds.
        heard_at: When it was heard last, or its start; monotonic seconds.
        gate: Write end of the pipe at whose end it begins; None where there is none, or once it may begin.
        ready: Whether it was ever heard to be at work.
        waiting: Whether it was ever heard to wait at its gate.
        served: Whether it has said that it was ready to serve.
        draining: Whether it was told that the service ends.
        killed: Whether it was sent SIGKILL.
    """

    process: subprocess.Popen[bytes]
    heartbeat: int | None
    started_at: float
    heard_at: float
    gate: int | None = None
    ready: bool = False
    waiting: bool = False
    served: bool = False
    draining: bool = False
    killed: bool = False

    @property
    def pid(self) -> int:
        """Its process id, which is not given to another process before its status is collected."""
        return self.process.pid

    def listen(self, now: float) -> bool:
        """Read what it wrote to its heartbeat pipe; tell whether it was at work."""
        if self.heartbeat is None:
            return False
        try:
            beats = os.read(self.heartbeat, _MANY_BEATS)
        except BlockingIOError:
            return False
        if not beats:
            self._close_heartbeat()
            return False
        self.heard_at = now
        self.waiting |= WAITING_BEAT in beats
        self.served |= SERVED_BEAT in beats
        return any(beat not in WAITING_BEAT for beat in beats)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def drain(self) -> None:
        """Tell it that the service ends, once, as soon as it can understand that."""
        if self.ready and not self.draining:
            self.draining = True
            self.tell(DRAIN_SIGNAL)

    def kill(self) -> None:
        """Send SIGKILL, which ends a stopped process too."""
        self.killed = True
        self.process.send_signal(signal.SIGKILL)

    def open_gate(self) -> None:
        """Let it begin."""
        if self.gate is not None:
            os.close(self.gate)
            self.gate = None

    def close(self) -> None:
        """Close our ends of its pipes."""
        self.open_gate()
        self._close_heartbeat()

    def _close_heartbeat(self) -> None:
        if self.heartbeat is not None:
            os.close(self.heartbeat)
            self.heartbeat = None


def start_child(
    spec: ChildSpec,
    *,
    lifeline: int,
    heartbeat_every_s: float,
    now: float,
    gated: Gated = Gated.NO,
    env: Mapping[str, str] | None = None,
) -> Child:
    """Start one.

    Args:
        spec: What to start.
        lifeline: Read end of the lifeline pipe.
        heartbeat_every_s: How often the child is to beat.
        now: Monotonic seconds.
        gated: Whether it is to wait before it begins.
        env: Environment variables of this one alone.

    Raises:
        OSError: no such program, or too many processes or descriptors.
    """
    with contextlib.ExitStack() as childs, contextlib.ExitStack() as ours:
        heartbeat, childs_end = _pipe()
        ours.callback(os.close, heartbeat)
        childs.callback(os.close, childs_end)
        passed = {name: owner.fileno() for name, owner in spec.pass_fds.items()}
        gate: int | None = None
        if gated is Gated.YES:
            passed[GATE], gate = _pipe()
            ours.callback(os.close, gate)
            childs.callback(os.close, passed[GATE])
        inheritance = Inheritance(lifeline, childs_end, heartbeat_every_s, os.getpid())
        with _signals_blocked():
            process = subprocess.Popen(  # noqa: S603 - the program comes from this service, not from outside
                spec.argv,
                stdin=subprocess.DEVNULL,
                pass_fds=(lifeline, childs_end, *passed.values()),
                env=_environment({**spec.env, **(env or {})}, inheritance, passed),
            )
        ours.pop_all()
    return Child(process, heartbeat, started_at=now, heard_at=now, gate=gate)


def _pipe() -> tuple[int, int]:
    """Make a pipe whose reader does not wait."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    return reader, writer


def _environment(env: Mapping[str, str], inheritance: Inheritance, passed: Mapping[str, int]) -> dict[str, str]:
    # What a supervisor above this one passed to us means nothing to our children.
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    sockets = {descriptor_variable(name): str(fd) for name, fd in passed.items()}
    return {**ours, **env, **sockets, **inheritance.variables()}


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block SIGTERM, SIGINT and SIGHUP for a moment, which a child inherits for life; ours are heard afterwards.

    They are for the supervisor to obey. A child that were to ignore them by itself would be too late for an early
    Ctrl-C, and a web server that installs a handler of its own would undo it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS | {RELOAD_SIGNAL})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
