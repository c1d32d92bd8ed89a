"""The port to time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, injected: tests and replays bring their own."""

    def now(self) -> datetime:
        """The moment, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
