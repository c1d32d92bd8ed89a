"""Ports that are the story's own before anybody listens at them.

nginx and the service are told their ports before they start, and the doors name each other's. So each port is bound
here, exclusively, and only then shared (SO_REUSEADDR): whoever asks for any free port does not get it, a second story
that binds it exclusively does not either, and a program that listens with SO_REUSEADDR, as nginx and the service do,
may have it.

That is how Linux treats two sockets of which only one listens. Elsewhere a port is let go of as soon as it is chosen.
"""

import contextlib
import random
import socket
import sys
from types import TracebackType
from typing import Final, Self

from service.demo.errors import PortTakenError
from service.demo.ports import LOOPBACK

_CANDIDATES: Final = range(20_000, 30_000)
"""Below the ports that Linux lends to outgoing connections (32768 and up)."""

_TRIES: Final = 100


class ReservedPorts:
    """Keeps ports of loopback until it is left."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go of all."""
        self._kept.close()

    def take(self) -> int:
        """One more port.

        Raises:
            PortTakenError: none was found.
        """
        # Not for a secret: so that two stories seldom try the same.
        for port in random.sample(_CANDIDATES, _TRIES):
            with contextlib.suppress(OSError):
                self._keep(port)
                return port
        raise PortTakenError(f"each of {_TRIES} ports on {LOOPBACK} is taken by another program")

    def _keep(self, port: int) -> None:
        with contextlib.ExitStack() as on_failure:
            kept = on_failure.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            kept.bind((LOOPBACK, port))
            if sys.platform == "linux":
                kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._kept.push(on_failure.pop_all())
