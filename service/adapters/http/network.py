"""Names, addresses and connections: httpcore's network backend, behind the egress guard.

What it does: for each new connection, resolves the host once, checks every address of the answer, and connects to
one of exactly these addresses.

The rules it keeps:

1. One resolution a connection. The address that was checked is the address that is connected to; a second answer
   of the name server (DNS rebinding) is never asked for.
2. The name stays the name: TLS asks for it (SNI) and verifies the certificate against it, because the layers above
   see the host of the URL and never the address.
3. A connection that is given up is closed, however it is given up.

What it does not do: HTTP, TLS settings, reuse of connections (`transport.py`).
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Protocol, assert_never

import httpcore

from service.adapters.http.guard import Address, EgressRules, Target, literal_address, refused
from service.application.origin import UrlTrust

MAX_ADDRESSES_TRIED = 4
"""Addresses of one name that are tried in turn. Certificate authorities publish two to four; more would only cut the
time allowed into shares too short for a handshake."""


class Resolver(Protocol):
    """Turns a host name into addresses."""

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """Ask for a name's addresses, in the order in which they are to be tried.

        Raises:
            OSError: the name has none, or could not be asked for.
            UnicodeError: it cannot be a name.
        """


class Connector(Protocol):
    """Opens a connection to an address."""

    async def connect(self, address: Address, port: int, timeout_s: float | None) -> httpcore.AsyncNetworkStream:
        """Connect to one address.

        Raises:
            httpcore.ConnectError: nothing listens there, or nothing can be sent there.
            httpcore.ConnectTimeout: nobody answered in time.
        """


class SystemResolver:
    """The host's own resolver: `/etc/hosts`, DNS, search domains."""

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """Ask getaddrinfo(3), in a thread."""
        answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # The same address comes once for each protocol; a dict keeps the order of RFC 6724.
        return tuple(dict.fromkeys(_address(sockaddr) for _family, _type, _protocol, _name, sockaddr in answers))


class TcpConnector:
    """Connects by httpcore's own backend, with addresses only: nothing is left to resolve."""

    def __init__(self) -> None:
        self._backend = httpcore.AnyIOBackend()

    async def connect(self, address: Address, port: int, timeout_s: float | None) -> httpcore.AsyncNetworkStream:
        """Connect by TCP."""
        return await self._backend.connect_tcp(str(address), port, timeout=timeout_s)


@dataclass(frozen=True, slots=True)
class NameGuard:
    """Gives the addresses of a host that may be connected to.

    Attributes:
        rules: What certificates may lead to.
        resolver: Asked once for each call.
    """

    rules: EgressRules
    resolver: Resolver

    async def addresses(self, host: str, port: int, trust: UrlTrust) -> tuple[Address, ...]:
        """Resolve a host and check the answer.

        Raises:
            OriginError: EGRESS_REFUSED.
            OSError: it has no address.
            UnicodeError: it cannot be a name.
        """
        literal = literal_address(host)
        addresses = (literal,) if literal is not None else await self.resolver.resolve(host, port)
        if not addresses:
            raise OSError(f"{host} has no address")
        match trust:
            case UrlTrust.CERTIFICATE:
                self.rules.check_addresses(host, addresses)
            case UrlTrust.OPERATOR:
                pass
            case _:
                assert_never(trust)
        return addresses


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects where the guard allows, for one kind of trust: a pool of connections never mixes the two."""

    def __init__(self, guard: NameGuard, connector: Connector, trust: UrlTrust) -> None:
        self._guard = guard
        self._connector = connector
        self._trust = trust

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002 - as above
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, and connect to the checked addresses in turn.

        Raises:
            OriginError: EGRESS_REFUSED.
            OSError: the host has no address.
            httpcore.ConnectError: no address could be connected to; of the last one tried.
            httpcore.ConnectTimeout: as above.
        """
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        addresses = (await self._guard.addresses(host, port, self._trust))[:MAX_ADDRESSES_TRIED]
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for tried, address in enumerate(addresses):
            # An equal share for each that is left, so that an address that swallows packets costs its share only.
            share = None if deadline is None else max(0.0, deadline - loop.time()) / (len(addresses) - tried)
            try:
                return GuardedStream(await self._connector.connect(address, port, share))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL leads to a socket of this host.

        Raises:
            OriginError: EGRESS_REFUSED, always.
        """
        raise refused(f"a Unix socket, {path!r}")


class ProxyBackend(GuardedBackend):
    """Connects to the operator's proxy, and to nothing else."""

    def __init__(self, guard: NameGuard, connector: Connector, proxy: Target) -> None:
        super().__init__(guard, connector, UrlTrust.OPERATOR)
        self._proxy = proxy

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the proxy.

        Raises:
            OriginError: EGRESS_REFUSED, when anything else is asked for.
            OSError: the proxy has no address.
            httpcore.ConnectError: it does not answer.
            httpcore.ConnectTimeout: as above.
        """
        if (host, port) != (self._proxy.host, self._proxy.port):
            raise refused(f"{host}:{port} is not the proxy")
        return await super().connect_tcp(host, port, timeout, local_address, socket_options)


class GuardedStream(httpcore.AsyncNetworkStream):
    """A connection that does not outlive a TLS handshake that was given up.

    httpcore closes the connection when the handshake fails, but not when the task is cancelled in it, as our
    time-out does: a peer that accepts and says nothing would then cost a descriptor each time.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Read what has come, at most `max_bytes`."""
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Write all of it."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Shake hands, or close.

        Raises:
            httpcore.ConnectError: the peer's certificate is not one for this name, or it does not speak TLS.
            httpcore.ConnectTimeout: the peer took too long.
        """
        try:
            return GuardedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """Pass on what httpcore asks about the socket."""
        return self._stream.get_extra_info(info)


def _address(sockaddr: tuple[object, ...]) -> Address:
    """The address in what getaddrinfo gives: (address, port) or (address, port, flow, scope)."""
    match sockaddr:
        case (address, _, _, int(scope)) if scope != 0 and "%" not in str(address):
            return ip_address(f"{address}%{scope}")
        case _:
            return ip_address(str(sockaddr[0]))
