"""Identifiers of decisions: milliseconds and 80 random bits in hex, so that they sort by time."""

import secrets
import time

RANDOM_BYTES = 10


class RandomDecisionIds:
    """Identifiers from the clock and the kernel's random numbers."""

    def new(self) -> str:
        """A fresh identifier of 32 hex digits."""
        return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(RANDOM_BYTES)}"
