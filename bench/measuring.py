"""Timing callables side by side, fairly.

Rules: contestants take turns, so that a slow minute of the machine falls on all of them; each call is timed on its own;
the garbage collector runs before a turn and not in it; the first turn warms up and does not count; medians are given,
and the tenth and the ninetieth percentile beside them. What only computes is measured in time of the processor, since
on a shared machine whoever takes longer is interrupted more often; what writes to a disk, in time that passes.
"""

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from statistics import median, quantiles
from time import perf_counter_ns, process_time_ns
from typing import Final

TURNS: Final = 8
"""Of each contestant, the first included, which does not count."""
TURN_S: Final = 0.25
"""Seconds of one turn of one contestant; a call that takes longer is made once."""

_NS: Final = 1e-9


class Time(Enum):
    """Which time is measured."""

    PROCESSOR = "time of the processor"
    """That of this process, all threads together."""
    PASSING = "time that passes"


def _read(time: Time) -> Callable[[], int]:
    return process_time_ns if time is Time.PROCESSOR else perf_counter_ns


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something that is timed.

    Attributes:
        call: What is timed.
        before: What happens before each call and is not timed.
    """

    name: str
    call: Callable[[], object]
    before: Callable[[], object] = _nothing


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a call takes.

    Attributes:
        seconds: One call each.
    """

    name: str
    seconds: Sequence[float] = field(repr=False)

    @property
    def median(self) -> float:
        """Seconds of the call in the middle."""
        return median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """Seconds of the tenth and the ninetieth of a hundred calls."""
        if len(self.seconds) == 1:
            return self.seconds[0], self.seconds[0]
        deciles = quantiles(self.seconds, n=10, method="inclusive")
        return deciles[0], deciles[-1]


def race(contestants: Iterable[Contestant], time: Time, turns: int = TURNS, turn_s: float = TURN_S) -> list[Timing]:
    """Time contestants against each other, in the order in which they come."""
    clock = _read(time)
    runners = [(one, _calls_per_turn(one, turn_s, clock)) for one in contestants]
    seconds: dict[str, list[float]] = {one.name: [] for one, _ in runners}
    for turn in range(turns):
        for one, calls in runners:
            measured = _turn(one, calls, clock)
            if turn:
                seconds[one.name].extend(measured)
    return [Timing(name, measured) for name, measured in seconds.items()]


def _calls_per_turn(contestant: Contestant, turn_s: float, clock: Callable[[], int]) -> int:
    _turn(contestant, 1, clock)
    (once,) = _turn(contestant, 1, clock)
    return max(1, int(turn_s / once))


def _turn(contestant: Contestant, calls: int, clock: Callable[[], int]) -> list[float]:
    before, call = contestant.before, contestant.call
    measured = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(calls):
            before()
            started = clock()
            call()
            measured.append((clock() - started) * _NS)
    finally:
        gc.enable()
    return measured
