"""What happens between a replica and Redis, in the log and in the metrics."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry

from service.adapters.fleet_log import MOST_LOST, MOST_OF_A_NAME, FleetLog
from service.adapters.fleet_metrics import FleetCounters
from service.adapters.metrics_directory import prepare_metrics_directory
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.standing import Standing
from service.application.fleet.telling import (
    FleetEvent,
    FleetObservers,
    NullFleetObserver,
    RefusedDetails,
    ReplicaObserver,
)
from service.application.seldom import TOLD_IN_S
from tests.adapters.metrics_reader import value
from tests.application.manual_clock import ManualClock

FORGED = RefusedDetails(EnvelopeKind.CRL, Refusal.UNAUTHENTIC, "http://crl.example/a.crl")
OLD = RefusedDetails(EnvelopeKind.CRL, Refusal.TOO_OLD, "http://crl.example/a.crl")


def tell_all(observer: ReplicaObserver) -> None:
    """Everything that there is to tell."""
    observer.fleet(EnvelopeKind.OCSP, FleetEvent.HIT)
    observer.refused(FORGED)
    observer.reachable("TimeoutError")
    observer.reachable(None)
    observer.reconciled(2, 3, "start")
    observer.reconciled(0, 0, "time")
    observer.stands(Standing.CURRENT)
    observer.replicas(4, 1)
    observer.name_taken("pod-1")


EVENTS = [
    ("warning", "fleet_value_refused"),
    ("warning", "fleet_unreachable"),
    ("info", "fleet_reachable"),
    ("info", "fleet_blocks_reconciled"),
    ("debug", "fleet_blocks_agree"),
    ("warning", "replica_name_taken"),
]


def test_the_log() -> None:
    """Each event has its name and its level; what is in the metrics alone is none."""
    with structlog.testing.capture_logs() as logged:
        tell_all(FleetLog(ManualClock()))
    assert EVENTS == [(entry["log_level"], entry["event"]) for entry in logged]
    assert ("crl", "unauthentic", "http://crl.example/a.crl") == tuple(
        logged[0][name] for name in ("kind", "problem", "about")
    )
    assert ("TimeoutError", 2, 3) == (logged[1]["problem"], logged[3]["taken"], logged[3]["given"])


def test_several_are_told_the_same() -> None:
    """Each of them, everything; and one that forgets raises nothing."""
    with structlog.testing.capture_logs() as logged:
        tell_all(FleetObservers(FleetLog(ManualClock()), NullFleetObserver(), FleetLog(ManualClock())))
    assert [event for event in EVENTS for _ in range(2)] == [(entry["log_level"], entry["event"]) for entry in logged]


def test_refusals_do_not_fill_the_log() -> None:
    """One a minute of each kind and reason, which says how many were not told."""
    clock = ManualClock()
    log = FleetLog(clock)
    with structlog.testing.capture_logs() as logged:
        for _ in range(1000):
            log.refused(FORGED)
        log.refused(OLD)
        clock.advance(TOLD_IN_S)
        log.refused(FORGED)
    assert [("unauthentic", 0), ("too_old", 0), ("unauthentic", 999)] == [
        (entry["problem"], entry["left_out"]) for entry in logged
    ]


def test_a_long_name_is_cut() -> None:
    """Of a URL, which others write, as much as tells it from another."""
    with structlog.testing.capture_logs() as logged:
        FleetLog(ManualClock()).refused(RefusedDetails(EnvelopeKind.CRL, Refusal.MALFORMED, "x" * 4096))
    assert "x" * MOST_OF_A_NAME == logged[0]["about"]


def test_a_loss_is_told_once() -> None:
    """However often it is said, and the return once; a return from what was never lost is none."""
    log = FleetLog(ManualClock())
    with structlog.testing.capture_logs() as logged:
        log.reachable(None)
        for _ in range(3):
            log.reachable("ConnectionError")
        for _ in range(3):
            log.reachable(None)
    assert ["fleet_unreachable", "fleet_reachable"] == [entry["event"] for entry in logged]


def test_a_redis_that_comes_and_goes() -> None:
    """Some losses are told in a minute, each with its return; the first of the next says how many were not."""
    clock = ManualClock()
    log = FleetLog(clock)
    with structlog.testing.capture_logs() as logged:
        for _ in range(MOST_LOST + 40):
            log.reachable("TimeoutError")
            log.reachable(None)
        clock.advance(TOLD_IN_S)
        log.reachable("TimeoutError")
    lost = [entry["left_out"] for entry in logged if entry["event"] == "fleet_unreachable"]
    assert ([*[0] * MOST_LOST, 40], MOST_LOST) == (lost, len(logged) - len(lost))


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("revet_fleet_events_total", {"kind": "ocsp", "event": "hit"}, 1),
        ("revet_fleet_events_total", {"kind": "crl", "event": "leased"}, 0),
        ("revet_fleet_events_total", {"kind": "block", "event": "unavailable"}, 0),
        ("revet_fleet_refused_total", {"kind": "crl", "reason": "unauthentic"}, 1),
        ("revet_fleet_refused_total", {"kind": "heartbeat", "reason": "malformed"}, 0),
        ("revet_redis_up", {}, 1),
        ("revet_fleet_current", {}, 1),
        ("revet_fleet_reconciliations_total", {}, 2),
        ("revet_fleet_reconciled_total", {"direction": "taken"}, 2),
        ("revet_fleet_reconciled_total", {"direction": "given"}, 3),
        ("revet_fleet_replicas", {"state": "present"}, 4),
        ("revet_fleet_replicas", {"state": "gone"}, 1),
        ("revet_fleet_names_taken_total", {}, 1),
    ],
)
def test_the_metrics(name: str, labels: dict[str, str], expected: float) -> None:
    """Counted, or shown as it is; zero where nothing has happened."""
    registry = CollectorRegistry()
    tell_all(FleetCounters(registry))
    assert expected == registry.get_sample_value(name, labels)


def test_how_long_redis_takes() -> None:
    """How many commands it answered, and the time of all of them; zero before the first."""
    registry = CollectorRegistry()
    counters = FleetCounters(registry)
    assert 0.0 == registry.get_sample_value("revet_redis_duration_seconds_count")
    for seconds in (0.5, 0.25):
        counters.answered(seconds)
    assert [2, 0.75] == [registry.get_sample_value(f"revet_redis_duration_seconds_{part}") for part in ("count", "sum")]


@pytest.mark.parametrize("standing", [Standing.CATCHING_UP, Standing.BEHIND])
def test_one_that_is_not_current(standing: Standing) -> None:
    """It shows zero, as one does that was just started."""
    registry = CollectorRegistry()
    counters = FleetCounters(registry)
    assert 0.0 == registry.get_sample_value("revet_fleet_current")
    counters.stands(Standing.CURRENT)
    counters.stands(standing)
    assert 0.0 == registry.get_sample_value("revet_fleet_current")


def test_no_label_is_somebodys() -> None:
    """Labels are kinds, events and reasons; neither a URL nor a name is on the page."""
    registry = CollectorRegistry()
    tell_all(FleetCounters(registry))
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    assert {"kind", "event", "reason", "direction", "state"} == {name for one in samples for name in one.labels}
    assert not [one for one in samples for text in one.labels.values() if "example" in text or "pod" in text]


# --- in several processes --------------------------------------------------------------------------------------------

PROGRAM = """
import os, sys
from service.adapters.fleet_metrics import FleetCounters
from service.adapters.metrics import MetricsPage, PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.application.fleet.envelope import EnvelopeKind
from service.application.fleet.standing import Standing
from service.application.fleet.telling import FleetEvent
from tests.pki.moments import NOW

observer = PrometheusObserver(NOW)
fleet = FleetCounters(observer.registry)
fleet.fleet(EnvelopeKind.CRL, FleetEvent.LEASED)
match sys.argv[1]:
    case "lost":
        fleet.reachable("gone")
    case "current":
        fleet.stands(Standing.CURRENT)
    case "heard":
        fleet.replicas(3, 1)
print("counted", flush=True)
if sys.stdin.read() == "render":
    sys.stdout.buffer.write(MetricsPage(observer, (), metrics_directory(os.environ)).render())
"""


def process(environment: Mapping[str, str], what: str) -> subprocess.Popen[bytes]:
    """A process of the service that has counted, and lives until its standard input ends."""
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert started.stdout is not None
    assert b"counted\n" == started.stdout.readline()
    return started


def test_every_process_has_a_say_while_it_lives(tmp_path: Path) -> None:
    """One that does not reach Redis is enough, until it is killed; of the fleet the prefetcher speaks alone."""
    environment = prepare_metrics_directory(tmp_path / "metrics")
    process(environment, "heard").communicate(b"")
    lost, follower = process(environment, "lost"), process(environment, "current")
    during, _ = process(environment, "fine").communicate(b"render")
    for ended in (lost, follower):
        ended.kill()
        ended.communicate()
    afterwards, _ = process(environment, "fine").communicate(b"render")
    assert [0, 1] == [value(page, "revet_redis_up") for page in (during, afterwards)]
    assert [1, 0] == [value(page, "revet_fleet_current") for page in (during, afterwards)]
    assert [3, 3] == [value(page, "revet_fleet_replicas", state="present") for page in (during, afterwards)]
    assert 5 == value(afterwards, "revet_fleet_events_total", kind="crl", event="leased")
