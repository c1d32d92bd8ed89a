"""May this key sign CRLs about this certificate? Its certificate, that one's path and revocation (RFC 5280 §6.3.3 (f)).

An issuer signs its own CRLs most often, with the key that signed its certificates: then its path is the one in
question. Another key of the same name (a renewed key, a key for CRLs alone) or another CRL issuer needs a path of its
own, to the same anchor, and nothing in that path may be revoked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from service.core.crl.issuer import candidate_signers, is_issuers_own, may_sign_crls
from service.core.decision.question import Checked, Missing, Question
from service.core.der.signature import SignatureResult, verify
from service.core.freshness.window import LAST_MOMENT
from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlFinding
from service.core.model.policy import KeyPurpose, Policy, PolicyInputs
from service.core.model.verdict import RevocationStatus
from service.core.names.comparison import canonical, same_name
from service.core.path.building import build_paths
from service.core.path.certification_path import CertificationPath, ValidPath
from service.core.path.strength import check_key_strength
from service.core.path.validation import validate
from service.core.path.validity import check_validity

Check = Callable[[Certificate, Certificate, Question], Checked | Missing]
"""How the revocation of one certificate under its issuer is checked; given by the caller, who is asked in turn."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The signer may sign CRLs about the certificate, until this moment as far as is known."""

    until: datetime


_WORST_FIRST = (Problem.SIGNER_REVOKED, Problem.SIGNER_UNCHECKED, Problem.UNAUTHORIZED_SIGNER)


def authorize(
    finding: CrlFinding, issuer: Certificate, question: Question, check: Check
) -> Authority | Problem | Missing:
    """Whether the signer of a CRL may sign CRLs about a certificate of a valid path.

    Args:
        finding: The CRL; its issuer's name is admissible, and its signature verifies under some key.
        issuer: The certificate's issuer in that path.
        question: The path's anchor, and everything that a check needs.
        check: Checks the revocation of the signer's own path.

    Raises:
        BudgetExhaustedError: paths and signatures cost too much.
    """
    if is_issuers_own(finding, issuer) and may_sign_crls(issuer):
        return Authority(LAST_MOMENT)
    missing: list[Missing] = []
    problems: set[Problem] = {Problem.UNAUTHORIZED_SIGNER}
    for candidate in question.store.by_subject.get(canonical(finding.meta.issuer.der), ()):
        question.budget.spend_step()
        if candidate.public_key.spki != finding.signer_spki or not may_sign_crls(candidate):
            continue
        # RFC 5280 leaves open how a CRL is validated that speaks of its own signer (PKITS 4.14.30). We choose to let it
        # speak: where it lists its signer as revoked, it is not authentic.
        if candidate in question.pending or _is_anchor(candidate, question):
            return Authority(candidate.not_after)
        for outcome in _judge_paths(candidate, issuer, question, check):
            match outcome:
                case Authority():
                    return outcome
                case Missing():
                    missing.append(outcome)
                case Problem():
                    problems.add(outcome)
                case _:
                    assert_never(outcome)
    if missing:
        return Missing(frozenset().union(*(one.wanted for one in missing)))
    return next(problem for problem in _WORST_FIRST if problem in problems)


def _is_anchor(candidate: Certificate, question: Question) -> bool:
    """Whether a candidate is the path's anchor, or another anchor that certified that one under their common name.

    We choose to take the two for the same anchor (RFC 5280 §6.3.3 (f)): it is one authority with two keys, and the
    operator trusts both.
    """
    anchor = question.path.anchor
    if candidate == anchor:
        return True
    if candidate not in question.store.anchors or not same_name(anchor.issuer, anchor.subject):
        return False
    if not same_name(candidate.subject, anchor.subject) or check_validity(candidate, question.at) is not None:
        return False
    if check_key_strength(candidate, question.policy) is not None:
        return False
    question.budget.spend_signature()
    return verify(anchor.signature, candidate.public_key) is SignatureResult.VALID


def known_signers(certificate: Certificate, issuer: Certificate, question: Question) -> tuple[Certificate, ...]:
    """Who else than its issuer may sign CRLs about a certificate, as far as their paths tell.

    CRLs that are fetched are held if one of these keys signed them: a certificate without a path, which anybody can
    send along, must not decide what this host holds.

    Raises:
        BudgetExhaustedError: the paths cost too much.
    """
    return tuple(
        candidate
        for candidate in candidate_signers(certificate, issuer, question.store)
        if _is_anchor(candidate, question) or any(True for _ in _valid_paths(candidate, issuer, question))
    )


def _judge_paths(
    candidate: Certificate, issuer: Certificate, question: Question, check: Check
) -> Iterator[Authority | Problem | Missing]:
    """What comes of each path from a candidate to the anchor of the path in question."""
    pending = question.pending | {candidate}
    for path in _valid_paths(candidate, issuer, question):
        yield _judge_path(replace(question, path=path, pending=pending), check)


def _valid_paths(candidate: Certificate, issuer: Certificate, question: Question) -> Iterator[CertificationPath]:
    """Each path that makes a candidate a signer, in everything but revocation."""
    rules = _rules(question.policy)
    # RFC 5280 §6.3.3 (f): the anchor MUST be the same; other anchors are intermediates here.
    store = replace(question.store, anchors=frozenset({question.path.anchor}))
    for path in build_paths(candidate, store, rules, question.budget):
        if not isinstance(path, CertificationPath):
            continue
        question.budget.spend_path()
        valid = validate(path, rules, question.at, question.budget)
        if isinstance(valid, ValidPath) and _is_same_authority(path, issuer, question.path):
            yield path


def _is_same_authority(signer: CertificationPath, issuer: Certificate, path: CertificationPath) -> bool:
    """Whether a signer that bears an issuer's name was certified by that issuer, or by whoever certified that.

    RFC 5280 §6.3.3 (f) asks for the same anchor alone. We choose not to let every authority below an anchor sign CRLs
    in the name of every other. A signer of another name is one that the certificate in question names.
    """
    if not same_name(signer.leaf.subject, issuer.subject):
        return True
    return not _lineage(signer, signer.leaf).isdisjoint(_lineage(path, issuer))


def _lineage(path: CertificationPath, member: Certificate) -> set[tuple[bytes, bytes]]:
    """Name and key of a member of a path, of those above that have the same name, and of the first that has not."""
    name = canonical(member.subject.der)
    found = set()
    for one in (*path.certificates[_position(path, member) :], path.anchor):
        found.add((canonical(one.subject.der), one.public_key.spki))
        if canonical(one.subject.der) != name:
            break
    return found


def _position(path: CertificationPath, member: Certificate) -> int:
    return len(path.certificates) if member == path.anchor else path.certificates.index(member)


def _judge_path(question: Question, check: Check) -> Authority | Problem | Missing:
    """Whether nothing in a signer's path, that of the question, is revoked, and every needed answer is there."""
    path = question.path
    until = path.anchor.not_after
    missing: list[Missing] = []
    unchecked = False
    for number, certificate in enumerate(path.certificates):
        checked = check(certificate, path.issuer_of(number), question)
        if isinstance(checked, Missing):
            missing.append(checked)
            continue
        revocation = checked.revocation
        if revocation.status is RevocationStatus.REVOKED:
            return Problem.SIGNER_REVOKED
        unchecked = unchecked or (checked.is_needed and revocation.status is not RevocationStatus.GOOD)
        until = min(until, certificate.not_after, revocation.usable_until or LAST_MOMENT)
    if missing:
        return Missing(frozenset().union(*(one.wanted for one in missing)))
    return Problem.SIGNER_UNCHECKED if unchecked else Authority(until)


def _rules(policy: Policy) -> Policy:
    """The policy for a CRL signer's path: what the caller demands of the certificate in question is not asked of it."""
    return replace(policy, key_purpose=KeyPurpose.ANY, policies=PolicyInputs(), max_path_length=None)
