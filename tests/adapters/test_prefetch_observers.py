"""What happens to sources, in the log and in the metrics."""

from datetime import UTC, datetime

import pytest
import structlog
from prometheus_client import CollectorRegistry

from service.adapters.prefetch_log import PrefetchLog, RequestLog
from service.adapters.prefetch_metrics import PrefetchCounters
from service.application.prefetch.telling import (
    InventoryDetails,
    NullPrefetchObserver,
    PlaceDetails,
    PrefetchObserver,
    PrefetchObservers,
    RefreshDetails,
    RolledBackDetails,
    StalledDetails,
)
from service.application.seldom import MOST_TOLD, TOLD_IN_S
from service.core.model.attempt import Problem
from service.core.prefetch.inventory import SourceKind
from tests.application.manual_clock import ManualClock

AT = datetime(2026, 11, 21, tzinfo=UTC)
GOOD = RefreshDetails("http://a/", SourceKind.LEARNED, None, "", 0, 0.5)
BAD = RefreshDetails("http://a/", SourceKind.CONFIGURED, Problem.HTTP_STATUS, "404", 2, 0.5)


def tell_all(observer: PrefetchObserver) -> None:
    """Everything that there is to tell, each once, a refresh with either end."""
    observer.refreshed(GOOD)
    observer.refreshed(BAD)
    observer.rolled_back(RolledBackDetails("http://a/"))
    observer.number_stalled(StalledDetails("http://a/", "CN=A", 7, AT))
    observer.place_listed(PlaceDetails("file:///a", 3))
    observer.place_listed(PlaceDetails("file:///a", 3, "unreachable"))
    observer.pending_dropped("ab")
    observer.learned("http://a/")
    observer.forgotten(5)
    observer.inventory(InventoryDetails(1, 2, 3, 4, 5))
    observer.not_remembered("the disk is full")


EVENTS = [
    ("debug", "crl_source_refreshed"),
    ("warning", "crl_source_failed"),
    ("warning", "crl_rolled_back"),
    ("warning", "crl_number_stalled"),
    ("info", "crl_place_listed"),
    ("warning", "crl_place_unreadable"),
    ("warning", "pending_crl_dropped"),
    ("info", "crl_source_learned"),
    ("info", "crl_sources_forgotten"),
    ("warning", "crl_sources_not_written"),
]


def test_the_log() -> None:
    """Each event has its name and its level; what is in the metrics alone is none."""
    with structlog.testing.capture_logs() as logged:
        tell_all(PrefetchLog())
    assert EVENTS == [(entry["log_level"], entry["event"]) for entry in logged]
    failed, stalled = logged[1], logged[3]
    assert ("http_status", "404", 2, "configured") == tuple(
        failed[name] for name in ("problem", "detail", "failures", "kind")
    )
    assert (7, "2026-11-21T00:00:00+00:00") == (stalled["crl_number"], stalled["since"])


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("revet_prefetch_attempts_total", {"kind": "learned", "problem": "none"}, 1),
        ("revet_prefetch_attempts_total", {"kind": "configured", "problem": "http_status"}, 1),
        ("revet_prefetch_attempts_total", {"kind": "configured", "problem": "none"}, 0),
        ("revet_prefetch_rollbacks_total", {}, 1),
        ("revet_prefetch_numbers_stalled_total", {}, 1),
        ("revet_prefetch_pending_dropped_total", {}, 1),
        ("revet_prefetch_sources", {"kind": "configured"}, 1),
        ("revet_prefetch_sources", {"kind": "learned"}, 2),
        ("revet_prefetch_sources_failing", {}, 3),
        ("revet_prefetch_pending", {}, 4),
        ("revet_prefetch_due", {}, 5),
    ],
)
def test_the_metrics(name: str, labels: dict[str, str], expected: float) -> None:
    """Counted, or shown as it is."""
    registry = CollectorRegistry()
    tell_all(PrefetchCounters(registry))
    assert expected == registry.get_sample_value(name, labels)


def test_several_are_told_the_same() -> None:
    """Each of them, everything; and one that forgets raises nothing."""
    with structlog.testing.capture_logs() as logged:
        tell_all(PrefetchObservers(PrefetchLog(), NullPrefetchObserver(), PrefetchLog()))
    assert [event for event in EVENTS for _ in range(2)] == [(entry["log_level"], entry["event"]) for entry in logged]


def test_requests_that_were_not_answered() -> None:
    """A fault has its traceback; whoever had no more time is for debugging."""
    error = RuntimeError("no")
    log = RequestLog(ManualClock())
    with structlog.testing.capture_logs() as logged:
        log.refused("not a request")
        log.failed("refresh", error)
        log.unheard("order", "BrokenPipeError")
    assert [
        {"event": "prefetcher_request_refused", "problem": "not a request", "left_out": 0, "log_level": "warning"},
        {
            "event": "prefetcher_request_failed",
            "request": "refresh",
            "left_out": 0,
            "exc_info": error,
            "log_level": "error",
        },
        {
            "event": "prefetcher_answer_unheard",
            "request": "order",
            "problem": "BrokenPipeError",
            "log_level": "debug",
        },
    ] == logged


def test_a_flood_of_requests() -> None:
    """Some are told in a minute, each kind by itself; the first of the next minute says how many were not."""
    clock = ManualClock()
    log = RequestLog(clock)
    with structlog.testing.capture_logs() as logged:
        for _ in range(MOST_TOLD + 7):
            log.refused("no")
        log.failed("refresh", RuntimeError("no"))
        clock.advance(TOLD_IN_S - 0.5)
        log.refused("no")
        clock.advance(0.5)
        log.refused("no")
        log.refused("no")
    refused = [one["left_out"] for one in logged if one["event"] == "prefetcher_request_refused"]
    assert [*[0] * MOST_TOLD, 8, 0] == refused
    assert 1 == len(logged) - len(refused)
