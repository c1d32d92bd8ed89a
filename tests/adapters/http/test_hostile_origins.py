"""Origins that send too much, too slowly, or something else."""

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from service.adapters.http.origin import HttpOrigin
from service.application.origin import OriginError, OriginRequest
from service.core.model.attempt import Problem
from tests.adapters.http.servers import Answer, Received, always, chunk, head, ok, serve, silence, then_close
from tests.adapters.http.world import NEVER, PUBLIC, wanted, world

pytestmark = pytest.mark.anyio

LIMIT = 100_000
TEN_GIGABYTES = 10 * 1024**3


async def _problem(answer: Answer, *, timeout_s: float = 20.0, max_bytes: int = LIMIT) -> Problem:
    """Fetch from such an origin, whole and in pieces, and give the problem that both meet."""
    async with world() as there, serve(answer) as server:
        request = wanted(f"http://ca.example:{server.port}/", max_bytes=max_bytes, timeout_s=timeout_s)
        with pytest.raises(OriginError) as whole:
            await there.origin.fetch(request)
        with pytest.raises(OriginError) as in_pieces:
            await _read_in_pieces(there.origin, request)
        await asyncio.wait_for(server.gone.wait(), 20)
    assert whole.value.problem == in_pieces.value.problem
    return whole.value.problem


async def _read_in_pieces(origin: HttpOrigin, request: OriginRequest) -> None:
    async with origin.stream(request) as answered:
        async for _ in answered.chunks:
            pass


@pytest.mark.parametrize(
    "raw",
    [
        ok(bytes(LIMIT)),
        head(200, "Transfer-Encoding: chunked") + chunk(bytes(LIMIT)) + chunk(b""),
        ok(gzip.compress(bytes(LIMIT), mtime=0), "Content-Encoding: gzip"),
        ok(zlib.compress(bytes(LIMIT)), "Content-Encoding: deflate"),
    ],
)
async def test_a_body_of_the_limit_passes(raw: bytes) -> None:
    """The limit itself is not too large."""
    async with world() as there, serve(always(raw)) as server:
        answer = await there.origin.fetch(wanted(f"http://ca.example:{server.port}/", max_bytes=LIMIT))
    assert LIMIT == len(answer.body)


@pytest.mark.parametrize(
    "raw",
    [
        head(200, f"Content-Length: {LIMIT + 1}"),
        head(200, f"Content-Length: {10**19}"),
        head(200, "Transfer-Encoding: chunked") + chunk(bytes(LIMIT)) + chunk(b"x"),
        head(200, "Transfer-Encoding: chunked") + chunk(bytes(LIMIT + 1)),
        ok(gzip.compress(bytes(LIMIT + 1), mtime=0), "Content-Encoding: gzip"),
        ok(zlib.compress(bytes(LIMIT + 1)), "Content-Encoding: deflate"),
        # A file name in the head of the gzip (RFC 1952 §2.3) that never ends: much input and no output.
        head(200, "Content-Encoding: gzip", "Transfer-Encoding: chunked")
        + chunk(b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * LIMIT),
    ],
)
async def test_one_byte_more_is_too_large(raw: bytes) -> None:
    """Said, sent or decompressed: one byte over the limit ends it, without waiting for the rest."""
    assert Problem.TOO_LARGE == await _problem(always(raw))


async def test_a_body_that_ends_with_the_connection_is_counted() -> None:
    """Without a length, the limit holds too."""
    assert Problem.TOO_LARGE == await _problem(then_close(head(200) + bytes(LIMIT + 1)))


async def test_ten_gigabytes_of_zeros_behind_gzip() -> None:
    """The bomb is stopped at the limit, costs little memory, and its sender is hung up on."""
    sent = 0

    async def bomb(_received: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head(200, "Content-Encoding: gzip", "Transfer-Encoding: chunked"))
        compress = zlib.compressobj(9, zlib.DEFLATED, 31)
        block = 16 * 1024 * 1024
        # After a full flush every block of zeros compresses to the same bytes, which can be sent again and again.
        first = compress.compress(bytes(block)) + compress.flush(zlib.Z_FULL_FLUSH)
        again = compress.compress(bytes(block)) + compress.flush(zlib.Z_FULL_FLUSH)
        writer.write(chunk(first))
        for _ in range(TEN_GIGABYTES // block):
            writer.write(chunk(again))
            await writer.drain()
            sent += block

    async with world() as there, serve(bomb) as server:
        tracemalloc.start()
        try:
            with pytest.raises(OriginError) as caught:
                await there.origin.fetch(wanted(f"http://ca.example:{server.port}/", max_bytes=LIMIT))
            await asyncio.wait_for(server.gone.wait(), 20)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert Problem.TOO_LARGE == caught.value.problem
    assert TEN_GIGABYTES > sent
    # The server's own two blocks are in it.
    assert 64 * 1024 * 1024 > peak


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (ok(b"no gzip", "Content-Encoding: gzip"), Problem.MALFORMED),
        (ok(b"x", "Content-Encoding: br"), Problem.MALFORMED),
        (ok(gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "Content-Encoding: gzip, gzip"), Problem.MALFORMED),
        (ok(gzip.compress(b"x", mtime=0), "Content-Encoding: gzip", "Content-Encoding: gzip"), Problem.MALFORMED),
        (ok(gzip.compress(b"a crl", mtime=0)[:-4], "Content-Encoding: gzip"), Problem.MALFORMED),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Problem.MALFORMED),
        (b"\x15\x03\x01\x00\x02\x02\x0a" + b"\x00" * 99 + b"\r\n\r\n", Problem.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Problem.MALFORMED),
        (head(200, "Content-Length: -1"), Problem.MALFORMED),
        (head(200, "Content-Length: many"), Problem.MALFORMED),
        (head(200, "Content-Length: 1", "Content-Length: 2"), Problem.MALFORMED),
        (head(200, f"Content-Length: {'9' * 5000}"), Problem.MALFORMED),
        (head(200, "Transfer-Encoding: gzip"), Problem.MALFORMED),
        (head(200, "Transfer-Encoding: chunked") + b"no number\r\n", Problem.MALFORMED),
        (head(200, "X: " + "x" * 200_000), Problem.MALFORMED),
        (head(200, *[f"X-{number}: x" for number in range(20_000)]), Problem.MALFORMED),
        (head(101, "Upgrade: x"), Problem.MALFORMED),
        (head(302, "Location: http://[::1/", "Content-Length: 0"), Problem.MALFORMED),
        (head(200, "Content-Length: 10") + b"cut", Problem.UNREACHABLE),
        (head(200, "Transfer-Encoding: chunked") + chunk(b"cut"), Problem.UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\nContent-", Problem.UNREACHABLE),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Problem.UNREACHABLE),
        (b"", Problem.UNREACHABLE),
    ],
)
async def test_what_is_no_answer(raw: bytes, expected: Problem) -> None:
    """Garbage is malformed, what breaks off is unreachable, and nothing else comes out."""
    assert expected == await _problem(then_close(raw))


async def test_a_body_in_single_bytes() -> None:
    """A body cut into tiny chunks costs more than its bytes, and is given up."""
    raw = head(200, "Transfer-Encoding: chunked") + chunk(b"x") * 10_000 + chunk(b"")
    assert Problem.MALFORMED == await _problem(always(raw))


async def test_a_small_body_may_come_in_single_bytes() -> None:
    """A slow line is no attack."""
    raw = head(200, "Transfer-Encoding: chunked") + chunk(b"x") * 1000 + chunk(b"")
    async with world() as there, serve(always(raw)) as server:
        assert b"x" * 1000 == (await there.origin.fetch(wanted(f"http://ca.example:{server.port}/"))).body


async def _drip_body(_received: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Length: 1000"))
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _stall(_received: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Length: 1000") + b"x")


async def _drip_head(_received: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _drip_interim(_received: Received, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _drip_redirects(_received: Received, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.2)
    writer.write(head(302, "Location: /", "Content-Length: 0"))


@pytest.mark.parametrize("answer", [silence, _stall, _drip_head, _drip_interim, _drip_body, _drip_redirects])
async def test_time_is_up_for_everything_together(answer: Answer) -> None:
    """A server that always sends a little more, of whatever, does not win more time."""
    assert Problem.TIMED_OUT == await _problem(answer, timeout_s=0.3)


async def test_a_flood_of_interim_answers_ends() -> None:
    """Answers that are none, as fast as they go, end with the time as well."""

    async def flood(_received: Received, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
            await writer.drain()

    assert Problem.TIMED_OUT == await _problem(flood, timeout_s=0.3)


async def test_the_name_server_is_within_the_time() -> None:
    """A name that is never answered for ends with the time."""
    async with world({"mute.example": [NEVER]}) as there:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted("http://mute.example/", timeout_s=0.1))
    assert Problem.TIMED_OUT == caught.value.problem
    assert ["mute.example"] == there.names.asked


async def test_nobody_listens() -> None:
    """A refused connection is unreachable, and the detail says it."""
    async with world() as there:
        async with serve(silence) as server:
            pass
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"http://ca.example:{server.port}/"))
    assert Problem.UNREACHABLE == caught.value.problem
    assert caught.value.detail.startswith(f"ca.example:{server.port}: ")


async def test_the_next_address_answers() -> None:
    """A dead address of a name costs nothing but an attempt."""
    table: dict[str, list[tuple[str, ...]]] = {"ca.example": [("93.184.216.35", PUBLIC)]}
    async with world(table, dead=("93.184.216.35",)) as there, serve(always(ok(b"x"))) as server:
        assert b"x" == (await there.origin.fetch(wanted(f"http://ca.example:{server.port}/"))).body
    assert ["93.184.216.35", PUBLIC] == there.connector.asked


async def test_cancellation_passes_and_hangs_up() -> None:
    """Who is cancelled is cancelled, and the connection does not stay behind."""
    async with world() as there, serve(silence) as server:
        task = asyncio.create_task(there.origin.fetch(wanted(f"http://ca.example:{server.port}/")))
        await asyncio.wait_for(server.asked.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 20)


async def test_leaving_a_stream_hangs_up() -> None:
    """Who has seen enough of a stream leaves it, and the sender is hung up on."""

    async def endless(_received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "Transfer-Encoding: chunked"))
        while True:
            writer.write(chunk(bytes(1000)))
            await writer.drain()

    async with world() as there, serve(endless) as server:
        async with there.origin.stream(wanted(f"http://ca.example:{server.port}/")) as answered:
            await anext(answered.chunks)
        await asyncio.wait_for(server.gone.wait(), 20)


@pytest.mark.parametrize("error", [OSError("disk full"), TimeoutError("lock"), ValueError("no CRL"), KeyError("x")])
async def test_the_takers_errors_are_its_own(error: Exception) -> None:
    """What fails in the code that takes the pieces is not blamed on the origin."""

    async def take(origin: HttpOrigin, request: OriginRequest) -> None:
        async with origin.stream(request) as answered:
            await anext(answered.chunks)
            raise error

    async with world() as there, serve(always(ok(b"x"))) as server:
        with pytest.raises(type(error)) as caught:
            await take(there.origin, wanted(f"http://ca.example:{server.port}/"))
    assert caught.value is error


async def test_the_taker_is_not_interrupted() -> None:
    """The deadline waits for the taker of a piece, and then gives no other."""
    body = head(200, "Transfer-Encoding: chunked") + chunk(b"first") + chunk(b"second") + chunk(b"")
    async with (
        world() as there,
        serve(always(body)) as server,
        there.origin.stream(wanted(f"http://ca.example:{server.port}/", timeout_s=0.3)) as answered,
    ):
        assert b"first" == await anext(answered.chunks)
        await asyncio.sleep(0.4)
        with pytest.raises(OriginError) as caught:
            await anext(answered.chunks)
    assert Problem.TIMED_OUT == caught.value.problem


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
async def test_no_time_is_no_connection(timeout_s: float) -> None:
    """Nothing is asked when the time is up before it begins."""
    async with world() as there:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted("http://ca.example/", timeout_s=timeout_s))
    assert Problem.TIMED_OUT == caught.value.problem
    assert [] == there.connector.asked
