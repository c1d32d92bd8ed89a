"""Events: what replicas tell each other the moment that it happens, as envelopes in a stream.

An event makes a replica look, or brings what it would find if it looked: one that is lost is found by looking, and one
that comes twice changes nothing.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CrlEvent:
    """There is something newer of a URL in the cache.

    Attributes:
        name: Of its envelope (`names.FleetNames.crl`).
    """

    name: str


@dataclass(frozen=True, slots=True)
class BlockEvent:
    """A block or a tombstone: its envelope, which the hash has under this id as well."""

    block_id: str
    envelope: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrustStoreEvent:
    """A trust store has another content: worth a look before its time."""

    name: str


FleetEventMessage = CrlEvent | BlockEvent | TrustStoreEvent
"""What replicas tell each other."""


class EventError(ValueError):
    """It is no event that this version knows."""


def encode_event(event: FleetEventMessage) -> bytes:
    """The content of its envelope."""
    match event:
        case CrlEvent(name):
            return _text({"what": "crl", "name": name})
        case BlockEvent(block_id, envelope):
            return _text({"what": "blocks", "id": block_id, "envelope": b64encode(envelope).decode("ascii")})
        case TrustStoreEvent(name):
            return _text({"what": "trust-store", "name": name})


def decode_event(content: bytes) -> FleetEventMessage:
    """The event in an envelope.

    Raises:
        EventError: there is none that this version knows.
    """
    try:
        match json.loads(content):
            case {"what": "crl", "name": str(name)}:
                return CrlEvent(name)
            case {"what": "blocks", "id": str(block_id), "envelope": str(envelope)}:
                return BlockEvent(block_id, b64decode(envelope, validate=True))
            case {"what": "trust-store", "name": str(name)}:
                return TrustStoreEvent(name)
            case _:
                raise EventError("no event that this version knows")
    except RecursionError:
        raise EventError("no event") from None
    except ValueError as error:
        raise error if isinstance(error, EventError) else EventError("no event") from None


def _text(document: dict[str, str]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
