"""`valid_until`: the first moment at which anything that a verdict rests on may be otherwise."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from service.core.decision.assessment import AssessmentRequest, assess, give_up
from service.core.decision.reuse import UNDECIDED_TTL
from service.core.model.budget import Limits
from service.core.model.evidence import Evidence
from service.core.model.failure import Malformed
from service.core.model.policy import EvidenceOrder, Policy
from service.core.model.verdict import Verdict
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    BOTH,
    CRL,
    EXHAUSTED,
    NONE,
    REVOKED,
    ROOT,
    UNAVAILABLE,
    certificate,
    chain,
    summary,
)
from tests.core.decision.shell import Shelf, ask, trusting
from tests.pki import NOW, Authority, CertificateOverrides, days, hours

ROOT_2: Final = Authority.root("Root 2")
SOON: Final = NOW + timedelta(minutes=10)
FAR: Final = NOW + days(1)
SKEW: Final = Policy().clock_skew
LONG: Final = Policy(max_verdict_ttl=hours(1))
"""A cap that is not the first to end."""

# --- allow -----------------------------------------------------------------------------------------------------------


def allowed(
    leaf: CertificateOverrides = NONE,
    sub: CertificateOverrides = NONE,
    *,
    root: Authority = ROOT,
    about_leaf: datetime = FAR,
    about_sub: datetime = FAR,
    policy: Policy = LONG,
) -> Verdict:
    """An allow with CRLs about both certificates, where everything but the overrides lasts long."""
    authority = root.subordinate("Sub", **sub)
    issued = authority.issue("leaf", **leaf)
    held = Shelf((authority.crl(next_update=about_leaf), root.crl(next_update=about_sub)))
    verdict = ask(issued, trusting(root, authority), held=held, policy=policy).verdict
    assert ALLOWED == summary(verdict)
    return verdict


def test_an_allow_lasts_until_the_cap() -> None:
    """Sixty seconds unless set otherwise."""
    assert [NOW + timedelta(seconds=60), NOW + hours(1), NOW] == [
        allowed(policy=policy).valid_until for policy in (Policy(), LONG, Policy(max_verdict_ttl=timedelta(0)))
    ]


def test_an_allow_ends_with_the_leaf() -> None:
    """Its notAfter is the last moment."""
    assert SOON == allowed({"not_after": SOON}).valid_until


def test_an_allow_ends_with_an_intermediate() -> None:
    """Any of them."""
    assert SOON == allowed(sub={"not_after": SOON}).valid_until


def test_an_allow_ends_with_the_anchor() -> None:
    """Whose validity is enforced as well."""
    assert SOON == allowed(root=Authority.root("Root", not_after=SOON)).valid_until


def test_an_allow_ends_with_the_evidence_about_the_leaf() -> None:
    """When it may be used no longer: nextUpdate and the tolerance for clocks."""
    assert SOON == allowed(about_leaf=SOON - SKEW).valid_until


def test_an_allow_ends_with_the_evidence_about_an_intermediate() -> None:
    """Which is needed just as much."""
    assert SOON == allowed(about_sub=SOON - SKEW).valid_until


def test_an_allow_ends_with_whatever_ends_first() -> None:
    """One second before another end."""
    first = SOON - timedelta(seconds=1)
    assert first == allowed({"not_after": SOON}, {"not_after": first}, about_leaf=SOON).valid_until


def test_an_allow_without_evidence_lasts_until_the_cap() -> None:
    """Nothing else can end."""
    chained = chain()
    verdict = ask(chained.leaf, chained.store).verdict
    assert (ALLOWED_UNANSWERED, NOW + timedelta(seconds=60)) == (summary(verdict), verdict.valid_until)


def test_an_anchor_as_leaf_ends_with_itself() -> None:
    """There is nothing else."""
    root = Authority.root("Root", not_after=SOON)
    assert SOON == ask(root, trusting(root), policy=LONG).verdict.valid_until


def test_an_allow_ends_with_the_ocsp_answer() -> None:
    """It is evidence like any other."""
    chained = chain(leaf=BOTH)
    held = Shelf(ocsp=(chained.sub.ocsp(chained.leaf, next_update=SOON - SKEW),))
    assert SOON == ask(chained.leaf, chained.store, held=held, policy=LONG).verdict.valid_until


@pytest.mark.parametrize("order", [EvidenceOrder.CRL_FIRST, EvidenceOrder.OCSP_FIRST, EvidenceOrder.BOTH])
@pytest.mark.parametrize(("crl", "ocsp"), [(SOON - SKEW, FAR), (FAR, SOON - SKEW)], ids=["CRL", "OCSP"])
def test_of_two_answers_the_first_to_end_ends_the_allow(crl: datetime, ocsp: datetime, order: EvidenceOrder) -> None:
    """Whichever is reported: behind the one that ends, an older one may say revoked."""
    chained = chain(leaf=BOTH)
    held = Shelf((chained.sub.crl(next_update=crl),), (chained.sub.ocsp(chained.leaf, next_update=ocsp),))
    policy = Policy(evidence_order=order, max_verdict_ttl=hours(1))
    assert SOON == ask(chained.leaf, chained.store, held=held, policy=policy).verdict.valid_until


# --- deny ------------------------------------------------------------------------------------------------------------


def test_a_revocation_lasts_until_the_cap() -> None:
    """A hold may be released in the next CRL."""
    chained = chain()
    verdict = ask(chained.leaf, chained.store, held=Shelf((chained.sub.crl(revoked=[chained.leaf.serial]),))).verdict
    assert (REVOKED, NOW + timedelta(seconds=60)) == (summary(verdict), verdict.valid_until)


@pytest.mark.parametrize("subject", ["leaf", "Sub"])
def test_a_revocation_ends_with_its_evidence(subject: str) -> None:
    """From then on nobody knows."""
    chained = chain()
    crls = {
        "leaf": chained.sub.crl(revoked=[chained.leaf.serial], next_update=SOON - SKEW),
        "Sub": chained.root.crl(revoked=[chained.sub.serial], next_update=SOON - SKEW),
    }
    verdict = ask(chained.leaf, chained.store, held=Shelf((crls[subject],)), policy=LONG).verdict
    assert (REVOKED, SOON) == (summary(verdict), verdict.valid_until)


@pytest.mark.parametrize(
    ("cap", "until"),
    [
        (timedelta(seconds=60), NOW + timedelta(seconds=5)),
        (timedelta(seconds=5), NOW + timedelta(seconds=5)),
        (timedelta(seconds=4), NOW + timedelta(seconds=4)),
        (timedelta(0), NOW),
    ],
)
def test_what_the_next_attempt_may_change_lasts_five_seconds_at_most(cap: timedelta, until: datetime) -> None:
    """Unavailable, or a spent budget; a shorter cap holds."""
    chained = chain(leaf=CRL)
    policy = Policy(max_verdict_ttl=cap)
    unavailable = ask(chained.leaf, chained.store, policy=policy).verdict
    request = AssessmentRequest(certificate(chained.leaf), chained.store)
    exhausted = give_up("rounds", 16, request, policy, NOW)
    assert [UNAVAILABLE, EXHAUSTED] == [summary(unavailable), summary(exhausted)]
    assert [until, until] == [unavailable.valid_until, exhausted.valid_until]


@pytest.mark.parametrize(
    ("not_before", "until"),
    [(SOON, SOON), (NOW + timedelta(seconds=1), NOW + timedelta(seconds=1)), (NOW + days(1), NOW + hours(1))],
    ids=["soon", "in a second", "tomorrow"],
)
@pytest.mark.parametrize("subject", ["leaf", "Sub"])
def test_not_yet_valid_ends_with_not_before(not_before: datetime, until: datetime, subject: str) -> None:
    """Or with the cap, whichever comes first."""
    ahead: CertificateOverrides = {"not_before": not_before}
    chained = chain(leaf=ahead) if subject == "leaf" else chain(sub=ahead)
    verdict = ask(chained.leaf, chained.store, policy=LONG).verdict
    assert ("not_yet_valid", until) == (verdict.code.value, verdict.valid_until)


@pytest.mark.parametrize(
    "overrides",
    [{"not_after": NOW - days(1)}, {"corrupt_signature": True}, {"issuer_name": "Nobody"}],
    ids=["expired", "bad signature", "untrusted"],
)
def test_a_path_failure_lasts_until_the_cap(overrides: CertificateOverrides) -> None:
    """Time does not mend it."""
    chained = chain(leaf=overrides)
    assert NOW + hours(1) == ask(chained.leaf, chained.store, policy=LONG).verdict.valid_until


def test_a_malformed_leaf_lasts_until_the_cap() -> None:
    """It will not be readable later."""
    request = AssessmentRequest(Malformed("truncated DER"), trusting(ROOT))
    verdict = assess(request, Evidence(), LONG, NOW)
    assert isinstance(verdict, Verdict)
    assert NOW + hours(1) == verdict.valid_until


# --- deny, several paths ---------------------------------------------------------------------------------------------

LAST: Final[CertificateOverrides] = {"subject_key_identifier": b"tried last"}


def denied(one: CertificateOverrides, other: CertificateOverrides, *crls: bytes) -> Verdict:
    """A deny where Sub is certified by Root and by Root 2."""
    sub = ROOT.subordinate("Sub")
    first, second = ROOT.subordinate("Sub", **one), ROOT_2.cross_sign(sub, **other)
    store = trusting(ROOT, ROOT_2, first, second)
    verdict = ask(sub.issue("leaf"), store, held=Shelf(crls), policy=LONG).verdict
    assert "deny" == verdict.decision.value
    return verdict


def test_a_deny_ends_when_another_path_becomes_valid() -> None:
    """One intermediate has expired, and its successor starts soon."""
    verdict = denied({"not_after": NOW - days(1)}, {"not_before": SOON})
    assert ("expired", SOON) == (verdict.code.value, verdict.valid_until)


def test_a_deny_ends_when_another_path_may_be_answered() -> None:
    """One intermediate is revoked, and what is known of the other may come with the next attempt."""
    first = ROOT.subordinate("Sub")
    verdict = denied({}, CRL, ROOT.crl(revoked=[first.serial]))
    assert (REVOKED, NOW + UNDECIDED_TTL) == (summary(verdict), verdict.valid_until)


def test_a_revoked_leaf_is_looked_at_again_when_another_path_becomes_valid() -> None:
    """The path that was tried first is not valid yet; what it makes of the leaf is not known before."""
    sub = ROOT.subordinate("Sub", not_before=SOON)
    leaf = sub.issue("leaf")
    store = trusting(ROOT, ROOT_2, sub, ROOT_2.cross_sign(sub, **LAST))
    verdict = ask(leaf, store, held=Shelf((sub.crl(revoked=[leaf.serial]),)), policy=LONG).verdict
    assert (REVOKED, SOON) == (summary(verdict), verdict.valid_until)


def test_a_spent_budget_ends_when_another_path_becomes_valid() -> None:
    """Within the five seconds."""
    sub = ROOT.subordinate("Sub")
    ahead = NOW + timedelta(seconds=2)
    leaf = sub.issue("leaf", not_before=ahead)
    store = trusting(ROOT, ROOT_2, sub, ROOT_2.cross_sign(sub))
    verdict = ask(leaf, store, policy=Policy(limits=Limits(paths=1))).verdict
    assert (EXHAUSTED, ahead) == (summary(verdict), verdict.valid_until)
