"""Prefetchers of several replicas: they keep one rhythm, and ask the origin as often as one of them would alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.application.fleet.telling import FleetEvent
from service.application.prefetch.source_record import SourceRecord
from service.core.model.attempt import Problem
from service.core.prefetch.schedule import Schedule
from tests.application.chain import CRL_URL, NAMESAKE, ROOT, SUB, leaf, order, read
from tests.application.fakes import settle
from tests.application.prefetch.sharing_parts import DOWN, LEAF, Fleet
from tests.application.prefetch.world import (
    DAY,
    HOUR,
    MINUTE,
    MIRROR,
    PROMPT,
    Setup,
    begun,
    crl,
    place,
    trust,
    world,
)
from tests.application.world import ALLOWED, REVOKED
from tests.pki import NOW
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    made = Fleet(server, store_directory)
    async with made.stack:
        yield made


async def test_what_one_fetched_is_taken_by_those_who_hear_of_it(fleet: Fleet) -> None:
    """At once, without a word to the origin, and as old as it is."""
    first, second = await fleet.several(2)
    fleet.clock.advance(10)
    await first.world.prefetcher.settle()
    fleet.clock.advance(5)
    await second.hear()
    record = second.world.record(CRL_URL)
    assert ({1}, 1, 0) == (second.world.numbers, first.asked, second.asked)
    assert (NOW + timedelta(seconds=10), NOW + timedelta(seconds=15), 0, None) == (
        record.state.succeeded_at,
        record.state.tried_at,
        record.state.failures,
        record.problem,
    )
    assert first.world.record(CRL_URL).validators == record.validators


async def test_what_is_heard_is_in_force(fleet: Fleet) -> None:
    """A certificate that the newer CRL revokes is denied."""
    first, second = await fleet.several(2)
    for one in (first, second):
        await one.hear()
        assert ALLOWED == await one.world.ask(LEAF)
    fleet.clock.advance(1)
    fleet.origin.answers[CRL_URL] = crl(2, revoked=[LEAF.serial_number])
    await first.world.prefetcher.refresh((CRL_URL,))
    assert ALLOWED == await second.world.ask(LEAF)
    await second.hear()
    assert REVOKED == await second.world.ask(LEAF)
    assert 0 == second.asked


def salted(*salts: bytes) -> list[Setup]:
    """Replicas whose schedules differ by chance."""
    return [Setup((CRL_URL,), schedule=Schedule(salt=salt)) for salt in salts]


async def requests_of(fleet: Fleet, setups: Sequence[Setup]) -> int:
    """How often replicas ask in six hours."""
    for setup in setups:
        await fleet.replica(setup)
    fleet.origin.answers[CRL_URL] = crl(1, life=2 * DAY)
    await fleet.live(6 * HOUR, 3 * MINUTE)
    assert [{1}] * len(setups) == [one.world.numbers for one in fleet.replicas]
    return len(fleet.origin.requests)


async def test_a_fleet_keeps_one_rhythm(fleet: Fleet, tmp_path: Path) -> None:
    """Five replicas ask about as often as each of them would alone: whoever is due first asks for all."""
    setups = salted(b"a", b"b", b"c", b"d", b"e")
    together = await requests_of(fleet, setups)
    alone = Fleet(fleet.server, tmp_path)
    async with alone.stack:
        single = await requests_of(alone, setups[:1])
    assert 6 <= single <= together <= single + 2
    assert [[]] * 5 == [one.told.refusals for one in fleet.replicas]


async def test_without_hearing_what_is_due_is_looked_for_first(fleet: Fleet) -> None:
    """Events that were lost cost nobody a request: whoever is due later finds what is there."""
    first, second = await fleet.several(2)
    for _ in range(3):
        await first.world.prefetcher.settle()
        fleet.clock.advance(5 * MINUTE)
        await second.world.prefetcher.settle()
        fleet.clock.advance(55 * MINUTE)
    assert (3, 0) == (first.asked, second.asked)


async def test_what_was_known_before_a_restart_is_nothing_new(fleet: Fleet) -> None:
    """The inventory knows when the origin was asked: what is due is not answered by the same again."""
    first, second = await fleet.several(2)
    await first.world.prefetcher.settle()
    await second.world.prefetcher.settle()
    second.sharing._checked.clear()  # noqa: SLF001 - as a restart does
    fleet.clock.advance(HOUR)
    await second.world.prefetcher.settle()
    assert (1, 1, 1) == (first.asked, second.asked, second.told.events.count(FleetEvent.HIT))


async def test_what_is_due_already_when_it_is_taken_is_asked_for_once(fleet: Fleet) -> None:
    """What another replica fetched long ago is taken, and then the origin is asked; it does not go round and round."""
    first = await fleet.replica()
    await first.world.prefetcher.settle()
    fleet.clock.advance(59 * MINUTE)
    brisk = Schedule(first_delay=timedelta(0), jitter=0.0, maximum=timedelta(minutes=10), minimum=timedelta(minutes=1))
    second = await fleet.replica(Setup((CRL_URL,), schedule=brisk))
    await second.world.prefetcher.settle()
    record = second.world.record(CRL_URL)
    assert (1, fleet.clock.now()) == (second.asked, record.state.succeeded_at)
    assert 2 == len(second.world.told.refreshes)


async def test_an_origin_that_fails_for_one_host_alone(fleet: Fleet) -> None:
    """It lives on what the others fetch."""
    first, second = await fleet.several(2)
    fleet.origin.answers[CRL_URL] = DOWN
    await second.world.prefetcher.settle()
    assert 1 == second.world.record(CRL_URL).state.failures
    fleet.origin.answers[CRL_URL] = crl(1)
    await first.world.prefetcher.refresh((CRL_URL,))
    await second.hear()
    record = second.world.record(CRL_URL)
    assert ({1}, 0, None, 1) == (second.world.numbers, record.state.failures, record.problem, second.asked)


async def test_what_nobody_goes_by_is_not_taken(fleet: Fleet) -> None:
    """Nor is it learned: an event names no source."""
    first, second = await fleet.replica(), await fleet.replica(Setup())
    await first.world.prefetcher.settle()
    await second.hear()
    assert ((), set(), []) == (second.world.store.sources(), second.world.numbers, second.told.events)


async def test_a_mirror_is_taken_where_a_source_goes_by_it(fleet: Fleet) -> None:
    """Another place of a source is asked when the one before it fails; until then it is nobody's news."""
    fleet.origin.answers = {CRL_URL: crl(2), MIRROR: crl(1)}
    one, other = await fleet.replica(Setup()), await fleet.replica(Setup((MIRROR,)))
    await one.world.prefetcher.fetch(order(CRL_URL, MIRROR))
    fleet.clock.advance(1)
    await other.world.prefetcher.settle()
    await one.hear()
    assert ({2}, []) == (one.world.numbers, one.told.refusals)
    fleet.origin.answers = {CRL_URL: DOWN, MIRROR: crl(3)}
    await one.world.prefetcher.refresh((CRL_URL,))
    fleet.clock.advance(1)
    fleet.origin.answers[MIRROR] = crl(4)
    await other.world.prefetcher.refresh((MIRROR,))
    await one.hear()
    assert {4} == one.world.numbers


async def test_own_events_do_no_harm(fleet: Fleet) -> None:
    """Whoever hears himself has nothing to do."""
    (one,) = await fleet.several(1)
    await one.world.prefetcher.settle()
    before = one.world.record(CRL_URL)
    fleet.clock.advance(1)
    await one.hear()
    assert (1, before) == (one.asked, one.world.record(CRL_URL))


async def test_events_of_nothing_do_no_harm(fleet: Fleet) -> None:
    """Whoever owns the cache makes nobody ask an origin by telling that there is news."""
    (one,) = await fleet.several(1)
    await one.world.prefetcher.settle()
    fleet.server.ask("DEL", fleet.names.crl(CRL_URL))
    for _ in range(100):
        one.world.prefetcher.heard(fleet.names.crl(CRL_URL))
    await one.world.prefetcher.settle()
    assert (1, 1) == (one.asked, len(one.world.told.refreshes))


async def test_an_operators_refresh_is_answered_by_the_origin(fleet: Fleet) -> None:
    """However new what the others have is, and the others have what came of it."""
    first, second = await fleet.several(2)
    await first.world.prefetcher.settle()
    await second.world.prefetcher.refresh((CRL_URL,))
    assert (1, 1) == (first.asked, second.asked)
    fleet.clock.advance(MINUTE)
    fleet.origin.answers[CRL_URL] = crl(2)
    await second.world.prefetcher.refresh((CRL_URL,))
    await first.hear()
    assert ({2}, 1) == (first.world.numbers, first.asked)


async def test_whoever_asked_while_it_was_due_is_answered_by_the_origin(fleet: Fleet) -> None:
    """A plan that carries out what somebody asked for does not look for what others have."""
    first, second = await fleet.several(2)
    await first.world.prefetcher.settle()
    inventory = second.world.inventory
    record = inventory[CRL_URL]
    await inventory.put(replace(record, state=replace(record.state, asked_at=fleet.clock.now())))
    await second.world.prefetcher.settle()
    assert (1, 1) == (first.asked, second.asked)


async def test_orders_of_workers_are_shared(fleet: Fleet) -> None:
    """Five replicas that meet the same certificate at once ask its authority once; all learn the source."""
    replicas = await fleet.several(5, *[Setup()] * 5)
    verdicts = await asyncio.gather(*(one.world.ask(LEAF) for one in replicas))
    assert [ALLOWED] * 5 == verdicts
    assert 1 == len(fleet.origin.requests)
    assert [CRL_URL] * 5 == [one.world.record(CRL_URL).source.key for one in replicas]
    assert {NOW} == {one.world.record(CRL_URL).state.succeeded_at for one in replicas}


async def test_a_certificate_that_does_not_chain_has_nothing_taken(fleet: Fleet) -> None:
    """Not from Redis either, although what it names is there."""
    first, second = await fleet.several(2, Setup(), Setup())
    assert ALLOWED == await first.world.ask(LEAF)
    await second.world.ask(read(NAMESAKE.issue("leaf", crl_urls=[CRL_URL])), NAMESAKE)
    assert (set(), []) == (second.world.numbers, second.told.events)


async def test_files_are_nobody_elses(fleet: Fleet, tmp_path: Path) -> None:
    """Neither a directory of the operator's nor what the URL map leads there is written, or read."""
    crls = tmp_path / "crls"
    crls.mkdir()
    place(crls, "sub.crl", crl(1))
    mapped = Setup((str(crls),), url_map=((CRL_URL, str(crls / "sub.crl")),))
    one = await fleet.replica(mapped)
    await one.world.go()
    await one.world.prefetcher.fetch(order(CRL_URL))
    assert ({1}, [], b":0") == (
        one.world.numbers,
        one.told.events,
        fleet.server.ask("EXISTS", fleet.names.events),
    )
    (other,) = await fleet.several(1)
    await other.world.prefetcher.settle()
    fleet.clock.advance(MINUTE)
    await one.world.prefetcher.fetch(order(CRL_URL))
    assert [] == one.told.events


async def test_what_is_mapped_to_an_url_is_shared_as_what_that_has(fleet: Fleet) -> None:
    """With those who go there without a map too; and what they tell is heard."""
    url = "http://crl.private/sub.crl"
    mapped = Setup(url_map=((url, CRL_URL),))
    first, second, third = await fleet.several(3, mapped, mapped, Setup((CRL_URL,)))
    for one in (first, second):
        await one.world.prefetcher.fetch(order(url))
    await third.world.prefetcher.settle()
    assert ([CRL_URL], [{1}] * 3) == (fleet.origin.urls, [one.world.numbers for one in fleet.replicas])
    fleet.clock.advance(1)
    fleet.origin.answers[CRL_URL] = crl(2)
    await third.world.prefetcher.refresh((CRL_URL,))
    await first.hear()
    assert ({2}, 1) == (first.world.numbers, first.asked)


async def test_who_has_another_mirror_shares_with_nobody(fleet: Fleet) -> None:
    """What one mirror says is nothing that another can be asked with."""
    fleet.origin.answers[MIRROR] = crl(2)
    first, second = await fleet.several(2, Setup(), Setup(url_map=((CRL_URL, MIRROR),)))
    for one in (first, second):
        await one.world.prefetcher.fetch(order(CRL_URL))
    assert ({1}, {2}, [CRL_URL, MIRROR]) == (first.world.numbers, second.world.numbers, fleet.origin.urls)


async def test_what_waits_for_its_issuer_is_shared(fleet: Fleet) -> None:
    """It waits everywhere, and is tried by whoever meets its issuer."""
    first, second = [await fleet.replica(known=False) for _ in range(2)]
    for one in (first, second):
        await one.world.prefetcher.settle()
        record = one.world.record(CRL_URL)
        assert (set(), 1, 0) == (one.world.numbers, len(record.pending), record.state.failures)
    assert (1, 0) == (first.asked, second.asked)
    assert ALLOWED == await second.world.ask(leaf())
    assert {1} == second.world.numbers


async def test_a_failure_of_ours_is_written_down(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong while something is taken is that of its source, and ends nothing else."""
    first, second = await fleet.several(2)
    await first.world.prefetcher.settle()

    async def fail(*_: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(second.world.ingester, "adopt", fail)
    await second.hear()
    assert Problem.INTERNAL is second.world.record(CRL_URL).problem


async def test_what_is_under_way_looks_for_itself(fleet: Fleet) -> None:
    """Whoever waits for the origin is not disturbed, and takes nothing twice."""
    first, second = await fleet.several(2)
    fleet.origin.gate.clear()
    refresh = asyncio.create_task(second.world.prefetcher.refresh((CRL_URL,)))
    await fleet.origin.asked.wait()
    second.world.prefetcher.heard(fleet.names.crl(CRL_URL))
    fleet.origin.gate.set()
    await refresh
    await second.world.prefetcher.settle()
    assert (1, 1, 0) == (second.asked, len(second.world.told.refreshes), first.asked)


async def test_what_is_being_taken_ends_with_the_process(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left running."""
    first, second = await fleet.several(2)
    await first.world.prefetcher.settle()
    began = asyncio.Event()

    async def never(_: str) -> bytes | None:
        began.set()
        return await asyncio.Future()

    monkeypatch.setattr(second.cache, "get_piece", never)
    second.world.prefetcher.heard(fleet.names.crl(CRL_URL))
    await began.wait()
    await second.world.ingester.aclose()
    await second.world.prefetcher.aclose()
    assert set() == second.world.numbers


async def test_many_are_taken_few_at_a_time(fleet: Fleet) -> None:
    """All of them, in the end."""
    urls = tuple(f"http://crl.example/{number}.crl" for number in range(12))
    fleet.origin.answers = dict.fromkeys(urls, crl(1))
    first, second = await fleet.several(2, Setup(urls, schedule=PROMPT), Setup(urls, schedule=PROMPT))
    await first.world.prefetcher.settle()
    await second.hear()
    assert (12, 0) == (first.asked, second.asked)
    assert {NOW} == {second.world.record(url).state.succeeded_at for url in urls}


async def test_news_is_looked_up_by_its_name(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand events of what nobody goes by cost no look at what there is: names are known beforehand."""
    (one,) = await fleet.several(1)
    looks: list[int] = []
    records = one.world.inventory.records

    def look() -> tuple[SourceRecord, ...]:
        looks.append(1)
        return records()

    monkeypatch.setattr(one.world.inventory, "records", look)
    for number in range(1000):
        one.world.prefetcher.heard(fleet.names.crl(f"http://crl.example/{number}.crl"))
    await settle()
    assert [] == looks


async def test_begun_alone_and_begun_together_are_the_same(fleet: Fleet, tmp_path: Path) -> None:
    """What is held and remembered does not depend on whether others have fetched it."""
    first, second = await fleet.several(2)
    for one in (first, second):
        await one.world.prefetcher.settle()
    (tmp_path / "alone").mkdir()
    trust(tmp_path / "alone", ROOT, SUB)
    with world(tmp_path / "alone", Setup((CRL_URL,)), fleet.origin, fleet.clock) as alone:
        await begun(alone)
        assert alone.record(CRL_URL) == second.world.record(CRL_URL) == first.world.record(CRL_URL)
