"""What a whole replica decides on what another one was told."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.trust_store_files import TrustStoreFiles
from service.application.blocks import Blocks
from service.application.fleet.telling import FleetEvent
from service.application.gather import Gatherer
from service.application.observer import NullObserver
from service.application.trust_stores import TrustStores
from service.application.validate import ValidationAnswer, Validator
from service.core.model.evidence_tier import Tier
from service.core.model.policy import Policy
from tests.api.fakes import NumberedIds
from tests.application.chain import OCSP_URL, ROOT
from tests.application.fakes import ScriptedFetcher, ScriptedOrigin
from tests.application.fleet.ocsp_replicas import KEY, LEAF, Fleet, Replica, fleet_on, good, revoked, sealed
from tests.application.world import ALLOWED, LEAF_ALONE, REVOKED, request, summary
from tests.memory_blocks import MemoryBlockStore
from tests.pki import NOW
from tests.redis_servers import RedisServer, redis_server

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

DEADLINE_S = 30.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server."""
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path, origin: ScriptedOrigin) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, "fleet", store_directory, origin) as made:
        yield made


def deciding(fleet: Fleet, replica: Replica) -> Validator:
    """The whole use case over a replica's store and its first worker."""
    files = fleet.directory / "trust"
    files.mkdir(exist_ok=True)
    (files / "default.pem").write_text(ROOT.pem)
    stores = TrustStores(TrustStoreFiles(None, files), fleet.clock)
    stores.load()
    gatherer = Gatherer(replica.store, replica.store, ScriptedFetcher(), replica.workers[0], fleet.clock)
    blocks = Blocks(MemoryBlockStore(), fleet.clock, NumberedIds(), NullObserver())
    return Validator(stores, gatherer, fleet.clock, NumberedIds(), NullObserver(), DEADLINE_S, blocks)


async def decide(validator: Validator, policy: Policy = LEAF_ALONE) -> ValidationAnswer:
    """What is decided about the leaf."""
    return await validator.validate(request(LEAF, policy))


async def put(fleet: Fleet, octets: bytes) -> None:
    """Write anything where the answer about the leaf is looked for."""
    await fleet.replicas[0].parts.cache.put(fleet.names.ocsp(KEY), octets, 60)


@pytest.mark.parametrize(("answer", "decision"), [(good(), ALLOWED), (revoked(), REVOKED)])
async def test_a_decision_on_what_another_was_told(
    fleet: Fleet, origin: ScriptedOrigin, answer: bytes, decision: tuple[str, str, str]
) -> None:
    """It says where the evidence was found; the next one finds it on this host."""
    replica = await fleet.replica()
    validator = deciding(fleet, replica)
    await put(fleet, sealed(answer))
    answers = [await decide(validator) for _ in range(2)]
    assert [decision] * 2 == [summary(one) for one in answers]
    found = [one.verdict.path[0].revocation for one in answers]
    assert [(Tier.REDIS, OCSP_URL), (Tier.HOST, OCSP_URL)] == [(one.tier, one.source) for one in found]
    assert [] == origin.requests


async def test_a_good_from_before_does_not_allow(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Where this host has seen the revocation, whatever stands in Redis, and whatever a responder says by then."""
    origin.answers[OCSP_URL] = revoked()
    replica = await fleet.replica()
    validator = deciding(fleet, replica)
    assert REVOKED == summary(await decide(validator))
    await fleet.released()
    fleet.clock.advance(timedelta(minutes=1))
    before = good(NOW - timedelta(hours=1))
    origin.answers[OCSP_URL] = before
    await put(fleet, sealed(before, at=fleet.clock.now()))
    assert REVOKED == summary(await decide(validator))
    fleet.clock.advance(timedelta(hours=9, minutes=55))  # the revocation is over, the older answer is not
    await put(fleet, sealed(good(NOW - timedelta(minutes=11)), at=fleet.clock.now()))
    assert "allow" != summary(await decide(validator))[0]


async def test_a_request_for_younger_evidence(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """What another replica was told is too old for it: the responder is asked within the same request."""
    replica = await fleet.replica()
    validator = deciding(fleet, replica)
    await put(fleet, sealed(good()))
    origin.answers[OCSP_URL] = good(NOW)
    answer = await decide(validator, replace(LEAF_ALONE, max_evidence_age=timedelta(minutes=5)))
    assert ALLOWED == summary(answer)
    assert (Tier.ORIGIN, NOW, 1) == (
        answer.verdict.path[0].revocation.tier,
        answer.verdict.path[0].revocation.this_update,
        len(origin.requests),
    )


async def test_what_was_taken_is_refreshed_by_its_time(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Also where it was taken in this very request."""
    replica = await fleet.replica()
    validator = deciding(fleet, replica)
    old, new = good(NOW - timedelta(hours=9.5)), good(NOW)
    origin.answers[OCSP_URL] = new
    await put(fleet, sealed(old, at=NOW - timedelta(minutes=50)))
    assert Tier.REDIS is (await decide(validator)).verdict.path[0].revocation.tier
    await replica.settled()
    assert replica.held is not None
    assert (new, 1) == (replica.held.response, len(origin.requests))
    assert [FleetEvent.HIT, FleetEvent.MISS, FleetEvent.LEASED] == replica.told.events[:3]
