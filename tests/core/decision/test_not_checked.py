"""Certificates that need no answer: outside the scope, anchors, and those that will never have one."""

from dataclasses import replace
from typing import Final

import pytest

from service.core.model.policy import EvidenceOrder, Policy, RevocationMode, RevocationScope
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    BOTH,
    CRL,
    NONE,
    OCSP,
    REVOKED,
    ROOT,
    UNAVAILABLE,
    certificate,
    chain,
    summary,
)
from tests.core.decision.shell import Shelf, ask, statuses, trusting
from tests.pki import CertificateOverrides, Extension, der, names, oids

LEAF_ONLY: Final = Policy(revocation_scope=RevocationScope.LEAF)

# --- scope -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "expected", "said"),
    [
        (LEAF_ONLY, ALLOWED, ["good", "out_of_scope"]),
        (Policy(), REVOKED, ["good", "revoked"]),
    ],
    ids=["leaf", "chain"],
)
def test_scope_leaf_asks_about_the_leaf_alone(policy: Policy, expected: tuple[str, str, str], said: list[str]) -> None:
    """A revoked intermediate is outside it, and what lies outside leaves the status good."""
    chained = chain(leaf=CRL, sub=CRL)
    held = Shelf((chained.sub.crl(), chained.root.crl(revoked=[chained.sub.serial])))
    outcome = ask(chained.leaf, chained.store, held=held, policy=policy)
    assert (expected, said) == (summary(outcome.verdict), list(statuses(outcome.verdict)))


def test_nobody_is_asked_about_what_is_out_of_scope() -> None:
    """Neither this host nor the origin."""
    chained = chain(leaf=BOTH, sub=BOTH)
    outcome = ask(chained.leaf, chained.store, policy=LEAF_ONLY)
    assert UNAVAILABLE == summary(outcome.verdict)
    assert {"leaf"} == {asked.split()[0] for one in outcome.rounds for asked in one}


@pytest.mark.parametrize(
    ("declared", "expected"), [(CRL, REVOKED), (NONE, REVOKED)], ids=["declares a CRL", "declares nothing"]
)
def test_the_leaf_is_always_in_scope(declared: CertificateOverrides, expected: tuple[str, str, str]) -> None:
    """Scope leaf takes nothing away from it."""
    chained = chain(leaf=declared)
    held = Shelf((chained.sub.crl(revoked=[chained.leaf.serial]),))
    assert expected == summary(ask(chained.leaf, chained.store, held=held, policy=LEAF_ONLY).verdict)


def test_require_is_content_with_the_leaf_where_the_scope_is() -> None:
    """The intermediate declares nothing, which `require` denies on the whole chain only."""
    chained = chain(leaf=CRL)
    held = Shelf((chained.sub.crl(),))
    strict = RevocationMode.REQUIRE
    scopes = [RevocationScope.LEAF, RevocationScope.CHAIN]
    policies = [Policy(revocation_mode=strict, revocation_scope=scope) for scope in scopes]
    verdicts = [ask(chained.leaf, chained.store, held=held, policy=policy).verdict for policy in policies]
    assert [ALLOWED, UNAVAILABLE] == [summary(verdict) for verdict in verdicts]


# --- anchors ---------------------------------------------------------------------------------------------------------


def test_the_anchor_is_not_asked_about() -> None:
    """It is trusted by being there; its own revocation is not checked and it is not part of the path."""
    chained = chain(leaf=BOTH, sub=BOTH)
    outcome = ask(chained.leaf, chained.store)
    assert {"leaf", "Sub"} == {asked.split()[0] for one in outcome.rounds for asked in one}
    assert (certificate(chained.leaf), certificate(chained.sub)) == tuple(
        element.certificate for element in outcome.verdict.path
    )
    assert certificate(ROOT) == outcome.verdict.anchor


@pytest.mark.parametrize("mode", RevocationMode)
@pytest.mark.parametrize("scope", RevocationScope)
def test_a_leaf_that_is_an_anchor_needs_no_answer(mode: RevocationMode, scope: RevocationScope) -> None:
    """A path of length one, on which nobody is asked anything, whatever it declares and whatever is held."""
    root = ROOT.reissue(crl_urls="http://crl.example/", ocsp_urls="http://ocsp.example/")
    held = Shelf((root.crl(revoked=[root.serial]),))
    policy = Policy(revocation_mode=mode, revocation_scope=scope)
    outcome = ask(root, trusting(root), held=held, policy=policy)
    assert (ALLOWED, ["trust_anchor"], ()) == (
        summary(outcome.verdict),
        list(statuses(outcome.verdict)),
        outcome.rounds,
    )
    assert certificate(root) == outcome.verdict.anchor == outcome.verdict.path[0].certificate


# --- noRevAvail ------------------------------------------------------------------------------------------------------

NO_REV_AVAIL: Final[CertificateOverrides] = {"no_rev_avail": True}
REFUSED: Final = ("deny", "invalid", "constraint_violation")


@pytest.mark.parametrize("mode", [RevocationMode.HARD_FAIL, RevocationMode.SOFT_FAIL, RevocationMode.REQUIRE])
@pytest.mark.parametrize("order", EvidenceOrder)
def test_no_rev_avail_needs_no_answer(mode: RevocationMode, order: EvidenceOrder) -> None:
    """There will never be one (RFC 9608): not even `require` asks, and what is held is not looked at."""
    chained = chain(leaf=NO_REV_AVAIL, sub=BOTH)
    held = Shelf(
        (chained.sub.crl(revoked=[chained.leaf.serial]), chained.root.crl()),
        (chained.root.ocsp(chained.sub.issued),),
    )
    policy = Policy(revocation_mode=mode, evidence_order=order)
    outcome = ask(chained.leaf, chained.store, held=held, policy=policy)
    assert (ALLOWED_UNANSWERED, ["no_rev_avail", "good"]) == (
        summary(outcome.verdict),
        list(statuses(outcome.verdict)),
    )
    assert {"Sub"} == {asked.split()[0] for one in outcome.rounds for asked in one}


def test_no_rev_avail_without_basic_constraints_is_believed() -> None:
    """Who does not say that it is a CA is none."""
    chained = chain(leaf=NO_REV_AVAIL | {"ca": None}, sub=NONE)
    outcome = ask(chained.leaf, chained.store)
    assert ["no_rev_avail", "nothing_declared"] == list(statuses(outcome.verdict))


RESPONDER_BY_NAME: Final = Extension(
    oids.AUTHORITY_INFO_ACCESS, der.seq(der.seq(der.oid(oids.OCSP), names.directory_name("Responder")))
)


@pytest.mark.parametrize("mode", [RevocationMode.HARD_FAIL, RevocationMode.REQUIRE])
def test_a_responder_that_is_no_url_makes_an_answer_needed(mode: RevocationMode) -> None:
    """It is declared, whoever can be asked."""
    chained = chain(leaf={"extensions": [RESPONDER_BY_NAME]})
    outcome = ask(chained.leaf, chained.store, policy=replace(LEAF_ONLY, revocation_mode=mode))
    assert UNAVAILABLE == summary(outcome.verdict)


@pytest.mark.parametrize(
    "declared",
    [{"freshest_crl_urls": "http://crl.example/delta.crl"}, {"extensions": [RESPONDER_BY_NAME]}],
    ids=["freshestCRL", "a responder that is no URL"],
)
def test_no_rev_avail_beside_what_nobody_asks_is_refused(declared: CertificateOverrides) -> None:
    """It must not stand there either (RFC 9608 section 3)."""
    chained = chain(leaf=declared | NO_REV_AVAIL)
    require = replace(LEAF_ONLY, revocation_mode=RevocationMode.REQUIRE)
    assert REFUSED == summary(ask(chained.leaf, chained.store, policy=require).verdict)


@pytest.mark.parametrize("declared", [CRL, OCSP, BOTH], ids=["CRL", "OCSP", "both"])
def test_no_rev_avail_beside_a_source_is_refused(declared: CertificateOverrides) -> None:
    """Such a certificate is invalid (RFC 9608 section 3), and the source is not asked."""
    chained = chain(leaf=declared | NO_REV_AVAIL)
    outcome = ask(chained.leaf, chained.store)
    assert (REFUSED, ["not_reached", "not_reached"], ()) == (
        summary(outcome.verdict),
        list(statuses(outcome.verdict)),
        outcome.rounds,
    )


@pytest.mark.parametrize("mode", RevocationMode)
def test_no_rev_avail_in_a_ca_is_refused(mode: RevocationMode) -> None:
    """An authority can always be revoked (RFC 9608 section 3); whether anybody is asked makes no difference."""
    chained = chain(leaf=CRL, sub=NO_REV_AVAIL)
    held = Shelf((chained.sub.crl(),))
    outcome = ask(chained.leaf, chained.store, held=held, policy=Policy(revocation_mode=mode))
    assert REFUSED == summary(outcome.verdict)


def test_off_comes_before_no_rev_avail() -> None:
    """Where nothing is consulted, that is the reason."""
    chained = chain(leaf=NO_REV_AVAIL)
    outcome = ask(chained.leaf, chained.store, policy=Policy(revocation_mode=RevocationMode.OFF))
    assert ["mode_off", "mode_off"] == list(statuses(outcome.verdict))
