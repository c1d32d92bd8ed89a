"""How far a download has come, written down once a second at most: a small CRL is never seen to progress.

What takes so long that it is seen to download is seen to be ingested as well, from the beginning of that.
"""

import asyncio
from dataclasses import replace

from service.application.clock import Clock
from service.application.crl_delivery import Indexed
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
        self._phase: Phase | None = None

    def arriving(self, done: int, total: int | None) -> None:
        """Octets have arrived."""
        self._note(Progress(Phase.DOWNLOADING, done, total, self._clock.now()))

    def indexing(self, indexed: Indexed) -> None:
        """Entries were read for the index; called from any thread."""
        self._loop.call_soon_threadsafe(self._note_indexed, indexed)

    def _note_indexed(self, indexed: Indexed) -> None:
        now, entries = self._clock.now(), indexed.of_entries
        self._note(Progress(Phase.INGESTING, indexed.octets, indexed.of_octets, now, indexed.entries, entries))

    def _note(self, progress: Progress) -> None:
        record = self._inventory.get(self._key)
        if record is None or not self._is_due(progress.phase):
            return
        self._written_at, self._phase = self._clock.monotonic(), progress.phase
        self._inventory.remember(replace(record, progress=progress))
        self._writing = asyncio.create_task(self._inventory.write())

    def _is_due(self, phase: Phase) -> bool:
        if self._writing is None or self._phase is phase:
            is_writing = self._writing is not None and not self._writing.done()
            return not is_writing and self._clock.monotonic() - self._written_at >= EVERY_S
        return True
