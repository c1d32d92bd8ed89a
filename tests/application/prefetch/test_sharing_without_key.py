"""Prefetchers that share without a key: whoever can write to the cache makes nothing wrongly allowed, or for long."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.application.fleet.envelope import FleetKeys
from service.application.origin_headers import Validators
from tests.application.chain import CRL_URL, ROOT, order
from tests.application.prefetch.sharing_parts import LEAF, Fleet
from tests.application.prefetch.world import DAY, HOUR, Setup, crl
from tests.application.prefetch.world import LEAF as PLAIN
from tests.application.world import ALLOWED, REVOKED
from tests.pki import NOW
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

KEYLESS: Final = FleetKeys()
OF_ROOT: Final = ROOT.crl(this_update=NOW - timedelta(minutes=1), next_update=NOW + timedelta(days=30), number=7)
REVOKING: Final = crl(1, revoked=[PLAIN.serial_number])


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    made = Fleet(server, store_directory)
    async with made.stack:
        yield made


async def test_what_waits_is_nobodys_word(fleet: Fleet) -> None:
    """Whoever owns the cache keeps nothing on anybody's shelf: the origin is asked for what nobody has signed."""
    first, second = [await fleet.replica(keys=KEYLESS, known=False) for _ in range(2)]
    for one in (first, second):
        await one.world.prefetcher.settle()
        assert 1 == len(one.world.record(CRL_URL).pending)
    assert (1, 1) == (first.asked, second.asked)


async def test_what_a_place_of_the_operators_has_is_nobodys_word(fleet: Fleet) -> None:
    """There any CRL is taken that somebody known has signed: another one in its place would hide what it revokes."""
    fleet.origin.answers[CRL_URL] = REVOKING
    fresh = await fleet.replica(keys=KEYLESS)
    await fleet.forge(OF_ROOT, keys=KEYLESS)
    await fresh.hear()
    assert REVOKED == await fresh.world.ask(PLAIN)
    assert 1 == fresh.asked


async def test_what_waits_is_not_let_go_for_nobodys_word(fleet: Fleet) -> None:
    """A CRL whose signer nobody knows makes an answer needed, whatever is in the cache."""
    fleet.origin.answers[CRL_URL] = REVOKING
    one = await fleet.replica(keys=KEYLESS, known=False)
    await one.world.prefetcher.settle()
    fleet.clock.advance(5)
    await fleet.forge(OF_ROOT, keys=KEYLESS)
    await one.hear()
    assert 1 == len(one.world.record(CRL_URL).pending)
    assert REVOKED == await one.world.ask(PLAIN)


async def test_what_an_order_takes_says_nothing_of_a_place_of_the_operators(fleet: Fleet) -> None:
    """It serves whoever ordered it, and the place is tried all the same."""
    fleet.origin.answers[CRL_URL] = crl(2)
    one = await fleet.replica(keys=KEYLESS)
    await fleet.forge(crl(1), keys=KEYLESS)
    assert () == await one.world.prefetcher.fetch(order(CRL_URL))
    assert ({1}, 0) == (one.world.numbers, one.asked)
    await one.world.prefetcher.settle()
    assert ({2}, 1) == (one.world.numbers, one.asked)


async def test_what_nobody_vouches_for_is_not_sent_to_the_origin(fleet: Fleet) -> None:
    """An older CRL with the mark of the newer one would have the origin say for ever that nothing is new."""
    newer, older = crl(2, age=1, revoked=[LEAF.serial_number]), fleet.origin.answers[CRL_URL]
    assert isinstance(older, bytes)
    one = await fleet.replica(Setup(), keys=KEYLESS)
    fleet.clock.advance(5)
    fleet.origin.answers[CRL_URL] = newer
    await fleet.forge(older, keys=KEYLESS, validators=Validators(f'"{hash(newer):x}"'))
    await one.world.prefetcher.fetch(order(CRL_URL))
    assert ({1}, 0) == (one.world.numbers, one.asked)
    fleet.server.flush()
    fleet.clock.advance(60)
    await one.world.prefetcher.refresh((CRL_URL,))
    assert REVOKED == await one.world.ask(LEAF)


async def test_an_older_one_is_in_force_for_as_long_as_the_fleet_allows(fleet: Fleet) -> None:
    """Whoever says each minute that nothing is new says it for an hour, and then the origin is asked."""
    older = crl(1, life=30 * DAY)
    one = await fleet.replica(Setup(), keys=KEYLESS)
    fleet.origin.answers[CRL_URL] = crl(2, age=1, life=30 * DAY, revoked=[LEAF.serial_number])
    for _ in range(180):
        await fleet.forge(older, keys=KEYLESS)
        await one.hear()
        if ALLOWED != await one.world.ask(LEAF):
            break
        fleet.clock.advance(60)
    passed = (fleet.clock.now() - NOW).total_seconds()
    assert (REVOKED, 1, True) == (await one.world.ask(LEAF), one.asked, HOUR <= passed <= 2 * HOUR)
