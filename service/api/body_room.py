"""How much of bodies is held in memory that have not come to their end.

Whoever announces a body takes no place from those whose requests are worked on (`admission`), so that something else
has to bound what is held of bodies meanwhile.

Rules it keeps: of all bodies together no more is held than there is room for, of one caller's half of that, so that
nobody who sends slowly keeps everybody else's out; short bodies need no room at all.
"""

from collections import Counter
from typing import Final

from starlette.types import Scope

from service.api.address import address_of
from service.api.authentication import WHO, Who
from service.api.problems import ProblemError, overloaded

FREE_OCTETS: Final = 2**16
"""Of each body: what uvicorn takes of one before anybody asks for it, and more than most requests have."""

LARGEST_BODIES: Final = 16
"""How many bodies of the largest size there is room for, and twice as many as there are places for batches."""


class BodyRoom:
    """Room for octets of bodies; one for all that are read by a worker."""

    def __init__(self, octets: int) -> None:
        """All of it is free."""
        self._free = octets
        self._share = octets // 2
        self._held: Counter[bytes | str] = Counter()

    def claim(self, scope: Scope) -> "BodyClaim":
        """What one body takes; nothing yet."""
        return BodyClaim(self, scope)

    def take(self, holder: bytes | str, octets: int) -> None:
        """Take room.

        Raises:
            ProblemError: there is not so much (503).
        """
        if octets > self._free or self._held[holder] + octets > self._share:
            raise ProblemError(overloaded())
        self._free -= octets
        self._held[holder] += octets

    def give_back(self, holder: bytes | str, octets: int) -> None:
        """Give it back; who holds nothing is forgotten."""
        self._free += octets
        self._held[holder] -= octets
        if not self._held[holder]:
            del self._held[holder]


class BodyClaim:
    """What one body takes of the room while it comes."""

    __slots__ = ("_holder", "_octets", "_room", "_scope")

    def __init__(self, room: BodyRoom, scope: Scope) -> None:
        """Nothing is taken; who it is for is found when something is."""
        self._room = room
        self._scope = scope
        self._holder: bytes | str = b""
        self._octets = 0

    def grow(self, size: int) -> None:
        """Have room for so much of the body as has come.

        Raises:
            ProblemError: there is none (503).
        """
        needed = size - FREE_OCTETS - self._octets
        if needed <= 0:
            return
        if not self._octets:
            who = self._scope.get(WHO)
            token = who.token if isinstance(who, Who) else None
            self._holder = address_of(self._scope) if token is None else token
        self._room.take(self._holder, needed)
        self._octets += needed

    def end(self) -> None:
        """Give back what was taken."""
        if self._octets:
            self._room.give_back(self._holder, self._octets)
            self._octets = 0
