"""What each caller is held to, and what connections are, in a worker."""

import os
from math import ceil
from typing import Final

import structlog

from service.adapters.arrival_table import ArrivalTable
from service.adapters.clock import SystemClock
from service.adapters.limit_log import LimitLog
from service.adapters.log_observer import LOGGER
from service.adapters.metrics import PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.api.rules import MAX_ITEMS
from service.application.caller_limits import CallerLimits, Limited, LimitRules
from service.application.connection_limits import ConnectionLimits
from service.application.rate import Rate
from service.bootstrap.directories import ARRIVALS
from service.settings import Settings

IDLE_S: Final = 75.0
"""Longer than load balancers keep idle connections (ALB: 60 s), so that it is they who close them."""

UNSENT_S: Final = 60.0
"""As nginx's send_timeout: between two moments in which a client takes something of what is to be sent."""

MANAGEMENT_CONNECTIONS: Final = 64
"""Of the management port: probes and scrapers are few, and theirs are not to be had by anybody else."""

LEAST_BURST: Final = 1
"""Requests at one time that anybody may ask, however few in a second."""


class _Told:
    """Tells metrics and log."""

    def __init__(self, counts: PrometheusObserver, log: LimitLog) -> None:
        self._counts = counts
        self._log = log

    def limited(self, why: Limited, caller: str) -> None:
        """Pass it on."""
        self._counts.limited(why, caller)
        self._log.limited(why, caller)


def compose_limits(settings: Settings, counts: PrometheusObserver) -> CallerLimits | None:
    """What each caller is held to; None where nothing is limited."""
    rules = limit_rules(settings)
    if rules == LimitRules(most_counted=rules.most_counted):
        return None
    clock = SystemClock()
    return CallerLimits(rules, _arrivals(), clock, _Told(counts, LimitLog(clock)))


def limit_rules(settings: Settings) -> LimitRules:
    """What the operator allows each caller."""
    per_s = settings.rate_limit_per_s
    if per_s is None:
        return LimitRules(None, settings.max_caller_concurrency, MAX_ITEMS)
    burst = settings.rate_limit_burst or max(LEAST_BURST, ceil(per_s))
    return LimitRules(Rate(per_s, burst), settings.max_caller_concurrency, MAX_ITEMS)


def connection_limits(settings: Settings, most: int) -> ConnectionLimits:
    """What connections are held to.

    Args:
        settings: The settings.
        most: How many there may be.
    """
    return ConnectionLimits(most, settings.head_timeout_s, IDLE_S, UNSENT_S)


def _arrivals() -> ArrivalTable:
    """What all workers count in; where there is no such thing, as on a full disk, each counts for itself."""
    directory = metrics_directory(os.environ)
    if directory is None:
        return ArrivalTable.private()
    try:
        return ArrivalTable.open(directory / ARRIVALS)
    except OSError as error:
        structlog.get_logger(LOGGER).warning("limits_not_shared", problem=error.strerror or str(error))
        return ArrivalTable.private()
