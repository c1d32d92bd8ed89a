"""The door: one probe after the other looks whether it can be opened, and none of them keeps the next one waiting."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service.adapters.redis.health import MOST_PROBES, RedisHealth
from service.application.fleet.cache import FleetUnavailableError
from tests.application.fakes import settle
from tests.application.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


def closed(probe: Callable[[str], Awaitable[None]]) -> tuple[RedisHealth, list[str | None]]:
    """A door that was just closed, and what is told of it."""
    told: list[str | None] = []
    health = RedisHealth(probe, told.append, ManualClock())
    health.failed("it is gone", "name")
    return health, told


async def test_a_probe_that_hangs_keeps_nobody_out() -> None:
    """It was begun while the line was slow; the next one finds that all is well."""
    before, probed = asyncio.all_tasks(), list[str]()

    async def probe(name: str) -> None:
        probed.append(name)
        if len(probed) == 1:
            await asyncio.Event().wait()

    health, told = closed(probe)
    await settle()
    assert (["name"] * 2, ["it is gone", None], None) == (probed, told, health.reason)
    assert before == asyncio.all_tasks()


async def test_there_are_a_few_probes_at_a_time() -> None:
    """However long nobody answers; closing ends all of them."""
    before, probed = asyncio.all_tasks(), list[str]()

    async def probe(name: str) -> None:
        probed.append(name)
        await asyncio.Event().wait()

    health, _ = closed(probe)
    for _ in range(3):
        await settle()
    assert MOST_PROBES == len(probed)
    await health.aclose()
    assert before == asyncio.all_tasks()


async def test_why_it_is_still_closed() -> None:
    """The last probe says that."""
    probed = list[str]()

    async def probe(name: str) -> None:
        probed.append(name)
        raise FleetUnavailableError(f"probe {len(probed)} was refused")

    health, told = closed(probe)
    await settle()
    assert ["it is gone"] == told
    assert health.reason is not None
    assert health.reason.endswith("was refused")
    await health.aclose()
