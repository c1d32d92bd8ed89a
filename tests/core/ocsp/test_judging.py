"""What one answer says of a certificate, and every reason why it says nothing."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from service.core.freshness.window import DEFAULT_OCSP_AGE
from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Budget, BudgetExhaustedError, Limits
from service.core.model.evidence_tier import Tier
from service.core.model.judgement import Judgement
from service.core.model.policy import Policy
from service.core.model.verdict import Method, Revocation, RevocationStatus
from service.core.ocsp.judging import DelegateCheck, DelegateStanding, SignedAnswer, signed_answers
from tests.core.ocsp.answers import DELEGATE, LEAF, OTHER, STRANGER, SUB, URL, certificate, finding, judge
from tests.pki import (
    NEXT_UPDATE,
    NOT_BEFORE,
    NOW,
    REVOKED_AT,
    THIS_UPDATE,
    Answer,
    Extension,
    OcspOverrides,
    days,
    der,
    hours,
)
from tests.pki.extensions import Reason
from tests.pki.ocsp import CertStatus

SECOND: Final = timedelta(seconds=1)
SKEW: Final = Policy().clock_skew
CRITICAL: Final = Extension("1.2.3.4", b"\x05\x00", critical=True)
TIMESTAMPS: Final = "1.3.6.1.4.1.11129.2.4.5"
ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
EXTENDED_REVOKE: Final = "1.3.6.1.5.5.7.48.1.9"
HARMLESS: Final = Extension("1.2.3.4", b"\x05\x00")


def status(judgement: Judgement) -> RevocationStatus | None:
    """What was answered, or None."""
    return None if judgement.answer is None else judgement.answer.status


def refused(problem: Problem, detail: str = "") -> Judgement:
    """No answer, for this one reason."""
    return Judgement(None, (Attempt(URL, problem, detail),))


# --- what is said ----------------------------------------------------------------------------------------------------


def test_good_with_everything_it_rests_on() -> None:
    """The times are the answer's own, and the end of use allows for the clock."""
    expected = Revocation(
        status=RevocationStatus.GOOD,
        method=Method.OCSP,
        source="http://other.example/",
        tier=Tier.HOST,
        this_update=THIS_UPDATE,
        next_update=NEXT_UPDATE,
        usable_until=NEXT_UPDATE + SKEW,
    )
    assert Judgement(expected) == judge(finding(SUB.ocsp(LEAF), "http://other.example/", Tier.HOST))


@pytest.mark.parametrize(
    ("reason", "text"), [(None, "unspecified"), ("keyCompromise", "keyCompromise"), (0, "unspecified")]
)
def test_revoked_with_everything_it_rests_on(reason: Reason | int | None, text: str) -> None:
    """When and why, unspecified where the responder does not say."""
    expected = Revocation(
        status=RevocationStatus.REVOKED,
        method=Method.OCSP,
        source=URL,
        tier=Tier.ORIGIN,
        this_update=THIS_UPDATE,
        next_update=NEXT_UPDATE,
        usable_until=NEXT_UPDATE + SKEW,
        revoked_at=REVOKED_AT,
        reason=text,
    )
    assert Judgement(expected) == judge(finding(SUB.ocsp(LEAF, status="revoked", reason=reason)))


def test_a_revocation_in_the_future_revokes_now() -> None:
    """Being revoked counts, whatever the date says."""
    answer = SUB.ocsp(LEAF, status="revoked", revoked_at=NOW + days(30))
    assert RevocationStatus.REVOKED is status(judge(finding(answer)))


def test_unknown_is_no_answer() -> None:
    """The responder does not know the certificate: neither good nor revoked (RFC 6960 section 2.2)."""
    assert refused(Problem.STATUS_UNKNOWN) == judge(finding(SUB.ocsp(LEAF, status="unknown")))


def test_no_answers_say_nothing() -> None:
    """Nothing comes of nothing."""
    assert Judgement(None) == judge()


# --- about whom, and by whom -----------------------------------------------------------------------------------------


def test_an_answer_about_another_certificate_says_nothing() -> None:
    """Rightly signed, and about the neighbour."""
    assert refused(Problem.OTHER_CERTIFICATE) == judge(finding(SUB.ocsp(OTHER)))


def test_the_right_answer_among_others_counts_alone() -> None:
    """What is said of the neighbour in the same response is not said of the leaf."""
    answer = SUB.ocsp(Answer(OTHER, status="revoked"), LEAF, Answer(OTHER, status="unknown"))
    assert RevocationStatus.GOOD is status(judge(finding(answer)))


def test_an_unauthorized_response_says_nothing() -> None:
    """Who signed it may not speak, and the source is named."""
    answer = SUB.ocsp(LEAF, responder=STRANGER.ocsp_responder("OCSP"))
    assert refused(Problem.UNAUTHORIZED_SIGNER) == judge(finding(answer))


def test_a_response_about_others_costs_no_signature() -> None:
    """Whom it is about is looked at before anything is verified."""
    budget = Budget(Limits(signatures=0))
    found = finding(SUB.ocsp(OTHER))
    answers, attempts = signed_answers((found,), certificate(LEAF), certificate(SUB), Policy(), NOW, budget)
    assert ((), (Attempt(URL, Problem.OTHER_CERTIFICATE),)) == (answers, attempts)


def test_signatures_are_paid_for() -> None:
    """More responses than the budget has signatures end it."""
    budget = Budget(Limits(signatures=1))
    found = finding(SUB.ocsp(LEAF))
    with pytest.raises(BudgetExhaustedError):
        signed_answers((found, found), certificate(LEAF), certificate(SUB), Policy(), NOW, budget)


def test_signed_answers_name_their_delegate() -> None:
    """Stale ones too: whether an answer may be used is another question."""
    direct, delegated = finding(SUB.ocsp(LEAF)), finding(SUB.ocsp(LEAF, responder=DELEGATE, next_update=NOW - days(1)))
    answers, attempts = signed_answers(
        (direct, delegated), certificate(LEAF), certificate(SUB), Policy(), NOW, Budget(Limits())
    )
    expected = (
        SignedAnswer(direct, direct.response.responses[0], None),
        SignedAnswer(delegated, delegated.response.responses[0], certificate(DELEGATE)),
    )
    assert (expected, ()) == (answers, attempts)


# --- when ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"next_update": NOW - SKEW}, None),
        ({"next_update": NOW - SKEW - SECOND}, Problem.STALE),
        ({"this_update": NOW + SKEW}, None),
        ({"this_update": NOW + SKEW + SECOND}, Problem.NOT_YET_VALID),
        ({"this_update": NOW - DEFAULT_OCSP_AGE, "next_update": None}, None),
        ({"this_update": NOW - timedelta(seconds=300), "next_update": None}, None),
        ({"this_update": NOW - timedelta(seconds=301), "next_update": None}, Problem.STALE),
        ({"produced_at": NOW + SKEW}, None),
        ({"produced_at": THIS_UPDATE - hours(1)}, None),
        ({"produced_at": NOT_BEFORE - SKEW}, None),
        ({"this_update": NOW, "next_update": NOW}, None),
    ],
)
def test_an_answer_is_used_in_its_time(overrides: OcspOverrides, expected: Problem | None) -> None:
    """Within the tolerance for clocks at both ends; without nextUpdate for 300 seconds."""
    judgement = judge(finding(SUB.ocsp(LEAF, **overrides)))
    assert (RevocationStatus.GOOD if expected is None else None) is status(judgement)
    assert (() if expected is None else (Attempt(URL, expected),)) == judgement.attempts


@pytest.mark.parametrize("says", ["good", "revoked"])
def test_an_answer_produced_in_the_future_is_not_used(says: CertStatus) -> None:
    """Its own times may be right: who signs ahead of time is not believed, and the attempt says what was ahead."""
    answer = SUB.ocsp(LEAF, status=says, produced_at=NOW + SKEW + SECOND)
    assert refused(Problem.NOT_YET_VALID, "producedAt") == judge(finding(answer))


def test_an_answer_from_before_the_certificate_is_not_used() -> None:
    """Who signed before the certificate began cannot know that it is good, nor that it is unknown."""
    for says in ("good", "unknown"):
        answer = SUB.ocsp(LEAF, status=says, produced_at=NOT_BEFORE - SKEW - SECOND)
        assert refused(Problem.INCONSISTENT, "produced before the certificate was valid") == judge(finding(answer))


def test_a_revocation_from_before_the_certificate_counts() -> None:
    """A certificate that begins tomorrow can be revoked today."""
    answer = SUB.ocsp(LEAF, status="revoked", produced_at=NOT_BEFORE - days(1))
    assert RevocationStatus.REVOKED is status(judge(finding(answer)))


@pytest.mark.parametrize("says", ["good", "revoked"])
def test_an_answer_that_ends_before_it_begins_is_not_used(says: CertStatus) -> None:
    """Within the tolerance for clocks it would be in its time; and without that it is out of date."""
    times: OcspOverrides = {"this_update": NOW, "next_update": NOW - SECOND, "status": says}
    assert refused(Problem.INCONSISTENT, "nextUpdate before thisUpdate") == judge(finding(SUB.ocsp(LEAF, **times)))
    times["next_update"] = NOW - SKEW - SECOND
    assert refused(Problem.STALE) == judge(finding(SUB.ocsp(LEAF, **times)))


@pytest.mark.parametrize(
    ("policy", "overrides", "until"),
    [
        (Policy(), {"next_update": None, "this_update": NOW}, NOW + timedelta(seconds=300)),
        (Policy(grace=hours(1)), {}, NEXT_UPDATE + SKEW + hours(1)),
        (Policy(max_evidence_age=hours(2)), {}, THIS_UPDATE + hours(2)),
    ],
    ids=["no nextUpdate", "grace", "longest age"],
)
def test_the_end_of_use_follows_the_policy(policy: Policy, overrides: OcspOverrides, until: datetime) -> None:
    """Whatever ends it first."""
    answer = judge(finding(SUB.ocsp(LEAF, **overrides)), policy=policy).answer
    assert answer is not None
    assert until == answer.usable_until


# --- extensions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [{"extensions": [CRITICAL]}, {"single_extensions": [CRITICAL]}],
    ids=["of the response", "of the single response"],
)
@pytest.mark.parametrize("says", ["good", "revoked"])
def test_an_unknown_critical_extension_makes_it_unusable(overrides: OcspOverrides, says: CertStatus) -> None:
    """By name, and even where it says revoked."""
    answer = SUB.ocsp(LEAF, **(overrides | {"status": says}))
    assert refused(Problem.UNSUPPORTED, "1.2.3.4") == judge(finding(answer))


@pytest.mark.parametrize(
    "overrides",
    [
        {"extensions": [HARMLESS]},
        {"single_extensions": [HARMLESS]},
        {"nonce": b"n" * 16},
        {"single_extensions": [Extension(TIMESTAMPS, b"whatever", critical=True)]},
        {"single_extensions": [Extension(ARCHIVE_CUTOFF, der.generalized_time(NOW - days(999)), critical=True)]},
        {"extensions": [Extension(EXTENDED_REVOKE, der.null(), critical=True)]},
    ],
    ids=["of the response", "of the single response", "nonce", "timestamps", "archive cutoff", "extended revoke"],
)
def test_other_extensions_change_nothing(overrides: OcspOverrides) -> None:
    """Not critical, or known."""
    assert RevocationStatus.GOOD is status(judge(finding(SUB.ocsp(LEAF, **overrides))))


@pytest.mark.parametrize("says", ["good", "revoked"])
def test_a_critical_extension_about_the_neighbour_makes_it_unusable_too(says: CertStatus) -> None:
    """Who does not understand a response as a whole does not use a part of it."""
    answer = SUB.ocsp(Answer(LEAF, status=says), Answer(OTHER, single_extensions=[CRITICAL]))
    assert refused(Problem.UNSUPPORTED, "1.2.3.4") == judge(finding(answer))


@pytest.mark.parametrize("overrides", [{}, {"extensions": [Extension(EXTENDED_REVOKE, der.null())]}])
def test_a_certificate_that_was_never_issued_is_revoked(overrides: OcspOverrides) -> None:
    """RFC 6960 section 4.4.8 has responders say it so, with the extension that announces it or without."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    never: OcspOverrides = {"revoked_at": epoch, "reason": "certificateHold", "status": "revoked"}
    answer = judge(finding(SUB.ocsp(LEAF, **(never | overrides)))).answer
    assert answer is not None
    assert (RevocationStatus.REVOKED, "certificateHold") == (answer.status, answer.reason)


def test_removed_from_a_crl_is_revoked() -> None:
    """The reason belongs in delta CRLs alone: a responder that says revoked is believed."""
    answer = SUB.ocsp(LEAF, status="revoked", reason="removeFromCRL")
    assert RevocationStatus.REVOKED is status(judge(finding(answer)))


# --- delegates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "problem"),
    [
        (DelegateStanding.REVOKED, Problem.SIGNER_REVOKED),
        (DelegateStanding.UNCHECKED, Problem.SIGNER_UNCHECKED),
    ],
)
@pytest.mark.parametrize("says", ["good", "revoked"])
def test_a_delegate_in_bad_standing_says_nothing(
    standing: DelegateStanding, problem: Problem, says: CertStatus
) -> None:
    """Neither good nor revoked, and the attempt says why."""
    answer = finding(SUB.ocsp(LEAF, responder=DELEGATE, status=says))
    assert refused(problem) == judge(answer, delegates={certificate(DELEGATE): DelegateCheck(standing)})


@pytest.mark.parametrize(
    ("not_after", "known_until", "until"),
    [
        (NOW + days(9), None, NEXT_UPDATE + SKEW),
        (NOW + days(9), NOW + days(8), NEXT_UPDATE + SKEW),
        (NOW + hours(3), None, NOW + hours(3)),
        (NOW + hours(3), NOW + hours(2), NOW + hours(2)),
        (NOW + hours(2), NOW + hours(3), NOW + hours(2)),
    ],
    ids=["the answer", "still the answer", "the delegate", "what is known of it", "the delegate before that"],
)
def test_a_delegates_answer_ends_with_what_it_rests_on(
    not_after: datetime, known_until: datetime | None, until: datetime
) -> None:
    """The answer itself, the delegate's validity, and the evidence for the delegate: the first that ends."""
    delegate = SUB.ocsp_responder("OCSP", not_after=not_after)
    checks = {certificate(delegate): DelegateCheck(DelegateStanding.GOOD, known_until)}
    answer = judge(finding(SUB.ocsp(LEAF, responder=delegate)), delegates=checks).answer
    assert answer is not None
    assert (RevocationStatus.GOOD, until) == (answer.status, answer.usable_until)
