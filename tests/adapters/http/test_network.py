"""Names become addresses once, and only checked addresses are connected to."""

import asyncio
import socket
import ssl
from ipaddress import ip_address

import httpcore
import pytest

from service.adapters.http.guard import EgressRules, Target
from service.adapters.http.network import (
    MAX_ADDRESSES_TRIED,
    GuardedBackend,
    NameGuard,
    ProxyBackend,
    SystemResolver,
    TcpConnector,
)
from service.application.origin import OriginError, UrlTrust
from service.core.model.attempt import Problem
from tests.adapters.http.servers import always, ok, serve, silence
from tests.adapters.http.world import ANOTHER_PUBLIC, PRIVATE, PUBLIC, Names, ToLoopback

pytestmark = pytest.mark.anyio


def _backend(
    names: Names, connector: ToLoopback, trust: UrlTrust = UrlTrust.CERTIFICATE, *allow: str
) -> GuardedBackend:
    return GuardedBackend(NameGuard(EgressRules.parse(allow), names), connector, trust)


async def test_the_checked_address_is_the_one_connected_to() -> None:
    """A name server that changes its answer (DNS rebinding) is not asked for the second one."""
    names = Names({"ca.example": [(PUBLIC,), ("127.0.0.1",)]})
    connector = ToLoopback()
    async with serve(always(ok())) as server:
        stream = await _backend(names, connector).connect_tcp("ca.example", server.port)
        await stream.aclose()
    assert ["ca.example"] == names.asked
    assert [PUBLIC] == connector.asked


@pytest.mark.parametrize("answer", [(PRIVATE,), (PUBLIC, PRIVATE), (PRIVATE, PUBLIC), ("::ffff:127.0.0.1",)])
async def test_nothing_is_connected_to_when_an_address_is_refused(answer: tuple[str, ...]) -> None:
    """One address that is refused, and no packet leaves, not even to the others."""
    connector = ToLoopback()
    with pytest.raises(OriginError) as caught:
        await _backend(Names({"ca.example": [answer]}), connector).connect_tcp("ca.example", 80)
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert [] == connector.asked


async def test_an_allowed_network_opens_the_way() -> None:
    """An address that the operator allows is connected to."""
    connector = ToLoopback()
    backend = _backend(Names({"ca.example": [(PRIVATE,)]}), connector, UrlTrust.CERTIFICATE, "10.0.0.0/8")
    async with serve(always(ok())) as server:
        await (await backend.connect_tcp("ca.example", server.port)).aclose()
    assert [PRIVATE] == connector.asked


async def test_the_operator_goes_anywhere() -> None:
    """A URL that the operator configured may lead inside."""
    connector = ToLoopback()
    backend = _backend(Names({"ca.example": [(PRIVATE,)]}), connector, UrlTrust.OPERATOR)
    async with serve(always(ok())) as server:
        await (await backend.connect_tcp("ca.example", server.port)).aclose()
    assert [PRIVATE] == connector.asked


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "169.254.169.254", "fd00:ec2::254"])
async def test_literal_addresses_are_checked_without_asking(host: str) -> None:
    """An address in a URL is not a name, and is judged all the same."""
    names = Names({})
    connector = ToLoopback()
    with pytest.raises(OriginError):
        await _backend(names, connector).connect_tcp(host, 80)
    assert ([], []) == (names.asked, connector.asked)


async def test_addresses_are_tried_in_turn() -> None:
    """When one address is dead, the next one serves."""
    connector = ToLoopback(frozenset({PUBLIC}))
    backend = _backend(Names({"ca.example": [(PUBLIC, ANOTHER_PUBLIC)]}), connector)
    async with serve(always(ok())) as server:
        await (await backend.connect_tcp("ca.example", server.port, timeout=20)).aclose()
    assert [PUBLIC, ANOTHER_PUBLIC] == connector.asked


async def test_only_so_many_addresses_are_tried() -> None:
    """A name with many dead addresses costs a few attempts; the last failure is the one reported."""
    answer = tuple(f"93.184.216.{last}" for last in range(10))
    connector = ToLoopback(frozenset(answer))
    with pytest.raises(httpcore.ConnectError):
        await _backend(Names({"ca.example": [answer]}), connector).connect_tcp("ca.example", 80)
    assert list(answer[:MAX_ADDRESSES_TRIED]) == connector.asked


async def test_a_silent_address_costs_its_share_only() -> None:
    """Each address gets an equal part of the time that is left, so that the last one still has its own."""

    class Silent:
        def __init__(self) -> None:
            self.shares: list[float | None] = []

        async def connect(self, *asked: object) -> httpcore.AsyncNetworkStream:
            share = asked[2]
            assert isinstance(share, float)
            self.shares.append(round(share))
            raise httpcore.ConnectTimeout("timed out")

    silent = Silent()
    guard = NameGuard(EgressRules(), Names({"ca.example": [(PUBLIC, ANOTHER_PUBLIC)]}))
    with pytest.raises(httpcore.ConnectTimeout):
        await GuardedBackend(guard, silent, UrlTrust.CERTIFICATE).connect_tcp("ca.example", 80, timeout=1000)
    assert [500, 1000] == silent.shares


@pytest.mark.parametrize("trust", list(UrlTrust))
async def test_a_name_without_addresses_cannot_be_reached(trust: UrlTrust) -> None:
    """An empty answer is a failure, whoever asks."""
    with pytest.raises(OSError, match="has no address"):
        await _backend(Names({"ca.example": [()]}), ToLoopback(), trust).connect_tcp("ca.example", 80)


@pytest.mark.parametrize("trust", list(UrlTrust))
async def test_unix_sockets_are_refused(trust: UrlTrust) -> None:
    """No way leads to a socket of this host."""
    with pytest.raises(OriginError) as caught:
        await _backend(Names({}), ToLoopback(), trust).connect_unix_socket("/run/docker.sock")
    assert Problem.EGRESS_REFUSED == caught.value.problem


@pytest.mark.parametrize(("host", "port"), [("proxy.example", 81), ("ca.example", 80)])
async def test_the_proxys_backend_knows_the_proxy_only(host: str, port: int) -> None:
    """What is not the proxy is not connected to by its pool."""
    connector = ToLoopback()
    guard = NameGuard(EgressRules(), Names({host: [(PUBLIC,)]}))
    with pytest.raises(OriginError) as caught:
        await ProxyBackend(guard, connector, Target("http", "proxy.example", 80, "/")).connect_tcp(host, port)
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert [] == connector.asked


async def test_a_handshake_that_is_cancelled_closes_the_connection() -> None:
    """A peer that accepts and says nothing costs no descriptor once the time is up."""
    async with serve(silence) as server:
        stream = await _backend(Names({"ca.example": [(PUBLIC,)]}), ToLoopback()).connect_tcp("ca.example", server.port)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await stream.start_tls(ssl.create_default_context(), "ca.example")
        await asyncio.wait_for(server.gone.wait(), 20)


@pytest.mark.parametrize("name", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1"])
async def test_the_system_gives_odd_notations_as_what_they_are(name: str) -> None:
    """Were one of these to come so far, it would be judged as 127.0.0.1."""
    assert (ip_address("127.0.0.1"),) == await SystemResolver().resolve(name, 80)


async def test_the_system_keeps_the_zone() -> None:
    """An address of a link of this host is given with its zone, which the guard refuses."""
    expected = ip_address(f"fe80::1%{socket.if_nametoindex('lo')}")
    assert (expected,) == await SystemResolver().resolve("fe80::1%lo", 80)


async def test_the_system_fails_as_the_system_does() -> None:
    """What is no name fails without a question to a name server."""
    with pytest.raises((socket.gaierror, UnicodeError)):
        await SystemResolver().resolve("a" * 64 + ".invalid", 80)


async def test_tcp_connects_to_the_address() -> None:
    """The real connector reaches a real server, and says who is not there."""
    connector = TcpConnector()
    async with serve(always(ok())) as server:
        stream = await connector.connect(ip_address("127.0.0.1"), server.port, 20.0)
        assert ("127.0.0.1", server.port) == stream.get_extra_info("server_addr")
        await stream.aclose()
    with pytest.raises(httpcore.ConnectError):
        await connector.connect(ip_address("127.0.0.1"), server.port, 20.0)
