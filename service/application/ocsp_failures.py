"""What responders refused to say, remembered for seconds: the next request need not hear it from them again.

Rules it keeps: a failure is remembered for one question to one responder; for so long and no longer, whatever happens;
one that comes again after it was forgotten is remembered for twice as long, up to a minute; any other answer forgets
it. What is remembered says so.

What it does not do: remember that a host cannot be reached. That is no matter of one question: its breaker's.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from service.application.clock import Clock
from service.core.model.attempt import Attempt

REMEMBERED_S: Final = 5.0
"""Seconds for which a failure is remembered first: as long as a denial for want of an answer may be reused
(`core.decision.reuse.UNDECIDED_TTL`)."""

LONGEST_REMEMBERED_S: Final = 60.0
"""Seconds at which doubling ends: within a minute of a repair everybody is answered again."""

MOST_FAILURES: Final = 4096
"""Failures remembered, some hundred octets each. Who is pushed out is merely asked once more."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failure that was seen.

    Attributes:
        until: Moment of `Clock.monotonic` at which the responder is asked again.
        seconds: For how long that was.
    """

    attempt: Attempt
    until: float
    seconds: float


class OcspFailures:
    """Failures by responder and question. For one event loop."""

    def __init__(self, clock: Clock, most: int = MOST_FAILURES) -> None:
        """Nothing has failed."""
        self._clock = clock
        self._most = most
        self._failures: OrderedDict[tuple[str, bytes], _Failure] = OrderedDict()

    def recall(self, url: str, question: bytes) -> Attempt | None:
        """What became of a question a moment ago; None where it is to be asked."""
        known = self._failures.get((url, question))
        if known is None:
            return None
        left = known.until - self._clock.monotonic()
        if left <= 0:
            return None
        note = f"remembered for {ceil(left)} s"
        return replace(known.attempt, detail=f"{known.attempt.detail}; {note}" if known.attempt.detail else note)

    def failed(self, url: str, question: bytes, attempt: Attempt) -> None:
        """Remember what a responder said."""
        now = self._clock.monotonic()
        known = self._failures.pop((url, question), None)
        again = known is not None and now < known.until + LONGEST_REMEMBERED_S
        seconds = min(2 * known.seconds, LONGEST_REMEMBERED_S) if known is not None and again else REMEMBERED_S
        self._failures[url, question] = _Failure(attempt, now + seconds, seconds)
        if len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def ended(self, url: str, question: bytes) -> None:
        """Forget what a responder said: it has said something else."""
        self._failures.pop((url, question), None)

    def forget(self) -> None:
        """Ask everybody everything."""
        self._failures.clear()

    def remembered(self) -> int:
        """How many questions are not asked now."""
        now = self._clock.monotonic()
        return sum(one.until > now for one in self._failures.values())
