"""HTTP/1.1 as uvicorn speaks it, with a bound on what is read of a request before its body, and after it.

Neither uvicorn nor its parser has one. Nobody has been asked for a token at that point, and all of it is held in
memory. What is refused here has the headers that every answer has (`api.reply`). Trailers of a chunked body are not
taken for headers, as uvicorn does (RFC 9110 §6.5.1): a proxy that takes the client's headers away hands its trailers
on. A request that asks for another protocol is the last one of its connection, and is refused where it has a body:
the parser would take the body, or what comes after it, for requests.

A connection can be asked to end without loss (`say_close`, `close_if_idle`): the client is told with its last answer,
and one that has nothing under way is closed only when nothing has come from the client that was not read. Over TLS
nobody can see what the first half of a record holds: such a connection has a second for the rest.

For whoever looks at it once in a while (`late_connections`) it knows what it is in the middle of, so that no request
pays for a timer.

What it does not do: bound bodies (`api.body`), or decide when connections are to end (`http_server`).
"""

import asyncio
import fcntl
import math
import struct
import termios
from collections.abc import Callable
from enum import Enum
from typing import Any, Final
from weakref import WeakSet

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service.api.problems import Problem, problem_reply
from service.api.reply import TEXT, Reply, headers_of
from service.api.unread_body import announces_body

MAX_HEAD_OCTETS: Final = 128 * 1024
"""Request line and headers, or trailers: twice what an ALB passes on (64 KiB), so that a certificate chain in a header
fits. What comes in one read with them is not counted."""


FIRST_REQUEST_S: Final = 1.0
"""Seconds for the first request of a new connection when the server ends: who connects has something to ask, and it is
under way. A handshake of TLS is included."""

REST_OF_RECORD_S: Final = 1.0
"""Seconds for what may be on its way on an idle connection of TLS when the server ends: a request is few records, sent
at once."""

_UNREAD: Final = "i"
"""What FIONREAD answers with: a C int (tcp(7), SIOCINQ)."""


UPGRADE_WITH_BODY: Final = "HTTP/1.1 alone is spoken here: a request with a body cannot ask for an upgrade."


class _UpgradeWithBodyError(Exception):
    """A request is refused that asks for another protocol and has a body; the parser ends with it."""


class Stage(Enum):
    """What a connection is in the middle of."""

    UNDER_WAY = "a request is being answered"
    IDLE = "nothing has come that is not answered"
    HEAD = "a request has begun, and its head is not complete"
    REST = "a request is answered, and its body is not complete"
    UNSENT = "the client has not taken what was sent"


class Connections(ServerState):
    """The connections of one server.

    Attributes:
        are_kept: Whether a client may use his connection for another request; False once the server is to end.
        opening: Those that were accepted and whose handshake of TLS is not complete.
    """

    def __init__(self, most: float = math.inf, on_full: Callable[[], object] = lambda: None) -> None:
        """None is open.

        Args:
            most: How many there may be.
            on_full: Is called when there are so many.
        """
        super().__init__()
        self.are_kept = True
        self.opening: WeakSet[BoundedHttpProtocol] = WeakSet()
        self._most = most
        self._on_full = on_full

    def open(self, one: "BoundedHttpProtocol") -> None:
        """One more was accepted."""
        self.opening.add(one)
        if self.are_full:
            self._on_full()

    @property
    def are_full(self) -> bool:
        """Whether there are as many as there may be."""
        return len(self.connections) + len(self.opening) >= self._most


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection; ended with a 400 when the octets that belong to no body become too many."""

    _is_deaf = False
    """Whether nothing is taken from the client any more, because he may speak something else than requests."""

    _unfinished = 0
    """Octets since the last time that headers, a piece of a body, or a request was complete."""
    _is_in_headers = True
    """Whether a field that is read belongs to the headers; otherwise it is a trailer."""
    _close_at: float | None = None
    """When it is closed if it is idle, once that was asked for; seconds of the loop."""
    _told: RequestResponseCycle | None = None
    """The request with whose answer the client is told that the connection ends, where he wanted it to go on."""
    _is_whole = True
    """Whether the last message that has begun to come is complete; True before the first octet."""
    _seen: tuple[Stage, int] | None = None
    """What it was in the middle of when somebody looked, and how much was unsent; None if it has got on since."""
    _seen_at = 0.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Take what uvicorn gives; `server_state` is a `Connections` where the server ends without loss."""
        super().__init__(config, server_state, app_state, _loop)
        self._others = server_state if isinstance(server_state, Connections) else Connections()
        # It refers to this object: one whose handshake fails is to be gone at once, and not when garbage is collected.
        self.parser = None  # type: ignore[assignment] # as uvicorn's own, when the connection is lost
        self._others.open(self)
        self._accepted_at = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Begin, after the handshake of TLS where there is one."""
        self._others.opening.discard(self)
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn's own: whatever comes behind a request that closes the connection spoils nothing.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        super().connection_made(transport)

    def say_close(self) -> None:
        """Tell the client with the answer to the request under way, if it has not begun, that the connection ends."""
        cycle = self._request()
        if cycle is not None and cycle.keep_alive and not cycle.response_started:
            cycle.keep_alive = False
            self._told = cycle

    def look(self, now: float) -> tuple[Stage, float]:
        """What it is in the middle of, and for how many seconds it has been when somebody looked.

        Args:
            now: Seconds of the loop.
        """
        unsent = self.transport.get_write_buffer_size()
        seen = (Stage.UNSENT if unsent else self._stage(), unsent)
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        return seen[0], now - self._seen_at

    def _stage(self) -> Stage:
        cycle = self._request()
        if self.transport.is_closing() or (cycle is not None and not cycle.response_complete):
            return Stage.UNDER_WAY
        if self._is_whole:
            return Stage.IDLE
        return Stage.HEAD if self._is_in_headers else Stage.REST

    def is_awaited(self) -> bool:
        """Whether its first request has not come, and may be under way."""
        return self._request() is None and self.loop.time() < self._accepted_at + FIRST_REQUEST_S

    def close_if_idle(self) -> None:
        """Close it, unless something of a request has come that is not answered, or its first one is awaited."""
        cycle = self._request()
        is_answered = cycle is None or (cycle.response_complete and not self.pipeline)
        if self._close_at is None:
            self._close_at = self.loop.time() + (REST_OF_RECORD_S if self.scheme == "https" else 0.0)
        is_early = self.loop.time() < self._close_at
        if is_early or not is_answered or not self._is_whole or self.is_awaited() or self.transport.is_closing():
            return
        if not self.has_unread():
            self.transport.close()

    def _request(self) -> RequestResponseCycle | None:
        """The last request of the connection; None before its first, which uvicorn's annotation does not say."""
        return self.cycle

    def has_unread(self) -> bool:
        """Whether the kernel has something for us; closing the socket now would throw it away, and reset the other."""
        opened = self.transport.get_extra_info("socket")
        answer = fcntl.ioctl(opened.fileno(), termios.FIONREAD, struct.pack(_UNREAD, 0))
        return bool(struct.unpack(_UNREAD, answer)[0])

    def data_received(self, data: bytes) -> None:
        """Take what was read."""
        if self._is_deaf:
            return
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > MAX_HEAD_OCTETS and not self.transport.is_closing():
            self.send_400_response(f"Request line and headers have more than {MAX_HEAD_OCTETS} octets.")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or not what is spoken here."""
        self._refuse(Reply(400, (UPGRADE_WITH_BODY if self._is_deaf else msg).encode(), TEXT))

    def refuse(self, problem: Problem) -> None:
        """Answer a request whose head is not complete; the connection ends."""
        self._refuse(problem_reply(problem))

    def _refuse(self, reply: Reply) -> None:
        cycle = self._request()
        is_answering = cycle is not None and cycle.response_started and not cycle.response_complete
        if not self.pipeline and not is_answering:  # otherwise it would stand in the middle of another's answer
            headers = (*self.server_state.default_headers, *headers_of(reply), (b"connection", b"close"))
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[reply.status], lines, reply.body))
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: proxies pass on the handshakes of clients' WebSockets, which are answered like any request."""

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_whole = False
        self._is_in_headers = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field is complete; those behind the body say nothing about the request."""
        if self._is_in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Headers are complete."""
        self._unfinished = 0
        self._is_in_headers = False
        self._seen = None
        before = self._request()
        self._is_deaf = self.parser.should_upgrade()
        if self._is_deaf and announces_body(self.headers):
            # The parser takes the body for the other protocol, and what is read after it for requests.
            raise _UpgradeWithBodyError
        super().on_headers_complete()
        if self._is_deaf:
            # Nothing is spoken here but HTTP/1.1 (RFC 9110 §7.8), and where the next request begins nobody can tell.
            self.cycle.keep_alive = False
            return
        if self._others.are_kept:
            return
        if before is not None and before is self._told and not before.response_started:
            # Sent ahead of its answer: the client is told with the last one, or this request would be lost.
            before.keep_alive = True
        self.say_close()

    def on_body(self, body: bytes) -> None:
        """A piece of a body is complete."""
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._unfinished = 0
        self._is_whole = True
        super().on_message_complete()
