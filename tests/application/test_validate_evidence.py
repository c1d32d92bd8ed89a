"""No allow without evidence, and no verdict out of what was decided for somebody else.

The first half goes through what an origin may answer. The second asks twice: with other policies, after a change, at
the same time. Whatever the service keeps are facts; each request judges them anew.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.application.inline_evidence import read_inline_evidence
from service.application.origin import OriginError
from service.application.settled import SETTLED_S
from service.core.model.attempt import Problem
from service.core.model.budget import Limits
from service.core.model.certificate import Certificate
from service.core.model.failure import RevocationUnavailable
from service.core.model.policy import Policy, RevocationMode, WeakAlgorithm
from tests.application.chain import CRL_URL, NAMESAKE, OCSP_URL, STRANGER, SUB, leaf
from tests.application.fakes import BrokenStore, Failing, ScriptedFetcher
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
from tests.pki import NOW, IssuingDistributionPoint, hours, ocsp_error

pytestmark = pytest.mark.anyio

BY_CRL: Final = leaf("crl", crl_urls=CRL_URL)
BY_OCSP: Final = leaf("ocsp", ocsp_urls=OCSP_URL)
UNDECLARED: Final = leaf("undeclared")
GOOD_CRL: Final = SUB.crl(number=1)
NOT_ANSWERED: Final = ("allow", "unknown", "ok")

SHA1: Final = replace(LEAF_ALONE, weak_algorithms=frozenset({WeakAlgorithm.SHA1}))
SOFT: Final = replace(LEAF_ALONE, revocation_mode=RevocationMode.SOFT_FAIL)
FRESH: Final = replace(LEAF_ALONE, max_evidence_age=timedelta(minutes=5))


@pytest.fixture
def service(store: Store, tmp_path: Path) -> World:
    """A service whose certificate authority is not there yet."""
    return world(store, tmp_path)


def problems(service: World) -> set[Problem]:
    """What went wrong for the last request."""
    failure = service.asked[-1].verdict.failure
    assert isinstance(failure, RevocationUnavailable)
    return {attempt.problem for attempt in failure.attempts}


@pytest.mark.parametrize("certificate", [BY_CRL, BY_OCSP], ids=["CRL", "OCSP"])
async def test_evidence_of_either_kind(service: World, certificate: Certificate) -> None:
    """What the tests below break is right at first."""
    service.origin.answers = {CRL_URL: GOOD_CRL, OCSP_URL: SUB.ocsp(certificate.serial_number)}
    assert ALLOWED == await service.ask(certificate)


@pytest.mark.parametrize("certificate", [BY_CRL, BY_OCSP], ids=["CRL", "OCSP"])
async def test_revoked_by_either_kind(service: World, certificate: Certificate) -> None:
    """The origin says so."""
    serial = certificate.serial_number
    service.origin.answers = {CRL_URL: SUB.crl(revoked=[serial]), OCSP_URL: SUB.ocsp(serial, status="revoked")}
    assert REVOKED == await service.ask(certificate)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (OriginError(Problem.UNREACHABLE, "no name"), Problem.UNREACHABLE),
        (OriginError(Problem.EGRESS_REFUSED, "10.0.0.1"), Problem.EGRESS_REFUSED),
        (b"<html>", Problem.MALFORMED),
        (SUB.crl(corrupt_signature=True), Problem.BAD_SIGNATURE),
        (NAMESAKE.crl(), Problem.BAD_SIGNATURE),
        (STRANGER.crl(), Problem.WRONG_ISSUER),
        (SUB.crl(next_update=NOW - hours(0.5)), Problem.STALE),
        (SUB.crl(next_update=None), Problem.NO_NEXT_UPDATE),
        (SUB.crl(this_update=NOW + hours(1)), Problem.NOT_YET_VALID),
        (SUB.crl(signature_hash="sha1"), Problem.WEAK_ALGORITHM),
        (SUB.crl(delta_base=1), Problem.NO_BASE),
        (SUB.crl(idp=IssuingDistributionPoint([CRL_URL], only_ca=True)), Problem.WRONG_SCOPE),
        (
            SUB.crl(idp=IssuingDistributionPoint([CRL_URL], only_some_reasons={"keyCompromise"})),
            Problem.PARTIAL_REASONS,
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Problem) else "",
)
async def test_a_crl_that_is_no_evidence(service: World, answer: bytes | OriginError, problem: Problem) -> None:
    """It denies, with a code, and says what was wrong."""
    service.origin.answers = {CRL_URL: answer}
    assert UNAVAILABLE == await service.ask(BY_CRL)
    assert problem in problems(service)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (OriginError(Problem.TIMED_OUT, "1 s"), Problem.TIMED_OUT),
        (b"<html>", Problem.MALFORMED),
        (ocsp_error("unauthorized"), Problem.RESPONDER_ERROR),
        (SUB.ocsp(BY_OCSP.serial_number, corrupt_signature=True), Problem.BAD_SIGNATURE),
        (SUB.ocsp(BY_CRL.serial_number), Problem.OTHER_CERTIFICATE),
        (NAMESAKE.ocsp(BY_OCSP.serial_number), Problem.OTHER_CERTIFICATE),
        (SUB.ocsp(BY_OCSP.serial_number, responder=STRANGER.ocsp_responder("OCSP")), Problem.UNAUTHORIZED_SIGNER),
        (SUB.ocsp(BY_OCSP.serial_number, status="unknown"), Problem.STATUS_UNKNOWN),
        (SUB.ocsp(BY_OCSP.serial_number, next_update=NOW - hours(0.5)), Problem.STALE),
        (SUB.ocsp(BY_OCSP.serial_number, this_update=NOW + hours(1)), Problem.NOT_YET_VALID),
        (SUB.ocsp(BY_OCSP.serial_number, signature_hash="sha1"), Problem.WEAK_ALGORITHM),
    ],
    ids=lambda value: value.value if isinstance(value, Problem) else "",
)
async def test_an_ocsp_answer_that_is_no_evidence(
    service: World, answer: bytes | OriginError, problem: Problem
) -> None:
    """It denies, with a code, and says once what was wrong."""
    service.origin.answers = {OCSP_URL: answer}
    assert UNAVAILABLE == await service.ask(BY_OCSP)
    assert {problem} == problems(service)
    failure = service.asked[-1].verdict.failure
    assert isinstance(failure, RevocationUnavailable)
    assert 1 == len(failure.attempts)


async def test_a_certificate_that_declares_nothing(service: World) -> None:
    """Nobody can be asked; where a CRL of its issuer is held, that answers."""
    assert NOT_ANSWERED == await service.ask(UNDECLARED)
    service.origin.answers = {CRL_URL: SUB.crl(revoked=[UNDECLARED.serial_number])}
    await service.hold_crl(CRL_URL, SUB)
    assert REVOKED == await service.ask(UNDECLARED)


@pytest.mark.parametrize("failing", [Failing.CRLS, Failing.ISSUERS])
async def test_a_store_that_fails_closes(tmp_path: Path, failing: Failing) -> None:
    """Nobody knows whether a CRL is held, so that even a certificate that declares nothing needs an answer."""
    broken = world(BrokenStore(failing), tmp_path, fetcher=ScriptedFetcher())
    assert UNAVAILABLE == await broken.ask(UNDECLARED)
    assert {Problem.INTERNAL} == problems(broken)


@pytest.mark.parametrize("policies", [(SHA1, LEAF_ALONE), (LEAF_ALONE, SHA1)], ids=["first", "last"])
@pytest.mark.parametrize("certificate", [BY_CRL, BY_OCSP], ids=["CRL", "OCSP"])
async def test_who_accepts_weak_signatures_does_so_for_himself(
    service: World, certificate: Certificate, policies: tuple[Policy, Policy]
) -> None:
    """The same answer allows one request and denies another, in either order, and at the same time."""
    expected = {SHA1: ALLOWED, LEAF_ALONE: UNAVAILABLE}
    service.origin.answers = {
        CRL_URL: SUB.crl(signature_hash="sha1"),
        OCSP_URL: SUB.ocsp(BY_OCSP.serial_number, signature_hash="sha1"),
    }
    wanted = [expected[policy] for policy in policies]
    assert wanted == [await service.ask(certificate, policy) for policy in policies]
    assert wanted == await asyncio.gather(*(service.ask(certificate, policy) for policy in policies))


async def test_who_accepts_weak_signatures_is_not_overruled_by_them(service: World) -> None:
    """A weak answer that revokes denies those who accept it."""
    service.origin.answers = {OCSP_URL: SUB.ocsp(BY_OCSP.serial_number, status="revoked", signature_hash="sha1")}
    assert [REVOKED, UNAVAILABLE] == [await service.ask(BY_OCSP, policy) for policy in (SHA1, LEAF_ALONE)]


@pytest.mark.parametrize(
    ("one", "first", "other", "second"),
    [(SOFT, NOT_ANSWERED, LEAF_ALONE, UNAVAILABLE), (LEAF_ALONE, UNAVAILABLE, SOFT, NOT_ANSWERED)],
    ids=["soft first", "hard first"],
)
async def test_each_request_has_its_own_mode(
    service: World, one: Policy, first: tuple[str, str, str], other: Policy, second: tuple[str, str, str]
) -> None:
    """The same silence of the origin means two things."""
    assert [first, second] == [await service.ask(BY_CRL, one), await service.ask(BY_CRL, other)]


@pytest.mark.parametrize("certificate", [BY_CRL, BY_OCSP], ids=["CRL", "OCSP"])
async def test_each_request_has_its_own_age(service: World, certificate: Certificate) -> None:
    """What is fresh enough for one is too old for another, held or fetched."""
    service.origin.answers = {CRL_URL: GOOD_CRL, OCSP_URL: SUB.ocsp(BY_OCSP.serial_number)}
    policies = (FRESH, LEAF_ALONE, FRESH, LEAF_ALONE)
    expected = [UNAVAILABLE, ALLOWED, UNAVAILABLE, ALLOWED]
    assert expected == [await service.ask(certificate, policy) for policy in policies]


async def test_each_trust_store_has_its_own_authority(service: World) -> None:
    """What is held says which key it verified under, and not for whom that key may speak."""
    service.origin.answers = {CRL_URL: NAMESAKE.crl(revoked=[BY_CRL.serial_number])}
    await service.hold_crl(CRL_URL, NAMESAKE)
    service.origin.answers = {CRL_URL: GOOD_CRL}
    service.clock.advance(SETTLED_S)
    assert ALLOWED == await service.ask(BY_CRL)
    assert UNTRUSTED == await service.validate(replace(request(BY_CRL), trust_store="stranger"))


async def test_evidence_of_one_request_is_not_anothers(service: World) -> None:
    """What came with a request goes with it."""
    revoking = read_inline_evidence([SUB.crl(revoked=[UNDECLARED.serial_number])], [])
    assert REVOKED == await service.validate(replace(request(UNDECLARED), evidence=revoking))
    assert NOT_ANSWERED == await service.ask(UNDECLARED)


async def test_an_inline_crl_does_not_override_a_newer_held_one(service: World) -> None:
    """Who brings an old list makes nobody forget."""
    service.origin.answers = {CRL_URL: SUB.crl(revoked=[BY_CRL.serial_number], number=2)}
    await service.hold_crl(CRL_URL, SUB)
    old = read_inline_evidence([SUB.crl(number=1, this_update=NOW - hours(2))], [])
    assert REVOKED == await service.validate(replace(request(BY_CRL), evidence=old))


async def test_more_inline_signatures_than_one_verdict_may_cost(service: World) -> None:
    """It is denied for that: among those that nobody has verified may be the one that revokes."""
    policy = replace(LEAF_ALONE, limits=Limits(signatures=5))
    crls = [SUB.crl(number=number) for number in range(1, 6)]
    allowed = replace(request(UNDECLARED, policy), evidence=read_inline_evidence(crls, []))
    assert ALLOWED == await service.validate(allowed)
    denied = replace(allowed, evidence=read_inline_evidence([*crls, SUB.crl(number=6)], []))
    assert EXHAUSTED == await service.validate(denied)


async def test_a_new_crl_changes_the_answer(service: World) -> None:
    """A verdict is never remembered: as soon as it is held, it counts."""
    service.origin.answers = {CRL_URL: GOOD_CRL}
    assert ALLOWED == await service.ask(BY_CRL)
    service.origin.answers = {CRL_URL: SUB.crl(revoked=[BY_CRL.serial_number], number=2)}
    service.clock.advance(SETTLED_S)
    await service.hold_crl(CRL_URL, SUB)
    assert REVOKED == await service.ask(BY_CRL)


async def test_a_changed_trust_store_changes_the_answer(service: World) -> None:
    """As soon as it is loaded."""
    service.origin.answers = {CRL_URL: GOOD_CRL}
    assert ALLOWED == await service.ask(BY_CRL)
    (service.files / "default.pem").write_text(STRANGER.pem)
    await service.stores.reload()
    assert UNTRUSTED == await service.ask(BY_CRL)


async def test_evidence_that_has_run_out_is_fetched_again(service: World) -> None:
    """What is held is asked about its age each time."""
    service.origin.answers = {OCSP_URL: SUB.ocsp(BY_OCSP.serial_number, next_update=NOW + hours(1))}
    assert ALLOWED == await service.ask(BY_OCSP)
    service.clock.advance(2 * 3600)
    assert UNAVAILABLE == await service.ask(BY_OCSP)
    service.origin.answers = {OCSP_URL: SUB.ocsp(BY_OCSP.serial_number, this_update=NOW + hours(1))}
    assert ALLOWED == await service.ask(BY_OCSP)


@pytest.mark.parametrize("certificate", [BY_CRL, BY_OCSP], ids=["CRL", "OCSP"])
async def test_what_is_held_is_not_asked_for_again(service: World, certificate: Certificate) -> None:
    """It is judged each time, and fetched once."""
    service.origin.answers = {CRL_URL: GOOD_CRL, OCSP_URL: SUB.ocsp(certificate.serial_number)}
    assert [ALLOWED, ALLOWED] == [await service.ask(certificate) for _ in range(2)]
    assert 1 == len(service.origin.requests)


async def test_a_hundred_requests_at_once(service: World) -> None:
    """The certificate authority is asked once for each thing wanted, and everybody has a verdict of his own."""
    service.origin.answers = {CRL_URL: GOOD_CRL, OCSP_URL: SUB.ocsp(BY_OCSP.serial_number)}
    answers = await asyncio.gather(*(service.ask(one) for one in (BY_CRL, BY_OCSP) * 50))
    assert ({ALLOWED}, 2) == (set(answers), len(service.origin.requests))
    assert 100 == len({answer.decision_id for answer in service.asked})
