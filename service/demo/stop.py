"""The user's wish to stop, as something to look at."""

import signal
from types import FrameType, TracebackType
from typing import Final, Self

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Notes Ctrl-C and SIGTERM while it is entered, instead of being ended by them. For the main thread."""

    def __init__(self) -> None:
        """Begin with no wish."""
        self._asked = False

    def __enter__(self) -> Self:
        """Start listening.

        Raises:
            ValueError: not in the main thread.
        """
        self._before = {number: signal.signal(number, self._note) for number in STOP_SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Listen no longer."""
        for number, handler in self._before.items():
            # None: a handler that C code had installed, which Python cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def asked(self) -> bool:
        """Whether the user wants to stop."""
        return self._asked

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
