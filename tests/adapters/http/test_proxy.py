"""With the operator's proxy, what certificates name goes through it, and is checked before."""

import asyncio

import pytest

from service.adapters.http.guard import proxy_target
from service.application.origin import OriginError, UrlTrust
from service.core.model.attempt import Problem
from tests.adapters.http.certificates import TestAuthority
from tests.adapters.http.servers import Received, always, ok, redirect, serve
from tests.adapters.http.world import PRIVATE, wanted, world

pytestmark = pytest.mark.anyio

PROXY_ADDRESS = "10.1.1.1"
PROXY = {"proxy.example": [(PROXY_ADDRESS,)]}


async def test_plain_requests_go_through_the_proxy() -> None:
    """The proxy gets the whole URL, at its own address, which may be private."""
    async with serve(always(ok(b"by proxy"))) as server:
        proxy = proxy_target(f"http://proxy.example:{server.port}")
        async with world(PROXY, proxy=proxy) as there:
            answer = await there.origin.fetch(wanted("http://ca.example/a.crl?b"))
    assert b"by proxy" == answer.body
    assert "GET http://ca.example:80/a.crl?b HTTP/1.1" == server.received[0].line
    assert "ca.example" == server.received[0].headers["host"]
    assert [PROXY_ADDRESS] == there.connector.asked


async def test_addresses_are_bracketed_for_the_proxy() -> None:
    """An IPv6 address stands in the request line as in a URL."""
    async with serve(always(ok(b"by proxy"))) as server:
        async with world(PROXY, proxy=proxy_target(f"http://proxy.example:{server.port}")) as there:
            await there.origin.fetch(wanted("http://[2606:4700::1]/"))
    assert "GET http://[2606:4700::1]:80/ HTTP/1.1" == server.received[0].line


async def test_tls_is_tunnelled_through_the_proxy(authority: TestAuthority) -> None:
    """The proxy is asked for a tunnel, and TLS is verified at its end."""

    async def tunnel(received: Received, writer: asyncio.StreamWriter) -> None:
        port = int(received.line.split(" ")[1].rpartition(":")[2])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        near_reader = server.readers[-1]
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(near_reader, far_writer), _copy(far_reader, writer))

    async with (
        serve(always(ok(b"by tunnel")), authority.server_context("ca.example")) as far,
        serve(tunnel) as server,
        world(PROXY, proxy=proxy_target(f"http://proxy.example:{server.port}"), authority=authority) as there,
    ):
        answer = await there.origin.fetch(wanted(f"https://ca.example:{far.port}/"))
    assert b"by tunnel" == answer.body
    assert f"CONNECT ca.example:{far.port} HTTP/1.1" == server.received[0].line
    assert "user-agent" not in server.received[0].headers


async def test_a_tunnel_that_is_refused() -> None:
    """A proxy that does not open a tunnel makes the origin unreachable."""
    async with serve(always(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as server:
        async with world(PROXY, proxy=proxy_target(f"http://proxy.example:{server.port}")) as there:
            with pytest.raises(OriginError) as caught:
                await there.origin.fetch(wanted("https://ca.example/"))
    assert Problem.UNREACHABLE == caught.value.problem
    assert "403" in caught.value.detail


@pytest.mark.parametrize("url", ["http://inside.example/", "https://inside.example/", "http://127.0.0.1/"])
async def test_names_are_checked_before_the_proxy_is_asked(url: str) -> None:
    """The proxy is no way around the guard."""
    async with serve(always(ok(b"inside"))) as server:
        async with world(PROXY, proxy=proxy_target(f"http://proxy.example:{server.port}")) as there:
            with pytest.raises(OriginError) as caught:
                await there.origin.fetch(wanted(url))
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert [] == there.connector.asked


async def test_the_operators_urls_are_fetched_directly() -> None:
    """The proxy is for what certificates name: from the operator's URL on, redirects go through it."""
    async with serve(always(ok(b"by proxy"))) as server, serve(always(redirect("http://ca.example/"))) as direct:
        async with world(PROXY, proxy=proxy_target(f"http://proxy.example:{server.port}")) as there:
            url = f"http://inside.example:{direct.port}/"
            answer = await there.origin.fetch(wanted(url, trust=UrlTrust.OPERATOR))
            literal = await there.origin.fetch(wanted(f"http://[::1]:{direct.port}/", trust=UrlTrust.OPERATOR))
    assert (b"by proxy", b"by proxy") == (answer.body, literal.body)
    assert [PRIVATE, PROXY_ADDRESS, "::1"] == there.connector.asked


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()
