"""What one CRL says of a certificate (RFC 5280 §6.3.3): an answer, or why there is none."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from service.core.model.attempt import Attempt, Problem
from service.core.model.evidence_tier import Tier
from service.core.model.judgement import Judgement
from service.core.model.policy import Policy, Profile, WeakAlgorithm
from service.core.model.verdict import Method, Note, Revocation, RevocationStatus
from tests.core.crl.findings import LEAF, ROOT, STRANGER, SUB, URL, finding, judged, look_up
from tests.pki import (
    NEXT_UPDATE,
    NOW,
    REVOKED_AT,
    THIS_UPDATE,
    CrlOverrides,
    Entry,
    Extension,
    IssuingDistributionPoint,
    days,
    der,
    hours,
    key,
)
from tests.pki.extensions import Reason

SKEW: Final = timedelta(seconds=60)
SECOND: Final = timedelta(seconds=1)
UNKNOWN: Final = Extension("1.2.3.4", der.null(), critical=True)
PARTITION: Final = IssuingDistributionPoint([URL], only_user=True)
ANOTHER_PARTITION: Final = IssuingDistributionPoint(["http://crl.example/another.crl"], only_user=True)


def no_answer(problem: Problem, detail: str = "") -> Judgement:
    """The judgement of one CRL that is of no use."""
    return Judgement(None, (Attempt(URL, problem, detail),))


# --- answers ---------------------------------------------------------------------------------------------------------


def test_without_crls_there_is_no_answer() -> None:
    """Nothing at hand says nothing."""
    assert Judgement(None) == judged()


def test_not_listed() -> None:
    """A complete, current CRL that does not list the certificate says that it is good, and until when it may say so."""
    good = Revocation(
        status=RevocationStatus.GOOD,
        method=Method.CRL,
        source=URL,
        tier=Tier.HOST,
        this_update=THIS_UPDATE,
        next_update=NEXT_UPDATE,
        usable_until=NEXT_UPDATE + SKEW,
        crl_number=7,
    )
    assert Judgement(good) == judged(finding(number=7, revoked=[LEAF.serial + 1]))


def test_listed() -> None:
    """A CRL that lists the certificate says when it was revoked and why."""
    revoked = Revocation(
        status=RevocationStatus.REVOKED,
        method=Method.CRL,
        source="evidence",
        tier=Tier.EVIDENCE,
        this_update=THIS_UPDATE,
        next_update=NEXT_UPDATE,
        usable_until=NEXT_UPDATE + SKEW,
        revoked_at=REVOKED_AT,
        reason="keyCompromise",
        crl_number=7,
    )
    crl = SUB.crl(number=7, revoked={LEAF.serial: "keyCompromise", 1: "superseded"})
    assert Judgement(revoked) == judged(look_up(crl, source="evidence", tier=Tier.EVIDENCE))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, "unspecified"),
        ("unspecified", "unspecified"),
        ("keyCompromise", "keyCompromise"),
        ("cACompromise", "cACompromise"),
        ("affiliationChanged", "affiliationChanged"),
        ("superseded", "superseded"),
        ("cessationOfOperation", "cessationOfOperation"),
        ("certificateHold", "certificateHold"),
        ("removeFromCRL", "removeFromCRL"),  # has no place in a complete CRL; being listed counts
        ("privilegeWithdrawn", "privilegeWithdrawn"),
        ("aACompromise", "aACompromise"),
    ],
)
def test_reasons(reason: Reason | None, expected: str) -> None:
    """Whatever the reason, what is listed is revoked, and the reason is told in the RFC's words."""
    answer = judged(finding(revoked={LEAF.serial: reason})).answer
    assert answer is not None
    assert (RevocationStatus.REVOKED, expected) == (answer.status, answer.reason)


@pytest.mark.parametrize("date", [NOW + days(365), NOW - days(3650), NOW])
def test_the_revocation_date_does_not_decide(date: datetime) -> None:
    """An entry revokes although its date lies ahead."""
    answer = judged(finding(revoked=[Entry(LEAF.serial, date=date)])).answer
    assert answer is not None
    assert (RevocationStatus.REVOKED, date) == (answer.status, answer.revoked_at)


def test_a_crl_of_version_1() -> None:
    """A CRL without number and extensions answers like any other."""
    for revoked, status in (([LEAF.serial], RevocationStatus.REVOKED), ([], RevocationStatus.GOOD)):
        answer = judged(finding(version=1, revoked=revoked)).answer
        assert answer is not None
        assert (status, None) == (answer.status, answer.crl_number)


@pytest.mark.parametrize("revoked", [[], [LEAF.serial]])
def test_a_partition(revoked: list[int]) -> None:
    """The certificate's own partition answers, both ways."""
    status = RevocationStatus.REVOKED if revoked else RevocationStatus.GOOD
    answer = judged(finding(idp=PARTITION, revoked=revoked)).answer
    assert answer is not None
    assert status == answer.status


# --- no answer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revoked", [[], [LEAF.serial]])
@pytest.mark.parametrize(
    ("overrides", "problem", "detail"),
    [
        (CrlOverrides(issuer_name="Other"), Problem.WRONG_ISSUER, ""),
        (CrlOverrides(corrupt_signature=True), Problem.BAD_SIGNATURE, ""),
        (CrlOverrides(signing_key=key("p256", 9)), Problem.BAD_SIGNATURE, ""),
        (CrlOverrides(signing_key=ROOT.key), Problem.UNAUTHORIZED_SIGNER, ""),  # a key that the host knows
        (CrlOverrides(signature_hash="sha1"), Problem.WEAK_ALGORITHM, ""),
        (CrlOverrides(idp=ANOTHER_PARTITION), Problem.WRONG_SCOPE, ""),
        (CrlOverrides(idp=IssuingDistributionPoint(only_ca=True)), Problem.WRONG_SCOPE, ""),
        (CrlOverrides(idp=IssuingDistributionPoint(only_attribute=True)), Problem.WRONG_SCOPE, ""),
        (CrlOverrides(next_update=NOW - SKEW - SECOND), Problem.STALE, ""),
        (CrlOverrides(next_update=None), Problem.NO_NEXT_UPDATE, ""),
        (CrlOverrides(this_update=NOW + SKEW + SECOND), Problem.NOT_YET_VALID, ""),
        (CrlOverrides(extensions=[UNKNOWN]), Problem.UNSUPPORTED, "1.2.3.4"),
    ],
)
def test_of_no_use(overrides: CrlOverrides, problem: Problem, detail: str, revoked: list[int]) -> None:
    """What may not be used says neither good nor revoked, and is named."""
    assert no_answer(problem, detail) == judged(finding(**CrlOverrides(revoked=revoked, **overrides)))


@pytest.mark.parametrize(
    ("entry", "feature"),
    [
        (Entry(1, extensions=[UNKNOWN]), "1.2.3.4"),
        (Entry(1, certificate_issuer="Other"), "a certificateIssuer outside an indirect CRL"),
    ],
)
def test_an_entry_that_nobody_understands(entry: Entry, feature: str) -> None:
    """An unknown critical extension of any entry makes the whole CRL unusable (RFC 5280 §5.3)."""
    assert no_answer(Problem.UNSUPPORTED, feature) == judged(finding(revoked=[entry, LEAF.serial]))


@pytest.mark.parametrize("overrides", [CrlOverrides(number=None), CrlOverrides(version=1)])
def test_a_crl_without_a_number(overrides: CrlOverrides) -> None:
    """RFC 5280 §5.2.3: it MUST be there; the strict profile insists, otherwise the answer notes it."""
    found = finding(**overrides)
    assert no_answer(Problem.NO_CRL_NUMBER) == judged(found, policy=Policy(profile=Profile.STRICT))
    answer = judged(found).answer
    assert answer is not None
    assert (RevocationStatus.GOOD, (Note.NO_CRL_NUMBER,)) == (answer.status, answer.notes)
    numbered = judged(finding(), policy=Policy(profile=Profile.STRICT)).answer
    assert numbered is not None
    assert (RevocationStatus.GOOD, ()) == (numbered.status, numbered.notes)


def test_an_indirect_crl_that_nobody_expects() -> None:
    """It says revoked and never good; beside it, another CRL answers."""
    indirect = IssuingDistributionPoint(indirect=True)
    assert no_answer(Problem.WRONG_SCOPE) == judged(finding(idp=indirect))
    for findings in ([], [finding()]):
        answer = judged(*findings, finding(idp=indirect, revoked=[LEAF.serial])).answer
        assert answer is not None
        assert RevocationStatus.REVOKED is answer.status


def test_an_entry_that_is_there_twice() -> None:
    """The CRL says revoked and never good; which entry counts, nobody knows."""
    twice = Attempt(URL, Problem.UNSUPPORTED, "an entry that is there twice")
    assert Judgement(None, (twice,)) == judged(replace(finding(), repeats_entries=True))
    for findings in ([], [finding()]):
        answer = judged(*findings, replace(finding(revoked=[LEAF.serial]), repeats_entries=True)).answer
        assert answer is not None
        assert RevocationStatus.REVOKED is answer.status


def test_the_crl_of_another_authority() -> None:
    """Another authority may have revoked the same number: that is another certificate."""
    crl = STRANGER.crl(revoked=[LEAF.serial])
    assert no_answer(Problem.WRONG_ISSUER) == judged(look_up(crl, tried=(STRANGER,)))


def test_an_authority_that_may_not_sign_crls() -> None:
    """A CRL under the issuer's key is not enough where keyUsage lacks cRLSign."""
    issuer = ROOT.subordinate("Sub", key_usage=frozenset({"keyCertSign"}))
    found = look_up(issuer.crl(revoked=[LEAF.serial]), tried=(issuer,))
    assert no_answer(Problem.UNAUTHORIZED_SIGNER) == judged(found, issuer=issuer)


def test_a_weak_digest_that_the_policy_accepts() -> None:
    """Accepted by its name, the CRL answers."""
    policy = Policy(weak_algorithms=frozenset({WeakAlgorithm.SHA1}))
    answer = judged(finding(signature_hash="sha1", revoked=[LEAF.serial]), policy=policy).answer
    assert answer is not None
    assert RevocationStatus.REVOKED == answer.status


def test_what_is_reported_first() -> None:
    """What the CRL is, then what it covers, then how old it is."""
    old = CrlOverrides(next_update=NOW - days(1))
    covers_others = CrlOverrides(idp=ANOTHER_PARTITION, **old)
    unknown = CrlOverrides(extensions=[UNKNOWN], **covers_others)
    assert no_answer(Problem.STALE) == judged(finding(**old))
    assert no_answer(Problem.WRONG_SCOPE) == judged(finding(**covers_others))
    assert no_answer(Problem.UNSUPPORTED, "1.2.3.4") == judged(finding(**unknown))


# --- reasons that a CRL covers ---------------------------------------------------------------------------------------

SOME: Final = IssuingDistributionPoint([URL], only_some_reasons={"keyCompromise", "cACompromise"})
OTHERS: Final = IssuingDistributionPoint(
    [URL],
    only_some_reasons={
        *("affiliationChanged", "superseded", "cessationOfOperation"),
        *("certificateHold", "privilegeWithdrawn", "aACompromise"),
    },
)
ALL_BUT_ONE: Final = IssuingDistributionPoint([URL], only_some_reasons={"superseded", "keyCompromise"})


def test_some_reasons_are_no_answer() -> None:
    """A CRL that covers some reasons cannot say that a certificate is good."""
    assert no_answer(Problem.PARTIAL_REASONS) == judged(finding(idp=SOME))


def test_some_reasons_are_enough_to_revoke() -> None:
    """What it lists is revoked all the same."""
    answer = judged(finding(idp=SOME, revoked={LEAF.serial: "keyCompromise"})).answer
    assert answer is not None
    assert (RevocationStatus.REVOKED, "keyCompromise") == (answer.status, answer.reason)


def test_two_crls_complete_each_other() -> None:
    """Together they cover every reason: good, until the first of them ends (RFC 5280 §6.3.3 (l))."""
    short, long = NOW + hours(1), NOW + hours(9)
    for first, second in ((short, long), (long, short)):
        both = judged(finding(idp=SOME, next_update=first), finding(idp=OTHERS, next_update=second))
        assert both.answer is not None
        assert RevocationStatus.GOOD == both.answer.status
        assert short + SKEW == both.answer.usable_until
        assert () == both.attempts


def test_two_crls_that_leave_a_gap() -> None:
    """Where reasons remain that nobody covers, each of them is named as partial."""
    partial = Attempt(URL, Problem.PARTIAL_REASONS)
    assert Judgement(None, (partial, partial)) == judged(finding(idp=SOME), finding(idp=ALL_BUT_ONE))


def test_two_crls_of_which_one_revokes() -> None:
    """A certificate is revoked for the reasons of either."""
    answer = judged(finding(idp=SOME), finding(idp=OTHERS, revoked={LEAF.serial: "superseded"})).answer
    assert answer is not None
    assert (RevocationStatus.REVOKED, "superseded") == (answer.status, answer.reason)


def test_an_unusable_crl_completes_nothing() -> None:
    """A stale CRL does not cover its reasons."""
    stale = finding(idp=OTHERS, next_update=NOW - days(1))
    attempts = (Attempt(URL, Problem.STALE), Attempt(URL, Problem.PARTIAL_REASONS))
    assert Judgement(None, attempts) == judged(finding(idp=SOME), stale)


def test_the_crls_that_last_longest_are_enough() -> None:
    """A short-lived CRL that nobody needs to cover every reason does not shorten the answer."""
    complete = finding(next_update=NOW + hours(9))
    partial = finding(idp=SOME, this_update=NOW, next_update=NOW + hours(1))
    for findings in ((complete, partial), (partial, complete)):
        answer = judged(*findings).answer
        assert answer is not None
        assert NOW + hours(9) + SKEW == answer.usable_until


# --- the end of use --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "next_update", "expected"),
    [
        (Policy(), NEXT_UPDATE, NEXT_UPDATE + SKEW),
        (Policy(grace=hours(2)), NEXT_UPDATE, NEXT_UPDATE + SKEW + hours(2)),
        (Policy(max_evidence_age=hours(2)), NEXT_UPDATE, THIS_UPDATE + hours(2)),
        (Policy(max_evidence_age=hours(2)), None, THIS_UPDATE + hours(2)),
        (Policy(), NOW - SKEW, NOW),
    ],
)
@pytest.mark.parametrize("revoked", [[], [LEAF.serial]])
def test_usable_until(policy: Policy, next_update: datetime | None, expected: datetime, revoked: list[int]) -> None:
    """Both answers end when the evidence does under the policy: skew, grace and longest age."""
    answer = judged(finding(next_update=next_update, revoked=revoked), policy=policy).answer
    assert answer is not None
    assert expected == answer.usable_until
