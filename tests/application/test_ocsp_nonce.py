"""Asking with a nonce: a new one for each responder, by POST, and nothing held or replayed is good any more."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Unpack

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.evidence_store import HeldOcsp
from service.application.inline_evidence import read_inline_evidence
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_tally import OcspOutcome
from service.application.origin import OriginAnswer, OriginRequest
from service.core.model.attempt import Attempt, Problem
from service.core.model.policy import IssuerMatch, IssuerRule, OcspNonce, Policy, RevocationScope
from service.core.ocsp.cert_id import store_key
from service.core.ocsp.nonce import NONCE_OCTETS
from tests.application.chain import SUB, leaf, read
from tests.application.fakes import CountedNonces, ScriptedOrigin, settle
from tests.application.manual_clock import ManualClock
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE, World, request, world
from tests.pki import NOW, OcspOverrides, days, hours

pytestmark = pytest.mark.anyio

FIRST: Final = "http://first.example/"
SECOND: Final = "http://second.example/"
ISSUER: Final = read(SUB)
LEAF: Final = leaf(ocsp_urls=(FIRST, SECOND))
SERIAL: Final = LEAF.serial_number
KEY: Final = store_key(LEAF, ISSUER)

OFF, REQUEST, REQUIRE = OcspNonce.OFF, OcspNonce.REQUEST, OcspNonce.REQUIRE
WANTING: Final = [REQUEST, REQUIRE]

Answering = Callable[[bytes | None], bytes]


def nonce_of(asked: OriginRequest) -> bytes | None:
    """The nonce in a request that was sent as a body."""
    assert asked.body is not None
    extensions = ocsp.load_der_ocsp_request(asked.body).extensions
    return next((one.value.nonce for one in extensions if isinstance(one.value, x509.OCSPNonce)), None)


class Responders(ScriptedOrigin):
    """Responders that make an answer of the nonce that they are asked with."""

    def __init__(self, answering: dict[str, Answering]) -> None:
        """Take what each does; others are unreachable."""
        super().__init__()
        self.answering = answering

    @property
    def nonces(self) -> list[bytes | None]:
        """What was sent, in order."""
        return [nonce_of(asked) for asked in self.requests]

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Make the answer, and give it."""
        if request.url in self.answering:
            self.answers[request.url] = self.answering[request.url](nonce_of(request))
        return await super().fetch(request)


def echoing() -> Answering:
    """A responder that repeats the nonce."""
    return lambda nonce: SUB.ocsp(SERIAL, nonce=nonce)


def saying(came: bytes | None, **overrides: Unpack[OcspOverrides]) -> Answering:
    """A responder that always says the same."""
    return lambda _: SUB.ocsp(SERIAL, **(overrides | {"nonce": came}))


async def ask(store: Store, origin: ScriptedOrigin, nonce: OcspNonce = REQUIRE) -> OcspOutcome:
    """Ask about the leaf under a policy."""
    rules = OcspRules(Policy(ocsp_nonce=nonce), 1.0)
    return await OcspClient(origin, store, ManualClock(), NullObserver(), rules, CountedNonces()).ask(LEAF, ISSUER)


def kept(store: Store) -> bytes | None:
    """The answer that the store has."""
    held = store.find_ocsp(KEY)
    return None if held is None else held.response


# --- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nonce", WANTING)
async def test_a_question_with_a_nonce_is_a_post(store: Store, nonce: OcspNonce) -> None:
    """No cache on the way can answer it, however short it is; the finding says what was sent."""
    origin = Responders({FIRST: echoing()})
    outcome = await ask(store, origin, nonce)
    assert ([FIRST], [bytes([1]) * NONCE_OCTETS]) == (origin.urls, origin.nonces)
    assert outcome.finding is not None
    assert (bytes([1]) * NONCE_OCTETS, ()) == (outcome.finding.nonce, outcome.attempts)


async def test_none_is_sent_unless_wanted(store: Store) -> None:
    """By default answers come from caches: no nonce is even made."""
    nonces = CountedNonces()
    origin = ScriptedOrigin({FIRST: SUB.ocsp(SERIAL)})
    client = OcspClient(origin, store, ManualClock(), NullObserver(), OcspRules(Policy(), 1.0), nonces)
    outcome = await client.ask(LEAF, ISSUER)
    assert outcome.finding is not None
    assert ([], None, [None]) == (nonces.made, outcome.finding.nonce, [one.body for one in origin.requests])


async def test_every_responder_has_a_nonce_of_its_own(store: Store) -> None:
    """One does not learn what another is to repeat."""
    origin = Responders({SECOND: echoing()})
    outcome = await ask(store, origin)
    assert [bytes([number]) * NONCE_OCTETS for number in (1, 2)] == origin.nonces
    assert outcome.finding is not None
    assert bytes([2]) * NONCE_OCTETS == outcome.finding.nonce


async def test_every_question_has_a_nonce_of_its_own(store: Store) -> None:
    """Also the next one about the same certificate."""
    origin = Responders({FIRST: echoing()})
    rules = OcspRules(Policy(ocsp_nonce=REQUIRE), 1.0)
    client = OcspClient(origin, store, ManualClock(), NullObserver(), rules, RandomNonces())
    for _ in range(3):
        assert () == (await client.ask(LEAF, ISSUER)).attempts
    assert [NONCE_OCTETS] * 3 == [len(nonce or b"") for nonce in origin.nonces]
    assert 3 == len(set(origin.nonces))


async def test_who_asks_meanwhile_gets_the_answer_that_is_under_way(store: Store) -> None:
    """It was made after the question was put, which is new enough."""
    origin = Responders({FIRST: echoing()})
    origin.gate.clear()
    rules = OcspRules(Policy(ocsp_nonce=REQUIRE), 1.0)
    client = OcspClient(origin, store, ManualClock(), NullObserver(), rules, CountedNonces())
    tasks = [asyncio.create_task(client.ask(LEAF, ISSUER)) for _ in range(10)]
    await settle()
    origin.gate.set()
    outcomes = await asyncio.gather(*tasks)
    assert (1, 1) == (len(origin.requests), len({id(outcome) for outcome in outcomes}))


# --- what comes back -------------------------------------------------------------------------------------------------

OLD: Final = bytes(NONCE_OCTETS)


@pytest.mark.parametrize(
    ("nonce", "came", "problem"),
    [
        (REQUEST, OLD, Problem.NONCE_MISMATCH),
        (REQUIRE, OLD, Problem.NONCE_MISMATCH),
        (REQUIRE, None, Problem.NONCE_MISSING),
    ],
)
async def test_the_next_responder_is_asked(
    store: Store, nonce: OcspNonce, came: bytes | None, problem: Problem
) -> None:
    """What may be replayed does not end the asking, and is not kept."""
    origin = Responders({FIRST: saying(came), SECOND: echoing()})
    outcome = await ask(store, origin, nonce)
    assert outcome.finding is not None
    assert (SECOND, (Attempt(FIRST, problem),)) == (outcome.finding.source, outcome.attempts)
    assert origin.answers[SECOND] == kept(store)


@pytest.mark.parametrize("came", [OLD, None])
async def test_what_may_be_replayed_is_not_kept(store: Store, came: bytes | None) -> None:
    """The core is shown it, and refuses it by name."""
    outcome = await ask(store, Responders({FIRST: saying(came)}))
    assert (True, None) == (outcome.finding is not None, kept(store))


async def test_a_responder_may_ignore_what_is_only_requested(store: Store) -> None:
    """It serves and is kept: responders that sign ahead know no nonces."""
    origin = Responders({FIRST: saying(None)})
    outcome = await ask(store, origin, REQUEST)
    assert (True, ()) == (outcome.finding is not None, outcome.attempts)
    assert origin.answers[FIRST] == kept(store)


@pytest.mark.parametrize("came", [OLD, None])
@pytest.mark.parametrize("nonce", WANTING)
async def test_a_revocation_ends_the_asking(store: Store, nonce: OcspNonce, came: bytes | None) -> None:
    """Whomever it answers, it is kept and counts."""
    origin = Responders({FIRST: saying(came, status="revoked"), SECOND: echoing()})
    outcome = await ask(store, origin, nonce)
    assert ([FIRST], ()) == (origin.urls, outcome.attempts)
    assert origin.answers[FIRST] == kept(store)


async def test_what_may_be_replayed_does_not_replace_a_revocation(store: Store) -> None:
    """However new it says it is."""
    revoked = SUB.ocsp(SERIAL, status="revoked")
    await store.put_ocsp(KEY, HeldOcsp(revoked, FIRST, NOW, NOW + days(1)))
    await ask(store, Responders({FIRST: saying(OLD, this_update=NOW)}))
    assert revoked == kept(store)


# --- in a verdict ----------------------------------------------------------------------------------------------------


def wanting(nonce: OcspNonce) -> Policy:
    """A policy that asks about the leaf alone."""
    return Policy(revocation_scope=RevocationScope.LEAF, ocsp_nonce=nonce)


def service(store: Store, directory: Path, nonce: OcspNonce, answering: dict[str, Answering]) -> World:
    """A service with such a policy and these responders."""
    return world(store, directory, policy=wanting(nonce), origin=Responders(answering))


async def hold(store: Store, **overrides: Unpack[OcspOverrides]) -> None:
    """Hold an answer from before."""
    await store.put_ocsp(KEY, HeldOcsp(SUB.ocsp(SERIAL, **overrides), FIRST, NOW - hours(1), NOW + days(1)))


def attempts(here: World) -> set[Attempt]:
    """What was not usable about the leaf."""
    return set(here.asked[-1].verdict.path[0].revocation.attempts)


@pytest.mark.parametrize("nonce", WANTING)
async def test_each_request_asks(store: Store, tmp_path: Path, nonce: OcspNonce) -> None:
    """The answer of the one before is held, and good no more."""
    here = service(store, tmp_path, nonce, {FIRST: echoing()})
    assert [ALLOWED] * 3 == [await here.ask(LEAF, wanting(nonce)) for _ in range(3)]
    assert 3 == len(here.origin.requests)


@pytest.mark.parametrize(("nonce", "expected"), [(OFF, ALLOWED), (REQUEST, UNAVAILABLE), (REQUIRE, UNAVAILABLE)])
async def test_a_held_answer_saves_nobody(
    store: Store, tmp_path: Path, nonce: OcspNonce, expected: tuple[str, str, str]
) -> None:
    """Where the responder cannot be asked there is no answer, and the reason is told."""
    await hold(store)
    here = service(store, tmp_path, nonce, {})
    assert expected == await here.ask(LEAF, wanting(nonce))
    assert (nonce is not OFF) == (Attempt(FIRST, Problem.NONCE_MISSING) in attempts(here))


@pytest.mark.parametrize("nonce", WANTING)
async def test_a_held_revocation_still_counts(store: Store, tmp_path: Path, nonce: OcspNonce) -> None:
    """Nobody is asked for more."""
    await hold(store, status="revoked")
    here = service(store, tmp_path, nonce, {FIRST: echoing()})
    assert (REVOKED, []) == (await here.ask(LEAF, wanting(nonce)), here.origin.requests)


@pytest.mark.parametrize(("nonce", "expected"), [(REQUEST, ALLOWED), (REQUIRE, UNAVAILABLE)])
async def test_inline_evidence(store: Store, tmp_path: Path, nonce: OcspNonce, expected: tuple[str, str, str]) -> None:
    """It has no nonce of ours: where that is required, it is refused by name."""
    here = service(store, tmp_path, nonce, {})
    evidence = read_inline_evidence([], [SUB.ocsp(SERIAL)])
    assert expected == await here.validate(replace(request(LEAF, wanting(nonce)), evidence=evidence))
    assert (nonce is REQUIRE) == (Attempt("evidence", Problem.NONCE_MISSING) in attempts(here))


async def test_a_replayed_answer_denies(store: Store, tmp_path: Path) -> None:
    """What a responder once said to somebody else, or ahead."""
    here = service(store, tmp_path, REQUIRE, {FIRST: saying(OLD), SECOND: saying(None)})
    assert UNAVAILABLE == await here.ask(LEAF, wanting(REQUIRE))
    assert {Attempt(FIRST, Problem.NONCE_MISMATCH), Attempt(SECOND, Problem.NONCE_MISSING)} == attempts(here)


@pytest.mark.parametrize(("general", "rule"), [(OFF, REQUIRE), (REQUIRE, OFF)])
async def test_a_rule_for_an_issuer(store: Store, tmp_path: Path, general: OcspNonce, rule: OcspNonce) -> None:
    """Whether a nonce is sent, and whether an answer without one counts and is kept, its issuer's rule says."""
    rules = (IssuerRule(IssuerMatch(spki=ISSUER.public_key.spki), ocsp_nonce=rule),)
    policy = Policy(revocation_scope=RevocationScope.LEAF, ocsp_nonce=general, issuer_rules=rules)
    service = world(store, tmp_path, policy=policy)
    service.origin.answers[FIRST] = service.origin.answers[SECOND] = SUB.ocsp(SERIAL)
    assert (ALLOWED if rule is OFF else UNAVAILABLE) == await service.ask(LEAF, policy)
    assert {rule is OFF} == {one.body is None for one in service.origin.requests}
    if rule is OFF:
        assert ALLOWED == await service.ask(LEAF, policy)
        assert 1 == len(service.origin.requests)
