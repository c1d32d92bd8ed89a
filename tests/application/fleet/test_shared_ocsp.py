"""One worker of the whole fleet asks a responder about a certificate, and the others take what it was told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from service.application.fleet.shared_ocsp import MAX_URL_OCTETS
from service.application.fleet.telling import FleetEvent
from service.application.observer import OcspEvent
from service.application.ocsp_refresh import Used
from service.application.origin import OriginError
from service.core.model.attempt import Problem
from service.core.model.evidence_tier import Tier
from service.core.model.policy import OcspNonce, Policy
from service.core.ocsp.cert_id import store_key
from service.core.ocsp.request import encode_request, get_url
from tests.application.chain import OCSP_URL, SUB, leaf
from tests.application.fakes import ScriptedOrigin
from tests.application.fleet.ocsp_replicas import (
    ISSUER,
    KEY,
    LEAF,
    LIFE,
    LONGEST,
    NOBODYS,
    SERIAL,
    Fleet,
    Replica,
    Setup,
    fleet_on,
    good,
    revoked,
)
from tests.pki import NOW, ocsp_error
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

HIT, MISS, LEASED = FleetEvent.HIT, FleetEvent.MISS, FleetEvent.LEASED
WAITED, OVERDUE, WRITTEN = FleetEvent.WAITED, FleetEvent.OVERDUE, FleetEvent.WRITTEN


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path, origin: ScriptedOrigin) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, token_hex(8), store_directory, origin) as made:
        yield made


async def test_a_hundred_at_once(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Of ten workers on five hosts one asks, and all hosts come to hold the answer as that one does."""
    replicas = await fleet.several(5, Setup(workers=2))
    origin.gate.clear()
    workers = [worker for replica in replicas for worker in replica.workers] * 10
    asking = [asyncio.create_task(worker.ask(LEAF, ISSUER)) for worker in workers]
    await origin.asked.wait()
    await asyncio.sleep(0.05)
    origin.gate.set()
    outcomes = await asyncio.gather(*asking)
    assert 1 == len(origin.requests)
    assert 100 == len([one for one in outcomes if one.finding is not None and not one.attempts])
    assert {Tier.ORIGIN, Tier.REDIS} == {one.finding.tier for one in outcomes if one.finding is not None}
    assert 1 == len({replica.held for replica in replicas})
    told = [event for replica in replicas for event in replica.told.events]
    assert (10, 1, 9, 9, 1) == tuple(map(told.count, (MISS, LEASED, WAITED, HIT, WRITTEN)))
    assert 9 == sum(worker.report().events.get(OcspEvent.REDIS, 0) for worker in workers[:10])


async def test_who_comes_later(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Nobody asks for what somebody was told, and it counts as fetched when that one fetched it."""
    first, second = await fleet.several(2)
    fleet.clock.tick_s = 0.001
    await first.ask()
    await fleet.released()
    fleet.clock.advance(timedelta(minutes=30))
    outcome = await second.ask()
    assert outcome.finding is not None
    assert (Tier.REDIS, OCSP_URL, ()) == (outcome.finding.tier, outcome.finding.source, outcome.attempts)
    assert (1, True) == (len(origin.requests), second.held == first.held)
    assert [HIT] == second.told.events
    assert [OcspEvent.REDIS] == second.observer.events


async def test_how_long_it_is_there(fleet: Fleet, server: RedisServer) -> None:
    """As long as anybody may take it."""
    replica = await fleet.replica()
    await replica.ask()
    await fleet.released()
    left_s = int(server.ask("PTTL", fleet.names.ocsp(KEY)).removeprefix(b":")) / 1000
    assert LONGEST.total_seconds() - 60 < left_s <= LONGEST.total_seconds()


async def test_how_long_it_is_there_before_its_end(fleet: Fleet, origin: ScriptedOrigin, server: RedisServer) -> None:
    """No longer than it is of use to anybody: until its end, and a minute for clocks."""
    origin.answers[OCSP_URL] = good(NOW - LIFE + timedelta(minutes=2))
    await (await fleet.replica()).ask()
    await fleet.released()
    left_s = int(server.ask("PTTL", fleet.names.ocsp(KEY)).removeprefix(b":")) / 1000
    assert 120 < left_s <= 181


async def test_a_revocation_is_there_no_longer(fleet: Fleet, origin: ScriptedOrigin, server: RedisServer) -> None:
    """A host holds it until its certificate ends; others would only refuse it once its time is over."""
    origin.answers[OCSP_URL] = revoked(NOW - LIFE + timedelta(minutes=2))
    await (await fleet.replica()).ask()
    await fleet.released()
    left_s = int(server.ask("PTTL", fleet.names.ocsp(KEY)).removeprefix(b":")) / 1000
    assert 120 < left_s <= 181


async def test_a_revocation_ends_kept_verdicts(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Wherever it came from; once on each host."""
    origin.answers[OCSP_URL] = revoked()
    first, second = await fleet.several(2)
    await first.ask()
    await fleet.released()
    for _ in range(2):
        await second.ask()
        await fleet.released()
    assert (1, 1) == (first.revocations, second.revocations)


@pytest.mark.parametrize("nonce", [OcspNonce.REQUEST, OcspNonce.REQUIRE])
async def test_nonces_are_for_one(fleet: Fleet, origin: ScriptedOrigin, nonce: OcspNonce) -> None:
    """Where they are wanted nothing is shared, and nothing that was is taken."""
    sharing = await fleet.replica()
    await sharing.ask()
    await fleet.released()
    wanting = await fleet.replica(Setup(policy=Policy(ocsp_nonce=nonce)))
    await wanting.ask()
    assert 2 == len(origin.requests)
    assert [] == wanting.told.events


async def test_with_nonces_nothing_is_written(fleet: Fleet, server: RedisServer) -> None:
    """The answer to one question is none to another."""
    await (await fleet.replica(Setup(policy=Policy(ocsp_nonce=OcspNonce.REQUEST)))).ask()
    assert b":0" == server.ask("EXISTS", fleet.names.ocsp(KEY))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(SUB.ocsp(SERIAL, status="unknown"), id="unknown"),
        pytest.param(ocsp_error("tryLater"), id="try later"),
        pytest.param(ocsp_error("unauthorized"), id="unauthorized"),
        pytest.param(b"nonsense", id="nonsense"),
        pytest.param(good(NOW - 2 * LIFE), id="stale"),
        pytest.param(good(serial=7), id="about another"),
        pytest.param(OriginError(Problem.UNREACHABLE, "nobody there"), id="nobody there"),
    ],
)
async def test_what_serves_nobody_is_not_shared(
    fleet: Fleet, origin: ScriptedOrigin, server: RedisServer, answer: bytes | OriginError
) -> None:
    """The lease is free afterwards, and the next replica asks for itself."""
    origin.answers[OCSP_URL] = answer
    for replica in await fleet.several(2):
        await replica.ask()
        await fleet.released()
        assert [MISS, LEASED] == replica.told.events
    assert b":0" == server.ask("EXISTS", fleet.names.ocsp(KEY))
    assert 2 == len(origin.requests)


async def test_what_the_host_knows_better_is_not_shared(
    fleet: Fleet, origin: ScriptedOrigin, server: RedisServer
) -> None:
    """A responder that is behind is heard by the request that asked it, and by nobody else."""
    replica = await fleet.replica()
    origin.answers[OCSP_URL] = revoked()
    await replica.ask()
    await fleet.released()
    server.ask("DEL", fleet.names.ocsp(KEY))
    origin.answers[OCSP_URL] = good(NOW - timedelta(hours=1))
    outcome = await replica.ask()
    await fleet.released()
    assert outcome.finding is not None
    assert b":0" == server.ask("EXISTS", fleet.names.ocsp(KEY))


def used(hours: int) -> Used:
    """An answer that a verdict was based on, which began so many hours after the moment."""
    begin = NOW + timedelta(hours=hours)
    return Used(LEAF, ISSUER, begin, begin + LIFE)


async def use(replicas: list[Replica], using: Used) -> None:
    """Have all workers use an answer at once, and wait for what they do about it."""
    for replica in replicas:
        for worker in replica.workers:
            worker.used(using)
    for replica in replicas:
        await replica.settled()


async def test_one_refresh_for_all(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Whoever took the new answer does not ask again, nor does whoever asked, until that one is due."""
    origin.answers[OCSP_URL] = good(NOW)
    replicas = await fleet.several(5, Setup(workers=2))
    for replica in replicas:
        await replica.ask()
        await fleet.released()
    for round_ in range(1, 4):
        fleet.clock.advance(timedelta(hours=6))
        origin.answers[OCSP_URL] = good(fleet.clock.now())
        for _ in range(2):
            await use(replicas, used((round_ - 1) * 6))
            await use(replicas, used(round_ * 6))
        assert 1 + round_ == len(origin.requests)
        assert 1 == len({replica.held for replica in replicas})
    reports = [worker.report().refreshes for replica in replicas for worker in replica.workers]
    assert (0, 0) == (sum(one.failed for one in reports), sum(one.unchanged for one in reports))
    assert 15 <= sum(one.renewed for one in reports)


async def test_one_refresh_where_a_responder_signs_ahead(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """It has nothing newer: whoever took that knows it as well as whoever asked, and nobody asks again for a while."""
    origin.answers[OCSP_URL] = good(NOW)
    replicas = await fleet.several(5)
    for replica in replicas:
        await replica.ask()
        await fleet.released()
    fleet.clock.advance(timedelta(hours=6))
    for _ in range(3):
        await use(replicas, used(0))
        fleet.clock.advance(timedelta(minutes=5))
    assert 2 == len(origin.requests)
    assert [1] * 5 == [replica.workers[0].report().refreshes.unchanged for replica in replicas]


async def test_a_refresh_after_another_replicas(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Whoever comes to it later takes what has been fetched meanwhile."""
    origin.answers[OCSP_URL] = good(NOW)
    first, second = await fleet.several(2)
    for replica in (first, second):
        await replica.ask()
        await fleet.released()
    fleet.clock.advance(timedelta(hours=6))
    origin.answers[OCSP_URL] = good(fleet.clock.now())
    await use([first], used(0))
    await fleet.released()
    fleet.clock.advance(timedelta(minutes=30))
    await use([second], used(0))
    assert (2, first.held) == (len(origin.requests), second.held)


async def test_many_certificates_over_time(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Each is asked about once, whichever replicas come upon it, and whenever within the hour."""
    replicas = await fleet.several(5)
    certificates = [leaf(f"leaf {number}", ocsp_urls=OCSP_URL) for number in range(50)]
    for round_ in range(3):
        for number, certificate in enumerate(certificates):
            request = encode_request(certificate, ISSUER, None)
            origin.answers[get_url(OCSP_URL, request) or OCSP_URL] = good(serial=certificate.serial_number)
            replica = replicas[(number + round_) % 5]
            outcome = await replica.ask(certificate)
            assert outcome.finding is not None
        fleet.clock.advance(timedelta(minutes=15))
    assert 50 == len(origin.requests)


async def test_too_long_ago(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """What was fetched longer ago than answers are shared is asked for anew."""
    first, second = await fleet.several(2)
    await first.ask()
    await fleet.released()
    fleet.clock.advance(LONGEST + timedelta(seconds=1))
    await second.ask()
    assert 2 == len(origin.requests)


async def test_who_asks_after_failing_is_left_to_it(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """A worker that leaves its responder alone says so at once, whoever else is asking it, and takes what there is."""
    origin.answers[OCSP_URL] = b"nonsense"
    replica, other = await fleet.several(2)
    await replica.ask()
    await fleet.released()
    assert b"+OK" == fleet.server.ask("SET", fleet.names.ocsp_lease(KEY), "somebody's", "PX", "60000")
    replica.told.events.clear()
    outcome = await replica.ask()
    assert [Problem.MALFORMED] == [one.problem for one in outcome.attempts]
    assert ([MISS], 1) == (replica.told.events, len(origin.requests))
    fleet.server.ask("DEL", fleet.names.ocsp_lease(KEY))
    origin.answers[OCSP_URL] = good()
    await other.ask()
    await fleet.released()
    outcome = await replica.ask()
    assert outcome.finding is not None
    assert (Tier.REDIS, 2) == (outcome.finding.tier, len(origin.requests))


async def test_a_request_that_wants_a_younger_one(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """What began too long ago for it is held for others, and the responder is asked for it."""
    first, second, third = await fleet.several(3)
    await first.ask()
    await fleet.released()
    outcome = await second.workers[0].ask(LEAF, ISSUER, longest_age=timedelta(minutes=10))
    assert outcome.finding is not None
    assert (Tier.REDIS, 1) == (outcome.finding.tier, len(origin.requests))
    fleet.clock.advance(timedelta(seconds=1))
    origin.answers[OCSP_URL] = good(fleet.clock.now())
    outcome = await third.workers[0].ask(LEAF, ISSUER, longest_age=timedelta(minutes=10))
    assert outcome.finding is not None
    assert (Tier.ORIGIN, 2) == (outcome.finding.tier, len(origin.requests))


async def test_an_answer_that_is_old_already(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Where the responder has said so itself it is not asked again."""
    replica = await fleet.replica()
    await replica.workers[0].ask(LEAF, ISSUER, longest_age=timedelta(minutes=1))
    assert 1 == len(origin.requests)


async def test_a_responder_whose_name_is_too_long(fleet: Fleet, origin: ScriptedOrigin, server: RedisServer) -> None:
    """What it says serves this host, and the others ask it themselves."""
    url = OCSP_URL + MAX_URL_OCTETS * "x"
    certificate = leaf(ocsp_urls=url)
    origin.answers[OCSP_URL] = good(serial=certificate.serial_number)
    key = store_key(certificate, ISSUER)
    replica = await fleet.replica()
    outcome = await replica.ask(certificate)
    await replica.workers[0].aclose()
    assert outcome.finding is not None
    assert b":0" == server.ask("EXISTS", fleet.names.ocsp(key), fleet.names.ocsp_lease(key))


async def test_a_worker_that_ends_has_written_what_it_was_told(fleet: Fleet, server: RedisServer) -> None:
    """And has given the lease back."""
    replica = await fleet.replica()
    await replica.ask()
    await replica.workers[0].aclose()
    assert (b":1", NOBODYS) == (server.ask("EXISTS", fleet.names.ocsp(KEY)), fleet.lease_ms)
