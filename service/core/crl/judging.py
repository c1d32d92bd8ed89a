"""What the CRLs at hand say of one certificate (RFC 5280 §6.3.3), for complete CRLs.

Of one scope the newest authentic CRL wins, wherever it came from, and what is older is not asked even where the newest
cannot be used: nobody makes a host forget a revocation by presenting an old list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.core.crl.issuer import check_issuer
from service.core.crl.scope import covered_reasons
from service.core.crl.slot import slot_of
from service.core.crl.support import revokes_as_delta, unsupported_feature
from service.core.freshness.window import LAST_MOMENT, EvidenceKind, UsableUntil, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.model.judgement import Judgement
from service.core.model.policy import Policy
from service.core.model.reason import ALL_REASONS, Reason, Reasons
from service.core.model.verdict import Method, Revocation, RevocationStatus


@dataclass(frozen=True, slots=True)
class _Usable:
    finding: CrlFinding
    reasons: Reasons
    until: datetime


def judge_crls(
    findings: Iterable[CrlFinding], certificate: Certificate, issuer: Certificate, policy: Policy, at: datetime
) -> Judgement:
    """Combine CRLs into what they say of a certificate.

    Args:
        findings: Each CRL at hand, asked about the certificate's serial number.
        certificate: The certificate in question.
        issuer: Its issuer in a valid path.
        policy: Weak algorithms, skew, grace, longest age.
        at: The moment in question.

    Returns:
        REVOKED where a usable CRL lists it, GOOD where usable CRLs cover every reason and none lists it, no answer
        otherwise. The order of `findings` does not matter.
    """
    usable: list[_Usable] = []
    attempts: list[Attempt] = []
    authentic: list[CrlFinding] = []
    for finding in sorted(findings, key=_age):
        problem = check_issuer(finding, issuer, policy)
        if problem is None:
            authentic.append(finding)
        else:
            attempts.append(Attempt(finding.source, problem))
    for finding in _newest(authentic, policy, at):
        outcome = _use(finding, certificate, policy, at)
        if isinstance(outcome, Attempt):
            attempts.append(outcome)
        else:
            usable.append(outcome)
    complete = [one for one in usable if one.finding.meta.base_crl_number is None]
    until = LAST_MOMENT
    for one in (each for each in usable if each.finding.entry is not None):
        overtaken_until = [other.until for other in complete if _overtakes(other, one)]
        if not overtaken_until:
            return Judgement(_answer(one, RevocationStatus.REVOKED, one.until), tuple(attempts))
        until = min(until, max(overtaken_until))
    return _covered(complete, attempts, until)


def _overtakes(complete: _Usable, one: _Usable) -> bool:
    """Whether a CRL is a delta, and older than a complete one that covers as much: that says everything it said."""
    if one.finding.meta.base_crl_number is None or one.reasons & ~complete.reasons:
        return False
    return complete.finding.meta.this_update > one.finding.meta.this_update


def _age(finding: CrlFinding) -> tuple[float, int, bool, bytes, int, str]:
    """Newest first; of two of the same age one that lists the certificate; the same one from the nearest tier."""
    meta = finding.meta
    number = -1 if meta.crl_number is None else meta.crl_number
    tier = tuple(Tier).index(finding.tier)
    return -meta.this_update.timestamp(), -number, finding.entry is None, meta.digest, tier, finding.source


def _newest(findings: list[CrlFinding], policy: Policy, at: datetime) -> list[CrlFinding]:
    """Of each slot the newest that is not from the future, and all others of the same age."""
    newest: dict[bytes, CrlFinding] = {}
    kept = []
    for finding in findings:
        meta = finding.meta
        slot = slot_of(meta, finding.signer_spki or b"").key
        if window(EvidenceKind.CRL, meta.this_update, None, policy, at) is Problem.NOT_YET_VALID:
            kept.append(finding)  # unusable, and named as such, but it supersedes nothing
            continue
        first = newest.setdefault(slot, finding)
        if (first.meta.this_update, first.meta.crl_number) == (meta.this_update, meta.crl_number):
            kept.append(finding)
    return kept


def _use(finding: CrlFinding, certificate: Certificate, policy: Policy, at: datetime) -> _Usable | Attempt:
    meta = finding.meta
    feature = unsupported_feature(meta)
    if feature is not None and not revokes_as_delta(finding):
        return Attempt(finding.source, Problem.UNSUPPORTED, feature)
    reasons = covered_reasons(meta.issuing_distribution_point, certificate)
    if not reasons:
        return Attempt(finding.source, Problem.WRONG_SCOPE)
    until = window(EvidenceKind.CRL, meta.this_update, meta.next_update, policy, at)
    if not isinstance(until, UsableUntil):
        return Attempt(finding.source, until)
    return _Usable(finding, reasons, until.moment)


def _covered(usable: list[_Usable], attempts: list[Attempt], until: datetime) -> Judgement:
    """GOOD where the CRLs, those that last longest first, cover every reason (RFC 5280 §6.3.3, after (l)).

    `until` is when a delta that is overtaken now may count again.
    """
    covered = Reasons(0)
    for one in sorted(usable, key=lambda each: each.until, reverse=True):
        covered |= one.reasons
        until = min(until, one.until)
        if covered == ALL_REASONS:
            return Judgement(_answer(one, RevocationStatus.GOOD, until), tuple(attempts))
    partial = (Attempt(one.finding.source, Problem.PARTIAL_REASONS) for one in usable)
    return Judgement(None, (*attempts, *partial))


def _answer(used: _Usable, status: RevocationStatus, until: datetime) -> Revocation:
    meta, entry = used.finding.meta, used.finding.entry
    return Revocation(
        status=status,
        method=Method.CRL,
        source=used.finding.source,
        tier=used.finding.tier,
        this_update=meta.this_update,
        next_update=meta.next_update,
        usable_until=until,
        revoked_at=None if entry is None else entry.revoked_at,
        reason=None if entry is None else (Reason.UNSPECIFIED if entry.reason is None else entry.reason).text,
        crl_number=meta.crl_number,
    )
