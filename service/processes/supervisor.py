"""The supervisor: starts the children of the service, replaces those that die or hang, and takes all of them with it.

Rules:
1. One thread, one loop. That is not only for simplicity: the kernel's parent-death signal, on which the children rely,
   fires when the *thread* that started them ends.
2. All that the loop does follows from the state of the children and the time, looked at afresh in every round. A signal
   or a heartbeat only ends the wait earlier; none that is lost can do more harm than a round's delay.
3. Exit statuses of children are collected in one place (`places`), by process id. Everybody else's orphans are
   collected only where the kernel gives them to us (PID 1 in a container), and are never taken for a child.
4. Only the supervisor holds the write end of the lifeline pipe. It is never written to; its end is the message.
5. Time during which the supervisor itself was stopped (Ctrl-Z, a frozen container) counts against nobody.

It does not open sockets (`listen`), does not know what children do, does not read settings (`plan.NewPlan`), and does
not write logs (`events`). Processes that a child starts are the child's responsibility.
"""

import contextlib
import math
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from service.processes.child import Part
from service.processes.ending import Ending
from service.processes.events import SupervisorEvent, SupervisorLog
from service.processes.exit_code import EXIT_CONFIGURATION, EXIT_STOPPED
from service.processes.kernel import adopts_orphans, collect_orphans
from service.processes.places import Filling, Place, Places
from service.processes.plan import NewPlan, ReloadRefusedError, ServicePlan
from service.processes.reload import Reload
from service.processes.signals import RELOAD_SIGNAL, STOP_SIGNALS, SignalPipe

DRAINS: Final = signal.SIGTERM
"""The request to stop that is meant for those who balance load, too; SIGINT comes from a person, who waits."""


class Supervisor:
    """Keeps the children of the service running until it is told to stop."""

    def __init__(
        self,
        plan: ServicePlan,
        log: SupervisorLog,
        *,
        new_plan: NewPlan | None = None,
        on_finishing: Callable[[], object] = lambda: None,
    ) -> None:
        """Take the children to keep. Nothing is started before `run`.

        Args:
            plan: What to run.
            log: Is told what happens.
            new_plan: What SIGHUP asks for another plan; None where there is never another.
            on_finishing: Is called once when nobody is to be accepted any more; no child is started after it.
        """
        self._plan = plan
        self._log = log
        self._new_plan = new_plan
        self._on_finishing = on_finishing
        self._ending: Ending | None = None
        self._reload: Reload | None = None
        self._is_reload_wanted = False

    def run(self) -> int:
        """Start the children and keep them until SIGTERM, SIGINT, or one that cannot be configured. To be called once.

        A second signal does not wait for the children any longer. Whatever ends this call, no child is left after it.

        Returns:
            The exit code: `EXIT_STOPPED`, or `EXIT_CONFIGURATION`.

        Raises:
            ValueError: not in the main thread.
        """
        with SignalPipe() as signals, _lifeline() as lifeline:
            places = Places(self._log, lifeline, self._plan.times)
            places.filled = [Place(name, spec) for spec in self._plan.children for name in spec.places()]
            try:
                exit_code = self._serve(signals, places)
            finally:
                places.leave_nobody()
        places.tell(SupervisorEvent.STOPPED, exit_code=exit_code)
        return exit_code

    def _serve(self, signals: SignalPipe, places: Places) -> int:
        collects_orphans = adopts_orphans()
        expected_at = math.inf
        while True:
            now = time.monotonic()
            places.forgive(now - expected_at)
            places.hear(now)
            self._obey(signals.read(), places, now)
            unfit = places.collect(now, Filling.AGAIN if self._goes_on() else Filling.HELD)
            if unfit is not None and self._ending is None:
                self._begin_ending(EXIT_CONFIGURATION, unfit, places, now)
            if collects_orphans:
                collect_orphans({child.pid for child in places.children()})
            places.end_the_retired(now)
            if self._goes_on():
                places.kill_the_hung(now)
                self._replace(places, now)
                places.fill(now)
            if self._ending is not None and self._ending.advance(places, now):
                return self._ending.exit_code
            timeout = max(0.0, min(self._next_times(places, now)) - now)
            expected_at = now + timeout
            _wait([signals.fileno(), *(c.heartbeat for c in places.children() if c.heartbeat is not None)], timeout)

    def _goes_on(self) -> bool:
        """Whether places are kept filled."""
        return self._ending is None or self._ending.is_draining

    def _obey(self, signals: frozenset[int], places: Places, now: float) -> None:
        if asked := STOP_SIGNALS & signals:
            if self._ending is None:
                self._begin_ending(EXIT_STOPPED, signal.Signals(min(asked)).name, places, now)
            else:
                self._ending.hear_again(now, is_impatient=DRAINS not in asked)
        if RELOAD_SIGNAL in signals and self._ending is None and self._new_plan is not None:
            # Where one is under way, settings have changed once more since it has read them.
            self._is_reload_wanted = True

    def _replace(self, places: Places, now: float) -> None:
        """Put other settings into force, step by step."""
        if self._reload is None and self._is_reload_wanted and self._ending is None and self._new_plan is not None:
            self._is_reload_wanted = False
            try:
                self._reload = Reload.begin(places, self._new_plan(), now)
            except ReloadRefusedError as error:
                told = {"problems": list(error.problems), "need_restart": list(error.need_restart)}
                places.tell(SupervisorEvent.RELOAD_REFUSED, **told)
        if self._reload is not None and self._reload.advance(places, now):
            self._reload = None

    def _next_times(self, places: Places, now: float) -> Iterator[float]:
        """When something will have to be done even if nothing happens; monotonic seconds."""
        # Rules 2 and 5: how late a lost signal is made up for, and how exactly our own sleep is known.
        yield now + places.heartbeat_every_s
        if self._goes_on():
            yield from places.next_times()
            if self._reload is not None:
                yield self._reload.next_time()
        if self._ending is not None and now < self._ending.next_time():
            yield self._ending.next_time()

    def _begin_ending(self, exit_code: int, reason: str, places: Places, now: float) -> None:
        if self._reload is not None:
            self._reload.give_up(places, now)
            self._reload = None
        times = places.times
        # Nobody sends requests here before the first worker was ready.
        is_known = any(child.ready for child in places.of(Part.FRONT))
        drain_s = times.drain_s if reason == DRAINS.name and is_known else 0.0
        finish_at = now + drain_s
        self._ending = Ending(exit_code, now, finish_at, finish_at + times.shutdown_grace_s, self._on_finishing)
        places.tell(SupervisorEvent.STOPPING, reason=reason, drain_s=drain_s, grace_s=times.shutdown_grace_s)


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
