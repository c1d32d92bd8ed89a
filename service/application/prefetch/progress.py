"""How far a download has come, written down once a second at most: a small CRL is never seen to progress."""

import asyncio
from dataclasses import replace

from service.application.clock import Clock
from service.application.prefetch.inventory import Inventory
from service.application.prefetch.source_record import Phase, Progress

EVERY_S = 1.0
"""Seconds between two times that it is written down."""


class ProgressKeeper:
    """The progress of one attempt at one source."""

    def __init__(self, inventory: Inventory, key: str, clock: Clock) -> None:
        """Nothing has arrived."""
        self._inventory = inventory
        self._key = key
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._written_at = clock.monotonic()
        self._writing: asyncio.Task[None] | None = None

    def arriving(self, done: int, total: int | None) -> None:
        """Octets have arrived."""
        self._note(Phase.DOWNLOADING, done, total)

    def indexing(self, done: int, total: int | None) -> None:
        """Octets were read for the index; called from any thread."""
        self._loop.call_soon_threadsafe(self._note, Phase.INGESTING, done, total)

    def _note(self, phase: Phase, done: int, total: int | None) -> None:
        now = self._clock.monotonic()
        record = self._inventory.get(self._key)
        if record is None or now - self._written_at < EVERY_S or (self._writing and not self._writing.done()):
            return
        self._written_at = now
        progress = Progress(phase, done, total, self._clock.now())
        self._inventory.remember(replace(record, progress=progress))
        self._writing = asyncio.create_task(self._inventory.write())
