"""News of trust stores that are written down elsewhere: whoever finds another version tells the others, who look then.

Rules it keeps: a replica that is told looks for itself, and judges what it finds as ever; however often it is told, it
looks no more often than every few seconds, in all of its processes. What could not be told is told when the cache is
there again; whoever was not told looks when it is time (`REVET_TRUST_STORE_POLL_S`).

What it does not do: look, or know where a store is. Stores in files are each host's own, and never told of.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from service.application.evidence_store import StoreError
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.envelope import EnvelopeKind
from service.application.fleet.events import TrustStoreEvent, encode_event
from service.application.fleet.parts import FleetParts
from service.application.fleet.telling import FleetEvent

LOOK_EVERY_S: Final = 0.5
"""Seconds between two looks whether there is something to tell, or to ask for."""

WANT_EVERY_S: Final = 5.0
"""Seconds between two looks that are asked for: each costs the place a request of every process of every replica."""


class LooksWanted(Protocol):
    """The number that tells every process of this host to look."""

    def looks_wanted(self) -> int:
        """How often a look was asked for.

        Raises:
            StoreError: it cannot be read.
        """

    async def want_look(self) -> None:
        """Ask for one more.

        Raises:
            StoreError: it could not be written.
        """


class TrustStoreNews:
    """Tells of other versions, and has this host look when others tell."""

    def __init__(
        self, parts: FleetParts, looks: LooksWanted, versions: Callable[[], Mapping[str, bytes | None]]
    ) -> None:
        """Take what is known now, of which nobody is told.

        Args:
            parts: The cache, and how it is used.
            looks: Has every process look.
            versions: Digests of the stores that are elsewhere, by name; None of one that is not there yet.
        """
        self._parts = parts
        self._looks = looks
        self._versions = versions
        self._told = dict(versions())
        self._is_wanted = False
        self._wanted_at: float | None = None

    def heard(self, name: str) -> None:
        """Somebody has told of another version."""
        if name in self._told:
            self._is_wanted = True

    async def run(self) -> None:
        """Tell and have looked, until cancelled."""
        while True:
            await self._parts.clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Tell what is new, and have this host look where somebody has told."""
        for name, version in self._versions().items():
            if version != self._told.get(name):
                await self._tell(name, version)
        await self._want()

    async def _tell(self, name: str, version: bytes | None) -> None:
        parts = self._parts
        # The first one that this host has is news to nobody: whoever starts later does not have the others look.
        if self._told.get(name) is not None:
            event = parts.seal(EnvelopeKind.EVENT, parts.rules.replica, encode_event(TrustStoreEvent(name)))
            try:
                await parts.cache.tell(parts.names.events, event)
            except FleetUnavailableError:
                parts.observer.fleet(EnvelopeKind.EVENT, FleetEvent.UNAVAILABLE)
                return
            parts.observer.fleet(EnvelopeKind.EVENT, FleetEvent.WRITTEN)
        self._told[name] = version

    async def _want(self) -> None:
        now = self._parts.clock.monotonic()
        if not self._is_wanted or (self._wanted_at is not None and now - self._wanted_at < WANT_EVERY_S):
            return
        self._is_wanted, self._wanted_at = False, now
        try:
            await self._looks.want_look()
        except StoreError:  # then it looks when it is time
            return
