"""Responders that the operator trusts: for every issuer, while they are valid, by the key in the configuration."""

from datetime import datetime, timedelta
from typing import Final, Literal

import pytest

from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Budget, BudgetExhaustedError, Limits
from service.core.model.policy import Policy, WeakAlgorithm
from service.core.model.verdict import RevocationStatus
from service.core.ocsp.judging import DelegateCheck, DelegateStanding, SignedAnswer, signed_answers
from service.core.ocsp.responder import Responder, authorize
from tests.core.ocsp.answers import DELEGATE, LEAF, OTHER, STRANGER, SUB, URL, certificate, finding, judge
from tests.pki import (
    NEXT_UPDATE,
    NOT_AFTER,
    NOT_BEFORE,
    NOW,
    Authority,
    CertificateOverrides,
    Extension,
    Issued,
    OcspOverrides,
    der,
    hours,
    key,
    names,
)
from tests.pki.ocsp import CertStatus

SECOND: Final = timedelta(seconds=1)
SKEW: Final = Policy().clock_skew
GATEWAY: Final = STRANGER.ocsp_responder("Gateway")
"""A responder of another CA."""


def trusting(*responders: Issued | Authority) -> Policy:
    """A policy that trusts responders."""
    return Policy(trusted_responders=tuple(map(certificate, responders)))


def outcome(answer: bytes, policy: Policy, at: datetime = NOW) -> Responder | Problem:
    """Whether the signer of an answer may speak for Sub."""
    return authorize(finding(answer).response, certificate(SUB), policy, at, Budget(Limits()))


@pytest.mark.parametrize("by", ["name", "key"])
@pytest.mark.parametrize("sent", [None, []], ids=["sends itself along", "sends nothing"])
def test_a_trusted_responder_speaks_for_any_issuer(by: Literal["name", "key"], sent: list[Issued] | None) -> None:
    """RFC 6960 section 4.2.2.2, criterion 1; without the configuration it is a stranger's delegate."""
    answer = SUB.ocsp(LEAF, responder=GATEWAY, responder_id=by, certificates=sent)
    trusted = Responder(None, certificate(GATEWAY))
    assert [trusted, Problem.UNAUTHORIZED_SIGNER] == [outcome(answer, trusting(GATEWAY)), outcome(answer, Policy())]


@pytest.mark.parametrize(
    "overrides",
    [{"extended_key_usage": None}, {"key_usage": {"keyCertSign"}}, {"no_check": False}, {"corrupt_signature": True}],
    ids=["no purpose", "CA usage", "no nocheck", "its own signature"],
)
def test_what_a_trusted_responder_may_look_like(overrides: CertificateOverrides) -> None:
    """The operator has said that it may: what a delegate must have is not asked for."""
    responder = STRANGER.ocsp_responder("Gateway", **overrides)
    answer = SUB.ocsp(LEAF, responder=responder)
    assert Responder(None, certificate(responder)) == outcome(answer, trusting(responder))


def test_an_authority_may_be_trusted_as_a_responder() -> None:
    """A root that answers for its subordinates' certificates."""
    answer = SUB.ocsp(LEAF, responder=STRANGER.issued)
    assert Responder(None, certificate(STRANGER)) == outcome(answer, trusting(STRANGER))


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        (NOT_BEFORE - SECOND, Problem.UNAUTHORIZED_SIGNER),
        (NOT_BEFORE, None),
        (NOT_AFTER, None),
        (NOT_AFTER + SECOND, Problem.UNAUTHORIZED_SIGNER),
    ],
)
def test_a_trusted_responder_speaks_while_it_is_valid(at: datetime, problem: Problem | None) -> None:
    """Both ends inclusive, like everybody's."""
    expected = problem or Responder(None, certificate(GATEWAY))
    assert expected == outcome(SUB.ocsp(LEAF, responder=GATEWAY), trusting(GATEWAY), at)


def test_a_renewed_certificate_is_another_one() -> None:
    """The one that is configured has expired: the new one that came along counts for nothing, same key or not."""
    old = STRANGER.ocsp_responder("Gateway", not_after=NOW - SECOND)
    answer = SUB.ocsp(LEAF, responder=GATEWAY)
    assert Problem.UNAUTHORIZED_SIGNER == outcome(answer, trusting(old))
    assert Responder(None, certificate(GATEWAY)) == outcome(answer, trusting(old, GATEWAY))


@pytest.mark.parametrize(
    ("responder", "problem"),
    [
        (STRANGER.ocsp_responder("Gateway", key=key("p256", 7)), Problem.BAD_SIGNATURE),
        (STRANGER.ocsp_responder("Somebody", key=GATEWAY.key), Problem.UNAUTHORIZED_SIGNER),
        (STRANGER.ocsp_responder("Somebody"), Problem.UNAUTHORIZED_SIGNER),
    ],
    ids=["the name alone", "the key alone", "neither"],
)
def test_nobody_else_is_trusted(responder: Issued, problem: Problem) -> None:
    """It must be named, and its key must have signed; a stranger's delegate is no delegate besides."""
    answer = SUB.ocsp(LEAF, responder=responder, certificates=[])
    assert problem == outcome(answer, trusting(GATEWAY))


@pytest.mark.parametrize(
    "spoilt", [{"corrupt_signature": True}, {"signing_key": STRANGER.key}], ids=["corrupt", "another key"]
)
def test_its_name_needs_its_signature(spoilt: OcspOverrides) -> None:
    """Sending its certificate along proves nothing."""
    answer = SUB.ocsp(LEAF, **(spoilt | {"responder": GATEWAY, "certificates": []}))
    assert Problem.BAD_SIGNATURE == outcome(answer, trusting(GATEWAY))


def test_a_critical_extension_that_nobody_knows() -> None:
    """It may say that this is no responder (RFC 5280 section 4.2)."""
    responder = STRANGER.ocsp_responder("Gateway", extensions=[Extension("1.2.3.4", b"\x05\x00", critical=True)])
    assert Problem.UNAUTHORIZED_SIGNER == outcome(SUB.ocsp(LEAF, responder=responder), trusting(responder))


def test_a_weak_key_is_refused_unless_accepted() -> None:
    """Trust in a responder is no trust in its key."""
    responder = STRANGER.ocsp_responder("Gateway", key=key("rsa1024"))
    answer = SUB.ocsp(LEAF, responder=responder, certificates=[])
    strict = trusting(responder)
    lenient = Policy(trusted_responders=strict.trusted_responders, weak_algorithms=frozenset({WeakAlgorithm.RSA_1024}))
    assert [Problem.WEAK_ALGORITHM, Responder(None, certificate(responder))] == [
        outcome(answer, strict),
        outcome(answer, lenient),
    ]


def test_the_issuer_and_its_delegates_still_speak() -> None:
    """Trusting somebody else takes nothing from them; a namesake of a delegate is tried first."""
    namesake = STRANGER.ocsp_responder("OCSP", key=key("p256", 7))
    assert Responder(None) == outcome(SUB.ocsp(LEAF), trusting(GATEWAY))
    assert Responder(certificate(DELEGATE)) == outcome(SUB.ocsp(LEAF, responder=DELEGATE), trusting(namesake))


def test_a_delegate_that_is_trusted_besides_is_not_asked_about() -> None:
    """The local configuration is the authority: nobody looks for its revocation."""
    delegate = SUB.ocsp_responder("OCSP", no_check=False)
    assert Responder(None, certificate(delegate)) == outcome(SUB.ocsp(LEAF, responder=delegate), trusting(delegate))


def test_its_signatures_are_paid_for() -> None:
    """One for each that bears the name."""
    other = STRANGER.ocsp_responder("Gateway", key=key("p256", 7))
    response, policy = finding(SUB.ocsp(LEAF, responder=GATEWAY)).response, trusting(other, GATEWAY)
    enough = Budget(Limits(signatures=2))
    assert Responder(None, certificate(GATEWAY)) == authorize(response, certificate(SUB), policy, NOW, enough)
    with pytest.raises(BudgetExhaustedError):
        authorize(response, certificate(SUB), policy, NOW, Budget(Limits(signatures=1)))


# --- what it says ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "expected"),
    [("good", RevocationStatus.GOOD), ("revoked", RevocationStatus.REVOKED), ("unknown", None)],
)
def test_it_says_what_an_issuer_says(says: CertStatus, expected: RevocationStatus | None) -> None:
    """Without anybody knowing anything of its own revocation."""
    answer = judge(finding(SUB.ocsp(LEAF, responder=GATEWAY, status=says)), policy=trusting(GATEWAY)).answer
    assert expected is (None if answer is None else answer.status)


def test_it_answers_about_the_certificate_that_it_names() -> None:
    """Another serial number, or its own CA's certificate with the same one, is another certificate."""
    policy = trusting(GATEWAY)
    for answer in (SUB.ocsp(OTHER, responder=GATEWAY), STRANGER.ocsp(LEAF, responder=GATEWAY)):
        judgement = judge(finding(answer), policy=policy)
        assert (None, (Attempt(URL, Problem.OTHER_CERTIFICATE),)) == (judgement.answer, judgement.attempts)


def test_the_signer_of_an_answer_is_named() -> None:
    """It is no delegate: nobody asks about it."""
    found = finding(SUB.ocsp(LEAF, responder=GATEWAY))
    answers, _ = signed_answers((found,), certificate(LEAF), certificate(SUB), trusting(GATEWAY), NOW, Budget(Limits()))
    assert (SignedAnswer(found, found.response.responses[0], None, certificate(GATEWAY)),) == answers


@pytest.mark.parametrize(("not_after", "until"), [(NOW + hours(2), NOW + hours(2)), (NOT_AFTER, NEXT_UPDATE + SKEW)])
def test_its_answer_ends_with_it(not_after: datetime, until: datetime) -> None:
    """When its certificate has expired, the answer would not be used again."""
    responder = STRANGER.ocsp_responder("Gateway", not_after=not_after)
    answer = judge(finding(SUB.ocsp(LEAF, responder=responder)), policy=trusting(responder)).answer
    assert answer is not None
    assert until == answer.usable_until


def test_a_revoked_delegate_does_not_borrow_its_trust() -> None:
    """Each answer stands on its own signer."""
    checks = {certificate(DELEGATE): DelegateCheck(DelegateStanding.REVOKED)}
    both = (finding(SUB.ocsp(LEAF, responder=DELEGATE, this_update=NOW)), finding(SUB.ocsp(LEAF, responder=GATEWAY)))
    judgement = judge(*both, delegates=checks, policy=trusting(GATEWAY))
    assert judgement.answer is not None
    assert [Problem.SIGNER_REVOKED] == [attempt.problem for attempt in judgement.attempts]


def test_a_name_in_another_spelling() -> None:
    """Names are compared as RFC 5280 section 7.1 has it."""
    spelt = der.explicit(1, names.name("GATEWAY"))
    answer = SUB.ocsp(LEAF, responder=GATEWAY, responder_id=spelt, certificates=[])
    assert Responder(None, certificate(GATEWAY)) == outcome(answer, trusting(GATEWAY))
