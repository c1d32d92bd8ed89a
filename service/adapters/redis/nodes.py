"""One Redis: alone, or as a node of a cluster; three lanes of connections lead to it.

Rules it keeps: what takes long never holds a connection that a request waits for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final, Protocol

from service.adapters.redis.failures import AloneError, LinkError, RedirectedError
from service.adapters.redis.links import CONNECT_S, Link, Pool, Word
from service.adapters.redis.wire import Answer
from service.application.fleet.cache import COMMAND_S


class Lane(Enum):
    """What a command is like, and how many connections there are for such commands in one process at most."""

    QUICK = 8
    """A request may wait for it. Opened one by one as they are needed at the same time, which one or two are; of five
    processes of fifty replicas, 2,000 at most, where Redis takes 10,000."""
    BULK = 2
    """It may take seconds: a piece of a CRL, the block list."""
    FOLLOWING = 1
    """It waits for an event."""


class Route(Protocol):
    """The way to whoever has a name."""

    async def ask(self, lane: Lane, name: str, words: tuple[Word, ...], until: float) -> Answer:
        """The answer to a command about a name; raises what `links.Pool.ask` does, but for redirections."""

    def warm(self) -> None:
        """Begin to connect, before anybody asks."""

    async def probe(self, name: str) -> None:
        """Connect, with patience, and then have everybody answer as quickly as requests need it, and about a name.

        Raises:
            LinkError: it did not come to that.
        """

    async def renew(self) -> None:
        """Use none of the connections that nobody uses at this moment: look up the host's name again, above all."""

    async def aclose(self) -> None:
        """Close every connection."""


class Node:
    """One Redis."""

    def __init__(self, open_link: Callable[[], Awaitable[Link]]) -> None:
        """Connect to nobody yet.

        Args:
            open_link: Gives a connection that is open; raises `LinkError`.
        """
        self._open_link = open_link
        self._pools: Final = {lane: Pool(open_link, lane.value) for lane in Lane}

    async def ask(self, lane: Lane, words: tuple[Word, ...], until: float, *, asking: bool = False) -> Answer:
        """The answer to a command; see `links.Pool.ask`."""
        return await self._pools[lane].ask(words, until, asking=asking)

    def warm(self) -> None:
        """Begin to connect, before any request needs it."""
        self._pools[Lane.QUICK].warm()

    async def probe(self) -> None:
        """Connect, and have it answer as quickly as requests need it; the connection is kept for them.

        Raises:
            LinkError: it does not.
        """
        link = await self._open_link()
        try:
            await _pinged(link)
        except BaseException:
            await link.close()
            raise
        await self._pools[Lane.QUICK].give_back(link)

    @property
    def is_quiet(self) -> bool:
        """Whether nobody asks it anything at this moment."""
        return all(pool.is_quiet for pool in self._pools.values())

    async def renew(self) -> None:
        """Use none of the connections that nobody uses at this moment."""
        for pool in self._pools.values():
            await pool.renew()

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()


async def _pinged(link: Link) -> None:
    loop = asyncio.get_running_loop()
    # The first answer may have to wait for what the server does with a new connection.
    for seconds in (CONNECT_S, COMMAND_S):
        try:
            answer = await link.ask(("PING",), loop.time() + seconds)
        except RedirectedError as error:
            raise LinkError(error.reason) from None
        except AloneError as error:
            if not error.code:  # PING is not permitted to everybody, and then refused, which is an answer
                raise LinkError(error.reason) from None
        else:
            if answer != b"PONG":
                raise LinkError("whoever answers is not Redis")


class AloneRoute:
    """The way to a Redis that has everything."""

    def __init__(self, node: Node) -> None:
        """Take the only one there is."""
        self._node = node

    async def ask(self, lane: Lane, name: str, words: tuple[Word, ...], until: float) -> Answer:  # noqa: ARG002 - it has all
        """The answer to a command."""
        try:
            return await self._node.ask(lane, words, until)
        except RedirectedError as error:
            raise LinkError(error.reason) from None

    def warm(self) -> None:
        """Begin to connect."""
        self._node.warm()

    async def probe(self, name: str) -> None:
        """See whether it answers, and also about a name."""
        await self._node.probe()
        await answers_about(self, name)

    async def renew(self) -> None:
        """Use new connections."""
        await self._node.renew()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._node.aclose()


async def answers_about(route: Route, name: str) -> None:
    """See whether a command about a name is answered, whatever the answer is.

    Raises:
        LinkError: it is not.
    """
    until = asyncio.get_running_loop().time() + COMMAND_S
    try:
        await route.ask(Lane.QUICK, name, ("EXISTS", name), until)
    except AloneError as error:
        if not error.code:  # nobody has answered
            raise LinkError(error.reason) from None
