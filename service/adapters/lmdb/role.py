"""What a process does with the store, and what it does where there is none."""

from enum import Enum


class Role(Enum):
    """Each process opens the store in one role."""

    WORKER = "worker"
    """Reads everything and writes OCSP responses."""
    INGESTER = "ingester"
    """Does that and publishes CRLs; there is one of them."""


class Absent(Enum):
    """Where there is no store."""

    MAKE = "make"
    """An empty one is made."""
    REFUSE = "refuse"
    """That is an error: somebody has made it before, so that it was lost, and with it what is blocked."""
