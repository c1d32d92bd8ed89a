"""A generation: the entries of one CRL in an immutable LMDB file of its own, found by the keys of its rows."""

from dataclasses import dataclass
from hashlib import sha256

MAX_LITERAL_OCTETS = 500
"""Keys of entries up to here are LMDB's keys themselves, which have 511 octets at most."""

MAX_KEY_OCTETS = 511

_DIGEST_OCTETS = 32


@dataclass(frozen=True, slots=True)
class Generation:
    """Where the entries are, and what the file must look like.

    Attributes:
        name: Of the file; never used twice.
        rows: How many entries are in it, duplicates counted once.
        size: Its octets. A memory map of a shorter file would kill the process that reads it.
    """

    name: str
    rows: int
    size: int


def row_key(key: bytes) -> bytes:
    """The key of an entry's row (`CrlRow.key`) as LMDB has it.

    A long one is cut, and its digest follows: such a key is longer than any that is taken as it is.
    """
    if len(key) <= MAX_LITERAL_OCTETS:
        return key
    return key[: MAX_KEY_OCTETS - _DIGEST_OCTETS] + sha256(key).digest()
