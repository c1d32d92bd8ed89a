"""One request: its rounds, its deadline, its moment, its trust store, and what is told of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.application.inline_evidence import read_inline_evidence
from service.application.observer import DecisionDetails, IgnoredDetails
from service.application.trust_stores import UnknownTrustStoreError
from service.application.validate import Anchors, Fetching, Reuse
from service.core.model.budget import Limits
from service.core.model.certificate import Certificate
from service.core.model.failure import BudgetExhausted, Code, Malformed, RevocationUnavailable
from service.core.model.policy import Policy, RevocationMode
from service.core.model.verdict import Decision, Status
from tests.application.chain import CRL_URL, OCSP_URL, ROOT, SUB, leaf, read
from tests.application.fakes import NeverFetcher
from tests.application.world import (
    ALLOWED,
    EXHAUSTED,
    LEAF_ALONE,
    REVOKED,
    UNAVAILABLE,
    UNTRUSTED,
    World,
    request,
    world,
)
from tests.pki import NOW, days

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(crl_urls=CRL_URL)
REVOKED_CRL: Final = SUB.crl(revoked={LEAF.serial_number: "keyCompromise"}, number=2)
FETCHING_ROUNDS: Final = 2
"""What is held, and then what is fetched."""


@pytest.fixture
def service(store: Store, tmp_path: Path) -> World:
    """A service whose certificate authority says that nothing is revoked."""
    made = world(store, tmp_path)
    made.origin.answers[CRL_URL] = SUB.crl(number=1)
    return made


async def test_an_answer(service: World) -> None:
    """Fetched, decided and good for a minute."""
    assert ALLOWED == await service.ask(LEAF)
    (answer,) = service.asked
    now = service.clock.now()
    assert ("decision-1", now, now + timedelta(seconds=60), ()) == (
        answer.decision_id,
        answer.checked_at,
        answer.valid_until,
        answer.ignored,
    )


async def test_revoked(service: World) -> None:
    """The certificate authority says so."""
    service.origin.answers[CRL_URL] = REVOKED_CRL
    assert REVOKED == await service.ask(LEAF)


async def test_a_leaf_that_cannot_be_read(service: World) -> None:
    """It is a decision, and nobody was asked anything."""
    assert ("deny", "invalid", "malformed") == await service.ask(Malformed("truncated DER"))
    assert ([], []) == (service.gatherer.requests, service.origin.urls)


async def test_every_decision_has_a_name_of_its_own(service: World) -> None:
    """Also the same one twice."""
    for _ in range(2):
        await service.ask(LEAF)
    assert ["decision-1", "decision-2"] == [answer.decision_id for answer in service.asked]


async def test_every_decision_is_told(service: World) -> None:
    """With the name that the answer has, and how long it took, fetches included."""
    service.gatherer.passing_s = 0.25
    await service.ask(LEAF)
    service.origin.answers[CRL_URL] = REVOKED_CRL
    service.clock.advance(1)
    await service.hold_crl(CRL_URL, SUB)
    await service.ask(LEAF)
    assert [
        DecisionDetails("decision-1", Decision.ALLOW, Code.OK, "default", "api", 0.25 * FETCHING_ROUNDS, Status.GOOD),
        DecisionDetails("decision-2", Decision.DENY, Code.REVOKED, "default", "api", 0.25, Status.REVOKED),
    ] == service.recorder.decisions


async def test_what_was_ignored(service: World) -> None:
    """Certificates first and evidence after them; the answer names it, and so does the log."""
    evidence = read_inline_evidence([b"garbage"], [])
    asked = replace(request(LEAF), ignored=("intermediate 1: empty",), evidence=evidence)
    assert ALLOWED == await service.validate(asked)
    (answer,) = service.asked
    expected = ("intermediate 1: empty", *evidence.ignored)
    assert (expected, [IgnoredDetails("decision-1", expected)]) == (answer.ignored, service.recorder.ignorances)


async def test_nothing_ignored_is_not_told(service: World) -> None:
    """There is nothing to tell."""
    await service.ask(LEAF)
    assert [] == service.recorder.ignorances


async def test_an_answer_to_a_request_with_options_is_for_it_alone(service: World) -> None:
    """It is never reused; its verdict knows all the same until when it could be."""
    assert ALLOWED == await service.validate(replace(request(LEAF), reuse=Reuse.NEVER))
    (answer,) = service.asked
    assert (None, service.clock.now() + timedelta(seconds=60)) == (answer.valid_until, answer.verdict.valid_until)


async def test_an_unknown_trust_store(service: World) -> None:
    """Nothing is decided, nothing told, nothing asked."""
    for anchors in Anchors:
        with pytest.raises(UnknownTrustStoreError):
            await service.validator.validate(replace(request(LEAF), trust_store="nobody", anchors=anchors))
    assert ([], [], []) == (service.recorder.decisions, service.gatherer.requests, service.origin.urls)


async def test_the_trust_store_that_is_asked_for(service: World) -> None:
    """What one store trusts, another does not."""
    assert UNTRUSTED == await service.validate(replace(request(LEAF), trust_store="stranger"))
    assert ALLOWED == await service.validate(request(LEAF))
    assert ["stranger", "default"] == [details.trust_store for details in service.recorder.decisions]


@pytest.mark.parametrize(("anchors", "path"), [(Anchors.STORE, [LEAF, read(SUB)]), (Anchors.EVERY, [LEAF])])
async def test_a_partial_chain(service: World, anchors: Anchors, path: list[Certificate]) -> None:
    """Where every certificate of the store is an anchor, the path ends at the first of them."""
    asked = replace(request(LEAF), intermediates=(), trust_store="both", anchors=anchors)
    assert ALLOWED == await service.validate(asked)
    (answer,) = service.asked
    assert path == [element.certificate for element in answer.verdict.path]


async def test_intermediates_of_the_request(service: World) -> None:
    """They make the path, and are no anchors."""
    assert UNTRUSTED == await service.validate(replace(request(LEAF), intermediates=()))
    assert ALLOWED == await service.validate(request(LEAF))
    root_too = (read(SUB), read(ROOT))
    assert UNTRUSTED == await service.validate(
        replace(request(LEAF), intermediates=root_too, trust_store="stranger", anchors=Anchors.EVERY)
    )


async def test_rounds_are_bounded(service: World) -> None:
    """A gatherer that never helps is asked so often and no more."""
    service.gatherer.helpless_rounds = 1000
    assert EXHAUSTED == await service.ask(LEAF, replace(LEAF_ALONE, limits=Limits(rounds=3)))
    (answer,) = service.asked
    assert (BudgetExhausted("rounds", 3), 3) == (answer.verdict.failure, len(service.gatherer.requests))
    assert answer.checked_at + timedelta(seconds=5) == answer.valid_until


@pytest.mark.parametrize(("rounds", "expected"), [(1, EXHAUSTED), (2, EXHAUSTED), (3, ALLOWED), (4, ALLOWED)])
async def test_the_last_round_counts(service: World, rounds: int, expected: tuple[str, str, str]) -> None:
    """What it brings is looked at."""
    service.gatherer.helpless_rounds = 1
    assert expected == await service.ask(LEAF, replace(LEAF_ALONE, limits=Limits(rounds=rounds)))
    assert min(rounds, 1 + FETCHING_ROUNDS) == len(service.gatherer.requests)


async def test_what_needs_no_round(service: World) -> None:
    """It is decided without any."""
    off = Policy(revocation_mode=RevocationMode.OFF, limits=Limits(rounds=0))
    assert ("allow", "unknown", "ok") == await service.ask(LEAF, off)


async def test_one_deadline_for_all_rounds(service: World) -> None:
    """It begins with the request, and no round begins it anew."""
    service.gatherer.passing_s = 7.0
    started = service.clock.monotonic()
    await service.ask(LEAF)
    assert {started + 30.0} == {asked.deadline for asked in service.gatherer.requests}
    assert FETCHING_ROUNDS == len(service.gatherer.requests)


async def test_when_the_deadline_has_passed(store: Store, tmp_path: Path) -> None:
    """An ingesting process that never answers is no reason to wait longer, and no reason to allow."""
    service = world(store, tmp_path, fetcher=NeverFetcher(), deadline_s=0.01)
    assert UNAVAILABLE == await service.ask(LEAF)
    failure = service.asked[0].verdict.failure
    assert isinstance(failure, RevocationUnavailable)
    assert [CRL_URL] == [attempt.source for attempt in failure.attempts]


async def test_the_moment_is_that_of_the_verdict(service: World) -> None:
    """What was fetched meanwhile is younger than the request: each look at the evidence has its own time."""
    started = service.clock.now()
    service.gatherer.passing_s = 7.0
    service.origin.answers[CRL_URL] = SUB.crl(this_update=started + timedelta(seconds=14))
    assert ALLOWED == await service.ask(LEAF, replace(LEAF_ALONE, clock_skew=timedelta(0)))
    (answer,) = service.asked
    ended = started + timedelta(seconds=14)
    assert (ended, ended + timedelta(seconds=60)) == (answer.checked_at, answer.valid_until)


async def test_giving_up_has_its_moment_too(service: World) -> None:
    """The answer says when it was given up."""
    started = service.clock.now()
    service.gatherer.passing_s, service.gatherer.helpless_rounds = 1.0, 1000
    await service.ask(LEAF, replace(LEAF_ALONE, limits=Limits(rounds=2)))
    assert started + timedelta(seconds=2) == service.asked[0].checked_at


async def test_the_past_knows_inline_evidence_alone(service: World) -> None:
    """Nothing is fetched, and what is held today counts for nothing then."""
    await service.hold_crl(CRL_URL, SUB)
    service.origin.requests.clear()
    then = service.clock.now() - timedelta(seconds=1)
    asked = replace(request(LEAF, at=then), reuse=Reuse.NEVER)
    assert UNAVAILABLE == await service.validate(asked)
    assert ALLOWED == await service.validate(replace(asked, evidence=read_inline_evidence([SUB.crl()], [])))
    assert REVOKED == await service.validate(replace(asked, evidence=read_inline_evidence([REVOKED_CRL], [])))
    assert [] == service.origin.urls


async def test_now_is_not_the_past(service: World) -> None:
    """A request about this very moment fetches like any other."""
    assert ALLOWED == await service.validate(request(LEAF, at=service.clock.now()))
    assert [CRL_URL] == service.origin.urls


async def test_the_future(service: World) -> None:
    """What is fetched now may say something about tomorrow; the answer was decided today."""
    assert ALLOWED == await service.validate(request(LEAF, at=NOW + timedelta(hours=20)))
    assert service.clock.now() == service.asked[0].checked_at
    assert UNAVAILABLE == await service.validate(request(LEAF, at=NOW + days(2)))
    assert ("deny", "invalid", "expired") == await service.validate(request(LEAF, at=NOW + days(366)))


async def test_offline(service: World) -> None:
    """Nothing is fetched; what is held counts."""
    offline = replace(request(LEAF), fetching=Fetching.OFFLINE)
    assert UNAVAILABLE == await service.validate(offline)
    assert [] == service.origin.urls
    await service.hold_crl(CRL_URL, SUB)
    assert ALLOWED == await service.validate(offline)
    assert 1 == len(service.origin.urls)


async def test_offline_in_the_past(service: World) -> None:
    """The past wins: what is held counts for nothing then."""
    await service.hold_crl(CRL_URL, SUB)
    then = request(LEAF, at=service.clock.now() - timedelta(seconds=1))
    assert UNAVAILABLE == await service.validate(replace(then, fetching=Fetching.OFFLINE))


@pytest.mark.parametrize(
    "certificate",
    [leaf(crl_urls=CRL_URL, ocsp_urls=OCSP_URL, not_after=NOW), leaf(crl_urls=CRL_URL, corrupt_signature=True)],
    ids=["expired", "forged"],
)
async def test_nobody_makes_us_fetch_without_a_chain(service: World, certificate: Certificate) -> None:
    """URLs of a certificate whose path does not validate are never asked for."""
    decision, *_ = await service.ask(certificate)
    assert ("deny", []) == (decision, service.origin.urls)


async def test_nobody_makes_us_fetch_for_another_trust_store(service: World) -> None:
    """The same certificate is asked about where it is trusted, and nowhere else."""
    await service.validate(replace(request(LEAF), trust_store="stranger"))
    assert [] == service.origin.urls
