"""Every revocation mode in every situation, for leaf and intermediate alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from service.core.model.evidence import Reach
from service.core.model.failure import Revoked
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    BOTH,
    CRL,
    NONE,
    OCSP,
    REVOKED,
    UNAVAILABLE,
    Chain,
    certificate,
    chain,
    summary,
)
from tests.core.decision.shell import Outcome, Shelf, ask, statuses
from tests.pki import CertificateOverrides
from tests.pki.ocsp import CertStatus

Expected = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Situation:
    """What one certificate declares, and what each method says of it; None where it cannot be reached."""

    declared: CertificateOverrides
    crl: CertStatus | None = None
    ocsp: CertStatus | None = None


HARD, SOFT, REQUIRE, OFF = (
    RevocationMode.HARD_FAIL,
    RevocationMode.SOFT_FAIL,
    RevocationMode.REQUIRE,
    RevocationMode.OFF,
)

SITUATIONS: Final[Mapping[str, Situation]] = {
    "crl only, good": Situation(CRL, crl="good"),
    "crl only, revoked": Situation(CRL, crl="revoked"),
    "crl only, unreachable": Situation(CRL),
    "ocsp only, good": Situation(OCSP, ocsp="good"),
    "ocsp only, revoked": Situation(OCSP, ocsp="revoked"),
    "ocsp only, unknown": Situation(OCSP, ocsp="unknown"),
    "ocsp only, unreachable": Situation(OCSP),
    "both agree on good": Situation(BOTH, crl="good", ocsp="good"),
    "both agree on revoked": Situation(BOTH, crl="revoked", ocsp="revoked"),
    "they disagree, crl says revoked": Situation(BOTH, crl="revoked", ocsp="good"),
    "they disagree, ocsp says revoked": Situation(BOTH, crl="good", ocsp="revoked"),
    "both declared, crl alone reachable": Situation(BOTH, crl="good"),
    "both declared, ocsp alone reachable": Situation(BOTH, ocsp="good"),
    "nothing declared": Situation(NONE),
    "nothing reachable": Situation(BOTH),
}

EXPECTED: Final[Mapping[str, tuple[Expected, Expected, Expected]]] = {
    # situation: hard-fail, soft-fail, require
    "crl only, good": (ALLOWED, ALLOWED, ALLOWED),
    "crl only, revoked": (REVOKED, REVOKED, REVOKED),
    "crl only, unreachable": (UNAVAILABLE, ALLOWED_UNANSWERED, UNAVAILABLE),
    "ocsp only, good": (ALLOWED, ALLOWED, ALLOWED),
    "ocsp only, revoked": (REVOKED, REVOKED, REVOKED),
    "ocsp only, unknown": (UNAVAILABLE, ALLOWED_UNANSWERED, UNAVAILABLE),
    "ocsp only, unreachable": (UNAVAILABLE, ALLOWED_UNANSWERED, UNAVAILABLE),
    "both agree on good": (ALLOWED, ALLOWED, ALLOWED),
    "both agree on revoked": (REVOKED, REVOKED, REVOKED),
    "they disagree, crl says revoked": (REVOKED, REVOKED, REVOKED),
    "they disagree, ocsp says revoked": (REVOKED, REVOKED, REVOKED),
    "both declared, crl alone reachable": (ALLOWED, ALLOWED, ALLOWED),
    "both declared, ocsp alone reachable": (ALLOWED, ALLOWED, ALLOWED),
    "nothing declared": (ALLOWED_UNANSWERED, ALLOWED_UNANSWERED, UNAVAILABLE),
    "nothing reachable": (UNAVAILABLE, ALLOWED_UNANSWERED, UNAVAILABLE),
}


def asked(subject: str, situation: Situation, reach: Reach, policy: Policy) -> tuple[Chain, Outcome]:
    """A question in which one member of the chain is in a situation, and a held CRL calls the other one good."""
    about_leaf = subject == "leaf"
    chained = chain(leaf=situation.declared, sub=CRL) if about_leaf else chain(leaf=CRL, sub=situation.declared)
    issuer, other_issuer = (chained.sub, chained.root) if about_leaf else (chained.root, chained.sub)
    member = chained.leaf if about_leaf else chained.sub.issued
    crl = () if situation.crl is None else (issuer.crl(revoked=[member.serial] if situation.crl == "revoked" else []),)
    ocsp = () if situation.ocsp is None else (issuer.ocsp(member, status=situation.ocsp),)
    there, background = Shelf(crl, ocsp), Shelf((other_issuer.crl(),))
    if reach is Reach.HELD:
        return chained, ask(
            chained.leaf, chained.store, held=Shelf((*there.crls, *background.crls), ocsp), policy=policy
        )
    return chained, ask(chained.leaf, chained.store, held=background, origin=there, policy=policy)


@pytest.mark.parametrize("subject", ["leaf", "Sub"])
@pytest.mark.parametrize(
    ("order", "reach"),
    [
        (EvidenceOrder.BOTH, Reach.ORIGIN),
        (EvidenceOrder.BOTH, Reach.HELD),
        (EvidenceOrder.CRL_FIRST, Reach.HELD),
        (EvidenceOrder.OCSP_FIRST, Reach.HELD),
    ],
)
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("column", "mode"), [(0, HARD), (1, SOFT), (2, REQUIRE)])
def test_every_mode_in_every_situation(
    column: int, mode: RevocationMode, situation: str, order: EvidenceOrder, reach: Reach, subject: str
) -> None:
    """Decision, status and code are those of the contract, wherever the evidence is and whoever it is about."""
    policy = Policy(revocation_mode=mode, evidence_order=order)
    _, outcome = asked(subject, SITUATIONS[situation], reach, policy)
    assert EXPECTED[situation][column] == summary(outcome.verdict)


@pytest.mark.parametrize("subject", ["leaf", "Sub"])
def test_a_revocation_says_whose_when_and_why(subject: str) -> None:
    """The failure names the member, and the path carries the evidence."""
    chained, outcome = asked(subject, SITUATIONS["crl only, revoked"], Reach.ORIGIN, Policy())
    member = certificate(chained.leaf if subject == "leaf" else chained.sub)
    (element,) = (one for one in outcome.verdict.path if one.certificate == member)
    assert Revoked(member, element.revocation.revoked_at, "unspecified") == outcome.verdict.failure
    assert element.revocation.revoked_at is not None


@pytest.mark.parametrize(
    ("mode", "said"),
    [(HARD, "nothing_declared"), (SOFT, "nothing_declared"), (REQUIRE, "unknown"), (OFF, "mode_off")],
)
@pytest.mark.parametrize("subject", ["leaf", "Sub"])
def test_what_is_said_of_a_member_that_declares_nothing(mode: RevocationMode, said: str, subject: str) -> None:
    """Not needed, looked for in vain, or never looked for."""
    _, outcome = asked(subject, SITUATIONS["nothing declared"], Reach.HELD, Policy(revocation_mode=mode))
    other = "mode_off" if mode is OFF else "good"
    assert ([said, other] if subject == "leaf" else [other, said]) == list(statuses(outcome.verdict))


@pytest.mark.parametrize("mode", [HARD, SOFT, REQUIRE])
@pytest.mark.parametrize("subject", ["leaf", "Sub"])
def test_what_is_said_of_a_member_whose_sources_are_out_of_reach(mode: RevocationMode, subject: str) -> None:
    """Looked for, nothing usable; each source that was tried is named."""
    _, outcome = asked(subject, SITUATIONS["nothing reachable"], Reach.ORIGIN, Policy(revocation_mode=mode))
    assert (["unknown", "good"] if subject == "leaf" else ["good", "unknown"]) == list(statuses(outcome.verdict))
    (element,) = (one for one in outcome.verdict.path if one.revocation.attempts)
    assert {"http://crl.example/", "http://ocsp.example/"} == {one.source for one in element.revocation.attempts}


@pytest.mark.parametrize("subject", ["leaf", "Sub"])
@pytest.mark.parametrize("order", EvidenceOrder)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_off_consults_nothing(situation: str, order: EvidenceOrder, subject: str) -> None:
    """Not even what is held: a held revocation is not looked at."""
    policy = Policy(revocation_mode=OFF, evidence_order=order)
    _, outcome = asked(subject, SITUATIONS[situation], Reach.HELD, policy)
    assert (ALLOWED_UNANSWERED, ()) == (summary(outcome.verdict), outcome.rounds)


@pytest.mark.parametrize("reach", Reach)
def test_soft_fail_denies_what_is_revoked(reach: Reach) -> None:
    """It forgives silence and nothing else."""
    _, outcome = asked("leaf", SITUATIONS["crl only, revoked"], reach, Policy(revocation_mode=SOFT))
    assert REVOKED == summary(outcome.verdict)


# --- a CRL that is held although nothing is declared -----------------------------------------------------------------

UNUSABLE: Final = ["stale", "corrupt", "future"]


def _unusable(chained: Chain, how: str) -> Shelf:
    from_sub = {
        "stale": chained.sub.crl(next_update=chained.leaf.certificate.not_valid_before_utc),
        "corrupt": chained.sub.crl(corrupt_signature=True),
        "future": chained.sub.crl(
            this_update=chained.leaf.certificate.not_valid_after_utc,
            next_update=chained.leaf.certificate.not_valid_after_utc,
        ),
    }
    return Shelf((from_sub[how],))


@pytest.mark.parametrize("order", EvidenceOrder)
@pytest.mark.parametrize("how", UNUSABLE)
def test_a_held_crl_that_is_unusable_makes_an_answer_needed(how: str, order: EvidenceOrder) -> None:
    """Under hard-fail whoever holds a CRL of an issuer expects an answer, also where CRLs are not admitted."""
    chained = chain()
    policy = Policy(evidence_order=order)
    outcome = ask(chained.leaf, chained.store, held=_unusable(chained, how), policy=policy)
    assert UNAVAILABLE == summary(outcome.verdict)
    assert ["unknown", "nothing_declared"] == list(statuses(outcome.verdict))


@pytest.mark.parametrize("order", EvidenceOrder)
def test_soft_fail_forgives_a_held_crl_that_is_unusable(order: EvidenceOrder) -> None:
    """It was looked for and nothing was usable, which is no reason to deny here."""
    chained = chain()
    policy = Policy(revocation_mode=SOFT, evidence_order=order)
    outcome = ask(chained.leaf, chained.store, held=_unusable(chained, "stale"), policy=policy)
    assert ALLOWED_UNANSWERED == summary(outcome.verdict)
    assert ["unknown", "nothing_declared"] == list(statuses(outcome.verdict))


def test_a_held_crl_that_is_usable_answers_although_nothing_is_declared() -> None:
    """The operator configured it for this."""
    chained = chain()
    good = ask(chained.leaf, chained.store, held=Shelf((chained.sub.crl(), chained.root.crl())))
    revoked = ask(chained.leaf, chained.store, held=Shelf((chained.sub.crl(revoked=[chained.leaf.serial]),)))
    assert [ALLOWED, REVOKED] == [summary(good.verdict), summary(revoked.verdict)]


def test_a_usable_crl_does_not_answer_where_crls_are_not_admitted() -> None:
    """Under ocsp-only it says only that an answer is needed, even where it lists the certificate."""
    chained = chain()
    held = Shelf((chained.sub.crl(revoked=[chained.leaf.serial]),))
    outcome = ask(chained.leaf, chained.store, held=held, policy=Policy(evidence_order=EvidenceOrder.OCSP_ONLY))
    assert UNAVAILABLE == summary(outcome.verdict)


def test_the_crl_of_another_issuer_makes_no_answer_needed() -> None:
    """What is held for Root says nothing about what Sub issues."""
    chained = chain()
    outcome = ask(chained.leaf, chained.store, held=Shelf((chained.root.crl(),)))
    assert (ALLOWED_UNANSWERED, ["nothing_declared", "good"]) == (
        summary(outcome.verdict),
        list(statuses(outcome.verdict)),
    )


def test_unusable_ocsp_answers_alone_make_no_answer_needed() -> None:
    """Only a declared source or a held CRL does; what was unusable is still named."""
    chained = chain()
    outcome = ask(
        chained.leaf, chained.store, held=Shelf(ocsp=(chained.sub.ocsp(chained.leaf, corrupt_signature=True),))
    )
    assert ALLOWED_UNANSWERED == summary(outcome.verdict)
    assert ["bad_signature"] == [one.problem.value for one in outcome.verdict.path[0].revocation.attempts]
