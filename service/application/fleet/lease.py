"""Leases: one replica asks the authority, and the others wait for what it writes.

A lease is no lock. Two may hold one at a time, where a clock stands still or the cache has failed over, and then an
authority is asked twice: whoever is late writes what the watermarks of the others refuse. One that dies with a lease
delays nobody by more than what is left of it, since it is renewed while its holder works and ends by itself.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from service.application.fleet.cache import FleetUnavailableError, SharedCache

_TOKEN_OCTETS: Final = 16

RENEWALS: Final = 3
"""Times that a lease is renewed before it would end: one that is lost on the way costs nothing."""

_HELD: Final[set[bytes]] = set()
"""The tokens of all leases that this process holds: they end with it."""


def held_now() -> int:
    """How many leases this process holds."""
    return len(_HELD)


@asynccontextmanager
async def leased(cache: SharedCache, name: str, ttl_s: float) -> AsyncIterator[bool]:
    """Hold a lease while the block runs, where nobody else has it.

    Yields:
        Whether it is held.

    Raises:
        FleetUnavailableError: it could not be asked for. Nothing that happens to the cache later is told.
    """
    token = secrets.token_bytes(_TOKEN_OCTETS)
    if not await cache.lease(name, token, ttl_s):
        yield False
        return
    _HELD.add(token)
    renewing = asyncio.create_task(_renew(cache, name, token, ttl_s))
    try:
        yield True
    finally:
        _HELD.discard(token)
        renewing.cancel()
        with suppress(FleetUnavailableError):
            await cache.release(name, token)


async def _renew(cache: SharedCache, name: str, token: bytes, ttl_s: float) -> None:
    is_ours = True
    while is_ours:
        await asyncio.sleep(ttl_s / RENEWALS)  # noqa: TID251 - leases live by the cache's clock, which no test moves
        with suppress(FleetUnavailableError):
            is_ours = await cache.renew(name, token, ttl_s)
