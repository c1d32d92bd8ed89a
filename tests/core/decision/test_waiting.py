"""CRLs that wait on this host for somebody who has signed them: whom a valid path shows to be that has them tried."""

from typing import Final

import pytest

from service.core.decision.anticipation import anticipated
from service.core.model.evidence import Reach
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode, RevocationScope
from service.core.path.trust_store import with_intermediates
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    CRL,
    REVOKED,
    ROOT,
    UNAVAILABLE,
    certificate,
    chain,
    summary,
)
from tests.core.decision.shell import NOTHING, Outcome, Shelf, ask, trusting
from tests.pki import Authority, key

LEAF_ALONE: Final = Policy(revocation_scope=RevocationScope.LEAF)
CHAIN: Final = chain()
STRANGER: Final = Authority.root("Stranger")
NAMESAKE: Final = Authority.root("Sub", key=key("p256", 7))


def asked(*crls: bytes, held: Shelf = NOTHING, policy: Policy = LEAF_ALONE) -> Outcome:
    """What is decided about a leaf that declares nothing, while these wait."""
    return ask(CHAIN.leaf, CHAIN.store, held=held, waiting=Shelf(crls), policy=policy)


@pytest.mark.parametrize(
    ("crl", "expected"),
    [
        (CHAIN.sub.crl(), ALLOWED),
        (CHAIN.sub.crl(revoked=[CHAIN.leaf.serial]), REVOKED),
        (CHAIN.sub.crl(corrupt_signature=True), UNAVAILABLE),
        (NAMESAKE.crl(), UNAVAILABLE),
        (STRANGER.crl(), ALLOWED_UNANSWERED),
    ],
    ids=["good", "revoked", "nobody's", "a namesake's", "another name"],
)
def test_what_waits_in_the_issuers_name(crl: bytes, expected: tuple[str, str, str]) -> None:
    """It is tried, and where it verifies, it counts; where it does not, an answer is needed all the same."""
    assert expected == summary(asked(crl).verdict)


def test_it_is_asked_for_once_what_is_held_is_known() -> None:
    """In a round of its own, once."""
    assert (frozenset({"leaf crl waiting"}),) == asked(CHAIN.sub.crl()).rounds[1:]


def test_nothing_is_asked_for_where_nothing_waits() -> None:
    """Most often."""
    assert 1 == len(asked(STRANGER.crl()).rounds)


def test_it_counts_beside_what_is_held() -> None:
    """A newer one under the same key revokes, whatever the one that is held says."""
    newer = CHAIN.sub.crl(number=9, revoked=[CHAIN.leaf.serial])
    assert REVOKED == summary(asked(newer, held=Shelf((CHAIN.sub.crl(number=1),))).verdict)


def test_no_stranger_has_his_keys_tried() -> None:
    """Neither who has no path to an anchor, nor anybody by his name alone."""
    leaf = NAMESAKE.subordinate("Sub").issue("leaf")
    store = with_intermediates(trusting(ROOT), [certificate(NAMESAKE)])
    outcome = ask(leaf, store, waiting=Shelf((CHAIN.sub.crl(),)), policy=LEAF_ALONE)
    assert not any("waiting" in one for together in outcome.rounds for one in together)
    guessed = anticipated(certificate(CHAIN.leaf), CHAIN.store, LEAF_ALONE)
    assert {Reach.HELD} == {one.reach for one in guessed}


def test_other_signers_have_paths_of_their_own() -> None:
    """Whose keys are tried beside the issuer's is as for what is fetched, and their paths come along."""
    other, stray = ROOT.subordinate("Sub", key=key("p256", 7)), NAMESAKE
    store = with_intermediates(trusting(ROOT, CHAIN.sub), [certificate(other), certificate(stray)])
    outcome = ask(CHAIN.leaf, store, waiting=Shelf((other.crl(),)), policy=LEAF_ALONE)
    (wanted,) = (one for one in outcome.evidence.crls if one.reach is Reach.WAITING)
    assert (certificate(other),) == wanted.signers
    assert ((certificate(CHAIN.sub),), (certificate(other),)) == tuple(path.certificates for path in wanted.paths)
    assert summary(outcome.verdict) == ALLOWED


def test_where_crls_are_not_admitted_it_makes_an_answer_needed_and_is_not_tried() -> None:
    """As what is held does."""
    outcome = asked(CHAIN.sub.crl(), policy=Policy(RevocationMode.HARD_FAIL, evidence_order=EvidenceOrder.OCSP_ONLY))
    assert UNAVAILABLE == summary(outcome.verdict)
    assert not any("waiting" in one for together in outcome.rounds for one in together)


def test_nothing_is_fetched_while_something_waits() -> None:
    """It may be all that is needed: the origin is asked where it is not."""
    declaring = chain(leaf=CRL)
    waiting = Shelf((declaring.sub.crl(),))
    outcome = ask(declaring.leaf, declaring.store, waiting=waiting, policy=LEAF_ALONE)
    assert (ALLOWED, frozenset()) == (summary(outcome.verdict), outcome.fetched)
    bad = Shelf((declaring.sub.crl(corrupt_signature=True),))
    outcome = ask(declaring.leaf, declaring.store, waiting=bad, origin=Shelf((declaring.sub.crl(),)), policy=LEAF_ALONE)
    assert (ALLOWED, frozenset({"leaf crl origin"})) == (summary(outcome.verdict), outcome.fetched)


def test_what_is_wanted_names_no_place() -> None:
    """Nothing is fetched for it: it has no points."""
    outcome = asked(CHAIN.sub.crl())
    assert {()} == {one.points for one in outcome.evidence.crls}
