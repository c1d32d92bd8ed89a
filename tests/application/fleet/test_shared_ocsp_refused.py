"""What stands in Redis in place of an answer is refused, told and asked of the responder, whoever has put it there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Final

import pytest

from service.application.blocks import Blocks
from service.application.fleet.envelope import EnvelopeKind, FleetKeys, Refusal
from service.application.fleet.shared_ocsp import MAX_OCTETS, MAX_URL_OCTETS
from service.application.fleet.telling import FleetEvent
from service.application.observer import NullObserver
from service.core.model.block import FingerprintMatch
from service.core.model.evidence_tier import Tier
from service.core.ocsp.cert_id import store_key
from tests.api.fakes import NumberedIds
from tests.application.chain import NAMESAKE, OCSP_URL, STRANGER, SUB, leaf
from tests.application.fakes import ScriptedOrigin
from tests.application.fleet.ocsp_replicas import (
    FLEET_KEY,
    ISSUER,
    KEY,
    LIFE,
    LONGEST,
    RULES,
    SERIAL,
    SKEW,
    Fleet,
    Setup,
    enveloped,
    fleet_on,
    good,
    revoked,
    sealed,
    with_keys,
)
from tests.memory_blocks import MemoryBlockStore
from tests.pki import NOW, ocsp_error
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

SECOND: Final = timedelta(seconds=1)
OTHER: Final = leaf("other", ocsp_urls=OCSP_URL)
OTHER_KEY: Final = store_key(OTHER, ISSUER)
OTHERS: Final = good(serial=OTHER.serial_number)
URL: Final = OCSP_URL.encode()
GOOD: Final = good()
FORGED: Final = GOOD[:-1] + bytes([GOOD[-1] ^ 1])

POISON: Final = {
    "random octets": (bytes(range(256)), Refusal.MALFORMED),
    "nothing": (b"", Refusal.MALFORMED),
    "huge": (sealed(GOOD) + bytes(MAX_OCTETS), Refusal.MALFORMED),
    "under another key": (sealed(GOOD, rules=with_keys(bytes(32))), Refusal.UNAUTHENTIC),
    "under no key": (sealed(GOOD, rules=with_keys()), Refusal.UNAUTHENTIC),
    "changed": (sealed(GOOD)[:-1] + b"x", Refusal.UNAUTHENTIC),
    "another certificate's": (sealed(OTHERS, about=OTHER_KEY.hex()), Refusal.MISPLACED),
    "another kind": (sealed(GOOD, kind=EnvelopeKind.CRL), Refusal.MISPLACED),
    "too old": (sealed(GOOD, at=NOW - LONGEST - SECOND), Refusal.TOO_OLD),
    "of the future": (sealed(GOOD, at=NOW + SKEW + SECOND), Refusal.FUTURE),
    "no frame": (enveloped(b""), Refusal.MALFORMED),
    "half a frame": (enveloped(b"\x00"), Refusal.MALFORMED),
    "a frame that ends too soon": (enveloped(len(URL).to_bytes(2) + URL[:-1]), Refusal.MALFORMED),
    "no response": (sealed(b""), Refusal.MALFORMED),
    "a response that is too long": (sealed(GOOD + bytes(64 * 1024)), Refusal.MALFORMED),
    "a source that is too long": (sealed(GOOD, source="x" * (MAX_URL_OCTETS + 1)), Refusal.MALFORMED),
    "a source that is no text": (enveloped(b"\x00\x01\xff" + GOOD), Refusal.MALFORMED),
    "a foreign responder": (sealed(GOOD, source="http://ocsp.example.net/"), Refusal.REFUSED),
    "words for people": (sealed(GOOD, source="all is well"), Refusal.REFUSED),
    "an answer about another": (sealed(OTHERS), Refusal.REFUSED),
    "an answer for a namesake": (sealed(NAMESAKE.ocsp(SERIAL)), Refusal.REFUSED),
    "a stranger's answer": (sealed(SUB.ocsp(SERIAL, responder=STRANGER.issued)), Refusal.REFUSED),
    "a forged answer": (sealed(FORGED), Refusal.REFUSED),
    "a forged revocation": (sealed(SUB.ocsp(SERIAL, status="revoked", corrupt_signature=True)), Refusal.REFUSED),
    "no answer": (sealed(b"nonsense"), Refusal.REFUSED),
    "an error": (sealed(ocsp_error("tryLater")), Refusal.REFUSED),
    "unknown": (sealed(SUB.ocsp(SERIAL, status="unknown")), Refusal.REFUSED),
    "an answer that is over": (sealed(good(NOW - 2 * LIFE)), Refusal.REFUSED),
    "an answer of the future": (sealed(good(NOW + timedelta(hours=1))), Refusal.REFUSED),
}


@pytest.fixture
def origin() -> ScriptedOrigin:
    """A responder that says revoked."""
    return ScriptedOrigin({OCSP_URL: revoked()})


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path, origin: ScriptedOrigin) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, token_hex(8), store_directory, origin) as made:
        yield made


async def put(fleet: Fleet, octets: bytes, key: bytes = KEY) -> None:
    """Write anything where an answer is looked for."""
    replica = fleet.replicas[0]
    await replica.parts.cache.put(fleet.names.ocsp(key), octets, 60)


@pytest.mark.parametrize(("octets", "refusal"), POISON.values(), ids=POISON.keys())
async def test_poison(fleet: Fleet, origin: ScriptedOrigin, octets: bytes, refusal: Refusal) -> None:
    """The request gets what the responder says, and the next replica does too, out of Redis."""
    first, second = await fleet.several(2)
    await put(fleet, octets)
    outcome = await first.ask()
    assert outcome.finding is not None
    assert (Tier.ORIGIN, (), ()) == (outcome.finding.tier, outcome.attempts, outcome.besides)
    assert [refusal] == first.told.reasons
    assert FleetEvent.HIT not in first.told.events
    assert first.held is not None
    assert revoked() == first.held.response
    await fleet.released()
    await second.ask()
    assert (1, [], [FleetEvent.HIT]) == (len(origin.requests), second.told.reasons, second.told.events)
    assert first.held == second.held


async def test_what_is_not_poison(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """The same in order is taken: as old as it may be, as early as clocks may differ."""
    for at in (NOW - LONGEST, NOW + SKEW):
        replica = await fleet.replica()
        await put(fleet, sealed(GOOD, at=at))
        await replica.ask()
        assert replica.held is not None
        assert (GOOD, at, []) == (replica.held.response, replica.held.fetched_at, replica.told.reasons)
    assert [] == origin.requests


async def test_an_older_good_after_a_revocation(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """It takes nothing out of the store, ends no asking, and the request hears what the responder says."""
    replica = await fleet.replica()
    await replica.ask()
    await fleet.released()
    fleet.clock.advance(timedelta(minutes=1))
    await put(fleet, sealed(good(NOW - timedelta(hours=1)), at=fleet.clock.now()))
    outcome = await replica.ask()
    assert outcome.finding is not None
    assert (Tier.ORIGIN, 2) == (outcome.finding.tier, len(origin.requests))
    assert [Refusal.REFUSED] == replica.told.reasons
    assert replica.held is not None
    assert revoked() == replica.held.response


async def test_what_is_held_is_no_news(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """What was fetched when the held one was, or before, is neither taken nor refused: a responder is asked."""
    origin.answers[OCSP_URL] = GOOD
    replica = await fleet.replica()
    await replica.ask()
    await fleet.released()
    fleet.clock.advance(timedelta(minutes=1))
    await replica.ask()
    assert (2, [], 0) == (len(origin.requests), replica.told.reasons, replica.told.events.count(FleetEvent.HIT))
    assert replica.held is not None
    assert fleet.clock.now() == replica.held.fetched_at


async def test_a_revocation_whose_time_is_over(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """It is no answer, and it keeps an older good from being one: it is held, and stands beside that."""
    replica = await fleet.replica()
    ended = revoked(NOW - 2 * LIFE)
    await put(fleet, sealed(ended))
    origin.answers[OCSP_URL] = SUB.ocsp(
        SERIAL, this_update=NOW - 3 * LIFE, next_update=NOW + LIFE, produced_at=NOW - 3 * LIFE
    )
    outcome = await replica.ask()
    assert [Tier.ORIGIN, Tier.REDIS] == [one.tier for one in outcome.findings]
    assert replica.held is not None
    assert ([Refusal.REFUSED], ended) == (replica.told.reasons, replica.held.response)


async def test_a_revocation_that_may_not_be_held(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """A delegate that may be revoked itself takes nobody's place, and is heard beside what the responder says."""
    delegate = SUB.issue("OCSP", extended_key_usage="OCSPSigning")
    begin = NOW - timedelta(minutes=5)
    doubtful = SUB.ocsp(
        SERIAL, status="revoked", responder=delegate, certificates=[delegate], this_update=begin, produced_at=begin
    )
    replica = await fleet.replica()
    await replica.ask()
    await fleet.released()
    fleet.clock.advance(timedelta(minutes=1))
    await put(fleet, sealed(doubtful, at=fleet.clock.now()))
    origin.answers[OCSP_URL] = GOOD
    outcome = await replica.ask()
    assert [Tier.ORIGIN, Tier.REDIS] == [one.tier for one in outcome.findings]
    assert replica.held is not None
    assert ([Refusal.REFUSED], revoked()) == (replica.told.reasons, replica.held.response)


async def test_it_is_told_which_and_why(fleet: Fleet) -> None:
    """For the log: a digest, and no serial number."""
    replica = await fleet.replica()
    await put(fleet, sealed(OTHERS))
    await replica.ask()
    assert [f"{KEY.hex()}: other_certificate"] == [one.about for one in replica.told.refusals]


async def test_a_blocked_signer(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """What he signed is taken from nobody."""
    blocks = Blocks(MemoryBlockStore(), fleet.clock, NumberedIds(), NullObserver())
    await blocks.add(FingerprintMatch(ISSUER.fingerprint), "stolen", None, "admin")
    replica = await fleet.replica(Setup(blocks=blocks))
    await put(fleet, sealed(GOOD))
    outcome = await replica.ask()
    assert outcome.finding is None
    assert ([Refusal.REFUSED], None, 1) == (replica.told.reasons, replica.held, len(origin.requests))


async def test_another_key_opens(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """While keys are changed, replicas with both read what those with either have written."""
    old, both = Setup(with_keys(FLEET_KEY)), Setup(with_keys(bytes(32), FLEET_KEY))
    replicas = [await fleet.replica(setup) for setup in (old, both, old)]
    await replicas[0].ask()
    await fleet.released()
    await replicas[1].ask()
    assert (1, [FleetEvent.HIT]) == (len(origin.requests), replicas[1].told.events)
    await put(fleet, sealed(revoked(), rules=both.rules))
    await replicas[2].ask()
    assert (2, [Refusal.UNAUTHENTIC]) == (len(origin.requests), replicas[2].told.reasons)


async def test_without_a_key(fleet: Fleet, origin: ScriptedOrigin) -> None:
    """Signatures alone decide: what the responder signed is shared, and what it did not sign is refused."""
    keyless = Setup(replace(RULES, keys=FleetKeys()))
    first, second, third = await fleet.several(3, keyless)
    await first.ask()
    await fleet.released()
    await second.ask()
    await put(fleet, sealed(FORGED, rules=keyless.rules))
    outcome = await third.ask()
    assert outcome.finding is not None
    assert Tier.ORIGIN is outcome.finding.tier
    assert (2, [], [Refusal.REFUSED]) == (len(origin.requests), second.told.reasons, third.told.reasons)
