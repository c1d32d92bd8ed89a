"""A clock that a test moves: sleeping takes no time, and is written down."""

import asyncio
from datetime import datetime, timedelta

from tests.pki.moments import NOW


class ManualClock:
    """Time that passes only when somebody sleeps or the test says so. Implements `service.application.clock.Clock`."""

    def __init__(self) -> None:
        """It is the moment around which all test certificates live."""
        self.slept: list[float] = []
        self._elapsed = 0.0

    def now(self) -> datetime:
        """The moment, in UTC."""
        return NOW + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass, and everybody else run."""
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds
