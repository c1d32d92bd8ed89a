"""Other settings come into force in a service that runs: one child after the other makes room for its successor.

Rules it keeps: whoever answers callers retires only when his successor answers; what there is only one of is ended only
when its successor has read its settings and waits to begin, and as the last. Where a successor does not get ready,
those who have taken a place already are replaced in turn by children with the settings before.

What it does not do: read settings, or watch over those who fill places (`places`).
"""

import itertools
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from service.processes.child import ChildSpec, Gated, Part
from service.processes.events import SupervisorEvent
from service.processes.inheritance import SUCCEEDS
from service.processes.places import Filling, Place, Places
from service.processes.plan import ServicePlan
from service.processes.signals import END_SIGNAL


@dataclass(frozen=True, slots=True)
class Post:
    """What a place is called, and what fills it."""

    name: str
    spec: ChildSpec


@dataclass(frozen=True, slots=True)
class Step:
    """One place changes.

    Attributes:
        before: What it was; None for a place that is new.
        after: What it becomes; None for one that is given up.
    """

    before: Post | None
    after: Post | None

    def reversed(self) -> "Step":
        """The way back."""
        return Step(self.after, self.before)


class _Stage(Enum):
    """How far a step is."""

    BEGIN = "begin"
    STARTED = "started"
    """The successor was started."""
    ENDING = "ending"
    """The successor waits until the one before it has ended."""
    OPENED = "opened"
    """The successor may begin."""


class Reload:
    """The way from one plan to another."""

    def __init__(self, plan: ServicePlan, steps: tuple[Step, ...], now: float) -> None:
        """Take the steps; `begin` is the way to have one."""
        self._plan = plan
        self._begun_at = now
        self._steps = deque(steps)
        self._done: list[Step] = []
        self._stage = _Stage.BEGIN
        self._kill_at = math.inf
        self._is_way_back = False

    @classmethod
    def begin(cls, places: Places, plan: ServicePlan, now: float) -> "Reload":
        """Begin the way from what is there to a plan."""
        places.tell(SupervisorEvent.RELOADING)
        # Whoever is started from now on may have to satisfy either plan.
        places.heartbeat_every_s = min(places.heartbeat_every_s, plan.times.heartbeat_every_s)
        return cls(plan, tuple(_steps(places, plan)), now)

    def advance(self, places: Places, now: float) -> bool:
        """Do what is due; tell whether the end is reached, there or back."""
        while self._steps:
            if not self._step(self._steps[0], places, now):
                return False
            if self._steps:
                self._done.append(self._steps.popleft())
            self._stage = _Stage.BEGIN
        if not self._is_way_back:
            places.times = self._plan.times
            places.heartbeat_every_s = self._plan.times.heartbeat_every_s
            self._plan.adopt()
            changed = list(self._plan.changed)
            places.tell(SupervisorEvent.RELOADED, took_s=round(now - self._begun_at, 3), changed=changed)
        return True

    def next_time(self) -> float:
        """When something will have to be done even if nothing happens; monotonic seconds."""
        match self._stage:
            case _Stage.BEGIN:
                return -math.inf
            case _Stage.ENDING:
                return self._kill_at
            case _:
                return math.inf

    def give_up(self, places: Places, now: float) -> None:
        """Stop where it is, since the service ends: whoever was about to take a place ends with the others."""
        candidate, places.candidate = places.candidate, None
        if candidate is not None and candidate.child is not None:
            if self._stage in {_Stage.ENDING, _Stage.OPENED}:
                # The one before it has been told to end, and those in front rely on somebody while they finish.
                before = self._steps[0].before
                place = None if before is None else _called(places, before.name)
                if place is not None:
                    places.retire(place, now)
                _install(candidate, place, places)
            else:
                places.retire(candidate, now)
        _release(places)

    def _step(self, step: Step, places: Places, now: float) -> bool:
        """Go on with a step; tell whether it is done."""
        place = None if step.before is None else _called(places, step.before.name)
        match step:
            case Step(after=None):
                if place is not None:
                    places.retire(place, now)
                    places.filled.remove(place)
                return True
            case Step(after=Post(spec=ChildSpec(part=Part.FRONT)) as after):
                return self._beside(place, after, places, now)
            case Step(after=Post() as after):
                return self._behind(place, after, places, now)
            case _:
                raise AssertionError(step)

    def _beside(self, place: Place | None, after: Post, places: Places, now: float) -> bool:
        """Start a successor, and have it take the place once it answers."""
        if self._stage is _Stage.BEGIN:
            self._start(after, places, now, Gated.NO)
        candidate = places.candidate
        if candidate is None or candidate.child is None:
            self._fail(after, places)
            return False
        if not candidate.child.ready:
            return False
        if place is not None:
            places.retire(place, now)
        _install(candidate, place, places)
        return True

    def _behind(self, place: Place | None, after: Post, places: Places, now: float) -> bool:
        """Start a successor that waits, end the one before it, and let the successor begin."""
        if self._stage is _Stage.BEGIN:
            self._start(after, places, now, Gated.YES)
        if self._stage is _Stage.ENDING and place is not None and place.child is not None:
            if now >= self._kill_at:
                places.kill(place.name, place.child)
            return False
        candidate = places.candidate
        if candidate is None or candidate.child is None:
            self._fail(after, places)
            return False
        match self._stage:
            case _Stage.STARTED if candidate.child.waiting:
                self._end(place, places, now)
            case _Stage.ENDING:
                candidate.child.open_gate()
                self._stage = _Stage.OPENED
            case _Stage.OPENED if candidate.child.ready:
                _install(candidate, place, places)
                return True
            case _:
                pass
        return False

    def _start(self, after: Post, places: Places, now: float, gated: Gated) -> None:
        was_served = any(child.served for child in places.children())
        places.candidate = Place(after.name, after.spec, filling=Filling.HELD)
        places.start(places.candidate, now, gated=gated, env={SUCCEEDS: "1"} if was_served else {})
        self._stage = _Stage.STARTED

    def _end(self, place: Place | None, places: Places, now: float) -> None:
        self._stage = _Stage.ENDING
        self._kill_at = now + places.times.shutdown_grace_s
        if place is not None:
            place.filling = Filling.HELD
            if place.child is not None:
                place.child.tell(END_SIGNAL)

    def _fail(self, after: Post, places: Places) -> None:
        """Turn round; a way back that fails as well ends here."""
        places.tell(SupervisorEvent.RELOAD_FAILED, child=after.name)
        places.candidate = None
        places.heartbeat_every_s = places.times.heartbeat_every_s
        _release(places)
        back = () if self._is_way_back else tuple(step.reversed() for step in reversed(self._done))
        self._steps, self._done, self._stage = deque(back), [], _Stage.BEGIN
        self._is_way_back = True


def _install(candidate: Place, place: Place | None, places: Places) -> None:
    """Let a candidate be a place like any other, instead of the one that it succeeds."""
    places.candidate = None
    candidate.filling = Filling.AGAIN
    if place is None:
        places.filled.append(candidate)
    else:
        places.filled[places.filled.index(place)] = candidate


def _release(places: Places) -> None:
    """Have places filled again that were held."""
    for place in places.filled:
        if place.filling is Filling.HELD:
            place.filling, place.due_at = Filling.AGAIN, -math.inf


def _called(places: Places, name: str) -> Place | None:
    return next((place for place in places.filled if place.name == name), None)


def _steps(places: Places, plan: ServicePlan) -> Iterator[Step]:
    """What becomes of which place: those in front first."""
    for spec in sorted(plan.children, key=lambda spec: spec.part is Part.BACK):
        before = [Post(place.name, place.spec) for place in places.filled if place.spec.name == spec.name]
        after = [Post(name, spec) for name in spec.places()]
        yield from (Step(old, new) for old, new in itertools.zip_longest(before, after))
