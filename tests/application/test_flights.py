"""Flights: one for each thing wanted, whoever asks and whoever gives up."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from service.application.flights import Flights
from tests.application.fakes import settle

pytestmark = pytest.mark.anyio


class Journey:
    """Work that ends when the test says so, and counts how often it was begun."""

    def __init__(self) -> None:
        """It was never begun."""
        self.begun = 0
        self.ended = 0
        self.under_way = asyncio.Event()
        self.end = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self) -> object:
        """Go, and bring something that is only equal to itself."""
        self.begun += 1
        self.under_way.set()
        try:
            await self.end.wait()
            if self.failure is not None:
                raise self.failure
            return object()
        finally:
            await asyncio.sleep(0)  # whoever waits for the end waits for this too
            self.ended += 1


@pytest.fixture
async def reported() -> AsyncIterator[list[object]]:
    """What the event loop reports that nobody caught."""
    loop = asyncio.get_running_loop()
    before, contexts = loop.get_exception_handler(), list[object]()
    loop.set_exception_handler(lambda _, context: contexts.append(context))
    yield contexts
    loop.set_exception_handler(before)


async def waiting(flights: Flights[str, object], journey: Journey, waiters: int) -> list[asyncio.Task[object]]:
    """Tasks that wait for one flight."""
    tasks = [asyncio.create_task(flights.join("key", journey)) for _ in range(waiters)]
    await journey.under_way.wait()
    return tasks


async def test_many_wait_for_one() -> None:
    """A hundred who want the same start it once and get the same."""
    flights: Flights[str, object] = Flights()
    journey = Journey()
    tasks = await waiting(flights, journey, 100)
    journey.end.set()
    results = await asyncio.gather(*tasks)
    assert (1, 1) == (journey.begun, len({id(result) for result in results}))


async def test_another_thing_is_another_flight() -> None:
    """Flights are told apart by their keys."""
    flights: Flights[str, str] = Flights()

    def bring(thing: str) -> Callable[[], Awaitable[str]]:
        async def brought() -> str:
            return thing

        return brought

    one, other = await asyncio.gather(flights.join("one", bring("1")), flights.join("other", bring("2")))
    assert ("1", "2") == (one, other)


async def test_a_failure_is_everybodys() -> None:
    """What the flight raises reaches each of those who wait."""
    flights: Flights[str, object] = Flights()
    journey = Journey()
    tasks = await waiting(flights, journey, 3)
    journey.failure = LookupError("nobody there")
    journey.end.set()
    assert [journey.failure] * 3 == await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_start_that_fails_at_once() -> None:
    """What is raised before there is anything to wait for comes out all the same, and holds no place."""
    flights: Flights[str, object] = Flights()

    def refuse() -> Awaitable[object]:
        raise LookupError("no")

    for _ in range(2):
        with pytest.raises(LookupError, match="no"):
            await flights.join("key", refuse)


async def test_what_has_landed_is_asked_for_again() -> None:
    """A flight is no cache."""
    flights: Flights[str, object] = Flights()
    journey = Journey()
    journey.end.set()
    first = await flights.join("key", journey)
    second = await flights.join("key", journey)
    assert (2, True) == (journey.begun, first is not second)


async def test_who_gives_up_leaves_the_flight_alone() -> None:
    """It goes on without the one who began it, and the next one joins it."""
    flights: Flights[str, object] = Flights()
    journey = Journey()
    (impatient,) = await waiting(flights, journey, 1)
    impatient.cancel()
    assert [True] == [isinstance(one, asyncio.CancelledError) for one in await _outcomes(impatient)]
    late = asyncio.create_task(flights.join("key", journey))
    await asyncio.sleep(0)
    journey.end.set()
    await late
    assert 1 == journey.begun


async def test_a_failure_that_nobody_waits_for_is_not_lost_property(reported: list[object]) -> None:
    """The event loop is not left with an exception that it would report when the task is collected."""
    flights: Flights[str, object] = Flights()
    journey = Journey()
    (impatient,) = await waiting(flights, journey, 1)
    impatient.cancel()
    await _outcomes(impatient)
    journey.failure = LookupError("nobody there")
    journey.end.set()
    await settle()
    del impatient  # its exception leads to the flight
    gc.collect()
    assert (1, []) == (journey.ended, reported)


async def test_closing_ends_what_is_under_way(reported: list[object]) -> None:
    """Everything is cancelled and has ended when it is done; those who wait are told, and nobody else."""
    flights: Flights[str, object] = Flights()
    journey = Journey()
    tasks = await waiting(flights, journey, 2)
    await flights.aclose()
    assert 1 == journey.ended
    assert [True, True] == [isinstance(one, asyncio.CancelledError) for one in await _outcomes(*tasks)]
    assert [] == reported


async def test_closing_what_has_nothing_under_way() -> None:
    """There is nothing to wait for."""
    await Flights[str, object]().aclose()


async def _outcomes(*tasks: asyncio.Task[object]) -> list[object]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_flight_that_has_ended_is_joined_by_nobody() -> None:
    """Whoever comes in the moment in which it ends, before anybody has noticed, starts another one."""
    flights: Flights[str, str] = Flights()
    gate = asyncio.Event()

    async def first() -> str:
        await gate.wait()
        return "first"

    async def second() -> str:
        return "second"

    async def come_in_that_moment() -> str:
        await gate.wait()
        return await flights.join("key", second)

    flying = asyncio.create_task(flights.join("key", first))
    await settle()
    coming = asyncio.create_task(come_in_that_moment())
    await settle()
    gate.set()
    assert ("first", "second") == tuple(await asyncio.gather(flying, coming))
    assert "second" == await flights.join("key", second)
