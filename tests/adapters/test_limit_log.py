"""Refused callers in the log: named, and not more often than anybody reads."""

from structlog.testing import capture_logs

from service.adapters.limit_log import MOST_TOLD, LimitLog
from service.application.caller_limits import Limited
from tests.application.manual_clock import ManualClock


def test_a_caller_who_has_asked_enough() -> None:
    """Which limit, and whose request."""
    with capture_logs() as logged:
        LimitLog(ManualClock()).limited(Limited.RATE, "token 01234567")
    assert [
        {"event": "caller_limited", "limit": "rate", "by": "token 01234567", "left_out": 0, "log_level": "warning"}
    ] == logged


def test_few_lines_for_many_requests() -> None:
    """Of each limit by itself; how many were left out is told with the next."""
    clock = ManualClock()
    log = LimitLog(clock)
    with capture_logs() as logged:
        for _ in range(100):
            log.limited(Limited.RATE, "token 01234567")
            log.limited(Limited.ATTEMPTS, "address 192.0.2.1")
        clock.advance(60)
        log.limited(Limited.RATE, "token 01234567")
    assert ["rate", "attempts"] * MOST_TOLD + ["rate"] == [one["limit"] for one in logged]
    assert 100 - MOST_TOLD == logged[-1]["left_out"]
