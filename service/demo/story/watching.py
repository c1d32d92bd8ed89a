"""Time from an event until every door refuses: measured at the doors, by a client that keeps knocking."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from service.demo.companion import StopAsked
from service.demo.story.curl import Answer, Outcome
from service.demo.story.doors import Door, Expected, did
from service.demo.story.errors import InterruptedStoryError, StoryError

PATIENCE_S: Final = 20.0
"""How long a door may take: ten times what it needs, since other things run on the machine too."""

PAUSE_S: Final = 0.03
"""Between an answer and the next request, at each door."""

Ask = Callable[[Door], Outcome]
"""Knocks at a door once."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How a door has turned.

    Attributes:
        door: Which.
        seconds: From the event to the end of the first answer that refuses.
        let_in: How many requests it let in after the event.
        answer: The first that refuses.
    """

    door: Door
    seconds: float
    let_in: int
    answer: Answer


def watch(doors: Sequence[Door], ask: Ask, event: Callable[[], None], stop_asked: StopAsked) -> tuple[Turn, ...]:
    """See every door let somebody in, have something happen, and see every door refuse.

    Raises:
        StoryError: a door does not let in before, says something else, or never refuses.
        InterruptedStoryError: the user wants to stop.
    """
    with ThreadPoolExecutor(len(doors)) as threads:
        for door, outcome in zip(doors, threads.map(ask, doors), strict=True):
            if did(outcome) != Expected.LET_IN.value:
                raise StoryError(f"{door.name} answered {did(outcome)} before anything had happened")
        begun = time.monotonic()
        event()
        watcher = _Watcher(ask, begun, stop_asked)
        return _results([threads.submit(watcher.turn, door) for door in doors])


def _results(turns: "Sequence[Future[Turn]]") -> tuple[Turn, ...]:
    """All of them, or the failure that made the others end."""
    failures = [error for turn in turns if (error := turn.exception()) is not None]
    for error in sorted(failures, key=lambda error: isinstance(error, InterruptedStoryError)):
        raise error
    return tuple(turn.result() for turn in turns)


class _Watcher:
    """Knocks at doors until they refuse; when one of them fails, the others need not be waited for."""

    def __init__(self, ask: Ask, begun: float, stop_asked: StopAsked) -> None:
        self._ask = ask
        self._begun = begun
        self._stop_asked = stop_asked
        self._failed = threading.Event()

    def turn(self, door: Door) -> Turn:
        try:
            return self._turn(door)
        except BaseException:
            self._failed.set()
            raise

    def _turn(self, door: Door) -> Turn:
        let_in = 0
        while True:
            outcome = self._ask(door)
            seconds = time.monotonic() - self._begun
            match outcome:
                case Answer() if did(outcome) == Expected.REFUSED.value:
                    return Turn(door, seconds, let_in, outcome)
                case Answer() if did(outcome) == Expected.LET_IN.value:
                    let_in += 1
                case _:
                    raise StoryError(f"{door.name} answered {did(outcome)} instead of 204 or 403")
            if self._stop_asked() or self._failed.is_set():
                raise InterruptedStoryError
            if seconds > PATIENCE_S:
                raise StoryError(f"{door.name} still lets it in after {seconds:.1f} s ({let_in} times)")
            time.sleep(PAUSE_S)
