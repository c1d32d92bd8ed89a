"""The problems of callers who have asked enough, and the same as proxies are told of them."""

from dataclasses import replace
from http import HTTPStatus
from math import ceil
from typing import Final

from service.api.problems import RETRY_AFTER_S, Problem
from service.api.reply import Header
from service.application.caller_limits import Limited, LimitedError

MAX_RETRY_AFTER_S: Final = 86_400
"""A day: nobody is told to wait for longer, whatever a limit comes to."""


def limited(error: LimitedError) -> Problem:
    """A caller who has asked enough."""
    wait_s = max(RETRY_AFTER_S, ceil(min(error.wait_s, MAX_RETRY_AFTER_S)))
    return _too_many_at_once(wait_s) if error.why is Limited.CONCURRENCY else _rate_limited(error.why, wait_s)


def _rate_limited(why: Limited, wait_s: int) -> Problem:
    """Too many requests in too short a time (RFC 6585 §4)."""
    whose = "of one caller" if why is Limited.RATE else "without a token that is known"
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate-limited",
        "Too many requests",
        f"Too many requests {whose}; try again in {wait_s} s.",
        headers=_retry_after(wait_s),
    )


def _too_many_at_once(wait_s: int) -> Problem:
    """Too many that are under way; how often is another matter."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too-many-at-once",
        "Too many requests of one caller at once",
        f"Wait for answers before asking more; try again in {wait_s} s.",
        headers=_retry_after(wait_s),
    )


def _retry_after(wait_s: int) -> tuple[Header, ...]:
    """RFC 9110 §10.2.3."""
    return ((b"retry-after", b"%d" % wait_s),)


def as_proxies_know_it(problem: Problem) -> Problem:
    """A problem with a status that proxies act upon: they know no 429, and take a 503 for a refusal all the same."""
    if problem.status is HTTPStatus.TOO_MANY_REQUESTS:
        return replace(problem, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return problem
