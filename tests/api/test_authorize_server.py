"""Proxies over real sockets, behind the server that the API runs under: what only its own reader of HTTP decides."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import pytest
import uvicorn

from service.api import unread_body
from service.application.fronts import Front
from service.processes.http_protocol import BoundedHttpProtocol
from tests.api.authorizing import handed_over, trusting
from tests.api.client_cert.certificates import LONG as LARGE
from tests.api.client_cert.certificates import ROOT as LARGE_ROOT
from tests.api.client_cert.certificates import SUB as LARGE_SUB
from tests.api.client_cert.proxies import alb, nginx
from tests.api.test_server import answer
from tests.api.world import LEAF, ROOT, SUB, World

pytestmark = pytest.mark.anyio

KIB: Final = 1024
CERTIFICATE: Final = nginx(LEAF.der)


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that serves a world."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            world.app(), http=BoundedHttpProtocol, ws="none", lifespan="off", log_config=None, server_header=False
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            server.should_exit = True
            await serving


def request(path: bytes, *lines: bytes, method: bytes = b"GET") -> bytes:
    """A request, octet for octet."""
    return b"\r\n".join((method + b" " + path + b" HTTP/1.1", b"Host: localhost", *lines, b"", b""))


async def asked(world: World, *requests: bytes) -> list[tuple[int, bytes | None]]:
    """Status and subject of the answers to requests on one connection."""
    async with connected(world) as (reader, writer):
        found = []
        for one in requests:
            writer.write(one)
            status, headers, _ = await answer(reader)
            found.append((status, headers.get(b"x-revet-subject")))
        return found


@pytest.mark.parametrize(
    "name", [b"X-SSL-Client-Cert", b"x-ssl-client-cert", b"X-SSL-CLIENT-CERT", b"x-Ssl-cLient-cerT"]
)
async def test_names_of_headers_in_any_case(name: bytes) -> None:
    """They are the same header, and two of them are two (RFC 9110 §5.1)."""
    line = name + b": " + CERTIFICATE
    other = b"X-SSL-Client-Cert: " + CERTIFICATE
    path = b"/v1/authorize/nginx"
    found = await asked(trusting(ROOT, SUB), request(path, line), request(path, line, other), request(path, line))
    assert [(200, b"cn=leaf"), (400, None), (200, b"cn=leaf")] == found


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/v1/authorize/nginx", 200),
        (b"/v1/authorize/nginx@default", 200),
        (b"/v1/authorize/nginx/%2e%2e/alb-verify?x=1", 200),
        (b"/v1/authorize/nginx/../alb-verify", 200),
        (b"/v1/authorize/nginx/../../validate", 200),
        (b'/v1/authorize/nginx/a;b,c=d&e|f{g}"h', 200),
        (b"http://elsewhere.test/v1/authorize/nginx", 200),
        (b"/v1/authorize/nginx%2F..%2Falb-verify", 404),
        (b"/v1/authorize/nginx%40default", 404),
        (b"/v1/authorize//nginx", 404),
        (b"/v1/authorize/", 404),
        (b"/v1/authorize/alb-verify/../nginx", 401),
    ],
)
async def test_paths_as_they_are_sent(path: bytes, status: int) -> None:
    """The server hands them on undecoded, in every form that HTTP has for them."""
    (found,) = await asked(trusting(ROOT, SUB), request(path, b"X-SSL-Client-Cert: " + CERTIFICATE))
    assert status == found[0]


@pytest.mark.parametrize("path", ["/v1/authorize/nginx/車", "/v1/authorize/車", "/v1/authorize/nginx@車"])
async def test_octets_that_no_path_has(path: str) -> None:
    """Some proxies decode what they append: the server refuses a path that is not ASCII before anybody reads it."""
    async with connected(trusting(ROOT, SUB)) as (reader, writer):
        writer.write(request(path.encode(), b"X-SSL-Client-Cert: " + CERTIFICATE))
        line = await reader.readline()
    assert b"HTTP/1.1 400 Bad Request\r\n" == line


def with_body(*lines: bytes, method: bytes = b"POST") -> bytes:
    """A request that says that it has a body."""
    return request(b"/v1/authorize/nginx", b"X-SSL-Client-Cert: " + CERTIFICATE, *lines, method=method)


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"REPORT", b"OPTIONS", b"GET"])
async def test_bodies_are_not_waited_for(method: bytes) -> None:
    """The answer comes before the body, and is the last one of its connection, which ends with the body."""
    body = b"x" * 300 * KIB
    head = with_body(b"Content-Type: nothing/known", b"Content-Length: %d" % len(body), method=method)
    async with connected(trusting(ROOT, SUB)) as (reader, writer):
        writer.write(head)
        status, headers, _ = await answer(reader)
        assert (200, b"allow", b"close") == (status, headers[b"x-revet-decision"], headers[b"connection"])
        writer.write(body)
        assert b"" == await reader.read()


@pytest.mark.parametrize("lines", [(b"Content-Length: 8000000",), (b"Transfer-Encoding: chunked",)])
async def test_who_sends_the_whole_body_first_has_the_answer(lines: tuple[bytes, ...]) -> None:
    """It is read to its end, so that the connection is not reset before its client has read."""
    body = b"x" * 8_000_000
    chunked = b"".join(b"%x\r\n%b\r\n" % (500_000, b"x" * 500_000) for _ in range(16)) + b"0\r\n\r\n"
    async with connected(trusting(ROOT, SUB)) as (reader, writer):
        writer.write(with_body(*lines) + (chunked if lines[0].endswith(b"chunked") else body))
        await writer.drain()
        status, _, _ = await answer(reader)
        assert (200, b"") == (status, await reader.read())


async def test_a_request_without_a_body_keeps_its_connection() -> None:
    """A length of nothing is none."""
    head = with_body(b"Content-Length: 0")
    assert [(200, b"cn=leaf")] * 3 == await asked(trusting(ROOT, SUB), head, head, head)


@pytest.mark.parametrize("swallowed", [1, 60])
async def test_nothing_follows_a_body_that_never_comes(swallowed: int) -> None:
    """As proxies ask that pass on a length and no body: what they send next is answered by nobody.

    Its beginning would count as the body, and what is left, which the client has chosen, as a request.
    """
    rest = request(b"/v1/authorize/alb-verify", b"X-Amzn-Mtls-Clientcert-Leaf: " + CERTIFICATE)
    following = b"y" * swallowed + rest
    async with connected(trusting(ROOT, SUB)) as (reader, writer):
        writer.write(with_body(b"Content-Length: %d" % swallowed))
        status, headers, _ = await answer(reader)
        assert (200, b"close") == (status, headers[b"connection"])
        with suppress(ConnectionError):
            writer.write(following)
            assert b"" == await reader.read()


async def test_a_body_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is an answer at once, and the connection ends after a while."""
    monkeypatch.setattr(unread_body, "DRAIN_S", 0.05)
    async with connected(trusting(ROOT, SUB)) as (reader, writer):
        writer.write(with_body(b"Content-Length: 10"))
        status, _, _ = await answer(reader)
        assert (200, b"") == (status, await reader.read())


async def test_head_with_a_body() -> None:
    """The same, without a body of our own."""
    async with connected(trusting(ROOT, SUB)) as (reader, writer):
        writer.write(with_body(b"Content-Length: 3", method=b"HEAD") + b"abc")
        head, end, rest = (await reader.read()).partition(b"\r\n\r\n")
    assert (True, b"\r\n\r\n", b"") == (head.startswith(b"HTTP/1.1 200 "), end, rest)


async def test_who_waits_to_be_told_to_go_on() -> None:
    """Is answered instead (RFC 9110 §10.1.1)."""
    async with connected(trusting(ROOT, SUB)) as (reader, writer):
        writer.write(with_body(b"Content-Length: 10", b"Expect: 100-continue"))
        status, headers, _ = await answer(reader)
    assert (200, b"close") == (status, headers[b"connection"])


async def test_trailers_are_no_headers() -> None:
    """A certificate behind the body is none, whenever it arrives."""
    chunked = b"0\r\nX-SSL-Client-Cert: " + CERTIFICATE + b"\r\n\r\n"
    head = request(b"/v1/authorize/nginx", b"Transfer-Encoding: chunked", method=b"POST")
    assert [(401, None)] == await asked(trusting(ROOT, SUB), head + chunked)


async def test_a_connection_that_wants_to_be_another_protocol(caplog: pytest.LogCaptureFixture) -> None:
    """Clients' WebSocket handshakes are asked about like everything else, one to a connection, without a warning."""
    upgrade = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAA")
    head = request(b"/v1/authorize/nginx", b"X-SSL-Client-Cert: " + CERTIFICATE, *upgrade)
    assert [(200, b"cn=leaf")] == await asked(trusting(ROOT, SUB), head)
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_large_header() -> None:
    """64 KiB: the most that a load balancer passes on."""
    ders = [LARGE.der, LARGE_SUB.issued.der]
    while len(alb(*ders, LARGE_ROOT.issued.der)) < 63 * KIB:
        ders.append(LARGE_ROOT.issued.der)
    value = alb(*ders)
    assert 62 * KIB < len(value) < 64 * KIB
    line = b"X-Amzn-Mtls-Clientcert: " + value
    world = trusting(LARGE_ROOT)
    (first, second) = await asked(world, *[request(b"/v1/authorize/alb-passthrough", line)] * 2)
    assert (200, first) == (first[0], second)
    assert handed_over(Front.ALB_PASSTHROUGH, *ders)[0][1] == value


async def test_a_header_that_is_too_large() -> None:
    """200 KiB: refused with a 400 while it is being sent, and the connection ends."""
    async with connected(trusting(ROOT, SUB)) as (reader, writer):
        line = b"X-Amzn-Mtls-Clientcert: " + b"x" * 200 * KIB
        with suppress(ConnectionError):
            writer.write(request(b"/v1/authorize/alb-passthrough", line))
            await writer.drain()
        with suppress(ConnectionError):
            first = await reader.readline()
            assert b"HTTP/1.1 400 Bad Request\r\n" == first
