"""Who has changed what, as events of the log; and what the service does by itself, from the log to the records.

Rules it keeps: what came of an attempt is in the log whatever its level is; what could not be kept is an error there.
Of events that tell of a change which nobody asked for over the API, a record is kept too: whoever has such an event
logs it, and `AUDITED` names it. Nobody waits for a disk for them, and where one could not be kept, the event says so.
"""

from collections.abc import Mapping
from typing import Final

import structlog
from structlog.stdlib import BoundLogger
from structlog.typing import EventDict, WrappedLogger

from service.adapters.audit_file import AuditFile, Durability, document_of, line_of
from service.application.auditing import IN_ATTEMPT, SERVICE, AuditRecord, Outcome
from service.application.clock import Clock

LOGGER: Final = "revet.audit"

AUDITED: Final[Mapping[str, Outcome]] = {
    "trust_store_loaded": Outcome.DONE,
    "trust_store_refused": Outcome.REFUSED,
    "trust_store_removed": Outcome.DONE,
    "file_taken": Outcome.DONE,
    "file_refused": Outcome.REFUSED,
    "reloaded": Outcome.DONE,
    "reload_refused": Outcome.REFUSED,
    "reload_failed": Outcome.FAILED,
    "block_added": Outcome.DONE,
    "block_removed": Outcome.DONE,
    "store_brought_forward": Outcome.DONE,
}
"""Events of changes that have no attempt of somebody's: what is in force, settings, files of secrets, and blocks that
come from other hosts of a fleet."""

NOT_KEPT: Final = "audit_not_kept"
"""The field of an event whose record could not be kept."""

_OF_THE_LOG: Final = frozenset({"event", "level", "logger", "time", "exc_info"})


class AuditLog:
    """Writes what it is told to the log. Implements `service.application.auditing.AuditObserver`."""

    def __init__(self) -> None:
        """Write to the log as `configure_logs` has set it up."""
        self._log: BoundLogger = structlog.get_logger(LOGGER)

    def recorded(self, record: AuditRecord) -> None:
        """Information where it was done, and a warning where not."""
        document = document_of(record)
        fields = {name: document[name] for name in document if name not in {"time", "pid"}}
        if record.outcome is Outcome.DONE:
            self._log.info("audit", **fields)
        else:
            self._log.warning("audit", **fields)

    def not_kept(self, record: AuditRecord, reason: str) -> None:
        """The operator's to repair, at once."""
        self._log.error(
            "audit_not_kept",
            attempt=record.attempt,
            action=record.action,
            outcome=record.outcome.value,
            by=record.by,
            problem=reason,
        )


class AuditedEvents:
    """Keeps records of what the service does by itself: a structlog processor."""

    def __init__(self, file: AuditFile, clock: Clock) -> None:
        """Take where they are kept, and time."""
        self._file = file
        self._clock = clock

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Keep a record where the event is one of those."""
        name = str(event.get("event"))
        outcome = AUDITED.get(name)
        if outcome is None or IN_ATTEMPT.get():
            return event
        on = {field: value for field, value in event.items() if field not in _OF_THE_LOG}
        record = AuditRecord(self._clock.now(), "", name, outcome, str(on.pop("by", SERVICE)), on=on)
        try:
            self._file.append(line_of(document_of(record)), Durability.HANDED_OVER)
        except OSError as error:
            return {**event, NOT_KEPT: error.strerror or str(error)}
        return event
