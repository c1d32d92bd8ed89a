"""Ports for the servers that tests start: such as nobody else on the machine is given meanwhile.

The kernel gives out its own (for a bind to 0, and for every connection that somebody opens) from 32768 on. One that was
asked for and let go again is soon another's where much is connected, before the server that it was for has started.
"""

import socket
from collections.abc import Iterator
from random import SystemRandom
from typing import Final

PORTS: Final = range(12_000, 22_000)
"""Below the kernel's, and so that a node of a Redis cluster has its second one, 10,000 above, below them too."""


def free_port() -> int:
    """A port of loopback that nobody listens at, and that no other call in this process is given."""
    return next(_FREE)


def _free() -> Iterator[int]:
    # In another order in each process, and in each run: two of them begin at one port once in 10,000 times.
    for port in SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


_FREE: Final = _free()
