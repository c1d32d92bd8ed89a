"""Until when a caller may reuse an answer."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from service.core.freshness.window import later
from service.core.model.certificate import Certificate
from service.core.model.failure import Blocked, BudgetExhausted, Failure, NotYetValid, RevocationUnavailable
from service.core.model.policy import Policy
from service.core.model.verdict import PathElement

UNDECIDED_TTL = timedelta(seconds=5)
"""Longest reuse of an answer that the next attempt may change."""


def allow_until(elements: Iterable[PathElement], anchor: Certificate, policy: Policy, at: datetime) -> datetime:
    """The earliest of the certificates' notAfter, the evidence's end of use, and the cap."""
    ends = [later(at, policy.max_verdict_ttl), anchor.not_after]
    for element in elements:
        ends.append(element.certificate.not_after)
        if element.revocation.usable_until is not None:
            ends.append(element.revocation.usable_until)
    return min(ends)


def deny_until(failure: Failure, elements: Iterable[PathElement], policy: Policy, at: datetime) -> datetime:
    """The earliest of the cap and the moment when the finding can change."""
    ends = [later(at, policy.max_verdict_ttl)]
    match failure:
        case RevocationUnavailable() | BudgetExhausted():
            ends.append(later(at, UNDECIDED_TTL))
        case NotYetValid(certificate):
            ends.append(certificate.not_before)
        case Blocked(_, block):
            ends.extend(moment for moment in (block.until,) if moment is not None)
        case _:
            ends.extend(one.revocation.usable_until for one in elements if one.revocation.usable_until is not None)
    return min(ends)
