"""CRLs while Redis is killed, frozen, emptied, full or unwilling: every host is where it would be without it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import pytest

from service.application.crl_delivery import AnswerFrom
from service.application.fleet import crl_versions, shared_crls
from service.application.fleet.patience import PAUSES
from service.application.fleet.telling import FleetEvent
from service.core.model.attempt import Attempt
from tests.application.chain import CRL_URL
from tests.application.fleet.crl_replicas import DOWNLOAD, Fleet, crl, digest_of, fleet_on, until
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("short_patience")]


@pytest.fixture
async def fleet(own_server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """Two replicas; there is nothing yet."""
    async with fleet_on(own_server, token_hex(8), store_directory, 2) as made:
        yield made


async def begun(fleet: Fleet) -> asyncio.Task[tuple[Attempt, ...]]:
    """The first replica has the lease, and waits for the origin."""
    fleet.origin.gate.clear()
    order = asyncio.create_task(fleet.replicas[0].order())
    await fleet.origin.asked.wait()
    return order


async def test_it_is_gone(fleet: Fleet) -> None:
    """Everybody asks for himself."""
    fleet.server.kill()
    for one in fleet.replicas:
        assert () == await one.order()
        assert ({1}, 1, True) == (one.numbers, one.asked, FleetEvent.UNAVAILABLE in one.told.events)


async def test_it_goes_while_somebody_asks(fleet: Fleet) -> None:
    """Whoever has the lease holds what came, whoever waits asks for himself, and both are told."""
    order = await begun(fleet)
    waiting = asyncio.create_task(fleet.replicas[1].order())
    await until(lambda: FleetEvent.WAITED in fleet.replicas[1].told.events)
    fleet.server.kill()
    fleet.origin.gate.set()
    assert ((), ()) == (await order, await waiting)
    assert [{1}, {1}] == [one.numbers for one in fleet.replicas]
    assert [True, True] == [FleetEvent.UNAVAILABLE in one.told.events for one in fleet.replicas]
    assert [False, False] == [FleetEvent.WRITTEN in one.told.events for one in fleet.replicas]


async def test_it_freezes_while_somebody_asks(fleet: Fleet) -> None:
    """A command's time is lost, and nothing else; when it goes on it is used again."""
    order = await begun(fleet)
    fleet.server.freeze()
    try:
        fleet.origin.gate.set()
        assert () == await order
        assert ({1}, True) == (fleet.replicas[0].numbers, FleetEvent.UNAVAILABLE in fleet.replicas[0].told.events)
    finally:
        fleet.server.thaw()
    first = fleet.replicas[0]
    await until(lambda: first.cache.unreachable is None)
    await first.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    assert FleetEvent.WRITTEN in first.told.events


async def test_it_goes_while_somebody_reads(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came of it is nothing, and the origin is asked; nobody is accused."""
    for module in ("crl_versions", "shared_crls"):
        monkeypatch.setattr(f"service.application.fleet.{module}.PIECE_OCTETS", 64)
    first, second = fleet.replicas
    await first.order()
    get_piece = second.cache.get_piece

    async def kill_and_get(name: str) -> bytes | None:
        if name.endswith(":2"):
            fleet.server.kill()
        return await get_piece(name)

    monkeypatch.setattr(second.cache, "get_piece", kill_and_get)
    assert () == await second.order()
    assert ({1}, 1, []) == (second.numbers, second.asked, second.told.refusals)
    assert FleetEvent.UNAVAILABLE in second.told.events


async def test_it_is_emptied_while_somebody_asks(fleet: Fleet) -> None:
    """The lease is gone with everything: another one asks as well, and each of them gives back what is his."""
    order = await begun(fleet)
    waiting = asyncio.create_task(fleet.replicas[1].order())
    await until(lambda: FleetEvent.WAITED in fleet.replicas[1].told.events)
    fleet.server.flush()
    await until(lambda: fleet.asked == 2)
    fleet.origin.gate.set()
    assert ((), ()) == (await order, await waiting)
    assert [{1}, {1}] == [one.numbers for one in fleet.replicas]
    assert b"$-1" == fleet.server.ask("GET", fleet.lease)
    assert b"$-1" != fleet.server.ask("GET", fleet.name)


async def test_it_is_full(fleet: Fleet) -> None:
    """Nothing can be written there, no lease either: everybody asks for himself."""
    fleet.server.ask("CONFIG", "SET", "maxmemory", "1")
    for one in fleet.replicas:
        assert () == await one.order()
        assert ({1}, 1, True) == (one.numbers, one.asked, FleetEvent.UNAVAILABLE in one.told.events)


async def test_it_fills_while_somebody_asks(fleet: Fleet) -> None:
    """What he came to hold is his, and the next one asks."""
    order = await begun(fleet)
    fleet.server.ask("CONFIG", "SET", "maxmemory", "1")
    fleet.origin.gate.set()
    assert () == await order
    assert FleetEvent.WRITTEN not in fleet.replicas[0].told.events
    fleet.server.ask("CONFIG", "SET", "maxmemory", "0")
    assert () == await fleet.replicas[1].order()
    assert (2, [{1}, {1}]) == (fleet.asked, [one.numbers for one in fleet.replicas])


async def test_it_lets_nobody_write(fleet: Fleet) -> None:
    """What is there is read; what is not is asked for by everybody himself."""
    first, second = fleet.replicas
    await first.order()
    fleet.server.ask("REPLICAOF", "127.0.0.1", "1")
    assert () == await second.order()
    assert (1, {1}) == (fleet.asked, second.numbers)


async def test_somebody_has_put_something_else_there(fleet: Fleet) -> None:
    """A list, where an envelope or a lease should be."""
    first, second = fleet.replicas
    fleet.server.ask("RPUSH", fleet.name, "x")
    assert () == await first.order()
    fleet.server.ask("DEL", fleet.name)
    fleet.server.ask("RPUSH", fleet.lease, "x")
    fleet.clock.is_patient = False
    assert () == await second.order()
    assert [{1}, {1}] == [one.numbers for one in fleet.replicas]


async def test_somebody_has_put_something_else_in_place_of_a_piece(fleet: Fleet) -> None:
    """The origin is asked."""
    first, second = fleet.replicas
    await first.order()
    piece = fleet.piece(digest_of(crl(1)))
    fleet.server.ask("DEL", piece)
    fleet.server.ask("RPUSH", piece, "x")
    fleet.origin.answers[CRL_URL] = crl(2)
    fleet.pass_time(minutes=1)
    assert () == await second.order()
    assert {2} == second.numbers


async def test_somebody_has_put_a_great_deal_there(fleet: Fleet) -> None:
    """More than any replica writes is not read to its end, be it in place of an envelope or of a piece."""
    first, second = fleet.replicas
    much = str(64 << 20)
    fleet.server.ask("SETRANGE", fleet.name, much, "x")
    assert () == await first.order()
    await until(lambda: first.cache.unreachable is None)
    fleet.server.ask("DEL", fleet.name)
    fleet.pass_time(minutes=1)
    await first.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    assert FleetEvent.WRITTEN in first.told.events
    fleet.server.ask("SETRANGE", fleet.piece(digest_of(crl(1))), much, "x")
    assert () == await second.order()
    assert ({1}, {1}, 1) == (first.numbers, second.numbers, second.asked)


async def never(*_: object) -> None:
    """Answer nothing."""
    await asyncio.Future()


async def test_pieces_that_do_not_come_are_waited_for_no_longer_than_a_download(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, and however soon each of them comes: then the origin is asked."""
    monkeypatch.setattr(crl_versions, "PIECE_OCTETS", 8)
    monkeypatch.setattr(shared_crls, "PIECE_OCTETS", 8)
    await fleet.replicas[0].order()
    late = await fleet.replica(timeout_s=0.2)
    get_piece = late.cache.get_piece

    async def slow(name: str) -> bytes | None:
        await asyncio.sleep(0.05)
        return await get_piece(name)

    monkeypatch.setattr(late.cache, "get_piece", slow)
    assert () == await late.order()
    assert ({1}, 1, True) == (late.numbers, late.asked, FleetEvent.UNAVAILABLE in late.told.events)


@pytest.mark.parametrize("command", ["put_piece", "put"])
async def test_what_cannot_be_written_in_time_is_held_all_the_same(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Nobody waits longer for it than for a download."""
    slow = await fleet.replica(timeout_s=0.1)
    monkeypatch.setattr(slow.cache, command, never)
    async with asyncio.timeout(30):
        assert () == await slow.order()
    assert ({1}, True) == (slow.numbers, FleetEvent.UNAVAILABLE in slow.told.events)


async def test_an_order_that_joins_a_refresh_is_not_waited_with(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was in no hurry is, once a request waits for the same."""
    one, pauses, sleep = fleet.replicas[0], asyncio.Queue[float](), fleet.clock.sleep

    async def noted(seconds: float) -> None:
        pauses.put_nowait(seconds)
        await sleep(seconds)

    monkeypatch.setattr(fleet.clock, "sleep", noted)
    fleet.server.kill()
    refresh = asyncio.create_task(one.bring())
    await pauses.get()
    assert () == await one.order()
    await refresh
    assert (1, True) == (one.asked, pauses.qsize() < PAUSES - 1)
