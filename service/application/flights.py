"""One flight for each thing wanted: whoever asks for what is under way waits for it instead of asking again."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class Flights(Generic[Key, Result]):
    """Work under way, by key. A flight goes on when those who wait for it give up: the next request joins it."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._tasks: dict[Key, asyncio.Task[Result]] = {}

    async def join(self, key: Key, start: Callable[[], Awaitable[Result]]) -> Result:
        """Wait for the flight of a key, starting it where there is none.

        Raises:
            Exception: whatever the flight raises, in everybody who waits for it.
        """
        task = self._tasks.get(key)
        if task is None or task.done():  # one that has ended is no flight, though it may not have landed yet
            task = asyncio.ensure_future(_run(start))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(task)

    def _land(self, key: Key, task: "asyncio.Task[Result]") -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled():
            task.exception()  # retrieved, so that a flight nobody waits for any more is not reported as lost

    async def aclose(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(start: Callable[[], Awaitable[Result]]) -> Result:
    return await start()
