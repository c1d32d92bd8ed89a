"""What connections are held to, before and beside any request on them.

What it does not do: say what a caller may ask (`caller_limits`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Ended(StrEnum):
    """Why a connection was ended that its client would have kept."""

    HEAD = "head"
    """A request had begun, and its head did not come in time."""
    REST = "rest"
    """A request was answered, and the rest of its body did not come in time."""
    UNSENT = "unsent"
    """The client takes nothing of an answer."""
    CROWDED = "crowded"
    """There were as many connections as there may be, and no request was under way on it."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What the connections of one server are held to.

    Attributes:
        most: How many there may be; more wait to be accepted. Those whose handshake of TLS is under way count.
        head_s: Seconds from the first octet of a request to the end of its headers; for a handshake of TLS too.
        idle_s: Seconds without anything, on a new connection and between two requests.
        unsent_s: Seconds in which the client takes nothing of what is to be sent.
    """

    most: int
    head_s: float
    idle_s: float
    unsent_s: float


class ConnectionObserver(Protocol):
    """Is told of connections that are ended; must not raise and must not wait."""

    def ended(self, why: Ended, count: int) -> None:
        """So many were."""

    def full(self, most: int) -> None:
        """There are as many as there may be."""


class NoObserver:
    """Tells nobody."""

    def ended(self, why: Ended, count: int) -> None:
        """Nothing."""

    def full(self, most: int) -> None:
        """Nothing."""
