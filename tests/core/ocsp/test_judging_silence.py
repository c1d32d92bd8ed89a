"""Answers that give none: what they leave to the others, and until when it surely stays so."""

from typing import Final

import pytest

from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Budget, Limits
from service.core.model.judgement import Judgement
from service.core.model.ocsp import OcspFinding
from service.core.model.policy import Policy
from service.core.model.verdict import RevocationStatus
from service.core.ocsp.judging import judge_answers, signed_answers
from tests.core.ocsp.answers import LEAF, OTHER, STRANGER, SUB, URL, certificate, finding, judge
from tests.pki import NEXT_UPDATE, NOT_BEFORE, NOW, Answer, days, hours

POLICY: Final = Policy()
SKEW: Final = POLICY.clock_skew
GOOD: Final = finding(SUB.ocsp(LEAF))


def judged(*findings: OcspFinding) -> Judgement:
    """What answers say of the leaf, with everything that comes with it."""
    answers, _ = signed_answers(findings, certificate(LEAF), certificate(SUB), POLICY, NOW, Budget(Limits()))
    return judge_answers(answers, {}, POLICY, NOW)


@pytest.mark.parametrize(
    "useless",
    [
        SUB.ocsp(OTHER),
        SUB.ocsp(LEAF, produced_at=NOT_BEFORE - days(1)),
        SUB.ocsp(LEAF, signing_key=STRANGER.key),
    ],
    ids=["another certificate", "premature", "forged"],
)
def test_what_is_refused_hides_nothing_behind_it(useless: bytes) -> None:
    """The answers after it are heard."""
    answer = judge(finding(useless), GOOD).answer
    assert answer is not None
    assert RevocationStatus.GOOD is answer.status


def test_a_premature_response_revokes_whatever_it_says_besides() -> None:
    """Unknown before revoked in one response: it is revoked, also before the certificate begins."""
    both = Answer(LEAF, status="unknown"), Answer(LEAF, status="revoked")
    for order in (both, both[::-1]):
        answer = judge(finding(SUB.ocsp(*order, produced_at=NOT_BEFORE - days(1)))).answer
        assert answer is not None
        assert RevocationStatus.REVOKED is answer.status


def test_unknown_is_silent_until_the_first_answer_ends() -> None:
    """Of the newest and of every other that is current."""
    unknown = finding(SUB.ocsp(LEAF, status="unknown"))
    assert NEXT_UPDATE + SKEW == judged(unknown).silent_until
    older = finding(SUB.ocsp(LEAF, this_update=NOW - days(1), next_update=NOW + hours(1)))
    expected = Judgement(None, (Attempt(URL, Problem.STATUS_UNKNOWN),), NOW + hours(1) + SKEW)
    assert expected == judged(unknown, older)


def test_what_is_rolled_back_is_silent_until_it_ends() -> None:
    """A good answer that an ended revocation stands against."""
    past = finding(SUB.ocsp(LEAF, status="revoked", this_update=NOW - hours(0.1), next_update=NOW - days(1)))
    assert NEXT_UPDATE + SKEW == judged(past, GOOD).silent_until


def test_what_says_good_is_not_silent() -> None:
    """Its end is the answer's own."""
    assert judged(GOOD).silent_until is None
