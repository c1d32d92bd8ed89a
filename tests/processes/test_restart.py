"""When to start a child again."""

from service.processes.restart import LONGEST_DELAY_S, QUICK_DEATH_S, RestartHistory


def _delays(lives_s: list[float]) -> list[float]:
    history, delays = RestartHistory(), []
    for lived_s in lives_s:
        history = history.after_death(lived_s)
        delays.append(history.delay_s)
    return delays


def test_waits_longer_the_more_children_die_young() -> None:
    """The first is replaced at once, then from a tenth of a second to a second."""
    assert [0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0] == _delays([0.0] * 7)


def test_a_long_life_wipes_the_slate() -> None:
    """A child that lived long enough is replaced at once, and so is the one after it."""
    assert [0.0, 0.1, 0.0, 0.0, 0.1] == _delays([0.0, 0.0, QUICK_DEATH_S, 0.0, 0.0])


def test_a_crash_loop_of_a_day_still_has_a_delay() -> None:
    """The number of deaths does not grow out of a float."""
    assert LONGEST_DELAY_S == RestartHistory(quick_deaths=86_400).delay_s
