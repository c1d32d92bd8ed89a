"""What a replica knows of itself, for its heartbeats: read off its host's store, and counted by its processes."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final, Protocol

from service.application.clock import Clock
from service.application.evidence_store import HeldCrl
from service.application.fleet.heartbeat import Held, Tallies

CRLS_EVERY_S: Final = 10.0
"""Seconds between two readings of all CRLs held, where they have changed: ten thousand take a tenth of a second."""

_DIGITS: Final = 12
"""Of the digest of what is held: enough to see whether it is the same."""


class FigureHost(Protocol):
    """What the store says."""

    def generation(self) -> int:
        """The generation of the decisions.

        Raises:
            StoreError: it cannot be read.
        """

    def held(self) -> tuple[HeldCrl, ...]:
        """Every CRL held.

        Raises:
            StoreError: the store cannot be read.
        """


class HostFigures:
    """Implements `heartbeats.ReplicaFigures`."""

    def __init__(
        self, host: FigureHost, blocks: Callable[[], int], tallies: Callable[[], Tallies], clock: Clock
    ) -> None:
        """Take whom to ask.

        Args:
            host: The store.
            blocks: How many there are; raises `StoreError`.
            tallies: What all processes have counted.
            clock: Says when CRLs are read again.
        """
        self._host = host
        self._blocks = blocks
        self._tallies = tallies
        self._clock = clock
        self._generation: int | None = None
        self._read_at = 0.0
        self._crls = (0, "")

    def held(self) -> Held:
        """What the host holds; for threads.

        Raises:
            StoreError: it cannot be read.
        """
        generation = self._host.generation()
        now = self._clock.monotonic()
        if self._generation is None or (generation != self._generation and now - self._read_at >= CRLS_EVERY_S):
            held = self._host.held()
            self._crls = (len(held), digest_of(held))
            self._generation, self._read_at = generation, now
        crls, digest = self._crls
        return Held(generation, crls, digest, self._blocks())

    def tallies(self) -> Tallies:
        """What has been counted; for threads."""
        return self._tallies()


def digest_of(held: Iterable[HeldCrl]) -> str:
    """What is equal where the same CRLs are held, in hex."""
    found = sorted(one.slot.key + one.meta.digest for one in held)
    return sha256(b"".join(found)).hexdigest()[:_DIGITS]
