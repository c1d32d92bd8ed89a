"""The port of what replicas share: a cache that anybody may own, and that may be gone at any moment.

Rules it keeps: nothing that comes out of it is believed (`envelope`, and whoever verifies what is in one); whoever asks
is answered within a command's time or told that there is nobody; nothing else than `FleetUnavailableError` leaves it.
What is of another kind than belongs under a name is removed when that name is next used, since the absence of anything
means nothing, and the fleet would be without that name for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

COMMAND_S = 0.05
"""Seconds for one command of those that a request may wait for: a tenth of its default deadline."""

BULK_S = 2.0
"""Seconds for what no request waits for, pieces of CRLs above all: 512 KiB at 2 Mbit/s."""


class FleetUnavailableError(Exception):
    """The cache cannot be asked, or has refused; what it was to hold it may hold all the same.

    Attributes:
        reason: For the operator; never has credentials in it.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a stream.

    Attributes:
        id: Its place in the stream, `milliseconds-number`.
        envelope: What it says; nobody has opened it yet.
    """

    id: str
    envelope: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamEnds:
    """What a stream has.

    Attributes:
        first: The oldest event that it still has; empty where it has none.
        last: The newest that it was ever given; `0-0` where it was given none.
    """

    first: str
    last: str


class SharedCache(Protocol):
    """Redis, as far as the fleet needs it. Names are those of `names`; each method is one round trip at most.

    Raises:
        FleetUnavailableError: every method may.
    """

    async def get(self, name: str) -> bytes | None:
        """A value; None where there is none, or its time is over."""

    async def put(self, name: str, value: bytes, ttl_s: float) -> None:
        """Hold a value for so many seconds, in place of any other."""

    async def get_piece(self, name: str) -> bytes | None:
        """The same as `get`, in `BULK_S`."""

    async def put_piece(self, name: str, value: bytes, ttl_s: float) -> None:
        """The same as `put`, in `BULK_S`."""

    async def keep_pieces(self, names: tuple[str, ...], ttl_s: float) -> bool:
        """Hold values for so many seconds more; whether all of them are there."""

    async def lease(self, name: str, token: bytes, ttl_s: float) -> bool:
        """Take a lease that nobody has; whether it was taken."""

    async def renew(self, name: str, token: bytes, ttl_s: float) -> bool:
        """Have a lease for longer, where it is still this token's; whether it was."""

    async def release(self, name: str, token: bytes) -> None:
        """Give a lease back, where it is still this token's."""

    async def members(self, name: str) -> Mapping[str, bytes]:
        """All fields of a hash, read in portions, in `BULK_S` each."""

    async def put_members(self, name: str, members: Mapping[str, bytes]) -> None:
        """Set fields of a hash."""

    async def drop_members(self, name: str, fields: tuple[str, ...]) -> None:
        """Remove fields of a hash."""

    async def put_and_tell(self, name: str, members: Mapping[str, bytes], stream: str, event: bytes) -> str:
        """Set fields of a hash and add an event to a stream, both or neither; the event's id.

        Both names have the same hash tag.
        """

    async def tell(self, stream: str, event: bytes) -> str:
        """Add an event to a stream, which keeps some thousands of them; its id."""

    async def follow(self, stream: str, after: str, wait_s: float) -> tuple[Told, ...]:
        """The events after one, a thousand at most; none where there were none for so many seconds."""

    async def ends(self, stream: str) -> StreamEnds:
        """What a stream has."""

    async def mark(self, name: str, proposal: bytes) -> bytes:
        """The value of a name that has no end; the proposal where there was none."""
