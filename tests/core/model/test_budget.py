"""Budgets: what is granted, no more, and which one ran out."""

from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from service.core.model.budget import Budget, BudgetExhaustedError, Limits

SPENDERS: Final[dict[str, Callable[[Budget], None]]] = {
    "signatures": Budget.spend_signature,
    "steps": Budget.spend_step,
    "paths": Budget.spend_path,
    "names": lambda budget: budget.spend_names(1),
    "policies": lambda budget: budget.spend_policies(1),
}


@pytest.mark.parametrize("resource", SPENDERS)
@pytest.mark.parametrize("limit", [0, 1, 3])
def test_spends_what_is_granted(resource: str, limit: int) -> None:
    """As much as the limit is there; the next one says what ran out, and goes on saying it."""
    budget = Budget(Limits(**{resource: limit}))
    for _ in range(limit):
        SPENDERS[resource](budget)
    for _ in range(2):
        with pytest.raises(BudgetExhaustedError, match=f"^{resource}: {limit}$") as caught:
            SPENDERS[resource](budget)
        assert (resource, limit) == (caught.value.resource, caught.value.limit)


@pytest.mark.parametrize("resource", SPENDERS)
def test_resources_are_apart(resource: str) -> None:
    """What one resource lacks, the others still have."""
    budget = Budget(Limits(**{resource: 0}))
    for other in SPENDERS.keys() - {resource}:
        SPENDERS[other](budget)


@pytest.mark.parametrize(("spend", "resource"), [(Budget.spend_names, "names"), (Budget.spend_policies, "policies")])
def test_several_at_once(spend: Callable[[Budget, int], None], resource: str) -> None:
    """What is left is enough for all of them, or for none."""
    budget = Budget(Limits(**{resource: 5}))
    spend(budget, 3)
    with pytest.raises(BudgetExhaustedError, match=f"^{resource}: 5$"):
        spend(budget, 3)
    spend(budget, 2)


def test_budgets_are_apart() -> None:
    """Each assessment starts with everything."""
    limits = Limits(signatures=1)
    for _ in range(2):
        Budget(limits).spend_signature()


def test_what_was_had_is_not_paid_for_again() -> None:
    """Work is done once for each thing that it is about, and nothing is remembered of work that was not done."""
    budget = Budget(Limits(signatures=2))

    def verify(number: int) -> int:
        budget.spend_signature()
        return number

    assert [1, 1, 2, 2] == [budget.once(number, partial(verify, number)) for number in (1, 1, 2, 2)]
    for _ in range(2):
        with pytest.raises(BudgetExhaustedError):
            budget.once(3, partial(verify, 3))


def test_nothing_is_an_outcome_too() -> None:
    """Work that comes to nothing is not done again either."""
    budget, done = Budget(Limits()), [1, 2]
    assert [None, None] == [budget.once("clear", done.clear), budget.once("clear", partial(done.append, 3))]
    assert [] == done
