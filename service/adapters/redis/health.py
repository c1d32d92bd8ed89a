"""Whether Redis is asked at all: whoever waited in vain closes the door, and a probe beside everything opens it again.

Rules it keeps: of a Redis that is gone, frozen or slow, a request learns at once, and not after a time-out; one failure
is enough, since a healthy Redis passes the probe within milliseconds. The probe connects with patience and then asks as
quickly as requests do, so that one which is merely reachable does not count as well; the next is not kept waiting by
one that is patient. While the door is open nothing is asked for its sake.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from service.adapters.redis.links import CONNECT_S
from service.application.clock import Clock
from service.application.fleet.cache import FleetUnavailableError

FIRST_PROBE_S: Final = 0.05
"""Seconds before the first probe; doubled by each that fails."""

LONGEST_PROBE_S: Final = 0.25
"""Seconds at which doubling ends: within half a second of its return Redis is used again by everybody, so that a block
which the first of them is asked for is in force everywhere within a second. A probe is one connection and two words."""

MOST_PROBES: Final = round(CONNECT_S / LONGEST_PROBE_S) + 1
"""Probes under way: one that was begun while the line was slow takes as long as it did then, and the next does not."""


class RedisHealth:
    """The door. For one event loop."""

    def __init__(
        self, probe: Callable[[str], Awaitable[None]], told: Callable[[str | None], None], clock: Clock
    ) -> None:
        """Begin with the door open.

        Args:
            probe: Asks Redis what was asked in vain, by the name that it was about; raises `FleetUnavailableError`.
            told: Is told why the door was closed, and None when it was opened.
            clock: For the pauses between probes.
        """
        self._probe = probe
        self._told = told
        self._clock = clock
        self._reason: str | None = None
        self._ended = False
        self._probing: asyncio.Task[None] | None = None

    @property
    def reason(self) -> str | None:
        """Why nobody is asked; None where Redis is."""
        return self._reason

    def check(self) -> None:
        """Refuse to ask while the door is closed.

        Raises:
            FleetUnavailableError: it is.
        """
        if self._reason is not None:
            raise FleetUnavailableError(self._reason)

    def failed(self, reason: str, name: str) -> None:
        """Close the door, and look whether it can be opened again.

        Args:
            reason: Why.
            name: What was asked about.
        """
        if self._reason is not None or self._ended:  # somebody who was on his way when the door was closed
            return
        self._reason = reason
        self._told(reason)
        self._probing = asyncio.create_task(self._open_again(name))

    async def aclose(self) -> None:
        """Look no more."""
        self._ended = True
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _open_again(self, name: str) -> None:
        pause = FIRST_PROBE_S
        probes: set[asyncio.Future[None]] = set()
        try:
            while not await self._has_answered(probes, pause):
                if len(probes) < MOST_PROBES:
                    probes.add(asyncio.ensure_future(self._probe(name)))
                pause = min(2 * pause, LONGEST_PROBE_S)
        finally:
            for probe in probes:
                probe.cancel()
            await asyncio.gather(*probes, return_exceptions=True)
        self._reason = None
        self._told(None)

    async def _has_answered(self, probes: set[asyncio.Future[None]], pause: float) -> bool:
        """Wait so many seconds; whether one of the probes has found that all is well, which ends the waiting."""
        waiting = asyncio.ensure_future(self._clock.sleep(pause))
        try:
            while not waiting.done():
                done, _ = await asyncio.wait({waiting, *probes}, return_when=asyncio.FIRST_COMPLETED)
                for probe in done & probes:
                    probes.discard(probe)
                    try:
                        probe.result()
                    except FleetUnavailableError as error:
                        self._reason = error.reason
                    else:
                        return True
            return False
        finally:
            waiting.cancel()
