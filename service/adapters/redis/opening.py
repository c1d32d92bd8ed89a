"""How a connection to a Redis is opened: its host's name looked up, TLS, user and password.

Rules it keeps: a certificate is verified with the host's name, always; a name is looked up for each connection, since
fail-over may change what it means, but never twice at the same time: a lookup cannot be ended, and each that hangs
takes a thread away from the others of this process; nothing is tried twice.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection

from service.adapters.redis.cluster import Place
from service.adapters.redis.failures import LinkError, Words
from service.adapters.redis.links import CONNECT_S, Link
from service.adapters.redis.wire import BoundedParser
from service.application.redis_address import RedisAddress

MOST_ADDRESSES: Final = 4
"""Of one name that are tried, one after the other: two families of two."""


class Openers:
    """Open connections with one user's name and password; for one event loop."""

    def __init__(self, address: RedisAddress, tls: ssl.SSLContext | None, words: Words) -> None:
        """Open none yet.

        Args:
            address: Whose user, password and database are used; where to, each opener is told.
            tls: The context of TLS; None for none.
            words: For what goes wrong.
        """
        self._tls = tls
        self._words = words
        self._path = address.path
        self._looking_up: dict[Place, asyncio.Task[list[Any]]] = {}
        self._options: Final[dict[str, Any]] = {
            "username": address.user,
            "password": address.password,
            "db": address.database,
            "socket_timeout": None,  # each command has its own
            "socket_connect_timeout": None,
            "protocol": 2,
            "parser_class": BoundedParser,
            "driver_info": None,  # nothing more on a new connection than has to be
        }

    def of(self, place: Place | None) -> Callable[[], Awaitable[Link]]:
        """Gives open connections to a host, or to the socket; raises `LinkError`."""
        return self._to_socket if place is None else lambda: self._to_host(place)

    async def _to_socket(self) -> Link:
        return await self._opened(UnixDomainSocketConnection, {"path": self._path})

    async def _to_host(self, place: Place) -> Link:
        kind: type[AbstractConnection] = Connection
        more: dict[str, Any] = {}
        if self._tls is not None:
            kind, more = _TlsConnection, {"context": self._tls, "name": place[0]}
        failure = LinkError("its name has no address")
        for address in await self._addresses(place):
            try:
                return await self._opened(kind, {"host": address, "port": place[1], **more})
            except LinkError as error:
                failure = error
        raise failure

    async def _addresses(self, place: Place) -> list[str]:
        task = self._looking_up.get(place)
        if task is None:
            lookup = asyncio.get_running_loop().getaddrinfo(*place, type=socket.SOCK_STREAM)
            task = self._looking_up[place] = asyncio.ensure_future(lookup)
            task.add_done_callback(lambda _: self._looking_up.pop(place, None))
        try:
            async with asyncio.timeout(CONNECT_S):
                found = await asyncio.shield(task)
        except TimeoutError:
            raise LinkError(f"the name {place[0]} cannot be looked up in time") from None
        except (OSError, ValueError) as error:
            raise LinkError(f"the name {place[0]} cannot be looked up: {self._words.of(error)}") from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))[:MOST_ADDRESSES]

    async def _opened(self, kind: type[AbstractConnection], options: Mapping[str, Any]) -> Link:
        link = Link(kind(**self._options, **options), self._words)
        await link.open()
        return link


class _TlsConnection(SSLConnection):
    """One that takes its context from outside, where `redis` makes one for each connection, and verifies a name."""

    def __init__(self, *, context: ssl.SSLContext, name: str, **options: Any) -> None:  # noqa: ANN401 - as `redis` has them
        super().__init__(**options)
        self.ssl_context.context = context
        self._name = name

    async def disconnect(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as `redis` has them
        """End it without taking leave, for which somebody who is frozen would keep it open for half a minute."""
        if self._writer is not None:
            self._writer.transport.abort()
        await super().disconnect(*arguments, **options)

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "server_hostname": self._name}
