"""What replicas tell each other is opened, told apart and passed on.

Rules it keeps: what is no envelope of this fleet, no event, or longer than events are, is counted and passed over; the
same thing said many times at once is done once, since whoever owns the cache can repeat what replicas have said. When
it was said does not count: whoever's clock is wrong is heard all the same.

What it does not do: read the stream (`following`), or know what blocks, CRLs and trust stores are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol, assert_never

from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.events import (
    BlockEvent,
    CrlEvent,
    EventError,
    FleetEventMessage,
    TrustStoreEvent,
    decode_event,
)
from service.application.fleet.parts import FleetParts
from service.application.fleet.telling import RefusedDetails

MAX_EVENT_OCTETS: Final = 64 * 1024
"""Of one event: a block with its reason in base64, and plenty of room."""


class FleetBlocks(Protocol):
    """What is done about blocks."""

    async def apply(self, event: BlockEvent) -> None:
        """Take in what another replica has changed."""

    async def reconcile(self, reason: str) -> object:
        """Bring this host's blocks and the fleet's together."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told of what.

    Attributes:
        blocks: Of blocks and tombstones.
        crl: That there is something newer in the cache of what has this name there (`names.FleetNames.crl`).
        trust_store: That a trust store has another content.
    """

    blocks: FleetBlocks
    crl: Callable[[str], object]
    trust_store: Callable[[str], object]


class Hearing:
    """Passes on what was read."""

    def __init__(self, parts: FleetParts, listeners: Listeners) -> None:
        """Take how envelopes are opened, and who is told what is in them."""
        self._parts = parts
        self._listeners = listeners

    def events(self, envelopes: Iterable[bytes]) -> tuple[FleetEventMessage, ...]:
        """What is said in envelopes, each thing once, in the order in which it was said last."""
        found: dict[FleetEventMessage, None] = {}
        for octets in envelopes:
            event = self._opened(octets)
            if event is not None:
                found.pop(event, None)
                found[event] = None
        return tuple(found)

    async def tell(self, event: FleetEventMessage) -> None:
        """Pass on what was said.

        Raises:
            FleetUnavailableError: it needed the cache.
            StoreError: it could not be written.
        """
        match event:
            case BlockEvent():
                await self._listeners.blocks.apply(event)
            case CrlEvent(name):
                self._listeners.crl(name)
            case TrustStoreEvent(name):
                self._listeners.trust_store(name)
            case _:
                assert_never(event)

    def _opened(self, octets: bytes) -> FleetEventMessage | None:
        about = ""
        if len(octets) <= MAX_EVENT_OCTETS:
            envelope = self._parts.open_event(octets)
            if envelope is None:
                return None
            try:
                return decode_event(envelope.content)
            except EventError:
                about = envelope.about
        self._parts.observer.refused(RefusedDetails(EnvelopeKind.EVENT, Refusal.MALFORMED, about))
        return None
