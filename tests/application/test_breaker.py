"""Circuit breakers: each rule from both sides, with a clock that the test moves."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from service.application.breaker import (
    FAILURES,
    LONGEST_OPEN_S,
    MOST_HOSTS,
    OPEN_S,
    BreakerReport,
    BreakerRules,
    Breakers,
    BreakerState,
    host_of,
)
from tests.application.manual_clock import ManualClock

HOST = "http://crl.example:80"
OTHER = "https://ocsp.example:443"

TICK = 0.125
"""Seconds that floats add up exactly."""


@pytest.fixture
def clock() -> ManualClock:
    """Time that the test moves."""
    return ManualClock()


@pytest.fixture
def breakers(clock: ManualClock) -> Breakers:
    """Breakers with the default rules."""
    return Breakers(clock)


def fail(breakers: Breakers, times: int = FAILURES, host: str = HOST) -> None:
    """A host fails several times in a row."""
    for _ in range(times):
        breakers.failed(host)


def state_of(breakers: Breakers) -> BreakerState:
    """The state of the only host that failed."""
    (report,) = breakers.report()
    return report.state


def test_a_host_that_nobody_heard_of(breakers: Breakers) -> None:
    """It is asked, and asking leaves nothing behind."""
    assert (True, 0, ()) == (breakers.allows(HOST), breakers.failures(HOST), breakers.report())


@pytest.mark.parametrize(("failures", "allowed"), [(FAILURES - 1, True), (FAILURES, False), (FAILURES + 1, False)])
def test_failures_in_a_row_open_it(breakers: Breakers, failures: int, allowed: bool) -> None:
    """The third failure in a row does, and not the second."""
    fail(breakers, failures)
    assert (allowed, failures) == (breakers.allows(HOST), breakers.failures(HOST))


def test_failures_that_are_not_in_a_row(breakers: Breakers) -> None:
    """A success between them makes them begin anew."""
    fail(breakers, FAILURES - 1)
    breakers.succeeded(HOST)
    fail(breakers, FAILURES - 1)
    assert breakers.allows(HOST)


def test_each_host_by_itself(breakers: Breakers) -> None:
    """One host's failures, and its successes, are not another's."""
    fail(breakers)
    breakers.failed(OTHER)
    breakers.succeeded(OTHER)
    assert (False, True) == (breakers.allows(HOST), breakers.allows(OTHER))


def test_one_is_let_through(breakers: Breakers, clock: ManualClock) -> None:
    """When the time is over, and not before, one is; the others wait for what becomes of it."""
    fail(breakers)
    clock.advance(OPEN_S - TICK)
    assert not breakers.allows(HOST)
    clock.advance(TICK)
    assert [True, False, False] == [breakers.allows(HOST) for _ in range(3)]


def test_it_closes(breakers: Breakers, clock: ManualClock) -> None:
    """A success closes it for everybody, and the next time it opens as if it were the first."""
    fail(breakers)
    clock.advance(OPEN_S)
    assert breakers.allows(HOST)
    breakers.succeeded(HOST)
    assert [True] * 3 == [breakers.allows(HOST) for _ in range(3)]
    fail(breakers)
    clock.advance(OPEN_S)
    assert breakers.allows(HOST)


def test_it_doubles(breakers: Breakers, clock: ManualClock) -> None:
    """Each failure of the one that was let through doubles the time, up to the longest."""
    fail(breakers)
    waits = []
    for _ in range(6):
        waited = 0.0
        while not breakers.allows(HOST):
            clock.advance(OPEN_S)
            waited += OPEN_S
        waits.append(waited)
        breakers.failed(HOST)
    assert [5.0, 10.0, 20.0, 40.0, LONGEST_OPEN_S, LONGEST_OPEN_S] == waits


def test_the_longest_is_reached_whatever_the_first(clock: ManualClock) -> None:
    """A first time that is the longest stays."""
    breakers = Breakers(clock, BreakerRules(failures=1, open_s=7, longest_open_s=7))
    for _ in range(3):
        breakers.failed(HOST)
        clock.advance(7 - TICK)
        assert not breakers.allows(HOST)
        clock.advance(TICK)
        assert breakers.allows(HOST)


def test_failures_of_requests_that_were_under_way(breakers: Breakers, clock: ManualClock) -> None:
    """While it is open, what failed late is counted and lengthens nothing."""
    fail(breakers, FAILURES + 20)
    clock.advance(OPEN_S)
    assert (True, FAILURES + 20) == (breakers.allows(HOST), breakers.failures(HOST))


def test_a_success_of_a_request_that_was_under_way(breakers: Breakers) -> None:
    """A host that answers is asked, whenever the request began."""
    fail(breakers)
    breakers.succeeded(HOST)
    assert breakers.allows(HOST)


def test_a_failure_without_asking(breakers: Breakers, clock: ManualClock) -> None:
    """Whoever did not ask first, and fails when the time is over, opens it again."""
    fail(breakers)
    clock.advance(OPEN_S)
    breakers.failed(HOST)
    clock.advance(2 * OPEN_S - TICK)
    assert not breakers.allows(HOST)
    clock.advance(TICK)
    assert breakers.allows(HOST)


def test_one_that_is_never_heard_of_again(breakers: Breakers, clock: ManualClock) -> None:
    """A request that was let through and cancelled does not keep the host from being asked for ever."""
    fail(breakers)
    clock.advance(OPEN_S)
    assert [True, False] == [breakers.allows(HOST) for _ in range(2)]
    clock.advance(OPEN_S - TICK)
    assert not breakers.allows(HOST)
    clock.advance(TICK)
    assert [True, False] == [breakers.allows(HOST) for _ in range(2)]


def test_hosts_are_bounded(clock: ManualClock) -> None:
    """Beyond the limit the host that failed longest ago is forgotten."""
    breakers = Breakers(clock, BreakerRules(failures=1, most_hosts=2))
    for host in ("a", "b", "a", "c"):
        breakers.failed(host)
    assert ["a", "c"] == [report.host for report in breakers.report()]
    assert [False, True, False] == [breakers.allows(host) for host in ("a", "b", "c")]
    assert BreakerRules().most_hosts == MOST_HOSTS


def test_report(breakers: Breakers, clock: ManualClock) -> None:
    """What is told of each host that failed last, in each state."""
    fail(breakers)
    breakers.failed(OTHER)
    opened = clock.now()
    clock.advance(OPEN_S - 1)
    assert (
        BreakerReport(HOST, BreakerState.OPEN, FAILURES, opened + timedelta(seconds=OPEN_S)),
        BreakerReport(OTHER, BreakerState.CLOSED, 1, None),
    ) == breakers.report()


def test_states_in_turn(breakers: Breakers, clock: ManualClock) -> None:
    """Closed, open, half-open before and after one was let through, and open again."""
    states = []
    fail(breakers, FAILURES - 1)
    states.append(state_of(breakers))
    fail(breakers, 1)
    states.append(state_of(breakers))
    clock.advance(OPEN_S)
    states.append(state_of(breakers))
    assert breakers.allows(HOST)
    states.append(state_of(breakers))
    breakers.failed(HOST)
    states.append(state_of(breakers))
    assert ["closed", "open", "half-open", "half-open", "open"] == states


def test_until_when(breakers: Breakers, clock: ManualClock) -> None:
    """The moment at which the next one is let through; none where nothing holds it up."""
    fail(breakers)
    begin = clock.now()
    untils = [breakers.report()[0].until]
    clock.advance(OPEN_S)
    untils.append(breakers.report()[0].until)
    assert breakers.allows(HOST)
    untils.append(breakers.report()[0].until)
    seconds = [None if until is None else (until - begin).total_seconds() for until in untils]
    assert [OPEN_S, None, 2 * OPEN_S] == seconds


@pytest.mark.parametrize(
    ("make", "numbers"),
    [
        (lambda: BreakerRules(failures=0), "after 0 failures"),
        (lambda: BreakerRules(most_hosts=0), "for 0 hosts"),
        (lambda: BreakerRules(open_s=0), "for 0 s to 60 s"),
        (lambda: BreakerRules(open_s=61), "for 61 s to 60 s"),
        (lambda: BreakerRules(open_s=float("nan")), "for nan s"),
    ],
)
def test_contradictions(make: Callable[[], BreakerRules], numbers: str) -> None:
    """Rules that contradict themselves are not made."""
    with pytest.raises(ValueError, match=numbers):
        make()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://CRL.example/a.crl?b", "http://crl.example:80"),
        ("HTTP://crl.example:80", "http://crl.example:80"),
        ("http://crl.example:8080/", "http://crl.example:8080"),
        ("https://crl.example/", "https://crl.example:443"),
        ("https://user:secret@crl.example/", "https://crl.example:443"),
        ("http://[2001:DB8::1]/a", "http://[2001:db8::1]:80"),
        ("s3://bucket/prefix/a.crl", "s3://bucket"),
        ("file:///var/crl/a.crl", "file://"),
        ("http://[::1/", "unreadable"),
        ("http://crl.example:99999/", "unreadable"),
        ("http://crl.example:port/", "unreadable"),
    ],
)
def test_host_of(url: str, host: str) -> None:
    """Scheme, host and port, however they are written, and no credentials."""
    assert host == host_of(url)
