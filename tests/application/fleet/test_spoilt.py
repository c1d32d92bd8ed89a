"""Random octets in the place of all that a fleet has in Redis: it heals by itself, and no block is lost."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_hex

import pytest

from service.application.block_sharing import Reach
from service.application.fleet.names import FleetNames
from tests.application.fleet.block_replicas import Fleet, agree
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fleet(server: RedisServer, tmp_path: Path) -> AsyncIterator[Fleet]:
    """A fleet of a test's own."""
    async with AsyncExitStack() as stack:
        fleet = Fleet(tmp_path, server.url, FleetNames(f"t{token_hex(6)}"), stack)
        await fleet.open()
        yield fleet


def spoil(server: RedisServer, names: FleetNames) -> None:
    """Put octets in the place of everything."""
    for name in (names.blocks, names.events, names.epoch, names.replicas):
        assert b"+OK" == server.ask("SET", name, "\x01random\x7f")


async def test_a_block_of_the_moment(fleet: Fleet, server: RedisServer) -> None:
    """It is everywhere while whoever asked for it waits, and it is the only thing there until others have come."""
    one, other = await fleet.joined(2)
    before = await one.add(1)
    await other.follow()
    one.line.patience_s = 0.0  # it is `share` that tries again
    spoil(server, fleet.names)
    assert Reach.EVERYWHERE is await one.sharing.share(before)
    second = await one.add(2)
    other.at = "0-0"
    await other.follow()
    agree([one, other], {before.id, second.id})


async def test_no_block_is_lost(fleet: Fleet, server: RedisServer) -> None:
    """Whoever brings the lists together next writes all that he has, and a new replica reads all of it."""
    one, other = await fleet.joined(2)
    blocks = {(await one.add(number)).id for number in range(3)}
    await other.follow()
    spoil(server, fleet.names)
    assert 3 == (await other.reconcile()).given
    third = fleet.join()
    await third.reconcile()
    agree([one, other, third], blocks)
