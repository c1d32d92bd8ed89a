"""What the OCSP answers at hand say of one certificate (RFC 6960 §3.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import assert_never

from service.core.freshness.window import EvidenceKind, UsableUntil, later, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Budget
from service.core.model.certificate import Certificate
from service.core.model.judgement import Judgement
from service.core.model.ocsp import CertStatus, OcspFinding, SingleResponse
from service.core.model.policy import Policy
from service.core.model.reason import Reason
from service.core.model.verdict import Method, Revocation, RevocationStatus
from service.core.ocsp.cert_id import is_about
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
    """

    standing: DelegateStanding
    usable_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """One answer about the certificate, by a responder that may give it, fresh or not.

    Attributes:
        delegate: Who signed it, where it was not the issuer itself.
    """

    finding: OcspFinding
    single: SingleResponse
    delegate: Certificate | None


_REFUSED = {DelegateStanding.REVOKED: Problem.SIGNER_REVOKED, DelegateStanding.UNCHECKED: Problem.SIGNER_UNCHECKED}
_ISSUER = DelegateCheck(DelegateStanding.GOOD)
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
        about = [single for single in response.responses if is_about(single.cert_id, certificate, issuer)]
        if not about:
            attempts.append(Attempt(finding.source, Problem.OTHER_CERTIFICATE))
            continue
        responder = authorize(response, issuer, policy, at, budget)
        if not isinstance(responder, Responder):
            attempts.append(Attempt(finding.source, responder))
            continue
        answers.extend(SignedAnswer(finding, single, responder.delegate) for single in about)
    return tuple(answers), tuple(attempts)


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
        What the newest current answer says; of several as new, revoked before unknown before good. Unknown is no
        answer: it hides an older good, and no older revoked. Good is none where an answer as new or newer has said
        revoked, though its time is over: nobody makes a host forget a revocation by presenting an old answer. The order
        of `answers` does not matter.
    """
    attempts: list[Attempt] = []
    current: list[tuple[SignedAnswer, UsableUntil]] = []
    ended: list[datetime] = []
    for answer in answers:
        outcome = _use(answer, delegates, policy, at)
        if not isinstance(outcome, Attempt):
            current.append((answer, outcome))
            continue
        attempts.append(outcome)
        if outcome.problem is Problem.STALE and answer.single.status is CertStatus.REVOKED:
            ended.append(answer.single.this_update)
    if not current:
        return Judgement(None, tuple(attempts))
    answer, until = _decisive(current)
    first_end = min(one.moment for _, one in current)
    match answer.single.status:
        case CertStatus.UNKNOWN:
            # RFC 6960 §2.2: the responder does not know the certificate: never good, and nobody says revoked.
            return Judgement(None, (*attempts, Attempt(answer.finding.source, Problem.STATUS_UNKNOWN)), first_end)
        case CertStatus.GOOD if any(moment >= answer.single.this_update for moment in ended):
            return Judgement(None, (*attempts, Attempt(answer.finding.source, Problem.ROLLED_BACK)), first_end)
        case CertStatus.GOOD:
            return Judgement(_revocation(answer, RevocationStatus.GOOD, until), tuple(attempts))
        case CertStatus.REVOKED:
            return Judgement(_revocation(answer, RevocationStatus.REVOKED, until), tuple(attempts))
        case _:
            assert_never(answer.single.status)


def _use(
    answer: SignedAnswer, delegates: Mapping[Certificate, DelegateCheck], policy: Policy, at: datetime
) -> UsableUntil | Attempt:
    source, response, single = answer.finding.source, answer.finding.response, answer.single
    unknown = (*response.unknown_critical, *single.unknown_critical)
    if unknown:
        return Attempt(source, Problem.UNSUPPORTED, unknown[0])
    check = _ISSUER if answer.delegate is None else delegates[answer.delegate]
    if check.standing is not DelegateStanding.GOOD:
        return Attempt(source, _REFUSED[check.standing])
    if response.produced_at > later(at, policy.clock_skew):
        return Attempt(source, Problem.NOT_YET_VALID, "producedAt")
    until = window(EvidenceKind.OCSP, single.this_update, single.next_update, policy, at)
    if not isinstance(until, UsableUntil):
        return Attempt(source, until)
    # A delegate's answer serves no longer than the delegate, and than what is known of it.
    ends = [until.moment]
    if answer.delegate is not None:
        ends.append(answer.delegate.not_after)
    if check.usable_until is not None:
        ends.append(check.usable_until)
    return UsableUntil(min(ends))


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
    )
