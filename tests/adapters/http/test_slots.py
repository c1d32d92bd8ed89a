"""Places for exchanges."""

import asyncio

import pytest

from service.adapters.http.slots import Slots

pytestmark = pytest.mark.anyio


async def _is_waiting(slots: Slots, authority: str) -> bool:
    """Tell whether somebody who wants a place now does not get one."""
    entered = asyncio.Event()

    async def enter() -> None:
        async with slots.hold(authority):
            entered.set()

    task = asyncio.create_task(enter())
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return not entered.is_set()


async def test_a_host_has_so_many_places() -> None:
    """Who comes too many to one host waits; another host's places are free."""
    slots = Slots(total=10, per_host=2)
    async with slots.hold("ca.example:80"), slots.hold("ca.example:80"):
        assert await _is_waiting(slots, "ca.example:80")
        assert not await _is_waiting(slots, "other.example:80")
    assert not await _is_waiting(slots, "ca.example:80")


async def test_there_are_so_many_places_in_all() -> None:
    """When all places are taken, everybody waits."""
    slots = Slots(total=2, per_host=2)
    async with slots.hold("a.example:80"), slots.hold("b.example:80"):
        assert await _is_waiting(slots, "c.example:80")
    assert not await _is_waiting(slots, "c.example:80")


async def test_who_waits_for_a_host_takes_no_place_of_others() -> None:
    """A queue before a slow host does not keep others out."""
    slots = Slots(total=2, per_host=1)
    async with slots.hold("slow.example:80"):
        waiting = asyncio.create_task(_hold(slots, "slow.example:80"))
        await asyncio.sleep(0)
        assert not await _is_waiting(slots, "other.example:80")
    await waiting


async def test_hosts_are_forgotten() -> None:
    """Nothing is kept for a host with which nobody speaks, so that made-up names cost no memory."""
    slots = Slots(total=2, per_host=1)
    async with slots.hold("a.example:80"):
        assert await _is_waiting(slots, "a.example:80")
        assert 1 == slots.hosts
    assert 0 == slots.hosts


async def _hold(slots: Slots, authority: str) -> None:
    async with slots.hold(authority):
        pass
