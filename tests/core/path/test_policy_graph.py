"""The policy graph (RFC 9618): no larger than what the certificates say, and paid for."""

from collections.abc import Callable
from itertools import pairwise, product
from typing import Final

import pytest

from service.core.model.budget import Budget, BudgetExhaustedError, Limits
from service.core.model.certificate import PolicyMapping
from service.core.model.failure import NoAcceptablePolicy
from service.core.path.policy_graph import PolicyGraph
from tests.core.path.policy_paths import ANY, P, Q, R, accepting, outcome, says

ALL: Final = frozenset({ANY})


def graph(limit: int = Limits().policies) -> PolicyGraph:
    """A new graph that may cost so much."""
    return PolicyGraph(Budget(Limits(policies=limit)))


def grown(*depths: frozenset[str]) -> PolicyGraph:
    """A graph of certificates that assert these policies and map none."""
    new = graph()
    for asserted in depths:
        new.grow(asserted)
    return new


def pairs(*mappings: tuple[str, str]) -> tuple[PolicyMapping, ...]:
    """Policy mappings."""
    return tuple(PolicyMapping(*pair) for pair in mappings)


def cost(work: Callable[[PolicyGraph], None], before: Callable[[PolicyGraph], None] = lambda _: None) -> int:
    """The smallest limit that is enough for a piece of work, beyond what is done before it."""

    def enough(limit: int, *steps: Callable[[PolicyGraph], None]) -> bool:
        new = graph(limit)
        try:
            for step in steps:
                step(new)
        except BudgetExhaustedError:
            return False
        return True

    start = next(limit for limit in range(1000) if enough(limit, before))
    return next(limit for limit in range(1000) if enough(start + limit, before, work))


# --- what is left ----------------------------------------------------------------------------------------------------


def test_an_empty_graph() -> None:
    """Depth zero is anyPolicy: nobody has said anything yet."""
    assert not graph().is_null
    assert ALL == graph().authority_constrained_policies()


def test_null() -> None:
    """As soon as a depth has no node."""
    assert not grown(frozenset({P})).is_null
    assert grown(frozenset()).is_null
    assert grown(frozenset({P}), frozenset({Q})).is_null
    assert frozenset() == grown(frozenset({P}), frozenset({Q})).authority_constrained_policies()


def test_what_leads_nowhere_is_not_found() -> None:
    """A policy of the anchor's domain counts only where a path leads from it to the lowest depth."""
    assert frozenset({P}) == grown(frozenset({P, Q}), frozenset({P, R})).authority_constrained_policies()
    assert frozenset({Q}) == grown(ALL, frozenset({P, Q}), frozenset({Q})).authority_constrained_policies()
    assert frozenset({P}) == grown(ALL, ALL, frozenset({P})).authority_constrained_policies()


def test_one_node_with_several_parents() -> None:
    """Two policies that are mapped to one are both found through it."""
    new = grown(frozenset({P, Q}))
    new.map(pairs((P, R), (Q, R)))
    new.grow(frozenset({R}))
    assert frozenset({P, Q}) == new.authority_constrained_policies()


def test_removing_may_leave_nothing() -> None:
    """What is mapped where it may not be is gone; what is not stays."""
    new = grown(frozenset({P, Q}))
    new.remove(pairs((P, R)))
    assert frozenset({Q}) == new.authority_constrained_policies()
    new.remove(pairs((Q, R), (R, P)))
    assert new.is_null


@pytest.mark.parametrize(
    ("accepted", "expected"), [({P}, 3), ({Q}, 2), ({R}, 1), ({ANY}, 3), (set(), 1), ({Q, R}, 2), ({P, Q}, 3)]
)
def test_the_depth_without(accepted: set[str], expected: int) -> None:
    """The first that has nothing left of what is accepted."""
    assert expected == grown(frozenset({P, Q}), frozenset({P}), frozenset({R})).depth_without(accepted)


def test_the_depth_without_at_the_end() -> None:
    """It is the lowest where each above it has something left."""
    assert 2 == grown(frozenset({P}), frozenset({P})).depth_without({P})


@pytest.mark.parametrize(("accepted", "expected"), [({P}, 3), ({Q}, 2), ({R}, 2), ({ANY}, 3), (set(), 1)])
def test_the_depth_without_below_any_policy(accepted: set[str], expected: int) -> None:
    """What is under anyPolicy may still become each of those that are accepted, if there are any."""
    assert expected == grown(ALL, frozenset({P}), frozenset({Q})).depth_without(accepted)


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_the_cost() -> None:
    """Each policy of a certificate, each that its anyPolicy continues, each mapping, each node that is mapped anew."""
    three = frozenset({P, Q, R})
    assert 3 == cost(lambda new: new.grow(three))
    assert 1 == cost(lambda new: new.grow(frozenset({P})), lambda new: new.grow(three))
    assert 1 + 3 == cost(lambda new: new.grow(ALL), lambda new: new.grow(three))
    assert 2 + 3 == cost(lambda new: new.map(pairs((P, Q), (Q, P))), lambda new: new.grow(three))
    assert 1 + 3 == cost(lambda new: new.remove(pairs((P, Q))), lambda new: new.grow(three))
    # One node comes to stand for what only anyPolicy stood for, beside it.
    assert 1 + 2 == cost(lambda new: new.map(pairs((P, Q))), lambda new: new.grow(ALL))


def test_a_tree_would_explode() -> None:
    """Every policy mapped to every policy, at each of 64 depths: the tree has more nodes than there are atoms."""
    everything = (P, Q, R)
    level = says(*everything, maps=product(everything, everything))
    assert frozenset(everything) == outcome(*[level] * 64, says(P), limits=Limits(policies=1_000))


def test_a_tree_would_explode_under_any_policy() -> None:
    """The same where anyPolicy continues what is mapped."""
    level = says(P, ANY, maps=product((P, Q), (P, Q)))
    assert frozenset({P, Q, ANY}) == outcome(*[level] * 64, says(ANY), limits=Limits(policies=2_000))


def test_the_longest_blame_is_quick() -> None:
    """Nor is it to find out who is to blame for a path that fails."""
    level = says(P, Q, R, maps=product((P, Q, R), (P, Q, R)))
    assert (NoAcceptablePolicy, 65) == outcome(*[level] * 64, says("1.2.3"), inputs=accepting(P))


def test_a_ring_of_a_thousand_policies() -> None:
    """Large certificates are what the budget is for: it is spent before anything is done."""
    policies = [f"1.2.{number}" for number in range(1_000)]
    level = says(*policies, maps=pairwise([*policies, policies[0]]))
    assert len(policies) == len(outcome(*[level] * 3, says(ANY), limits=Limits(policies=12_000)))
    with pytest.raises(BudgetExhaustedError, match=r"^policies: 4000$"):
        outcome(*[level] * 3, says(ANY), limits=Limits(policies=4_000))


def test_the_budget_is_one_for_all_paths() -> None:
    """What one path spent, the next one lacks."""
    budget = Budget(Limits(policies=3))
    PolicyGraph(budget).grow(frozenset({P, Q}))
    with pytest.raises(BudgetExhaustedError):
        PolicyGraph(budget).grow(frozenset({P, Q}))
