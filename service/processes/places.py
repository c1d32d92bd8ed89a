"""The places of the children: who fills which, who has left one and has not ended, and who is about to take one.

Rules it keeps: exit statuses are collected here and nowhere else; whoever is told to end is killed when he does not.

What it does not do: decide when the service ends (`ending`) or who takes whose place (`reload`).
"""

import contextlib
import math
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from service.processes.child import Child, ChildSpec, Gated, Part, start_child
from service.processes.events import SupervisorEvent, SupervisorLog
from service.processes.exit_code import EXIT_CONFIGURATION
from service.processes.plan import Times
from service.processes.restart import RestartHistory
from service.processes.signals import END_SIGNAL, RETIRE_SIGNAL

COLLECT_S: Final = 5.0
"""How long to wait for killed children. Only one that hangs in the kernel (a dead disk) takes more than an instant."""


class Filling(Enum):
    """What becomes of a place whose child is gone."""

    AGAIN = "again"
    """The next child is started in it."""
    HELD = "held"
    """Somebody else decides who comes next."""


@dataclass(slots=True)
class Place:
    """A place that one child at a time fills.

    Attributes:
        name: What the log calls it.
        spec: What fills it.
        child: Who fills it now.
        filling: What becomes of it without one.
        due_at: When to start the next child, if there is none; monotonic seconds.
        history: What decides how long to wait for that.
    """

    name: str
    spec: ChildSpec
    child: Child | None = None
    filling: Filling = Filling.AGAIN
    due_at: float = -math.inf
    history: RestartHistory = field(default_factory=RestartHistory)


@dataclass(slots=True)
class Retired:
    """A child that has left its place.

    Attributes:
        name: What the place was called.
        part: What it is for the others.
        finish_at: When it is told to end with what is under way; monotonic seconds. Infinite once it was told.
        kill_at: When it is killed; monotonic seconds.
    """

    name: str
    part: Part
    child: Child
    finish_at: float
    kill_at: float


class Places:
    """All children of the service."""

    def __init__(self, log: SupervisorLog, lifeline: int, times: Times) -> None:
        """Begin without any.

        Args:
            log: Is told what happens.
            lifeline: Read end of the lifeline pipe.
            times: How long to wait.
        """
        self.filled: list[Place] = []
        self.retired: list[Retired] = []
        self.candidate: Place | None = None
        self.times = times
        self.heartbeat_every_s = times.heartbeat_every_s
        self._log = log
        self._lifeline = lifeline

    # --- who is there ------------------------------------------------------------------------------------------------

    def all(self) -> Iterator[tuple[str, Part, Child]]:
        """Name, part and child, of everybody who is there."""
        for place in self._places():
            if place.child is not None:
                yield place.name, place.spec.part, place.child
        for one in self.retired:
            yield one.name, one.part, one.child

    def children(self) -> Iterator[Child]:
        """Everybody who is there."""
        return (child for _, _, child in self.all())

    def of(self, part: Part) -> tuple[Child, ...]:
        """Everybody of a part."""
        return tuple(child for _, one, child in self.all() if one is part)

    def _places(self) -> Iterator[Place]:
        yield from self.filled
        if self.candidate is not None:
            yield self.candidate

    # --- one round ---------------------------------------------------------------------------------------------------

    def forgive(self, overslept_s: float) -> None:
        """Do not count the time that this process has slept beyond its wait as silence of the children."""
        if overslept_s > 0:
            for child in self.children():
                child.heard_at += overslept_s

    def hear(self, now: float) -> None:
        """Listen to everybody."""
        for name, _, child in self.all():
            if child.listen(now) and not child.ready:
                child.ready = True
                after_s = round(now - child.started_at, 3)
                self.tell(SupervisorEvent.CHILD_READY, child=name, pid=child.pid, after_s=after_s)

    def collect(self, now: float, filling: Filling) -> str | None:
        """Collect the exit statuses of those that are gone.

        Args:
            now: Monotonic seconds.
            filling: What becomes of their places.

        Returns:
            The name of a place whose child cannot run with these settings, if there is one.
        """
        unfit = None
        for place in tuple(self._places()):
            child = place.child
            if child is None or (status := child.process.poll()) is None:
                continue
            lived_s = now - child.started_at
            place.child = None
            place.history = place.history.after_death(lived_s)
            place.due_at = now + place.history.delay_s
            kept = place.filling is Filling.AGAIN
            if kept and status == EXIT_CONFIGURATION:
                unfit, place.due_at = place.name, math.inf
            again = kept and filling is Filling.AGAIN and status != EXIT_CONFIGURATION
            self._died(place.name, child, status, lived_s, place.history.delay_s if again else None)
        for one in tuple(self.retired):
            if (status := one.child.process.poll()) is not None:
                self.retired.remove(one)
                self._died(one.name, one.child, status, now - one.child.started_at, None)
        return unfit

    def _died(self, name: str, child: Child, status: int, lived_s: float, again_in_s: float | None) -> None:
        child.close()
        self.tell(
            SupervisorEvent.CHILD_DIED,
            child=name,
            pid=child.pid,
            **_cause_of_death(status),
            lived_s=round(lived_s, 3),
            again_in_s=again_in_s,
        )

    def kill_the_hung(self, now: float) -> None:
        """Kill those that are silent for too long."""
        for place in self._places():
            child = place.child
            if child is not None and not child.killed and now >= self._hung_at(child):
                silent_s = round(now - child.heard_at, 3)
                self.tell(SupervisorEvent.CHILD_HUNG, child=place.name, pid=child.pid, silent_s=silent_s)
                child.kill()

    def fill(self, now: float) -> None:
        """Start a child wherever one is due."""
        for place in self.filled:
            if place.child is None and place.filling is Filling.AGAIN and now >= place.due_at:
                self.start(place, now)

    def start(self, place: Place, now: float, *, gated: Gated = Gated.NO, env: Mapping[str, str] | None = None) -> None:
        """Start a child in a place; where that fails, it is due again after a while."""
        try:
            place.child = start_child(
                place.spec,
                lifeline=self._lifeline,
                heartbeat_every_s=self.heartbeat_every_s,
                now=now,
                gated=gated,
                env=env,
            )
        except OSError as error:
            place.history = place.history.after_death(0.0)
            place.due_at = now + place.history.delay_s
            again_in_s = place.history.delay_s
            self.tell(SupervisorEvent.CHILD_START_FAILED, child=place.name, error=str(error), again_in_s=again_in_s)
        else:
            self.tell(SupervisorEvent.CHILD_STARTED, child=place.name, pid=place.child.pid)

    def end_the_retired(self, now: float) -> None:
        """Tell those that have left their places to end, kill those that do not, and let their successors begin."""
        for one in self.retired:
            if now >= one.finish_at:
                one.finish_at = math.inf
                one.child.tell(END_SIGNAL)
            if now >= one.kill_at:
                self.kill(one.name, one.child)
        if not any(one.part is Part.BACK for one in self.retired):
            for place in self.filled:
                if place.child is not None:
                    place.child.open_gate()

    def next_times(self) -> Iterator[float]:
        """When something will have to be done even if nothing happens; monotonic seconds."""
        for place in self._places():
            if place.child is None:
                if place.filling is Filling.AGAIN:
                    yield place.due_at
            elif not place.child.killed:
                yield self._hung_at(place.child)
        for one in self.retired:
            if not one.child.killed:
                yield min(one.finish_at, one.kill_at)

    def _hung_at(self, child: Child) -> float:
        return child.heard_at + (self.times.hang_after_s if child.ready else self.times.first_beat_within_s)

    # --- leaving -----------------------------------------------------------------------------------------------------

    def retire(self, place: Place, now: float) -> None:
        """Take the child out of its place, where there is one; it begins nothing more, and ends by and by."""
        child, place.child = place.child, None
        if child is None:
            return
        finish_at = now
        if child.ready and place.spec.part is Part.FRONT:
            child.tell(RETIRE_SIGNAL)
            finish_at += self.times.drain_s
        kill_at = finish_at + self.times.shutdown_grace_s
        self.retired.append(Retired(place.name, place.spec.part, child, finish_at, kill_at))
        self.tell(SupervisorEvent.CHILD_RETIRED, child=place.name, pid=child.pid)

    def kill(self, name: str, child: Child) -> None:
        """Kill one that did not end in time."""
        if not child.killed:
            self.tell(SupervisorEvent.CHILD_KILLED, child=name, pid=child.pid)
            child.kill()

    def leave_nobody(self) -> None:
        """Kill and collect whoever is left; after an ordered end there is nobody, after an error there are all."""
        left = tuple(self.children())
        for child in left:
            child.kill()
        for child in left:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(COLLECT_S)
            child.close()
        self.filled, self.retired, self.candidate = [], [], None

    def tell(self, event: SupervisorEvent, **fields: object) -> None:
        """Tell the log; one that cannot be written is no reason to stop serving."""
        with contextlib.suppress(OSError):
            self._log(event, fields)


def _cause_of_death(status: int) -> Mapping[str, object]:
    """Name what `Popen.returncode` says: an exit code, or the signal that ended it."""
    if status >= 0:
        return {"exit_code": status}
    try:
        return {"signal": signal.Signals(-status).name}
    except ValueError:  # a real-time signal has no name
        return {"signal": str(-status)}
