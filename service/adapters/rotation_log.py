"""What becomes of files that are replaced while the service runs, as events of the log: by setting, not by content."""

import structlog
from structlog.stdlib import BoundLogger

from service.adapters.log_observer import LOGGER


class RotationLog:
    """Writes what it is told to the log. Implements `service.application.rotation.RotationObserver`."""

    def __init__(self) -> None:
        """Write to the log as `configure_logs` has set it up."""
        self._log: BoundLogger = structlog.get_logger(LOGGER)

    def taken(self, setting: str) -> None:
        """What an operator waits for who has replaced a file."""
        self._log.info("file_taken", setting=setting)

    def refused(self, setting: str, problem: str) -> None:
        """What he must repair before the old content runs out."""
        self._log.warning("file_refused", setting=setting, problem=problem, last_kept=True)

    def restored(self, setting: str) -> None:
        """It is as it was before."""
        self._log.info("file_restored", setting=setting)
