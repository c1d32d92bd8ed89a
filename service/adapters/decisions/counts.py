"""What becomes of records of decisions, as metrics and as events of the log.

Rules it keeps: the metrics count all of them; the log says once in a minute that some were lost, and once each time
that no file can be written, and that it can again.
"""

from enum import StrEnum
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter
from structlog.stdlib import BoundLogger

from service.adapters.log_observer import LOGGER
from service.application.clock import Clock
from service.application.seldom import Seldom

MOST_TOLD: Final = 1
"""Times in a minute that a crowd is told of: it lasts."""


class Lost(StrEnum):
    """Why a record is not kept."""

    FULL = "full"
    """There were more than can be written."""
    UNAVAILABLE = "unavailable"
    """No file can be written: no room, a disk that takes nothing, a directory that cannot be used."""


class DecisionCounts:
    """Counts what it is told, and tells the operator. One in a process."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        """Count from zero, and write to the log as `configure_logs` has set it up."""
        self._kept = Counter("revet_decisions_kept", "Decisions that were written down.", registry=registry)
        lost = Counter(
            "revet_decisions_lost",
            "Decisions that should have been written down and could not be, by why.",
            ("why",),
            registry=registry,
        )
        # A counter that appears with its first event hides that event.
        self._lost = {why: lost.labels(why.value) for why in Lost}
        self._left_out = Counter(
            "revet_decisions_left_out",
            "Decisions that were given again so often that they were counted and not written down.",
            registry=registry,
        )
        self._log: BoundLogger = structlog.get_logger(LOGGER)
        self._told = Seldom(clock, MOST_TOLD)

    def kept(self, count: int) -> None:
        """Count them."""
        self._kept.inc(count)

    def left_out(self, count: int) -> None:
        """Count them."""
        self._left_out.inc(count)

    def lost(self, why: Lost, count: int) -> None:
        """Count them, and tell of them once in a while."""
        self._lost[why].inc(count)
        left_out = self._told.left_out()
        if left_out is not None:
            self._log.warning("decisions_lost", why=why.value, count=count, left_out=left_out)

    def unavailable(self, problem: str) -> None:
        """The operator's to repair; requests are answered as ever."""
        self._log.error("decisions_unavailable", problem=problem)

    def available(self) -> None:
        """They are written again."""
        self._log.info("decisions_available")
