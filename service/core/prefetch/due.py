"""When the next attempt at one source is due: a function for each thing that may have come of it so far.

Rules: jitter only hurries an attempt, so every "at the latest" holds whatever chance says. Chance is a hash of what is
known: the same states at the same moment make the same plan, and another replica, with another salt, another one.

Not here: which of the due ones comes first, and which sources are forgotten (`plan`).
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from service.core.prefetch.inventory import SourceKind, SourceState, Window
from service.core.prefetch.schedule import Schedule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_CHANCE_OCTETS = 6
"""48 bits: every fraction of 2^48 is a float, so that none is rounded up to 1."""

_MOST_DOUBLINGS = 64
"""Durations of a schedule are below 2^64 microseconds: whoever failed more often waits for the longest."""


def due_at(state: SourceState, schedule: Schedule, at: datetime) -> datetime:
    """When the next attempt is due; not after `at` where it is due now.

    An attempt that ended in the future is none: the clock was set back, and nobody waits until it has caught up.
    """
    if asked(state, at):
        return at
    if state.tried_at is None or not tried(state, at):
        return _first_due(state, schedule)
    if state.failures == 0 and state.succeeded_at is not None:
        return _due_after_success(state, schedule, state.succeeded_at)
    return _due_after_failure(state, schedule, state.tried_at)


def asked(state: SourceState, at: datetime) -> bool:
    """Whether somebody asked for it to be fetched, and no attempt ended since."""
    if state.asked_at is None:
        return False
    return state.tried_at is None or not tried(state, at) or state.tried_at < state.asked_at


def tried(state: SourceState, at: datetime) -> bool:
    """Whether an attempt has ended, by a clock that has not been set back since."""
    if state.tried_at is None or state.tried_at > at:
        return False
    return state.succeeded_at is None or state.succeeded_at <= at


def usable(window: Window | None, at: datetime) -> bool:
    """Whether a CRL is held that has not ended; one without nextUpdate never does."""
    return window is not None and (window.next_update is None or window.next_update > at)


def _first_due(state: SourceState, schedule: Schedule) -> datetime:
    """Spread over the first delay: what was configured in its first half, what was learned in its second."""
    begin = 0.0 if state.source.kind is SourceKind.CONFIGURED else 0.5
    since = state.used_at if state.known_since is None else state.known_since
    return since + schedule.first_delay * (begin + chance(schedule.salt, state.source.key, None) / 2)


def _due_after_success(state: SourceState, schedule: Schedule, succeeded_at: datetime) -> datetime:
    """Where the fraction of the validity has passed, between the minimum and the maximum after the success.

    Where it had passed already when the source gave this CRL, nothing newer was to be had: then it is the same fraction
    of what was left. An authority that publishes once a week is so not asked every minute of the days before.
    """
    rhythm = schedule.rhythm(state.source)
    earliest, latest = succeeded_at + rhythm.minimum, succeeded_at + rhythm.maximum
    window = state.window
    if window is None or window.next_update is None:
        return max(earliest, _hurried(succeeded_at, latest, state, schedule))
    end = window.next_update
    if end <= succeeded_at:  # the origin works and has nothing newer: as often as after many failures
        return max(
            earliest, min(latest, _hurried(succeeded_at, succeeded_at + schedule.retry_longest, state, schedule))
        )
    point = window.this_update + rhythm.fraction * (end - window.this_update)
    if point <= succeeded_at:
        point = succeeded_at + rhythm.fraction * (end - succeeded_at)
    wanted = _hurried(succeeded_at, min(point, latest), state, schedule)
    if state.fresh_until is not None:
        wanted = max(wanted, min(state.fresh_until, _latest_for_freshness(point, end), latest))
    return max(earliest, min(wanted, end - schedule.retry_longest))


def _latest_for_freshness(point: datetime, end: datetime) -> datetime:
    """Until when an origin's `max-age` may delay a refresh: half of what the fraction leaves of the validity."""
    return point + (end - point) / 2


def _due_after_failure(state: SourceState, schedule: Schedule, tried_at: datetime) -> datetime:
    """The first retry, doubled by each further failure up to the longest.

    While a CRL is held that has not ended, at most half of the time until then: it is so asked for again and again,
    ever closer, before it ends.
    """
    due = _hurried(tried_at, tried_at + _back_off(state.failures, schedule), state, schedule)
    if state.window is None or state.window.next_update is None or state.window.next_update <= tried_at:
        return due
    return min(due, tried_at + max(schedule.retry_first, (state.window.next_update - tried_at) / 2))


def _back_off(failures: int, schedule: Schedule) -> timedelta:
    factor = 1 << min(max(failures - 1, 0), _MOST_DOUBLINGS)
    if factor >= schedule.retry_longest / schedule.retry_first:
        return schedule.retry_longest
    return schedule.retry_first * factor


def _hurried(start: datetime, end: datetime, state: SourceState, schedule: Schedule) -> datetime:
    """The end of an interval, less at most the share of jitter of it."""
    share = schedule.jitter * chance(schedule.salt, state.source.key, state.tried_at)
    return end - (end - start) * share


def chance(salt: bytes, key: str, moment: datetime | None) -> float:
    """A number from 0 to below 1 that looks random, and is the same each time for the same replica, source and try."""
    digest = sha256(len(salt).to_bytes(8) + salt)
    digest.update(b"" if moment is None else ((moment - _EPOCH) // _TICK).to_bytes(8, signed=True))
    digest.update(key.encode("utf-8", "surrogatepass"))
    return int.from_bytes(digest.digest()[:_CHANCE_OCTETS]) / (1 << 8 * _CHANCE_OCTETS)
