"""When the next request of each caller is due in theory, in memory that all workers of a host share.

A file that the supervisor makes anew at each start, mapped by every worker. A token has a slot of its own, found by the
first 64 bits of its digest; addresses have two numbers each in a table that does not grow, at places that a secret key
chooses, of which the lower counts: two of them share a limit only where both places are the same, or are busy with
others. No number of addresses takes more memory, and none of them touches the slot of a token.

Rules it keeps: nobody waits, and nobody locks. Two workers that write one number at a time lose one request of the two;
two that give one slot to two tokens notice with the next request, since who is meant stands in the slot. The clock is
CLOCK_MONOTONIC, which is one for all processes of a host, and begins anew with it, as the file does.

What it does not do: survive the service. Numbers of a service that was stopped for a moment are nobody's debt.
"""

import mmap
import os
import secrets
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final, Self

from service.application.caller_limits import Caller, Places, Stranger, Times

TOKENS: Final = 16_384
"""Slots of tokens: more than anybody gives out to gateways. Of more at one time, those over count as addresses do."""

ADDRESSES: Final = 65_536
"""Numbers in each of the two rows of addresses: of 1,000 busy ones, one in 4,000 others shares both places."""

ROWS: Final = 2

REMEMBERED: Final = 4_096
"""Addresses whose places a worker remembers, since finding them costs some microseconds."""

_WORD: Final = 8
_SECRET_WORDS: Final = 2
_KEYS: Final = _SECRET_WORDS
_DUE: Final = _KEYS + TOKENS
_ROWS: Final = _DUE + TOKENS
_WORDS: Final = _ROWS + ROWS * ADDRESSES

TABLE_OCTETS: Final = _WORD * _WORDS
"""Of the whole table: 1.25 MiB."""

_NOBODY: Final = 0


def make_table(path: Path) -> None:
    """Make an empty one, in place of any that is there. To be called by the supervisor, before it starts anybody.

    All of its room is taken now: on a full disk the kernel ends whoever fills a hole in a mapped file (SIGBUS).

    Raises:
        OSError: it cannot be made, and there is none.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, TABLE_OCTETS)
        os.pwrite(descriptor, secrets.token_bytes(_SECRET_WORDS * _WORD), 0)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)


class ArrivalTable:
    """One worker's view of the table. Implements `service.application.caller_limits.Arrivals`."""

    def __init__(self, memory: mmap.mmap) -> None:
        """Take the memory."""
        octets = memoryview(memory)
        self._numbers = octets.cast("d")
        self._keys = octets.cast("Q")
        self._secret = bytes(octets[: _SECRET_WORDS * _WORD])
        remember: Callable[[Callable[[str, bytes], Places]], Callable[[str, bytes], Places]]
        remember = lru_cache(maxsize=REMEMBERED)
        self._places_of_address = remember(self._find_places)

    @classmethod
    def open(cls, path: Path) -> Self:
        """That of the service.

        Raises:
            OSError: there is none, or it is no whole one.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_size != TABLE_OCTETS:
                raise OSError(f"{path} is no table of this version")
            return cls(mmap.mmap(descriptor, TABLE_OCTETS))
        finally:
            os.close(descriptor)

    @classmethod
    def private(cls) -> Self:
        """One that nobody else sees."""
        memory = mmap.mmap(-1, TABLE_OCTETS)
        memory[: _SECRET_WORDS * _WORD] = secrets.token_bytes(_SECRET_WORDS * _WORD)
        return cls(memory)

    def find(self, who: Caller | Stranger, times: Times) -> Places:
        """Where he is counted."""
        if isinstance(who, Stranger):
            return self._places_of_address(who.address, b"attempts")
        if who.token is None:
            return self._places_of_address(who.address, b"address")
        return self._place_of_token(who.token, times)

    def due(self, places: Places, times: Times) -> float:
        """When his next request is due; what nobody of today can have written says nothing."""
        found = times.last
        for place in places:
            found = min(found, self._numbers[place])
        return found if found < times.last else 0.0

    def put(self, places: Places, due: float, times: Times) -> None:
        """Set it; of a number that others share, only upwards."""
        for place in places:
            if not due <= self._numbers[place] <= times.last:
                self._numbers[place] = due

    def _place_of_token(self, token: bytes, times: Times) -> Places:
        """The slot of a token: its own, or one that nobody needs, whose next request is due already."""
        key = int.from_bytes(token[:_WORD], "big") or 1
        free, found = None, key % TOKENS
        for _ in range(TOKENS):
            holder = self._keys[_KEYS + found]
            if holder == key:
                return (_DUE + found,)
            if free is None and (holder == _NOBODY or not times.now < self._numbers[_DUE + found] <= times.last):
                free = found
            if holder == _NOBODY:
                break
            found = (found + 1) % TOKENS
        if free is None:
            return self._places_of_address(token.hex(), b"token")
        self._numbers[_DUE + free] = 0.0
        self._keys[_KEYS + free] = key
        return (_DUE + free,)

    def _find_places(self, name: str, kind: bytes) -> Places:
        digest = blake2b(name.encode(), digest_size=ROWS * 4, key=self._secret, person=kind).digest()
        places = (int.from_bytes(digest[4 * row : 4 * row + 4], "big") % ADDRESSES for row in range(ROWS))
        return tuple(_ROWS + row * ADDRESSES + place for row, place in enumerate(places))
