"""What may be caused as often as somebody likes, and is told a few times in a minute, or in another time."""

from typing import Final

from service.application.clock import Clock

MOST_TOLD: Final = 10
"""Things of a kind that are told in `TOLD_IN_S`: enough to see what is wrong, and nothing to fill a disk with."""

TOLD_IN_S: Final = 60.0


class Seldom:
    """Lets so many through in a while, and counts the others."""

    def __init__(self, clock: Clock, most: int = MOST_TOLD, in_s: float = TOLD_IN_S) -> None:
        """Nothing was let through.

        Args:
            clock: Time.
            most: How many are let through in a while.
            in_s: How long that is, in seconds.
        """
        self._clock = clock
        self._most = most
        self._in_s = in_s
        self._since = clock.monotonic()
        self._count = 0

    def left_out(self) -> int | None:
        """How many were not let through before this one, since one was; None where this one is not either."""
        now = self._clock.monotonic()
        left_out = 0
        if now - self._since >= self._in_s:
            left_out = max(0, self._count - self._most)
            self._since, self._count = now, 0
        self._count += 1
        return left_out if self._count <= self._most else None
