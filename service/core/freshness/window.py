"""When evidence may be used: thisUpdate, nextUpdate, clock skew, grace and the longest age that the policy allows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from service.core.model.attempt import Problem
from service.core.model.policy import Policy

DEFAULT_OCSP_AGE = timedelta(seconds=300)
"""How long an OCSP answer without nextUpdate serves: newer information is then always available (RFC 6960 §2.4)."""


LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


class EvidenceKind(Enum):
    """What the evidence is: the kinds differ where nextUpdate is absent."""

    CRL = "crl"
    OCSP = "ocsp"


@dataclass(frozen=True, slots=True)
class UsableUntil:
    """The evidence may be used, until this moment.

    Attributes:
        in_grace: Its nextUpdate has passed by more than the tolerance for clocks.
    """

    moment: datetime
    in_grace: bool = False


def later(moment: datetime, by: timedelta) -> datetime:
    """A moment later by a duration, at most the calendar's last: 99991231235959Z is a usual date."""
    return moment + by if LAST_MOMENT - moment > by else LAST_MOMENT


def window(
    kind: EvidenceKind, this_update: datetime, next_update: datetime | None, policy: Policy, at: datetime
) -> UsableUntil | Problem:
    """Whether evidence may be used at a moment.

    Returns:
        The end of its use, or why it may not be used: NOT_YET_VALID, STALE, NO_NEXT_UPDATE.
    """
    if this_update > later(at, policy.clock_skew):
        return Problem.NOT_YET_VALID
    ends = []
    if next_update is not None:
        ends.append(later(next_update, policy.clock_skew + policy.grace))
    age = policy.max_evidence_age
    if age is None and next_update is None and kind is EvidenceKind.OCSP:
        age = DEFAULT_OCSP_AGE
    if age is not None:
        ends.append(later(this_update, age))
    if not ends:
        return Problem.NO_NEXT_UPDATE
    end = min(ends)
    if at > end:
        return Problem.STALE
    if next_update is None or at <= next_update:
        return UsableUntil(end)
    return UsableUntil(end, in_grace=at > later(next_update, policy.clock_skew))
