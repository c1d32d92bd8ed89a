"""Waiting a little for a cache that has just gone: a hiccup of it, or of this machine, makes nobody ask an authority.

Rules it keeps: whoever is in no hurry waits for a second at most in all of his turn, however often the cache comes and
goes in it, or does one thing and not another; a request waits for none of it; a cache that has been away for longer is
waited for by nobody.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from service.application.clock import Clock
from service.application.fleet.cache import FleetUnavailableError
from service.application.ocsp_sharing import Haste

PATIENCE_S: Final = 1.0
"""Seconds after which a cache that does not answer is gone: whatever passes by itself has passed by then."""

PAUSE_S: Final = 0.1
"""Seconds between two questions: a closed door costs nothing to ask."""

Answer = TypeVar("Answer")

PAUSES: Final = round(PATIENCE_S / PAUSE_S)


@dataclass(slots=True)
class Absence:
    """What all turns of one process know of the cache.

    Attributes:
        since: Moment of `Clock.monotonic` since which it has not done what was asked of it; None where it has.
    """

    since: float | None = None


class Patience:
    """That of one turn."""

    def __init__(self, clock: Clock, absence: Absence, haste: Callable[[], Haste]) -> None:
        """Nothing has failed yet.

        Args:
            clock: Time.
            absence: What others have found.
            haste: Whether somebody waits, at the moment of asking.
        """
        self._clock = clock
        self._absence = absence
        self._haste = haste
        self._failures = 0

    async def ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask something of the cache, again where it may have been a hiccup.

        Raises:
            FleetUnavailableError: it was none.
        """
        while True:
            try:
                answer = await question()
            except FleetUnavailableError:
                if not await self._waits():
                    raise
            else:
                self._absence.since = None
                return answer

    async def _waits(self) -> bool:
        """After a failure: wait as long as that is worth while; whether to ask again."""
        now = self._clock.monotonic()
        since = self._absence.since = now if self._absence.since is None else self._absence.since
        self._failures += 1
        if self._haste() is Haste.WAITED_FOR:
            return self._failures == 1  # if it is gone this takes no time; if this process was busy, it helps
        if self._failures > PAUSES or now - since >= PATIENCE_S:
            return False
        await self._clock.sleep(PAUSE_S)
        return True
