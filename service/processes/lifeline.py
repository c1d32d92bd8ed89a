"""The child's side of supervision: it dies with its supervisor and tells it that it lives.

Rules:
1. A child calls `Lifeline.from_environment()` before anything that takes time, its large imports included. From then on
   it does not outlive the supervisor. Two ways lead there, for each has a gap: the kernel's parent-death signal (Linux
   only; reaches a stopped process and one that never lets go of the interpreter lock) and a thread that waits
   for the end of the lifeline pipe (everywhere; survives a change of user).
2. The heartbeat comes from the event loop, or from the main loop of a child that has none, never from a thread of its
   own: it says that the *loop* turns.

It does not handle `END_SIGNAL`: how a child finishes its work is the child's own affair. It does not handle SIGTERM and
SIGINT: they may reach every process of a group, but children are born with them blocked (see `child`), since what comes
of them is for the supervisor to decide.
"""

import contextlib
import os
import select
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, Self

from service.processes.exit_code import EXIT_ORPHANED
from service.processes.inheritance import (
    BEAT,
    GATE,
    WAITING_BEAT,
    Inheritance,
    close_on_exec,
    inherited_descriptor,
)
from service.processes.kernel import die_with_parent


class Loop(Protocol):
    """What is needed of an event loop; importing asyncio for its name would make this module slow to import."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> object:
        """Call `callback` in the loop after `delay` seconds."""


class Lifeline:
    """What ties this process to its supervisor."""

    def __init__(self, heartbeat_fd: int, heartbeat_every_s: float) -> None:
        """Keep the write end of the heartbeat pipe; a supervisor that is slow to read must not stop the child."""
        os.set_blocking(heartbeat_fd, False)
        self._heartbeat_fd = heartbeat_fd
        self._heartbeat_every_s = heartbeat_every_s

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Tie this process to the supervisor that started it. To be called once, first thing, in the main thread.

        Ends the process with `EXIT_ORPHANED` when that supervisor is gone already.

        Raises:
            NotInheritedError: no supervisor started this process.
        """
        inherited = Inheritance.read(environ)
        die_with_parent()
        # After the call above, never before it: a supervisor that died between the two would be noticed by neither.
        if os.getppid() != inherited.supervisor_pid:
            os._exit(EXIT_ORPHANED)
        for fd in (inherited.lifeline_fd, inherited.heartbeat_fd):
            close_on_exec(fd)
        threading.Thread(target=_hold, args=(inherited.lifeline_fd,), name="lifeline", daemon=True).start()
        return cls(inherited.heartbeat_fd, inherited.heartbeat_every_s)

    def wait_at_gate(self, environ: Mapping[str, str] = os.environ) -> None:
        """Wait until the one before this one has ended, where the supervisor wants that; beat meanwhile.

        What comes first is what takes time and needs nothing that there is only one of: imports, settings.
        """
        gate = inherited_descriptor(GATE, environ)
        if gate is None:
            return
        ended = select.poll()
        ended.register(gate, select.POLLIN)
        self.beat(WAITING_BEAT)
        while not ended.poll(self._heartbeat_every_s * 1000):
            self.beat(WAITING_BEAT)
        os.close(gate)

    def beat(self, what: bytes = BEAT) -> None:
        """Tell the supervisor once that this process is not stuck. Never blocks, never fails."""
        # A full pipe: the supervisor is stopped, and has plenty to read. A broken one: it is gone, and so are we soon.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._heartbeat_fd, what)

    def start_heartbeat(self, loop: Loop, what: Callable[[], bytes] = lambda: BEAT) -> None:
        """Beat now and as often as the supervisor wants while the loop runs. To be called in its thread.

        Args:
            loop: The loop.
            what: Which heartbeat it is, each time.
        """
        self.beat(what())
        loop.call_later(self._heartbeat_every_s, partial(self.start_heartbeat, loop, what))


def _hold(lifeline_fd: int) -> None:
    """Wait for the end of the supervisor, and end with it. No cleaning up: nobody is left to wait for it."""
    while os.read(lifeline_fd, 1):  # nobody writes to it; a byte would mean nothing
        pass
    os._exit(EXIT_ORPHANED)
