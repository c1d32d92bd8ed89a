"""How many requests a second: the generic cell rate algorithm, by the moment at which the next one is due in theory.

Rules it keeps: one number says everything about a caller, and one that has passed says nothing; in the long run nobody
gets more than his rate, and at one time nobody more than his burst; who is refused is told when to come again.

What it does not do: keep the numbers, or read the clock.
"""

from dataclasses import dataclass
from typing import Final

SLACK_S: Final = 1e-6
"""Seconds by which somebody may be early: sums of fractions are not exact, and the tenth of ten is no eleventh."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How much one caller may ask.

    Attributes:
        per_s: Requests a second; positive.
        burst: Requests at one time, 1 at least.
    """

    per_s: float
    burst: int

    @property
    def window_s(self) -> float:
        """Seconds after which one who asks nothing more may ask for a whole burst again."""
        return self.burst / self.per_s

    def wait_s(self, due: float, now: float, count: int = 1, counted: int = 0) -> float:
        """Seconds until so many requests are no more than is allowed; 0 where they are not now.

        Args:
            due: When the caller's next request is due in theory; a moment that has passed is as good as none.
            now: On the same clock.
            count: Of the requests. More than a burst are allowed when a whole burst is.
            counted: How many that belong to them were counted already.
        """
        needed = min(count + counted, self.burst) - counted
        early_s = max(due, now) - now + needed / self.per_s - self.window_s
        return early_s if early_s > SLACK_S else 0.0

    def spend(self, due: float, now: float, count: int = 1) -> float:
        """When the next request is due in theory after so many."""
        return max(due, now) + count / self.per_s
