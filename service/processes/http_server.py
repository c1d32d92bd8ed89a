"""uvicorn's server, with a bound on its connections, and ended without losing a request.

There are so many connections and no more: beyond that, whoever connects waits at the socket, for a place here or for
another process that listens there too, while those without a request are ended (`late_connections`). Nobody can so take
the file descriptors that everything else needs.

uvicorn stops listening, closes every connection that is idle at that moment, and throws away those that wait to be
accepted: whoever has just sent a request loses it. This one goes in steps, which somebody else times:

1. `say_close`: every answer carries `Connection: close` from now on, so that connections end between two requests.
   Connections are accepted as before.
2. `retire`: and none is accepted any more by this process; others that listen at the same socket go on. It ends when
   its connections have ended.
3. `finish`: those that wait in the queue are still accepted, then the socket is closed. Requests under way are
   finished, connections without any are closed, and what is left when the time is up is cut off. Who connects between
   the two would be reset, were it not for `last_connections`.

What it does not do: handle signals.
"""

import asyncio
import contextlib
import logging
import math
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Final, TypedDict, cast

import uvicorn
from uvicorn.config import Config

from service.adapters.clock import SystemClock
from service.application.connection_limits import ConnectionLimits, ConnectionObserver, Ended, NoObserver
from service.processes.http_protocol import BoundedHttpProtocol, Connections
from service.processes.last_connections import HANDSHAKE_S
from service.processes.late_connections import end_late, make_room

UNBOUNDED: Final = ConnectionLimits(most=2**31, head_s=math.inf, idle_s=math.inf, unsent_s=math.inf)
"""What nothing is held to."""

_TICKS: Final = 10
"""Of uvicorn's loop, which are ten in a second: how often connections are looked at."""

TLS_SHUTDOWN_S: Final = 1.0
"""Seconds in which a client that is told the end of TLS may answer it (close_notify); who reads nothing never does, and
his place is wanted."""

_LOOK_EVERY_S: Final = 0.02
"""Seconds between two looks at the connections that are left."""

_LOG: Final = logging.getLogger("uvicorn.error")


class _Tls(TypedDict, total=False):
    """What a loop's methods take of TLS."""

    ssl: ssl.SSLContext
    ssl_handshake_timeout: float | None
    ssl_shutdown_timeout: float


class HttpServer(uvicorn.Server):
    """Serves one application at one listening socket."""

    def __init__(
        self,
        config: Config,
        patience_s: float,
        on_listening: Callable[[], object] = lambda: None,
        limits: ConnectionLimits = UNBOUNDED,
        observer: ConnectionObserver = NoObserver(),  # noqa: B008 - it never changes
    ) -> None:
        """Take uvicorn's configuration.

        Args:
            config: Of which protocol and limits are used.
            patience_s: How long `finish` waits for what is under way.
            on_listening: Is called once, when connections are accepted.
            limits: What connections are held to.
            observer: Is told of those that are ended.
        """
        super().__init__(config)
        self._patience_s = patience_s
        self._limits = limits
        self._observer = observer
        self._connections = Connections(limits.most, self._wait)
        self._is_waiting = False
        self.server_state = self._connections
        self._on_listening = on_listening
        self._waiting: list[socket.socket] = []
        self._handshakes: set[asyncio.Task[object]] = set()
        self._is_retired = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    def say_close(self) -> None:
        """Let connections end with their next answer."""
        self._connections.are_kept = False
        for connection in self._open():
            connection.say_close()

    def retire(self) -> None:
        """Accept nothing more, and end when the connections have ended."""
        self.say_close()
        if not self._is_retired and self.started:
            self._close_listeners()
        self._is_retired = True

    def finish(self) -> None:
        """End now: requests under way are finished."""
        self.say_close()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        # They stay open until those are accepted that wait at them.
        self._waiting = list(sockets or ())
        await super().startup([])
        await self._listen()
        self._on_listening()

    async def on_tick(self, counter: int) -> bool:
        """Say whether to end; and look after the connections."""
        if counter % _TICKS == 0:
            self._look_after()
        if self._is_waiting and not self._connections.are_full:
            self._is_waiting = False
            await self._listen()
        return await super().on_tick(counter) or (self._is_retired and not self._is_busy())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Close what listens, and finish what is under way."""
        self.say_close()
        loop, clock = asyncio.get_running_loop(), SystemClock()
        self._stop_listening()
        if self._waiting:
            await clock.sleep(HANDSHAKE_S)
        for listening in self._waiting:
            waiting = tuple(_accept_all(listening))
            listening.close()
            for accepted in waiting:
                self._take(accepted)
        self._waiting = []
        give_up_at = loop.time() + self._patience_s
        while self._is_busy() and loop.time() < give_up_at:
            for connection in self._open():
                connection.close_if_idle()
            await clock.sleep(_LOOK_EVERY_S)
        if self._is_busy():
            await self._cut_off()
        await self.lifespan.shutdown()

    async def _listen(self) -> None:
        """Accept connections; of each socket another copy, which is closed when none is accepted for a while."""
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(self._protocol, sock=one.dup(), backlog=self.config.backlog, **self._tls())
            for one in self._waiting
        ]
        if self._is_retired:
            self._close_listeners()

    def _tls(self) -> _Tls:
        """What a loop wants to know of it."""
        if self.config.ssl is None:
            return {}
        head_s = self._limits.head_s
        handshake_s = None if math.isinf(head_s) else head_s
        return {
            "ssl": self.config.ssl,
            "ssl_handshake_timeout": handshake_s,
            "ssl_shutdown_timeout": TLS_SHUTDOWN_S,
        }

    def _protocol(self) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(self.config, self._connections, self.lifespan.state, asyncio.get_running_loop())

    def _wait(self) -> None:
        """Accept none for a while; not from now on, since the last one is still being taken out of the queue."""
        if not self._is_waiting:
            self._is_waiting = True
            asyncio.get_running_loop().call_soon(self._stop_listening)
            self._observer.full(self._limits.most)

    def _stop_listening(self) -> None:
        for server in self.servers:
            server.close()
        self.servers = []

    def _look_after(self) -> None:
        now = asyncio.get_running_loop().time()
        for why, count in end_late(self._open(), self._limits, now).items():
            self._observer.ended(why, count)
        if self._connections.are_full:
            count = make_room(self._open(), self._limits, now)
            if count:
                self._observer.ended(Ended.CROWDED, count)

    def _open(self) -> tuple[BoundedHttpProtocol, ...]:
        return tuple(cast("set[BoundedHttpProtocol]", self._connections.connections))

    def _is_busy(self) -> bool:
        """Whether there are connections, answers being written, or handshakes that may become a connection."""
        opening = any(one.is_awaited() for one in tuple(self._connections.opening))
        return bool(self._connections.connections or self._connections.tasks or opening)

    def _close_listeners(self) -> None:
        self._stop_listening()
        for waiting in self._waiting:
            waiting.close()
        self._waiting = []

    def _take(self, accepted: socket.socket) -> None:
        accepted.settimeout(0)
        loop = asyncio.get_running_loop()
        # Made now, so that it counts from now on.
        protocol = self._protocol()
        taken: asyncio.Task[object] = loop.create_task(_shake_hands(protocol, accepted, self._tls()))
        self._handshakes.add(taken)
        taken.add_done_callback(self._handshakes.discard)

    async def _cut_off(self) -> None:
        tasks = tuple(self._connections.tasks)
        for task in tasks:
            task.cancel("the server ends")
        if tasks:
            _LOG.error("%d requests did not end in time and are cut off", len(tasks))
            await asyncio.wait(tasks, timeout=_LOOK_EVERY_S)
        for connection in self._open():
            connection.transport.abort()


def _accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    """Accept all who have connected."""
    listening.settimeout(0)
    while True:
        try:
            accepted, _ = listening.accept()
        except ConnectionAbortedError:
            continue
        except OSError:
            return  # nobody waits any more, or there are no file descriptors left: those who are served come first
        yield accepted


async def _shake_hands(protocol: BoundedHttpProtocol, accepted: socket.socket, tls: _Tls) -> None:
    with contextlib.suppress(OSError):  # the client's affair: he has gone, or does not speak TLS
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, accepted, **tls)
