"""CRLs that replicas share: one asks the origin, the others take what he has, and what he has is as old for them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from service.application.crl_delivery import AnswerFrom
from service.application.fleet import shared_crls
from service.application.fleet.crl_versions import read_version
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.events import CrlEvent, decode_event
from service.application.fleet.telling import FleetEvent
from service.application.origin import OriginError
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
    with_keys,
)
from tests.application.prefetch.world import VersionedOrigin
from tests.pki import NOW
from tests.pki.pem import pem
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.anyio

GONE: OriginError = OriginError(Problem.UNREACHABLE, "nobody there")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with much else to do must not make Redis look as if it were gone."""
    monkeypatch.setattr("service.adapters.redis.cache.COMMAND_S", 10.0)


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


async def test_whoever_writes_late_replaces_nothing_newer(fleet: Fleet) -> None:
    """What was asked for before loses against what was asked for afterwards."""
    slow = VersionedOrigin({CRL_URL: crl(1)})
    slow.gate.clear()
    late, prompt, third = await fleet.replica(origin=slow), await fleet.replica(), await fleet.replica()
    fleet.origin.answers[CRL_URL] = crl(2)
    order = asyncio.create_task(late.order())
    await slow.asked.wait()
    fleet.pass_time(seconds=1)
    await prompt.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    slow.gate.set()
    assert () == await order
    assert FleetEvent.WRITTEN not in late.told.events
    await third.order()
    assert ({1}, {2}, 1) == (late.numbers, third.numbers, fleet.asked)


async def test_what_nobody_holds_is_written_nowhere(fleet: Fleet) -> None:
    """Nobody is given what the one who fetched it refuses."""
    (one,) = await fleet.several(1)
    for refused in (b"no CRL", crl(1, NAMESAKE), crl(1) + b"x"):
        fleet.origin.answers[CRL_URL] = refused
        assert 1 == len(await one.order())
        fleet.clock.advance(timedelta(seconds=SETTLED_S))
    assert (3, b"$-1") == (fleet.asked, fleet.server.ask("GET", fleet.name))


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


@pytest.mark.parametrize("piece_octets", [1, 64, 10_000])
async def test_large_ones_come_in_pieces(fleet: Fleet, piece_octets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, all of them are there; those of a version that was replaced go soon."""
    for module in ("crl_versions", "shared_crls"):
        monkeypatch.setattr(f"service.application.fleet.{module}.PIECE_OCTETS", piece_octets)
    first, second, third = await fleet.several(3)
    await first.order()
    await second.order()
    fleet.origin.answers[CRL_URL] = crl(2)
    fleet.pass_time(minutes=1)
    await second.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    await third.order()
    assert ({1}, {2}, {2}, 2) == (first.numbers, second.numbers, third.numbers, fleet.asked)
    last_piece = (len(crl(1)) - 1) // piece_octets
    old = int(fleet.server.ask("PTTL", fleet.piece(digest_of(crl(1)), last_piece))[1:])
    new = int(fleet.server.ask("PTTL", fleet.piece(digest_of(crl(2)), 0))[1:])
    assert 0 < old <= 60_000 < new
    assert b":0" == fleet.server.ask("EXISTS", fleet.piece(digest_of(crl(1)), last_piece + 1))


async def test_everything_ends_by_itself(fleet: Fleet) -> None:
    """Nothing of a URL stays for ever; the pieces outlive the envelope."""
    (one,) = await fleet.several(1)
    await one.order()
    lives = [int(fleet.server.ask("PTTL", name)[1:]) for name in (fleet.name, fleet.piece(digest_of(crl(1))))]
    assert 3_500_000 < lives[0] <= 3_600_000 < lives[1] <= 3_660_000


async def test_what_is_written_names_the_version(fleet: Fleet) -> None:
    """Its digest, its size, and what the origin says about it."""
    (one,) = await fleet.several(1)
    fleet.origin.max_age_s = 120
    await one.order()
    octets = await one.cache.get(fleet.name)
    assert octets is not None
    envelope = one.parts.open_fetched(octets, EnvelopeKind.CRL, fleet.name)
    assert envelope is not None
    version = read_version(envelope.content)
    assert version.body is not None
    assert (NOW, digest_of(crl(1)), len(crl(1))) == (envelope.at, version.body.digest, version.body.octets)
    assert (120, 1) == (version.said.max_age_s, len(version.said.validators.conditions))


async def test_what_is_there_is_not_written_twice(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a version that came again its pieces stay, for longer."""
    first, second = await fleet.several(2)
    await first.order()
    fleet.server.ask("PEXPIRE", fleet.piece(digest_of(crl(1))), "60000")
    fleet.pass_time(minutes=1)
    written: list[str] = []

    async def note(name: str, value: bytes, ttl_s: float) -> None:
        del value, ttl_s
        written.append(name)

    monkeypatch.setattr(second.cache, "put_piece", note)
    await second.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    assert (2, 0, []) == (fleet.asked, fleet.origin.not_modified, written)
    assert 3_600_000 < int(fleet.server.ask("PTTL", fleet.piece(digest_of(crl(1))))[1:])


async def test_what_has_not_changed_for_one_is_not_what_another_has_written(fleet: Fleet) -> None:
    """An origin with two answers: nobody's version goes under another one's name."""
    behind = VersionedOrigin({CRL_URL: crl(1)})
    late, prompt, third = await fleet.replica(origin=behind), await fleet.replica(), await fleet.replica()
    fleet.origin.answers[CRL_URL] = crl(2)
    anew = replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN)
    await late.bring(anew)
    for one in (prompt, late):
        fleet.pass_time(minutes=1)
        await one.bring(anew)
    assert 1 == behind.not_modified
    await third.order()
    assert ({1}, {2}, {2}, 1, []) == (late.numbers, prompt.numbers, third.numbers, third.asked, third.told.reasons)


async def test_urls_of_any_length_are_shared(fleet: Fleet) -> None:
    """What is written has their digests in it."""
    one, two = await fleet.several(2)
    url = CRL_URL + "?" + 10_000 * "a"
    fleet.origin.answers[url] = crl(1)
    for each in (one, two):
        assert None is (await each.bring(replace(DOWNLOAD, url=url))).attempt
    assert 1 == fleet.asked


async def test_what_is_remembered_is_bounded(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL that was asked for longest ago goes first."""
    monkeypatch.setattr(shared_crls, "MAX_REMEMBERED", 2)
    (one,) = await fleet.several(1)
    sharing = shared_crls.SharedCrls(one.parts)
    for number in (1, 2, 1, 3):
        sharing.note(f"http://{number}.example/", NOW)
    assert [NOW, None, NOW] == [sharing.checked(f"http://{number}.example/") for number in (1, 2, 3)]


async def test_what_is_remembered_of_the_future_is_forgotten(fleet: Fleet) -> None:
    """A clock that was set back makes nothing old."""
    (one,) = await fleet.several(1)
    sharing = shared_crls.SharedCrls(one.parts)
    sharing.note(CRL_URL, NOW)
    fleet.pass_time(hours=-1)
    sharing.note(CRL_URL, NOW - timedelta(hours=1, seconds=5))
    assert NOW - timedelta(hours=1, seconds=5) == sharing.checked(CRL_URL)


async def test_what_is_remembered_of_the_future_hides_nothing(fleet: Fleet) -> None:
    """Whoever had a wrong clock takes what the others have, and does not ask the origin."""
    one, two = await fleet.several(2)
    fleet.pass_time(days=1)
    fleet.origin.answers[CRL_URL] = crl(1, next_update=NOW + timedelta(days=30))
    await two.bring()
    fleet.server.flush()
    fleet.pass_time(days=-1)
    await one.bring()
    await two.bring()
    assert (1, 1) == (one.asked, two.asked)


async def test_no_url_stands_in_the_cache(fleet: Fleet) -> None:
    """It may have credentials in it: what is written has its digest."""
    (one,) = await fleet.several(1)
    url = CRL_URL + "?sv=2024&sig=SECRETSIGNATURE"
    fleet.origin.answers[url] = crl(1)
    await one.bring(replace(DOWNLOAD, url=url))
    found = await one.cache.get(fleet.names.crl(url))
    told = await one.cache.follow(fleet.names.events, "0", 0.1)
    written = b"".join((found or b"", *(each.envelope for each in told)))
    assert (True, False, False) == (len(told) == 1, b"SECRET" in written, b"crl.example" in written)


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


async def test_without_a_key_the_origin_is_asked_once_in_a_while(fleet: Fleet) -> None:
    """What others say counts for as long as the fleet allows since this process has asked, or begun."""
    keyless = with_keys()
    one, two = [await fleet.replica(rules=keyless) for _ in range(2)]
    for asked in ((1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 1), (7, 2)):
        await one.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
        await two.bring()
        assert asked == (one.asked, two.asked)
        fleet.pass_time(minutes=29)
    await one.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    fleet.pass_time(hours=1)
    assert None is await two.ingester.adopt(DOWNLOAD)


async def test_what_is_remembered_goes_forward_and_not_into_the_future(fleet: Fleet) -> None:
    """Neither a late word nor a clock that is ahead makes later news old."""
    (one,) = await fleet.several(1)
    sharing = shared_crls.SharedCrls(one.parts)
    sharing.note(CRL_URL, NOW + timedelta(seconds=50))
    assert NOW == sharing.checked(CRL_URL)
    sharing.note(CRL_URL, NOW - timedelta(seconds=50))
    assert NOW == sharing.checked(CRL_URL)
