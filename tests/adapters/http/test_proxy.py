"""With the operator's proxy, what certificates name goes through it, and is checked before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.adapters.http.guard import proxy_target
from service.application.origin import OriginError, UrlTrust
from service.core.model.attempt import Problem
from tests.adapters.http.certificates import TestAuthority
from tests.adapters.http.servers import Answer, Received, Server, always, head, ok, redirect, serve
from tests.adapters.http.world import PRIVATE, World, wanted, world

pytestmark = pytest.mark.anyio

PROXY_ADDRESS = "10.1.1.1"


@asynccontextmanager
async def _behind_proxy(answer: Answer, authority: TestAuthority | None = None) -> AsyncIterator[tuple[World, Server]]:
    """Run a proxy that answers so, and an origin that uses it."""
    async with serve(answer) as server:
        proxy = proxy_target(f"http://proxy.example:{server.port}")
        async with world({"proxy.example": [(PROXY_ADDRESS,)]}, proxy=proxy, authority=authority) as there:
            yield there, server


async def test_plain_requests_go_through_the_proxy() -> None:
    """The proxy gets the whole URL, at its own address, which may be private."""
    async with _behind_proxy(always(ok(b"by proxy"))) as (there, server):
        answer = await there.origin.fetch(wanted("http://ca.example/a.crl?b"))
    assert b"by proxy" == answer.body
    assert "GET http://ca.example:80/a.crl?b HTTP/1.1" == server.received[0].line
    assert "ca.example" == server.received[0].headers["host"]
    assert [PROXY_ADDRESS] == there.connector.asked


async def test_addresses_are_bracketed_for_the_proxy() -> None:
    """An IPv6 address stands in the request line as in a URL."""
    async with _behind_proxy(always(ok(b"by proxy"))) as (there, server):
        await there.origin.fetch(wanted("http://[2606:4700::1]/"))
    assert "GET http://[2606:4700::1]:80/ HTTP/1.1" == server.received[0].line


async def test_tls_is_tunnelled_through_the_proxy(authority: TestAuthority) -> None:
    """The proxy is asked for a tunnel, and TLS is verified at its end."""
    async with (
        serve(always(ok(b"by tunnel")), authority.server_context("ca.example")) as far,
        _behind_proxy(_tunnel, authority) as (there, server),
    ):
        answer = await there.origin.fetch(wanted(f"https://ca.example:{far.port}/"))
    assert b"by tunnel" == answer.body
    assert f"CONNECT ca.example:{far.port} HTTP/1.1" == server.received[0].line
    assert "user-agent" not in server.received[0].headers


async def test_tls_is_verified_through_the_proxy(authority: TestAuthority) -> None:
    """A proxy that leads to somebody else is found out."""
    async with (
        serve(always(ok(b"by tunnel")), authority.server_context("other.example")) as far,
        _behind_proxy(_tunnel, authority) as (there, _server),
    ):
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"https://ca.example:{far.port}/"))
    assert Problem.UNREACHABLE == caught.value.problem
    assert [] == far.received


async def test_a_tunnel_that_is_refused() -> None:
    """A proxy that does not open a tunnel makes the origin unreachable."""
    async with _behind_proxy(always(head(403, "Content-Length: 0"))) as (there, _server):
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted("https://ca.example/"))
    assert Problem.UNREACHABLE == caught.value.problem
    assert "403" in caught.value.detail


@pytest.mark.parametrize("url", ["http://inside.example/", "https://inside.example/", "http://127.0.0.1/"])
async def test_names_are_checked_before_the_proxy_is_asked(url: str) -> None:
    """The proxy is no way around the guard."""
    async with _behind_proxy(always(ok(b"inside"))) as (there, _server):
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(url))
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert [] == there.connector.asked


async def test_the_operators_urls_are_fetched_directly() -> None:
    """The proxy is for what certificates name: a redirect of the operator's URL goes through it."""
    async with (
        serve(always(redirect("http://ca.example/"))) as direct,
        _behind_proxy(always(ok(b"by proxy"))) as (there, _server),
    ):
        url = f"http://inside.example:{direct.port}/"
        answer = await there.origin.fetch(wanted(url, trust=UrlTrust.OPERATOR))
        await there.origin.fetch(wanted(f"http://[::1]:{direct.port}/", trust=UrlTrust.OPERATOR))
    assert b"by proxy" == answer.body
    assert [PRIVATE, PROXY_ADDRESS, "::1"] == there.connector.asked


async def _tunnel(received: Received, writer: asyncio.StreamWriter) -> None:
    """Copy between the client and a server on loopback, as CONNECT asks (RFC 9110 §9.3.6)."""
    port = int(received.line.split(" ")[1].rpartition(":")[2])
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head(200))
    copying = asyncio.gather(_copy(received.reader, far_writer), _copy(far_reader, writer))
    try:
        await copying
    finally:
        far_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()
