"""What the CRLs at hand say of one certificate (RFC 5280 §6.3.3).

Of one scope the newest authentic CRL wins, wherever it came from, and what is older is not asked even where the newest
cannot be used: nobody makes a host forget a revocation by presenting an old list. A delta that fits is one with its
complete CRL. One that fits none never makes a certificate good; what its issuer signed as revoked is not passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from service.core.crl.delta import combined_entry, is_delta, is_removal, may_combine, scope_of
from service.core.crl.scope import covered_reasons, may_vouch
from service.core.crl.slot import is_lower, slot_of
from service.core.freshness.window import LAST_MOMENT, EvidenceKind, UsableUntil, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate, DistributionPoint
from service.core.model.crl import CrlEntry, CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.model.judgement import Judgement
from service.core.model.policy import Policy, Profile
from service.core.model.reason import ALL_REASONS, Reason, Reasons
from service.core.model.signer_path import SignerPath
from service.core.model.verdict import Method, Note, Revocation, RevocationStatus


class Standing(Enum):
    """What the word of a CRL's signer is worth."""

    FULL = "full"
    WEAK = "weak"
    """What others have said it does not unsay."""
    REVOKES = "revokes"
    """The signer may say revoked, and nothing else."""


@dataclass(frozen=True, slots=True)
class AuthenticCrl:
    """A CRL whose signer may speak for the certificate's issuer.

    Attributes:
        until: How long that stays so, as far as is known.
        standing: What its word is worth.
        in_grace: What is known of its signer serves because the policy grants grace.
        signer: As in `Revocation`.
    """

    finding: CrlFinding
    until: datetime
    standing: Standing = Standing.FULL
    in_grace: bool = False
    signer: SignerPath | None = None


@dataclass(frozen=True, slots=True)
class _Usable:
    """A current CRL that covers the certificate.

    Attributes:
        reasons: For which reasons it may say that the certificate is good.
        entry: What it says of the certificate, together with the delta that was combined with it.
        told_by: Which of the two says so.
        freshest: Where deltas of it are that nobody has looked for.
        in_grace: It serves, or its signer does, after the end of the evidence for it, because the policy grants grace.
        signer: As in `Revocation`; of the complete one.
    """

    finding: CrlFinding
    standing: Standing
    reasons: Reasons
    until: datetime
    entry: CrlEntry | None
    told_by: CrlFinding
    freshest: tuple[DistributionPoint, ...] = ()
    in_grace: bool = False
    signer: SignerPath | None = None


def judge_crls(crls: Iterable[AuthenticCrl], certificate: Certificate, policy: Policy, at: datetime) -> Judgement:
    """Combine CRLs into what they say of a certificate.

    Args:
        crls: Each authentic CRL at hand, asked about the certificate.
        certificate: The certificate in question.
        policy: Profile, skew, grace, longest age.
        at: The moment in question.

    Returns:
        REVOKED where a usable CRL lists it, GOOD where usable CRLs cover every reason and none lists it, no answer
        otherwise. The order of `crls` does not matter.
    """
    usable: list[_Usable] = []
    attempts: list[Attempt] = []
    ended: list[CrlFinding] = []
    for crl in _newest(list(crls), policy, at):
        outcome = _use(crl, certificate, policy, at)
        if isinstance(outcome, _Usable):
            usable.append(outcome)
            continue
        attempts.append(outcome)
        if outcome.problem is Problem.STALE and _revokes(crl.finding):
            ended.append(crl.finding)
    deltas = [one for one in usable if is_delta(one.finding.meta)]
    complete = [_combined(one, deltas, certificate) for one in usable if not is_delta(one.finding.meta)]
    alone = [one for one in deltas if not any(may_combine(one.finding, other.finding) for other in complete)]
    return _conclude(complete, alone, ended, attempts)


def _conclude(
    complete: list[_Usable], deltas: list[_Usable], ended: list[CrlFinding], attempts: list[Attempt]
) -> Judgement:
    """REVOKED before everything else; then what the complete CRLs cover.

    Args:
        complete: Complete CRLs, each with its delta.
        deltas: Those that fit no complete CRL.
        ended: Those whose time is over and that list the certificate.
        attempts: What cannot be used.
    """
    until = LAST_MOMENT
    for one in (*complete, *deltas):
        if one.entry is None or not _revokes(one.told_by):
            continue
        overtaken_until = [other.until for other in complete if _overtakes(other, one)]
        if not overtaken_until:
            return Judgement(_answer(one, RevocationStatus.REVOKED, one.until), tuple(attempts), freshest=one.freshest)
        until = min(until, max(overtaken_until))
    for finding in ended:
        # Its successor may be withheld: what listed the certificate last leaves it without an answer.
        if not any(_is_newer(one, finding) for one in complete):
            rolled_back = (Attempt(one.finding.source, Problem.ROLLED_BACK) for one in complete)
            return Judgement(None, (*attempts, *rolled_back))
    if deltas:
        bases = {scope_of(one.finding) for one in complete}
        baseless = (one for one in deltas if scope_of(one.finding) not in bases)
        attempts.extend(Attempt(one.finding.source, Problem.NO_BASE) for one in baseless)
    return _covered(complete, attempts, until)


def _revokes(finding: CrlFinding) -> bool:
    """Whether a CRL lists the certificate as revoked; a removal means that in deltas alone (RFC 5280 §5.3.1)."""
    return finding.entry is not None and not (is_delta(finding.meta) and is_removal(finding.entry))


def _is_newer(complete: _Usable, ended: CrlFinding) -> bool:
    """Whether a CRL is newer than one of the past, and covers as much as that did."""
    if complete.standing is not Standing.FULL:
        return False
    covers_as_much = complete.reasons == ALL_REASONS or scope_of(complete.finding) == scope_of(ended)
    return covers_as_much and complete.told_by.meta.this_update > ended.meta.this_update


def _overtakes(complete: _Usable, one: _Usable) -> bool:
    """Whether a CRL is a delta, and older than a complete one that covers as much: that says everything it said."""
    if not is_delta(one.finding.meta) or one.reasons & ~complete.reasons or complete.standing is not Standing.FULL:
        return False
    return complete.finding.meta.this_update > one.finding.meta.this_update


def age(finding: CrlFinding) -> tuple[float, int, bool, bytes, int, str]:
    """How to sort: newest first; of two of the same age one that lists the certificate; then from the nearest tier."""
    meta = finding.meta
    number = -1 if meta.crl_number is None else meta.crl_number
    tier = tuple(Tier).index(finding.tier)
    return -meta.this_update.timestamp(), -number, finding.entry is None, meta.digest, tier, finding.source


def _newest(crls: list[AuthenticCrl], policy: Policy, at: datetime) -> list[AuthenticCrl]:
    """Of each slot the newest that is not from the future, and all others of the same age."""
    if len(crls) == 1:  # most often there is nothing to compare it with
        return crls
    newest: dict[bytes, CrlFinding] = {}
    kept = []
    for crl in sorted(crls, key=lambda one: age(one.finding)):
        meta = crl.finding.meta
        slot = slot_of(meta, crl.finding.signer_spki or b"").key
        if window(EvidenceKind.CRL, meta.this_update, None, policy, at) is Problem.NOT_YET_VALID:
            kept.append(crl)  # unusable, and named as such, but it supersedes nothing
            continue
        first = newest.setdefault(slot, crl.finding)
        is_as_old = (first.meta.this_update, first.meta.crl_number) == (meta.this_update, meta.crl_number)
        # An older one with a higher number: which of the two is the later one, nothing says.
        if is_as_old or is_lower(first.meta.crl_number, meta.crl_number):
            kept.append(crl)
    return kept


def _use(crl: AuthenticCrl, certificate: Certificate, policy: Policy, at: datetime) -> _Usable | Attempt:
    finding, meta = crl.finding, crl.finding.meta
    if meta.unsupported:  # RFC 5280 §5.2, §5.3
        return Attempt(finding.source, Problem.UNSUPPORTED, meta.unsupported[0])
    if meta.crl_number is None and policy.profile is Profile.STRICT:  # RFC 5280 §5.2.3
        return Attempt(finding.source, Problem.NO_CRL_NUMBER)
    reasons = covered_reasons(meta, certificate)
    if not reasons:
        return Attempt(finding.source, Problem.WRONG_SCOPE)
    until = window(EvidenceKind.CRL, meta.this_update, meta.next_update, policy, at)
    if not isinstance(until, UsableUntil):
        return Attempt(finding.source, until)
    # We choose to believe a CRL that lists a certificate twice where it says revoked, and nowhere else.
    vouches = may_vouch(meta, certificate) and not finding.repeats_entries and crl.standing is not Standing.REVOKES
    vouched = reasons if vouches else Reasons(0)
    in_grace = until.in_grace or crl.in_grace
    end = min(until.moment, crl.until)
    return _Usable(finding, crl.standing, vouched, end, finding.entry, finding, in_grace=in_grace, signer=crl.signer)


def _combined(complete: _Usable, deltas: list[_Usable], certificate: Certificate) -> _Usable:
    """A complete CRL with the delta that fits it; without one, it knows where one might be."""
    fitting = [delta for delta in deltas if may_combine(delta.finding, complete.finding)]
    if fitting:
        # Several only where nothing says which of them is the later one: then the most cautious.
        delta = min(fitting, key=_caution)
        return replace(
            complete,
            until=min(complete.until, delta.until),
            entry=combined_entry(delta.finding, complete.finding),
            told_by=complete.finding if delta.entry is None else delta.finding,
            in_grace=complete.in_grace or delta.in_grace,
        )
    # RFC 5280 §6.3.3 (a): the certificate and the complete CRL may name deltas.
    freshest = (*certificate.extensions.freshest_crl, *complete.finding.meta.freshest_crl)
    is_final = complete.entry is not None and complete.entry.reason is not Reason.CERTIFICATE_HOLD
    return replace(complete, freshest=freshest) if freshest and not is_final else complete


def _caution(delta: _Usable) -> int:
    if delta.entry is None:
        return 1
    return 2 if is_removal(delta.entry) else 0


def _covered(complete: list[_Usable], attempts: list[Attempt], until: datetime) -> Judgement:
    """GOOD where the CRLs, those that last longest first, cover every reason (RFC 5280 §6.3.3, after (l)).

    `until` is when a delta that is overtaken now may count again.
    """
    covered = Reasons(0)
    in_grace = False
    freshest: dict[DistributionPoint, None] = {}
    for one in sorted(complete, key=lambda each: each.until, reverse=True):
        covered |= one.reasons
        freshest.update(dict.fromkeys(one.freshest))
        until = min(until, one.until)
        in_grace = in_grace or one.in_grace
        if covered == ALL_REASONS:
            answer = _answer(replace(one, in_grace=in_grace), RevocationStatus.GOOD, until)
            return Judgement(answer, tuple(attempts), freshest=tuple(freshest))
    return Judgement(None, (*attempts, *(_partial(one) for one in complete)))


def _partial(one: _Usable) -> Attempt:
    if one.finding.repeats_entries:
        return Attempt(one.finding.source, Problem.UNSUPPORTED, "an entry that is there twice")
    return Attempt(one.finding.source, Problem.PARTIAL_REASONS if one.reasons else Problem.WRONG_SCOPE)


def _answer(used: _Usable, status: RevocationStatus, until: datetime) -> Revocation:
    meta = used.told_by.meta
    entry = used.entry if status is RevocationStatus.REVOKED else None
    return Revocation(
        status=status,
        method=Method.CRL,
        source=used.told_by.source,
        tier=used.told_by.tier,
        this_update=meta.this_update,
        next_update=meta.next_update,
        usable_until=until,
        revoked_at=None if entry is None else entry.revoked_at,
        reason=None if entry is None else (Reason.UNSPECIFIED if entry.reason is None else entry.reason).text,
        crl_number=meta.crl_number,
        notes=_notes(used),
        signer=used.signer,
    )


def _notes(used: _Usable) -> tuple[Note, ...]:
    if used.finding.meta.crl_number is not None and not used.in_grace:  # most often
        return ()
    noted = ((Note.NO_CRL_NUMBER, used.finding.meta.crl_number is None), (Note.IN_GRACE, used.in_grace))
    return tuple(note for note, holds in noted if holds)
