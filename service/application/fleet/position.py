"""How far a replica has read the events of its fleet, and places in a stream as numbers.

What it does not do: believe an id. One that is no place in a stream is an error, and never the end of following.
"""

import re
from dataclasses import dataclass
from typing import Final, Protocol, Self

_ID: Final = re.compile(r"([0-9]{1,20})-([0-9]{1,20})", re.ASCII)

_LARGEST: Final = 2**64 - 1


class GarbledStreamError(Exception):
    """The cache says of its stream what no stream can be: nothing of it is used, and it is asked anew."""


@dataclass(frozen=True, slots=True, order=True)
class EventId:
    """A place in a stream.

    Attributes:
        milliseconds: As a rule, when the event was added, by the cache's clock.
        number: Which one of this millisecond.
    """

    milliseconds: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one.

        Raises:
            GarbledStreamError: it is none.
        """
        match = _ID.fullmatch(text)
        if match is None:
            raise GarbledStreamError("an event's id is none")
        milliseconds, number = int(match[1]), int(match[2])
        if max(milliseconds, number) > _LARGEST:
            raise GarbledStreamError("an event's id is none")
        return cls(milliseconds, number)

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.number}"


BEGINNING: Final = EventId(0, 0)
"""Before every event."""

END: Final = EventId(_LARGEST, _LARGEST)
"""A stream that has an event here takes no other."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the events of one content of the cache were applied.

    Attributes:
        epoch: What tells that content from others.
        last: The last event applied.
    """

    epoch: str
    last: EventId


class PositionStore(Protocol):
    """This host's store, as far as following needs it."""

    def position(self) -> Position | None:
        """What was kept; None where nothing was, or it is damaged.

        Raises:
            StoreError: the store cannot be read.
        """

    async def keep_position(self, position: Position) -> None:
        """Keep it over a restart.

        Raises:
            StoreError: it could not be written.
        """
