"""The demonstration's own ports on loopback.

The URLs of CRLs and OCSP responders stand in certificates, so their ports are chosen once and remembered. A listener is
bound before its port is written into a certificate, and stays bound: nobody can take the port in between.
"""

import contextlib
import random
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from service.demo.errors import PortTakenError, UsageError

LOOPBACK: Final = "127.0.0.1"

_CANDIDATES: Final = range(20_000, 30_000)
"""Below the ports that Linux lends to outgoing connections (32768 and up): one of those would be taken now and then."""

_TRIES: Final = 100
_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demonstration serves revocation data.

    Attributes:
        crl: Port of the CRLs.
        ocsp: Port of the OCSP responders.
    """

    crl: int
    ocsp: int

    def crl_url(self, authority: str) -> str:
        """Where an authority's CRL is."""
        return f"http://{LOOPBACK}:{self.crl}/{authority}.crl"

    def ocsp_url(self, authority: str) -> str:
        """Where an authority's OCSP responder is."""
        return f"http://{LOOPBACK}:{self.ocsp}/{authority}"


@dataclass(frozen=True, slots=True)
class Listeners:
    """Sockets that listen at these ports, on loopback alone. Whoever opens them closes them."""

    crl: socket.socket
    ocsp: socket.socket

    @classmethod
    def at(cls, ports: Ports) -> Self:
        """Listen at ports that were chosen before.

        Raises:
            PortTakenError: another program has one of them.
        """
        return cls._open((ports.crl,), (ports.ocsp,))

    @classmethod
    def anywhere(cls) -> Self:
        """Listen at two ports that nobody uses.

        Raises:
            PortTakenError: none was found.
        """
        # Not for a secret: so that two demonstrations seldom meet.
        candidates = random.sample(_CANDIDATES, 2 * _TRIES)
        return cls._open(tuple(candidates[:_TRIES]), tuple(candidates[_TRIES:]))

    @classmethod
    def _open(cls, crl: tuple[int, ...], ocsp: tuple[int, ...]) -> Self:
        first = _listen(crl)
        try:
            return cls(first, _listen(ocsp))
        except BaseException:
            first.close()
            raise

    @property
    def ports(self) -> Ports:
        """Their ports."""
        return Ports(self.crl.getsockname()[1], self.ocsp.getsockname()[1])

    def close(self) -> None:
        """Listen no longer."""
        self.crl.close()
        self.ocsp.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def free_port(wanted: int) -> int:
    """The port for the service: the one wanted if nobody has it, any free one for 0.

    Raises:
        UsageError: it is in use, or this user may not have it.
    """
    try:
        with _bound(wanted) as listener:
            port: int = listener.getsockname()[1]
            return port
    except OSError as error:
        raise UsageError(
            f"port {wanted} cannot be had ({error.strerror}); another one: make run PORT=9000, "
            "or python -m service.demo --port 9000"
        ) from error


def _listen(candidates: tuple[int, ...]) -> socket.socket:
    for port in candidates:
        with contextlib.suppress(OSError):
            return _listening(port)
    tried = f"port {candidates[0]}" if len(candidates) == 1 else f"each of {len(candidates)} ports"
    raise PortTakenError(f"{tried} on {LOOPBACK} is taken by another program")


def _listening(port: int) -> socket.socket:
    listener = _bound(port)
    try:
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of the demonstration before may linger (TIME_WAIT). Where somebody listens, this still fails.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except BaseException:
        listener.close()
        raise
    return listener
