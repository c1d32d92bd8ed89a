"""How many requests are worked on at once: beyond that, the next one is told at once to come again.

A place is taken when a request's body has come, and not before: whoever sends slowly would keep others out. What is
held of bodies meanwhile is bounded by itself (`body_room`).
"""

from types import TracebackType

from service.api.problems import ProblemError, overloaded

MAX_IN_FLIGHT = 512
"""Requests of one worker: at 2,000 verdicts a second the last of them waits a quarter of a second; later is no use."""

MAX_BATCHES_IN_FLIGHT = 8
"""Batches of one worker: each holds up to 8 MiB and a thousand verdicts' work."""


class Admission:
    """A number of places; `with` takes one and gives it back.

    Raises:
        ProblemError: on entering, where none is free (503).
    """

    def __init__(self, places: int) -> None:
        """All places are free."""
        self._free = places

    def check(self) -> None:
        """Look whether a place is free, before the body is awaited: where none is, it need not be sent.

        Raises:
            ProblemError: none is (503).
        """
        if not self._free:
            raise ProblemError(overloaded())

    def __enter__(self) -> None:
        """Take a place."""
        self.check()
        self._free -= 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self._free += 1
