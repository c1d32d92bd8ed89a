"""What all strategies for drafts share."""

from typing import Any

from hypothesis import strategies as st


def rarely(usual: object, *others: object, chance: int = 4) -> st.SearchStrategy[Any]:
    """The usual thing, but for one time in so many."""
    return st.integers(0, chance - 1).flatmap(
        lambda number: st.sampled_from(others) if number == chance - 1 else st.just(usual)
    )
