"""Purges that another worker asked for."""

import pytest

from service.application.operating.purging import CacheKind, PurgeWatch
from tests.api.fakes import StandingClock
from tests.operators import Forgetting, HostInMemory

pytestmark = pytest.mark.anyio


async def test_a_purge_of_another_worker() -> None:
    """Is heard with the next look, once."""
    host, memories = HostInMemory(), Forgetting()
    watch = PurgeWatch(host, memories, StandingClock())
    watch.look()
    await host.purge((CacheKind.OCSP,))
    assert (0, 0) == (memories.answers, memories.failures)
    watch.look()
    watch.look()
    assert (1, 0) == (memories.answers, memories.failures)


async def test_purges_before_the_start() -> None:
    """Mean nothing to a worker that remembers nothing."""
    host, memories = HostInMemory(), Forgetting()
    await host.purge(tuple(CacheKind))
    PurgeWatch(host, memories, StandingClock()).look()
    assert (0, 0) == (memories.answers, memories.failures)


async def test_a_store_that_could_not_be_read_for_a_while() -> None:
    """What was purged meanwhile is forgotten afterwards."""
    host, memories = HostInMemory(), Forgetting()
    watch = PurgeWatch(host, memories, StandingClock())
    await host.purge((CacheKind.NEGATIVE,))
    host.broken = "the disk is gone"
    watch.look()
    host.broken = ""
    watch.look()
    assert (0, 1) == (memories.answers, memories.failures)
