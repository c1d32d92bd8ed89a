"""When evidence may be used: every bound from both sides."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.freshness.window import (
    DEFAULT_OCSP_AGE,
    LAST_MOMENT,
    EvidenceKind,
    UsableUntil,
    later,
    window,
)
from service.core.model.attempt import Problem
from service.core.model.policy import Policy

THIS_UPDATE: Final = datetime(2026, 1, 1, tzinfo=UTC)
NEXT_UPDATE: Final = THIS_UPDATE + timedelta(hours=1)
TICK: Final = timedelta(microseconds=1)
NOTHING: Final = timedelta(0)
MINUTE: Final = timedelta(minutes=1)

STRICT: Final = Policy(clock_skew=NOTHING, grace=NOTHING)

either_kind = pytest.mark.parametrize("kind", list(EvidenceKind))


@either_kind
@pytest.mark.parametrize("skew", [NOTHING, MINUTE])
def test_begin(kind: EvidenceKind, skew: timedelta) -> None:
    """Evidence may be used from thisUpdate on, less the clock's tolerance, and not a tick before."""
    policy = Policy(clock_skew=skew)
    begin = THIS_UPDATE - skew
    assert UsableUntil(NEXT_UPDATE + skew) == window(kind, THIS_UPDATE, NEXT_UPDATE, policy, begin)
    assert Problem.NOT_YET_VALID is window(kind, THIS_UPDATE, NEXT_UPDATE, policy, begin - TICK)


@either_kind
@pytest.mark.parametrize("skew", [NOTHING, MINUTE])
@pytest.mark.parametrize("grace", [NOTHING, timedelta(days=1)])
def test_end(kind: EvidenceKind, skew: timedelta, grace: timedelta) -> None:
    """It may be used until nextUpdate, tolerance and grace included, and not a tick longer."""
    policy = Policy(clock_skew=skew, grace=grace)
    end = NEXT_UPDATE + skew + grace
    assert UsableUntil(end, in_grace=grace > NOTHING) == window(kind, THIS_UPDATE, NEXT_UPDATE, policy, end)
    assert Problem.STALE is window(kind, THIS_UPDATE, NEXT_UPDATE, policy, end + TICK)


@either_kind
@pytest.mark.parametrize("next_update", [NEXT_UPDATE, None])
def test_longest_age(kind: EvidenceKind, next_update: datetime | None) -> None:
    """The longest age that the policy allows counts from thisUpdate, and neither tolerance nor grace stretch it."""
    policy = Policy(clock_skew=MINUTE, grace=MINUTE, max_evidence_age=timedelta(minutes=30))
    end = THIS_UPDATE + timedelta(minutes=30)
    assert UsableUntil(end) == window(kind, THIS_UPDATE, next_update, policy, end)
    assert Problem.STALE is window(kind, THIS_UPDATE, next_update, policy, end + TICK)


@either_kind
def test_longest_age_does_not_stretch_next_update(kind: EvidenceKind) -> None:
    """The earlier of the two ends counts."""
    policy = Policy(clock_skew=NOTHING, max_evidence_age=timedelta(days=1))
    assert UsableUntil(NEXT_UPDATE) == window(kind, THIS_UPDATE, NEXT_UPDATE, policy, NEXT_UPDATE)
    assert Problem.STALE is window(kind, THIS_UPDATE, NEXT_UPDATE, policy, NEXT_UPDATE + TICK)


def test_crl_without_next_update() -> None:
    """A CRL that does not say when the next one comes is not used, unless the policy says how old it may be."""
    assert Problem.NO_NEXT_UPDATE is window(EvidenceKind.CRL, THIS_UPDATE, None, STRICT, THIS_UPDATE)


def test_ocsp_without_next_update() -> None:
    """An OCSP answer without nextUpdate is used for five minutes, unless the policy says otherwise."""
    end = THIS_UPDATE + DEFAULT_OCSP_AGE
    assert timedelta(seconds=300) == DEFAULT_OCSP_AGE
    assert UsableUntil(end) == window(EvidenceKind.OCSP, THIS_UPDATE, None, Policy(), end)
    assert Problem.STALE is window(EvidenceKind.OCSP, THIS_UPDATE, None, Policy(), end + TICK)


@pytest.mark.parametrize("age", [timedelta(seconds=1), timedelta(days=1)])
def test_ocsp_age_of_the_policy(age: timedelta) -> None:
    """An age in the policy replaces the five minutes, shorter or longer."""
    policy = Policy(max_evidence_age=age)
    assert UsableUntil(THIS_UPDATE + age) == window(EvidenceKind.OCSP, THIS_UPDATE, None, policy, THIS_UPDATE)


def test_five_minutes_are_no_limit_beside_next_update() -> None:
    """An OCSP answer with nextUpdate is used until then."""
    at = NEXT_UPDATE - TICK
    assert UsableUntil(NEXT_UPDATE) == window(EvidenceKind.OCSP, THIS_UPDATE, NEXT_UPDATE, STRICT, at)


@either_kind
@pytest.mark.parametrize("next_update", [None, THIS_UPDATE - timedelta(days=1)])
def test_future_comes_first(kind: EvidenceKind, next_update: datetime | None) -> None:
    """Evidence from the future is that, whatever else is wrong with it."""
    assert Problem.NOT_YET_VALID is window(kind, THIS_UPDATE, next_update, STRICT, THIS_UPDATE - TICK)


@either_kind
def test_end_before_begin(kind: EvidenceKind) -> None:
    """A nextUpdate before thisUpdate is stale at every moment."""
    earlier = THIS_UPDATE - timedelta(hours=1)
    assert Problem.STALE is window(kind, THIS_UPDATE, earlier, STRICT, THIS_UPDATE)


@either_kind
def test_end_of_the_calendar(kind: EvidenceKind) -> None:
    """A nextUpdate that means never ends with the calendar, at whatever moment it is asked about."""
    never = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    generous = Policy(grace=timedelta(days=365))
    east = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(-timedelta(hours=12)))
    assert UsableUntil(LAST_MOMENT) == window(kind, THIS_UPDATE, never, generous, NEXT_UPDATE)
    assert UsableUntil(LAST_MOMENT) == window(kind, THIS_UPDATE, never, generous, LAST_MOMENT)
    assert Problem.STALE is window(kind, THIS_UPDATE, never, generous, east)


def test_end_is_a_value() -> None:
    """The end of use is not moved by whoever is told."""
    end = UsableUntil(NEXT_UPDATE)
    assert not hasattr(end, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(end, "moment", LAST_MOMENT)  # noqa: B010 - mypy would refuse the plain form, which is the point


def test_later() -> None:
    """A moment later stays in the calendar."""
    assert NEXT_UPDATE == later(THIS_UPDATE, timedelta(hours=1))
    assert LAST_MOMENT == later(LAST_MOMENT - MINUTE, MINUTE)
    assert LAST_MOMENT - TICK == later(LAST_MOMENT - MINUTE, MINUTE - TICK)
    assert LAST_MOMENT == later(LAST_MOMENT, timedelta.max)


def usable_end(found: UsableUntil | Problem) -> datetime | None:
    """Until when something may be used; None where it may not be."""
    return found.moment if isinstance(found, UsableUntil) else None


@either_kind
def test_grace_is_told(kind: EvidenceKind) -> None:
    """From the first tick after nextUpdate and tolerance on, and not before."""
    policy = Policy(clock_skew=MINUTE, grace=MINUTE)
    begins = NEXT_UPDATE + MINUTE
    told = [window(kind, THIS_UPDATE, NEXT_UPDATE, policy, at) for at in (begins, begins + TICK)]
    assert [UsableUntil(begins + MINUTE), UsableUntil(begins + MINUTE, in_grace=True)] == told


def test_no_grace_without_an_end() -> None:
    """What has no nextUpdate does not outlive one."""
    at = THIS_UPDATE + DEFAULT_OCSP_AGE
    assert UsableUntil(at) == window(EvidenceKind.OCSP, THIS_UPDATE, None, Policy(grace=MINUTE), at)


_MOMENTS = st.datetimes(timezones=st.just(UTC))
_DURATIONS = st.timedeltas(NOTHING, timedelta(days=10_000))


@given(
    st.sampled_from(EvidenceKind),
    _MOMENTS,
    st.none() | _MOMENTS,
    st.builds(Policy, clock_skew=_DURATIONS, grace=_DURATIONS, max_evidence_age=st.none() | _DURATIONS),
    _MOMENTS,
)
def test_any_moment(
    kind: EvidenceKind, this_update: datetime, next_update: datetime | None, policy: Policy, at: datetime
) -> None:
    """What may be used is valid by now, has an end ahead, and may be used up to that end."""
    match window(kind, this_update, next_update, policy, at):
        case UsableUntil(end, in_grace):
            assert in_grace <= (next_update is not None and at > next_update)
            assert this_update - policy.clock_skew <= at <= end if this_update.year > 100 else at <= end
            assert end == usable_end(window(kind, this_update, next_update, policy, end))
        case problem:
            assert problem in {Problem.NOT_YET_VALID, Problem.STALE, Problem.NO_NEXT_UPDATE}
