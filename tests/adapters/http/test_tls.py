"""TLS is verified, for the name in the URL."""

import asyncio
import ssl
from pathlib import Path

import pytest

from service.adapters.http.transport import tls_context
from service.application.origin import OriginError, UrlTrust
from service.core.model.attempt import Problem
from tests.adapters.http.certificates import TestAuthority
from tests.adapters.http.servers import always, head, ok, redirect, serve
from tests.adapters.http.world import PUBLIC, wanted, world

pytestmark = pytest.mark.anyio


async def test_the_name_is_what_tls_asks_for(authority: TestAuthority) -> None:
    """The connection goes to an address; SNI and the certificate are about the name."""
    asked: list[str | None] = []
    context = authority.server_context("ca.example")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with world(authority=authority) as there, serve(always(ok(b"x")), context) as server:
        answer = await there.origin.fetch(wanted(f"https://ca.example:{server.port}/"))
    assert b"x" == answer.body
    assert ["ca.example"] == asked
    assert [PUBLIC] == there.connector.asked


@pytest.mark.parametrize("trust", list(UrlTrust))
async def test_a_certificate_for_another_name(authority: TestAuthority, trust: UrlTrust) -> None:
    """A server that cannot show a certificate for the name is not spoken to, whoever named it."""
    context = authority.server_context("other.example")
    async with world(authority=authority) as there, serve(always(ok(b"x")), context) as server:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"https://ca.example:{server.port}/", trust=trust))
    assert Problem.UNREACHABLE == caught.value.problem
    assert "certificate" in caught.value.detail
    assert [] == server.received


async def test_an_unknown_authority(authority: TestAuthority) -> None:
    """Without the operator's bundle, the authority of these tests is nobody."""
    async with world() as there, serve(always(ok(b"x")), authority.server_context("ca.example")) as server:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"https://ca.example:{server.port}/"))
    assert Problem.UNREACHABLE == caught.value.problem
    assert [] == server.received


async def test_a_server_without_tls() -> None:
    """Plain HTTP where TLS is due is unreachable."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head(400))
        await reader.read(1024)
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listener, world() as there:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"https://ca.example:{listener.sockets[0].getsockname()[1]}/"))
    assert Problem.UNREACHABLE == caught.value.problem


async def test_a_handshake_without_an_answer() -> None:
    """A peer that accepts and says nothing is timed out and hung up on."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        gone.set()
        writer.close()

    gone = asyncio.Event()
    listener = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with listener, world() as there:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"https://ca.example:{port}/", timeout_s=0.2))
        await asyncio.wait_for(gone.wait(), 20)
    assert Problem.TIMED_OUT == caught.value.problem


async def test_no_way_leads_out_of_tls(authority: TestAuthority) -> None:
    """A redirect from https to http is refused."""
    async with world(authority=authority) as there, serve(always(ok(b"x"))) as plain:
        answer = always(redirect(f"http://ca.example:{plain.port}/"))
        async with serve(answer, authority.server_context("ca.example")) as server:
            with pytest.raises(OriginError) as caught:
                await there.origin.fetch(wanted(f"https://ca.example:{server.port}/"))
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert 0 == plain.connections


def test_verification_is_on(authority: TestAuthority) -> None:
    """Names and certificates are verified, with and without a bundle."""
    for context in (tls_context(), tls_context(authority.bundle)):
        assert context.check_hostname
        assert ssl.CERT_REQUIRED == context.verify_mode


def test_a_bundle_that_is_none_stops_the_start(tmp_path: Path) -> None:
    """A bundle that is not there, or holds nothing, is an error of the settings."""
    with pytest.raises(FileNotFoundError):
        tls_context(tmp_path / "none.pem")
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(ssl.SSLError):
        tls_context(tmp_path / "empty.pem")
