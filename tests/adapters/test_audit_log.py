"""Changes in the log, and what the service does by itself in the records."""

import json
from io import StringIO
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from service.adapters.audit_file import AuditFile
from service.adapters.audit_log import AUDITED, LOGGER, AuditedEvents, AuditLog
from service.adapters.logs import ALWAYS, configure_logs
from service.application.auditing import IN_ATTEMPT, AuditRecord, Outcome
from service.application.log_options import LogFormat, LogLevel
from tests.application.manual_clock import ManualClock
from tests.pki import NOW

RECORD = AuditRecord(NOW, "attempt-1", "block_add", Outcome.DONE, "admin token 01234567", on={"block": "1"})


def test_what_came_of_an_attempt() -> None:
    """Information where it was done."""
    with capture_logs() as logged:
        AuditLog().recorded(RECORD)
    assert [
        {
            "event": "audit",
            "attempt": "attempt-1",
            "action": "block_add",
            "outcome": "done",
            "by": "admin token 01234567",
            "peer": None,
            "request_id": None,
            "on": {"block": "1"},
            "problem": None,
            "log_level": "info",
        }
    ] == logged


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.FAILED])
def test_what_was_not_done_is_a_warning(outcome: Outcome) -> None:
    """Somebody may look into it."""
    with capture_logs() as logged:
        AuditLog().recorded(AuditRecord(NOW, "", "block_add", outcome, "nobody", problem="unauthenticated"))
    assert ("warning", "unauthenticated") == (logged[0]["log_level"], logged[0]["problem"])


def test_what_could_not_be_kept_is_an_error() -> None:
    """With what it was about."""
    with capture_logs() as logged:
        AuditLog().not_kept(RECORD, "No space left on device")
    assert [
        {
            "event": "audit_not_kept",
            "attempt": "attempt-1",
            "action": "block_add",
            "outcome": "done",
            "by": "admin token 01234567",
            "problem": "No space left on device",
            "log_level": "error",
        }
    ] == logged


@pytest.fixture
def audited(tmp_path: Path) -> AuditedEvents:
    """Keeps records in a file."""
    return AuditedEvents(AuditFile(tmp_path / "audit.jsonl"), ManualClock())


def kept(tmp_path: Path) -> list[dict[str, object]]:
    """The records."""
    path = tmp_path / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.usefixtures("untouched_logging")
@pytest.mark.parametrize("level", list(LogLevel))
def test_what_the_service_does_by_itself(tmp_path: Path, audited: AuditedEvents, level: LogLevel) -> None:
    """Whatever the level of the log is; by whom, where the event says so, and by itself otherwise."""
    configure_logs(level, LogFormat.JSON, StringIO(), audited)
    log = structlog.get_logger("revet")
    log.info("trust_store_loaded", name="default", held=2)
    log.warning("block_added", block="1", by="admin token of another host", reason="why")
    log.info("crl_stored", url="http://crl.example/")
    assert [
        ("trust_store_loaded", "done", "service", {"name": "default", "held": 2}),
        ("block_added", "done", "admin token of another host", {"block": "1", "reason": "why"}),
    ] == [(one["action"], one["outcome"], one["by"], one["on"]) for one in kept(tmp_path)]


def test_what_has_records_of_its_own_has_no_other(tmp_path: Path, audited: AuditedEvents) -> None:
    """A block that was asked for here is recorded by whoever answers for it."""
    token = IN_ATTEMPT.set(True)
    audited(None, "warning", {"event": "block_added", "block": "1"})
    IN_ATTEMPT.reset(token)
    assert [] == kept(tmp_path)


def test_what_could_not_be_kept_is_in_the_event(tmp_path: Path, audited: AuditedEvents) -> None:
    """Nobody else could be told, and nothing else happens."""
    (tmp_path / "audit.jsonl").mkdir()
    event = {"event": "reloaded", "took_s": 1.0}
    assert {**event, "audit_not_kept": "Is a directory"} == audited(None, "info", dict(event))


@pytest.mark.parametrize("name", sorted(AUDITED))
def test_every_event_that_is_kept_is_one(name: str) -> None:
    """Somebody logs it: a name that is misspelt would keep nothing."""
    files = (Path(__file__).parents[2] / "service").rglob("*.py")
    assert [path for path in files if path.name != "audit_log.py" and f'"{name}"' in path.read_text()]


@pytest.mark.usefixtures("untouched_logging")
def test_changes_are_in_the_log_whatever_its_level_is() -> None:
    """And nothing else is that should not be."""
    stream = StringIO()
    configure_logs(LogLevel.ERROR, LogFormat.JSON, stream)
    AuditLog().recorded(RECORD)
    structlog.get_logger("revet").info("crl_stored")
    assert ["audit"] == [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert (LOGGER,) == ALWAYS
