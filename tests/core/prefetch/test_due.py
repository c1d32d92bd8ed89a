"""When one source is due: every rule from both sides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.core.prefetch.due import chance
from service.core.prefetch.inventory import SourceState, Window
from service.core.prefetch.schedule import Override, Schedule
from tests.core.prefetch.sources import (
    AT,
    NOTHING,
    PLAIN,
    TICK,
    configured,
    due_after,
    failed,
    held,
    hours,
    learned,
    seconds,
    succeeded,
)

JITTERY = Schedule(jitter=0.1, first_delay=NOTHING, salt=b"replica")
LAST_DATE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


# --- never tried -----------------------------------------------------------------------------------------------------


def test_first_delay_passes() -> None:
    """What was never tried is due when its first delay has passed, and not before."""
    state = SourceState(configured(), used_at=AT)
    delay = due_after(state, Schedule())
    assert NOTHING < delay < seconds(2)
    assert NOTHING == due_after(replace(state, used_at=AT - delay), Schedule())
    assert TICK == due_after(replace(state, used_at=AT - delay + TICK), Schedule())


def test_first_delays_are_spread() -> None:
    """A hundred sources of one moment have different delays, the configured ones before any learned one."""
    schedule = Schedule(salt=b"replica")
    first = [due_after(SourceState(configured(f"https://a.example/{i}"), AT), schedule) for i in range(100)]
    second = [due_after(SourceState(learned(f"http://a.example/{i}"), AT), schedule) for i in range(100)]
    assert 200 == len({*first, *second})
    assert seconds(0.9) < max(first) < seconds(1) <= min(second) < seconds(1.1)
    assert seconds(1.9) < max(second) < seconds(2)


def test_replicas_differ() -> None:
    """Another salt is another delay, and the same salt the same."""
    state = SourceState(learned(), AT)
    one, same, other = (due_after(state, Schedule(salt=salt)) for salt in (b"one", b"one", b"other"))
    assert (one == same, one != other) == (True, True)


def test_first_delay_counts_from_when_it_was_heard_of() -> None:
    """A source that is used again and again before its first attempt does not have to wait again and again."""
    state = SourceState(learned(), used_at=AT)
    assert NOTHING < due_after(state, Schedule())
    assert NOTHING == due_after(replace(state, known_since=AT - seconds(2)), Schedule())


# --- asked for -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tried", "asked", "waits"),
    [
        (None, AT, False),
        (AT - seconds(2), AT - seconds(1), False),
        (AT - seconds(2), AT - seconds(2), True),
        (AT - seconds(2), AT - seconds(3), True),
        (AT - seconds(2), None, True),
        (AT - seconds(2), AT + seconds(9), False),
        (AT + seconds(2), AT - seconds(9), False),
    ],
)
def test_asked(tried: datetime | None, asked: datetime | None, waits: bool) -> None:
    """Who asks is served at once, unless an attempt has ended since; a clock that was set back changes nothing."""
    state = SourceState(learned(), used_at=AT, asked_at=asked)
    if tried is not None:
        state = replace(state, tried_at=tried, succeeded_at=tried)
    assert waits == (due_after(state, Schedule(first_delay=hours(1))) > NOTHING)


def test_asked_in_vain_is_retried_in_the_usual_rhythm() -> None:
    """An attempt that failed has ended too."""
    state = replace(failed(NOTHING, 1), asked_at=AT - seconds(1))
    assert seconds(5) == due_after(state)


# --- after a success -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "validity", "after"),
    [
        (NOTHING, seconds(1000), 500),  # the fraction of the validity
        (seconds(100), seconds(1000), 400),  # counted from thisUpdate
        (seconds(499), seconds(1000), 60),  # the minimum
        (NOTHING, seconds(119), 59.5 + 0.5),  # the minimum
        (NOTHING, seconds(7200), 3600),  # fraction and maximum are the same
        (NOTHING, hours(24 * 7), 3600),  # the maximum
        (seconds(500), seconds(1000), 250),  # nothing newer was to be had: half of the rest
        (seconds(700), seconds(1000), 150),
        (seconds(999), seconds(1000), 60),  # it ends before the minimum has passed
        (hours(24 * 6), hours(24 * 7), 3600),
        (seconds(-300), seconds(1000), 800),  # a thisUpdate in the future, within what clocks differ
    ],
)
def test_after_success(age: timedelta, validity: timedelta, after: float) -> None:
    """Between minimum and maximum, where the fraction of the validity has passed."""
    window = held(AT - age, validity)
    assert seconds(after) == due_after(succeeded(NOTHING, window))
    assert seconds(after - 10) == due_after(succeeded(seconds(10), held(AT - age - seconds(10), validity)))


@pytest.mark.parametrize("lasts", [NOTHING, seconds(-1), hours(-24)])
def test_an_end_that_has_passed(lasts: timedelta) -> None:
    """An origin that works and gives a CRL that has ended is asked as often as one that failed many times."""
    state = succeeded(NOTHING, Window(AT - hours(48), AT + lasts))
    slow, quick, bounded = (
        Schedule(jitter=0, retry_longest=seconds(600)),
        Schedule(jitter=0, retry_longest=seconds(30)),
        Schedule(jitter=0, maximum=seconds(90), retry_longest=seconds(600)),
    )
    assert seconds(600) == due_after(state, slow)
    assert seconds(60) == due_after(state, quick)
    assert seconds(90) == due_after(state, bounded)


def test_end_that_nobody_can_count_to() -> None:
    """The last date of the calendar is a usual nextUpdate."""
    assert hours(1) == due_after(succeeded(NOTHING, Window(AT, LAST_DATE)))
    assert hours(1) == due_after(succeeded(NOTHING, Window(datetime(1, 1, 1, tzinfo=UTC), LAST_DATE)))


@pytest.mark.parametrize("window", [None, Window(AT - hours(99), None)])
def test_without_next_update(window: Window | None) -> None:
    """What does not say when it ends is refreshed after the maximum, to the moment."""
    assert hours(1) == due_after(succeeded(NOTHING, window))
    assert TICK == due_after(succeeded(hours(1) - TICK, window))
    assert NOTHING == due_after(succeeded(hours(1), window))


@pytest.mark.parametrize(("validity", "after"), [(1000, 940), (200, 140), (119, 60), (50_000, 3600)])
def test_time_for_a_retry(validity: float, after: float) -> None:
    """However late the fraction, a refresh is due the longest retry before the end, unless the minimum forbids it."""
    schedule = replace(PLAIN, fraction=0.999)
    assert seconds(after) == due_after(succeeded(NOTHING, held(AT, seconds(validity))), schedule)


def test_override() -> None:
    """A source with a rhythm of its own has nothing of the others'."""
    source = configured("s3://bucket/a")
    schedule = replace(PLAIN, overrides=(Override("s3:", 0.25, seconds(1), seconds(30)),))
    assert seconds(25) == due_after(succeeded(NOTHING, held(AT, seconds(100)), source=source), schedule)
    assert seconds(30) == due_after(succeeded(NOTHING, held(AT, hours(1)), source=source), schedule)
    assert seconds(1) == due_after(succeeded(NOTHING, held(AT, seconds(2)), source=source), schedule)
    assert seconds(60) == due_after(succeeded(NOTHING, held(AT, seconds(100))), schedule)


@pytest.mark.parametrize(
    ("validity", "fresh", "after"),
    [
        (1000, None, 500),
        (1000, -100, 500),  # it is over
        (1000, 400, 500),  # it never hurries
        (1000, 600, 600),
        (1000, 750, 750),  # half of what the fraction leaves
        (1000, 751, 750),
        (1000, 99_999, 750),
        (160, 99_999, 100),  # the longest retry before the end
        (7000, 99_999, 3600),  # the maximum
        (50_000, 99_999, 3600),
        (90, 50, 60),  # the minimum
    ],
)
def test_max_age(validity: float, fresh: float | None, after: float) -> None:
    """What the origin promises delays a refresh, up to half of what the fraction leaves and never over the maximum."""
    fresh_until = None if fresh is None else AT + seconds(fresh)
    state = succeeded(NOTHING, held(AT, seconds(validity)), fresh_until=fresh_until)
    assert seconds(after) == due_after(state)


def test_max_age_without_next_update() -> None:
    """Where only the maximum counts, a promise changes nothing."""
    state = succeeded(NOTHING, Window(AT, None), fresh_until=AT + hours(5))
    assert hours(1) == due_after(state)


def test_max_age_and_chance() -> None:
    """Jitter does not ask for what the origin said is not to be had yet."""
    state = succeeded(NOTHING, held(AT, seconds(1000)))
    hurried = due_after(state, JITTERY)
    assert seconds(450) < hurried < seconds(500)
    assert seconds(500) == due_after(replace(state, fresh_until=AT + seconds(500)), JITTERY)


# --- after failures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "after"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (64, 60), (65, 60), (10**9, 60)]
)
@pytest.mark.parametrize("window", [None, Window(AT, None), held(AT, hours(9)), held(AT - hours(9), hours(8))])
def test_back_off(window: Window | None, failures: int, after: float) -> None:
    """Retries double up to the longest, whatever is held, and count from the last attempt."""
    assert seconds(after) == due_after(failed(NOTHING, failures, window))
    assert TICK == due_after(failed(seconds(after) - TICK, failures, window))
    assert NOTHING == due_after(failed(seconds(after), failures, window))


def test_an_attempt_without_success_or_failures_is_a_failure() -> None:
    """A state that counts none of its failures is retried like one that counts the first."""
    assert seconds(5) == due_after(failed(NOTHING, 0))


@pytest.mark.parametrize(
    ("left", "after"), [(hours(3), 3600), (hours(2), 3600), (hours(1), 1800), (seconds(20), 10), (seconds(6), 5)]
)
def test_an_end_that_is_near(left: timedelta, after: float) -> None:
    """While a CRL is held, half of the time until its end is waited at most, down to the first retry."""
    schedule = replace(PLAIN, retry_longest=hours(1))
    assert seconds(after) == due_after(failed(NOTHING, 99, Window(AT - hours(9), AT + left)), schedule)


@pytest.mark.parametrize("left", [NOTHING, -TICK, hours(-1)])
def test_an_end_that_has_come(left: timedelta) -> None:
    """When it has ended, there is nothing to be in time for."""
    schedule = replace(PLAIN, retry_longest=hours(1))
    assert hours(1) == due_after(failed(NOTHING, 99, Window(AT - hours(9), AT + left)), schedule)


# --- chance and clocks -----------------------------------------------------------------------------------------------


def test_jitter_hurries() -> None:
    """A hundred sources that were fetched together are spread over the share of jitter before their time."""
    window = held(AT, hours(100))
    successes = [
        due_after(succeeded(NOTHING, window, source=learned(f"http://a.example/{i}")), JITTERY) for i in range(100)
    ]
    failures = [due_after(failed(NOTHING, 9, source=learned(f"http://a.example/{i}")), JITTERY) for i in range(100)]
    assert (100, 100) == (len(set(successes)), len(set(failures)))
    assert seconds(3240) < min(successes) < seconds(3276) < seconds(3564) < max(successes) <= seconds(3600)
    assert seconds(54) < min(failures) < seconds(54.6) < seconds(59.4) < max(failures) <= seconds(60)


def test_jitter_is_another_for_each_attempt() -> None:
    """Sources that met once do not meet for ever."""
    one, other = (
        due_after(succeeded(since, held(AT - since, hours(100))), JITTERY) + since for since in (NOTHING, seconds(1))
    )
    assert one != other


def test_jitter_does_not_undercut_the_minimum() -> None:
    """Chance breaks no rule."""
    assert seconds(60) == due_after(succeeded(NOTHING, held(AT, seconds(120))), JITTERY)
    assert seconds(60) == due_after(succeeded(NOTHING, None), replace(JITTERY, maximum=seconds(60)))


@pytest.mark.parametrize(
    "state",
    [
        replace(succeeded(NOTHING, held(AT, hours(9))), tried_at=AT + TICK, succeeded_at=AT + TICK),
        replace(succeeded(NOTHING, held(AT, hours(9))), succeeded_at=AT + TICK),
        failed(-TICK, 3),
    ],
)
def test_a_clock_that_was_set_back(state: SourceState) -> None:
    """An attempt in the future is none: nobody waits until the clock has caught up."""
    assert NOTHING == due_after(state)
    assert NOTHING == due_after(state, Schedule())


def test_chance_is_told_apart_by_everything() -> None:
    """Salt, key and moment each make another number, and cannot be taken for each other's parts."""
    numbers = {
        chance(salt, key, moment)
        for salt in (b"", b"a", b"ab")
        for key in ("", "b", "ab", "\udcff")
        for moment in (None, datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), AT, AT + TICK, LAST_DATE)
    }
    assert 72 == len(numbers)
    assert all(0 <= number < 1 for number in numbers)


def test_chance_knows_moments_not_their_zones() -> None:
    """The same moment in another zone is the same chance."""
    assert chance(b"", "", AT) == chance(b"", "", AT.astimezone(timezone(hours(9))))
