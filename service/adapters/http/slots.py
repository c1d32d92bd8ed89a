"""How many exchanges may be under way, in all and with one host.

What it does: hands out places, so that one slow host cannot take all of them, and a certificate authority is not asked
by more of us at once than it would welcome.

Why not the limits of httpcore's pool: it has none for a host, and a request that is cancelled while it waits in the
pool's own queue can leave a connection behind that counts for ever. With places handed out here, nothing waits there.

What it does not do: limit the time of waiting; the caller's time-out does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MAX_EXCHANGES = 64
"""Exchanges under way in one process: a worker's deadline is half a second, so this is over a hundred a second."""

MAX_EXCHANGES_PER_HOST = 8
"""Exchanges with one host and port: a little more than a browser's six, with which every server copes."""


@dataclass(slots=True)
class _Host:
    """The places of one host, kept while anybody holds one or waits for one."""

    places: asyncio.Semaphore
    interested: int = field(default=0)


class Slots:
    """Places for exchanges."""

    def __init__(self, total: int = MAX_EXCHANGES, per_host: int = MAX_EXCHANGES_PER_HOST) -> None:
        self._total = asyncio.Semaphore(total)
        self._per_host = per_host
        self._hosts: dict[str, _Host] = {}

    @property
    def hosts(self) -> int:
        """With how many hosts somebody has an exchange or waits for one."""
        return len(self._hosts)

    @asynccontextmanager
    async def hold(self, authority: str) -> AsyncIterator[None]:
        """Hold a place, waiting for it when there is none.

        Args:
            authority: Host and port; the two kinds of trust share the places of a host.
        """
        host = self._hosts.setdefault(authority, _Host(asyncio.Semaphore(self._per_host)))
        host.interested += 1
        try:
            # The host's first: who waits for a slow host must not sit on a place that others could use.
            async with host.places, self._total:
                yield
        finally:
            host.interested -= 1
            if host.interested == 0:
                del self._hosts[authority]
