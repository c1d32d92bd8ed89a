"""Delegated responders: with nocheck they are trusted, without it their own revocation is asked about first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest

from service.core.model.policy import EvidenceOrder, IssuerRule, Policy, RevocationMode, RevocationScope
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    NONE,
    OCSP,
    REVOKED,
    UNAVAILABLE,
    Chain,
    chain,
    summary,
)
from tests.core.decision.issuer_rules import BY_ROOT, BY_SUB, HARD, OFF, REQUIRE, SOFT, under
from tests.core.decision.shell import Outcome, Shelf, ask, trusting
from tests.pki import NOW, CertificateOverrides, Issued, IssuingDistributionPoint, days, key
from tests.pki.ocsp import CertStatus

SHARD: Final = "http://crl.example/delegates"
"""Where the CRL about delegates is, which does not cover the leaf."""

DECLARES_CRL: Final[CertificateOverrides] = {"no_check": False, "crl_urls": SHARD}
DECLARES_OCSP: Final[CertificateOverrides] = {"no_check": False, "ocsp_urls": "http://ocsp.example/"}
DECLARES_NOTHING: Final[CertificateOverrides] = {"no_check": False}

MODES: Final = [HARD, SOFT, REQUIRE]
ADMITTING_CRLS: Final = [EvidenceOrder.CRL_FIRST, EvidenceOrder.OCSP_FIRST, EvidenceOrder.BOTH]


@dataclass(frozen=True, slots=True)
class Delegation:
    """A chain whose leaf has a delegated responder."""

    chained: Chain
    delegate: Issued

    def shard(self, *revoked: Issued, stale: bool = False) -> bytes:
        """The CRL about delegates."""
        until = NOW - days(1) if stale else NOW + days(1)
        scope = IssuingDistributionPoint([SHARD])
        return self.chained.sub.crl(idp=scope, revoked=[one.serial for one in revoked], next_update=until)

    def ask(
        self,
        mode: RevocationMode,
        order: EvidenceOrder = EvidenceOrder.CRL_FIRST,
        *,
        says: CertStatus = "good",
        held: Sequence[bytes] = (),
        origin: Sequence[bytes] = (),
    ) -> Outcome:
        """The question about the leaf alone, where its responder says this and these CRLs are there."""
        answer = self.chained.sub.ocsp(self.chained.leaf, status=says, responder=self.delegate)
        return ask(
            self.chained.leaf,
            self.chained.store,
            held=Shelf(tuple(held)),
            origin=Shelf(tuple(origin), (answer,)),
            policy=Policy(revocation_mode=mode, evidence_order=order, revocation_scope=RevocationScope.LEAF),
        )


def delegation(overrides: CertificateOverrides = NONE) -> Delegation:
    """A delegation to a responder of this kind."""
    chained = chain(leaf=OCSP)
    return Delegation(chained, chained.sub.ocsp_responder("OCSP", **overrides))


def problems(outcome: Outcome) -> set[str]:
    """Why pieces of evidence about the leaf were not usable."""
    return {one.problem.value for one in outcome.verdict.path[0].revocation.attempts}


def about_delegate(outcome: Outcome) -> list[str]:
    """What was asked about the delegate, in order."""
    return [asked for one in outcome.rounds for asked in sorted(one) if asked.startswith("OCSP ")]


# --- with nocheck ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [*ADMITTING_CRLS, EvidenceOrder.OCSP_ONLY])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("says", "expected"), [("good", ALLOWED), ("revoked", REVOKED)])
def test_with_nocheck_nobody_is_asked(
    says: CertStatus, expected: tuple[str, str, str], mode: RevocationMode, order: EvidenceOrder
) -> None:
    """It is trusted while it is valid, also where it declares a source or is listed (RFC 6960 section 4.2.2.2.1)."""
    one = delegation({"crl_urls": SHARD})
    outcome = one.ask(mode, order, says=says, held=[one.shard(one.delegate)])
    assert (expected, []) == (summary(outcome.verdict), about_delegate(outcome))


# --- without nocheck: good -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ADMITTING_CRLS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("says", "expected"), [("good", ALLOWED), ("revoked", REVOKED)])
def test_its_crl_is_fetched_and_it_is_good(
    says: CertStatus, expected: tuple[str, str, str], mode: RevocationMode, order: EvidenceOrder
) -> None:
    """Held first, then fetched; then its answer counts."""
    one = delegation(DECLARES_CRL)
    outcome = one.ask(mode, order, says=says, origin=[one.shard()])
    assert expected == summary(outcome.verdict)
    assert ["OCSP crl held", "OCSP crl origin"] == about_delegate(outcome)


@pytest.mark.parametrize("mode", MODES)
def test_a_held_crl_about_it_suffices(mode: RevocationMode) -> None:
    """Nobody is asked for what this host holds."""
    one = delegation(DECLARES_CRL)
    outcome = one.ask(mode, held=[one.shard()])
    assert (ALLOWED, ["OCSP crl held"]) == (summary(outcome.verdict), about_delegate(outcome))


def test_each_step_is_a_round_of_its_own() -> None:
    """The delegate is known only from the answer that it signed."""
    one = delegation(DECLARES_CRL)
    expected = [
        {"leaf crl held", "leaf ocsp held"},
        {"leaf ocsp origin"},
        {"OCSP crl held"},
        {"OCSP crl origin"},
    ]
    assert expected == [set(asked) for asked in one.ask(HARD, origin=[one.shard()]).rounds]


# --- without nocheck: revoked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ADMITTING_CRLS)
@pytest.mark.parametrize(
    ("mode", "expected"), [(HARD, UNAVAILABLE), (REQUIRE, UNAVAILABLE), (SOFT, ALLOWED_UNANSWERED)]
)
@pytest.mark.parametrize("says", ["good", "revoked"])
def test_a_revoked_delegate_says_nothing(
    says: CertStatus, mode: RevocationMode, expected: tuple[str, str, str], order: EvidenceOrder
) -> None:
    """Neither good nor revoked: whoever has its key writes what they like."""
    one = delegation(DECLARES_CRL)
    outcome = one.ask(mode, order, says=says, held=[one.shard(one.delegate)])
    assert expected == summary(outcome.verdict)
    assert "signer_revoked" in problems(outcome)


@pytest.mark.parametrize("mode", MODES)
def test_a_delegate_that_declares_nothing_may_be_revoked_too(mode: RevocationMode) -> None:
    """By a CRL that this host holds, which here answers for the leaf itself."""
    one = delegation(DECLARES_NOTHING)
    crl = one.chained.sub.crl(revoked=[one.delegate.serial])
    outcome = one.ask(mode, EvidenceOrder.BOTH, says="revoked", held=[crl])
    assert (ALLOWED, {"signer_revoked"}) == (summary(outcome.verdict), problems(outcome))


# --- without nocheck: unchecked --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ADMITTING_CRLS)
@pytest.mark.parametrize("mode", [HARD, REQUIRE])
@pytest.mark.parametrize("says", ["good", "revoked"])
@pytest.mark.parametrize("overrides", [DECLARES_CRL, DECLARES_OCSP], ids=["CRL", "OCSP"])
def test_a_delegate_that_nobody_vouches_for_says_nothing(
    overrides: CertificateOverrides, says: CertStatus, mode: RevocationMode, order: EvidenceOrder
) -> None:
    """It declares a source, and the source gave nothing; a responder is never asked about a responder."""
    outcome = delegation(overrides).ask(mode, order, says=says)
    assert UNAVAILABLE == summary(outcome.verdict)
    assert "signer_unchecked" in problems(outcome)
    assert not any(asked.startswith("OCSP ocsp") for asked in about_delegate(outcome))


@pytest.mark.parametrize("order", [*ADMITTING_CRLS, EvidenceOrder.OCSP_ONLY])
@pytest.mark.parametrize(("says", "expected"), [("good", ALLOWED), ("revoked", REVOKED)])
@pytest.mark.parametrize("overrides", [DECLARES_CRL, DECLARES_OCSP], ids=["CRL", "OCSP"])
def test_soft_fail_forgives_a_delegate_that_nobody_vouches_for(
    overrides: CertificateOverrides, says: CertStatus, expected: tuple[str, str, str], order: EvidenceOrder
) -> None:
    """Silence about it counts as absent, so that its revocations are heard in every order."""
    assert expected == summary(delegation(overrides).ask(SOFT, order, says=says).verdict)


@pytest.mark.parametrize(("mode", "expected"), [(HARD, UNAVAILABLE), (REQUIRE, UNAVAILABLE), (SOFT, ALLOWED)])
def test_a_held_crl_that_is_unusable_makes_an_answer_about_it_needed(
    mode: RevocationMode, expected: tuple[str, str, str]
) -> None:
    """As for every certificate, also where it declares nothing."""
    one = delegation(DECLARES_NOTHING)
    outcome = one.ask(mode, held=[one.shard(stale=True)])
    assert expected == summary(outcome.verdict)
    assert (mode is not SOFT) == ("signer_unchecked" in problems(outcome))


@pytest.mark.parametrize("order", [*ADMITTING_CRLS, EvidenceOrder.OCSP_ONLY])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("says", "expected"), [("good", ALLOWED), ("revoked", REVOKED)])
def test_a_delegate_that_declares_nothing_is_good(
    says: CertStatus, expected: tuple[str, str, str], mode: RevocationMode, order: EvidenceOrder
) -> None:
    """Nobody can answer, so that no answer is needed: `require` asks about the path, not about responders."""
    assert expected == summary(delegation(DECLARES_NOTHING).ask(mode, order, says=says).verdict)


@pytest.mark.parametrize("overrides", [DECLARES_CRL, DECLARES_OCSP], ids=["CRL", "OCSP"])
@pytest.mark.parametrize("mode", [HARD, REQUIRE])
@pytest.mark.parametrize("says", ["good", "revoked"])
def test_where_crls_are_not_admitted_nobody_vouches_for_it(
    says: CertStatus, mode: RevocationMode, overrides: CertificateOverrides
) -> None:
    """Under ocsp-only its CRL is heard where it is held, and is not fetched."""
    one = delegation(overrides)
    outcome = one.ask(mode, EvidenceOrder.OCSP_ONLY, says=says, origin=[one.shard()])
    assert UNAVAILABLE == summary(outcome.verdict)
    assert not [asked for asked in about_delegate(outcome) if "origin" in asked]
    assert "signer_unchecked" in problems(outcome)


@pytest.mark.parametrize("mode", [HARD, REQUIRE])
def test_a_delegate_that_a_held_crl_lists(mode: RevocationMode) -> None:
    """Under ocsp-only too: it declares nothing, and is revoked."""
    chained = chain()
    delegate = chained.sub.ocsp_responder("Delegate", no_check=False)
    held = Shelf((chained.sub.crl(revoked=[delegate.serial]),), (chained.sub.ocsp(chained.leaf, responder=delegate),))
    policy = Policy(mode, evidence_order=EvidenceOrder.OCSP_ONLY, revocation_scope=RevocationScope.LEAF)
    outcome = ask(chained.leaf, chained.store, held=held, policy=policy)
    assert (UNAVAILABLE, True) == (summary(outcome.verdict), "signer_revoked" in problems(outcome))


# --- several, and how long -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("says", "expected"), [("good", ALLOWED), ("revoked", REVOKED)])
def test_each_delegate_is_asked_about(says: CertStatus, expected: tuple[str, str, str]) -> None:
    """The newer answer is that of a revoked delegate, the older one that of a good one."""
    one = delegation(DECLARES_CRL)
    stolen = one.chained.sub.ocsp_responder("Stolen", **DECLARES_CRL)
    forged = one.chained.sub.ocsp(one.chained.leaf, status="good", responder=stolen, this_update=NOW)
    answer = one.chained.sub.ocsp(one.chained.leaf, status=says, responder=one.delegate)
    outcome = ask(
        one.chained.leaf,
        one.chained.store,
        held=Shelf((one.shard(stolen),), (forged, answer)),
        policy=Policy(revocation_scope=RevocationScope.LEAF),
    )
    assert (expected, {"signer_revoked", "wrong_scope"}) == (summary(outcome.verdict), problems(outcome))


def test_the_responder_of_an_intermediate_is_asked_about_too() -> None:
    """Root's delegate about Sub."""
    chained = chain(sub=OCSP)
    delegate = chained.root.ocsp_responder("OCSP", **DECLARES_CRL)
    answer = chained.root.ocsp(chained.sub.issued, responder=delegate)
    shard = chained.root.crl(idp=IssuingDistributionPoint([SHARD]), revoked=[delegate.serial])
    outcome = ask(chained.leaf, chained.store, held=Shelf((shard,), (answer,)))
    assert (UNAVAILABLE, ["OCSP crl held"]) == (summary(outcome.verdict), about_delegate(outcome))


SOON: Final = NOW + timedelta(seconds=30)


def test_an_allow_ends_with_the_delegate() -> None:
    """When its certificate has expired, its answer would not be used again."""
    assert SOON == delegation({"not_after": SOON}).ask(HARD).verdict.valid_until


@pytest.mark.parametrize("mode", MODES)
def test_an_allow_ends_with_the_crl_about_the_delegate(mode: RevocationMode) -> None:
    """When that has gone stale, the delegate is unchecked again."""
    one = delegation(DECLARES_CRL)
    skew = Policy().clock_skew
    crl = one.chained.sub.crl(idp=IssuingDistributionPoint([SHARD]), next_update=SOON - skew)
    outcome = one.ask(mode, held=[crl])
    assert (ALLOWED, SOON) == (summary(outcome.verdict), outcome.verdict.valid_until)


# --- whose CRL another key of the issuer signs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("general", "root_rule", "declares", "expected"),
    [
        (REQUIRE, REQUIRE, False, UNAVAILABLE),
        (REQUIRE, OFF, True, ALLOWED),
        (SOFT, HARD, True, UNAVAILABLE),
        (REQUIRE, None, False, ALLOWED),
        (REQUIRE, None, True, UNAVAILABLE),
        (SOFT, None, True, UNAVAILABLE),
    ],
)
def test_who_signs_about_a_delegate_is_judged_by_its_own_issuers_rule(
    general: RevocationMode, root_rule: RevocationMode | None, declares: bool, expected: tuple[str, str, str]
) -> None:
    """Root's rule counts for the renewed Sub that has signed; without one `require` asks no more than hard-fail."""
    chained = chain(leaf=OCSP)
    renewed = chained.root.subordinate("Sub", key=key("p256", 1), crl_urls=SHARD if declares else None)
    delegate = chained.sub.ocsp_responder("OCSP", **DECLARES_CRL)
    held = Shelf(
        (renewed.crl(idp=IssuingDistributionPoint([SHARD])),), (chained.sub.ocsp(chained.leaf, responder=delegate),)
    )
    policy = under(
        IssuerRule(BY_SUB, revocation_mode=REQUIRE),
        IssuerRule(BY_ROOT, revocation_mode=root_rule),
        general=Policy(general, revocation_scope=RevocationScope.LEAF),
    )
    outcome = ask(chained.leaf, trusting(chained.root, chained.sub, renewed), held=held, policy=policy)
    assert expected == summary(outcome.verdict)
