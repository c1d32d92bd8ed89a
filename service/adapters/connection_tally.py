"""Connections that were ended, or are kept waiting, as metrics and as events of the log.

Rules it keeps: the metrics count all of them; the log tells once in a minute that there are as many as there may be.
"""

from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter
from structlog.stdlib import BoundLogger

from service.adapters.log_observer import LOGGER
from service.application.clock import Clock
from service.application.connection_limits import Ended
from service.application.seldom import Seldom

MOST_TOLD: Final = 1
"""Times in a minute that a crowd is told of: it lasts."""


class ConnectionTally:
    """Counts what it is told. Implements `service.application.connection_limits.ConnectionObserver`.

    One in a process.
    """

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        """Count from zero, and write to the log as `configure_logs` has set it up."""
        ended = Counter(
            "revet_connections_ended",
            "Connections that were ended although their clients would have kept them, by why.",
            ("why",),
            registry=registry,
        )
        # A counter that appears with its first event hides that event.
        self._ended = {why: ended.labels(why.value) for why in Ended}
        self._log: BoundLogger = structlog.get_logger(LOGGER)
        self._told = Seldom(clock, MOST_TOLD)

    def ended(self, why: Ended, count: int) -> None:
        """Count them."""
        self._ended[why].inc(count)

    def full(self, most: int) -> None:
        """The operator's to allow more, or somebody's who connects and asks nothing."""
        left_out = self._told.left_out()
        if left_out is not None:
            self._log.warning("connections_full", most=most, left_out=left_out)
