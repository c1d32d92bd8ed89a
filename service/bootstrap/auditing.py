"""Where changes are written down, in a worker; and whether they can be, before anything starts."""

from pathlib import Path

from service.adapters.audit_file import AuditFile, FileRecords
from service.adapters.audit_log import AuditLog
from service.adapters.clock import SystemClock
from service.adapters.ids import RandomDecisionIds
from service.adapters.metrics import PrometheusObserver
from service.application.auditing import AuditRecord, AuditRecords, AuditTrail, NoRecords
from service.settings import Settings, SettingsError
from service.settings.model import setting


class _Told:
    """Tells metrics and log."""

    def __init__(self, counts: PrometheusObserver, log: AuditLog) -> None:
        self._counts = counts
        self._log = log

    def recorded(self, record: AuditRecord) -> None:
        """Pass it on."""
        self._log.recorded(record)

    def not_kept(self, record: AuditRecord, reason: str) -> None:
        """Pass it on."""
        self._counts.audit_not_kept()
        self._log.not_kept(record, reason)


def compose_trail(settings: Settings, counts: PrometheusObserver) -> AuditTrail:
    """Where changes are written down: in the log, and where the operator says so in a file."""
    path, clock = settings.audit_log, SystemClock()
    records: AuditRecords = NoRecords() if path is None else FileRecords(AuditFile(path))
    return AuditTrail(records, clock, RandomDecisionIds(clock), _Told(counts, AuditLog()))


def check_audit_log(settings: Settings) -> None:
    """Make sure that changes can be written down; nothing could be changed otherwise. For the supervisor.

    Raises:
        SettingsError: they cannot be.
    """
    if settings.audit_log is not None:
        _check(settings.audit_log)


def _check(path: Path) -> None:
    file = AuditFile(path)
    try:
        file.open()
    except OSError as error:
        problem = f"{setting('audit_log')} is {path}, which cannot be written: {error.strerror or error}"
        raise SettingsError((problem,)) from error
    finally:
        file.close()
