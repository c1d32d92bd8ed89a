"""Connections to one Redis, and the small fixed pools that they are taken from.

Rules it keeps: a command never opens a connection in its own time: connections are opened beside it, with patience,
and it takes the first that is free; one that a command did not read its whole answer from is not used again, whoever
or whatever ended that command; one that Redis has closed meanwhile is noticed before anything is asked on it.

What it does not do: decide whether Redis is asked at all (`health`), or of which node (`nodes`, `cluster`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Final

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AskError, MovedError, RedisError, ResponseError

from service.adapters.redis.failures import UNUSABLE, AloneError, LinkError, RedirectedError, Words
from service.adapters.redis.wire import Answer
from service.application.fleet.cache import COMMAND_S

CONNECT_S: Final = 1.0
"""Seconds for a connection, TLS and AUTH included: nobody waits for it longer than for his command."""

STALL_S: Final = 0.01
"""How late a time-out may come: one that is later was kept waiting by this very process, and says nothing of Redis."""

ROUNDS: Final = 4
"""Of the event loop, from what has come on a socket to the task that waits for it: two or three."""

LEAST_S: Final = COMMAND_S / 2
"""Seconds that Redis has for every command that is begun, however long that waited for a connection: with less, silence
would say nothing of it."""

Word = bytes | str | int
"""What a command is made of."""


class Link:
    """One connection."""

    def __init__(self, connection: AbstractConnection, words: Words) -> None:
        """Take a connection that is not open yet."""
        self._connection = connection
        self._words = words

    async def open(self) -> None:
        """Connect, and introduce this process.

        Raises:
            LinkError: in `CONNECT_S` it did not come to that.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connection.connect()  # type: ignore[no-untyped-call] # redis
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            await self.close()
            raise LinkError(self._words.of(error)) from None
        except BaseException:
            await self.close()
            raise

    async def ask(self, words: tuple[Word, ...], until: float) -> Answer:
        """The answer to a command.

        Args:
            words: The command.
            until: When it is too late, of the event loop's clock.

        Raises:
            LinkError: the connection is of no use any more; it is closed.
            AloneError: Redis refuses, and the connection is as good as before.
            RedirectedError: likewise, and says who does not.
        """
        try:
            return await _in_time(self._exchange(words), until)
        except ResponseError as error:
            raise self._answered(error) from None
        except TimeoutError as error:
            await self.close()
            raise too_late(until, self._words.of(error)) from None
        except (RedisError, OSError) as error:
            await self.close()
            raise LinkError(self._words.of(error)) from None
        except BaseException:
            await self.close()
            raise

    async def _exchange(self, words: tuple[Word, ...]) -> Answer:
        await self._connection.send_command(*words, check_health=False)
        return await self._connection.read_response(disable_decoding=True)  # type: ignore[no-any-return] # redis

    def _answered(self, error: ResponseError) -> Exception:
        match error:
            case MovedError() | AskError():
                host = "" if error.host == "?" else error.host
                return RedirectedError((host, error.port), asking=not isinstance(error, MovedError))
            case ResponseError(status_code=str(code)) if code in UNUSABLE:
                return LinkError(self._words.of(error))
            case _:
                return AloneError(self._words.of(error), error.status_code or str(error).partition(" ")[0] or "ERR")

    async def is_clean(self) -> bool:
        """Whether it is open, and nothing has come on it that nobody asked for, its end above all."""
        try:
            return self._connection.is_connected and not await self._connection.can_read()
        except (RedisError, OSError):
            return False

    async def close(self) -> None:
        """Close it, without waiting for the other side."""
        with suppress(RedisError, OSError):
            await self._connection.disconnect(nowait=True)


async def _in_time(exchange: Coroutine[object, object, Answer], until: float) -> Answer:
    """The answer, if it has come by then, whenever this process has the time to look.

    An event loop that was kept busy looks at the clock before it looks at what has come meanwhile.

    Raises:
        TimeoutError: it has not come.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(exchange)
    try:
        await asyncio.wait((task,), timeout=max(0.0, until - loop.time()))
        for _ in range(ROUNDS):
            if task.done():
                break
            await asyncio.sleep(0)  # noqa: TID251 - no time passes: the loop has a look
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def too_late(until: float, reason: str) -> Exception:
    """What a time-out says: about Redis, or about a process that had no time to look."""
    late = asyncio.get_running_loop().time() - until
    if late > STALL_S:
        return AloneError(f"this process was kept busy for {1000 * late:.0f} ms too long")
    return LinkError(reason)


class Pool:
    """Connections that are used again; for one event loop."""

    def __init__(self, open_link: Callable[[], Awaitable[Link]], size: int) -> None:
        """Begin with none.

        Args:
            open_link: Gives one that is open; raises `LinkError`.
            size: How many there are at most.
        """
        self._open_link = open_link
        self._size = size
        self._idle: list[Link] = []  # the last that was used is the first that is used again
        self._live: set[Link] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._closed = False

    async def ask(self, words: tuple[Word, ...], until: float, *, asking: bool = False) -> Answer:
        """The answer to a command, on a connection that is free; raises what `Link.ask` does.

        Args:
            words: The command.
            until: When it is too late, of the event loop's clock.
            asking: To be begun with ASKING, since another node has redirected it here.
        """
        link = await self._take(until)
        try:
            if asking:
                await link.ask(("ASKING",), until)
            answer = await link.ask(words, until)
        except (AloneError, RedirectedError):
            await self.give_back(link)
            raise
        except BaseException:
            await self._drop(link)
            raise
        await self.give_back(link)
        return answer

    async def give_back(self, link: Link) -> None:
        """Have a connection used by somebody else, or one that was not of this pool."""
        known = link in self._live
        if self._closed or not (known or len(self._live) < self._size) or not await link.is_clean():
            await self._drop(link)
            return
        self._live.add(link)
        self._idle.append(link)
        self._wake()

    def warm(self) -> None:
        """Open a connection, where there is none, before anybody needs it."""
        if not self._live and not self._opening:
            self._grow()

    @property
    def is_quiet(self) -> bool:
        """Whether nobody uses a connection, or waits for one."""
        return not self._waiters and len(self._idle) == len(self._live)

    async def renew(self) -> None:
        """Use none of the connections that nobody uses at this moment."""
        idle, self._idle = self._idle, []
        for link in idle:
            await self._drop(link)

    async def aclose(self) -> None:
        """Close them; who waits on one, or for one, is told so."""
        self._closed = True
        for task in tuple(self._opening):
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        self._idle.clear()
        for link in tuple(self._live):
            await self._drop(link)
        self._fail(AloneError("it is asked no more"))

    async def _take(self, until: float) -> Link:
        while True:
            while self._idle:
                link = self._idle.pop()
                if await link.is_clean():
                    return link
                await self._drop(link)
            self._grow()
            await self._wait(until)

    async def _wait(self, until: float) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout_at(until - LEAST_S):
                await waiter
        except TimeoutError:
            if self._idle:  # at the last moment
                return
            if self._live or self._closed:
                raise AloneError("every connection was in use") from None
            raise too_late(until - LEAST_S, "it cannot be connected to in time") from None
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif self._idle:  # woken, and perhaps gone before it could look
                self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _fail(self, error: AloneError | LinkError) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(type(error)(error.reason))

    def _grow(self) -> None:
        if not self._closed and len(self._live) + len(self._opening) < self._size:
            task = asyncio.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        try:
            link = await self._open_link()
        except LinkError as error:
            if not self._live:  # otherwise one of those will come free
                self._fail(error)
            return
        await self.give_back(link)

    async def _drop(self, link: Link) -> None:
        self._live.discard(link)
        await link.close()
        if self._waiters:
            self._grow()
