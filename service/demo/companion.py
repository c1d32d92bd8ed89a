"""A program that runs as long as the demonstration does: started, awaited, stopped.

It is tied to this process, so that nothing is left behind when this one is killed. One whose output goes to a file is
in a session of its own, so that a Ctrl-C at the terminal reaches only the demonstration, which then stops everything in
order.
"""

import contextlib
import http.client
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from service.demo.errors import CompanionError
from service.demo.ports import LOOPBACK
from service.demo.tied import tied

READY_WITHIN_S: Final = 60.0
"""How long one may take to start: the service takes seconds, and on a busy machine more."""

STOP_WITHIN_S: Final = 15.0
"""How long it may take to end: longer than the service's own patience with its workers, ten seconds."""

LAST_LINES: Final = 5
"""Of what it said: so many are shown where it failed."""

_GLANCE_S: Final = 0.03
_PROBE_TIMEOUT_S: Final = 2.0

StopAsked = Callable[[], bool]
"""Tells whether the user wants to stop."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start.

    Attributes:
        name: For people.
        command: The program and its arguments.
        environment: All of its environment.
        log: Where what it says goes; None for the terminal.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path | None = None


class Companion:
    """One run of a program. To be started in the main thread: it ends together with the thread that starts it."""

    def __init__(self, program: Program, is_ready: Callable[[], bool]) -> None:
        """Take what to start, and what tells whether it does its work. Nothing is started before it is entered."""
        self._program = program
        self._is_ready = is_ready

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            OSError: it could not be started.
        """
        log = self._program.log
        self._process = _at_the_terminal(self._program) if log is None else _apart(self._program, log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it: asked first, killed when its time is up."""
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until_ready(self, stop_asked: StopAsked) -> bool:
        """Wait until it does its work, or the user wants to stop.

        Returns:
            Whether it does its work.

        Raises:
            CompanionError: it has ended, or takes too long.
        """
        give_up_at = time.monotonic() + READY_WITHIN_S
        while not stop_asked():
            if self._is_ready():
                return True
            self.check()
            if time.monotonic() > give_up_at:
                raise CompanionError(f"{self._program.name} is not ready after {READY_WITHIN_S:.0f} s{self._said()}")
            time.sleep(_GLANCE_S)
        return False

    def check(self) -> None:
        """See whether it runs.

        Raises:
            CompanionError: it has ended by itself.
        """
        code = self._process.poll()
        if code is not None:
            raise CompanionError(f"{self._program.name} has ended by itself, with exit code {code}{self._said()}")

    def _said(self) -> str:
        if self._program.log is None:
            return ""  # who sits at the terminal has seen it
        with contextlib.suppress(OSError):
            lines = self._program.log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
            return "".join(("; its last words:" if lines else "", *(f"\n  {line}" for line in lines)))
        return ""


def stay(check: Callable[[], None], stop_asked: StopAsked) -> None:
    """Wait until the user wants to stop.

    Args:
        check: Sees whether everything runs; what it raises is the end as well.
        stop_asked: Tells whether he does.
    """
    while not stop_asked():
        check()
        time.sleep(_GLANCE_S)


def answers_200(port: int, path: str) -> Callable[[], bool]:
    """Whether a port of loopback answers 200, over plain HTTP."""

    def probe() -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_PROBE_TIMEOUT_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def listens(port: int) -> Callable[[], bool]:
    """Whether somebody listens at a port of loopback."""

    def probe() -> bool:
        try:
            socket.create_connection((LOOPBACK, port), _PROBE_TIMEOUT_S).close()
        except OSError:
            return False
        return True

    return probe


def _at_the_terminal(program: Program) -> "subprocess.Popen[bytes]":
    """Start one that says what it says at the terminal, from which a Ctrl-C reaches it too."""
    # Born with SIGINT blocked, until it listens to it itself: a Ctrl-C before that would end it with a traceback.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(  # noqa: S603 - the command is our own
            tied(program.command), stdin=subprocess.DEVNULL, env=program.environment
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _apart(program: Program, log: Path) -> "subprocess.Popen[bytes]":
    """Start one that the terminal does not know of."""
    with log.open("wb") as said:
        return subprocess.Popen(  # noqa: S603 - the command is our own
            tied(program.command),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=program.environment,
            start_new_session=True,
        )
