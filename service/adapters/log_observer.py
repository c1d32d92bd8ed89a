"""What happens, as events of the log.

Rules it keeps: what an operator should look at is a warning, what explains the service's state is information; of what
happens with every allowed request a sample is, and all of it is for debugging; decisions are named by their id, and no
client certificate is. A flood is written down up to a rate, and counted beyond it.
"""

import logging
import math
from collections.abc import Mapping
from typing import Final

import structlog
from structlog.stdlib import BoundLogger

from service.application.clock import Clock
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
from service.application.seldom import Seldom
from service.core.model.failure import Code
from service.core.model.verdict import Decision

LOGGER: Final = "revet"

MAX_UNCHAINED: Final = 20
"""Subjects of stray intermediates in one event; a bundle of all CAs in the wrong place would have thousands."""

ALLOWS_PER_S: Final = 1.0
"""Allows that get a line in a second, of each process: enough to see that they come, how fast and by which front."""

MOST_DENIALS_PER_S: Final = 1000
"""Denials that get a line in a second, of each process: a line takes some 60 µs of the event loop, so that writing
takes a sixteenth of it at most, whoever floods the service. More are counted in the next line."""

_DECIDED: Final = frozenset(code.value for code in Code)


class LogObserver:
    """Writes what it is told to the log. Implements `service.application.observer.Observer`."""

    def __init__(self, clock: Clock, allows_per_s: float = ALLOWS_PER_S) -> None:
        """Write to the log as `configure_logs` has set it up.

        Args:
            clock: Time.
            allows_per_s: Allows of this process that get a line in a second at most; 0 for none.
        """
        self._log: BoundLogger = structlog.get_logger(LOGGER)
        self._logger = logging.getLogger(LOGGER)
        self._monotonic = clock.monotonic
        self._sample_s = 1 / allows_per_s if allows_per_s else math.inf
        # When the next allow has a line. An allow is what happens all the time: one that has none pays for reading a
        # clock, a comparison and a sum.
        is_read = self._logger.isEnabledFor(logging.INFO) and allows_per_s > 0
        self._sample_at = -math.inf if is_read or self._is_debugging() else math.inf
        self._allows_left_out = 0
        self._denials = Seldom(clock, MOST_DENIALS_PER_S, in_s=1.0)
        self._refusals = Seldom(clock, MOST_DENIALS_PER_S, in_s=1.0)
        self._shadowed = Seldom(clock, MOST_DENIALS_PER_S, in_s=1.0)

    def decided(self, details: DecisionDetails) -> None:
        """A denial is information; of allows, a sample is."""
        if details.decision is Decision.ALLOW:
            now = self._monotonic()
            if now < self._sample_at:
                self._allows_left_out += 1
            else:
                self._allowed(details, now)
            return
        left_out = self._denials.left_out()
        if left_out is not None:
            self._decision(logging.INFO, details, _counted(left_out))

    def _allowed(self, details: DecisionDetails, now: float) -> None:
        if not self._is_debugging():
            left_out, self._allows_left_out = self._allows_left_out, 0
            self._sample_at = now + self._sample_s
            self._decision(logging.INFO, details, {"sampled": True, "left_out": left_out})
        else:
            self._decision(logging.DEBUG, details, {})

    def _decision(self, level: int, details: DecisionDetails, more: Mapping[str, object]) -> None:
        """One line; whose certificate it was stands in the answer alone."""
        self._log.log(
            level,
            "decision_made",
            decision_id=details.decision_id,
            decision=details.decision.value,
            code=details.code.value,
            status=None if details.status is None else details.status.value,
            trust_store=details.trust_store,
            front=details.front,
            cache="hit" if details.duration_s is None else "miss",
            duration_s=None if details.duration_s is None else round(details.duration_s, 6),
            **more,
        )

    def authorized(self, details: AuthorizedDetails) -> None:
        """A request that nothing was decided about is information; a decision is told of already."""
        fields = {"front": details.front, "code": details.code, "decision_id": details.decision_id}
        if details.code not in _DECIDED:
            left_out = self._refusals.left_out()
            if left_out is not None:
                self._log.info("authorize_refused", **fields, **_counted(left_out))
        elif self._is_debugging():
            self._log.debug("authorize_answered", **fields)

    def would_deny(self, details: ShadowDetails) -> None:
        """What shadow mode is for: each is to be looked into before it is turned off."""
        left_out = self._shadowed.left_out()
        if left_out is not None:
            fields = {"decision_id": details.decision_id, "code": details.code.value}
            self._log.info("would_deny", **fields, trust_store=details.trust_store, **_counted(left_out))

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


def _counted(left_out: int) -> dict[str, object]:
    """How many went without a line before this one, where any did."""
    return {"left_out": left_out} if left_out else {}
