"""Where the log is written: a descriptor whose reader may have stopped reading.

Rules it keeps: nobody waits for a reader. A line that finds no room in a moment is lost, and counted; the next ones do
not wait at all until there is room again. What was written of a line that was cut ends before the next one begins.

What it does not do: know what other processes write to the same pipe. Where two of them take its last room at the same
moment, one waits until something is read.
"""

import os
from select import POLLOUT, poll
from typing import Final, Protocol

PATIENCE_MS: Final = 100
"""Milliseconds for a reader that is behind: far longer than one needs that is at work, and far shorter than a process
may be silent before its supervisor replaces it."""

PIECE: Final = 4096
"""Octets at once: a pipe that has any room has it for as many (PIPE_BUF of Linux)."""

LOST_EVENT: Final = "log_lines_lost"
"""What is told of lines that found no room."""


class LogStream(Protocol):
    """What a log is written to."""

    def write(self, text: str, /) -> int:
        """Write a line."""

    def flush(self) -> None:
        """Have it written."""

    def isatty(self) -> bool:
        """Whether people look at it."""


class PatientStream:
    """A descriptor that the log is written to. Implements `LogStream`.

    Attributes:
        lost: Lines that found no room since somebody has set it to 0.
        is_stuck: Whether there was none for the last one.
    """

    def __init__(self, descriptor: int) -> None:
        """Take the descriptor, which stays its owner's."""
        self.lost = 0
        self._descriptor = descriptor
        self._room = poll()
        self._room.register(descriptor, POLLOUT)
        self.is_stuck = False
        self._is_cut = False

    def write(self, text: str, /) -> int:
        """Write a line, or lose it.

        Raises:
            OSError: it cannot be written at all: the disk is full, or there is no reader any more.
        """
        octets = text.encode("utf-8", "backslashreplace")
        if self._is_cut:
            octets = b"\n" + octets
        for start in range(0, len(octets), PIECE):
            if not self._has_room():
                self.lost += 1
                self._is_cut = self._is_cut or start > 0
                return len(text)
            os.write(self._descriptor, octets[start : start + PIECE])
        self._is_cut = False
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def _has_room(self) -> bool:
        """Whether something can be written now, or within a moment; only whether now, where that was in vain before."""
        self.is_stuck = not self._room.poll(0 if self.is_stuck else PATIENCE_MS)
        return not self.is_stuck
