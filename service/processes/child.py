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
from typing import Final, Protocol

from service.processes.inheritance import PREFIX, Inheritance, descriptor_variable

_MANY_BEATS: Final = 4096
"""Bytes read at once: more than an hour of heartbeats."""


class HasDescriptor(Protocol):
    """A socket, a file: what owns a descriptor. The object is kept, so that it is not closed behind our back."""

    def fileno(self) -> int:
        """Give the descriptor."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """Children of one kind.

    Attributes:
        name: What the log calls them.
        argv: The program and its arguments, `(sys.executable, "-m", "service", ...)`. It must use `Lifeline`.
        count: How many are kept running.
        pass_fds: Sockets and the like to pass on, by the name under which `inherited_socket` finds them.
        env: Environment variables in addition to the supervisor's own.
    """

    name: str
    argv: tuple[str, ...]
    count: int = 1
    pass_fds: Mapping[str, HasDescriptor] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be started.

        Raises:
            ValueError: no program, fewer than one child, or a name that cannot become an environment variable.
        """
        if not self.argv:
            raise ValueError(f"{self.name}: there is no program to start")
        if self.count < 1:
            raise ValueError(f"{self.name}: count is {self.count}, at least 1 is needed")
        for name in self.pass_fds:
            descriptor_variable(name)

    def places(self) -> tuple[str, ...]:
        """Name the places to fill: `prefetcher`, or `worker.0`, `worker.1`."""
        if self.count == 1:
            return (self.name,)
        return tuple(f"{self.name}.{index}" for index in range(self.count))


@dataclass(slots=True)
class Child:
    """A process that was started and whose end was not yet seen.

    Attributes:
        process: Only `poll` and `wait` of it are used to collect the exit status, so that it is collected once.
        heartbeat: Read end of its heartbeat pipe; None once the child has closed the other end.
        started_at: Monotonic seconds.
        heard_at: When it was heard last, or its start; monotonic seconds.
        ready: Whether it was ever heard.
        killed: Whether it was sent SIGKILL.
    """

    process: subprocess.Popen[bytes]
    heartbeat: int | None
    started_at: float
    heard_at: float
    ready: bool = False
    killed: bool = False

    @property
    def pid(self) -> int:
        """Its process id, which is not given to another process before its status is collected."""
        return self.process.pid

    def listen(self, now: float) -> bool:
        """Read what it wrote to its heartbeat pipe; tell whether that was anything."""
        if self.heartbeat is None:
            return False
        try:
            beats = os.read(self.heartbeat, _MANY_BEATS)
        except BlockingIOError:
            return False
        if not beats:
            self.close()
            return False
        self.heard_at = now
        return True

    def kill(self) -> None:
        """Send SIGKILL, which ends a stopped process too."""
        self.killed = True
        self.process.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Close our end of the heartbeat pipe."""
        if self.heartbeat is not None:
            os.close(self.heartbeat)
            self.heartbeat = None


def start_child(spec: ChildSpec, *, lifeline: int, heartbeat_every_s: float, now: float) -> Child:
    """Start one.

    Args:
        spec: What to start.
        lifeline: Read end of the lifeline pipe.
        heartbeat_every_s: How often the child is to beat.
        now: Monotonic seconds.

    Raises:
        OSError: no such program, or too many processes or descriptors.
    """
    heartbeat, childs_end = os.pipe()
    try:
        os.set_blocking(heartbeat, False)
        passed = {name: owner.fileno() for name, owner in spec.pass_fds.items()}
        inheritance = Inheritance(lifeline, childs_end, heartbeat_every_s, os.getpid())
        with _interrupts_blocked():
            process = subprocess.Popen(  # noqa: S603 - the program comes from this service, not from outside
                spec.argv,
                stdin=subprocess.DEVNULL,
                pass_fds=(lifeline, childs_end, *passed.values()),
                env=_environment(spec, inheritance, passed),
            )
    except BaseException:
        os.close(heartbeat)
        raise
    finally:
        os.close(childs_end)
    return Child(process, heartbeat, started_at=now, heard_at=now)


def _environment(spec: ChildSpec, inheritance: Inheritance, passed: Mapping[str, int]) -> dict[str, str]:
    # What a supervisor above this one passed to us means nothing to our children.
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    sockets = {descriptor_variable(name): str(fd) for name, fd in passed.items()}
    return {**ours, **spec.env, **sockets, **inheritance.variables()}


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block SIGINT for a moment, which a child inherits for life; one that comes here meanwhile is heard afterwards.

    A child that were to ignore it by itself would be too late for an early Ctrl-C, and a web server that installs a
    handler of its own would undo it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
