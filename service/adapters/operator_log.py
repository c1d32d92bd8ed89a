"""What administrators have done, as events of the log: who asked for what.

All of it is rare and somebody's decision: information, but for a reset, after which lower CRL numbers are accepted.
"""

import structlog
from structlog.stdlib import BoundLogger

from service.adapters.log_observer import LOGGER
from service.application.operating.telling import (
    Purged,
    RefreshAsked,
    Uploaded,
    UploadRemoved,
    WatermarksReset,
)

MAX_NAMED = 20
"""Issuers, and slots, that one event names; their number is there in any case."""


class OperatorLog:
    """Writes what it is told to the log. Implements `OperatorObserver`."""

    def __init__(self) -> None:
        """Write to the log as `configure_logs` has set it up."""
        self._log: BoundLogger = structlog.get_logger(LOGGER)

    def refresh_asked(self, details: RefreshAsked) -> None:
        """Somebody has sources tried."""
        self._log.info("refresh_asked", by=details.by, sources=details.sources)

    def purged(self, details: Purged) -> None:
        """Somebody has caches emptied."""
        self._log.info("caches_purged", by=details.by, caches=list(details.caches))

    def watermarks_reset(self, details: WatermarksReset) -> None:
        """Somebody lets lower CRL numbers in."""
        self._log.warning(
            "crl_watermarks_reset",
            by=details.by,
            count=len(details.slots),
            issuers=list(details.issuers[:MAX_NAMED]),
            slots=[slot.hex() for slot in details.slots[:MAX_NAMED]],
        )

    def uploaded(self, details: Uploaded) -> None:
        """Somebody has uploaded a CRL."""
        self._log.info("crl_uploaded", by=details.by, name=details.name, octets=details.octets, outcome=details.outcome)

    def upload_removed(self, details: UploadRemoved) -> None:
        """Somebody has removed one."""
        self._log.info("crl_upload_removed", by=details.by, name=details.name)
