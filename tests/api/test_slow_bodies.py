"""Bodies that come slowly or not at all, over real sockets: who sends them takes nothing from others."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import pytest
import uvicorn
from starlette.types import Message

from service.api import body as body_module
from service.api.admission import MAX_BATCHES_IN_FLIGHT, MAX_IN_FLIGHT
from service.api.body import receive_octets
from service.api.body_room import FREE_OCTETS, LARGEST_BODIES, BodyRoom
from service.api.problems import ProblemError
from service.api.rules import ApiRules
from tests.api.asgi import piece, receiving, scope_of
from tests.api.world import ADMIN, CALLER, LEAF, SUB, WITH_TOKENS, World

pytestmark = pytest.mark.anyio

REQUEST: Final = {"certificate": LEAF.pem + SUB.pem}
ONE: Final = ("/v1/validate", json.dumps(REQUEST).encode())
BATCH: Final = ("/v1/validate/batch", json.dumps({"items": [REQUEST]}).encode())

LARGE: Final = 4 * FREE_OCTETS
"""Octets of a body of which a part counts."""


@dataclass(slots=True)
class Served:
    """A service that runs."""

    address: tuple[str, int]
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def send(self, path: str, token: str, length: int, body: bytes) -> asyncio.StreamReader:
        """Announce a body of a length, and send this of it."""
        reader, writer = await asyncio.open_connection(*self.address)
        self.writers.append(writer)
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-length: {length}"
        writer.write(head.encode() + b"\r\n\r\n" + body)
        await writer.drain()
        return reader


@asynccontextmanager
async def serving(rules: ApiRules) -> AsyncIterator[Served]:
    """A service under the server that it has in earnest."""
    with socket.create_server(("127.0.0.1", 0), backlog=2 * MAX_IN_FLIGHT) as listening:
        config = uvicorn.Config(World(rules=rules).app(), http="httptools", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listening]))
        served = Served(listening.getsockname())
        async with asyncio.timeout(60):
            try:
                yield served
            finally:
                for writer in served.writers:
                    writer.transport.abort()
                server.should_exit = True
                await task


async def status(reader: asyncio.StreamReader) -> int:
    """Of an answer."""
    return int((await reader.readline()).split()[1])


@pytest.mark.parametrize(
    ("asked", "places"), [(BATCH, MAX_BATCHES_IN_FLIGHT), (ONE, MAX_IN_FLIGHT)], ids=["batches", "requests"]
)
async def test_who_sends_slowly_takes_no_place(asked: tuple[str, bytes], places: int) -> None:
    """More bodies than there are places are begun and not ended; another caller's is answered."""
    path, body = asked
    async with serving(WITH_TOKENS) as served:
        slow = [await served.send(path, CALLER, len(body), body[:10]) for _ in range(places + 1)]
        assert 200 == await status(await served.send(path, ADMIN, len(body), body))
        # And they are answered too, when the rest has come.
        served.writers[0].write(body[10:])
        assert 200 == await status(slow[0])


async def test_who_sends_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was announced gives nobody time; the connection ends."""
    monkeypatch.setattr(body_module, "GRACE_S", 0.3)
    async with serving(WITH_TOKENS) as served:
        reader = await served.send("/v1/validate/batch", CALLER, 8_000_000, b"{")
        assert 408 == await status(reader)
        assert b"urn:revet:problem:too-slow" in await reader.read()


async def test_what_has_come_gives_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body may take longer than the grace as long as it comes."""
    monkeypatch.setattr(body_module, "GRACE_S", 0.5)
    monkeypatch.setattr(body_module, "SLOWEST_BYTES_PER_S", 100)
    path, body = ONE
    padded = body + b" " * 20_000
    async with serving(WITH_TOKENS) as served:
        reader = await served.send(path, CALLER, len(padded), b"")
        for start in range(0, len(padded), 500):
            served.writers[0].write(padded[start : start + 500])
            await asyncio.sleep(0.02)
        assert 200 == await status(reader)


async def test_an_upload_has_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its length may be gives it no time, and what has come does."""
    monkeypatch.setattr(body_module, "GRACE_S", 0.3)
    monkeypatch.setattr(body_module, "SLOWEST_BYTES_PER_S", 200)
    read = 0

    async def stalled() -> AsyncIterator[Message]:
        nonlocal read
        for length in (400, 1):
            read += length
            yield piece(b"x" * length, is_last=False)
            await asyncio.sleep(0.5)
        await asyncio.Event().wait()

    taken = receive_octets(scope_of("/"), receiving(stalled()), 2**30, frozenset())
    async with asyncio.timeout(30):
        with pytest.raises(ProblemError) as refused:
            await anext(taken)
    assert (408, 401) == (refused.value.problem.status, read)


async def test_one_caller_has_half_of_the_room() -> None:
    """Who holds that much gets 503 with Retry-After for more, and another caller's body is taken, in pieces too."""
    rules = replace(WITH_TOKENS, max_batch_bytes=LARGE)
    path, body = BATCH
    async with serving(rules) as served:
        slow = [await served.send(path, CALLER, LARGE, b" " * (LARGE - 1)) for _ in range(LARGEST_BODIES)]
        done, waiting = await asyncio.wait([asyncio.create_task(one.readuntil(b"\r\n\r\n")) for one in slow], timeout=1)
        assert (True, True) == (len(waiting) >= LARGEST_BODIES // 2, bool(done))
        for one in done:
            assert one.result().startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1\r\n" in one.result()
        padded = b" " * (LARGE - len(body)) + body
        reader = await served.send(path, ADMIN, LARGE, padded[:-1])
        await asyncio.sleep(0.1)
        served.writers[-1].write(padded[-1:])
        assert 200 == await status(reader)
        for one in waiting:
            one.cancel()


def test_short_bodies_need_no_room() -> None:
    """And what was taken is given back."""
    room = BodyRoom(2_000)
    claim = room.claim(scope_of("/v1/validate"))
    claim.grow(FREE_OCTETS)
    claim.grow(FREE_OCTETS + 400)
    claim.grow(FREE_OCTETS + 1_000)
    for size, fits in ((FREE_OCTETS, True), (FREE_OCTETS + 1, False)):
        other = room.claim(scope_of("/v1/validate"))
        if fits:
            other.grow(size)
        else:
            with pytest.raises(ProblemError):
                other.grow(size)
        other.end()
    claim.end()
    room.claim(scope_of("/v1/validate")).grow(FREE_OCTETS + 1_000)


def test_all_together_have_no_more_than_there_is() -> None:
    """Whoever they are."""
    room = BodyRoom(1_000)
    for host, octets in ((1, 400), (2, 400), (3, 200)):
        room.claim({**scope_of("/"), "client": (f"192.0.2.{host}", 1)}).grow(FREE_OCTETS + octets)
    with pytest.raises(ProblemError):
        room.claim({**scope_of("/"), "client": ("192.0.2.4", 1)}).grow(FREE_OCTETS + 1)
