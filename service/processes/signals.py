"""Signals as something to read, so that a loop can wait for them and for other things alike."""

import os
import signal
from types import FrameType, TracebackType
from typing import Final, Self

STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
"""What asks the service to stop."""

DRAIN_SIGNAL: Final = signal.SIGUSR2
"""Tells a child that the service is going to end: to say so, and to go on. Only sent to one that was heard: before its
first heartbeat it may not know what it means, and would die of it."""

RETIRE_SIGNAL: Final = signal.SIGUSR1
"""Tells a child that another has taken its place: to begin nothing more, and to end with what is under way. Only sent
to one that was heard."""

END_SIGNAL: Final = signal.SIGALRM
"""Tells a child to end with what is under way; one that does not know it yet dies of it. SIGTERM is for the supervisor
alone: launchers send it to every process of a group, and a child that heeded it would end before the drain."""

RELOAD_SIGNAL: Final = signal.SIGHUP
"""What asks the service to read its settings again."""

_HEARD: Final = STOP_SIGNALS | {signal.SIGCHLD, RELOAD_SIGNAL}
_MANY: Final = 4096


class SignalPipe:
    """A pipe that turns readable when a signal arrives. For the main thread; one at a time.

    SIGTERM, SIGINT, SIGHUP and SIGCHLD are heard. On leaving, everything is as it was before.
    """

    def __enter__(self) -> Self:
        """Start hearing.

        Raises:
            ValueError: not in the main thread.
        """
        self._reader, self._writer = os.pipe()
        for fd in (self._reader, self._writer):
            os.set_blocking(fd, False)
        # A full pipe loses nothing: it is readable, and that is all it has to be.
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._handlers_before = {number: signal.signal(number, _heard) for number in _HEARD}
        # Whoever started us may have blocked them.
        self._mask_before = signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop hearing."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask_before)
        for number, handler in self._handlers_before.items():
            # None: a handler that C code had installed, which Python cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._reader)
        os.close(self._writer)

    def fileno(self) -> int:
        """Give the descriptor to wait for."""
        return self._reader

    def read(self) -> frozenset[int]:
        """Take the numbers of the signals that came since the last time. Never blocks."""
        try:
            return frozenset(os.read(self._reader, _MANY))
        except BlockingIOError:
            return frozenset()


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the number is in the pipe already. Without a handler the interpreter would not put it there."""
