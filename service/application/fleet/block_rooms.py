"""How many blocks of others a host of a fleet takes."""

from typing import Final

from service.application.block_bringing import BlockRoom
from service.application.blocks import MAX_BLOCKS
from service.application.fleet.parts import FleetParts

AUTHENTIC: Final = BlockRoom(MAX_BLOCKS + MAX_BLOCKS // 10, 128 << 20)
"""With a key: more than anybody may ask one host for, so that what two were asked for at one time comes in; and a
quarter of the hot environment (`adapters.lmdb.environment.MAP_OCTETS`)."""

ANYBODYS: Final = BlockRoom(MAX_BLOCKS - MAX_BLOCKS // 10, 64 << 20)
"""Without one: anybody may have written them, and there must be room left for what this host is asked for."""


def room_for(parts: FleetParts) -> BlockRoom:
    """How many this fleet's hosts take."""
    return AUTHENTIC if parts.rules.keys.authenticate else ANYBODYS


def room_told_of(parts: FleetParts) -> BlockRoom:
    """How many a host may have that tells others of one more.

    The others' stores may need an eighth more room for the same blocks, since they came to them in another order.
    """
    room = room_for(parts)
    return BlockRoom(room.most, room.octets - room.octets // 8)
