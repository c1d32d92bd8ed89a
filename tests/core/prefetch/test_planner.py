"""Plans one after the other: what is remembered between them changes none of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.prefetch import plan as module
from service.core.prefetch.due import due_at
from service.core.prefetch.inventory import SourceState
from service.core.prefetch.plan import Plan, Planner, plan
from service.core.prefetch.schedule import Schedule
from tests.core.prefetch.sources import AT, PLAIN, configured, failed, held, hours, learned, seconds, succeeded
from tests.core.prefetch.test_properties import around, inventories, lapses, schedules

Step = tuple[datetime, list[SourceState]]

LATER = AT + timedelta(seconds=1)


def one_by_one(steps: Sequence[Step], schedule: Schedule) -> list[Plan]:
    """The plans of one planner."""
    planner = Planner(schedule)
    return [planner.plan(states, at) for at, states in steps]


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Inventories of one host, of which each has some states of the one before, at moments in any order."""
    every = draw(st.lists(inventories(around), min_size=2, max_size=4))
    steps: list[Step] = []
    for states in every:
        kept = [one for one in (steps[-1][1] if steps else []) if draw(st.booleans())]
        names = {one.source.key for one in kept}
        steps.append((AT + draw(lapses) * draw(st.sampled_from((0, 1, -1))), [
            *kept, *(one for one in states if one.source.key not in names)
        ]))  # fmt: skip
    return steps


@given(histories(), schedules())
def test_they_are_what_each_would_be_alone(steps: list[Step], schedule: Schedule) -> None:
    """Whatever changes between two plans, and wherever the clock goes."""
    assert [plan(states, schedule, at) for at, states in steps] == one_by_one(steps, schedule)


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the sources of which it was worked out when they are due."""
    keys: list[str] = []

    def noted(state: SourceState, schedule: Schedule, at: datetime) -> datetime:
        keys.append(state.source.key)
        return due_at(state, schedule, at)

    monkeypatch.setattr(module, "due_at", noted)
    return keys


def test_what_stays_is_not_worked_out_again(worked_out: list[str]) -> None:
    """A state that is another object is; one that comes back is, since of what was gone nothing is remembered."""
    window = held(AT - hours(1), hours(100))
    first, second = (succeeded(seconds(1), window, source=learned(key)) for key in ("a", "b"))
    planner = Planner(PLAIN)
    for states in ([first, second], [first, second], [replace(first), second], [second], [first, second]):
        planner.plan(states, AT)
        worked_out.append("")
    assert ["a", "b", "", "", "a", "", "", "a", ""] == worked_out


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(lambda: failed(-seconds(1), 1, source=configured("a")), ["a", "a"], id="tried in the future"),
        pytest.param(lambda: failed(seconds(1), 1, source=configured("a")), ["a"], id="tried"),
        pytest.param(lambda: SourceState(configured("a"), AT), ["a"], id="never tried"),
    ],
)
def test_an_attempt_in_the_future(worked_out: list[str], state: Callable[[], SourceState], expected: list[str]) -> None:
    """Is none until its moment has come: until then, nothing about its source is remembered."""
    one_by_one([(AT, [known := state()]), (LATER, [known])], PLAIN)
    assert expected == worked_out


def test_a_clock_that_is_set_back(worked_out: list[str]) -> None:
    """Whatever was worked out by the other clock is worked out again."""
    state = succeeded(seconds(0), held(AT - hours(1), hours(100)), source=configured("a"))
    before = AT - seconds(1)
    tried, untried = one_by_one([(AT, [state]), (before, [state])], PLAIN)
    assert ((), (state.source,)) == (tried.due, untried.due)
    assert ["a", "a"] == worked_out
