"""Connections on which nothing gets on, and more of them than there may be: over real sockets."""

import asyncio
import gc
import os
import resource
import socket
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.api.reply import DATA_HEADERS
from service.application.connection_limits import Ended
from service.processes.http_protocol import Stage
from service.processes.late_connections import end_late, make_room
from tests.adapters.tls.materials import server_pair
from tests.processes.served import (
    GET,
    HURRIED,
    LONG_S,
    MUCH,
    OUTLASTED_S,
    PATIENT,
    SHORT_S,
    Served,
    answer,
    serving,
    until,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The event loop that the service runs on: another accepts all who wait before it does anything else."""
    return "asyncio", {"use_uvloop": True}


async def until_closed(served: Served, reader: asyncio.StreamReader) -> bytes:
    """What comes until the last connection ends, on which an octet is sent again and again; none where it is reset."""
    ending = asyncio.create_task(reader.read())
    while not ending.done():
        served.writers[-1].write(b"y")
        await asyncio.sleep(0.05)
    error = ending.exception()
    return b"" if isinstance(error, ConnectionError) else ending.result()


# --- what does not get on --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "before"),
    [
        (b"G", 0),
        (b"GET /a HTTP/1.1\r\nhost: here\r\nx-slow: ", 0),
        (GET % b"/a" + b"GET /b HTTP/1.1\r\n", 1),
        (GET % b"/a" * 2 + b"POST", 2),
    ],
    ids=["an octet", "headers", "behind a request", "behind two"],
)
async def test_a_head_has_its_time(sent: bytes, before: int) -> None:
    """408, as a problem with the headers of every answer, and the end; what came before is answered."""
    async with serving(replace(PATIENT, head_s=SHORT_S)) as served:
        reader = await served.send(sent)
        for _ in range(before):
            assert b"HTTP/1.1 200 OK" in (await answer(reader))[0]
        head, body = await answer(reader)
        assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        for name, value in (*DATA_HEADERS, (b"content-type", b"application/problem+json"), (b"connection", b"close")):
            assert b"\r\n%b: %b\r\n" % (name, value) in head
        assert b"urn:revet:problem:too-slow" in body
        assert b"" == await reader.read()
        assert {Ended.HEAD: 1} == served.told.why


async def test_a_head_that_trickles_has_no_more_time() -> None:
    """However many octets of it come; and between requests nobody is hurried."""
    async with serving(replace(PATIENT, head_s=SHORT_S)) as served:
        idle, trickling = await served.send(GET % b"/a"), await served.send(b"GET / HTTP/1.1\r\nx: ")
        await answer(idle)
        await until_closed(served, trickling)
        assert {Ended.HEAD: 1} == served.told.why
        await asyncio.sleep(OUTLASTED_S)
        served.writers[0].write(GET % b"/b")
        assert b"/b" == (await answer(idle))[1]


async def test_requests_that_follow_each_other_are_not_one_slow_one() -> None:
    """Half of the next one is always there when somebody looks; each of them has its own time."""
    async with serving(replace(PATIENT, head_s=1.5)) as served:
        reader = await served.send(GET[:8] % b"/")
        for _ in range(40):
            served.writers[0].write(GET[8:] + GET[:8] % b"/")
            await answer(reader)
            await asyncio.sleep(0.1)
        assert {} == served.told.why


async def test_what_is_left_of_a_body_has_its_time() -> None:
    """Its request is answered, and nobody waits for it."""
    async with serving(replace(PATIENT, head_s=SHORT_S)) as served:
        reader = await served.send(b"POST /a HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n")
        assert b"/a" == (await answer(reader))[1]
        assert (b"", {Ended.REST: 1}) == (await until_closed(served, reader), served.told.why)


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """Of a server."""
    pair = server_pair("server")
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    return context


@pytest.mark.parametrize("sent", [b"", b"no TLS\r\n\r\n"])
async def test_a_handshake_has_its_time(tls: ssl.SSLContext, sent: bytes) -> None:
    """Whoever completes none on a port of TLS is not waited for, and leaves no trace that only a collection removes."""
    gc.collect()
    gc.disable()
    try:
        async with serving(replace(PATIENT, head_s=SHORT_S), tls) as served:
            reader = await served.send(sent)
            await reader.read()
            await until(lambda: served.opening() == 0)
    finally:
        gc.enable()


def _speak_tls_and_read_nothing(address: tuple[str, int]) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(address))


async def test_clients_of_tls_that_read_nothing_make_room(tls: ssl.SSLContext) -> None:
    """Nobody waits half a minute for what they will never say: who comes then is served."""
    async with serving(replace(PATIENT, most=2), tls) as served:
        idle = [await asyncio.to_thread(_speak_tls_and_read_nothing, served.address) for _ in range(2)]
        late = await asyncio.to_thread(_speak_tls_and_read_nothing, served.address)
        assert served.told.why[Ended.CROWDED] in {1, 2}
        for one in (*idle, late):
            one.close()


@pytest.mark.parametrize("first", [b"", GET % b"/a"], ids=["new", "used"])
async def test_idle_connections_end(first: bytes) -> None:
    """Without a word, since nothing was asked."""
    async with serving(replace(PATIENT, idle_s=SHORT_S)) as served:
        reader = await served.send(first)
        if first:
            await answer(reader)
        assert (b"", {}) == (await reader.read(), served.told.why)


async def test_what_is_answered_is_left_alone() -> None:
    """A request that is worked on, and an answer that goes on and on, outlast every limit."""
    async with serving(HURRIED) as served:
        going = await served.send(GET % b"/long")
        await until(lambda: served.app.asked == 1)
        await asyncio.sleep(0.1)
        served.app.may_answer.clear()
        waiting = await served.send(GET % b"/a")
        assert b"HTTP/1.1 200 OK" in await going.readuntil(b"\r\n\r\n")
        await going.readuntil(b"end\r\n0\r\n\r\n")
        served.app.may_answer.set()
        assert b"/a" == (await answer(waiting))[1]
        assert {} == served.told.why


async def test_who_takes_nothing_of_his_answer_is_cut_off() -> None:
    """And who takes it slowly is not."""
    async with serving(replace(HURRIED, head_s=LONG_S, unsent_s=1.5)) as served:
        slow = await served.send(GET % b"/much")
        await served.send(GET % b"/much")
        await until(lambda: served.app.asked == 2)
        taken = 0
        while served.told.why[Ended.UNSENT] == 0:
            taken += len(await slow.read(2**20))
            await asyncio.sleep(0.05)
        assert taken < MUCH
        await slow.readexactly(MUCH - taken)
        assert {Ended.UNSENT: 1} == served.told.why


# --- more than there may be ------------------------------------------------------------------------------------------


async def test_idle_connections_make_room() -> None:
    """Those that have been idle for longest; one that is used stays, and a half request is told to come again."""
    async with serving(replace(PATIENT, most=8)) as served:
        half, used = await served.send(b"GET /half HTTP/1.1\r\n"), await served.send(GET % b"/used")
        await answer(used)
        await asyncio.sleep(1.5)
        for _ in range(8):
            await served.send(b"")
        asked = asyncio.create_task(answer(await served.send(GET % b"/late")))
        while not asked.done():
            served.writers[1].write(GET % b"/used")
            assert b"/used" == (await answer(used))[1]
            await asyncio.sleep(0.2)
        assert b"/late" == asked.result()[1]
        assert (await half.read()).startswith(b"HTTP/1.1 503 ")
        assert {Ended.CROWDED} == set(served.told.why)
        assert served.told.crowds >= 1


async def test_nobody_is_cut_off_to_make_room() -> None:
    """Where all connections have a request under way, whoever comes waits until one ends."""
    async with serving(replace(HURRIED, most=8)) as served:
        served.app.may_answer.clear()
        busy = [await served.send(GET % b"/busy") for _ in range(8)]
        await until(lambda: served.app.asked == 8)
        late = await served.send(GET % b"/late")
        await asyncio.sleep(OUTLASTED_S)
        assert 8 == served.app.asked
        served.app.may_answer.set()
        assert [b"/busy"] * 8 == [(await answer(one))[1] for one in busy]
        assert b"/late" == (await answer(late))[1]
        assert served.told.crowds >= 1


async def test_there_are_never_more() -> None:
    """However many connect at one time."""
    async with serving(replace(PATIENT, most=8)) as served:
        clients = [socket.create_connection(served.address) for _ in range(200)]
        most = 0
        for _ in range(200):
            await asyncio.sleep(0.005)
            most = max(most, len(served.open()))
        for one in clients:
            one.close()
        assert most in range(8, 12)


@pytest.mark.parametrize("step", ["retire", "finish"])
async def test_a_full_server_ends_as_any_other(step: str) -> None:
    """One that is finished answers those who wait, too; one that is retired leaves them to others."""
    async with serving(replace(PATIENT, most=2)) as served:
        served.app.may_answer.clear()
        busy = [await served.send(GET % b"/busy") for _ in range(2)]
        await until(lambda: served.app.asked == 2)
        late = await served.send(GET % b"/late")
        await asyncio.sleep(0.2)
        getattr(served.server, step)()
        await asyncio.sleep(0.3)
        served.app.may_answer.set()
        assert [b"/busy"] * 2 == [(await answer(one))[1] for one in busy]
        if step == "finish":
            assert b"/late" == (await answer(late))[1]
        await served.task
        assert (3 if step == "finish" else 2) == served.app.asked


async def test_what_has_come_and_was_not_read_is_no_idleness() -> None:
    """A connection is not closed under a request that the kernel has taken already."""
    async with serving(replace(PATIENT, most=8)) as served:
        with socket.create_connection(served.address) as client:
            await until(lambda: len(served.open()) == 1)
            (one,) = served.open()
            later = asyncio.get_running_loop().time() + LONG_S
            one.look(later - LONG_S)
            client.sendall(GET % b"/a")
            # Nothing has run since: the loop has not read it.
            limits = replace(HURRIED, most=8)
            assert ({}, 0) == (end_late([one], limits, later), make_room([one], limits, later))
            client.setblocking(False)
            answered = await asyncio.get_running_loop().sock_recv(client, 2**16)
            assert answered.startswith(b"HTTP/1.1 200 OK")
            one.look(later)
            assert 1 == make_room([one], limits, later + LONG_S)


async def test_blank_lines_between_requests_are_none() -> None:
    """RFC 9112 §2.2: they are ignored, and begin nothing."""
    async with serving(PATIENT) as served:
        reader = await served.send(GET % b"/a" + b"\r\n")
        await answer(reader)
        served.writers[0].write(b"\r\n")
        await asyncio.sleep(0.1)
        (one,) = served.open()
        assert Stage.IDLE is one.look(0.0)[0]
        served.writers[0].write(GET % b"/b")
        assert b"/b" == (await answer(reader))[1]


async def test_no_descriptors_are_left_at_the_end() -> None:
    """Those who wait cannot be accepted; those who are served are."""
    async with serving(replace(PATIENT, most=1)) as served:
        served.app.may_answer.clear()
        busy = await served.send(GET % b"/busy")
        await until(lambda: served.app.asked == 1)
        await served.send(GET % b"/late")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            served.server.finish()
            await asyncio.sleep(0.5)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        served.app.may_answer.set()
        assert b"/busy" == (await answer(busy))[1]


# --- what is no HTTP -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nhost: here\r\n folded\x00\r\n\r\n"])
async def test_what_is_no_request_is_answered_with_all_headers(sent: bytes) -> None:
    """400 in plain text: nothing in it is run or kept by anybody either."""
    async with serving(PATIENT) as served:
        head, body = await answer(await served.send(sent))
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        for name, value in (*DATA_HEADERS, (b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")):
            assert b"\r\n%b: %b\r\n" % (name, value) in head
        assert body


async def test_nothing_is_written_into_another_answer() -> None:
    """What is no request ends the connection, and shows in no answer that has begun."""
    async with serving(PATIENT) as served:
        reader = await served.send(GET % b"/long")
        await reader.readuntil(b"more\r\n")
        served.writers[0].write(b"nonsense\r\n\r\n")
        assert b"400" not in await reader.read()
