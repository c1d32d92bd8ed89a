"""Purges that another worker asked for."""

import asyncio
from functools import partial

import pytest

from service.application.operating.purging import LOOK_EVERY_S, CacheKind, PurgeWatch, follow_purges
from tests.application.fakes import settle
from tests.application.manual_clock import ManualClock
from tests.operators import Forgetting, HostInMemory

pytestmark = pytest.mark.anyio


async def test_a_purge_of_another_worker() -> None:
    """Is heard with the next look, once."""
    host, memories = HostInMemory(), Forgetting()
    watch = PurgeWatch(host)
    watch.look(memories)
    await host.purge((CacheKind.OCSP,))
    assert (0, 0) == (memories.answers, memories.failures)
    watch.look(memories)
    watch.look(memories)
    assert (1, 0) == (memories.answers, memories.failures)


async def test_purges_before_the_start() -> None:
    """Mean nothing to a worker that remembers nothing."""
    host, memories = HostInMemory(), Forgetting()
    await host.purge(tuple(CacheKind))
    PurgeWatch(host).look(memories)
    assert (0, 0) == (memories.answers, memories.failures)


async def test_a_store_that_could_not_be_read_for_a_while() -> None:
    """What was purged meanwhile is forgotten afterwards."""
    host, memories = HostInMemory(), Forgetting()
    watch = PurgeWatch(host)
    await host.purge((CacheKind.NEGATIVE,))
    host.broken = "the disk is gone"
    watch.look(memories)
    host.broken = ""
    watch.look(memories)
    assert (0, 1) == (memories.answers, memories.failures)


async def test_a_worker_that_is_asked_nothing() -> None:
    """Looks all the same, twice a second."""
    host, memories, clock = HostInMemory(), Forgetting(), ManualClock()
    watch = PurgeWatch(host)
    await host.purge((CacheKind.NEGATIVE,))
    following = asyncio.create_task(follow_purges(partial(watch.look, memories), clock))
    try:
        await settle()
        assert 1 == memories.failures
        assert {LOOK_EVERY_S} == set(clock.slept)
    finally:
        following.cancel()
