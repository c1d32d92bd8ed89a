"""A server that ends without losing a request: what each step does to which connection."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from service.processes.http_protocol import FIRST_REQUEST_S, BoundedHttpProtocol
from service.processes.http_server import HttpServer
from service.processes.listen import bind_tcp

pytestmark = pytest.mark.anyio

CLOSES = b"connection: close"
PATIENCE_S = 10.0


@dataclass(slots=True)
class Answering:
    """An application that answers when it may.

    Attributes:
        may_answer: Whether it may.
        may_begin: Whether it may send the headers before that.
        asked: How many requests have come.
    """

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    may_begin: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer with the path."""
        self.asked += 1
        text = scope["path"].encode()
        await self.may_begin.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
        await self.may_answer.wait()
        await send({"type": "http.response.body", "body": text})


@dataclass(slots=True)
class Served:
    """A server that runs."""

    app: Answering
    server: HttpServer
    listening: socket.socket
    task: "asyncio.Task[None]"
    clients: "list[Client]" = field(default_factory=list)

    async def connect(self) -> "Client":
        """Connect to it, until it ends."""
        client = Client(*await asyncio.open_connection(*self.listening.getsockname()))
        self.clients.append(client)
        return client


@dataclass(slots=True)
class Client:
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def ask(self, path: str = "/a") -> None:
        """Send a request."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nhost: here\r\n\r\n".encode())

    async def answer(self) -> tuple[bytes, bytes]:
        """The headers and the body of an answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
        return head, await self.reader.readexactly(int(length.partition(b": ")[2]))

    async def has_ended(self) -> bool:
        """Whether the connection ends without more."""
        return await self.reader.read() == b""


@asynccontextmanager
async def serving(patience_s: float = PATIENCE_S) -> AsyncIterator[Served]:
    """A server of an application that may answer; it is ended with the block."""
    app, listens = Answering(), asyncio.Event()
    app.may_answer.set()
    app.may_begin.set()
    config = uvicorn.Config(app, http=BoundedHttpProtocol, lifespan="off", log_config=None, loop="none", ws="none")
    with bind_tcp("127.0.0.1", 0) as listening:
        server = HttpServer(config, patience_s, listens.set)
        served = Served(app, server, listening, asyncio.create_task(server.serve([listening.dup()])))
        async with asyncio.timeout(PATIENCE_S + 5):
            await listens.wait()
            try:
                yield served
            finally:
                app.may_answer.set()
                app.may_begin.set()
                server.finish()
                await served.task
                for client in served.clients:
                    client.writer.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so; whoever calls has a bound on it."""
    while not condition():  # noqa: ASYNC110 - what it waits for is no event of ours
        await asyncio.sleep(0.01)


# --- say_close -------------------------------------------------------------------------------------------------------


async def test_answers_do_not_say_close_before() -> None:
    """A connection serves one request after another."""
    async with serving() as served:
        client = await served.connect()
        for _ in range(2):
            client.ask()
            assert CLOSES not in (await client.answer())[0]


async def test_an_idle_connection_gets_one_more_answer() -> None:
    """It stays until its next request, whose answer says that it ends."""
    async with serving() as served:
        client = await served.connect()
        client.ask()
        await client.answer()
        served.server.say_close()
        await asyncio.sleep(0.05)
        client.ask("/b")
        head, body = await client.answer()
        assert (True, b"/b") == (CLOSES in head, body)
        assert await client.has_ended()


async def test_a_request_under_way_says_it() -> None:
    """One that came before, and has no answer yet."""
    async with serving() as served:
        client = await served.connect()
        served.app.may_begin.clear()
        client.ask()
        await until(lambda: served.app.asked == 1)
        served.server.say_close()
        served.app.may_begin.set()
        assert CLOSES in (await client.answer())[0]
        assert await client.has_ended()


async def test_an_answer_that_has_begun_is_not_the_last() -> None:
    """Its headers have not said so: the client may ask once more, and is told then."""
    async with serving() as served:
        client = await served.connect()
        served.app.may_answer.clear()
        client.ask("/a")
        await until(lambda: served.app.asked == 1)
        await asyncio.sleep(0.05)
        served.server.say_close()
        served.app.may_answer.set()
        assert CLOSES not in (await client.answer())[0]
        client.ask("/b")
        head, body = await client.answer()
        assert (True, b"/b") == (CLOSES in head, body)


async def test_connections_are_still_accepted() -> None:
    """And told with their first answer."""
    async with serving() as served:
        served.server.say_close()
        client = await served.connect()
        client.ask()
        assert CLOSES in (await client.answer())[0]


@pytest.mark.parametrize("first", ["before", "after"])
async def test_requests_sent_ahead_are_all_answered(first: str) -> None:
    """The last answer alone says that the connection ends: after one that does, none may come."""
    async with serving() as served:
        client = await served.connect()
        served.app.may_begin.clear()
        if first == "after":
            served.server.say_close()
        for path in ("/a", "/b", "/c"):
            client.ask(path)
        await until(lambda: served.app.asked == 1)
        await asyncio.sleep(0.05)
        served.server.say_close()
        served.app.may_begin.set()
        answers = [await client.answer() for _ in range(3)]
        assert [b"/a", b"/b", b"/c"] == [body for _, body in answers]
        assert [False, False, True] == [CLOSES in head for head, _ in answers]


async def test_what_the_client_closes_stays_closed() -> None:
    """A client that has asked for the end with its request is not held."""
    async with serving() as served:
        served.server.say_close()
        client = await served.connect()
        client.writer.write(b"GET /a HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        client.ask("/b")
        head, _ = await client.answer()
        assert CLOSES in head


# --- retire ----------------------------------------------------------------------------------------------------------


async def test_a_retired_server_leaves_connections_to_others() -> None:
    """Those that come wait at the socket for who listens there too; the ones it has are served."""
    async with serving() as served:
        client = await served.connect()
        client.ask()
        await client.answer()
        served.server.retire()
        await asyncio.sleep(0.05)
        other = await served.connect()
        other.ask()
        accepted, _ = await asyncio.get_running_loop().sock_accept(served.listening)
        assert (await asyncio.get_running_loop().sock_recv(accepted, 100)).startswith(b"GET /a")
        accepted.close()
        assert not served.task.done()
        client.ask()
        assert CLOSES in (await client.answer())[0]
        await served.task


async def test_a_retired_server_without_connections_ends() -> None:
    """By itself."""
    async with serving() as served:
        served.server.retire()
        await served.task


# --- finish ----------------------------------------------------------------------------------------------------------


async def test_nobody_is_accepted_afterwards() -> None:
    """The socket is closed; another could listen there."""
    async with serving() as served:
        address = served.listening.getsockname()
        served.listening.close()
        served.server.finish()
        await served.task
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)


async def test_requests_under_way_are_finished() -> None:
    """However long they take, within the patience; connections without one end at once."""
    async with serving() as served:
        idle, busy = await served.connect(), await served.connect()
        idle.ask()
        await idle.answer()
        served.app.may_begin.clear()
        busy.ask()
        await until(lambda: served.app.asked == 2)
        served.server.finish()
        assert await idle.has_ended()
        assert not served.task.done()
        served.app.may_begin.set()
        head, body = await busy.answer()
        assert (True, b"/a") == (CLOSES in head, body)
        await served.task


async def test_those_in_the_queue_are_answered() -> None:
    """Who has connected and was not accepted: closing the socket would reset him."""
    async with serving() as served:
        waiting = [socket.create_connection(served.listening.getsockname()) for _ in range(5)]
        for one in waiting:
            one.sendall(b"GET /queued HTTP/1.1\r\nhost: here\r\n\r\n")
        # The event loop has had no chance to accept them, and has none.
        assert 0 == served.app.asked
        for server in served.server.servers:
            server.close()
        served.server.finish()
        for one in waiting:
            text = await asyncio.to_thread(_all_of, one)
            assert (True, True) == (CLOSES in text, text.endswith(b"/queued"))


def _all_of(connection: socket.socket) -> bytes:
    with connection, connection.makefile("rb") as stream:
        return stream.read()


async def test_the_end_of_one_server_is_not_the_end_of_its_socket() -> None:
    """Others listen there too, and go on: who connects is accepted by them."""
    async with serving() as served:
        served.server.finish()
        await served.task
        client = await served.connect()
        accepted, _ = await asyncio.get_running_loop().sock_accept(served.listening)
        accepted.close()
        assert await client.has_ended()


async def test_what_has_come_and_was_not_read_is_answered() -> None:
    """A request on an idle connection that the event loop has not seen yet."""
    async with serving() as served:
        with socket.create_connection(served.listening.getsockname()) as connection:
            connection.sendall(b"GET /a HTTP/1.1\r\nhost: here\r\n\r\n")
            await until(lambda: served.app.asked == 1)
            await asyncio.sleep(0.05)
            connection.sendall(b"GET /b HTTP/1.1\r\nhost: here\r\n\r\n")
            served.server.say_close()
            for one in tuple(served.server.server_state.connections):
                assert isinstance(one, BoundedHttpProtocol)
                one.close_if_idle()
            assert (await asyncio.to_thread(_all_of, connection)).endswith(b"/b")


async def test_a_request_that_comes_in_pieces_is_finished() -> None:
    """Half of its headers are there: it is under way."""
    async with serving() as served:
        client = await served.connect()
        client.ask()
        await client.answer()
        client.writer.write(b"GET /b HTTP/1.1\r\nho")
        await asyncio.sleep(0.05)
        served.server.finish()
        await asyncio.sleep(0.2)
        client.writer.write(b"st: here\r\n\r\n")
        assert b"/b" == (await client.answer())[1]


async def test_a_new_connection_may_send_its_first_request() -> None:
    """For a second; who has nothing to say is not waited for any longer."""
    async with serving() as served:
        client, silent = await served.connect(), await served.connect()
        await asyncio.sleep(0.05)
        served.server.finish()
        await asyncio.sleep(0.2)
        client.ask()
        assert CLOSES in (await client.answer())[0]
        begun = asyncio.get_running_loop().time()
        assert await silent.has_ended()
        assert asyncio.get_running_loop().time() - begun < FIRST_REQUEST_S
        await served.task


async def test_the_rest_of_a_record_of_tls_may_come() -> None:
    """Half of it shows nowhere: an idle connection of TLS has a second, and one that stays idle is closed then."""
    async with serving() as served:
        client, silent = await served.connect(), await served.connect()
        for one in (client, silent):
            one.ask()
            await one.answer()
        for connection in served.server.server_state.connections:
            assert isinstance(connection, BoundedHttpProtocol)
            connection.scheme = "https"
            connection._accepted_at -= FIRST_REQUEST_S  # noqa: SLF001 - the other reason to wait
        served.server.finish()
        await asyncio.sleep(0.2)
        client.ask("/b")
        head, body = await client.answer()
        assert (True, b"/b") == (CLOSES in head, body)
        assert await silent.has_ended()
        await served.task


async def test_what_never_ends_is_cut_off() -> None:
    """When the patience is up, whoever waits for what."""
    async with serving(patience_s=0.3) as served:
        client, slow = await served.connect(), await served.connect()
        served.app.may_begin.clear()
        client.ask()
        slow.writer.write(b"POST / HTTP/1.1\r\nhost")
        await until(lambda: served.app.asked == 1)
        served.server.finish()
        await served.task
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError, AssertionError)):
            await client.answer()
