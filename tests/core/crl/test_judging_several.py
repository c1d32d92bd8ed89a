"""Several CRLs of one scope: the newest authentic one wins, and nobody makes a host forget by showing an old list."""

from datetime import timedelta
from typing import Final

import pytest

from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.model.judgement import Judgement
from service.core.model.policy import Policy, WeakAlgorithm
from service.core.model.verdict import RevocationStatus
from tests.core.crl.findings import LEAF, ROOT, STRANGER, SUB, URL, finding, judged, look_up, read
from tests.pki import (
    NOW,
    THIS_UPDATE,
    Authority,
    CrlOverrides,
    Entry,
    Extension,
    IssuingDistributionPoint,
    days,
    der,
    hours,
    key,
)

SKEW: Final = timedelta(seconds=60)
SECOND: Final = timedelta(seconds=1)
UNKNOWN: Final = Extension("1.2.3.4", der.null(), critical=True)

GOOD: Final = RevocationStatus.GOOD
REVOKED: Final = RevocationStatus.REVOKED

OLDER: Final = THIS_UPDATE - hours(1)
OLDEST: Final = THIS_UPDATE - hours(2)

OLD_AND_REVOKED: Final = finding(this_update=OLDER, number=1, revoked=[LEAF.serial])
OLD_AND_GOOD: Final = finding(this_update=OLDER, number=1)


def status(*findings: CrlFinding, policy: Policy | None = None) -> RevocationStatus | None:
    """What the CRLs say, in any order of presenting them."""
    forwards, backwards = (judged(*order, policy=policy or Policy()) for order in (findings, findings[::-1]))
    assert forwards == backwards
    return None if forwards.answer is None else forwards.answer.status


# --- the newest wins -------------------------------------------------------------------------------------------------


def test_a_newer_crl_revokes() -> None:
    """An older list without the certificate changes nothing."""
    assert REVOKED == status(OLD_AND_GOOD, finding(number=2, revoked=[LEAF.serial]))


def test_a_newer_crl_lifts_a_hold() -> None:
    """A certificate that a newer list no longer has is good again, although the older list is still current."""
    assert GOOD == status(OLD_AND_REVOKED, finding(number=2))


def test_the_answer_is_the_newest_ones() -> None:
    """Source, times and number are those of the CRL that decided; what it replaced leaves no trace."""
    newest = look_up(SUB.crl(number=3), source="http://crl.example/3", tier=Tier.REDIS)
    answer = judged(OLD_AND_REVOKED, newest, finding(this_update=OLDEST, number=0)).answer
    assert answer is not None
    assert ("http://crl.example/3", Tier.REDIS, 3) == (answer.source, answer.tier, answer.crl_number)


@pytest.mark.parametrize("number", [None, 2, 3])
def test_the_later_this_update_is_the_newer(number: int | None) -> None:
    """The time decides before the number, which not every issuer writes."""
    assert GOOD == status(finding(this_update=OLDER, number=2, revoked=[LEAF.serial]), finding(number=number))


def test_a_later_this_update_with_a_lower_number() -> None:
    """Which of the two is the later one, nothing says: both are asked, and revoked wins."""
    older, newer = finding(this_update=OLDER, number=2, revoked=[LEAF.serial]), finding(number=1)
    assert REVOKED == status(older, newer)
    assert REVOKED == status(finding(this_update=OLDER, number=2), finding(number=1, revoked=[LEAF.serial]))
    assert GOOD == status(finding(this_update=OLDER, number=2), newer)


@pytest.mark.parametrize("number", [None, 0, 1])
def test_the_higher_number_is_the_newer_at_the_same_time(number: int | None) -> None:
    """Of two that were made in the same second the number decides; one that has none is the older."""
    higher = 0 if number is None else 2
    assert GOOD == status(finding(number=number, revoked=[LEAF.serial]), finding(number=higher))
    assert REVOKED == status(finding(number=number), finding(number=higher, revoked=[LEAF.serial]))


@pytest.mark.parametrize("number", [None, 2])
def test_the_same_age_with_different_content(number: int | None) -> None:
    """Of two that are equally new the one that lists the certificate is believed."""
    listing = finding(number=number, revoked={LEAF.serial: "superseded"})
    assert REVOKED == status(finding(number=number), listing)
    assert REVOKED == status(listing, finding(number=number, revoked=[1]))


def test_the_same_crl_from_two_places() -> None:
    """Which of them is named does not depend on the order: the nearest."""
    crl = SUB.crl(revoked=[LEAF.serial])
    near, far = look_up(crl, tier=Tier.MEMORY), look_up(crl, source="evidence", tier=Tier.EVIDENCE)
    other = look_up(crl, source="http://a.example/", tier=Tier.EVIDENCE)
    for order in ((near, far, other), (other, far, near), (far, near, other)):
        answer = judged(*order).answer
        assert answer is not None
        assert (URL, Tier.MEMORY) == (answer.source, answer.tier)
    assert judged(far, other) == judged(other, far)


# --- what does not replace -------------------------------------------------------------------------------------------


def test_a_stale_crl_is_not_replaced_by_an_older_one() -> None:
    """Where the newest is too old to use, one that is older still is not asked, however long it says it lasts."""
    stale = finding(number=2, next_update=NOW - SKEW - SECOND)
    assert Judgement(None, (Attempt(URL, Problem.STALE),)) == judged(OLD_AND_GOOD, stale)
    assert status(OLD_AND_GOOD, stale) is None
    assert status(OLD_AND_REVOKED, stale) is None


def test_an_unsupported_crl_is_not_replaced_by_an_older_one() -> None:
    """The newest may have said revoked in words that nobody here understands."""
    strange = finding(number=2, extensions=[UNKNOWN])
    assert Judgement(None, (Attempt(URL, Problem.UNSUPPORTED, "1.2.3.4"),)) == judged(OLD_AND_GOOD, strange)
    assert status(OLD_AND_GOOD, finding(number=2, revoked=[Entry(1, extensions=[UNKNOWN])])) is None


def test_a_crl_without_an_end_is_not_replaced_by_an_older_one() -> None:
    """The newest has no nextUpdate, and the policy no longest age."""
    endless = finding(number=2, next_update=None)
    assert status(OLD_AND_GOOD, endless) is None
    assert GOOD == status(OLD_AND_REVOKED, endless, policy=Policy(max_evidence_age=hours(5)))


@pytest.mark.parametrize("old", [OLD_AND_GOOD, OLD_AND_REVOKED])
def test_a_crl_from_the_future_supersedes_nothing(old: CrlFinding) -> None:
    """It is named as such, and the present one is asked."""
    for revoked in ([], [LEAF.serial]):
        future = finding(number=9, this_update=NOW + SKEW + SECOND, revoked=revoked)
        outcome = judged(old, future)
        assert outcome == judged(future, old)
        assert outcome.answer is not None
        assert outcome.answer == judged(old).answer
        assert (Attempt(URL, Problem.NOT_YET_VALID),) == outcome.attempts


def test_a_crl_within_the_skew_supersedes() -> None:
    """A clock that is a little ahead makes no list of the future."""
    assert GOOD == status(OLD_AND_REVOKED, finding(number=9, this_update=NOW + SKEW))


@pytest.mark.parametrize("old", [OLD_AND_GOOD, OLD_AND_REVOKED])
@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (CrlOverrides(corrupt_signature=True), Problem.BAD_SIGNATURE),
        (CrlOverrides(signing_key=STRANGER.key), Problem.BAD_SIGNATURE),
        (CrlOverrides(issuer_name="Other"), Problem.WRONG_ISSUER),
        (CrlOverrides(signature_hash="sha1"), Problem.WEAK_ALGORITHM),
    ],
)
def test_what_is_not_authentic_supersedes_nothing(overrides: CrlOverrides, problem: Problem, old: CrlFinding) -> None:
    """A newer list that the issuer did not sign takes nothing away and adds nothing."""
    for revoked in ([], [LEAF.serial]):
        forged = finding(**CrlOverrides(revoked=revoked, number=9, **overrides))
        outcome = judged(forged, old)
        assert outcome == judged(old, forged)
        assert (judged(old).answer, (Attempt(URL, problem),)) == (outcome.answer, outcome.attempts)


def test_a_weak_digest_that_is_accepted_supersedes() -> None:
    """Accepted by its name, a digest makes a list as good as any."""
    policy = Policy(weak_algorithms=frozenset({WeakAlgorithm.SHA1}))
    assert GOOD == status(OLD_AND_REVOKED, finding(number=2, signature_hash="sha1"), policy=policy)


# --- scopes replace only themselves ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        CrlOverrides(idp=IssuingDistributionPoint([URL])),
        CrlOverrides(idp=IssuingDistributionPoint([URL], only_user=True)),
        CrlOverrides(idp=IssuingDistributionPoint([URL, "http://mirror.example/"])),
        CrlOverrides(idp=IssuingDistributionPoint(only_user=True)),
        CrlOverrides(idp=IssuingDistributionPoint(only_ca=True)),
        CrlOverrides(idp=IssuingDistributionPoint(["http://crl.example/another.crl"])),
        CrlOverrides(idp=IssuingDistributionPoint(only_some_reasons={"keyCompromise"})),
        CrlOverrides(delta_base=1),
        CrlOverrides(idp=IssuingDistributionPoint(indirect=True)),
    ],
)
def test_another_scope_replaces_nothing(overrides: CrlOverrides) -> None:
    """A newer CRL of another scope or kind that does not list the certificate takes no revocation away."""
    assert REVOKED == status(OLD_AND_REVOKED, finding(**CrlOverrides(number=9, **overrides)))


def test_any_scope_may_revoke() -> None:
    """An older partition that lists the certificate is believed beside a newer complete CRL that does not."""
    partition = IssuingDistributionPoint([URL], only_user=True)
    listing = finding(this_update=OLDER, idp=partition, revoked=[LEAF.serial])
    assert REVOKED == status(listing, finding(number=2))


def test_of_several_that_revoke_the_newest_is_named() -> None:
    """The reason and the date come from the newest list that has the certificate."""
    older = finding(this_update=OLDER, revoked={LEAF.serial: "certificateHold"})
    newer = finding(idp=IssuingDistributionPoint([URL]), revoked={LEAF.serial: "keyCompromise"})
    for order in ((older, newer), (newer, older)):
        answer = judged(*order).answer
        assert answer is not None
        assert "keyCompromise" == answer.reason


def test_another_scope_that_is_of_no_use_is_named_beside_the_answer() -> None:
    """The answer does not hide what else was there."""
    stale = finding(idp=IssuingDistributionPoint([URL]), next_update=NOW - days(1))
    outcome = judged(finding(), stale)
    assert outcome.answer is not None
    assert (GOOD, (Attempt(URL, Problem.STALE),)) == (outcome.answer.status, outcome.attempts)
    outcome = judged(finding(revoked=[LEAF.serial]), stale)
    assert outcome.answer is not None
    assert (REVOKED, (Attempt(URL, Problem.STALE),)) == (outcome.answer.status, outcome.attempts)


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_namesake_supersedes_nothing() -> None:
    """Two authorities of one name under two keys: each speaks for its own certificates."""
    namesake: Authority = ROOT.subordinate("Sub", key=key("p384"))
    newer = look_up(namesake.crl(number=9), tried=(SUB, namesake))
    assert namesake.issued.spki == newer.signer_spki
    assert REVOKED == status(OLD_AND_REVOKED, newer)
    assert GOOD is judged_by(namesake, OLD_AND_REVOKED, newer)


def judged_by(issuer: Authority, *findings: CrlFinding) -> RevocationStatus | None:
    """What the CRLs say of a certificate with the leaf's number that another authority issued."""
    answer = judged(*findings, about=issuer.issue("leaf", serial=LEAF.serial), issuer=issuer).answer
    return None if answer is None else answer.status


def test_the_issuers_certificate_does_not_matter() -> None:
    """A CRL answers for every certificate of the issuer's name and key: cross-certified, renewed, as an anchor."""
    crossed = STRANGER.cross_sign(SUB)
    assert read(crossed) != read(SUB)
    assert REVOKED is judged_by(crossed, OLD_AND_REVOKED)
    assert REVOKED is judged_by(SUB.reissue(serial=7), OLD_AND_REVOKED)
