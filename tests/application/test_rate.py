"""The arithmetic of rates: what is allowed at one time, in the long run, and when to come again."""

from hypothesis import given
from hypothesis import strategies as st

from service.application.rate import SLACK_S, Rate

NEVER = 0.0
"""When nothing is known of somebody."""


def allowed(rate: Rate, moments: list[float], counts: list[int] | None = None) -> list[bool]:
    """Of requests at these moments, which are allowed."""
    due, found = NEVER, []
    for moment, count in zip(moments, counts or [1] * len(moments), strict=True):
        found.append(not rate.wait_s(due, moment, count))
        if found[-1]:
            due = rate.spend(due, moment, count)
    return found


def test_a_burst_is_allowed_at_one_time_and_no_more() -> None:
    """Whatever is known of nobody is as good as nothing."""
    assert [True] * 3 + [False] * 2 == allowed(Rate(1.0, 3), [100.0] * 5)


def test_after_a_burst_it_is_the_rate() -> None:
    """One for each interval, and what was not asked for comes back up to a burst."""
    rate = Rate(2.0, 2)
    assert [True, True, False, True, False] == allowed(rate, [10.0, 10.0, 10.4, 10.5, 10.9])
    assert [True] * 4 + [False] == allowed(rate, [10.0, 10.0, 50.0, 50.0, 50.0])


def test_who_is_refused_is_told_when_to_come_again() -> None:
    """Not before, and then for sure."""
    rate = Rate(0.5, 1)
    due = rate.spend(NEVER, 10.0)
    assert 2.0 == rate.wait_s(due, 10.0)
    assert 0.5 == rate.wait_s(due, 11.5)
    assert 0.0 == rate.wait_s(due, 12.0)


def test_a_refused_request_costs_nothing() -> None:
    """Who asks too often all the time is let in as often as he would be."""
    rate = Rate(1.0, 1)
    assert 10 == sum(allowed(rate, [tenth / 10 for tenth in range(1_000, 1_100)]))


def test_many_at_once_count_as_many() -> None:
    """There has to be room for all of them."""
    assert [True, False, True] == allowed(Rate(1.0, 10), [100.0] * 3, [7, 4, 3])


def test_more_than_a_burst_wait_for_a_whole_one_and_are_paid_for() -> None:
    """Otherwise they would be refused for ever."""
    rate = Rate(1.0, 10)
    assert [True, False, False, True] == allowed(rate, [100.0, 100.0, 129.0, 131.0], [31, 1, 10, 10])


def test_what_was_counted_already_belongs_to_them() -> None:
    """A batch of a burst is one request when it comes, and the others when it was read."""
    rate = Rate(1.0, 10)
    due = rate.spend(NEVER, 100.0)
    assert 0.0 == rate.wait_s(due, 100.0, 9, counted=1)
    assert 0.0 == rate.wait_s(due, 100.0, 99, counted=1)
    assert 1.0 == rate.wait_s(due, 100.0, 10)


@given(
    st.floats(0.001, 1_000_000),
    st.integers(1, 1_000),
    st.lists(st.floats(0, 50), min_size=1, max_size=60),
)
def test_in_no_time_more_than_the_rate_and_a_burst(per_s: float, burst: int, steps: list[float]) -> None:
    """Between any two requests that are allowed."""
    rate = Rate(per_s, burst)
    moments = [1_000.0 + sum(steps[: number + 1]) / per_s for number in range(len(steps))]
    taken = [moment for moment, yes in zip(moments, allowed(rate, moments), strict=True) if yes]
    for first, begin in enumerate(taken):
        for last, end in enumerate(taken[first:], first):
            assert last - first + 1 <= burst + (end - begin + SLACK_S * (last - first + 1)) * per_s + 1e-6


@given(st.floats(0.001, 1_000_000), st.integers(1, 1_000_000), st.integers(1, 1_000))
def test_whoever_waits_for_as_long_as_he_is_told_is_let_in(per_s: float, burst: int, count: int) -> None:
    """And whoever has had a burst is told to wait."""
    rate = Rate(per_s, burst)
    due = rate.spend(NEVER, 10.0, burst)
    wait_s = rate.wait_s(due, 10.0, count)
    assert wait_s > 0 or 1 / per_s <= 1.001 * SLACK_S  # as near to it as two moments can be told apart
    assert 0.0 == rate.wait_s(due, 10.0 + wait_s + SLACK_S, count)
