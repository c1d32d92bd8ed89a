"""Where a piece of evidence was found."""

from enum import StrEnum


class Tier(StrEnum):
    """Tiers of the caches, nearest first. None of them is trusted: what is signed is verified."""

    MEMORY = "memory"
    HOST = "host"
    REDIS = "redis"
    ORIGIN = "origin"
    EVIDENCE = "evidence"
    """It came with the request."""
