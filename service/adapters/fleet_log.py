"""What happens between a replica and Redis, as events of the log.

Rules it keeps: that Redis is gone is told once, and that it is back; what whoever owns Redis may cause as often as he
likes is told the first time, and then at most once a minute, with how often it was not. What happens with every request
is for the metrics.
"""

from typing import Final

import structlog
from structlog.stdlib import BoundLogger

from service.adapters.log_observer import LOGGER
from service.application.clock import Clock
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.fleet.standing import Standing
from service.application.fleet.telling import FleetEvent, RefusedDetails
from service.application.seldom import Seldom

MOST_LOST: Final = 5
"""Times in a minute that the loss of Redis is told: one that answers probes and nothing else is lost each second."""

MOST_OF_A_NAME: Final = 200
"""Characters of what was refused: as much of a URL as tells it from others."""


class FleetLog:
    """Writes what it is told to the log. Implements `service.application.fleet.telling.ReplicaObserver`."""

    def __init__(self, clock: Clock) -> None:
        """Write to the log as `configure_logs` has set it up."""
        self._log: BoundLogger = structlog.get_logger(LOGGER)
        self._clock = clock
        self._lost = Seldom(clock, MOST_LOST)
        self._told_lost = False
        self._refused: dict[tuple[EnvelopeKind, Refusal], Seldom] = {}
        self._taken = Seldom(clock, 1)

    def fleet(self, kind: EnvelopeKind, event: FleetEvent) -> None:
        """Nothing: it happens with every request, and metrics count it."""

    def refused(self, details: RefusedDetails) -> None:
        """Somebody else's, damaged or old: of each kind and reason one a minute."""
        what = (details.kind, details.refusal)
        left_out = self._refused.setdefault(what, Seldom(self._clock, 1)).left_out()
        if left_out is not None:
            self._log.warning(
                "fleet_value_refused",
                kind=details.kind.value,
                problem=details.refusal.value,
                about=details.about[:MOST_OF_A_NAME],
                left_out=left_out,
            )

    def reachable(self, reason: str | None) -> None:
        """Without it everybody asks for himself, and blocks stay where they are."""
        if reason is None:
            if self._told_lost:
                self._told_lost = False
                self._log.info("fleet_reachable")
            return
        left_out = None if self._told_lost else self._lost.left_out()
        if left_out is not None:
            self._told_lost = True
            self._log.warning("fleet_unreachable", problem=reason[:MOST_OF_A_NAME], left_out=left_out)

    def reconciled(self, taken: int, given: int, reason: str) -> None:
        """Where something moved, it is information."""
        if taken or given:
            self._log.info("fleet_blocks_reconciled", taken=taken, given=given, reason=reason)
        else:
            self._log.debug("fleet_blocks_agree", reason=reason)

    def stands(self, standing: Standing) -> None:
        """Nothing: metrics and readiness show it."""

    def replicas(self, present: int, gone: int) -> None:
        """Nothing: metrics show it."""

    def name_taken(self, name: str) -> None:
        """Each hides the other: names must differ."""
        left_out = self._taken.left_out()
        if left_out is not None:
            self._log.warning("replica_name_taken", name=name, left_out=left_out)
