"""Is one certificate of a valid path revoked? Held evidence first, then what the certificate declares."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from service.core.crl.issuer import candidate_signers, check_issuer
from service.core.crl.judging import AuthenticCrl, age, judge_crls
from service.core.decision.authority_keys import authority_keys
from service.core.decision.crl_signers import Authority, authorize, known_signers, names_issuer, own_path
from service.core.decision.issuer_policy import (
    deltas_of,
    exemption_of,
    expects_source,
    points_of,
    policy_for,
    responders_of,
)
from service.core.decision.question import Checked, Missing, Question
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlFinding
from service.core.model.evidence import CrlWanted, OcspWanted, Reach, Wanted
from service.core.model.judgement import Judgement
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode
from service.core.model.verdict import Method, NotChecked, Note, Revocation, RevocationStatus
from service.core.ocsp.judging import DelegateCheck, DelegateStanding, SignedAnswer, judge_answers, signed_answers

METHODS = {
    EvidenceOrder.CRL_FIRST: (Method.CRL, Method.OCSP),
    EvidenceOrder.OCSP_FIRST: (Method.OCSP, Method.CRL),
    EvidenceOrder.BOTH: (Method.CRL, Method.OCSP),
    EvidenceOrder.CRL_ONLY: (Method.CRL,),
    EvidenceOrder.OCSP_ONLY: (Method.OCSP,),
}
"""The methods that an order admits, the one that is fetched first in front."""


def check_revocation(certificate: Certificate, issuer: Certificate, question: Question) -> Checked | Missing:
    """What the evidence says of one certificate, or what is missing to say it.

    Args:
        certificate: A member of a valid path.
        issuer: The certificate above it, or the anchor.
        question: Evidence, policy, moment, budget.

    Raises:
        BudgetExhaustedError: the signatures of OCSP answers cost too much.
    """
    question = question.about_issuer(policy_for(issuer, question.for_all))
    if question.policy.revocation_mode is RevocationMode.OFF:
        return not_checked(NotChecked.MODE_OFF)
    if certificate.extensions.no_rev_avail:
        # RFC 9608: there will never be an answer. Where it may not be said, the path is not valid (§3).
        return not_checked(NotChecked.NO_REV_AVAIL)
    order = question.policy.evidence_order
    return _check(certificate, issuer, question, METHODS[order], together=order is EvidenceOrder.BOTH)


def not_checked(why: NotChecked) -> Checked:
    """The certificate that needs no answer."""
    return Checked(Revocation(RevocationStatus.NOT_CHECKED, not_checked=why), is_needed=False)


def declares_source(certificate: Certificate) -> bool:
    """Whether a certificate names a CRL distribution point or an OCSP responder."""
    return bool(certificate.extensions.crl_distribution_points or certificate.extensions.ocsp_responders)


def _check(
    certificate: Certificate, issuer: Certificate, question: Question, methods: tuple[Method, ...], *, together: bool
) -> Checked | Missing:
    held = CrlWanted(certificate, issuer, Reach.HELD)
    outcomes = {method: _judge(method, certificate, issuer, question) for method in methods}
    missing = [outcome.wanted for outcome in outcomes.values() if isinstance(outcome, Missing)]
    if held not in question.evidence.crls:
        missing.append(frozenset({held}))  # also where CRLs are not admitted: holding one makes an answer needed
    if missing:
        return Missing(_with_signers(frozenset().union(*missing), question))
    judgements = {method: outcome for method, outcome in outcomes.items() if isinstance(outcome, Judgement)}
    # Each once: what was fetched is often found again where it is held.
    attempts = tuple(dict.fromkeys(attempt for judgement in judgements.values() for attempt in judgement.attempts))
    answers = [judgement.answer for judgement in judgements.values() if judgement.answer is not None]
    deltas = _unasked_deltas(certificate, issuer, question, judgements.get(Method.CRL))
    if deltas is not None:
        return Missing(_with_signers(frozenset({deltas}), question))
    # Across methods a current `revoked` wins, whichever was asked first.
    for answer in answers:
        if answer.status is RevocationStatus.REVOKED:
            return Checked(replace(answer, attempts=attempts), is_needed=True)
    unasked = [
        _wanted(method, certificate, issuer, question.policy)
        for method, judgement in judgements.items()
        if judgement.answer is None and _may_ask(method, certificate, issuer, question)
    ]
    if unasked and (together or not answers):
        return Missing(_with_signers(frozenset(unasked if together else unasked[:1]), question))
    if answers:
        # Everything that counts is relied on: where one of them ends, what it superseded may count again.
        ends = [answer.usable_until for answer in answers] + [one.silent_until for one in judgements.values()]
        until = min(end for end in ends if end is not None)
        answer = answers[0]
        if attempts or answer.usable_until != until:
            answer = replace(answer, attempts=attempts, usable_until=until)
        return Checked(answer, is_needed=True)
    return _without_answer(certificate, question, attempts, names_issuer=names_issuer(certificate, issuer, question))


def _without_answer(
    certificate: Certificate, question: Question, attempts: tuple[Attempt, ...], *, names_issuer: bool
) -> Checked:
    """What no usable answer means in each mode."""
    mode = question.policy.revocation_mode
    expected = expects_source(certificate, question.policy) or names_issuer
    if not expected and mode is not RevocationMode.REQUIRE:
        skipped = not_checked(NotChecked.NOTHING_DECLARED)
        return replace(skipped, revocation=replace(skipped.revocation, attempts=attempts))
    unknown = Revocation(RevocationStatus.UNKNOWN, attempts=attempts)
    if mode is RevocationMode.SOFT_FAIL:
        return Checked(unknown, is_needed=False)
    exemption = exemption_of(certificate, question.policy, question.at)
    if exemption is None:
        return Checked(unknown, is_needed=True)
    # The operator knows of this one and vouches for it, until then and for nothing but a missing answer.
    return Checked(replace(unknown, exemption=exemption, usable_until=exemption.until), is_needed=False)


def _may_ask(method: Method, certificate: Certificate, issuer: Certificate, question: Question) -> bool:
    """Whether there are sources of a method that nobody has asked yet."""
    if method is Method.CRL:
        if question.policy.evidence_order is EvidenceOrder.OCSP_ONLY:  # a delegate is asked about
            return False
        wanted = CrlWanted(certificate, issuer, Reach.ORIGIN)
        return bool(points_of(certificate, question.policy)) and wanted not in question.evidence.crls
    return (
        bool(responders_of(certificate, question.policy))
        and OcspWanted(certificate, issuer, Reach.ORIGIN) not in question.evidence.ocsp
    )


def _wanted(method: Method, certificate: Certificate, issuer: Certificate, policy: Policy) -> Wanted:
    """What is to be fetched, under the policy for the certificates of this issuer."""
    if method is Method.OCSP:
        return OcspWanted(certificate, issuer, Reach.ORIGIN, responders=responders_of(certificate, policy))
    return CrlWanted(certificate, issuer, Reach.ORIGIN, points=points_of(certificate, policy))


def _judge(method: Method, certificate: Certificate, issuer: Certificate, question: Question) -> Judgement | Missing:
    """What one method says, from everything gathered for it so far."""
    if method is Method.CRL:
        return _judge_crls(certificate, issuer, question)
    return _judge_ocsp(certificate, issuer, question)


def _judge_crls(certificate: Certificate, issuer: Certificate, question: Question) -> Judgement | Missing:
    held = CrlWanted(certificate, issuer, Reach.HELD)
    first = question.evidence.crls.get(held)
    if first is None:
        return Missing(frozenset({held}))
    waiting = CrlWanted(certificate, issuer, Reach.WAITING)
    if first.waiting and waiting not in question.evidence.crls:
        return Missing(frozenset({waiting}))  # the path is valid by now: no stranger has his keys tried
    gathered = [first, *question.evidence.further_crls(held)]
    authentic = _authentic((finding for one in gathered for finding in one.findings), certificate, issuer, question)
    if isinstance(authentic, Missing):
        return authentic
    crls, refused = authentic
    judgement = judge_crls(crls, certificate, question.policy, question.at)
    judgement = _without_replaced_deltas(judgement, crls, certificate, question)
    return judgement.among(tuple(refused), tuple(attempt for one in gathered for attempt in one.attempts))


def _authentic(
    findings: Iterable[CrlFinding], certificate: Certificate, issuer: Certificate, question: Question
) -> tuple[list[AuthenticCrl], list[Attempt]] | Missing:
    """The CRLs whose signer may speak for the issuer, and why the others are out."""
    crls: list[AuthenticCrl] = []
    attempts: list[Attempt] = []
    wanted: set[Wanted] = set()
    listed = list(findings)
    for finding in sorted(listed, key=age) if len(listed) > 1 else listed:
        outcome = check_issuer(finding, certificate, question.policy) or authorize(
            finding, issuer, question, check_revocation
        )
        match outcome:
            case Authority(until, standing, in_grace, path):
                crls.append(AuthenticCrl(finding, until, standing, in_grace, path))
            case Missing():
                wanted |= outcome.wanted
            case Problem():
                attempts.append(Attempt(finding.source, outcome))
            case _:
                assert_never(outcome)
    return Missing(frozenset(wanted)) if wanted else (crls, attempts)


def _without_replaced_deltas(
    judgement: Judgement, crls: Iterable[AuthenticCrl], certificate: Certificate, question: Question
) -> Judgement:
    """A judgement that sends nobody where only the certificate says that deltas are, if the operator replaced that."""
    if deltas_of(certificate, question.policy) == certificate.extensions.freshest_crl:
        return judgement
    named = {point for crl in crls for point in crl.finding.meta.freshest_crl}
    return replace(judgement, freshest=tuple(point for point in judgement.freshest if point in named))


def _unasked_deltas(
    certificate: Certificate, issuer: Certificate, question: Question, judgement: Judgement | None
) -> CrlWanted | None:
    """The delta CRLs that could change what complete ones say and that nobody has looked for, or None."""
    if judgement is None or not judgement.freshest or question.policy.evidence_order is EvidenceOrder.OCSP_ONLY:
        return None
    wanted = CrlWanted(certificate, issuer, Reach.FRESHEST, points=judgement.freshest)
    return None if wanted in question.evidence.crls else wanted


def _with_signers(wanted: frozenset[Wanted], question: Question) -> frozenset[Wanted]:
    """What is wanted, and whose signatures of CRLs shall be tried."""
    return frozenset(_with_signer(one, question) if isinstance(one, CrlWanted) else one for one in wanted)


def _with_signer(wanted: CrlWanted, question: Question) -> CrlWanted:
    if wanted.authorities:  # whoever wanted it first has said
        return wanted
    authorities = authority_keys(wanted.certificate, wanted.issuer, question.store)
    if wanted.reach is Reach.HELD:
        signers = candidate_signers(wanted.certificate, wanted.issuer, question.store)
        return replace(wanted, signers=signers, authorities=authorities)
    known = known_signers(wanted.certificate, wanted.issuer, question)
    paths = (own_path(wanted.issuer, question), *known.values())
    return replace(wanted, signers=tuple(known), paths=paths, authorities=authorities)


def _judge_ocsp(certificate: Certificate, issuer: Certificate, question: Question) -> Judgement | Missing:
    held = OcspWanted(certificate, issuer, Reach.HELD)
    first = question.evidence.ocsp.get(held)
    if first is None:
        return Missing(frozenset({held}))
    gathered = [first]
    fetched = question.evidence.ocsp.get(OcspWanted(certificate, issuer, Reach.ORIGIN))
    if fetched is not None:
        gathered.append(fetched)
    findings = (finding for one in gathered for finding in one.findings)
    signed, refused = signed_answers(findings, certificate, issuer, question.policy, question.at, question.budget)
    answers, blocked = _by_unblocked(signed, question)
    delegates: dict[Certificate, DelegateCheck] = {}
    for answer in answers:
        if answer.delegate is not None:
            check = _check_delegate(answer.delegate, issuer, question)
            if isinstance(check, Missing):
                return check
            delegates[answer.delegate] = check
    judgement = judge_answers(answers, delegates, question.policy, question.at)
    return judgement.among((*refused, *blocked), tuple(attempt for one in gathered for attempt in one.attempts))


def _by_unblocked(
    answers: Iterable[SignedAnswer], question: Question
) -> tuple[tuple[SignedAnswer, ...], tuple[Attempt, ...]]:
    """The answers whose responder is not blocked, and that the others are not used."""
    heard: list[SignedAnswer] = []
    refused: list[Attempt] = []
    for answer in answers:
        if question.blocks.first(one for one in (answer.delegate, answer.trusted) if one is not None) is None:
            heard.append(answer)
        else:
            refused.append(Attempt(answer.finding.source, Problem.SIGNER_BLOCKED))
    return tuple(heard), tuple(refused)


def _check_delegate(delegate: Certificate, issuer: Certificate, question: Question) -> DelegateCheck | Missing:
    """Whether a delegated responder is revoked itself (RFC 6960 §4.2.2.2.1).

    With id-pkix-ocsp-nocheck it is trusted while it is valid. Otherwise CRLs decide, by the rule of hard-fail or
    soft-fail: an answer is needed where the delegate declares a source or a CRL is held for its issuer. Asking a
    responder about a responder is not done, and where CRLs are not admitted those that are held are heard, and none is
    fetched.
    """
    if delegate.extensions.no_check:
        return DelegateCheck(DelegateStanding.GOOD)
    policy = question.policy
    if policy.revocation_mode is RevocationMode.REQUIRE:
        # `require` asks for an answer about the path, not about responders.
        question = question.in_mode(RevocationMode.HARD_FAIL)
    checked = _check(delegate, issuer, question, (Method.CRL,), together=False)
    if isinstance(checked, Missing):
        return checked
    until = checked.revocation.usable_until
    match checked.revocation.status:
        case RevocationStatus.REVOKED:
            return DelegateCheck(DelegateStanding.REVOKED)
        case RevocationStatus.UNKNOWN if checked.is_needed:
            return DelegateCheck(DelegateStanding.UNCHECKED)
        case _:
            return DelegateCheck(DelegateStanding.GOOD, until, Note.IN_GRACE in checked.revocation.notes)
