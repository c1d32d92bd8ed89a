"""What the OCSP answers at hand say of one certificate (RFC 6960 §3.2).

Rules it keeps: `good` counts only where nothing is against it: not what the same response says besides, not a newer
answer, not a revocation that has ended, not its times, not its nonce; `unknown` is never good; `revoked` is revoked
whatever reason and date stand with it, those of a certificate that was never issued included (§4.4.8: certificateHold,
the first of January 1970).

What it does not do: ask whether a delegate is revoked itself; the caller says. An archive cutoff (§4.4.4) changes
nothing: it says how long a responder remembers, and no answer makes an expired certificate valid.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import assert_never

from service.core.freshness.window import EvidenceKind, UsableUntil, later, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Budget
from service.core.model.certificate import Certificate
from service.core.model.judgement import Judgement
from service.core.model.ocsp import CertStatus, OcspFinding, OcspResponse, SingleResponse
from service.core.model.policy import Policy
from service.core.model.reason import Reason
from service.core.model.verdict import Method, Note, Revocation, RevocationStatus
from service.core.ocsp.cert_id import is_about
from service.core.ocsp.nonce import check_nonce
from service.core.ocsp.responder import Responder, authorize


class DelegateStanding(Enum):
    """What is known of a delegate's own revocation."""

    GOOD = "good"
    REVOKED = "revoked"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class DelegateCheck:
    """A delegate's standing, and how long it stays that.

    Attributes:
        usable_until: End of use of the evidence for it; None where it rests on none.
        in_grace: That evidence serves because the policy grants grace.
    """

    standing: DelegateStanding
    usable_until: datetime | None = None
    in_grace: bool = False


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """One answer about the certificate, by a responder that may give it, fresh or not.

    Attributes:
        delegate: The issuer's delegate, where that signed it.
        trusted: The responder that the operator trusts, where that signed it; its own revocation is not asked about.
    """

    finding: OcspFinding
    single: SingleResponse
    delegate: Certificate | None
    trusted: Certificate | None = None


_REFUSED = {DelegateStanding.REVOKED: Problem.SIGNER_REVOKED, DelegateStanding.UNCHECKED: Problem.SIGNER_UNCHECKED}
_ISSUER = DelegateCheck(DelegateStanding.GOOD)
_ENDED = frozenset({Problem.STALE, Problem.INCONSISTENT})
"""What a revocation may have wrong that was one all the same: its time is over."""

_CAUTION = {CertStatus.REVOKED: 0, CertStatus.UNKNOWN: 1, CertStatus.GOOD: 2}


def signed_answers(
    findings: Iterable[OcspFinding],
    certificate: Certificate,
    issuer: Certificate,
    policy: Policy,
    at: datetime,
    budget: Budget,
) -> tuple[tuple[SignedAnswer, ...], tuple[Attempt, ...]]:
    """The answers whose signer may speak for the issuer, and why the other responses are out.

    Raises:
        BudgetExhaustedError: the signatures cost too much.
    """
    answers: list[SignedAnswer] = []
    attempts: list[Attempt] = []
    for finding in findings:
        response = finding.response
        about = most_cautious(single for single in response.responses if is_about(single.cert_id, certificate, issuer))
        if not about:
            attempts.append(Attempt(finding.source, Problem.OTHER_CERTIFICATE))
            continue
        if about[0].status is not CertStatus.REVOKED and _is_premature(response, certificate, policy):
            attempts.append(Attempt(finding.source, Problem.INCONSISTENT, "produced before the certificate was valid"))
            continue
        responder = authorize(response, issuer, policy, at, budget)
        if not isinstance(responder, Responder):
            attempts.append(Attempt(finding.source, responder))
            continue
        answers.extend(SignedAnswer(finding, single, responder.delegate, responder.trusted) for single in about)
    return tuple(answers), tuple(attempts)


def most_cautious(singles: Iterable[SingleResponse]) -> tuple[SingleResponse, ...]:
    """What one response says of one certificate: revoked before unknown before good, whichever is newer.

    Who answers twice in one response contradicts himself, and which of the two he means nobody knows; the others do not
    count. Of several that say the same all are given.
    """
    found = tuple(singles)
    first = min((_CAUTION[single.status] for single in found), default=None)
    return tuple(single for single in found if _CAUTION[single.status] == first)


def _is_premature(response: OcspResponse, certificate: Certificate, policy: Policy) -> bool:
    """Whether a response was signed before the certificate began: what it knows of it cannot be what became of it.

    A certificate that begins later may be revoked before, so that this holds against no revocation.
    """
    return later(response.produced_at, policy.clock_skew) < certificate.not_before


def judge_answers(
    answers: Iterable[SignedAnswer],
    delegates: Mapping[Certificate, DelegateCheck],
    policy: Policy,
    at: datetime,
) -> Judgement:
    """Combine answers into what they say of a certificate.

    Args:
        answers: From `signed_answers`.
        delegates: What is known of each delegate's own revocation.
        policy: Skew, grace, longest age.
        at: The moment in question.

    Returns:
        What the newest current response says; of several as new, revoked before unknown before good. Unknown is no
        answer: it hides an older good, and no older revoked. Good is none where an answer as new or newer has said
        revoked, though its time is over: nobody makes a host forget a revocation by presenting an old answer. The order
        of `answers` does not matter.
    """
    outcomes = [(answer, usable_until(answer, delegates, policy, at)) for answer in answers]
    attempts = tuple(outcome for _, outcome in outcomes if isinstance(outcome, Attempt))
    current = [(answer, outcome) for answer, outcome in outcomes if not isinstance(outcome, Attempt)]
    if not current:
        return Judgement(None, attempts)
    answer, until = _decisive(current)
    first_end = min(one.moment for _, one in current)
    match answer.single.status:
        case CertStatus.UNKNOWN:
            # RFC 6960 §2.2: the responder does not know the certificate: never good, and nobody says revoked.
            return Judgement(None, (*attempts, Attempt(answer.finding.source, Problem.STATUS_UNKNOWN)), first_end)
        case CertStatus.GOOD if any(moment >= answer.single.this_update for moment in _ended(outcomes)):
            return Judgement(None, (*attempts, Attempt(answer.finding.source, Problem.ROLLED_BACK)), first_end)
        case CertStatus.GOOD:
            return Judgement(_revocation(answer, RevocationStatus.GOOD, until), attempts)
        case CertStatus.REVOKED:
            return Judgement(_revocation(answer, RevocationStatus.REVOKED, until), attempts)
        case _:
            assert_never(answer.single.status)


def _ended(outcomes: Iterable[tuple[SignedAnswer, UsableUntil | Attempt]]) -> Iterator[datetime]:
    """The moments of revocations whose time is over."""
    for answer, outcome in outcomes:
        if isinstance(outcome, Attempt) and outcome.problem in _ENDED and answer.single.status is CertStatus.REVOKED:
            yield answer.single.this_update


def usable_until(
    answer: SignedAnswer, delegates: Mapping[Certificate, DelegateCheck], policy: Policy, at: datetime
) -> UsableUntil | Attempt:
    """Until when an answer may be used, whatever it says, or why it may not be; arguments as for `judge_answers`."""
    source, single = answer.finding.source, answer.single
    check = _ISSUER if answer.delegate is None else delegates[answer.delegate]
    refusal = _refuse_response(answer.finding, check, policy, at)
    if refusal is not None:
        return refusal
    until = window(EvidenceKind.OCSP, single.this_update, single.next_update, policy, at)
    if not isinstance(until, UsableUntil):
        return Attempt(source, until)
    if single.next_update is not None and single.next_update < single.this_update:
        return Attempt(source, Problem.INCONSISTENT, "nextUpdate before thisUpdate")
    if single.status is not CertStatus.REVOKED:
        problem = check_nonce(answer.finding, policy)
        if problem is not None:
            return Attempt(source, problem)
    # An answer serves no longer than who signed it, and than what is known of a delegate.
    ends = [signer.not_after for signer in (answer.delegate, answer.trusted) if signer is not None]
    if check.usable_until is not None:
        ends.append(check.usable_until)
    return UsableUntil(min([until.moment, *ends]), until.in_grace or check.in_grace)


def _refuse_response(finding: OcspFinding, check: DelegateCheck, policy: Policy, at: datetime) -> Attempt | None:
    """Why nothing in a response may be used, or None."""
    response = finding.response
    # Also one about another certificate: who does not understand a response as a whole does not use a part of it.
    unknown = (*response.unknown_critical, *(oid for one in response.responses for oid in one.unknown_critical))
    if unknown:
        return Attempt(finding.source, Problem.UNSUPPORTED, unknown[0])
    if check.standing is not DelegateStanding.GOOD:
        return Attempt(finding.source, _REFUSED[check.standing])
    if response.produced_at > later(at, policy.clock_skew):
        return Attempt(finding.source, Problem.NOT_YET_VALID, "producedAt")
    return None


def _decisive(current: list[tuple[SignedAnswer, UsableUntil]]) -> tuple[SignedAnswer, UsableUntil]:
    """The newest, unless it is unknown and the newest of those that know the certificate is revoked."""
    newest = min(current, key=_preference)
    known = [one for one in current if one[0].single.status is not CertStatus.UNKNOWN]
    if not known:
        return newest
    informed = min(known, key=_preference)
    return informed if informed[0].single.status is CertStatus.REVOKED else newest


def _preference(one: tuple[SignedAnswer, UsableUntil]) -> tuple[float, int, float, bytes]:
    answer, until = one
    single = answer.single
    return (
        -single.this_update.timestamp(),
        _CAUTION[single.status],
        until.moment.timestamp(),
        answer.finding.response.digest,
    )


def _revocation(answer: SignedAnswer, status: RevocationStatus, until: UsableUntil) -> Revocation:
    single = answer.single
    is_revoked = status is RevocationStatus.REVOKED
    return Revocation(
        status=status,
        method=Method.OCSP,
        source=answer.finding.source,
        tier=answer.finding.tier,
        this_update=single.this_update,
        next_update=single.next_update,
        usable_until=until.moment,
        revoked_at=single.revoked_at,
        reason=(Reason.UNSPECIFIED if single.reason is None else single.reason).text if is_revoked else None,
        notes=(Note.IN_GRACE,) if until.in_grace else (),
    )
