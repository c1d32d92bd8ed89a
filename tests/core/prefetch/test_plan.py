"""The plan as a whole: which comes first, when to look again, and what is forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.core.prefetch.inventory import SourceState, Window
from service.core.prefetch.plan import PATIENCE, Plan, plan
from service.core.prefetch.schedule import Schedule
from service.settings import Settings
from tests.core.prefetch.sources import (
    AT,
    PLAIN,
    TICK,
    configured,
    failed,
    held,
    hours,
    learned,
    seconds,
    succeeded,
)


def test_nothing_known() -> None:
    """Where there is no source, there is nothing to do and nothing to wait for."""
    assert Plan((), None, ()) == plan([], Schedule(), AT)


def test_due_and_later() -> None:
    """What is due is named; the earliest of the others says when to look again."""
    window = held(AT - hours(1), hours(100))
    due, soon, later = (
        succeeded(hours(since), window, source=learned(key)) for since, key in ((1, "a"), (0.75, "b"), (0.5, "c"))
    )
    assert Plan((due.source,), AT + hours(0.25), ()) == plan([later, due, soon], PLAIN, AT)


def states_by_urgency() -> tuple[SourceState, ...]:
    """One of each kind that is due, the most urgent first."""
    past, long = AT - hours(50), seconds(9000)
    return (
        replace(succeeded(seconds(5), held(AT, hours(9)), source=learned("y")), asked_at=AT - seconds(2)),
        replace(SourceState(learned("x"), past), asked_at=AT - seconds(1)),
        SourceState(configured("w"), past),
        failed(long, PATIENCE - 1, source=configured("v2")),
        failed(long - TICK, PATIENCE - 1, held(past, hours(1)), source=configured("u")),
        succeeded(long - 2 * TICK, held(past, hours(50)), source=configured("t")),
        SourceState(learned("s1"), past),
        SourceState(learned("s2"), past),
        failed(long, 1, source=learned("r")),
        failed(long, 99, Window(past, AT + TICK), source=learned("q")),
        succeeded(long, Window(past, AT + 2 * TICK), source=configured("p")),
        succeeded(long, Window(past, AT + 2 * TICK), source=learned("o")),
        succeeded(long, Window(past, AT + hours(9)), source=learned("n")),
        succeeded(long, Window(past, None), source=configured("m")),
        failed(long, PATIENCE, source=configured("l")),
        failed(long, PATIENCE, held(past, hours(1)), source=learned("k")),
        failed(long - TICK, 99, source=learned("j")),
    )


def test_urgency() -> None:
    """Who is asked for; then by the end of what is held; what has failed too often and has nothing to lose at last."""
    states = states_by_urgency()
    expected = tuple(state.source for state in states)
    assert expected == plan(states, PLAIN, AT).due
    assert expected == plan(states[::-1], PLAIN, AT).due


def test_patience_ends_where_a_circuit_breaker_opens() -> None:
    """As long as an origin is let through, its sources are no burden to the others."""
    assert Settings.model_fields["breaker_failures"].default == PATIENCE


def test_set_back_clock_and_order() -> None:
    """An attempt in the future counts as none here too."""
    tried = failed(seconds(9000), 1, source=configured("a"))
    future = failed(-hours(1), 1, source=configured("b"))
    assert (future.source, tried.source) == plan([tried, future], PLAIN, AT).due


def unused(key: str, since: timedelta) -> SourceState:
    """A learned source that is due, and was used last so long ago."""
    return replace(failed(hours(1), 1, source=learned(key)), used_at=AT - since)


@pytest.mark.parametrize(
    ("most", "forgotten"), [(9, ()), (4, ()), (3, ("a",)), (1, ("a", "d", "b")), (0, ("a", "d", "b", "c"))]
)
def test_too_many(most: int, forgotten: tuple[str, ...]) -> None:
    """Beyond the limit the least recently used are forgotten, and are neither due nor waited for."""
    states = [unused("a", hours(4)), unused("b", hours(2)), unused("c", hours(1)), unused("d", hours(3))]
    made = plan(states, replace(PLAIN, most_learned=most), AT)
    assert forgotten == made.forget
    assert {state.source.key for state in states} - {*forgotten} == {source.key for source in made.due}


def test_equally_old() -> None:
    """Of those used in the same moment, the order of their keys decides, so that every plan forgets the same."""
    states = [unused(key, hours(1)) for key in "cab"]
    assert ("a", "b") == plan(states, replace(PLAIN, most_learned=1), AT).forget


def test_unused_for_too_long() -> None:
    """A learned source is kept for as long as said after its last use, and not a tick longer."""
    states = [unused("kept", timedelta(days=30)), unused("gone", timedelta(days=30) + TICK)]
    made = plan(states, PLAIN, AT)
    assert (("gone",), ["kept"]) == (made.forget, [source.key for source in made.due])


def test_a_forgotten_source_wakes_nobody() -> None:
    """What is forgotten is not waited for, even where somebody asked for it."""
    state = replace(succeeded(seconds(1), held(AT, hours(9)), source=learned()), asked_at=AT)
    assert Plan((), None, (state.source.key,)) == plan([state], replace(PLAIN, most_learned=0), AT)
    assert Plan((), None, (state.source.key,)) == plan(
        [replace(state, asked_at=None)], replace(PLAIN, most_learned=0), AT
    )


def test_what_was_configured_is_never_forgotten() -> None:
    """Neither for want of room nor for want of use, and it takes no room of the learned ones."""
    state = replace(failed(hours(1), 1), used_at=AT - timedelta(days=999))
    other = unused("a", hours(1))
    assert () == plan([state, other], replace(PLAIN, most_learned=1), AT).forget
    assert ("a",) == plan([state, other], replace(PLAIN, most_learned=0), AT).forget
