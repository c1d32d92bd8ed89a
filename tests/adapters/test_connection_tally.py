"""Connections that were ended, in metrics and log."""

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from service.adapters.connection_tally import ConnectionTally
from service.application.connection_limits import Ended
from tests.application.manual_clock import ManualClock


def test_all_are_counted() -> None:
    """By why; zero where there was none."""
    registry = CollectorRegistry()
    tally = ConnectionTally(registry, ManualClock())
    tally.ended(Ended.HEAD, 2)
    tally.ended(Ended.HEAD, 1)
    found = {why: registry.get_sample_value("revet_connections_ended_total", {"why": why}) for why in Ended}
    assert {Ended.HEAD: 3.0, Ended.REST: 0.0, Ended.UNSENT: 0.0, Ended.CROWDED: 0.0} == found


def test_a_crowd_is_told_of_once_in_a_minute() -> None:
    """With how often it was left out."""
    clock = ManualClock()
    tally = ConnectionTally(CollectorRegistry(), clock)
    with capture_logs() as logged:
        for _ in range(3):
            tally.full(100)
        clock.advance(60)
        tally.full(100)
    told = {"event": "connections_full", "most": 100, "log_level": "warning"}
    assert [{**told, "left_out": 0}, {**told, "left_out": 2}] == logged
