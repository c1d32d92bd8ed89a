"""What is blocked is denied: whatever else is true of it, whatever is asked, and whoever else would vouch for it."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.decision.assessment import AssessmentRequest, give_up
from service.core.decision.block_list import NO_BLOCKS
from service.core.model.attempt import Problem
from service.core.model.budget import Limits
from service.core.model.failure import Blocked, BudgetExhausted, Malformed
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from service.core.model.verdict import Decision, Method, Verdict
from service.core.path.trust_store import AnchorRule, build_trust_store
from tests.core.decision.blocking import FORMS, Form, blocking
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    BOTH,
    CRL,
    OCSP,
    REVOKED,
    ROOT,
    UNAVAILABLE,
    certificate,
    chain,
    summary,
)
from tests.core.decision.pieces import CHAIN, DISCREDITING, SOUND, VOUCHED, WORTHLESS, Piece, shelf
from tests.core.decision.shell import CRL_URL, Outcome, Shelf, ask, statuses, trusting
from tests.core.decision.test_properties import ANY, POLICIES
from tests.pki import NOW, Authority, CertificateOverrides, Issued, days, hours, key

BLOCKED: Final = ("deny", "revoked", "blocked")
ROOT_2: Final = Authority.root("Root 2")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")
STORE: Final = trusting(ROOT, SUB)
LAST: Final[CertificateOverrides] = {"subject_key_identifier": b"tried last"}
EXPIRED: Final[CertificateOverrides] = {"not_after": NOW - days(1)}


def named(verdict: Verdict) -> tuple[str, str]:
    """The subject of the certificate that is blocked, and the id of the block."""
    assert isinstance(verdict.failure, Blocked)
    return verdict.failure.certificate.subject.text.removeprefix("CN="), verdict.failure.block.id


# --- the leaf --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_blocked_leaf(form: Form) -> None:
    """Denied by every form, without asking anybody; the path says which certificate, by which block, and why."""
    assert ALLOWED_UNANSWERED == summary(ask(LEAF, STORE).verdict)
    outcome = ask(LEAF, STORE, blocks=blocking(LEAF, form=form))
    assert (BLOCKED, ("leaf", "b1"), ()) == (summary(outcome.verdict), named(outcome.verdict), outcome.rounds)
    leaf, sub = outcome.verdict.path
    assert (Method.BLOCK, "b1", "stolen") == (
        leaf.revocation.method,
        leaf.revocation.source,
        leaf.revocation.block and leaf.revocation.block.reason,
    )
    assert ["revoked", "not_reached"] == list(statuses(outcome.verdict))
    assert (certificate(SUB), certificate(ROOT)) == (sub.certificate, outcome.verdict.anchor)


@pytest.mark.parametrize(
    ("leaf", "has_path"),
    [
        (SUB.issue("leaf", **EXPIRED), True),
        (SUB.issue("leaf", not_before=NOW + days(1)), True),
        (SUB.issue("leaf", extended_key_usage="serverAuth"), True),
        (SUB.issue("leaf", **CRL), True),
        (SUB.issue("leaf", corrupt_signature=True), False),
        (Authority.root("Nobody").issue("leaf"), False),
        (Authority.root("Itself"), False),
    ],
    ids=["expired", "not yet valid", "wrong purpose", "no answer", "forged", "no issuer", "self-signed"],
)
def test_a_block_comes_before_whatever_else_is_wrong(leaf: Issued | Authority, has_path: bool) -> None:
    """The path is given where there is one."""
    assert "deny" == ask(leaf, STORE).verdict.decision.value
    verdict = ask(leaf, STORE, blocks=blocking(leaf)).verdict
    assert (BLOCKED, has_path) == (summary(verdict), bool(verdict.path))
    assert has_path == (verdict.anchor is not None)


def test_a_malformed_leaf_comes_before_a_block() -> None:
    """What cannot be read matches no block."""
    request = AssessmentRequest(Malformed("noise"), STORE, blocking(LEAF))
    verdict = give_up("rounds", 1, request, Policy(), NOW)
    assert "budget_exhausted" == verdict.code.value


@pytest.mark.parametrize("limits", [Limits(signatures=0), Limits(steps=0), Limits(paths=0)])
def test_a_block_comes_before_the_budget(limits: Limits) -> None:
    """Whatever a path would cost; one that is too dear is not given."""
    policy = Policy(limits=limits)
    assert "budget_exhausted" == ask(LEAF, STORE, policy=policy).verdict.code.value
    verdict = ask(LEAF, STORE, policy=policy, blocks=blocking(LEAF)).verdict
    assert (BLOCKED, ("leaf", "b1")) == (summary(verdict), named(verdict))


def test_a_block_comes_before_the_budget_of_the_shell() -> None:
    """Whoever gives up gathering evidence says of a blocked leaf that it is blocked, and of another that it gave up."""
    for blocks, expected in ((blocking(LEAF), Blocked), (blocking(SUB), BudgetExhausted)):
        verdict = give_up("rounds", 1, AssessmentRequest(certificate(LEAF), STORE, blocks), Policy(), NOW)
        assert (expected, certificate(LEAF)) == (type(verdict.failure), verdict.certificate)


def test_a_block_comes_before_revoked_and_good() -> None:
    """Evidence that it is revoked, and evidence that it is not."""
    one = chain(leaf=BOTH)
    for held in (Shelf((one.sub.crl(revoked=[one.leaf.serial]),)), Shelf((one.sub.crl(), one.root.crl()))):
        assert summary(ask(one.leaf, one.store, held=held).verdict) in {REVOKED, ALLOWED}
        assert BLOCKED == summary(ask(one.leaf, one.store, held=held, blocks=blocking(one.leaf)).verdict)


def test_a_leaf_that_is_an_anchor() -> None:
    """Its revocation is not checked, blocks on it are; it is its own path."""
    store = trusting(ROOT)
    assert ALLOWED_UNANSWERED[0] == ask(ROOT, store, policy=Policy()).verdict.decision.value
    verdict = ask(ROOT, store, blocks=blocking(ROOT)).verdict
    assert (BLOCKED, ["revoked"], certificate(ROOT)) == (summary(verdict), list(statuses(verdict)), verdict.anchor)


# --- intermediates and anchors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("whom", [SUB, ROOT], ids=["intermediate", "anchor"])
def test_a_blocked_issuer(whom: Authority, form: Form) -> None:
    """Whatever it issued is denied; the anchor is no part of the path and is named all the same."""
    verdict = ask(LEAF, STORE, blocks=blocking(whom, form=form)).verdict
    assert (BLOCKED, certificate(whom)) == (summary(verdict), getattr(verdict.failure, "certificate", None))
    expected = ["not_reached", "revoked"] if whom is SUB else ["not_reached", "not_reached"]
    assert expected == list(statuses(verdict))


def test_other_paths_are_tried() -> None:
    """A blocked intermediate fails its own path only; where both are blocked, or the other one fails, it is denied."""
    second = ROOT_2.cross_sign(SUB)
    store = trusting(ROOT, SUB, ROOT_2, second)
    for blocked, other in ((SUB, second), (second, SUB)):
        verdict = ask(LEAF, store, blocks=blocking(blocked)).verdict
        assert (ALLOWED_UNANSWERED, certificate(other)) == (summary(verdict), verdict.path[1].certificate)
    assert BLOCKED == summary(ask(LEAF, store, blocks=blocking(SUB, second)).verdict)


@pytest.mark.parametrize("order", [{}, LAST], ids=["tried first", "tried last"])
def test_of_several_failed_paths_the_blocked_one_is_reported(order: CertificateOverrides) -> None:
    """Before one that is expired, without an answer, or revoked."""
    blocked = ROOT.subordinate("Sub", **order)
    failing: list[CertificateOverrides] = [EXPIRED, CRL]
    for overrides in failing:
        second = ROOT_2.cross_sign(blocked, **overrides)
        verdict = ask(LEAF, trusting(ROOT, blocked, ROOT_2, second), blocks=blocking(blocked)).verdict
        assert (BLOCKED, certificate(ROOT)) == (summary(verdict), verdict.anchor)
    second = ROOT_2.cross_sign(blocked)
    held = Shelf((ROOT_2.crl(revoked=[second.serial]),))
    store = trusting(ROOT, blocked, ROOT_2, second)
    assert BLOCKED == summary(ask(LEAF, store, held=held, blocks=blocking(blocked)).verdict)


def test_a_blocked_path_and_a_spent_budget() -> None:
    """It is denied as blocked, and no longer than what was not looked at may be kept."""
    first = ROOT.subordinate("Sub", subject_key_identifier=certificate(SUB).extensions.subject_key_identifier)
    second = ROOT_2.cross_sign(SUB, **LAST)
    store = trusting(ROOT, first, ROOT_2, second)
    policy = Policy(limits=Limits(paths=0))
    verdict = ask(LEAF, store, policy=policy, blocks=blocking(first)).verdict
    assert (BLOCKED, NOW + timedelta(seconds=5)) == (summary(verdict), verdict.valid_until)


def test_a_blocked_path_comes_before_what_is_wrong_with_it() -> None:
    """An expired leaf below a blocked intermediate is blocked."""
    leaf = SUB.issue("leaf", **EXPIRED)
    assert BLOCKED == summary(ask(leaf, STORE, blocks=blocking(SUB)).verdict)


def test_everything_blocked_in_a_path_is_shown() -> None:
    """The leaf is what is reported."""
    verdict = ask(LEAF, STORE, blocks=blocking(SUB, LEAF, ROOT)).verdict
    assert (["revoked", "revoked"], ("leaf", "b2")) == (list(statuses(verdict)), named(verdict))
    assert ["b2", "b1"] == [element.revocation.source for element in verdict.path]


# --- in every mode ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", RevocationScope)
@pytest.mark.parametrize("mode", RevocationMode)
@pytest.mark.parametrize("whom", [LEAF, SUB, ROOT], ids=["leaf", "intermediate", "anchor"])
def test_in_every_mode_and_scope(whom: Issued | Authority, mode: RevocationMode, scope: RevocationScope) -> None:
    """Also where no evidence is asked for."""
    policy = Policy(revocation_mode=mode, revocation_scope=scope)
    assert BLOCKED == summary(ask(LEAF, STORE, policy=policy, blocks=blocking(whom)).verdict)


def test_a_certificate_that_needs_no_answer() -> None:
    """RFC 9608: no evidence will ever say that it is revoked; an operator may."""
    leaf = SUB.issue("leaf", no_rev_avail=True)
    assert "allow" == ask(leaf, STORE).verdict.decision.value
    assert BLOCKED == summary(ask(leaf, STORE, blocks=blocking(leaf)).verdict)


def test_another_moment_than_now() -> None:
    """A block is judged by the clock and not by the moment in question, before and after."""
    until = NOW + hours(1)
    for at in (NOW - days(2), NOW + days(2)):
        verdicts = [
            ask(LEAF, STORE, at=at, blocks=blocking(LEAF, until=until, now=now)).verdict for now in (NOW, until)
        ]
        assert [BLOCKED, ALLOWED_UNANSWERED] == [summary(verdict) for verdict in verdicts]


# --- how long --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lasts", "reused"), [(None, 60), (hours(1), 60), (timedelta(seconds=7), 7)])
@pytest.mark.parametrize("whom", [LEAF, SUB], ids=["leaf", "intermediate"])
def test_how_long_a_denial_may_be_reused(whom: Issued | Authority, lasts: timedelta | None, reused: int) -> None:
    """As long as any other, and no longer than the block."""
    until = None if lasts is None else NOW + lasts
    verdict = ask(LEAF, STORE, blocks=blocking(whom, until=until)).verdict
    assert (BLOCKED, NOW + timedelta(seconds=reused)) == (summary(verdict), verdict.valid_until)


# --- who is blocked vouches for nobody -------------------------------------------------------------------------------


def problems(outcome: Outcome) -> set[Problem]:
    """What was wrong with the evidence about the leaf that was found."""
    return {one.problem for one in outcome.verdict.path[0].revocation.attempts} - {Problem.UNREACHABLE}


def test_a_blocked_signer_of_crls() -> None:
    """Its list makes nothing good, in no form of the block, and neither does one of a key below a blocked authority."""
    sub = ROOT.subordinate("Sub", **CRL)
    leaf = sub.issue("leaf", **CRL)
    renewed = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=CRL_URL)
    for_crls = renewed.subordinate("Sub", key=key("p256", 2), crl_urls=CRL_URL)
    store = trusting(ROOT, sub, renewed, for_crls)
    for signer, blocked in ((renewed, renewed), (for_crls, renewed), (for_crls, for_crls)):
        held = Shelf((ROOT.crl(), renewed.crl(), signer.crl()) if signer is for_crls else (ROOT.crl(), signer.crl()))
        assert ALLOWED == summary(ask(leaf, store, held=held).verdict)
        for form in FORMS:
            only = Shelf((ROOT.crl(), signer.crl()))
            outcome = ask(leaf, store, held=only, blocks=blocking(blocked, form=form))
            assert (UNAVAILABLE, {Problem.SIGNER_BLOCKED}) == (summary(outcome.verdict), problems(outcome))


def test_a_blocked_anchor_of_the_same_authority() -> None:
    """The old key of a root whose new one stands in the path: what it signs is not used any more."""
    old = Authority.root("Rolling")
    new = old.cross_sign(Authority.root("Rolling", key=key("p256", 8)))
    leaf = new.issue("leaf", **CRL)
    store = build_trust_store("test", map(certificate, (old, new)), rule=AnchorRule.EVERY)
    held = Shelf((old.crl(),))
    assert ALLOWED == summary(ask(leaf, store, held=held).verdict)
    assert UNAVAILABLE == summary(ask(leaf, store, held=held, blocks=blocking(old)).verdict)


def test_signers_that_speak_of_each_other() -> None:
    """What a blocked signer says of another signer is not heard either."""
    sub = ROOT.subordinate("Sub", **CRL)
    one = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=CRL_URL)
    two = sub.cross_sign(ROOT.subordinate("Sub", key=key("p256", 2)), **CRL)
    leaf = sub.issue("leaf", **CRL)
    store = trusting(ROOT, sub, one, two)
    held = Shelf((ROOT.crl(), one.crl(revoked=[two.serial]), two.crl(this_update=NOW - hours(2))))
    outcome = ask(leaf, store, held=held, blocks=blocking(one))
    assert (ALLOWED, {Problem.SIGNER_BLOCKED}) == (summary(outcome.verdict), problems(outcome))


@pytest.mark.parametrize("no_check", [True, False])
def test_a_blocked_delegate(no_check: bool) -> None:
    """An OCSP answer that it signed is not used, with or without nocheck."""
    one = chain(leaf=OCSP)
    delegate = one.sub.ocsp_responder("OCSP", no_check=no_check)
    held = Shelf((), (one.sub.ocsp(one.leaf, responder=delegate),))
    policy = Policy(revocation_scope=RevocationScope.LEAF)
    assert ALLOWED == summary(ask(one.leaf, one.store, held=held, policy=policy).verdict)
    for form in FORMS:
        outcome = ask(one.leaf, one.store, held=held, policy=policy, blocks=blocking(delegate, form=form))
        assert (UNAVAILABLE, {Problem.SIGNER_BLOCKED}) == (summary(outcome.verdict), problems(outcome))


def test_a_blocked_responder_that_the_operator_trusts() -> None:
    """The block is the later word."""
    one = chain(leaf=OCSP)
    gateway = ROOT_2.ocsp_responder("Gateway")
    policy = Policy(revocation_scope=RevocationScope.LEAF, trusted_responders=(certificate(gateway),))
    held = Shelf((), (one.sub.ocsp(one.leaf, responder=gateway),))
    assert ALLOWED == summary(ask(one.leaf, one.store, held=held, policy=policy).verdict)
    outcome = ask(one.leaf, one.store, held=held, policy=policy, blocks=blocking(gateway))
    assert (UNAVAILABLE, {Problem.SIGNER_BLOCKED}) == (summary(outcome.verdict), problems(outcome))


# --- for any evidence and any policy ---------------------------------------------------------------------------------

WHOEVER: Final = st.lists(st.sampled_from([CHAIN.leaf, CHAIN.sub, CHAIN.root]), min_size=1, unique_by=id)


@given(POLICIES, ANY, ANY, WHOEVER, st.sampled_from(FORMS), st.timedeltas(days(-400), days(400)))
def test_what_is_blocked_is_never_allowed(
    policy: Policy, held: list[Piece], origin: list[Piece], whom: list[Issued | Authority], form: Form, at: timedelta
) -> None:
    """Whatever is held, fetched, asked for, and at whatever moment."""
    blocks = blocking(*whom, form=form)
    outcome = ask(
        CHAIN.leaf,
        CHAIN.store,
        held=shelf(held),
        origin=shelf(origin),
        policy=policy,
        at=NOW + at,
        blocks=blocks,
    )
    assert (Decision.DENY, "blocked") == (outcome.verdict.decision, outcome.verdict.code.value)


@given(POLICIES, ANY, ANY)
def test_a_block_on_somebody_else_changes_nothing(policy: Policy, held: list[Piece], origin: list[Piece]) -> None:
    """Neither the verdict nor what is asked for."""
    stranger = blocking(SUB.issue("stranger", serial=0x5EED))
    plain, blocked = (
        ask(CHAIN.leaf, CHAIN.store, held=shelf(held), origin=shelf(origin), policy=policy, blocks=blocks)
        for blocks in (NO_BLOCKS, stranger)
    )
    assert replace(blocked, request=plain.request) == plain


def test_all_evidence_at_once() -> None:
    """Everything that vouches for the leaf together does not outweigh a block."""
    everything = shelf([*SOUND, *VOUCHED, *DISCREDITING, *WORTHLESS])
    assert BLOCKED == summary(ask(CHAIN.leaf, CHAIN.store, held=everything, blocks=blocking(CHAIN.leaf)).verdict)
