"""Servers that a certificate names and that send too much, too slowly, or something else."""

import asyncio
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.adapters.http.servers import Answer, Received, chunk, head, ok, serve, silence, then_close
from tests.adapters.http.world import PUBLIC
from tests.application.chain import SUB
from tests.composed.world import METHODS, PATIENCE_S, UNAVAILABLE, Method, composed, leaf_naming, summary

pytestmark = pytest.mark.anyio

TEN_GIGABYTES: Final = 10 * 1024**3
MAX_CRL_BYTES: Final = 8 * 1024**2

CRL: Final = SUB.crl()

NOT_HTTP: Final = [
    (b"", "unreachable"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "unreachable"),
    (b"HTTP/1.1 200 OK\r\nContent-", "unreachable"),
    (b"\x00\xff" * 5000 + b"\r\n\r\n", "malformed"),
    (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed"),
    (head(200, "Content-Length: 1", "Content-Length: 2"), "malformed"),
    (head(200, "Transfer-Encoding: chunked") + b"no number\r\n", "malformed"),
    (head(200, *[f"X-{number}: {number}" for number in range(10_000)], "Content-Length: 0"), "malformed"),
    (head(200, "X: " + "x" * 1_000_000, "Content-Length: 0"), "malformed"),
    (head(200, f"Content-Length: {len(CRL) + 1}") + CRL, "unreachable"),
    (head(200, "Transfer-Encoding: chunked") + chunk(CRL), "unreachable"),
    (ok(CRL, "Content-Encoding: gzip"), "malformed"),
    (ok(CRL, "Content-Encoding: br"), "malformed"),
    (head(500, "Content-Length: 0"), "answered with an HTTP error"),
    (head(403, f"Content-Length: {len(CRL)}") + CRL, "answered with an HTTP error"),
    (head(206, f"Content-Length: {len(CRL)}") + CRL, "answered with an HTTP error"),
    (head(204), "answered with an HTTP error"),
    (head(302, "Content-Length: 0"), "answered with an HTTP error"),
    (head(200, f"Content-Length: {TEN_GIGABYTES}"), "too large"),
    # A file name in the head of the gzip (RFC 1952 §2.3) that never ends: much input and no output.
    (head(200, "Content-Encoding: gzip") + b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * MAX_CRL_BYTES, "too large"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("raw", "expected"), NOT_HTTP, ids=[repr(raw[:40]) for raw, _ in NOT_HTTP])
async def test_what_is_no_answer(directory: Path, method: Method, raw: bytes, expected: str) -> None:
    """Denied by name; the server was asked once, at the address that its name has."""
    async with composed(directory, max_crl_bytes=MAX_CRL_BYTES) as service, serve(then_close(raw)) as server:
        answer = await service.ask(leaf_naming(method, url := f"http://ca.example:{server.port}/source"))
        await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
    assert UNAVAILABLE == summary(answer)
    assert f"{url}: {expected}" in answer["detail"]
    assert (1, [PUBLIC]) == (server.connections, service.connector.asked)


@pytest.mark.parametrize("method", METHODS)
async def test_nobody_listens(directory: Path, method: Method) -> None:
    """Unreachable."""
    async with composed(directory) as service:
        async with serve(silence) as server:
            pass
        answer = await service.ask(leaf_naming(method, url := f"http://ca.example:{server.port}/"))
    assert UNAVAILABLE == summary(answer)
    assert f"{url}: unreachable" in answer["detail"]


@pytest.mark.parametrize("method", METHODS)
async def test_ten_gigabytes_of_zeros_behind_gzip(directory: Path, method: Method) -> None:
    """Hung up on at the limit: the sender stops, and what was spooled of it was never more than the limit."""
    sent, spooled = 0, [0]
    compress = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = 256 * 1024
    # After a full flush every block of zeros compresses to the same bytes, which can be sent again and again.
    first, again = (compress.compress(bytes(block)) + compress.flush(zlib.Z_FULL_FLUSH) for _ in range(2))

    async def bomb(_received: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head(200, "Content-Encoding: gzip", "Transfer-Encoding: chunked") + chunk(first))
        while sent < TEN_GIGABYTES:
            writer.write(chunk(again))
            await writer.drain()
            await asyncio.sleep(0)  # the reader's turn
            spooled.extend(sizes(service.spool))
            sent += block

    async with composed(directory, max_crl_bytes=MAX_CRL_BYTES) as service, serve(bomb) as server:
        answer = await service.ask(leaf_naming(method, url := f"http://ca.example:{server.port}/"))
        await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
        assert [] == list(sizes(service.spool))
    assert UNAVAILABLE == summary(answer)
    assert f"{url}: too large" in answer["detail"]
    assert TEN_GIGABYTES > sent
    assert MAX_CRL_BYTES >= max(spooled)
    assert (method == "crl") == (max(spooled) > 0)


def sizes(directory: Path) -> Iterator[int]:
    """The sizes of this process's open files in a directory, those without a name included."""
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if descriptor.readlink().is_relative_to(directory):
                yield descriptor.stat().st_size
        except OSError:
            continue  # the listing's own, closed by now


async def _drip(_received: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, f"Content-Length: {len(CRL)}"))
    for octet in CRL:
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def _drip_head(_received: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


SLOW: Final[list[Answer]] = [silence, _drip, _drip_head]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("answer", SLOW)
async def test_a_byte_at_a_time(directory: Path, method: Method, answer: Answer) -> None:
    """The time for the fetch is up whatever still comes, and the server is hung up on."""
    async with composed(directory, fetch_timeout_s=0.2, ocsp_timeout_s=0.2) as service, serve(answer) as server:
        found = await service.ask(leaf_naming(method, url := f"http://ca.example:{server.port}/"))
        await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
    assert UNAVAILABLE == summary(found)
    assert f"{url}: timed out" in found["detail"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("answer", SLOW)
async def test_the_deadline_of_the_request(directory: Path, method: Method, answer: Answer) -> None:
    """Comes first where it is shorter; four sources do not make it longer."""
    async with composed(directory, deadline_ms=200) as service, serve(answer) as server:
        urls = [f"http://ca.example:{server.port}/{number}" for number in range(4)]
        found = await asyncio.wait_for(service.ask(leaf_naming(method, *urls)), PATIENCE_S / 2)
    assert UNAVAILABLE == summary(found)
    assert f"{urls[0]}: timed out" in found["detail"]
