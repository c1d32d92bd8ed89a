"""What holds of every plan, whatever is known and whatever the schedule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.core.prefetch.inventory import Source, SourceKind, SourceState, Window
from service.core.prefetch.plan import plan
from service.core.prefetch.schedule import Override, Rhythm, Schedule
from tests.core.prefetch.sources import AT, NOTHING, TICK, seconds

PREFIXES = ("https://a.example/", "http://", "s3://bucket/")

durations = st.timedeltas(TICK, timedelta(days=400))
lapses = st.timedeltas(NOTHING, timedelta(days=400))
past = lapses.map(lambda lapse: AT - lapse)
around = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda lapse: AT + lapse)
anywhere = st.datetimes(timezones=st.just(UTC))
fractions = st.floats(0, 1, exclude_min=True, exclude_max=True)


@st.composite
def rhythms(draw: st.DrawFn) -> Rhythm:
    """A rhythm."""
    minimum, maximum = sorted((draw(durations), draw(durations)))
    return Rhythm(draw(fractions), minimum, maximum)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """A schedule."""
    first, longest = sorted((draw(durations), draw(durations)))
    rhythm = draw(rhythms())
    own = draw(st.dictionaries(st.sampled_from(PREFIXES), rhythms()))
    return Schedule(
        fraction=rhythm.fraction,
        minimum=rhythm.minimum,
        maximum=rhythm.maximum,
        retry_first=first,
        retry_longest=longest,
        first_delay=draw(lapses),
        jitter=draw(st.floats(0, 1, exclude_max=True)),
        most_learned=draw(st.integers(0, 6)),
        forget_after=draw(lapses),
        overrides=tuple(Override(prefix, it.fraction, it.minimum, it.maximum) for prefix, it in own.items()),
        salt=draw(st.binary(max_size=4)),
    )


windows = st.builds(Window, anywhere, st.none() | anywhere)


def known(moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[SourceState]:
    """States whose times, those of the CRL aside, are of a kind."""
    sources = st.builds(
        lambda prefix, name, kind: Source(prefix + name, (prefix + name,), kind),
        st.sampled_from(PREFIXES),
        st.text("abc", max_size=3),
        st.sampled_from(SourceKind),
    )
    return st.builds(
        SourceState,
        source=sources,
        used_at=moments,
        tried_at=st.none() | moments,
        succeeded_at=st.none() | moments,
        failures=st.integers(0, 100),
        window=st.none() | windows,
        fresh_until=st.none() | around,
        asked_at=st.none() | moments,
        known_since=st.none() | moments,
    )


def inventories(moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[list[SourceState]]:
    """Several states of different sources."""
    return st.lists(known(moments), max_size=8, unique_by=lambda state: state.source.key)


@given(inventories(around), schedules())
def test_nobody_is_left_out(states: list[SourceState], schedule: Schedule) -> None:
    """Each source is forgotten, due, or due later: at the moment to look again, or at one that is found then."""
    made = plan(states, schedule, AT)
    due = {source.key for source in made.due}
    assert len(made.due) == len(due)
    assert not due & {*made.forget}
    rest = {state.source.key for state in states} - due - {*made.forget}
    assert (made.wake_at is not None) == bool(rest)
    assert made.wake_at is None or made.wake_at > AT


@given(inventories(past), schedules())
def test_looking_again_finds_somebody(states: list[SourceState], schedule: Schedule) -> None:
    """At the moment to look again somebody new is due, and a tick before nobody is."""
    schedule = replace(schedule, most_learned=8, forget_after=timedelta(days=3660))
    made = plan(states, schedule, AT)
    if made.wake_at is None:
        return
    assert {*made.due} < {*plan(states, schedule, made.wake_at).due}
    assert {*made.due} == {*plan(states, schedule, made.wake_at - TICK).due}


@given(inventories(past), schedules(), lapses)
def test_once_due_always_due(states: list[SourceState], schedule: Schedule, later: timedelta) -> None:
    """What is due stays due until it is tried, or forgotten."""
    before, after = plan(states, schedule, AT), plan(states, schedule, AT + later)
    assert {source.key for source in before.due} <= {source.key for source in after.due} | {*after.forget}
    assert {*before.forget} <= {*after.forget}


@given(inventories(around).flatmap(lambda states: st.tuples(st.just(states), st.permutations(states))), schedules())
def test_order_of_states_means_nothing(orders: tuple[list[SourceState], list[SourceState]], schedule: Schedule) -> None:
    """The same states in another order are the same plan."""
    states, shuffled = orders
    assert plan(states, schedule, AT) == plan(iter(shuffled), schedule, AT)


@given(known(past), schedules(), lapses)
def test_never_before_the_minimum(state: SourceState, schedule: Schedule, since: timedelta) -> None:
    """A source that gave a CRL is not asked again before the minimum has passed, unless somebody wants it."""
    minimum, maximum = schedule.rhythm(state.source).minimum, schedule.rhythm(state.source).maximum
    then = AT - since
    state = replace(state, tried_at=then, succeeded_at=then, failures=0, asked_at=None, used_at=AT)
    due = plan([state], replace(schedule, most_learned=1), AT).due
    if since < minimum:
        assert () == due
    if since >= maximum:
        assert (state.source,) == due


@given(known(past), schedules(), lapses)
def test_retried_within_the_longest_retry(state: SourceState, schedule: Schedule, since: timedelta) -> None:
    """However often it failed, whatever is held: after the longest retry it is due."""
    then = AT - since
    state = replace(state, tried_at=then, succeeded_at=None, failures=max(1, state.failures), used_at=AT)
    due = plan([state], replace(schedule, most_learned=1), AT).due
    assert since < schedule.retry_longest or due == (state.source,)


@given(known(past), schedules(), st.timedeltas(seconds(-60), seconds(60)), durations)
def test_in_time(state: SourceState, schedule: Schedule, age: timedelta, left: timedelta) -> None:
    """While the origin works, a refresh is due before what is held ends, if it lasts for longer than the minimum."""
    end = AT + left
    window = Window(min(AT - age, end - TICK), end)
    state = replace(state, window=window, tried_at=AT, succeeded_at=AT, failures=0, used_at=AT)
    schedule = replace(schedule, most_learned=1)
    in_time = plan([state], replace(schedule, forget_after=timedelta(days=3660)), end - TICK).due == (state.source,)
    assert in_time or left <= schedule.rhythm(state.source).minimum
