"""What callers are held to: each by himself, strangers by where they come from, all workers together."""

from dataclasses import dataclass, field

import pytest

from service.adapters.arrival_table import ArrivalTable
from service.application.caller_limits import Caller, CallerLimits, Limited, LimitedError, LimitRules
from service.application.rate import Rate
from tests.application.manual_clock import ManualClock

HERE, THERE = "192.0.2.1", "192.0.2.2"
ONE = Caller(HERE, b"\x01" * 32)
OTHER = Caller(HERE, b"\x02" * 32)
NOBODY = Caller(HERE)


@dataclass(slots=True)
class Scene:
    """Workers of one host.

    Attributes:
        told: What was refused, and whose it was.
    """

    rules: LimitRules
    clock: ManualClock = field(default_factory=ManualClock)
    table: ArrivalTable = field(default_factory=ArrivalTable.private)
    told: list[tuple[Limited, str]] = field(default_factory=list)

    def worker(self) -> CallerLimits:
        """One more."""
        return CallerLimits(self.rules, self.table, self.clock, self)

    def limited(self, why: Limited, caller: str) -> None:
        """Remember it."""
        self.told.append((why, caller))


def asked(limits: CallerLimits, caller: Caller, times: int = 1) -> list[float]:
    """Have somebody ask; for how long he has to wait each time, 0 where he is let in."""
    found = []
    for _ in range(times):
        try:
            limits.enter(caller)
        except LimitedError as error:
            found.append(error.wait_s)
        else:
            limits.leave(caller)
            found.append(0.0)
    return found


def test_a_caller_may_ask_a_burst_and_then_his_rate() -> None:
    """And is told when the next request is answered."""
    scene = Scene(LimitRules(Rate(2.0, 3)))
    limits = scene.worker()
    assert [0.0, 0.0, 0.0, 0.5, 0.5] == asked(limits, ONE, 5)
    scene.clock.advance(0.5)
    assert [0.0, 0.5] == asked(limits, ONE, 2)
    assert [(Limited.RATE, "token 01010101")] * 3 == scene.told


def test_nobody_waits_for_another() -> None:
    """Neither another token from there, nor whoever has none."""
    limits = Scene(LimitRules(Rate(1.0, 1))).worker()
    assert [0.0, 1.0] == asked(limits, ONE, 2)
    assert [0.0, 0.0, 0.0] == [*asked(limits, OTHER), *asked(limits, NOBODY), *asked(limits, Caller(THERE))]


def test_a_token_is_one_caller_wherever_it_comes_from() -> None:
    """More addresses are not more requests."""
    limits = Scene(LimitRules(Rate(1.0, 2))).worker()
    found = [asked(limits, Caller(f"192.0.2.{host}", ONE.token)) for host in range(3)]
    assert [[0.0], [0.0], [1.0]] == found


def test_workers_count_together() -> None:
    """A second worker gives nobody twice as much."""
    scene = Scene(LimitRules(Rate(1.0, 4)))
    first, second = scene.worker(), scene.worker()
    found = [*asked(first, ONE, 2), *asked(second, ONE, 2), *asked(first, ONE), *asked(second, ONE)]
    assert [0.0] * 4 + [1.0] * 2 == found


def test_a_batch_counts_as_its_items() -> None:
    """One when it comes, the others when it was read; where there is no room for all, for none."""
    scene = Scene(LimitRules(Rate(1.0, 10)))
    limits = scene.worker()
    limits.enter(ONE)
    limits.count(ONE, 6, counted=1)
    limits.enter(ONE)
    with pytest.raises(LimitedError) as refused:
        limits.count(ONE, 4, counted=1)
    assert 2.0 == refused.value.wait_s
    limits.count(ONE, 2, counted=1)
    assert [1.0] == asked(limits, ONE)


def test_a_batch_of_more_than_a_burst_waits_for_a_whole_one() -> None:
    """And is paid for with as much time as it has items."""
    scene = Scene(LimitRules(Rate(10.0, 5)))
    limits = scene.worker()
    limits.enter(ONE)
    limits.count(ONE, 99, counted=1)
    assert [pytest.approx(9.6)] == asked(limits, ONE)
    scene.clock.advance(9.6)
    assert [0.0, pytest.approx(0.1)] == asked(limits, ONE, 2)


def attempts(limits: CallerLimits, times: int, address: str = HERE) -> list[float]:
    """Tokens that nobody gave out; for how long whoever sends them has to wait each time, 0 where one is looked at."""
    found = []
    for _ in range(times):
        try:
            limits.attempt(address)
        except LimitedError as error:
            found.append(error.wait_s)
        else:
            found.append(0.0)
    return found


def test_whoever_tries_tokens_is_slowed_by_where_he_comes_from() -> None:
    """However many tokens he tries, and from whichever worker he asks; elsewhere nobody is slowed."""
    scene = Scene(LimitRules(Rate(1.0, 3)))
    first, second = scene.worker(), scene.worker()
    assert [0.0] * 3 + [1.0] * 4 == attempts(first, 7)
    assert [1.0] * 3 == attempts(second, 3)
    assert [0.0] == attempts(first, 1, THERE)
    assert [(Limited.ATTEMPTS, f"address {HERE}")] * 7 == scene.told
    scene.clock.advance(1.0)
    assert [0.0, 1.0] == attempts(first, 2)


def test_nobody_waits_for_somebody_elses_attempts() -> None:
    """Who has a token, whether he has come from there before or not; nor do attempts wait for him."""
    scene = Scene(LimitRules(Rate(1.0, 3)))
    first, second = scene.worker(), scene.worker()
    assert [0.0] == asked(first, ONE)
    assert [0.0, 0.0, 0.0, 1.0] == attempts(first, 4)
    assert [0.0] == asked(second, ONE)
    assert [0.0, 0.0, 0.0, 1.0] == asked(second, OTHER, 4)
    assert [1.0] == attempts(second, 1)


def test_attempts_and_callers_without_a_token_do_not_share() -> None:
    """Who has no token and needs none waits for nobody's attempts to guess one of an administrator."""
    limits = Scene(LimitRules(Rate(1.0, 1))).worker()
    assert [0.0] == asked(limits, NOBODY)
    assert [0.0, 1.0] == attempts(limits, 2)
    other = Scene(LimitRules(Rate(1.0, 1))).worker()
    assert [0.0, 1.0] == attempts(other, 2)
    assert [0.0] == asked(other, NOBODY)


def test_at_one_time() -> None:
    """One more than allowed is refused until another has left; others are not asked to wait."""
    scene = Scene(LimitRules(at_once=2))
    limits = scene.worker()
    limits.enter(ONE)
    limits.enter(ONE)
    assert [1.0] == asked(limits, ONE)
    assert [0.0] == asked(limits, OTHER)
    limits.leave(ONE)
    assert [0.0, 0.0] == asked(limits, ONE, 2)
    limits.leave(ONE)
    assert [(Limited.CONCURRENCY, "token 01010101")] == scene.told


def test_what_is_refused_for_one_limit_is_not_counted_for_the_other() -> None:
    """Who waits for his own answers has lost nothing; who asks too often takes no place."""
    limits = Scene(LimitRules(Rate(1.0, 2), at_once=1)).worker()
    limits.enter(ONE)
    assert [1.0, 1.0] == asked(limits, ONE, 2)
    limits.leave(ONE)
    assert [0.0, 1.0, 1.0] == asked(limits, ONE, 3)


def test_nothing_is_remembered_of_those_who_have_left() -> None:
    """The number of callers is nobody's to bound but the operator's tokens'."""
    limits = Scene(LimitRules(at_once=1)).worker()
    for host in range(100):
        asked(limits, Caller(f"198.51.100.{host}"))
    assert {} == dict(limits._under_way)  # noqa: SLF001 - memory shows nowhere else


def test_a_rate_that_was_raised_counts_at_once() -> None:
    """Nobody waits for what an earlier setting has made of his last requests."""
    scene = Scene(LimitRules(Rate(0.001, 2), most_counted=1))
    before = scene.worker()
    assert [0.0, 0.0, 1000.0] == asked(before, ONE, 3)
    scene.rules = LimitRules(Rate(10.0, 2), most_counted=1)
    after = scene.worker()
    assert [0.0, 0.0, pytest.approx(0.1)] == asked(after, ONE, 3)


def test_without_a_rate_nothing_is_counted() -> None:
    """Neither requests nor attempts."""
    limits = Scene(LimitRules(at_once=1)).worker()
    assert [0.0] * 100 == asked(limits, ONE, 100)
    assert [0.0] * 100 == attempts(limits, 100)
