"""How workers stand together, and what each tells of itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from service.application.breaker import BreakerState
from service.application.ocsp_responders import ResponderReport
from service.application.operating.worker_state import (
    MAX_SUBJECT,
    MOST_RESPONDERS,
    TOLD_ANYWAY,
    TOLD_EVERY_S,
    CacheSize,
    StateTelling,
    WorkerState,
    shareable,
    together,
)
from service.application.shadow import MAX_RECENT, WouldDeny
from service.core.model.failure import Code
from tests.application.manual_clock import ManualClock
from tests.pki import NOW

pytestmark = pytest.mark.anyio

SECOND: Final = timedelta(seconds=1)
CLOSED, HALF_OPEN, OPEN = BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN


def responder(
    host: str, state: BreakerState = CLOSED, failures: int = 0, at: datetime | None = None
) -> ResponderReport:
    """A responder as a worker sees it."""
    return ResponderReport(host, state, failures, at)


def denial(number: int, subject: str = "CN=a") -> WouldDeny:
    """A denial in shadow, so many seconds after the first."""
    return WouldDeny(f"{number}", Code.REVOKED, "default", NOW + number * SECOND, "1", subject, "00")


class Shelf:
    """Keeps what it is told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.told: list[WorkerState] = []

    def tell(self, state: WorkerState) -> None:
        """Keep it."""
        self.told.append(state)

    def living(self, at: datetime) -> tuple[WorkerState, ...]:
        """Nobody."""
        del at
        return ()


def test_caches_are_added_up() -> None:
    """Octets are unknown where those of one worker are."""
    first = WorkerState(1, NOW, (CacheSize("memory", "verdict", 3, 300), CacheSize("memory", "ocsp", 1, None)))
    second = WorkerState(2, NOW, (CacheSize("memory", "verdict", 4, 400), CacheSize("memory", "ocsp", 1, 10)))
    assert {
        ("memory", "verdict"): CacheSize("memory", "verdict", 7, 700),
        ("memory", "ocsp"): CacheSize("memory", "ocsp", 2, None),
    } == together((second, first)).caches


def test_the_worst_of_a_responder_is_told() -> None:
    """And when it has answered anybody last."""
    first = WorkerState(1, NOW, responders=(responder("b", OPEN, 3, NOW), responder("a", CLOSED, 0, NOW - SECOND)))
    second = WorkerState(2, NOW, responders=(responder("a", HALF_OPEN, 4), responder("b", CLOSED, 0, NOW + SECOND)))
    found = together((first, second)).responders
    assert [responder("a", HALF_OPEN, 4, NOW - SECOND), responder("b", OPEN, 3, NOW + SECOND)] == list(found.values())
    assert ["a", "b"] == list(found)
    assert found == together((second, first)).responders


def test_denials_are_merged() -> None:
    """Newest first, the newest alone, whichever worker is asked."""
    first = WorkerState(1, NOW, recent=tuple(denial(n) for n in range(2 * MAX_RECENT, 0, -2)))
    second = WorkerState(2, NOW, recent=tuple(denial(n) for n in range(2 * MAX_RECENT - 1, 0, -2)))
    found = together((first, second)).recent
    assert [str(n) for n in range(2 * MAX_RECENT, MAX_RECENT, -1)] == [one.decision_id for one in found]
    assert found == together((second, first)).recent


def test_who_and_how_many() -> None:
    """Each by its number; one that does not ask Redis is enough."""
    first = WorkerState(2, NOW, refusals=1, refreshing=2)
    second = WorkerState(1, NOW - SECOND, refusals=3, refreshing=4, redis="no answer")
    found = together((first, second))
    assert [(1, NOW - SECOND), (2, NOW)] == list(found.workers.items())
    assert (4, 6, "no answer") == (found.refusals, found.refreshing, found.redis)
    assert None is together((first,)).redis


def test_what_is_told_is_bounded() -> None:
    """The worst responders first, and subjects that strangers chose."""
    hosts = [responder(f"{n:04}") for n in range(MOST_RESPONDERS)]
    state = WorkerState(
        1,
        NOW,
        responders=(*hosts, responder("half", HALF_OPEN, 1), responder("open", OPEN, 1), responder("more", OPEN, 2)),
        recent=tuple(denial(n, "x" * 10_000) for n in range(MAX_RECENT + 1)),
    )
    found = shareable(state)
    assert ["more", "open", "half", "0000"] == [one.host for one in found.responders[:4]]
    assert (MOST_RESPONDERS, MAX_RECENT) == (len(found.responders), len(found.recent))
    assert {"x" * MAX_SUBJECT} == {one.subject for one in found.recent}


async def test_it_is_told_where_it_has_changed() -> None:
    """And once in a while all the same."""
    clock, shelf = ManualClock(), Shelf()
    current = WorkerState(1, clock.now())

    def own() -> WorkerState:
        return replace(current, at=clock.now())

    telling = StateTelling(own, shelf, clock)
    await telling.tell()
    clock.advance(TOLD_EVERY_S)
    await telling.tell()
    assert 1 == len(shelf.told)
    current = replace(current, refusals=1)
    await telling.tell()
    assert [0, 1] == [one.refusals for one in shelf.told]
    clock.advance(TOLD_ANYWAY.total_seconds())
    await telling.tell()
    assert [1, 1] == [one.refusals for one in shelf.told[1:]]
    assert clock.now() == shelf.told[-1].at
