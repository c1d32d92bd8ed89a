"""CRLs that replicas share: one asks the origin, the others take what he has, and what he has is as old for them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from service.application.crl_delivery import AnswerFrom
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.events import CrlEvent, decode_event
from service.application.fleet.telling import FleetEvent
from service.application.settled import SETTLED_S
from service.core.model.attempt import Attempt, Problem
from tests.application.chain import CRL_URL, NAMESAKE, SUB
from tests.application.fleet.crl_replicas import (
    DOWNLOAD,
    LONGEST,
    Fleet,
    crl,
    digest_of,
    fleet_on,
    until,
)
from tests.pki import NOW
from tests.pki.pem import pem
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, token_hex(8), store_directory) as made:
        yield made


async def at_once(fleet: Fleet, count: int) -> list[tuple[Attempt, ...]]:
    """So many replicas order the same while the origin thinks; what failed, for each."""
    replicas = await fleet.several(count)
    fleet.origin.gate.clear()
    orders = [asyncio.create_task(one.order()) for one in replicas]
    await until(lambda: sum(FleetEvent.WAITED in one.told.events for one in replicas) == count - 1)
    fleet.origin.gate.set()
    return await asyncio.gather(*orders)


async def test_one_asks_for_all(fleet: Fleet) -> None:
    """Five replicas that order the same at once make one request, and hold the same afterwards."""
    assert [()] * 5 == await at_once(fleet, 5)
    assert (1, [{1}] * 5) == (fleet.asked, [one.numbers for one in fleet.replicas])
    counts = sum((one.told.counts for one in fleet.replicas), start=type(fleet.replicas[0].told.counts)())
    assert {
        FleetEvent.MISS: 5,
        FleetEvent.LEASED: 1,
        FleetEvent.WAITED: 4,
        FleetEvent.HIT: 4,
        FleetEvent.WRITTEN: 1,
    } == counts


async def test_fetches_alone_are_told_as_fetches(fleet: Fleet) -> None:
    """Whoever took what was there has asked nobody, and has looked at what he took all the same."""
    await at_once(fleet, 3)
    assert (1, [1] * 3) == (
        sum(one.asked for one in fleet.replicas),
        [len(one.recorder.ingestions) for one in fleet.replicas],
    )


async def test_whoever_comes_later_takes_what_is_there(fleet: Fleet) -> None:
    """It counts as fetched when the other one asked."""
    first, second = await fleet.several(2)
    delivery = await first.bring()
    fleet.pass_time(minutes=40)
    later = await second.bring()
    assert (None, NOW) == (delivery.checked_at, later.checked_at)
    assert (1, [1]) == (fleet.asked, [one.meta.crl_number for one in later.crls])
    assert delivery.said == later.said


async def test_what_was_fetched_too_long_ago_is_fetched_again(fleet: Fleet) -> None:
    """Up to `REVET_MAX_SHARED_AGE_S` it is taken, and not after that."""
    first, second, third = await fleet.several(3)
    await first.bring()
    fleet.clock.advance(LONGEST)
    assert NOW == (await second.bring()).checked_at
    fleet.clock.advance(timedelta(microseconds=1))
    assert None is (await third.bring()).checked_at
    assert (2, [Refusal.TOO_OLD]) == (fleet.asked, third.told.reasons)


async def test_what_is_known_is_nothing_new(fleet: Fleet) -> None:
    """Whoever has taken what is there, and asks again, asks the origin."""
    first, second = await fleet.several(2)
    await first.order()
    await second.order()
    fleet.clock.advance(timedelta(seconds=SETTLED_S))
    await second.order()
    assert (1, 1) == (first.asked, second.asked)
    assert FleetEvent.MISS in second.told.events


async def test_what_is_remembered_of_a_source_is_nothing_new(fleet: Fleet) -> None:
    """After a restart it is the inventory that knows when the origin was asked."""
    first, second, third = await fleet.several(3)
    await first.bring()
    fleet.pass_time(minutes=10)
    assert None is (await second.bring(replace(DOWNLOAD, checked_at=NOW))).checked_at
    earlier = replace(DOWNLOAD, checked_at=NOW - timedelta(microseconds=1))
    assert NOW + timedelta(minutes=10) == (await third.bring(earlier)).checked_at


async def test_whoever_asks_for_the_origin_is_answered_by_it(fleet: Fleet) -> None:
    """However new what is there is; and the others have what came of it."""
    first, second, third = await fleet.several(3)
    await first.bring()
    fleet.origin.answers[CRL_URL] = crl(2)
    delivery = await second.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    assert (None, {2}, 2) == (delivery.checked_at, second.numbers, fleet.asked)
    await third.order()
    assert (2, {2}) == (fleet.asked, third.numbers)


async def test_whoever_asks_the_fleet_alone_asks_no_origin(fleet: Fleet) -> None:
    """What is there is taken once; where there is nothing, nothing happens."""
    first, second = await fleet.several(2)
    assert None is await second.ingester.adopt(DOWNLOAD)
    await first.bring()
    taken = await second.ingester.adopt(DOWNLOAD)
    assert taken is not None
    assert (NOW, {1}) == (taken.checked_at, second.numbers)
    assert None is await second.ingester.adopt(DOWNLOAD)
    assert None is await first.ingester.adopt(DOWNLOAD)
    assert (1, [FleetEvent.HIT]) == (fleet.asked, second.told.events)


async def test_whoever_asks_the_fleet_alone_is_told_no_better(fleet: Fleet) -> None:
    """What is refused is refused, without a word to the origin: the plan will say when."""
    (one,) = await fleet.several(1)
    await fleet.write(crl(1, NAMESAKE))
    assert None is await one.ingester.adopt(DOWNLOAD)
    assert (0, set(), [Refusal.REFUSED]) == (fleet.asked, one.numbers, one.told.reasons)


async def test_whoever_takes_keeps_nobody_waiting(fleet: Fleet) -> None:
    """An order that meets somebody who only looks goes on to the origin itself."""
    (one,) = await fleet.several(1)
    _, attempts = await asyncio.gather(one.ingester.adopt(DOWNLOAD), one.order())
    assert ((), {1}, 1) == (attempts, one.numbers, fleet.asked)


async def test_all_are_told(fleet: Fleet) -> None:
    """An event says that there is something newer of the URL, and another one that the origin was asked again."""
    (one,) = await fleet.several(1)
    await one.bring()
    fleet.pass_time(minutes=1)
    await one.bring()
    told = await one.cache.follow(fleet.names.events, "0", 0.1)
    opened = [one.parts.open_lasting(each.envelope, EnvelopeKind.EVENT, "tester") for each in told]
    assert [CrlEvent(fleet.name)] * 2 == [decode_event(each.content) for each in opened if each is not None]


async def test_what_has_not_changed_is_not_read_again(fleet: Fleet) -> None:
    """Whoever has the version whose origin calls it unmodified needs no pieces; what is there lasts longer."""
    first, second = await fleet.several(2)
    await first.bring()
    await second.bring()
    fleet.pass_time(minutes=30)
    await first.bring()
    assert 1 == fleet.origin.not_modified
    assert b":1" == fleet.server.ask("DEL", fleet.piece(digest_of(crl(1))))
    again = await second.bring()
    assert NOW + timedelta(minutes=30) == again.checked_at
    assert (2, ["unchanged"]) == (fleet.asked, [one.result.value for one in again.crls])


async def test_what_has_not_changed_is_there_for_others(fleet: Fleet) -> None:
    """The pieces of a version that an origin calls unmodified serve whoever has not got it."""
    first, second = await fleet.several(2)
    await first.bring()
    fleet.pass_time(minutes=59)
    await first.bring()
    fleet.pass_time(minutes=59)
    assert () == await second.order()
    assert (2, 0) == (first.asked, second.asked)


async def test_a_version_whose_pieces_are_gone(fleet: Fleet) -> None:
    """Those who have it go by it, and nothing is downloaded for them; whoever has not asks the origin and fills it."""
    first, second, third, fourth = await fleet.several(4)
    await first.bring()
    await second.bring()
    fleet.pass_time(minutes=30)
    fleet.server.ask("DEL", fleet.name, fleet.piece(digest_of(crl(1))))
    await first.bring()
    assert 1 == fleet.origin.not_modified
    assert NOW + timedelta(minutes=30) == (await second.bring()).checked_at
    await third.order()
    await fourth.order()
    assert (2, 0, 1, 0) == tuple(one.asked for one in fleet.replicas)
    assert [[]] * 4 == [one.told.reasons for one in fleet.replicas]


async def test_a_flush_costs_one_request_for_what_others_need(fleet: Fleet) -> None:
    """What was held stays held; what is there again serves the others."""
    first, second, third = await fleet.several(3)
    await first.bring()
    fleet.server.ask("DEL", fleet.name, fleet.piece(digest_of(crl(1))))
    await second.order()
    await third.order()
    assert (2, [{1}] * 3) == (fleet.asked, [one.numbers for one in fleet.replicas])


async def test_what_has_ended_is_asked_for(fleet: Fleet) -> None:
    """Somebody may have published: what is there is no excuse, and it is no offence either."""
    first, second, third = await fleet.several(3)
    ended = crl(1, next_update=NOW + timedelta(minutes=5))
    fleet.origin.answers[CRL_URL] = ended
    await first.bring()
    fleet.pass_time(minutes=10)
    fleet.origin.answers[CRL_URL] = crl(2)
    assert () == await second.order()
    assert ({2}, 1, []) == (second.numbers, second.asked, second.told.reasons)
    assert () == await third.order()
    assert 0 == third.asked


async def test_what_has_ended_is_the_last_word_for_a_second(fleet: Fleet) -> None:
    """Nobody makes a fleet ask an authority more often than one host asks."""
    first, second, third = await fleet.several(3)
    fleet.origin.answers[CRL_URL] = crl(1, next_update=NOW - timedelta(minutes=5))
    for one in (first, second):
        assert [Problem.STALE] == [attempt.problem for attempt in await one.order()]
    assert 1 == fleet.asked
    fleet.clock.advance(timedelta(seconds=SETTLED_S))
    assert [Problem.STALE] == [attempt.problem for attempt in await third.order()]
    assert 2 == fleet.asked


async def test_files_with_several_crls(fleet: Fleet) -> None:
    """Each of them is held by everybody."""
    armoured = "".join(pem(one, "X509 CRL") for one in (crl(1), crl(2, NAMESAKE))).encode()
    fleet.origin.answers[CRL_URL] = armoured
    for one in await fleet.several(2):
        await one.order(SUB, NAMESAKE)
    assert (1, [{1, 2}] * 2) == (fleet.asked, [one.numbers for one in fleet.replicas])
