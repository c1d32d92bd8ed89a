"""What all streams of a worker are sent, made once for all of them and only while somebody listens.

Rules it keeps: it takes a fifth of the time at most, however long one tick takes; a tick that fails is told of once,
and the next one is tried; nothing is made for nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from service.api.endpoint import Faults
from service.api.event_streams import EventStreams
from service.application.clock import Clock

EVERY_S: Final = 2.0
"""Seconds from one tick to the next: what a person sees as live."""

SHARE: Final = 4
"""A tick that takes long is followed by a pause of so many times as long: verdicts come first."""

PATH: Final = "/v1/events"


@dataclass(frozen=True, slots=True)
class Tick:
    """What is sent.

    Attributes:
        stats: The event that has the statistics.
        changed: The event that says what else has changed; the same octets as before where nothing has.
    """

    stats: bytes = field(repr=False)
    changed: bytes = field(repr=False)


class Ticks:
    """Makes them."""

    def __init__(
        self, make: Callable[[], Awaitable[Tick]], streams: EventStreams, clock: Clock, faults: Faults
    ) -> None:
        """Take who makes one, who is woken by it, time, and who is told of failures.

        Args:
            make: Is awaited for each of them.
            streams: Are woken by each.
            clock: Says when the next one is due.
            faults: Is told of what `make` raises, once until it succeeds again.
        """
        self._make = make
        self._streams = streams
        self._clock = clock
        self._faults = faults
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self.latest: Tick | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Have them made for as long as the block lasts."""
        self._listeners += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._listeners -= 1
            if not self._listeners:
                self._task.cancel()
                self._task, self.latest = None, None

    async def _run(self) -> None:
        while True:
            began = self._clock.monotonic()
            self.latest = await self._one()
            self._streams.wake()
            took_s = self._clock.monotonic() - began
            await self._clock.sleep(max(EVERY_S - took_s, SHARE * took_s))

    async def _one(self) -> Tick | None:
        """The next one; None where it cannot be made."""
        try:
            made = await self._make()
        except Exception as error:  # noqa: BLE001 - whoever listens is told nothing new, and the next may be made
            if not self._failing:
                self._failing = True
                self._faults(PATH, error)
            return None
        self._failing = False
        return made
