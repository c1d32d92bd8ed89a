"""Leases: one has it at a time, for as long as he works and no longer than it lasts after he has died."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.lease import leased
from tests.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.anyio

NAME: Final = "fleet:{one}:lease"
LONG_S: Final = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of this test's own, since it is killed."""
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def cache(server: RedisServer) -> AsyncIterator[RedisCache]:
    """A client of it."""
    async with open_cache(RedisPlace(server.url)) as opened:
        yield opened


async def test_one_has_it_at_a_time(cache: RedisCache) -> None:
    """While somebody has it nobody else gets it, and afterwards the next one does."""
    async with leased(cache, NAME, LONG_S) as first, leased(cache, NAME, LONG_S) as second:
        assert (first, second) == (True, False)
    async with leased(cache, NAME, LONG_S) as third:
        assert third


async def test_whoever_has_not_got_it_gives_nothing_back(cache: RedisCache) -> None:
    """Leaving without it leaves the holder's alone."""
    async with leased(cache, NAME, LONG_S):
        async with leased(cache, NAME, LONG_S):
            pass
        async with leased(cache, NAME, LONG_S) as again:
            assert not again


async def test_it_is_given_back_when_the_work_fails(cache: RedisCache) -> None:
    """Nobody waits for somebody who has given up."""
    with pytest.raises(ValueError, match="failed"):
        async with leased(cache, NAME, LONG_S):
            raise ValueError("failed")
    async with leased(cache, NAME, LONG_S) as held:
        assert held


async def test_one_that_is_somebody_elses_by_now_stays_his(cache: RedisCache) -> None:
    """Who worked for longer than it lasted does not end that of another."""
    async with leased(cache, NAME, LONG_S):
        await cache.put(NAME, b"another's token", LONG_S)
    assert await cache.get(NAME) == b"another's token"


async def test_it_lasts_while_its_holder_works(cache: RedisCache, server: RedisServer) -> None:
    """It is renewed before it ends."""
    async with leased(cache, NAME, 0.3):
        for _ in range(10):
            await asyncio.sleep(0.06)
            assert server.ask("EXISTS", NAME) == b":1"


async def test_it_ends_when_its_holder_has_died(cache: RedisCache) -> None:
    """One that nobody renews is free when its time is over."""
    assert await cache.lease(NAME, b"of somebody who died", 0.2)
    for _ in range(200):
        async with leased(cache, NAME, LONG_S) as held:
            if held:
                return
        await asyncio.sleep(0.02)
    pytest.fail("it did not end")


async def test_without_a_cache_there_is_none(cache: RedisCache, server: RedisServer) -> None:
    """Whoever asks for it is told."""
    server.kill()
    with pytest.raises(FleetUnavailableError):
        async with leased(cache, NAME, LONG_S):
            pass


async def test_a_cache_that_goes_is_nobodys_fault(cache: RedisCache, server: RedisServer) -> None:
    """The work is done, whatever has become of the lease."""
    async with leased(cache, NAME, LONG_S) as held:
        server.kill()
    assert held
