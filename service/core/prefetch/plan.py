"""What the prefetcher is to do: a function of what it knows, the schedule and the moment.

The plan is a value: nothing is fetched, no clock is read, and the order of the states means nothing. A source whose
attempt is under way is due like any other until the attempt has ended: whoever executes the plan knows what it does
and leaves it out. When a source is due is said in `due`; this module says which comes first, and what is forgotten.

Whoever plans again and again keeps a `Planner`. Its plans are those of `plan`, at a twentieth of the price: when a
source is due depends on its state alone while the clock goes forward, and of thousands of states few are new.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from service.core.prefetch.due import asked, due_at, tried, usable
from service.core.prefetch.inventory import Source, SourceKind, SourceState
from service.core.prefetch.schedule import Schedule

PATIENCE = 3
"""Failures in a row after which a source that gave nothing usable lets all others pass: a thousand dead URLs, with a
time-out each, would otherwise keep the living waiting. As many as open a circuit breaker."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


class _Urgency(IntEnum):
    """Who comes first."""

    ASKED = 0
    """Somebody waits."""
    WANTED = 1
    """The others, by the end of what is held."""
    HOPELESS = 2
    """Failed too often, and nothing can be lost."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        due: To be fetched now, the most urgent first.
        wake_at: When the next one becomes due; None where there is none.
        forget: Keys of learned sources that are too many or were not used for too long, the least recently used first.
    """

    due: tuple[Source, ...]
    wake_at: datetime | None
    forget: tuple[str, ...]


def plan(states: Iterable[SourceState], schedule: Schedule, at: datetime) -> Plan:
    """What to do at a moment, with everything that is known of every source."""
    return Planner(schedule).plan(states, at)


class Planner:
    """Makes plans one after the other, and works out once when a source is due whose state stays the same object.

    What it remembers changes no plan. States are compared by identity, which costs nothing; an equal one that is
    another object is worked out anew. Of states that were not in the last plan nothing is remembered.
    """

    def __init__(self, schedule: Schedule) -> None:
        """Nothing is worked out yet."""
        self._schedule = schedule
        self._known: dict[str, tuple[SourceState, datetime]] = {}
        self._last = _LONG_AGO

    def plan(self, states: Iterable[SourceState], at: datetime) -> Plan:
        """What to do at a moment, with everything that is known of every source; a moment may be before the last."""
        every = tuple(states)
        forgotten = _forgotten(every, self._schedule, at)
        names = frozenset(forgotten)
        due: list[SourceState] = []
        later: list[datetime] = []
        for state, moment in self._moments(every, at):
            if state.source.key in names:
                continue
            if moment <= at:
                due.append(state)
            else:
                later.append(moment)
        due.sort(key=lambda state: _order(state, at))
        return Plan(tuple(state.source for state in due), min(later, default=None), forgotten)

    def _moments(self, states: Iterable[SourceState], at: datetime) -> Iterator[tuple[SourceState, datetime]]:
        """When each is due: in the past, or the very moment, where it is due now."""
        # An attempt in the future is none until its moment has come: of a clock that was set back nothing is known.
        known = self._known if at >= self._last else {}
        self._last, self._known = at, {}
        for state in states:
            key = state.source.key
            found = known.get(key)
            if found is None or found[0] is not state:
                found = state, due_at(state, self._schedule, at)
                if state.tried_at is not None and not tried(state, at):
                    yield found
                    continue
            self._known[key] = found
            yield found


def _order(state: SourceState, at: datetime) -> tuple[_Urgency, datetime, bool, datetime, str]:
    """Where a due source stands: those asked for, the one that waits longest first; then those whose CRL ends soonest.

    Where nothing usable is held, the end has come. Among equals, what was configured goes before what was learned, and
    then what was not tried for longest.
    """
    learned = state.source.kind is SourceKind.LEARNED
    last = state.tried_at if state.tried_at is not None and tried(state, at) else _LONG_AGO
    if state.asked_at is not None and asked(state, at):
        return _Urgency.ASKED, state.asked_at, learned, last, state.source.key
    window = state.window
    if window is None or not usable(window, at):
        urgency = _Urgency.HOPELESS if state.failures >= PATIENCE else _Urgency.WANTED
        return urgency, _LONG_AGO, learned, last, state.source.key
    end = _NEVER if window.next_update is None else window.next_update
    return _Urgency.WANTED, end, learned, last, state.source.key


def _forgotten(states: tuple[SourceState, ...], schedule: Schedule, at: datetime) -> tuple[str, ...]:
    """Learned sources beyond the limit, and those not used for too long; what was configured is never forgotten."""
    learned = [state for state in states if state.source.kind is SourceKind.LEARNED]
    beyond = max(0, len(learned) - schedule.most_learned)
    unused_since = at - schedule.forget_after
    if not beyond and all(state.used_at >= unused_since for state in learned):
        return ()
    learned.sort(key=lambda state: (state.used_at, state.source.key))
    return tuple(
        state.source.key for place, state in enumerate(learned) if place < beyond or state.used_at < unused_since
    )
