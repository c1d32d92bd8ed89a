"""What happens, as events of the log.

Rules it keeps: what an operator should look at is a warning, what explains the service's state is information, and what
happens with every allowed request is for debugging; decisions are named by their id, and no client certificate is.
"""

import logging
from typing import Final

import structlog
from structlog.stdlib import BoundLogger

from service.application.observer import (
    AuthorizedDetails,
    BlockChange,
    BlockDetails,
    DecisionDetails,
    FetchDetails,
    IgnoredDetails,
    IngestDetails,
    Ingested,
    OcspEvent,
    ShadowDetails,
    TrustStoreChange,
    TrustStoreDetails,
)
from service.core.model.failure import Code
from service.core.model.verdict import Decision

LOGGER: Final = "revet"

MAX_UNCHAINED: Final = 20
"""Subjects of stray intermediates in one event; a bundle of all CAs in the wrong place would have thousands."""

_DECIDED: Final = frozenset(code.value for code in Code)


class LogObserver:
    """Writes what it is told to the log. Implements `service.application.observer.Observer`."""

    def __init__(self) -> None:
        """Write to the log as `configure_logs` has set it up."""
        self._log: BoundLogger = structlog.get_logger(LOGGER)
        self._logger = logging.getLogger(LOGGER)

    def decided(self, details: DecisionDetails) -> None:
        """A denial is information; an allow is what happens all the time."""
        allowed = details.decision is Decision.ALLOW
        if allowed and not self._is_debugging():
            return
        self._log.log(
            logging.DEBUG if allowed else logging.INFO,
            "decision_made",
            decision_id=details.decision_id,
            decision=details.decision.value,
            code=details.code.value,
            trust_store=details.trust_store,
            duration_s=None if details.duration_s is None else round(details.duration_s, 6),
        )

    def authorized(self, details: AuthorizedDetails) -> None:
        """A request that nothing was decided about is information; a decision is told of already."""
        fields = {"front": details.front, "code": details.code, "decision_id": details.decision_id}
        if details.code not in _DECIDED:
            self._log.info("authorize_refused", **fields)
        elif self._is_debugging():
            self._log.debug("authorize_answered", **fields)

    def would_deny(self, details: ShadowDetails) -> None:
        """What shadow mode is for: each is to be looked into before it is turned off."""
        self._log.info(
            "would_deny", decision_id=details.decision_id, code=details.code.value, trust_store=details.trust_store
        )

    def ignored(self, details: IgnoredDetails) -> None:
        """For whoever wonders why a request was decided without what it brought."""
        if self._is_debugging():
            self._log.debug("submission_ignored", decision_id=details.decision_id, reasons=details.reasons)

    def fetched(self, details: FetchDetails) -> None:
        """A failure is somebody's to repair."""
        fields = {"kind": details.kind, "url": details.url, "duration_s": round(details.duration_s, 6)}
        if details.problem is not None:
            self._log.warning("fetch_failed", problem=details.problem.value, detail=details.detail, **fields)
        elif self._is_debugging():
            self._log.debug("fetched", **fields)

    def ocsp(self, event: OcspEvent) -> None:
        """Nothing: it happens with every request, and metrics count it."""

    def ingested(self, details: IngestDetails) -> None:
        """A new CRL is information; one that was refused, or bears an old number, is its issuer's to repair."""
        fields = {"url": details.url, "entries": details.entries, "bytes": details.size}
        fields["duration_s"] = round(details.duration_s, 6)
        match details.outcome:
            case Ingested.UNCHANGED:
                self._log.debug("crl_unchanged", **fields)
            case Ingested.STORED:
                self._log.info("crl_stored", **fields)
            case Ingested.SAME_NUMBER:
                self._log.warning("crl_stored_with_the_same_number", **fields)
            case problem:
                self._log.warning("crl_refused", problem=problem.value, **fields)

    def trust_store_changed(self, details: TrustStoreDetails) -> None:
        """What is in force is information; what should be and is not, a warning."""
        match details.change:
            case TrustStoreChange.LOADED:
                self._log.info("trust_store_loaded", name=details.name, held=details.certificates)
                if details.unchained:
                    subjects = details.unchained[:MAX_UNCHAINED]
                    count = len(details.unchained)
                    self._log.warning("intermediates_unchained", name=details.name, subjects=subjects, count=count)
            case TrustStoreChange.REFUSED:
                kept = details.certificates > 0
                self._log.warning("trust_store_refused", name=details.name, problem=details.problem, last_kept=kept)
            case TrustStoreChange.REMOVED:
                self._log.info("trust_store_removed", name=details.name)

    def blocks_changed(self, details: BlockDetails) -> None:
        """Who blocked, and why, is what an audit asks for; that nobody can say what is blocked stops everything."""
        match details.change:
            case BlockChange.ADDED:
                self._log.warning("block_added", block=details.block_id, by=details.by, reason=details.reason)
            case BlockChange.REMOVED:
                self._log.warning("block_removed", block=details.block_id, by=details.by)
            case BlockChange.UNREADABLE:
                self._log.error("blocks_unreadable", problem=details.reason)
            case BlockChange.NOT_WRITTEN:
                self._log.error("block_not_written", by=details.by, problem=details.reason)

    def _is_debugging(self) -> bool:
        """Whether it is worth making an event that is for debugging alone."""
        return self._logger.isEnabledFor(logging.DEBUG)
