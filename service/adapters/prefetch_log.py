"""What happens to the sources of CRLs, as events of the log.

What an operator should look at is a warning: a source that fails, a CRL that was rolled back or whose number has
stopped moving, a place that cannot be listed. What goes well is for debugging; the CRLs themselves are told elsewhere.
What somebody may cause again and again, who reaches the socket, is told so often in a minute and no more.
"""

import structlog
from structlog.stdlib import BoundLogger

from service.adapters.log_observer import LOGGER
from service.application.clock import Clock
from service.application.prefetch.telling import (
    InventoryDetails,
    NullPrefetchObserver,
    PlaceDetails,
    RefreshDetails,
    RolledBackDetails,
    StalledDetails,
)
from service.application.seldom import Seldom


class PrefetchLog(NullPrefetchObserver):
    """Writes what it is told to the log. Implements `PrefetchObserver`."""

    def __init__(self) -> None:
        """Write to the log as `configure_logs` has set it up."""
        self._log: BoundLogger = structlog.get_logger(LOGGER)

    def refreshed(self, details: RefreshDetails) -> None:
        """A failure is somebody's to repair."""
        fields = {"source": details.source, "kind": details.kind.value, "duration_s": round(details.duration_s, 6)}
        if details.problem is None:
            self._log.debug("crl_source_refreshed", **fields)
            return
        problem, detail = details.problem.value, details.detail
        self._log.warning("crl_source_failed", problem=problem, detail=detail, failures=details.failures, **fields)

    def rolled_back(self, details: RolledBackDetails) -> None:
        """Somebody publishes what is older than what was published before."""
        self._log.warning("crl_rolled_back", source=details.source)

    def number_stalled(self, details: StalledDetails) -> None:
        """An authority publishes nothing new."""
        self._log.warning(
            "crl_number_stalled",
            source=details.source,
            issuer=details.issuer,
            crl_number=details.crl_number,
            since=details.since.isoformat(),
        )

    def place_listed(self, details: PlaceDetails) -> None:
        """What is in a place is information; that nobody can look is a warning."""
        if details.problem:
            self._log.warning("crl_place_unreadable", place=details.place, problem=details.problem)
        else:
            self._log.info("crl_place_listed", place=details.place, objects=details.objects)

    def pending_dropped(self, digest: str) -> None:
        """It would have been held as soon as its issuer is known."""
        self._log.warning("pending_crl_dropped", sha256=digest)

    def learned(self, source: str) -> None:
        """A source more."""
        self._log.info("crl_source_learned", source=source)

    def forgotten(self, count: int) -> None:
        """Sources less."""
        self._log.info("crl_sources_forgotten", count=count)

    def inventory(self, details: InventoryDetails) -> None:
        """It is in the metrics."""

    def not_remembered(self, reason: str) -> None:
        """It goes on without."""
        self._log.warning("crl_sources_not_written", problem=reason)


class RequestLog:
    """Writes what became of requests at the socket to the log. Implements `adapters.ipc.server.RequestObserver`."""

    def __init__(self, clock: Clock) -> None:
        """Write to the log as `configure_logs` has set it up."""
        self._log: BoundLogger = structlog.get_logger(LOGGER)
        self._refused = Seldom(clock)
        self._failed = Seldom(clock)

    def refused(self, reason: str) -> None:
        """A worker of another version, or nobody's worker."""
        left_out = self._refused.left_out()
        if left_out is not None:
            self._log.warning("prefetcher_request_refused", problem=reason, left_out=left_out)

    def failed(self, kind: str, error: Exception) -> None:
        """A fault of ours."""
        left_out = self._failed.left_out()
        if left_out is not None:
            self._log.error("prefetcher_request_failed", request=kind, left_out=left_out, exc_info=error)

    def unheard(self, kind: str, reason: str) -> None:
        """Whoever asked had no more time."""
        self._log.debug("prefetcher_answer_unheard", request=kind, problem=reason)
