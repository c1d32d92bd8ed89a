"""Rows of the hot environment that belong to the fleet: how far its events were read, and the looks it asks for.

What it does not do: say how this replica stands with its fleet. Whoever follows says that while he lives.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from service.adapters.lmdb.block_store import Submit
from service.adapters.lmdb.fields import decode, encode
from service.adapters.lmdb.hot import Hot
from service.application.evidence_store import StoreError
from service.application.fleet.position import EventId, GarbledStreamError, Position

_POSITION_KEY: Final = b"position"

_LOOKS_KEY: Final = b"trust-store-looks"


class LmdbFleetStore:
    """Implements `PositionStore` and `LooksWanted` of the application."""

    def __init__(self, hot: Hot, submit: Submit) -> None:
        """Take the environment, and who writes it."""
        self._hot = hot
        self._fleet = hot.database(b"fleet")
        self._submit = submit

    def position(self) -> Position | None:
        """How far events were read; see `PositionStore`."""
        with self._hot.reading, self._hot.begin() as transaction:
            row = transaction.get(_POSITION_KEY, db=self._fleet)
        return None if row is None else _position(row)

    async def keep_position(self, position: Position) -> None:
        """Keep it; see `PositionStore`."""
        row = encode({"epoch": position.epoch, "last": str(position.last)})

        def write() -> None:
            with self._hot.writing, self._hot.begin_writing() as transaction:
                transaction.put(_POSITION_KEY, row, db=self._fleet)

        await self._written(write)

    def looks_wanted(self) -> int:
        """How often a look at the trust stores was asked for; see `LooksWanted`."""
        return self._hot.number(_LOOKS_KEY)

    async def want_look(self) -> None:
        """Ask every process of this host for a look; see `LooksWanted`."""

        def write() -> None:
            with self._hot.writing, self._hot.begin_writing() as transaction:
                self._hot.raise_number(transaction, _LOOKS_KEY)

        await self._written(write)

    async def _written(self, write: Callable[[], None]) -> None:
        await asyncio.wrap_future(self._submit(write))


def _position(row: bytes) -> Position | None:
    try:
        fields = decode(row)
        return Position(fields.text("epoch"), EventId.parse(fields.text("last")))
    except (StoreError, GarbledStreamError):  # where to begin is all that it says
        return None
