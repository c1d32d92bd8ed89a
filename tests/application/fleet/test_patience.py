"""Waiting a little for a cache that has just gone, and never for longer."""

import pytest

from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.patience import PAUSE_S, PAUSES, Absence, Patience
from service.application.ocsp_sharing import Haste
from tests.application.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


class Cache:
    """Fails so many times; then it answers."""

    def __init__(self, failures: int) -> None:
        """It was not asked yet."""
        self.failures = failures
        self.asked = 0

    async def ask(self) -> str:
        """Ask it.

        Raises:
            FleetUnavailableError: it fails.
        """
        self.asked += 1
        if self.asked <= self.failures:
            raise FleetUnavailableError("it does not answer in time")
        return "answer"


def ahead() -> Haste:
    """Nobody waits."""
    return Haste.AHEAD


def waited_for() -> Haste:
    """A request does."""
    return Haste.WAITED_FOR


@pytest.mark.parametrize("failures", [0, 1, PAUSES])
async def test_a_hiccup(failures: int) -> None:
    """It is asked again every tenth of a second, and is there again."""
    clock, absence, cache = ManualClock(), Absence(), Cache(failures)
    assert "answer" == await Patience(clock, absence, ahead).ask(cache.ask)
    assert ([PAUSE_S] * failures, None) == (clock.slept, absence.since)


async def test_it_is_gone() -> None:
    """After a second nobody waits, neither this turn nor the next, until it answers somebody."""
    clock, absence, cache = ManualClock(), Absence(), Cache(1000)
    patience = Patience(clock, absence, ahead)
    for turn, pauses in ((patience, PAUSES), (patience, PAUSES), (Patience(clock, absence, ahead), PAUSES)):
        with pytest.raises(FleetUnavailableError):
            await turn.ask(cache.ask)
        assert pauses == len(clock.slept)
        clock.advance(PAUSE_S)
    await Patience(clock, absence, ahead).ask(Cache(0).ask)
    await Patience(clock, absence, ahead).ask(Cache(1).ask)
    assert PAUSES + 1 == len(clock.slept)


async def test_what_can_be_read_and_not_written_is_waited_for_once() -> None:
    """Pauses are counted for all of a turn, whatever succeeds in between."""
    clock = ManualClock()
    patience = Patience(clock, Absence(), ahead)
    for _ in range(100):
        await patience.ask(Cache(0).ask)
        try:
            await patience.ask(Cache(1).ask)
        except FleetUnavailableError:
            break
    assert PAUSES == len(clock.slept)


async def test_a_request_waits_for_nothing() -> None:
    """It asks once more, and at once."""
    clock, cache = ManualClock(), Cache(1000)
    with pytest.raises(FleetUnavailableError):
        await Patience(clock, Absence(), waited_for).ask(cache.ask)
    assert ([], 2) == (clock.slept, cache.asked)
    assert "answer" == await Patience(clock, Absence(), waited_for).ask(Cache(1).ask)


async def test_a_request_that_joins_ends_the_waiting() -> None:
    """Within one pause."""
    clock, cache = ManualClock(), Cache(1000)
    patience = Patience(clock, Absence(), lambda: Haste.WAITED_FOR if len(clock.slept) > 2 else Haste.AHEAD)
    with pytest.raises(FleetUnavailableError):
        await patience.ask(cache.ask)
    assert [PAUSE_S] * 3 == clock.slept
