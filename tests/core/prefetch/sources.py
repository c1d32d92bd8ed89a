"""Sources and their states, as the tests of the plan want them."""

from datetime import UTC, datetime, timedelta
from typing import Final

from service.core.prefetch.inventory import Source, SourceKind, SourceState, Window
from service.core.prefetch.plan import plan
from service.core.prefetch.schedule import Schedule

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment of the plan."""

TICK: Final = timedelta(microseconds=1)
NOTHING: Final = timedelta(0)

PLAIN: Final = Schedule(jitter=0, first_delay=NOTHING)
"""The defaults, and nothing left to chance."""


def seconds(count: float) -> timedelta:
    """A duration."""
    return timedelta(seconds=count)


def hours(count: float) -> timedelta:
    """A duration."""
    return timedelta(hours=count)


def configured(key: str = "https://crl.example/a", *others: str) -> Source:
    """A source that the operator named."""
    return Source(key, (key, *others), SourceKind.CONFIGURED)


def learned(key: str = "http://learned.example/a") -> Source:
    """A source that a certificate named."""
    return Source(key, (key,), SourceKind.LEARNED)


def held(begin: datetime, lasts: timedelta) -> Window:
    """The window of a CRL."""
    return Window(begin, begin + lasts)


def succeeded(
    since: timedelta, window: Window | None, *, source: Source | None = None, fresh_until: datetime | None = None
) -> SourceState:
    """A source whose last attempt gave a CRL, so long ago."""
    return SourceState(
        source=configured() if source is None else source,
        used_at=AT - hours(1),
        tried_at=AT - since,
        succeeded_at=AT - since,
        window=window,
        fresh_until=fresh_until,
    )


def failed(since: timedelta, times: int, window: Window | None = None, *, source: Source | None = None) -> SourceState:
    """A source whose last attempts failed, the last one so long ago."""
    return SourceState(
        source=configured() if source is None else source,
        used_at=AT - hours(1),
        tried_at=AT - since,
        succeeded_at=None if window is None else AT - since - hours(1),
        failures=times,
        window=window,
    )


def due_after(state: SourceState, schedule: Schedule = PLAIN) -> timedelta:
    """How long after the moment of the plan a single source becomes due; nothing where it is due now."""
    made = plan([state], schedule, AT)
    assert (made.wake_at is None) == (made.due == (state.source,))
    return NOTHING if made.wake_at is None else made.wake_at - AT
