"""Identifiers of decisions: milliseconds and 80 random bits in hex, so that they sort by time."""

import secrets

from service.application.clock import Clock

RANDOM_BYTES = 10


class RandomDecisionIds:
    """Identifiers from the clock and the kernel's random numbers."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock."""
        self._clock = clock

    def new(self) -> str:
        """A fresh identifier of 32 hex digits."""
        return f"{int(self._clock.now().timestamp() * 1000):012x}{secrets.token_hex(RANDOM_BYTES)}"
