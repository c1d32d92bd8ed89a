"""The paths of CRL signers (RFC 5280 §6.3.3 (f)): anchors, long ones, and how long they last."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from service.core.model.attempt import Problem
from service.core.model.budget import Limits
from service.core.model.failure import BudgetExhausted
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode, RevocationScope
from service.core.path.trust_store import AnchorRule, build_trust_store, with_intermediates
from tests.core.decision.chains import ALLOWED, REVOKED, ROOT, UNAVAILABLE, certificate, summary
from tests.core.decision.shell import CRL_URL, Outcome, Shelf, ask, trusting
from tests.pki import NOW, Authority, DistributionPoint, IssuingDistributionPoint, days, key

SUB: Final = ROOT.subordinate("Sub", crl_urls=CRL_URL)
LEAF: Final = SUB.issue("leaf", crl_urls=CRL_URL)
RENEWED: Final = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=CRL_URL)
SHARD: Final = "http://crl.example/signers"
REQUIRE: Final = Policy(RevocationMode.REQUIRE)
LEAF_ALONE: Final = Policy(RevocationMode.REQUIRE, revocation_scope=RevocationScope.LEAF)


def test_an_anchor_that_signs_for_another_is_not_asked_about() -> None:
    """Its indirect CRL answers, although nothing says whether the anchor itself is revoked."""
    point = "http://crl.example/indirect"
    leaf = SUB.issue("leaf", crl_urls=[DistributionPoint([point], crl_issuer="Root")])
    crl = ROOT.crl(idp=IssuingDistributionPoint([point], indirect=True))
    found = ask(leaf, trusting(ROOT, SUB), held=Shelf((crl,)), policy=LEAF_ALONE)
    assert ALLOWED == summary(found.verdict)


def test_a_certificate_that_poses_as_the_anchor() -> None:
    """The anchor's own name and key in a certificate that is no anchor lend it no key usage."""
    root = Authority.root("Root", key_usage=frozenset({"keyCertSign"}))
    twin = root.reissue(key_usage=frozenset({"keyCertSign", "cRLSign"}))
    leaf = root.issue("leaf", crl_urls=CRL_URL)
    held = Shelf((root.crl(),))
    presented = with_intermediates(trusting(root), (certificate(twin),))
    assert UNAVAILABLE == summary(ask(leaf, presented, held=held, policy=REQUIRE).verdict)
    assert ALLOWED == summary(ask(leaf, trusting(root, twin), held=held, policy=REQUIRE).verdict)


def test_the_answer_ends_with_every_member_of_the_signers_path() -> None:
    """The signer's own certificate first, or the one above it."""
    for own, above in ((days(2), days(9)), (days(9), days(2))):
        upper = RENEWED.reissue(not_after=NOW + above)
        signer = upper.cross_sign(Authority.root("Sub", key=key("p256", 6)), crl_urls=SHARD, not_after=NOW + own)
        lasting, about_signer = NOW + days(30), IssuingDistributionPoint([SHARD])
        crls = ROOT.crl(next_update=lasting), upper.crl(next_update=lasting, idp=about_signer)
        held = Shelf((*crls, signer.crl(next_update=lasting)))
        found = ask(LEAF, trusting(ROOT, SUB, upper, signer), held=held, policy=LEAF_ALONE)
        assert (ALLOWED, NOW + days(2)) == (summary(found.verdict), found.verdict.path[0].revocation.usable_until)


def test_a_signers_path_may_be_longer_than_the_callers() -> None:
    """How long the path of the certificate in question may be is not asked of its CRL's signer."""
    second = ROOT.subordinate("Root", key=key("p256", 2), crl_urls=SHARD)
    third = second.subordinate("Root", key=key("p256", 3), crl_urls=SHARD)
    leaf, about_signers = ROOT.issue("leaf", crl_urls=CRL_URL), IssuingDistributionPoint([SHARD])
    policy, about = Policy(RevocationMode.REQUIRE, max_path_length=0), (ROOT, second)
    held = Shelf((*(one.crl(idp=about_signers) for one in about), third.crl()))
    assert ALLOWED == summary(ask(leaf, trusting(ROOT, second, third), held=held, policy=policy).verdict)
    assert UNAVAILABLE == summary(ask(leaf, trusting(ROOT, second), held=held, policy=policy).verdict)


def renewed(times: int) -> list[Authority]:
    """A root and its self-issued renewals, each certified with the key before."""
    keys = [ROOT]
    for number in range(times):
        keys.append(keys[-1].subordinate("Root", key=key("p256", number), crl_urls=CRL_URL))
    return keys


def ask_below(keys: Sequence[Authority], crls: Sequence[bytes], limits: Limits | None = None) -> Outcome:
    """The question about a leaf below the last of these keys."""
    leaf, policy = keys[-1].issue("leaf", crl_urls=CRL_URL), replace(REQUIRE, limits=limits or Limits())
    return ask(leaf, trusting(*keys), held=Shelf(tuple(crls)), policy=policy)


@pytest.mark.parametrize("times", range(4))
def test_a_key_that_was_renewed_again_and_again(times: int) -> None:
    """Where each key has a CRL, all of them are heard about every certificate of the name."""
    keys = renewed(times)
    assert ALLOWED == summary(ask_below(keys, [one.crl() for one in keys]).verdict)
    for lister in keys[:times]:
        revoking = [one.crl(revoked=[keys[-1].serial] if one is lister else []) for one in keys]
        assert REVOKED == summary(ask_below(keys, revoking).verdict)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(signatures=20, paths=13), None),
        (Limits(signatures=19), BudgetExhausted("signatures", 19)),
        (Limits(paths=12), BudgetExhausted("paths", 12)),
    ],
)
def test_no_signature_of_a_signers_path_is_paid_for_twice(limits: Limits, expected: BudgetExhausted | None) -> None:
    """The path of each renewal is looked for once, however many CRLs it signed and certificates they are about.

    Where one is asked about for another's sake, it is paid for again: what it depends on is another question then.
    """
    keys = renewed(3)
    assert expected == ask_below(keys, [one.crl() for one in keys], limits).verdict.failure


def test_renewals_have_an_end() -> None:
    """Each is asked about for the sake of each set of the others, which paths pay for."""
    keys = renewed(5)
    assert BudgetExhausted("paths", 32) == ask_below(keys, [one.crl() for one in keys]).verdict.failure


def test_a_signer_of_many_crls_takes_one_path() -> None:
    """A renewed key may have split its CRL into as many as it likes."""
    crls = [RENEWED.crl(idp=IssuingDistributionPoint([f"{CRL_URL}{number}"])) for number in range(40)]
    leaf = SUB.issue("leaf", crl_urls=[f"{CRL_URL}{number}" for number in range(40)])
    found = ask(leaf, trusting(ROOT, SUB, RENEWED), held=Shelf((*crls, ROOT.crl())), policy=LEAF_ALONE)
    assert ALLOWED == summary(found.verdict)


@pytest.mark.parametrize(
    ("order", "age", "expected"),
    [
        (EvidenceOrder.CRL_FIRST, timedelta(), ALLOWED),
        (EvidenceOrder.OCSP_FIRST, timedelta(), ALLOWED),
        (EvidenceOrder.CRL_FIRST, days(60), UNAVAILABLE),
        (EvidenceOrder.OCSP_FIRST, days(60), UNAVAILABLE),
    ],
)
def test_what_counts_about_a_responder_does_not_count_about_the_leaf(
    order: EvidenceOrder, age: timedelta, expected: tuple[str, str, str]
) -> None:
    """One signer of CRLs about both: a responder's needs no answer about itself, the leaf's does (`require`)."""
    signer, leaf = ROOT.subordinate("Sub", key=key("p256", 1)), SUB.issue("leaf")
    responder = SUB.ocsp_responder("responder", no_check=False)
    answer = SUB.ocsp(leaf, responder=responder, this_update=NOW - age, next_update=NOW - age + days(1))
    policy = replace(LEAF_ALONE, evidence_order=order)
    held = Shelf((signer.crl(),), (answer,))
    assert expected == summary(ask(leaf, trusting(ROOT, SUB, signer), held=held, policy=policy).verdict)


@pytest.mark.parametrize("certifier", range(2))
def test_a_signer_below_one_of_two_anchors(certifier: int) -> None:
    """Whichever path is tried first, a signer's counts in the one that has the same anchor."""
    anchors = [Authority.root(f"Root {number}", key=key("p256", number)) for number in range(2)]
    subs = [anchor.cross_sign(SUB) for anchor in anchors]
    signer = anchors[certifier].cross_sign(RENEWED)
    found = ask(LEAF, trusting(*anchors, *subs, signer), held=Shelf((signer.crl(),)), policy=LEAF_ALONE)
    # The signer itself has to be good, by its certifier's word.
    assert UNAVAILABLE == summary(found.verdict)
    held = Shelf((signer.crl(), *(one.crl() for one in anchors)))
    found = ask(LEAF, trusting(*anchors, *subs, signer), held=held, policy=LEAF_ALONE)
    assert (ALLOWED, certificate(anchors[certifier])) == (summary(found.verdict), found.verdict.anchor)


def test_the_key_of_another_anchor_is_tried_at_what_is_fetched() -> None:
    """One anchor certified the other under their common name: it has no path to that one, and signs for it."""
    old = Authority.root("Rolling")
    new = old.cross_sign(Authority.root("Rolling", key=key("p256", 8)))
    other = Authority.root("Rolling", key=key("p256", 9))
    leaf = new.issue("leaf", crl_urls=CRL_URL)
    for signer, expected in ((old, REVOKED), (other, UNAVAILABLE)):
        store = build_trust_store("test", map(certificate, (signer, new)), rule=AnchorRule.EVERY)
        origin = Shelf((signer.crl(revoked=[leaf.serial]),))
        assert expected == summary(ask(leaf, store, origin=origin, policy=LEAF_ALONE).verdict)


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_wrong_with_signers_is_told_from_the_newest_on(order: int) -> None:
    """In whatever order the CRLs came: the same question has the same answer."""
    ended = ROOT.subordinate("Sub", key=key("p256", 2), not_after=NOW - days(1))
    newer, older = RENEWED.crl(this_update=NOW - days(1)), ended.crl(this_update=NOW - days(2))
    held = Shelf((ROOT.crl(revoked=[RENEWED.serial]), *(newer, older)[::order]))
    found = ask(LEAF, trusting(ROOT, SUB, RENEWED, ended), held=held, policy=LEAF_ALONE)
    attempts = [one.problem for one in found.verdict.path[0].revocation.attempts if one.source == "evidence"]
    assert [Problem.SIGNER_REVOKED, Problem.UNAUTHORIZED_SIGNER] == attempts
