"""The end of the service, step by step: it says that it ends, refuses what is new, finishes, and is gone.

Rules it keeps: those who answer callers end before those whom they rely on; a drain goes on
until somebody can answer those who have connected; nobody is killed before the time is up; and when it is up, nobody is
left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.processes.child import Part
from service.processes.places import COLLECT_S, Places
from service.processes.signals import END_SIGNAL

SAME_REQUEST_S: Final = 0.5
"""Signals closer together are one request to stop. `make` and other launchers pass on a signal that a whole process
group gets anyway; a person who presses Ctrl-C again takes longer."""


@dataclass(slots=True)
class Ending:
    """The end of the service, under way.

    Attributes:
        exit_code: What the supervisor will return.
        asked_at: When it began; monotonic seconds.
        finish_at: Until when the service goes on, and says that it ends; monotonic seconds.
        kill_at: When those that are left are killed; monotonic seconds.
        on_finishing: Is called when nobody is to be accepted any more.
    """

    exit_code: int
    asked_at: float
    finish_at: float
    kill_at: float
    on_finishing: Callable[[], object]
    _are_told: frozenset[Part] = frozenset()

    @property
    def is_draining(self) -> bool:
        """Whether the service goes on for now."""
        return Part.FRONT not in self._are_told

    def hear_again(self, now: float, *, is_impatient: bool) -> None:
        """Take another request to stop: whoever asks again has become impatient.

        Args:
            now: Monotonic seconds.
            is_impatient: Whether it is one that does not wait until everybody knows that the service ends.
        """
        if now - self.asked_at >= SAME_REQUEST_S:
            self.kill_at = min(now, self.kill_at)
        elif is_impatient:
            self.kill_at -= max(0.0, self.finish_at - now)
            self.finish_at = min(now, self.finish_at)

    def advance(self, places: Places, now: float) -> bool:
        """Do what is due; tell whether nobody is left."""
        if self.is_draining and now < self.kill_at and (now < self.finish_at or self._is_awaited(places)):
            for child in places.of(Part.FRONT):
                child.drain()
            return False
        if self.is_draining:
            self.on_finishing()
            self._end(Part.FRONT, places)
        if Part.BACK not in self._are_told and not places.of(Part.FRONT):
            self._end(Part.BACK, places)
        if now >= self.kill_at:
            for name, _, child in tuple(places.all()):
                places.kill(name, child)
        return not any(places.children()) or now >= self.kill_at + COLLECT_S

    def next_time(self) -> float:
        """When something will have to be done even if nothing happens; monotonic seconds."""
        return self.finish_at if self.is_draining else self.kill_at

    def _is_awaited(self, places: Places) -> bool:
        """Whether those who connect in the drain wait for the successor of the last one who answered, who died."""
        return self.finish_at > self.asked_at and not any(child.ready for child in places.of(Part.FRONT))

    def _end(self, part: Part, places: Places) -> None:
        self._are_told |= {part}
        for child in places.of(part):
            child.tell(END_SIGNAL)
