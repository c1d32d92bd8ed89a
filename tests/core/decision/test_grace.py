"""Evidence that serves after its end: every use of it shows in the verdict, and nothing else does."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from service.core.model.policy import EvidenceOrder, Policy, RevocationMode, RevocationScope
from service.core.model.verdict import Note
from tests.core.decision.chains import ALLOWED, BOTH, OCSP, REVOKED, ROOT, UNAVAILABLE, chain, summary
from tests.core.decision.shell import CRL_URL, Outcome, Shelf, ask, trusting
from tests.pki import NOW, IssuingDistributionPoint, hours, key
from tests.pki.extensions import Reason
from tests.pki.ocsp import CertStatus

SKEW: Final = Policy().clock_skew
GRACE: Final = hours(2)
TICK: Final = timedelta(microseconds=1)
ENDED: Final = NOW - SKEW - hours(1)
LENIENT: Final = Policy(grace=GRACE, revocation_scope=RevocationScope.LEAF)
CHAIN: Final = chain(leaf=BOTH)
SHARD: Final = "http://crl.example/signers"
LASTS: Final = NOW + hours(1)

ALL_BUT_KEY_COMPROMISE: Final[frozenset[Reason]] = frozenset(
    {
        "cACompromise",
        "affiliationChanged",
        "superseded",
        "cessationOfOperation",
        "certificateHold",
        "privilegeWithdrawn",
        "aACompromise",
    }
)


def leaf_notes(outcome: Outcome) -> tuple[Note, ...]:
    """What is noted about the evidence for the leaf."""
    return outcome.verdict.path[0].revocation.notes


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("method", ["crl", "ocsp"])
def test_ended_evidence_shows(method: str, *, revoked: bool) -> None:
    """Good or revoked, CRL or OCSP answer."""
    crl = CHAIN.sub.crl(revoked=[CHAIN.leaf.serial] if revoked else [], next_update=ENDED)
    status: CertStatus = "revoked" if revoked else "good"
    answer = CHAIN.sub.ocsp(CHAIN.leaf, status=status, this_update=ENDED - hours(1), next_update=ENDED)
    held = Shelf((crl,)) if method == "crl" else Shelf(ocsp=(answer,))
    found = ask(CHAIN.leaf, CHAIN.store, held=held, policy=LENIENT)
    assert (REVOKED if revoked else ALLOWED, (Note.IN_GRACE,)) == (summary(found.verdict), leaf_notes(found))
    assert ENDED + SKEW + GRACE == found.verdict.path[0].revocation.usable_until
    assert UNAVAILABLE == summary(ask(CHAIN.leaf, CHAIN.store, held=held).verdict)


@pytest.mark.parametrize(("at", "notes"), [(NOW, ()), (NOW + TICK, (Note.IN_GRACE,))])
def test_grace_begins_after_the_tolerance(at: datetime, notes: tuple[Note, ...]) -> None:
    """A clock that is a little late is no reason to warn anybody."""
    held = Shelf((CHAIN.sub.crl(next_update=NOW - SKEW),))
    found = ask(CHAIN.leaf, CHAIN.store, held=held, policy=LENIENT, at=at)
    assert (ALLOWED, notes) == (summary(found.verdict), leaf_notes(found))


def test_current_evidence_is_in_no_grace() -> None:
    """However much of it the policy grants."""
    held = Shelf((CHAIN.sub.crl(),), (CHAIN.sub.ocsp(CHAIN.leaf),))
    assert () == leaf_notes(ask(CHAIN.leaf, CHAIN.store, held=held, policy=LENIENT))


def test_a_delta_in_grace_over_a_current_crl() -> None:
    """What is combined is as old as the older of the two."""
    base = CHAIN.sub.crl(number=1)
    delta = CHAIN.sub.crl(number=2, delta_base=1, next_update=ENDED)
    found = ask(CHAIN.leaf, CHAIN.store, held=Shelf((base, delta)), policy=LENIENT)
    assert (ALLOWED, (Note.IN_GRACE,)) == (summary(found.verdict), leaf_notes(found))


@pytest.mark.parametrize(("end", "notes"), [(ENDED, (Note.IN_GRACE,)), (LASTS, ())])
def test_of_several_crls_each_counts(end: datetime, notes: tuple[Note, ...]) -> None:
    """Reasons may be spread over several lists: what is concluded from all rests on each."""
    compromise = IssuingDistributionPoint(only_some_reasons=frozenset({"keyCompromise"}))
    others = IssuingDistributionPoint(only_some_reasons=ALL_BUT_KEY_COMPROMISE)
    crls = (CHAIN.sub.crl(idp=compromise, next_update=LASTS), CHAIN.sub.crl(idp=others, next_update=end))
    found = ask(CHAIN.leaf, CHAIN.store, held=Shelf(crls), policy=LENIENT)
    assert (ALLOWED, notes) == (summary(found.verdict), leaf_notes(found))


def test_the_list_that_ends_first_need_not_be_the_one_in_grace() -> None:
    """A limit to the age of evidence may end a current list before one that serves in grace."""
    compromise = IssuingDistributionPoint(only_some_reasons=frozenset({"keyCompromise"}))
    others = IssuingDistributionPoint(only_some_reasons=ALL_BUT_KEY_COMPROMISE)
    ended = CHAIN.sub.crl(idp=compromise, this_update=ENDED - TICK, next_update=ENDED)
    current = CHAIN.sub.crl(idp=others, this_update=ENDED - hours(1), next_update=LASTS)
    policy = replace(LENIENT, grace=hours(9), max_evidence_age=hours(4))
    found = ask(CHAIN.leaf, CHAIN.store, held=Shelf((ended, current)), policy=policy)
    assert (ALLOWED, (Note.IN_GRACE,)) == (summary(found.verdict), leaf_notes(found))


def test_both_things_that_can_be_noted() -> None:
    """One does not hide the other."""
    held = Shelf((CHAIN.sub.crl(number=None, next_update=ENDED),))
    found = ask(CHAIN.leaf, CHAIN.store, held=held, policy=LENIENT)
    assert (Note.NO_CRL_NUMBER, Note.IN_GRACE) == leaf_notes(found)


@pytest.mark.parametrize(("end", "notes"), [(ENDED, (Note.IN_GRACE,)), (LASTS, ())])
def test_what_is_known_of_a_crls_signer(end: datetime, notes: tuple[Note, ...]) -> None:
    """The CRL is current, and the evidence that vouches for its signer is not."""
    sub = ROOT.subordinate("Sub", crl_urls=CRL_URL)
    renewed = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=SHARD)
    leaf = sub.issue("leaf", crl_urls=CRL_URL)
    about_signer = ROOT.crl(idp=IssuingDistributionPoint([SHARD]), next_update=end)
    policy = Policy(RevocationMode.REQUIRE, grace=GRACE, revocation_scope=RevocationScope.LEAF)
    found = ask(leaf, trusting(ROOT, sub, renewed), held=Shelf((renewed.crl(), about_signer)), policy=policy)
    assert (ALLOWED, notes) == (summary(found.verdict), leaf_notes(found))


@pytest.mark.parametrize(("end", "notes"), [(ENDED, (Note.IN_GRACE,)), (LASTS, ())])
def test_what_is_known_of_a_delegate(end: datetime, notes: tuple[Note, ...]) -> None:
    """The same for a responder that the issuer has delegated to."""
    chained = chain(leaf=OCSP)
    delegate = chained.sub.ocsp_responder("OCSP", no_check=False, crl_urls=SHARD)
    scope = IssuingDistributionPoint([SHARD])
    crl = chained.sub.crl(idp=scope, next_update=end)
    held = Shelf((crl,), (chained.sub.ocsp(chained.leaf, responder=delegate),))
    found = ask(chained.leaf, chained.store, held=held, policy=LENIENT)
    assert (ALLOWED, notes) == (summary(found.verdict), leaf_notes(found))


@pytest.mark.parametrize("order", [EvidenceOrder.CRL_FIRST, EvidenceOrder.BOTH])
def test_what_is_current_is_looked_for_no_further(order: EvidenceOrder) -> None:
    """Evidence in grace is evidence: nobody is asked for another one by the request that it serves."""
    held = Shelf((CHAIN.sub.crl(next_update=ENDED),), (CHAIN.sub.ocsp(CHAIN.leaf),))
    policy = Policy(evidence_order=order, grace=GRACE, revocation_scope=RevocationScope.LEAF)
    assert frozenset() == ask(CHAIN.leaf, CHAIN.store, held=held, policy=policy).fetched
