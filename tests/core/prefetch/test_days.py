"""Days with an authority: what following the plan comes to, attempt by attempt."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from service.core.prefetch.inventory import SourceState, Window
from service.core.prefetch.plan import plan
from service.core.prefetch.schedule import Schedule
from tests.core.prefetch.sources import AT, configured, hours, seconds

SCHEDULE = Schedule(salt=b"replica")


@dataclass(frozen=True, slots=True)
class Authority:
    """Publishes a CRL in each period, that lasts for longer than the period, and is away for a while.

    Attributes:
        period: Between two CRLs.
        overlap: For how long each is valid after the next one has come.
        away: From when to when it does not answer.
    """

    period: timedelta
    overlap: timedelta
    away: tuple[datetime, datetime] = (AT, AT)

    def published(self, at: datetime) -> Window | None:
        """What it gives at a moment."""
        if self.away[0] <= at < self.away[1]:
            return None
        begin = AT + (at - AT) // self.period * self.period
        return Window(begin, begin + self.period + self.overlap)


def attempts(authority: Authority, lasting: timedelta) -> Iterator[SourceState]:
    """The states after each attempt, when the plan is followed to the moment."""
    state, at = SourceState(configured(), AT), AT
    while at < AT + lasting:
        made = plan([state], SCHEDULE, at)
        if made.wake_at is not None:
            at = made.wake_at
            continue
        window = authority.published(at)
        if window is None:
            state = replace(state, tried_at=at, failures=state.failures + 1)
        else:
            state = replace(state, tried_at=at, succeeded_at=at, failures=0, window=window)
        yield state


def gaps(states: list[SourceState]) -> list[timedelta]:
    """Between one attempt and the next."""
    return [later - earlier for earlier, later in pairwise(moments(states))]


def moments(states: list[SourceState]) -> list[datetime]:
    """Of the attempts."""
    return [state.tried_at for state in states if state.tried_at is not None]


@pytest.mark.parametrize("period", [seconds(150), hours(1), hours(24), hours(24 * 7)])
@pytest.mark.parametrize("overlap", [seconds(61), hours(1), hours(24 * 7)])
def test_what_is_held_never_ends(period: timedelta, overlap: timedelta) -> None:
    """Where the next CRL comes longer than the minimum before the end of the last, none ends while it is held."""
    held: Window | None = None
    for state in attempts(Authority(period, overlap), 2 * period):
        if held is not None:
            assert held.next_update is not None
            assert state.tried_at is not None
            assert state.tried_at < held.next_update
        held = state.window


@pytest.mark.parametrize(
    ("period", "lasting", "most"),
    [(hours(24 * 7), hours(24 * 7), 195), (hours(1), hours(24), 24 * 9), (seconds(60), hours(1), 61)],
)
def test_nobody_is_hammered(period: timedelta, lasting: timedelta, most: int) -> None:
    """A weekly CRL is asked for hourly, and quicker only when its end is near; none oftener than once a minute."""
    states = list(attempts(Authority(period, seconds(61)), lasting))
    assert lasting // hours(1) <= len(states) <= most
    assert seconds(60) <= min(gaps(states))


def test_a_day_without_the_authority() -> None:
    """It is asked about once a minute while it is away, quicker before what is held ends, and found when back."""
    back = AT + hours(30)
    authority = Authority(hours(12), hours(1), (AT + hours(6), back))
    states = list(attempts(authority, hours(31)))
    away = gaps([state for state in states if state.failures])
    assert seconds(60) >= max(away)
    assert all(0.9 * wait < gap.total_seconds() <= wait for wait, gap in zip((5, 10, 20, 40), away[:4], strict=True))
    assert 6 > sum(gap < seconds(54) for gap in away[4:])
    (returned, *_) = (
        state for state in states if not state.failures and state.succeeded_at and state.succeeded_at >= back
    )
    assert authority.published(back) == returned.window
    assert [True] == [moment - back <= seconds(60) for moment in moments([returned])]
