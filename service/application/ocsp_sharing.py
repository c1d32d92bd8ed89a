"""The port to what replicas tell each other of OCSP: one asks a responder, and the others take what it was told.

Whoever implements it takes turns: it hands out what others have written, or says that it is this worker's turn to ask.
What it hands out was said by nobody yet: `ocsp_taking` has it verified as what came from a responder.

What it does not do: raise anything. Where the others cannot be reached it is everybody's turn.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from service.application.evidence_store import HeldOcsp


class Haste(Enum):
    """Who needs an answer."""

    WAITED_FOR = "waited for"
    """A request does, now."""
    AHEAD = "ahead"
    """Nobody yet: what is held still serves."""


@dataclass(slots=True)
class SharedQuestion:
    """What somebody here is about to ask responders; whoever joins him may have less time.

    Attributes:
        key: Under which hosts hold the answer (`core.ocsp.cert_id.store_key`).
        since: When the answer that is held here was fetched: only what was fetched later is of use. None where none is.
        until: Moment of `Clock.monotonic` until which it is worth waiting for another replica that asks; None where
            no responder would be asked from here: then it is looked once, and nobody is waited for.
        haste: Whether a cache that does not answer at this moment may be waited for.
    """

    key: bytes
    since: datetime | None
    until: float | None
    haste: Haste = Haste.WAITED_FOR

    def hurry(self, until: float) -> None:
        """Wait no longer than somebody who has joined, and needs it now."""
        self.haste = Haste.WAITED_FOR
        if self.until is not None:
            self.until = min(self.until, until)


@dataclass(frozen=True, slots=True)
class SharedOcsp:
    """What another replica has written; nobody has verified it.

    Attributes:
        source: The URL that it says it asked.
        fetched_at: When it says that it did.
    """

    response: bytes = field(repr=False)
    source: str
    fetched_at: datetime


class OcspTurn(Protocol):
    """One question, until it is answered or was asked."""

    async def look(self) -> SharedOcsp | None:
        """What others have written, as soon as there is something; None where responders are to be asked from here.

        Where what it gave was refused, it is asked again.
        """

    def taken(self) -> None:
        """What `look` gave serves."""

    def refused(self, why: str) -> None:
        """What `look` gave is of no use.

        Args:
            why: For logs.
        """

    def give(self, held: HeldOcsp) -> None:
        """Have what this host holds by now written for the others, once the turn is over; nobody waits for that."""


class OcspSharing(Protocol):
    """What replicas tell each other of OCSP."""

    def turn(self, question: SharedQuestion) -> AbstractAsyncContextManager[OcspTurn]:
        """A turn for one question; leaving it takes no time."""

    async def aclose(self) -> None:
        """End what is being written."""


class _Alone:
    """The turn of who has no others: his own. Implements `OcspTurn`."""

    async def look(self) -> SharedOcsp | None:
        """There are none."""
        return None

    def taken(self) -> None:
        """It never is."""

    def refused(self, why: str) -> None:
        """It never is."""

    def give(self, held: HeldOcsp) -> None:
        """To nobody."""


class NotShared:
    """A service without a fleet. Implements `OcspSharing`."""

    @asynccontextmanager
    async def turn(self, question: SharedQuestion) -> AsyncIterator[OcspTurn]:
        """It is always one's own."""
        del question
        yield _Alone()

    async def aclose(self) -> None:
        """There is nothing to end."""
