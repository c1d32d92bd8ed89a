"""What a process does with the store."""

from enum import Enum


class Role(Enum):
    """Each process opens the store in one role."""

    WORKER = "worker"
    """Reads everything and writes OCSP responses."""
    INGESTER = "ingester"
    """Does that and publishes CRLs; there is one of them."""
