"""How many leases a process holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.fleet.cache import SharedCache
from service.application.fleet.lease import held_now, leased
from tests.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server."""
    with redis_server(tmp_path / "redis") as running:
        yield running


async def test_leases_are_counted_while_they_are_held(server: RedisServer) -> None:
    """Those that somebody else has are not, and one that fails is given back."""
    before = held_now()
    async with open_cache(RedisPlace(server.url)) as cache:
        async with leased(cache, "{a}:lease", 60.0), leased(cache, "{b}:lease", 60.0), leased(cache, "{a}:lease", 60.0):
            assert 2 == held_now() - before
        with pytest.raises(ValueError, match="failed"):
            await _failing(cache)
    assert 0 == held_now() - before


async def _failing(cache: SharedCache) -> None:
    async with leased(cache, "{a}:lease", 60.0):
        raise ValueError("failed")
