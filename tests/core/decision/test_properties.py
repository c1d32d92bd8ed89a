"""What holds for any evidence at all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.core.decision.assessment import assess
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode, RevocationScope
from service.core.model.verdict import Decision, Revocation, RevocationStatus
from tests.core.decision.chains import ALLOWED_UNANSWERED, REVOKED, UNAVAILABLE, summary
from tests.core.decision.pieces import CHAIN, DISCREDITING, SOUND, VOUCHED, WORTHLESS, Piece, shelf
from tests.core.decision.shell import NOTHING, Outcome, ask, same_apart_from_order
from tests.pki import NOW

STORE: Final = CHAIN.store

POLICIES: Final = st.builds(
    Policy,
    revocation_mode=st.sampled_from(RevocationMode),
    revocation_scope=st.sampled_from(RevocationScope),
    evidence_order=st.sampled_from(EvidenceOrder),
)


def some(*pools: Sequence[Piece]) -> st.SearchStrategy[list[Piece]]:
    """Several different pieces."""
    return st.lists(st.sampled_from([piece for pool in pools for piece in pool]), max_size=8, unique=True)


ANY: Final = some(SOUND, VOUCHED, DISCREDITING, WORTHLESS)


def asked(pieces: list[Piece], policy: Policy, origin: list[Piece] | None = None, at: datetime = NOW) -> Outcome:
    """The question about the leaf where these pieces are held, and those are at the origin."""
    return ask(CHAIN.leaf, STORE, held=shelf(pieces), origin=shelf(origin or []), policy=policy, at=at)


@given(POLICIES, ANY, ANY)
def test_the_same_call_gives_the_same_verdict(policy: Policy, held: list[Piece], origin: list[Piece]) -> None:
    """Nothing is remembered: neither by `assess` with the same evidence nor by a whole conversation."""
    first, second = asked(held, policy, origin), asked(held, policy, origin)
    again = assess(first.request, first.evidence, policy, NOW)
    assert first == second
    assert first.verdict == again


@given(POLICIES, ANY.flatmap(lambda held: st.tuples(st.just(held), st.permutations(held))))
def test_the_order_of_evidence_does_not_matter(policy: Policy, held: tuple[list[Piece], list[Piece]]) -> None:
    """Not for decision, status, code, nor for what is said of each certificate."""
    one, other = (asked(pieces, policy).verdict for pieces in held)
    assert same_apart_from_order(one) == same_apart_from_order(other)


@given(POLICIES, some(SOUND, WORTHLESS), st.sampled_from(SOUND))
def test_only_newer_evidence_turns_a_revocation_into_an_allow(policy: Policy, held: list[Piece], more: Piece) -> None:
    """What says revoked is superseded by a newer CRL or answer, and by nothing else."""
    before = asked(held, policy).verdict
    revoked = [one.revocation for one in before.path if one.revocation.status is RevocationStatus.REVOKED]
    after = asked([*held, more], policy).verdict
    if revoked and not any(_is_newer(more, one) for one in revoked):
        assert Decision.DENY is after.decision


def _is_newer(piece: Piece, evidence: Revocation) -> bool:
    assert evidence.this_update is not None
    return piece.method == evidence.method.value and piece.this_update > evidence.this_update


@given(
    POLICIES.filter(lambda policy: policy.revocation_mode is not RevocationMode.OFF),
    some(WORTHLESS),
    some(WORTHLESS),
)
def test_worthless_evidence_proves_nothing(policy: Policy, held: list[Piece], origin: list[Piece]) -> None:
    """Neither good nor revoked, however much of it there is and wherever it comes from."""
    verdict = asked(held, policy, origin).verdict
    forgiving = policy.revocation_mode is RevocationMode.SOFT_FAIL
    assert (ALLOWED_UNANSWERED if forgiving else UNAVAILABLE) == summary(verdict)
    assert "unknown" == verdict.path[0].revocation.status.value


@given(POLICIES, ANY, ANY)
def test_require_allows_only_what_is_answered(policy: Policy, held: list[Piece], origin: list[Piece]) -> None:
    """Every certificate in scope is good by evidence that may be used now, beyond `valid_until`."""
    strict = Policy(RevocationMode.REQUIRE, policy.revocation_scope, policy.evidence_order)
    verdict = asked(held, strict, origin).verdict
    if verdict.decision is Decision.ALLOW:
        in_scope = verdict.path[:1] if strict.revocation_scope is RevocationScope.LEAF else verdict.path
        assert {"good"} == {one.revocation.status.value for one in in_scope}
        assert all(_covers(one.revocation.usable_until, verdict.valid_until) for one in in_scope)


def _covers(usable_until: datetime | None, valid_until: datetime) -> bool:
    return usable_until is not None and NOW <= valid_until <= usable_until


@given(POLICIES, some(SOUND, VOUCHED, WORTHLESS), st.floats(0, 1))
def test_a_verdict_holds_until_valid_until(policy: Policy, held: list[Piece], fraction: float) -> None:
    """At any moment until then the same evidence gives the same decision for the same reason."""
    verdict = asked(held, policy).verdict
    # An allow for want of an answer rests on nothing that could end; soft-fail is content with that.
    assume(policy.revocation_mode is not RevocationMode.SOFT_FAIL or ALLOWED_UNANSWERED != summary(verdict))
    moments = [NOW + (verdict.valid_until - NOW) * fraction, verdict.valid_until]
    later = [asked(held, policy, at=moment).verdict for moment in moments]
    assert [summary(verdict)] * 2 == [summary(one) for one in later]


@pytest.mark.parametrize("order", EvidenceOrder)
def test_everything_at_once_comes_to_an_end(order: EvidenceOrder) -> None:
    """The shell insists on the bounds of a conversation; of all there is, the newest evidence lists the leaf."""
    everything = shelf([*SOUND, *VOUCHED, *DISCREDITING, *WORTHLESS])
    policy = Policy(evidence_order=order)
    verdicts = [
        ask(CHAIN.leaf, STORE, held=held, origin=origin, policy=policy).verdict
        for held, origin in ((everything, NOTHING), (NOTHING, everything))
    ]
    assert [REVOKED, REVOKED] == [summary(verdict) for verdict in verdicts]
