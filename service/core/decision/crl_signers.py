"""May this key sign CRLs about this certificate? Its certificate, that one's path and revocation (RFC 5280 §6.3.3 (f)).

An issuer signs its own CRLs most often, with the key that signed its certificates: then its path is the one in
question. Another key of the same name (a renewed key, a key for CRLs alone) or another CRL issuer needs a path of its
own, to the same anchor, and nothing in that path may be revoked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from service.core.crl.issuer import candidate_signers, is_issuers_own, is_signer, may_sign_crls
from service.core.crl.judging import Standing
from service.core.decision.question import Checked, Missing, Question, together
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
    """The signer may sign CRLs about the certificate.

    Attributes:
        until: How long, as far as is known.
        standing: What its word is worth.
    """

    until: datetime
    standing: Standing = Standing.FULL


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
    is_own = is_issuers_own(finding, issuer)
    if is_own and may_sign_crls(issuer):
        return Authority(LAST_MOMENT)
    outcome = _search(finding, issuer, question, check)
    # Which of the issuer's certificates stands in the path is the caller's choice. One without cRLSign takes from what
    # its key signed that it makes anything good, and not that it revokes.
    return Authority(LAST_MOMENT, Standing.REVOKES) if is_own and isinstance(outcome, Problem) else outcome


def _search(
    finding: CrlFinding, issuer: Certificate, question: Question, check: Check
) -> Authority | Problem | Missing:
    """Look for a certificate that makes the signer's key one that may sign CRLs about the issuer's certificates."""
    missing: list[Missing] = []
    problems: set[Problem] = {Problem.UNAUTHORIZED_SIGNER}
    for candidate in _candidates(finding, issuer, question):
        # RFC 5280 leaves open how a CRL is validated that speaks of its own signer (PKITS 4.14.30). We choose to let it
        # speak: where it lists its signer as revoked, it is not authentic, and what others say it does not unsay.
        if candidate in question.pending:
            return Authority(candidate.not_after, Standing.WEAK)
        if _is_anchor(candidate, question):
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
        return together(missing)
    worst = next(problem for problem in _WORST_FIRST if problem in problems)
    if question.pending and worst is not Problem.UNAUTHORIZED_SIGNER:
        # Of two signers that revoke each other neither is good: the one that is asked about must not silence the other.
        return Authority(LAST_MOMENT, Standing.REVOKES)
    return worst


def _candidates(finding: CrlFinding, issuer: Certificate, question: Question) -> Iterator[Certificate]:
    """Certificates for the key under which a CRL verifies, in the name of its issuer."""
    for candidate in question.store.by_subject.get(canonical(finding.meta.issuer.der), ()):
        question.budget.spend_step()
        if candidate.public_key.spki == finding.signer_spki and is_signer(candidate, issuer, question.store):
            yield candidate


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
    for path, standing in _valid_paths(candidate, issuer, question):
        outcome = _judge_path(replace(question, path=path, pending=pending), check)
        yield replace(outcome, standing=standing) if isinstance(outcome, Authority) else outcome


def _valid_paths(
    candidate: Certificate, issuer: Certificate, question: Question
) -> Iterator[tuple[CertificationPath, Standing]]:
    """Each path that makes a candidate a signer, in everything but revocation, and what its word is worth."""
    rules = _rules(question.policy)
    # RFC 5280 §6.3.3 (f): the anchor MUST be the same; other anchors are intermediates here.
    store = replace(question.store, anchors=frozenset({question.path.anchor}))
    for path in build_paths(candidate, store, rules, question.budget):
        if not isinstance(path, CertificationPath):
            continue
        question.budget.spend_path()
        valid = validate(path, rules, question.at, question.budget)
        standing = _standing(path, issuer, question)
        if isinstance(valid, ValidPath) and standing is not None:
            yield path, standing


def _standing(signer: CertificationPath, issuer: Certificate, question: Question) -> Standing | None:
    """What a signer's word is worth by who certified it: the issuer, the anchor, or whom the operator vouches for.

    RFC 5280 §6.3.3 (f) asks for the same anchor alone. We choose not to let every authority below an anchor sign CRLs
    in the name of every other: neither in an issuer's name nor in that of a CRL issuer whom a certificate names.

    Returns:
        None where it may not speak.
    """
    if not same_name(signer.leaf.subject, issuer.subject):
        return Standing.FULL if _is_named_issuer(signer, issuer, question) else None
    certifiers, own = _lineage(signer, signer.leaf), _lineage(question.path, issuer)
    if not certifiers.isdisjoint({_entity(issuer), _entity(question.path.anchor)}):
        return Standing.FULL
    if certifiers.isdisjoint(own):
        return None
    # Whoever certified the issuer in the path that a caller presents, older keys of the issuer included: genuine most
    # often, and no proof of it, since a sister may have certified the issuer's key as well.
    presented = question.store.presented
    return Standing.WEAK if signer.leaf in presented or issuer in presented else Standing.FULL


def _is_named_issuer(signer: CertificationPath, issuer: Certificate, question: Question) -> bool:
    """Whether a signer is the CRL issuer whom a certificate names, as far as anybody who may has said so."""
    path, presented = question.path, question.store.presented
    certifiers, name = _lineage(signer, signer.leaf), canonical(signer.leaf.subject.der)
    namesakes = {entity for entity in map(_entity, (*path.certificates[1:], path.anchor)) if entity[0] == name}
    if namesakes:  # the name of somebody in the path is theirs
        return not certifiers.isdisjoint(namesakes)
    known = {_entity(one) for one in question.store.by_subject.get(name, ()) if one not in presented}
    if known:  # the operator knows who bears it
        return not certifiers.isdisjoint(known)
    return not certifiers.isdisjoint({_entity(issuer), _entity(path.anchor)})


def _entity(certificate: Certificate) -> tuple[bytes, bytes]:
    """Name and key."""
    return canonical(certificate.subject.der), certificate.public_key.spki


def _lineage(path: CertificationPath, member: Certificate) -> set[tuple[bytes, bytes]]:
    """Name and key of a member of a path, of those above that have the same name, and of the first that has not."""
    name = canonical(member.subject.der)
    found = set()
    for one in (*path.certificates[_position(path, member) :], path.anchor):
        found.add(_entity(one))
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
        return together(missing)
    return Problem.SIGNER_UNCHECKED if unchecked else Authority(until)


def _rules(policy: Policy) -> Policy:
    """The policy for a CRL signer's path: what the caller demands of the certificate in question is not asked of it."""
    return replace(policy, key_purpose=KeyPurpose.ANY, policies=PolicyInputs(), max_path_length=None)
