"""Timing: turns, what counts and what does not, and numbers that are right."""

import gc
from collections.abc import Iterator
from functools import partial

import pytest

from bench import measuring
from bench.measuring import Contestant, Time, Timing, race


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is a second further each time it is read."""

    def seconds() -> Iterator[int]:
        now = 0
        while True:
            yield now
            now += 1_000_000_000

    monkeypatch.setattr(measuring, "perf_counter_ns", seconds().__next__)


@pytest.mark.usefixtures("ticks")
def test_contestants_take_turns() -> None:
    """One call of each warms up, another tells how many make a turn; then they go one after the other."""
    calls: list[str] = []
    contestants = [Contestant(name, partial(calls.append, name)) for name in ("a", "b")]

    race(contestants, Time.PASSING, turns=3, turn_s=2.0)

    assert ["a"] * 2 + ["b"] * 2 + ["a", "a", "b", "b"] * 3 == calls


@pytest.mark.usefixtures("ticks")
def test_first_turn_does_not_count() -> None:
    """Of three turns of two calls, four calls are left."""
    (timing,) = race([Contestant("a", int)], Time.PASSING, turns=3, turn_s=2.0)

    assert ("a", [1.0] * 4) == (timing.name, timing.seconds)


@pytest.mark.parametrize(
    ("time", "clock"),
    [(Time.PASSING, "perf_counter_ns"), (Time.PROCESSOR, "process_time_ns")],
    ids=["passing", "processor"],
)
def test_what_comes_before_is_not_timed(time: Time, clock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock that was asked for is read after it, and it happens before each call."""
    happened: list[str] = []

    def read_clock() -> int:
        happened.append("clock")
        return len(happened)

    monkeypatch.setattr(measuring, clock, read_clock)

    race(
        [Contestant("a", lambda: happened.append("call"), lambda: happened.append("before"))], time, turns=1, turn_s=0.0
    )

    assert ["before", "clock", "call", "clock"] * 3 == happened


def test_garbage_is_collected_between_turns_only() -> None:
    """No call pays for the rubbish of another, and afterwards everything is as it was."""
    enabled: list[bool] = []

    race([Contestant("a", lambda: enabled.append(gc.isenabled()))], Time.PASSING, turns=2, turn_s=0.0)

    assert {False} == set(enabled)
    assert gc.isenabled()


def test_contestant_that_fails_ends_the_race() -> None:
    """A wrong answer is not timed, and the collector goes on."""
    with pytest.raises(ZeroDivisionError):
        race([Contestant("a", lambda: 1 // 0)], Time.PASSING)
    assert gc.isenabled()


def test_median_and_spread() -> None:
    """The middle, and the tenth and the ninetieth of a hundred."""
    timing = Timing("a", [float(number) for number in range(101)])

    assert (50.0, (10.0, 90.0)) == (timing.median, timing.spread)


def test_single_call_has_no_spread() -> None:
    """What takes long is measured once."""
    assert (3.0, 3.0) == Timing("a", [3.0]).spread
