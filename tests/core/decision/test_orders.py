"""Evidence orders decide what is fetched, and when; they never decide what counts of what is at hand."""

from collections.abc import Mapping
from typing import Final

import pytest

from service.core.decision.revocation import declares_source
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode
from tests.core.decision.chains import (
    ALLOWED,
    BOTH,
    CRL,
    NONE,
    OCSP,
    REVOKED,
    UNAVAILABLE,
    certificate,
    chain,
    summary,
)
from tests.core.decision.shell import NOTHING, Shelf, ask
from tests.pki import NOW, CertificateOverrides, days

Rounds = list[set[str]]

HELD: Final = {"leaf crl held", "leaf ocsp held", "Sub crl held", "Sub ocsp held"}
HELD_CRLS: Final = {"leaf crl held", "Sub crl held"}

FIRST: Final[Mapping[EvidenceOrder, set[str]]] = {
    EvidenceOrder.CRL_FIRST: HELD,
    EvidenceOrder.OCSP_FIRST: HELD,
    EvidenceOrder.BOTH: HELD,
    EvidenceOrder.CRL_ONLY: HELD_CRLS,
    EvidenceOrder.OCSP_ONLY: HELD,
}
"""What this host holds is looked at first and together; CRLs also where they are not admitted: holding one matters."""


def rounds(order: EvidenceOrder, declared: CertificateOverrides, *, reachable: str = "") -> Rounds:
    """What is asked after the first round where only the leaf declares anything, and these methods answer good."""
    chained = chain(leaf=declared)
    origin = Shelf(
        (chained.sub.crl(),) if "crl" in reachable else (),
        (chained.sub.ocsp(chained.leaf),) if "ocsp" in reachable else (),
    )
    outcome = ask(chained.leaf, chained.store, origin=origin, policy=Policy(evidence_order=order))
    assert FIRST[order] == outcome.rounds[0]
    return [set(one) for one in outcome.rounds[1:]]


@pytest.mark.parametrize(
    ("order", "declared", "reachable", "expected"),
    [
        (EvidenceOrder.CRL_FIRST, BOTH, "crl ocsp", [{"leaf crl origin"}]),
        (EvidenceOrder.CRL_FIRST, BOTH, "ocsp", [{"leaf crl origin"}, {"leaf ocsp origin"}]),
        (EvidenceOrder.CRL_FIRST, BOTH, "", [{"leaf crl origin"}, {"leaf ocsp origin"}]),
        (EvidenceOrder.CRL_FIRST, CRL, "", [{"leaf crl origin"}]),
        (EvidenceOrder.CRL_FIRST, OCSP, "ocsp", [{"leaf ocsp origin"}]),
        (EvidenceOrder.CRL_FIRST, NONE, "", []),
        (EvidenceOrder.OCSP_FIRST, BOTH, "crl ocsp", [{"leaf ocsp origin"}]),
        (EvidenceOrder.OCSP_FIRST, BOTH, "crl", [{"leaf ocsp origin"}, {"leaf crl origin"}]),
        (EvidenceOrder.OCSP_FIRST, BOTH, "", [{"leaf ocsp origin"}, {"leaf crl origin"}]),
        (EvidenceOrder.OCSP_FIRST, CRL, "crl", [{"leaf crl origin"}]),
        (EvidenceOrder.OCSP_FIRST, OCSP, "", [{"leaf ocsp origin"}]),
        (EvidenceOrder.BOTH, BOTH, "crl ocsp", [{"leaf crl origin", "leaf ocsp origin"}]),
        (EvidenceOrder.BOTH, BOTH, "", [{"leaf crl origin", "leaf ocsp origin"}]),
        (EvidenceOrder.BOTH, CRL, "crl", [{"leaf crl origin"}]),
        (EvidenceOrder.BOTH, OCSP, "ocsp", [{"leaf ocsp origin"}]),
        (EvidenceOrder.BOTH, NONE, "", []),
        (EvidenceOrder.CRL_ONLY, BOTH, "crl ocsp", [{"leaf crl origin"}]),
        (EvidenceOrder.CRL_ONLY, BOTH, "ocsp", [{"leaf crl origin"}]),
        (EvidenceOrder.CRL_ONLY, OCSP, "ocsp", []),
        (EvidenceOrder.OCSP_ONLY, BOTH, "crl ocsp", [{"leaf ocsp origin"}]),
        (EvidenceOrder.OCSP_ONLY, BOTH, "crl", [{"leaf ocsp origin"}]),
        (EvidenceOrder.OCSP_ONLY, CRL, "crl", []),
    ],
)
def test_who_is_asked_and_when(
    order: EvidenceOrder, declared: CertificateOverrides, reachable: str, expected: Rounds
) -> None:
    """The second method is fetched only where the first gave nothing, and `both` fetches them together."""
    assert expected == rounds(order, declared, reachable=reachable)


def test_all_certificates_are_asked_about_together() -> None:
    """One round for the whole path, not one for each certificate."""
    chained = chain(leaf=CRL, sub=OCSP)
    origin = Shelf((chained.sub.crl(),), (chained.root.ocsp(chained.sub.issued),))
    outcome = ask(chained.leaf, chained.store, origin=origin)
    assert ALLOWED == summary(outcome.verdict)
    assert {"leaf crl origin", "Sub ocsp origin"} == outcome.rounds[1]
    assert 2 == len(outcome.rounds)


@pytest.mark.parametrize("order", EvidenceOrder)
def test_unusable_answers_from_the_origin_are_asked_for_once(order: EvidenceOrder) -> None:
    """What came back stale is not fetched again, and the other method is tried."""
    chained = chain(leaf=BOTH)
    stale = NOW - days(1)
    origin = Shelf((chained.sub.crl(next_update=stale),), (chained.sub.ocsp(chained.leaf, next_update=stale),))
    outcome = ask(chained.leaf, chained.store, origin=origin, policy=Policy(evidence_order=order))
    admitted = {
        EvidenceOrder.CRL_ONLY: {"leaf crl origin"},
        EvidenceOrder.OCSP_ONLY: {"leaf ocsp origin"},
    }.get(order, {"leaf crl origin", "leaf ocsp origin"})
    assert UNAVAILABLE == summary(outcome.verdict)
    assert admitted == set(outcome.fetched)


@pytest.mark.parametrize("order", EvidenceOrder)
@pytest.mark.parametrize("mode", [RevocationMode.HARD_FAIL, RevocationMode.SOFT_FAIL, RevocationMode.REQUIRE])
def test_held_evidence_of_every_method_suffices(order: EvidenceOrder, mode: RevocationMode) -> None:
    """Nobody is asked for what this host holds."""
    chained = chain(leaf=BOTH, sub=BOTH)
    held = Shelf(
        (chained.sub.crl(), chained.root.crl()),
        (chained.sub.ocsp(chained.leaf), chained.root.ocsp(chained.sub.issued)),
    )
    policy = Policy(evidence_order=order, revocation_mode=mode)
    outcome = ask(chained.leaf, chained.store, held=held, policy=policy)
    assert (ALLOWED, frozenset()) == (summary(outcome.verdict), outcome.fetched)


@pytest.mark.parametrize("order", [EvidenceOrder.CRL_FIRST, EvidenceOrder.OCSP_FIRST])
@pytest.mark.parametrize("method", ["crl", "ocsp"])
def test_held_evidence_of_either_method_suffices(order: EvidenceOrder, method: str) -> None:
    """Also of the one that would be fetched second: orders are about fetching."""
    chained = chain(leaf=BOTH)
    held = Shelf((chained.sub.crl(),)) if method == "crl" else Shelf(ocsp=(chained.sub.ocsp(chained.leaf),))
    outcome = ask(chained.leaf, chained.store, held=held, policy=Policy(evidence_order=order))
    assert (["good", method], frozenset()) == (
        [outcome.verdict.path[0].revocation.status.value, outcome.verdict.path[0].revocation.method.value],
        outcome.fetched,
    )


def test_both_fetches_the_method_that_is_not_held() -> None:
    """One opinion is not both."""
    chained = chain(leaf=BOTH)
    revoked = Shelf(ocsp=(chained.sub.ocsp(chained.leaf, status="revoked"),))
    policy = Policy(evidence_order=EvidenceOrder.BOTH)
    outcome = ask(chained.leaf, chained.store, held=Shelf((chained.sub.crl(),)), origin=revoked, policy=policy)
    assert REVOKED == summary(outcome.verdict)
    assert {"leaf ocsp origin"} == set(outcome.fetched)


def test_both_is_content_with_one_where_the_other_is_out_of_reach() -> None:
    """They are fetched together, which does not mean that both must answer."""
    chained = chain(leaf=BOTH)
    policy = Policy(evidence_order=EvidenceOrder.BOTH)
    outcome = ask(chained.leaf, chained.store, origin=Shelf((chained.sub.crl(),)), policy=policy)
    element = outcome.verdict.path[0].revocation
    assert ("good", "crl") == (element.status.value, element.method.value)
    assert ["http://ocsp.example/"] == [one.source for one in element.attempts]


@pytest.mark.parametrize("order", EvidenceOrder)
def test_a_held_revocation_asks_nobody(order: EvidenceOrder) -> None:
    """What is known to be revoked is denied without waiting for what would be said of the other certificate."""
    chained = chain(leaf=BOTH, sub=BOTH)
    held = Shelf((chained.sub.crl(revoked=[chained.leaf.serial]),), (chained.sub.ocsp(chained.leaf, status="revoked"),))
    outcome = ask(chained.leaf, chained.store, held=held, policy=Policy(evidence_order=order))
    assert (REVOKED, frozenset()) == (summary(outcome.verdict), outcome.fetched)
    assert "not_reached" == outcome.verdict.path[1].revocation.not_checked


@pytest.mark.parametrize(
    ("order", "method"),
    [(EvidenceOrder.CRL_FIRST, "crl"), (EvidenceOrder.OCSP_FIRST, "ocsp"), (EvidenceOrder.BOTH, "crl")],
)
def test_of_two_that_agree_the_preferred_one_is_reported(order: EvidenceOrder, method: str) -> None:
    """The order's first."""
    chained = chain(leaf=BOTH)
    held = Shelf((chained.sub.crl(),), (chained.sub.ocsp(chained.leaf),))
    outcome = ask(chained.leaf, chained.store, held=held, policy=Policy(evidence_order=order))
    assert method == outcome.verdict.path[0].revocation.method.value


@pytest.mark.parametrize("order", [EvidenceOrder.CRL_FIRST, EvidenceOrder.OCSP_FIRST, EvidenceOrder.BOTH])
@pytest.mark.parametrize("method", ["crl", "ocsp"])
def test_across_methods_a_revocation_wins(order: EvidenceOrder, method: str) -> None:
    """Whichever says it, and however much newer the other one is."""
    chained = chain(leaf=BOTH)
    crl = chained.sub.crl(revoked=[chained.leaf.serial] if method == "crl" else [], this_update=NOW - days(2))
    newer = chained.sub.crl(revoked=[chained.leaf.serial] if method == "crl" else [])
    ocsp = chained.sub.ocsp(chained.leaf, status="revoked" if method == "ocsp" else "good", this_update=NOW - days(2))
    held = Shelf((crl if method == "crl" else newer,), (ocsp,))
    outcome = ask(chained.leaf, chained.store, held=held, policy=Policy(evidence_order=order))
    assert (REVOKED, method) == (summary(outcome.verdict), outcome.verdict.path[0].revocation.method.value)


@pytest.mark.parametrize("order", [EvidenceOrder.CRL_ONLY, EvidenceOrder.OCSP_ONLY])
def test_what_is_not_admitted_does_not_count(order: EvidenceOrder) -> None:
    """Neither for nor against: the method that is left out is not heard."""
    chained = chain(leaf=BOTH)
    crl_only = order is EvidenceOrder.CRL_ONLY
    held = Shelf(
        (chained.sub.crl(revoked=[] if crl_only else [chained.leaf.serial]),),
        (chained.sub.ocsp(chained.leaf, status="revoked" if crl_only else "good"),),
    )
    outcome = ask(chained.leaf, chained.store, held=held, policy=Policy(evidence_order=order))
    assert ("allow", "good") == (outcome.verdict.decision.value, outcome.verdict.path[0].revocation.status.value)


def test_what_was_tried_is_told_beside_what_answered() -> None:
    """The attempts of every method and reach stand with the answer."""
    chained = chain(leaf=BOTH)
    held = Shelf(
        (chained.sub.crl(next_update=NOW - days(1)),), (chained.sub.ocsp(chained.leaf, corrupt_signature=True),)
    )
    origin = Shelf(ocsp=(chained.sub.ocsp(chained.leaf),))
    outcome = ask(chained.leaf, chained.store, held=held, origin=origin)
    attempts = [(one.source, one.problem.value) for one in outcome.verdict.path[0].revocation.attempts]
    assert sorted(attempts) == [
        ("evidence", "bad_signature"),
        ("evidence", "stale"),
        ("http://crl.example/", "unreachable"),
    ]


def test_where_the_answer_came_from_is_told() -> None:
    """Source and tier are those of the evidence that counted."""
    chained = chain(leaf=CRL)
    held = ask(chained.leaf, chained.store, held=Shelf((chained.sub.crl(),)))
    fetched = ask(chained.leaf, chained.store, held=NOTHING, origin=Shelf((chained.sub.crl(),)))
    told = [(one.verdict.path[0].revocation.source, one.verdict.path[0].revocation.tier) for one in (held, fetched)]
    assert [("evidence", "evidence"), ("http://crl.example/", "origin")] == told


@pytest.mark.parametrize(("declared", "expected"), [(CRL, True), (OCSP, True), (BOTH, True), (NONE, False)])
def test_who_declares_a_source(declared: CertificateOverrides, expected: bool) -> None:
    """A distribution point or a responder, as the certificate itself has it."""
    assert expected is declares_source(certificate(chain(declared).leaf))
