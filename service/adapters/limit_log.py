"""Whose requests were refused since there were too many, as events of the log.

Rules it keeps: of each limit a few lines in a minute name somebody, and say how many were left out; the metrics count
all, and name nobody.
"""

from typing import Final

import structlog
from structlog.stdlib import BoundLogger

from service.adapters.log_observer import LOGGER
from service.application.caller_limits import Limited
from service.application.clock import Clock
from service.application.seldom import Seldom

MOST_TOLD: Final = 5
"""Requests in a minute that are told of each limit: who asks too often asks often."""


class LimitLog:
    """Writes what it is told to the log. Implements `service.application.caller_limits.LimitObserver`."""

    def __init__(self, clock: Clock) -> None:
        """Write to the log as `configure_logs` has set it up."""
        self._log: BoundLogger = structlog.get_logger(LOGGER)
        self._told = {why: Seldom(clock, MOST_TOLD) for why in Limited}

    def limited(self, why: Limited, caller: str) -> None:
        """Somebody's to slow down, or the operator's to allow more."""
        left_out = self._told[why].left_out()
        if left_out is not None:
            self._log.warning("caller_limited", limit=why.value, by=caller, left_out=left_out)
