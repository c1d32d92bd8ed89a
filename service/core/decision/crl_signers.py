"""May this key sign CRLs about this certificate? Its certificate, that one's path and revocation (RFC 5280 §6.3.3 (f)).

An issuer signs its own CRLs most often, with the key that signed its certificates: then its path is the one in
question. Another key of the same name (a renewed key, a key for CRLs alone) or another CRL issuer needs a path of its
own, to the same anchor, and nothing in that path may be revoked.

The signer's certificate is at hand in the trust store, or in the request. What is kept beside a CRL from an earlier
request serves for hearing that it revokes, and for nothing else: whoever leaves the certificate out silences nobody.
"""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import tee
from typing import assert_never

from service.core.crl.issuer import candidate_signers, is_issuers_own, is_signer, may_sign_crls
from service.core.crl.judging import Standing
from service.core.decision.kept_signers import entity, kept_beside, laid_over
from service.core.decision.question import Checked, Missing, Question, together
from service.core.der.signature import SignatureResult, verify
from service.core.freshness.window import LAST_MOMENT
from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlFinding
from service.core.model.evidence import CrlWanted, Reach
from service.core.model.policy import KeyPurpose, Policy, PolicyInputs
from service.core.model.signer_path import SignerPath
from service.core.model.verdict import Note, RevocationStatus
from service.core.names.comparison import canonical, same_name
from service.core.path.building import build_paths
from service.core.path.certification_path import CertificationPath, ValidPath
from service.core.path.lineage import lineage
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
        in_grace: The evidence about its own path serves because the policy grants grace.
        path: Its path, where it is another than the issuer and its certificate is at hand.
    """

    until: datetime
    standing: Standing = Standing.FULL
    in_grace: bool = False
    path: SignerPath | None = None


MAX_KEPT_SIGNERS = 4
"""Keys known by what is kept alone under which a CRL is tried as well: two that took turns, and as many again."""

_WORST_FIRST = (Problem.SIGNER_REVOKED, Problem.SIGNER_UNCHECKED, Problem.SIGNER_BLOCKED, Problem.UNAUTHORIZED_SIGNER)


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
    if not isinstance(outcome, Problem):
        return outcome
    # Which of the issuer's certificates stands in the path is the caller's choice. One without cRLSign takes from what
    # its key signed that it makes anything good, and not that it revokes.
    if is_own:
        return Authority(LAST_MOMENT, Standing.REVOKES)
    return _search_kept(finding, issuer, question, check, outcome)


def _search_kept(
    finding: CrlFinding, issuer: Certificate, question: Question, check: Check, otherwise: Problem
) -> Authority | Problem | Missing:
    """The same, with the certificates that are kept beside CRLs, where the CRL says something of the certificate.

    Which certificates come with a request is the caller's choice. They count like those of a request, and what comes of
    it is capped: what others brought along makes nothing good.
    """
    if finding.entry is None:
        return otherwise
    store, _ = laid_over((*finding.signer_paths, *kept_beside(question.evidence)), question)
    if store is question.store:
        return otherwise
    outcome = _search(finding, issuer, replace(question, store=store), check)
    return replace(outcome, standing=Standing.REVOKES, path=None) if isinstance(outcome, Authority) else outcome


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
    if question.pending and worst in (Problem.SIGNER_REVOKED, Problem.SIGNER_UNCHECKED):
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
    if question.blocks.find(candidate) is not None:
        return False
    if not same_name(candidate.subject, anchor.subject) or check_validity(candidate, question.at) is not None:
        return False
    if check_key_strength(candidate, question.policy) is not None:
        return False
    question.budget.spend_signature()
    return verify(anchor.signature, candidate.public_key) is SignatureResult.VALID


def known_signers(certificate: Certificate, issuer: Certificate, question: Question) -> dict[Certificate, SignerPath]:
    """Who else than its issuer may sign CRLs about a certificate, as far as their paths tell, each with a valid path.

    CRLs that are fetched are held if one of these keys signed them: a certificate without a path, which anybody can
    send along, must not decide what this host holds. Where a CRL about the certificate is held, its signer's next one
    is recognized as well.

    Returns:
        The path of each.

    Raises:
        BudgetExhaustedError: the paths cost too much.
    """
    known: dict[Certificate, SignerPath] = {}
    for candidate in candidate_signers(certificate, issuer, question.store):
        path = _anchors_path(candidate) if _is_anchor(candidate, question) else _first_path(candidate, issuer, question)
        if path is not None:
            known[candidate] = path
    held = question.evidence.crls.get(CrlWanted(certificate, issuer, Reach.HELD))
    findings = () if held is None else held.findings
    store, signers = laid_over((path for one in findings for path in one.signer_paths), question)
    kept = replace(question, store=store)
    entities = {entity(one) for one in (issuer, *known)}
    limit = len(known) + MAX_KEPT_SIGNERS
    for candidate in signers:
        if len(known) == limit or entity(candidate) in entities or not is_signer(candidate, issuer, store):
            continue
        path = _first_path(candidate, issuer, kept)
        if path is not None:
            known[candidate] = path
            entities.add(entity(candidate))
    return known


def own_path(issuer: Certificate, question: Question) -> SignerPath:
    """The part of the path in question that is its issuer's."""
    return _upwards(question.path, issuer)


def _anchors_path(anchor: Certificate) -> SignerPath:
    return SignerPath((), frozenset({anchor.public_key.spki}))


def names_issuer(certificate: Certificate, issuer: Certificate, question: Question) -> bool:
    """Whether a CRL by the issuer of a certificate is held, as far as names, keys and paths tell.

    The CRLs about the certificate that are at hand have been looked for. Also one counts whose signer's certificate is
    kept beside it alone: leaving that out of a request must not make an answer needless.

    Raises:
        BudgetExhaustedError: the paths cost too much.
    """
    held = question.evidence.crls[CrlWanted(certificate, issuer, Reach.HELD)]
    if held.names_issuer or not held.signer_paths:
        return held.names_issuer
    store, signers = laid_over(held.signer_paths, question)
    kept = replace(question, store=store)
    namesakes = (one for one in signers if same_name(one.subject, issuer.subject) and is_signer(one, issuer, store))
    return any(_first_path(one, issuer, kept) is not None for one in namesakes)


def _first_path(candidate: Certificate, issuer: Certificate, question: Question) -> SignerPath | None:
    """A path that makes a candidate a signer, or None."""
    return next((_upwards(path, candidate) for path, _ in _signer_paths(candidate, issuer, question)), None)


def _judge_paths(
    candidate: Certificate, issuer: Certificate, question: Question, check: Check
) -> Iterator[Authority | Problem | Missing]:
    """What comes of each path from a candidate to the anchor of the path in question."""
    pending = question.pending | {candidate}
    for path, standing in _signer_paths(candidate, issuer, question):
        judge = partial(_judge_path, replace(question, path=path, pending=pending), check)
        # Whoever asks: of a key that was renewed again and again, each renewal is asked about under each of the others.
        outcome = question.budget.once((path, pending, question.for_all, question.store.version), judge)
        upwards = _upwards(path, candidate)
        yield replace(outcome, standing=standing, path=upwards) if isinstance(outcome, Authority) else outcome


def _signer_paths(
    candidate: Certificate, issuer: Certificate, question: Question
) -> Iterator[tuple[CertificationPath, Standing]]:
    """Each path that makes a candidate a signer, in everything but revocation, and what its word is worth."""
    look = partial(_remembering, _valid_paths(candidate, question))
    what = (candidate, question.path.anchor, question.policy, question.store.version)
    for path in copy(question.budget.once(what, look)):
        standing = _standing(path, issuer, question)
        if standing is not None:
            yield path, standing


def _remembering(paths: Iterator[CertificationPath]) -> Iterator[CertificationPath]:
    """The same paths, found as they are needed; a copy starts again with those that were found before."""
    (remembering,) = tee(paths, 1)
    return remembering


def _valid_paths(candidate: Certificate, question: Question) -> Iterator[CertificationPath]:
    """Each path from a candidate to the anchor of the path in question that is valid, whatever is revoked in it."""
    rules = _rules(question.policy)
    # RFC 5280 §6.3.3 (f): the anchor MUST be the same; other anchors are intermediates here.
    store = replace(question.store, anchors=frozenset({question.path.anchor}))
    for path in build_paths(candidate, store, rules, question.budget):
        if not isinstance(path, CertificationPath):
            continue
        question.budget.spend_path()
        valid = validate(path, rules, question.at, question.budget)
        if isinstance(valid, ValidPath):
            yield path


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
    if not certifiers.isdisjoint({entity(issuer), entity(question.path.anchor)}):
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
    namesakes = {one for one in map(entity, (*path.certificates[1:], path.anchor)) if one[0] == name}
    if namesakes:  # the name of somebody in the path is theirs
        return not certifiers.isdisjoint(namesakes)
    known = {entity(one) for one in question.store.by_subject.get(name, ()) if one not in presented}
    if known:  # the operator knows who bears it
        return not certifiers.isdisjoint(known)
    return not certifiers.isdisjoint({entity(issuer), entity(path.anchor)})


def _lineage(path: CertificationPath, member: Certificate) -> set[tuple[bytes, bytes]]:
    """Name and key of a member of a path, of those above that have the same name, and of the first that has not."""
    return set(map(entity, lineage((*path.certificates[_position(path, member) :], path.anchor))))


def _upwards(path: CertificationPath, member: Certificate) -> SignerPath:
    """A member of a path, and those above."""
    keys = frozenset(spki for _, spki in _lineage(path, member))
    return SignerPath(path.certificates[_position(path, member) :], keys)


def _position(path: CertificationPath, member: Certificate) -> int:
    return len(path.certificates) if member == path.anchor else path.certificates.index(member)


def _judge_path(question: Question, check: Check) -> Authority | Problem | Missing:
    """Whether nothing in a signer's path, that of the question, is revoked, and every needed answer is there."""
    path = question.path
    if question.blocks.first(path.certificates) is not None:
        return Problem.SIGNER_BLOCKED
    if len(question.pending) > 1:  # the first time is paid for where the path is validated
        question.budget.spend_path()
    until = path.anchor.not_after
    missing: list[Missing] = []
    unchecked = in_grace = False
    for number, certificate in enumerate(path.certificates):
        checked = check(certificate, path.issuer_of(number), question)
        if isinstance(checked, Missing):
            missing.append(checked)
            continue
        revocation = checked.revocation
        if revocation.status is RevocationStatus.REVOKED:
            return Problem.SIGNER_REVOKED
        unchecked = unchecked or (checked.is_needed and revocation.status is not RevocationStatus.GOOD)
        in_grace = in_grace or Note.IN_GRACE in revocation.notes
        until = min(until, certificate.not_after, revocation.usable_until or LAST_MOMENT)
    if missing:
        return together(missing)
    return Problem.SIGNER_UNCHECKED if unchecked else Authority(until, in_grace=in_grace)


def _rules(policy: Policy) -> Policy:
    """The policy for a CRL signer's path: what the caller demands of the certificate in question is not asked of it."""
    return replace(policy, key_purpose=KeyPurpose.ANY, policies=PolicyInputs(), max_path_length=None)
