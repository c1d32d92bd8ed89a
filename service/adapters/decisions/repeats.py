"""Decisions that are given again: a few records of each, and a number for the rest.

Whoever asks about one certificate thousands of times in a second would otherwise push out all others.
"""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

KEPT: Final = 5
"""Records of one decision's repeats in `INTERVAL_S`, of one worker: enough to see that it goes on, and when."""

INTERVAL_S: Final = 10.0

MAX_DECISIONS: Final = 10_000
"""Decisions whose repeats are told apart in one interval, a hundred octets each; of more, none is kept."""


MAX_COUNTED: Final = 100_000
"""Repeats that wait to be counted, eight octets each: those of many seconds. Of more, the first are forgotten."""

_OF_MANY: Final = ""
"""Stands for decisions that are not told apart."""


class Repeats:
    """Counts repeats: asked by the thread that answers, emptied by the one that writes. Neither waits for the other."""

    def __init__(self) -> None:
        """None yet."""
        self._kept: dict[str, int] = {}
        self._left_out: deque[str] = deque(maxlen=MAX_COUNTED)

    def has_room(self, decision_id: str) -> bool:
        """Whether one more is kept; otherwise it is counted."""
        told_apart = self._kept
        kept = told_apart.get(decision_id, 0)
        if kept >= KEPT:
            self._left_out.append(decision_id)
            return False
        if not kept and len(told_apart) >= MAX_DECISIONS:
            self._left_out.append(_OF_MANY)
            return False
        told_apart[decision_id] = kept + 1
        return True

    def begin_interval(self) -> None:
        """Keep some again of each."""
        self._kept = {}

    def take_left_out(self) -> tuple[Mapping[str, int], int]:
        """How many were not kept since this was asked last: by decision, and in all."""
        counts = Counter(self._left_out.popleft() for _ in range(len(self._left_out)))
        total = counts.total()
        del counts[_OF_MANY]
        return counts, total
