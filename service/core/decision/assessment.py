"""The step function of the service: a question and evidence in, a verdict or a list of what is missing out.

    assess(request, evidence, policy, at) -> Verdict | NeedEvidence

It fetches nothing, reads no clock, and remembers nothing: a dry run, a replay of last month's decision, a property test
and the live service are the same call. The order of its rules is the order of precedence of the interface: malformed
leaf, blocked, budget, path failure, revoked, unavailable. Revocation is judged only on paths that validate; blocks are
looked at on every path, whatever mode, scope or moment are asked about.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from service.core.decision.block_list import NO_BLOCKS, StandingBlocks
from service.core.decision.issuer_policy import policy_for
from service.core.decision.question import Checked, Inquiry, Missing, Question
from service.core.decision.reuse import allow_until, deny_until
from service.core.decision.revocation import check_revocation, not_checked
from service.core.model.block import Block
from service.core.model.budget import Budget, BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, NeedEvidence, Wanted
from service.core.model.failure import (
    Blocked,
    BudgetExhausted,
    Code,
    Failure,
    Malformed,
    PathFailure,
    RevocationUnavailable,
    Revoked,
)
from service.core.model.policy import Policy, RevocationScope
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import (
    Decision,
    Method,
    NotChecked,
    PathElement,
    Revocation,
    RevocationStatus,
    Status,
    Verdict,
)
from service.core.path.building import build_paths
from service.core.path.certification_path import CertificationPath, ValidPath
from service.core.path.validation import validate


@dataclass(frozen=True, slots=True)
class AssessmentRequest:
    """Which certificate, and whom the caller trusts.

    Attributes:
        leaf: The certificate in question, or why it cannot be read.
        store: Anchors and intermediates, those of the request included.
        blocks: What an operator has blocked, as it stands by the clock: another moment than `at` where that is given.
    """

    leaf: Certificate | Malformed
    store: TrustStore
    blocks: StandingBlocks = field(default=NO_BLOCKS)


@dataclass(frozen=True, slots=True)
class _Denied:
    """Why one path, or an attempt to build one, came to nothing; `path` None where no anchor was reached.

    Attributes:
        rivals: The other paths that came to nothing; the finding lasts only while none of them can change.
        policies: The user-constrained policy set of a path that is valid but for revocation; otherwise empty.
    """

    failure: Failure
    path: CertificationPath | None = None
    elements: tuple[PathElement, ...] = ()
    rivals: tuple["_Denied", ...] = ()
    policies: frozenset[str] = frozenset()

    @property
    def preference(self) -> tuple[bool, int]:
        """Of several, the one that got furthest is reported."""
        return self.path is not None, self.failure.rank


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A valid path with all the evidence that the mode asks for."""

    path: ValidPath
    elements: tuple[PathElement, ...]


def assess(request: AssessmentRequest, evidence: Evidence, policy: Policy, at: datetime) -> Verdict | NeedEvidence:
    """Decide, or say what is missing.

    Args:
        request: Certificate and trust store.
        evidence: What was gathered so far; empty at first.
        policy: What is asked of a verdict.
        at: The moment in question.

    Returns:
        A verdict, or the evidence it depends on. With every answer to `NeedEvidence` added, another call gets further:
        at most two rounds for each method and certificate of each path.
    """
    if isinstance(request.leaf, Malformed):
        return _deny(None, _Denied(request.leaf), policy, at)
    inquiry = Inquiry(evidence, policy, at, Budget(policy.limits), request.store, blocks=request.blocks)
    block = request.blocks.find(request.leaf)
    outcome = _search(request.leaf, inquiry) if block is None else _blocked_leaf(request.leaf, block, inquiry)
    match outcome:
        case _Allowed():
            return _allow(request.leaf, outcome, policy, at)
        case _Denied():
            return _deny(request.leaf, outcome, policy, at)
        case Missing(wanted):
            return NeedEvidence(wanted)
        case _:
            assert_never(outcome)


def give_up(resource: str, limit: int, request: AssessmentRequest, policy: Policy, at: datetime) -> Verdict:
    """The verdict where the shell's own budget is spent: it went for evidence `limit` times and still lacks some."""
    leaf = None if isinstance(request.leaf, Malformed) else request.leaf
    block = None if leaf is None else request.blocks.find(leaf)
    if leaf is not None and block is not None:
        return _deny(leaf, _Denied(Blocked(leaf, block)), policy, at)
    return _deny(leaf, _Denied(BudgetExhausted(resource, limit)), policy, at)


def _blocked_leaf(leaf: Certificate, block: Block, inquiry: Inquiry) -> _Denied:
    """A leaf that is denied whatever else is wrong with it, with the first path to an anchor where there is one."""
    failure = Blocked(leaf, block)
    try:
        for path in build_paths(leaf, inquiry.store, inquiry.policy, inquiry.budget):
            if isinstance(path, CertificationPath):
                return _Denied(failure, path, _with_blocks(path, inquiry.blocks))
    except BudgetExhaustedError:
        pass
    return _Denied(failure)


def _search(leaf: Certificate, inquiry: Inquiry) -> _Allowed | _Denied | Missing:
    """Take one path after the other until one allows or the leaf is known to be revoked."""
    denied: list[_Denied] = []
    reached: CertificationPath | None = None
    try:
        for path in build_paths(leaf, inquiry.store, inquiry.policy, inquiry.budget):
            reached = path if isinstance(path, CertificationPath) else reached
            outcome = _try(path, inquiry)
            if not isinstance(outcome, _Denied):
                return outcome
            if _is_final(outcome, leaf):
                return replace(outcome, rivals=tuple(denied))
            denied.append(outcome)
    except BudgetExhaustedError as spent:
        elements = () if reached is None else _unreached(reached)
        denied.append(_Denied(BudgetExhausted(spent.resource, spent.limit), reached, elements))
        # What was not looked at could change the finding. What is blocked is named all the same.
        outcome = next((one for one in denied if isinstance(one.failure, Blocked)), denied[-1])
        return replace(outcome, rivals=tuple(denied))
    return replace(max(denied, key=lambda one: one.preference), rivals=tuple(denied))


def _try(path: CertificationPath | PathFailure, inquiry: Inquiry) -> _Allowed | _Denied | Missing:
    """Validate one path and ask about revocation on it."""
    if not isinstance(path, CertificationPath):
        return _Denied(path)
    blocked = inquiry.blocks.first((*path.certificates, path.anchor))
    if blocked is not None:
        return _Denied(Blocked(*blocked), path, _with_blocks(path, inquiry.blocks))
    inquiry.budget.spend_path()
    valid = validate(path, inquiry.policy, inquiry.at, inquiry.budget)
    if not isinstance(valid, ValidPath):
        return _Denied(valid, path, _unreached(path))
    return _judge(valid, inquiry.about(path))


def _is_final(denied: _Denied, leaf: Certificate) -> bool:
    """Whether no other path can help: the leaf is revoked. A revoked intermediate fails its own path only."""
    return isinstance(denied.failure, Revoked) and denied.failure.certificate == leaf


def _unreached(path: CertificationPath) -> tuple[PathElement, ...]:
    skipped = not_checked(NotChecked.NOT_REACHED).revocation
    return tuple(PathElement(certificate, skipped) for certificate in path.certificates)


def _with_blocks(path: CertificationPath, blocks: StandingBlocks) -> tuple[PathElement, ...]:
    """The elements of a path of which something is blocked, its anchor perhaps."""
    return tuple(
        element if (block := blocks.find(element.certificate)) is None else replace(element, revocation=_blocked(block))
        for element in _unreached(path)
    )


def _blocked(block: Block) -> Revocation:
    return Revocation(RevocationStatus.REVOKED, Method.BLOCK, source=block.id, block=block)


def _judge(valid: ValidPath, question: Question) -> _Allowed | _Denied | Missing:
    """Revocation of each certificate of a valid path, leaf first."""
    path = valid.path
    wanted: set[Wanted] = set()
    checks: list[Checked] = []
    for number, certificate in enumerate(path.certificates):
        outcome = _check(number, certificate, path, question)
        if isinstance(outcome, Missing):
            wanted |= outcome.wanted
            outcome = not_checked(NotChecked.NOT_REACHED)
        checks.append(outcome)
    elements = tuple(PathElement(one, check.revocation) for one, check in zip(path.certificates, checks, strict=True))
    for element in elements:
        found = element.revocation
        if found.status is RevocationStatus.REVOKED:
            revoked = Revoked(element.certificate, found.revoked_at, found.reason)
            return _Denied(revoked, path, elements, policies=valid.authorized_policies)
    if wanted:
        return Missing(frozenset(wanted))
    for element, check in zip(elements, checks, strict=True):
        if check.is_needed and element.revocation.status is not RevocationStatus.GOOD:
            unavailable = RevocationUnavailable(element.certificate, element.revocation.attempts)
            return _Denied(unavailable, path, elements, policies=valid.authorized_policies)
    return _Allowed(valid, elements)


def _check(number: int, certificate: Certificate, path: CertificationPath, question: Question) -> Checked | Missing:
    if path.leaf_is_anchor:
        return not_checked(NotChecked.TRUST_ANCHOR)
    issuer = path.issuer_of(number)
    if number and policy_for(issuer, question.policy).revocation_scope is RevocationScope.LEAF:
        return not_checked(NotChecked.OUT_OF_SCOPE)
    return check_revocation(certificate, issuer, question)


def _allow(leaf: Certificate, allowed: _Allowed, policy: Policy, at: datetime) -> Verdict:
    """The only place that allows."""
    unanswered = any(_lacks_answer(element) for element in allowed.elements)
    anchor = allowed.path.path.anchor
    return Verdict(
        decision=Decision.ALLOW,
        status=Status.UNKNOWN if unanswered else Status.GOOD,
        code=Code.OK,
        failure=None,
        certificate=leaf,
        path=allowed.elements,
        anchor=anchor,
        authorized_policies=allowed.path.authorized_policies,
        valid_until=allow_until(allowed.elements, anchor, policy, at),
    )


def _lacks_answer(element: PathElement) -> bool:
    """Whether a certificate in scope went without an answer."""
    if element.revocation.status is RevocationStatus.NOT_CHECKED:
        return element.revocation.not_checked not in (NotChecked.OUT_OF_SCOPE, NotChecked.TRUST_ANCHOR)
    return element.revocation.status is not RevocationStatus.GOOD


def _deny(leaf: Certificate | None, denied: _Denied, policy: Policy, at: datetime) -> Verdict:
    return Verdict(
        decision=Decision.DENY,
        status=_STATUS.get(denied.failure.code, Status.INVALID),
        code=denied.failure.code,
        failure=denied.failure,
        certificate=leaf,
        path=denied.elements,
        anchor=None if denied.path is None else denied.path.anchor,
        authorized_policies=frozenset(),
        valid_until=min(deny_until(one.failure, one.elements, policy, at) for one in (denied, *denied.rivals)),
        withheld_policies=denied.policies,
    )


_STATUS = {
    Code.REVOKED: Status.REVOKED,
    Code.BLOCKED: Status.REVOKED,
    Code.REVOCATION_UNAVAILABLE: Status.UNKNOWN,
    Code.BUDGET_EXHAUSTED: Status.UNKNOWN,
}
