"""The streams of events that are open in a worker: how many there may be, and their common end.

A stream is woken when there is something new, and when it is to end; it asks for neither by itself. When the service
ends, or another worker takes over, all of them end at once: whoever listens comes back, and finds somebody else.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from service.api.problems import RETRY_LATER, Problem, ProblemError

DEFAULT_STREAMS: Final = 32
"""Streams of one worker: a room full of operators. Each costs a connection, and a copy of the statistics."""

LONGEST_S: Final = 900.0
"""Seconds that a stream lasts: whoever listens for longer comes back, and connections spread over workers again."""

_RETRY_AFTER_S: Final = 10
"""Seconds after which one who found no place may try again; he asks for the statistics meanwhile."""


class EventStream:
    """One of them."""

    def __init__(self) -> None:
        """It goes on, and nothing is new."""
        self._is_over = False
        self._woken = asyncio.Event()

    def goes_on(self) -> bool:
        """Whether nobody has ended it."""
        return not self._is_over

    def wake(self) -> None:
        """There is something new."""
        self._woken.set()

    def end(self) -> None:
        """It is to end."""
        self._is_over = True
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Wait until it is woken, if it was not since it was waited for last.

        Args:
            seconds: How long at most.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()


class EventStreams:
    """Those of one worker."""

    def __init__(self, most: int = DEFAULT_STREAMS, longest_s: float = LONGEST_S) -> None:
        """None is open.

        Args:
            most: How many there may be.
            longest_s: Seconds after which each of them ends.
        """
        self.longest_s = longest_s
        self._most = most
        self._open: set[EventStream] = set()
        self._are_ending = False

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def leave_room(self, connections: int) -> None:
        """Take no more than half of so many connections: verdicts and probes come by the others.

        Args:
            connections: How many the worker may have.
        """
        self._most = min(self._most, connections // 2)

    def open(self) -> EventStream:
        """Open one more.

        Raises:
            ProblemError: there are as many as there may be, or no more are to be (503).
        """
        if self._are_ending:
            raise ProblemError(streams_end())
        if len(self._open) >= self._most:
            raise ProblemError(too_many_streams())
        opened = EventStream()
        self._open.add(opened)
        return opened

    def close(self, stream: EventStream) -> None:
        """One has ended."""
        self._open.discard(stream)

    def wake(self) -> None:
        """Tell all of them that there is something new."""
        for stream in tuple(self._open):
            stream.wake()

    def end(self) -> None:
        """End all of them, and open no more."""
        self._are_ending = True
        for stream in tuple(self._open):
            stream.end()


def too_many_streams() -> Problem:
    """As many streams as a worker may have."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too-many-event-streams",
        "There are too many streams of events",
        "This worker has as many as REVET_MAX_EVENT_STREAMS and half of its connections let it; ask /v1/stats instead.",
        headers=((b"retry-after", b"%d" % _RETRY_AFTER_S),),
    )


def streams_end() -> Problem:
    """A worker that ends."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "ending",
        "This worker ends",
        "Connect again, to another one.",
        headers=RETRY_LATER,
    )
