"""The supervisor: starts the children of the service, replaces those that die or hang, and takes all of them with it.

Rules:
1. One thread, one loop. That is not only for simplicity: the kernel's parent-death signal, on which the children rely,
   fires when the *thread* that started them ends.
2. All that the loop does follows from the state of the children and the time, looked at afresh in every round. A signal
   or a heartbeat only ends the wait earlier; none that is lost can do more harm than a round's delay.
3. Exit statuses of children are collected in one place, by process id. Everybody else's orphans are collected
   only where the kernel gives them to us (PID 1 in a container), and are never taken for a child.
4. Only the supervisor holds the write end of the lifeline pipe. It is never written to; its end is the message.
5. Time during which the supervisor itself was stopped (Ctrl-Z, a frozen container) counts against nobody.

It does not open sockets (`listen`), does not know what children do, and does not write logs (`events`). Processes that
a child starts are the child's responsibility.
"""

import contextlib
import math
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from service.processes.child import Child, ChildSpec, start_child
from service.processes.events import SupervisorEvent, SupervisorLog
from service.processes.exit_code import EXIT_CONFIGURATION, EXIT_STOPPED
from service.processes.kernel import adopts_orphans, collect_orphans
from service.processes.restart import RestartHistory
from service.processes.signals import STOP_SIGNALS, SignalPipe

HEARTBEAT_EVERY_S: Final = 1.0
"""How often a child beats, unless `hang_after_s` asks for more."""

BEATS_MISSED: Final = 5
"""A child may miss so many heartbeats at least before it counts as hung: a busy machine delays some."""

_SAME_REQUEST_S: Final = 0.5
"""Signals closer together are one request to stop. `make` and other launchers pass on a signal that a whole process
group gets anyway; a person who presses Ctrl-C again takes longer."""

_COLLECT_S: Final = 5.0
"""How long to wait for killed children. Only one that hangs in the kernel (a dead disk) takes more than an instant."""


@dataclass(slots=True)
class _Place:
    """A place that one child at a time fills.

    Attributes:
        name: What the log calls it.
        spec: What fills it.
        child: Who fills it now.
        due_at: When to start the next child, if there is none; monotonic seconds.
        history: What decides how long to wait for that.
    """

    name: str
    spec: ChildSpec
    child: Child | None = None
    due_at: float = -math.inf
    history: RestartHistory = field(default_factory=RestartHistory)


@dataclass(frozen=True, slots=True)
class _Shutdown:
    """The end of the service, under way.

    Attributes:
        exit_code: What `run` will return.
        asked_at: When it began; monotonic seconds.
        kill_at: When those that are left are killed; monotonic seconds.
    """

    exit_code: int
    asked_at: float
    kill_at: float


class Supervisor:
    """Keeps the children of the service running until it is told to stop."""

    def __init__(
        self,
        children: tuple[ChildSpec, ...],
        log: SupervisorLog,
        *,
        hang_after_s: float = 10.0,
        first_beat_within_s: float = 60.0,
        shutdown_grace_s: float = 10.0,
        on_stopping: Callable[[], object] = lambda: None,
    ) -> None:
        """Take the children to keep. Nothing is started before `run`.

        Args:
            children: Kinds of children, each with a name of its own.
            log: Is told what happens.
            hang_after_s: A child that is silent for longer is killed and replaced.
            first_beat_within_s: The same for one that has not been heard yet.
            shutdown_grace_s: How long children may take to end after SIGTERM before they are killed.
            on_stopping: Is called once when the end begins, before the children are told; no child is started after it.

        Raises:
            ValueError: two kinds share a name, or a time is not positive (the grace: negative).
        """
        names = [spec.name for spec in children]
        if len(set(names)) != len(names):
            raise ValueError(f"every kind of child needs a name of its own: {', '.join(names)}")
        if min(hang_after_s, first_beat_within_s) <= 0 or shutdown_grace_s < 0:
            raise ValueError(
                f"times must be positive: hang_after_s={hang_after_s}, first_beat_within_s={first_beat_within_s}, "
                f"shutdown_grace_s={shutdown_grace_s}"
            )
        self._places = tuple(_Place(name, spec) for spec in children for name in spec.places())
        self._log = log
        self._hang_after_s = hang_after_s
        self._heartbeat_every_s = min(HEARTBEAT_EVERY_S, hang_after_s / BEATS_MISSED)
        self._first_beat_within_s = first_beat_within_s
        self._shutdown_grace_s = shutdown_grace_s
        self._on_stopping = on_stopping
        self._shutdown: _Shutdown | None = None

    def run(self) -> int:
        """Start the children and keep them until SIGTERM, SIGINT, or one that cannot be configured. To be called once.

        A second signal does not wait for the children any longer. Whatever ends this call, no child is left after it.

        Returns:
            The exit code: `EXIT_STOPPED`, or `EXIT_CONFIGURATION`.

        Raises:
            ValueError: not in the main thread.
        """
        with SignalPipe() as signals, _lifeline() as lifeline:
            try:
                exit_code = self._serve(signals, lifeline)
            finally:
                self._leave_nobody()
        self._tell(SupervisorEvent.STOPPED, exit_code=exit_code)
        return exit_code

    def _serve(self, signals: SignalPipe, lifeline: int) -> int:
        collects_orphans = adopts_orphans()
        expected_at = math.inf
        while True:
            now = time.monotonic()
            self._forgive(now - expected_at)
            self._hear(now)
            self._obey(signals.read(), now)
            self._collect(now)
            if collects_orphans:
                collect_orphans({child.pid for child in self._children()})
            if self._shutdown is None:
                self._kill_the_hung(now)
                self._fill(lifeline, now)
            elif self._finished(self._shutdown, now):
                return self._shutdown.exit_code
            timeout = max(0.0, min(self._next_times(now)) - now)
            expected_at = now + timeout
            _wait([signals.fileno(), *(c.heartbeat for c in self._children() if c.heartbeat is not None)], timeout)

    # --- one round ---------------------------------------------------------------------------------------------------

    def _forgive(self, overslept_s: float) -> None:
        """Do not count the time that this process has slept beyond its wait as silence of the children."""
        if overslept_s > 0:
            for child in self._children():
                child.heard_at += overslept_s

    def _hear(self, now: float) -> None:
        for place in self._places:
            child = place.child
            if child is not None and child.listen(now) and not child.ready:
                child.ready = True
                after_s = round(now - child.started_at, 3)
                self._tell(SupervisorEvent.CHILD_READY, child=place.name, pid=child.pid, after_s=after_s)

    def _obey(self, signals: frozenset[int], now: float) -> None:
        asked = STOP_SIGNALS & signals
        if not asked:
            return
        if self._shutdown is None:
            self._begin_shutdown(EXIT_STOPPED, signal.Signals(min(asked)).name, now)
        elif now - self._shutdown.asked_at >= _SAME_REQUEST_S:
            self._shutdown = replace(self._shutdown, kill_at=min(now, self._shutdown.kill_at))

    def _collect(self, now: float) -> None:
        for place in self._places:
            child = place.child
            if child is None or (status := child.process.poll()) is None:
                continue
            child.close()
            lived_s = now - child.started_at
            place.child = None
            place.history = place.history.after_death(lived_s)
            place.due_at = now + place.history.delay_s
            final = self._shutdown is not None or status == EXIT_CONFIGURATION
            self._tell(
                SupervisorEvent.CHILD_DIED,
                child=place.name,
                pid=child.pid,
                **_cause_of_death(status),
                lived_s=round(lived_s, 3),
                again_in_s=None if final else place.history.delay_s,
            )
            if status == EXIT_CONFIGURATION and self._shutdown is None:
                self._begin_shutdown(EXIT_CONFIGURATION, place.name, now)

    def _kill_the_hung(self, now: float) -> None:
        for place in self._places:
            child = place.child
            if child is not None and not child.killed and now >= self._hung_at(child):
                silent_s = round(now - child.heard_at, 3)
                self._tell(SupervisorEvent.CHILD_HUNG, child=place.name, pid=child.pid, silent_s=silent_s)
                child.kill()

    def _fill(self, lifeline: int, now: float) -> None:
        for place in self._places:
            if place.child is not None or now < place.due_at:
                continue
            try:
                place.child = start_child(
                    place.spec, lifeline=lifeline, heartbeat_every_s=self._heartbeat_every_s, now=now
                )
            except OSError as error:
                place.history = place.history.after_death(0.0)
                place.due_at = now + place.history.delay_s
                again_in_s = place.history.delay_s
                self._tell(
                    SupervisorEvent.CHILD_START_FAILED, child=place.name, error=str(error), again_in_s=again_in_s
                )
            else:
                self._tell(SupervisorEvent.CHILD_STARTED, child=place.name, pid=place.child.pid)

    def _next_times(self, now: float) -> Iterator[float]:
        """When something will have to be done even if nothing happens; monotonic seconds."""
        # Rules 2 and 5: how late a lost signal is made up for, and how exactly our own sleep is known.
        yield now + self._heartbeat_every_s
        if self._shutdown is not None:
            if now < self._shutdown.kill_at:
                yield self._shutdown.kill_at
            return
        for place in self._places:
            if place.child is None:
                yield place.due_at
            elif not place.child.killed:
                yield self._hung_at(place.child)

    def _hung_at(self, child: Child) -> float:
        return child.heard_at + (self._hang_after_s if child.ready else self._first_beat_within_s)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _begin_shutdown(self, exit_code: int, reason: str, now: float) -> None:
        self._shutdown = _Shutdown(exit_code, asked_at=now, kill_at=now + self._shutdown_grace_s)
        self._tell(SupervisorEvent.STOPPING, reason=reason, grace_s=self._shutdown_grace_s)
        self._on_stopping()
        for child in self._children():
            child.process.send_signal(signal.SIGTERM)

    def _finished(self, shutdown: _Shutdown, now: float) -> bool:
        """Tell whether nobody is left; kill those who are when their time is up."""
        if now >= shutdown.kill_at:
            for place in self._places:
                child = place.child
                if child is not None and not child.killed:
                    self._tell(SupervisorEvent.CHILD_KILLED, child=place.name, pid=child.pid)
                    child.kill()
        return not any(self._children()) or now >= shutdown.kill_at + _COLLECT_S

    def _leave_nobody(self) -> None:
        """Kill and collect whoever is left; after a shutdown there is nobody, after an error there are all."""
        left = tuple(self._children())
        for child in left:
            child.kill()
        for child in left:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(_COLLECT_S)
            child.close()
        for place in self._places:
            place.child = None

    def _children(self) -> Iterator[Child]:
        return (place.child for place in self._places if place.child is not None)

    def _tell(self, event: SupervisorEvent, **fields: object) -> None:
        with contextlib.suppress(OSError):
            self._log(event, fields)


@contextlib.contextmanager
def _lifeline() -> Iterator[int]:
    """Hold a pipe open and give its read end. Neither end is inherited unless it is passed on (PEP 446)."""
    reader, writer = os.pipe()
    try:
        yield reader
    finally:
        os.close(writer)
        os.close(reader)


def _wait(descriptors: Iterable[int], timeout_s: float) -> None:
    """Wait until one of them can be read or has ended, or the time is up."""
    poll = select.poll()
    for fd in descriptors:
        poll.register(fd, select.POLLIN)
    poll.poll(math.ceil(timeout_s * 1000))


def _cause_of_death(status: int) -> Mapping[str, object]:
    """Name what `Popen.returncode` says: an exit code, or the signal that ended it."""
    if status >= 0:
        return {"exit_code": status}
    try:
        return {"signal": signal.Signals(-status).name}
    except ValueError:  # a real-time signal has no name
        return {"signal": str(-status)}
