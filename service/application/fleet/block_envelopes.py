"""Blocks and tombstones in envelopes, as the fleet's cache has them.

Rules it keeps: what is opened can be held, shown and removed by every replica, or it is refused; a tombstone is
believed only where there is a key. Moments are not looked at: whoever's clock is wrong blocks all the same.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from service.application.block_text import BlockTextError, read_block, read_tombstone, write_block, write_tombstone
from service.application.fleet.envelope import Envelope, EnvelopeError, EnvelopeKind, FleetKeys, Refusal, Times
from service.application.fleet.events import BlockEvent, encode_event
from service.application.fleet.parts import FleetParts
from service.application.fleet.telling import RefusedDetails
from service.core.model.block import Block, Tombstone

MAX_BLOCK_OCTETS: Final = 40 * 1024
"""Of one block as it is written: an issuer's name of four kibibytes with every character escaped, a serial number of
a thousand octets, a reason of 500 characters; and its event is no longer than an event may be (64 KiB, in base64)."""

MAX_ENVELOPE_OCTETS: Final = MAX_BLOCK_OCTETS + 1024

LIST_NAME: Final = "(list)"
"""What stands for the list itself, in the hash and in events; no block has such an id."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""What stands in a path and in a store's key as it is."""

_SHOWN: Final = 64
"""Characters of a name that are told: whoever owns the cache may have written megabytes."""

_ANY_TIME: Final = Times(datetime.max.replace(tzinfo=UTC), None, timedelta(0))


class ListState(StrEnum):
    """What somebody says of the list."""

    WANTED = "wanted"
    """In an event: he has never read it, and asks the others to write what they have."""
    COMING = "coming"
    """In the hash: he has heard that, and is about to write all of his."""
    WHOLE = "whole"
    """In the hash, and in an event: he has written all of his."""
    GIVEN = "given"
    """In an event: he has written more than is told one by one."""


@dataclass(frozen=True, slots=True)
class ListNote:
    """What somebody says of the list.

    Attributes:
        state: What.
        token: Who, where he wants something; otherwise the epoch of the cache's content that he says it of.
    """

    state: ListState
    token: str


Member = Block | Tombstone | ListNote
"""What the hash has."""


def seal_member(parts: FleetParts, member: Member) -> tuple[str, bytes]:
    """The name and the envelope of something in the hash."""
    match member:
        case Block():
            return member.id, parts.seal(EnvelopeKind.BLOCK, member.id, write_block(member))
        case Tombstone():
            return member.block_id, parts.seal(EnvelopeKind.TOMBSTONE, member.block_id, write_tombstone(member))
        case ListNote(state, token):
            return LIST_NAME, parts.seal(EnvelopeKind.BLOCK, LIST_NAME, f"{state} {token}".encode())


def seal_event(parts: FleetParts, name: str, envelope: bytes) -> bytes:
    """The event that tells of something in the hash."""
    return parts.seal(EnvelopeKind.EVENT, parts.rules.replica, encode_event(BlockEvent(name, envelope)))


def open_member(parts: FleetParts, name: str, octets: bytes) -> Member | Refusal:
    """What is in an envelope; why it is refused, and told, where it is."""
    try:
        return _opened(parts, name, octets)
    except EnvelopeError as error:
        parts.observer.refused(RefusedDetails(EnvelopeKind.BLOCK, error.refusal, name[:_SHOWN]))
        return error.refusal


def is_sealed_anew(parts: FleetParts, octets: bytes) -> bool:
    """Whether an envelope that opens is sealed with the first key: with the others it will not open for much longer."""
    keys = parts.rules.keys.keys
    if len(keys) < 2:  # noqa: PLR2004 - there is no other
        return True
    try:
        FleetKeys(keys[:1]).open(octets, EnvelopeKind.BLOCK, None, _ANY_TIME)
    except EnvelopeError as error:
        return error.refusal is Refusal.MISPLACED
    return True


def is_sharable(block: Block) -> bool:
    """Whether others would open the envelope of a block."""
    return len(write_block(block)) <= MAX_BLOCK_OCTETS and _ID.fullmatch(block.id) is not None


def _opened(parts: FleetParts, name: str, octets: bytes) -> Member:
    if len(octets) > MAX_ENVELOPE_OCTETS:
        raise EnvelopeError(Refusal.MALFORMED)
    if name != LIST_NAME and not _ID.fullmatch(name):
        raise EnvelopeError(Refusal.REFUSED)
    envelope = _open(parts, name, octets)
    if name == LIST_NAME:
        return _read_note(envelope)
    if envelope.kind is EnvelopeKind.TOMBSTONE and not parts.rules.keys.authenticate:
        raise EnvelopeError(Refusal.UNAUTHENTIC)
    try:
        read = read_tombstone if envelope.kind is EnvelopeKind.TOMBSTONE else read_block
        return read(name, envelope.content)
    except BlockTextError:
        raise EnvelopeError(Refusal.REFUSED) from None


def _read_note(envelope: Envelope) -> ListNote:
    state, _, token = envelope.content.decode("utf-8", "replace").partition(" ")
    try:
        return ListNote(ListState(state), token)
    except ValueError:  # of another version, or a tombstone of what is no block
        raise EnvelopeError(Refusal.REFUSED) from None


def _open(parts: FleetParts, name: str, octets: bytes) -> Envelope:
    """The envelope, of either kind."""
    keys = parts.rules.keys
    try:
        return keys.open(octets, EnvelopeKind.BLOCK, name, _ANY_TIME)
    except EnvelopeError as error:
        if error.refusal is not Refusal.MISPLACED:
            raise
        return keys.open(octets, EnvelopeKind.TOMBSTONE, name, _ANY_TIME)
