"""What is told of files that are replaced: the log and the metrics."""

from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from service.adapters.rotation_log import RotationLog
from service.adapters.rotation_metrics import RotationCollector


def test_the_log() -> None:
    """By setting; what must be repaired is a warning."""
    with structlog.testing.capture_logs() as events:
        log = RotationLog()
        log.taken("REVET_TLS_CERT")
        log.refused("REVET_TLS_KEY", "/tls/key: it does not exist")
        log.restored("REVET_TLS_KEY")
    assert [
        {"event": "file_taken", "log_level": "info", "setting": "REVET_TLS_CERT"},
        {
            "event": "file_refused",
            "log_level": "warning",
            "setting": "REVET_TLS_KEY",
            "problem": "/tls/key: it does not exist",
            "last_kept": True,
        },
        {"event": "file_restored", "log_level": "info", "setting": "REVET_TLS_KEY"},
    ] == events


def page(collector: RotationCollector) -> list[str]:
    """What is shown, without comments."""
    registry = CollectorRegistry()
    registry.register(collector)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_the_metrics() -> None:
    """Every setting with a file has one, whether there is a problem or not."""
    collector = RotationCollector(("A", "B"), lambda: {"B": "bad"}, lambda: datetime(2027, 1, 1, tzinfo=UTC))
    assert [
        'revet_file_problem{setting="A"} 0.0',
        'revet_file_problem{setting="B"} 1.0',
        "revet_tls_not_after_seconds 1.7987616e+09",
    ] == page(collector)


def test_without_tls() -> None:
    """There is no end of a certificate, and no setting that names a file."""
    assert [] == page(RotationCollector((), dict, None))
