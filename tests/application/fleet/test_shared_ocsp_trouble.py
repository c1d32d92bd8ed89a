"""Whoever has the lease may die, and Redis may go: every request is answered as if there were no fleet."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.shared_ocsp import LEASE_S
from service.application.fleet.telling import FleetEvent
from service.application.ocsp_tally import ASKED_ELSEWHERE
from service.application.origin import OriginError
from service.core.model.attempt import Attempt, Problem
from service.core.model.evidence_tier import Tier
from tests.application.chain import OCSP_URL
from tests.application.fakes import ScriptedOrigin
from tests.application.fleet.ocsp_replicas import (
    ISSUER,
    LEAF,
    LONG_S,
    NOBODYS,
    Fleet,
    Replica,
    fleet_on,
    good,
    occupy,
    until,
)
from tests.pki import NOW
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("short_patience")]


@pytest.fixture
async def fleet(own_server: RedisServer, store_directory: Path, origin: ScriptedOrigin) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(own_server, "fleet", store_directory, origin) as made:
        yield made


async def test_a_holder_that_died(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """When the lease has ended one of the others takes it, and the rest take what that one writes."""
    replicas = await fleet.several(3)
    occupy(fleet, 0.3)
    outcomes = await asyncio.gather(*(replica.ask() for replica in replicas))
    assert [True] * 3 == [one.finding is not None for one in outcomes]
    assert 1 == len(origin.requests)
    told = [event for replica in replicas for event in replica.told.events]
    assert (3, 1, 2, 0) == tuple(
        map(told.count, (FleetEvent.WAITED, FleetEvent.LEASED, FleetEvent.HIT, FleetEvent.OVERDUE))
    )


async def test_a_holder_that_takes_too_long(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Who has a deadline asks with half of his time left; what he was told is written all the same."""
    replica = await fleet.replica()
    occupy(fleet, LONG_S)
    outcome = await replica.ask(deadline_s=0.2)
    assert outcome.finding is not None
    assert ((), 1) == (outcome.attempts, len(origin.requests))
    await until(lambda: FleetEvent.WRITTEN in replica.told.events)
    assert [FleetEvent.MISS, FleetEvent.WAITED, FleetEvent.OVERDUE, FleetEvent.WRITTEN] == replica.told.events
    assert 0 < fleet.lease_ms  # it was not his to give back


@pytest.mark.parametrize("trouble", ["a lease that nobody lets go", "frozen"])
async def test_a_request_that_joins_a_refresh(fleet: Fleet, origin: ScriptedOrigin, trouble: str) -> None:
    """Who asks ahead of need has time to wait; whoever joins him has less, and is not kept waiting."""
    replica = await fleet.replica()
    if trouble == "frozen":
        fleet.server.freeze()
        with pytest.raises(FleetUnavailableError):
            await replica.parts.cache.get("anything")
    else:
        occupy(fleet, LONG_S)
    refresh = asyncio.create_task(replica.ask())
    await until(lambda: fleet.clock.slept != [])
    fleet.clock.slept.clear()
    outcome = await replica.ask(deadline_s=0.2)
    fleet.server.thaw()
    await refresh
    assert outcome.finding is not None
    assert (Tier.ORIGIN, 1) == (outcome.finding.tier, len(origin.requests))
    assert sum(fleet.clock.slept) < 0.2


async def test_nobody_waits_longer_than_a_lease_lasts(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """However much time there is."""
    replica = await fleet.replica()
    occupy(fleet, LONG_S)
    asking = asyncio.create_task(replica.ask(deadline_s=60 * LONG_S))
    await until(lambda: FleetEvent.WAITED in replica.told.events)
    assert [] == origin.requests
    fleet.clock.advance(timedelta(seconds=LEASE_S))
    async with asyncio.timeout(30):
        await asking
    assert (1, True) == (len(origin.requests), FleetEvent.OVERDUE in replica.told.events)


async def test_the_deadline_comes_while_another_asks(fleet: Fleet) -> None:
    """What there is until then says so, in the words for a responder that is silent."""
    replica = await fleet.replica()
    occupy(fleet, LONG_S)
    asking = asyncio.create_task(replica.ask(deadline_s=LONG_S))
    await until(lambda: FleetEvent.WAITED in replica.told.events)
    outcome = replica.workers[0].so_far(LEAF, ISSUER)
    assert outcome is not None
    assert (None, (Attempt(OCSP_URL, Problem.TIMED_OUT, ASKED_ELSEWHERE),)) == (outcome.finding, outcome.attempts)
    asking.cancel()


async def test_a_holder_that_is_told_nothing(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """The others try for themselves, one after the other and each within its time."""
    origin.answers[OCSP_URL] = OriginError(Problem.UNREACHABLE, "nobody there")
    replicas = await fleet.several(3)
    outcomes = await asyncio.gather(*(replica.ask() for replica in replicas))
    assert [[Problem.UNREACHABLE]] * 3 == [[one.problem for one in outcome.attempts] for outcome in outcomes]
    assert 3 == len(origin.requests)


async def test_a_responder_that_comes_back(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """The first holder fails, the second does not, and the third takes what that one was told."""
    origin.gate.clear()
    origin.answers[OCSP_URL] = OriginError(Problem.UNREACHABLE, "nobody there")
    replicas = await fleet.several(3)
    asking = [asyncio.create_task(replica.ask()) for replica in replicas]
    await until(lambda: [FleetEvent.WAITED] * 2 == [one for one in told(replicas) if one is FleetEvent.WAITED])
    origin.gate.set()
    await until(lambda: any(task.done() for task in asking))
    origin.answers[OCSP_URL] = good()
    outcomes = await asyncio.gather(*asking)
    tiers = sorted(outcome.finding.tier for outcome in outcomes if outcome.finding is not None)
    assert (2, [Tier.ORIGIN, Tier.REDIS]) == (len(origin.requests), tiers)


def told(replicas: list[Replica]) -> list[FleetEvent]:
    """What all of them tell."""
    return [event for replica in replicas for event in replica.told.events]


async def test_a_worker_that_ends_gives_its_lease_back(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Nobody waits for whoever was stopped."""
    replica = await fleet.replica()
    origin.gate.clear()
    asking = asyncio.create_task(replica.ask())
    await origin.asked.wait()
    assert 0 < fleet.lease_ms
    await replica.workers[0].aclose()
    assert NOBODYS == fleet.lease_ms
    assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError)


async def test_a_request_that_leaves_loses_nothing(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """The asking goes on, and what comes of it is written."""
    first, second = await fleet.several(2)
    origin.gate.clear()
    asking = asyncio.create_task(first.ask())
    await origin.asked.wait()
    asking.cancel()
    origin.gate.set()
    await fleet.released()
    await second.ask()
    assert (1, [FleetEvent.HIT]) == (len(origin.requests), second.told.events)


async def test_an_answer_does_not_wait_for_redis(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """It is there although Redis takes nothing any more; what cannot be written is told."""
    replica = await fleet.replica()
    origin.gate.clear()
    asking = asyncio.create_task(replica.ask())
    await origin.asked.wait()
    fleet.server.freeze()
    origin.gate.set()
    outcome = await asking
    assert outcome.finding is not None
    assert FleetEvent.UNAVAILABLE not in replica.told.events
    await until(lambda: FleetEvent.UNAVAILABLE in replica.told.events)
    fleet.server.thaw()


@pytest.mark.parametrize("trouble", ["killed", "frozen", "full"])
async def test_without_redis(fleet: Fleet, origin: ScriptedOrigin, trouble: str) -> None:
    """Each replica asks for itself, and says that it cannot share."""
    replicas = await fleet.several(2)
    match trouble:
        case "killed":
            fleet.server.kill()
        case "frozen":
            fleet.server.freeze()
        case _:
            fleet.server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
            fleet.server.ask("CONFIG", "SET", "maxmemory", "1")
    outcomes = [await replica.ask() for replica in replicas]
    assert [Tier.ORIGIN] * 2 == [one.finding.tier for one in outcomes if one.finding is not None]
    assert [()] * 2 == [one.attempts for one in outcomes]
    assert 2 == len(origin.requests)
    assert [1] * 2 == [replica.told.events.count(FleetEvent.UNAVAILABLE) for replica in replicas]


async def test_a_hiccup_makes_nobody_ask_ahead(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Who asks ahead of need waits for a cache that is back at once, and takes what another was told."""
    first, second = await fleet.replica(), await fleet.replica()
    await first.ask()
    await fleet.released()
    fleet.server.freeze()
    with pytest.raises(FleetUnavailableError):
        await second.parts.cache.get("anything")
    asking = asyncio.create_task(second.ask())
    await until(lambda: fleet.clock.slept != [])
    fleet.server.thaw()
    outcome = await asking
    assert outcome.finding is not None
    assert (Tier.REDIS, 1) == (outcome.finding.tier, len(origin.requests))


async def test_a_request_waits_for_no_hiccup(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Whoever is waited for asks a responder at once."""
    first, second = await fleet.replica(), await fleet.replica()
    await first.ask()
    await fleet.released()
    fleet.server.freeze()
    with pytest.raises(FleetUnavailableError):
        await second.parts.cache.get("anything")
    outcome = await second.ask(deadline_s=LONG_S)
    fleet.server.thaw()
    assert outcome.finding is not None
    assert (Tier.ORIGIN, 2, []) == (outcome.finding.tier, len(origin.requests), fleet.clock.slept)


async def test_a_full_redis_is_not_waited_for(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """One that answers and writes nothing does not keep anybody from asking, who asks ahead neither."""
    replica = await fleet.replica()
    await replica.ask()
    await fleet.released()
    fleet.server.fill()
    fleet.clock.advance(timedelta(hours=6))
    origin.answers[OCSP_URL] = good(NOW + timedelta(hours=6))
    outcome = await replica.ask()
    assert outcome.finding is not None
    assert (Tier.ORIGIN, 2) == (outcome.finding.tier, len(origin.requests))


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
async def test_redis_goes_while_somebody_waits(fleet: Fleet, origin: ScriptedOrigin, trouble: str) -> None:
    """He asks at once."""
    replica = await fleet.replica()
    occupy(fleet, LONG_S)
    asking = asyncio.create_task(replica.ask(deadline_s=LONG_S))
    await until(lambda: FleetEvent.WAITED in replica.told.events)
    fleet.server.kill() if trouble == "killed" else fleet.server.freeze()
    outcome = await asking
    assert outcome.finding is not None
    assert (1, [FleetEvent.MISS, FleetEvent.WAITED, FleetEvent.UNAVAILABLE]) == (
        len(origin.requests),
        replica.told.events,
    )
