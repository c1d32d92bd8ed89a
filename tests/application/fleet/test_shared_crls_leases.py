"""Who asks for all, and for how long others wait for him: leases for one source of CRLs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import pytest

from service.application.crl_delivery import AnswerFrom
from service.application.fleet.envelope import Refusal
from service.application.fleet.telling import FleetEvent
from service.application.origin import OriginError
from service.core.model.attempt import Problem
from tests.application.chain import CRL_URL
from tests.application.fleet.crl_replicas import (
    DOWNLOAD,
    Fleet,
    fleet_on,
    until,
)
from tests.application.fleet.test_shared_crls import at_once
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


GONE: OriginError = OriginError(Problem.UNREACHABLE, "nobody there")


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, token_hex(8), store_directory) as made:
        yield made


async def test_a_holder_that_dies_delays_the_others_until_its_lease_ends(fleet: Fleet) -> None:
    """Then one of them asks."""
    replicas = await fleet.several(3)
    assert b"+OK" == fleet.server.ask("SET", fleet.lease, "of somebody who died", "PX", "300")
    assert [()] * 3 == await asyncio.gather(*(one.order() for one in replicas))
    assert (1, [True] * 3) == (fleet.asked, [FleetEvent.WAITED in one.told.events for one in replicas])


async def test_whoever_gets_the_lease_looks_once_more(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may have written between his look and his lease, and given it back."""
    one, another = await fleet.several(2)
    lease = another.cache.lease

    async def be_late(name: str, token: bytes, ttl_s: float) -> bool:
        await one.order()
        return await lease(name, token, ttl_s)

    monkeypatch.setattr(another.cache, "lease", be_late)
    assert () == await another.order()
    assert (1, 0) == (one.asked, another.asked)


async def test_whoever_waits_takes_offence_once(fleet: Fleet) -> None:
    """However often he looks at the same nonsense."""
    (one,) = await fleet.several(1)
    await fleet.put(b"nonsense")
    assert b"+OK" == fleet.server.ask("SET", fleet.lease, "of somebody who died", "PX", "300")
    assert () == await one.order()
    assert [Refusal.MALFORMED] == one.told.reasons


async def test_nobody_waits_longer_than_a_lease_lasts(fleet: Fleet) -> None:
    """Somebody who lives and writes nothing is not waited for; what came is written all the same."""
    one, another = await fleet.several(2)
    fleet.clock.is_patient = False
    assert b"+OK" == fleet.server.ask("SET", fleet.lease, "of somebody who sleeps", "PX", "600000")
    assert () == await one.order()
    assert [FleetEvent.MISS, FleetEvent.WAITED, FleetEvent.OVERDUE, FleetEvent.WRITTEN] == one.told.events
    assert () == await another.order()
    assert (1, 0) == (one.asked, another.asked)


async def test_whoever_asks_for_the_origin_waits_for_nobody(fleet: Fleet) -> None:
    """Somebody asked for what is there now."""
    (one,) = await fleet.several(1)
    assert b"+OK" == fleet.server.ask("SET", fleet.lease, "of somebody who sleeps", "PX", "600000")
    await one.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    assert ({1}, [FleetEvent.WRITTEN]) == (one.numbers, one.told.events)


async def test_whoever_asks_for_the_origin_asks_for_others_as_well(fleet: Fleet) -> None:
    """Those who want the same meanwhile wait for what comes of it."""
    one, another = await fleet.several(2)
    fleet.origin.gate.clear()
    refresh = asyncio.create_task(one.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN)))
    await fleet.origin.asked.wait()
    order = asyncio.create_task(another.order())
    await until(lambda: FleetEvent.WAITED in another.told.events or fleet.asked > 1)
    fleet.origin.gate.set()
    await refresh
    assert () == await order
    assert ({1}, 1) == (another.numbers, fleet.asked)


async def test_a_lease_is_given_back_after_a_failure(fleet: Fleet) -> None:
    """The next one asks at once, and whoever asked in vain has written nothing."""
    fleet.origin.answers[CRL_URL] = GONE
    reports = await at_once(fleet, 3)
    assert [Problem.UNREACHABLE] * 3 == [attempt.problem for report in reports for attempt in report]
    assert (3, b"$-1", b"$-1") == (
        fleet.asked,
        fleet.server.ask("GET", fleet.name),
        fleet.server.ask("GET", fleet.lease),
    )


async def test_a_lease_is_given_back_by_whoever_is_ended(fleet: Fleet) -> None:
    """A process that ends in good order keeps nobody waiting."""
    one, another = await fleet.several(2)
    fleet.origin.gate.clear()
    order = asyncio.create_task(one.order())
    await fleet.origin.asked.wait()
    assert b"$-1" != fleet.server.ask("GET", fleet.lease)
    await one.ingester.aclose()
    with pytest.raises(asyncio.CancelledError):
        await order
    assert b"$-1" == fleet.server.ask("GET", fleet.lease)
    fleet.origin.gate.set()
    assert () == await another.order()


async def test_leases_that_nobody_lets_go_cost_their_time_once(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the others wait for a second, until a minute has passed without that."""

    async def pass_at_once(seconds: float) -> None:
        fleet.pass_time(seconds=seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(fleet.clock, "sleep", pass_at_once)
    (one,) = await fleet.several(1)
    waits = []
    for pause_s in (0, 0, 0, 61):
        assert b"+OK" == fleet.server.ask("SET", fleet.lease, "somebody's for ever")
        fleet.pass_time(seconds=pause_s)
        began = fleet.clock.monotonic()
        await one.bring()
        waits.append(round(fleet.clock.monotonic() - began))
        fleet.server.flush()
    assert [10, 1, 1, 10] == waits
