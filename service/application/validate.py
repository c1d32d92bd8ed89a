"""Validating one certificate: the core's step function with somebody who fetches what it lacks."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from service.application.blocks import BlocksInForce
from service.application.clock import Clock
from service.application.gather import Gatherer, GatherRequest, Sources
from service.application.ids import DecisionIds
from service.application.inline_evidence import InlineEvidence, InlineSignatures
from service.application.observer import DecisionDetails, IgnoredDetails, Observer, ShadowDetails
from service.application.shadow import Enforcement, ShadowReport, ShadowRules, WouldDeny, shadowed, would_deny
from service.application.trust_stores import TrustStores
from service.core.decision.anticipation import anticipated
from service.core.decision.assessment import AssessmentRequest, assess, give_up
from service.core.model.budget import BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, Wanted
from service.core.model.failure import Code, Malformed
from service.core.model.policy import Policy
from service.core.model.verdict import Decision, Verdict
from service.core.path.trust_store import with_intermediates


class Anchors(Enum):
    """Which certificates of the trust store a path may end at."""

    STORE = "store"
    """Its anchors."""
    EVERY = "every"
    """Each of its certificates: a partial chain."""


class Fetching(Enum):
    """Whether a request may make us fetch."""

    ONLINE = "online"
    OFFLINE = "offline"


class Reuse(Enum):
    """Whether the caller may reuse the answer."""

    ALLOWED = "allowed"
    NEVER = "never"
    """The request carried options: its answer is for it alone."""


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """What a caller asks.

    Attributes:
        leaf: The certificate in question, or why it cannot be read.
        intermediates: More certificates that a path may go through.
        trust_store: Name of the trust store.
        policy: The operator's policy, or the caller's where overrides are allowed.
        at: The moment in question; None for now.
        evidence: What came with the request.
        ignored: What of the request does not parse, in words.
        enforcement: How this caller is answered, whatever holds for others.
    """

    leaf: Certificate | Malformed
    intermediates: tuple[Certificate, ...]
    trust_store: str
    policy: Policy
    at: datetime | None = None
    fetching: Fetching = Fetching.ONLINE
    anchors: Anchors = Anchors.STORE
    reuse: Reuse = Reuse.ALLOWED
    evidence: InlineEvidence = field(default_factory=InlineEvidence)
    ignored: tuple[str, ...] = ()
    enforcement: Enforcement = Enforcement.ENFORCED


@dataclass(frozen=True, slots=True)
class ValidationAnswer:
    """A verdict and what belongs to this one request.

    Attributes:
        checked_at: When it was decided.
        valid_until: Until when it may be reused; None for never.
        ignored: What of the request was ignored, in words.
        enforced: In shadow, the denial that `verdict` is instead of; None otherwise.
    """

    verdict: Verdict
    decision_id: str
    checked_at: datetime
    valid_until: datetime | None
    ignored: tuple[str, ...]
    enforced: Verdict | None = None


class Validator:
    """Answers requests: assess, gather what is lacking, assess again, a bounded number of rounds."""

    def __init__(  # noqa: PLR0913, PLR0917 - collaborators, each another port
        self,
        stores: TrustStores,
        gatherer: Gatherer,
        clock: Clock,
        ids: DecisionIds,
        observer: Observer,
        deadline_s: float,
        blocks: BlocksInForce,
        shadow: ShadowRules | None = None,
        report: ShadowReport | None = None,
    ) -> None:
        """Take the collaborators.

        Args:
            stores: Trust stores by name.
            gatherer: Fetches.
            clock: Time.
            ids: Names decisions.
            observer: Is told of each decision.
            deadline_s: Seconds for one request, everything included.
            blocks: What an operator has blocked; asked again before each look at the evidence.
            shadow: Who is answered in shadow; nobody where absent.
            report: Is told of what would have been denied.
        """
        self._stores = stores
        self._gatherer = gatherer
        self._clock = clock
        self._ids = ids
        self._observer = observer
        self._deadline_s = deadline_s
        self._blocks = blocks
        self._shadow = ShadowRules() if shadow is None else shadow
        self._report = ShadowReport() if report is None else report

    async def validate(self, request: ValidationRequest) -> ValidationAnswer:
        """Decide.

        Raises:
            UnknownTrustStoreError: there is no such trust store.
            BlocksUnavailableError: nobody can say what is blocked, so that nothing can be decided.
        """
        started = self._clock.monotonic()
        every = request.anchors is Anchors.EVERY
        store = await (self._stores.partial(request.trust_store) if every else self._stores.get(request.trust_store))
        question = AssessmentRequest(request.leaf, with_intermediates(store, request.intermediates))
        decided, checked_at = await self._decide(question, request, started)
        in_shadow = self._shadow.enforcement(request.trust_store, request.enforcement) is Enforcement.SHADOW
        verdict = shadowed(decided) if in_shadow else decided
        decision_id = self._ids.new()
        answer = ValidationAnswer(
            verdict=verdict,
            decision_id=decision_id,
            checked_at=checked_at,
            valid_until=verdict.valid_until if request.reuse is Reuse.ALLOWED else None,
            ignored=(*request.ignored, *request.evidence.ignored),
            enforced=None if verdict is decided else decided,
        )
        if answer.enforced is not None:
            self._tell_of_denial(would_deny(decided, decision_id, request.trust_store, checked_at))
        if answer.ignored:
            self._observer.ignored(IgnoredDetails(decision_id, answer.ignored))
        self._observer.decided(
            DecisionDetails(
                decision_id, verdict.decision, verdict.code, request.trust_store, self._clock.monotonic() - started
            )
        )
        return answer

    def repeat(self, decision: Decision, code: Code, trust_store: str, denial: WouldDeny | None = None) -> str:
        """Tell of a decision that is given once more.

        Args:
            decision: What is answered.
            code: Why.
            trust_store: Which was named.
            denial: In shadow, what it would have been.

        Returns:
            Its id.
        """
        decision_id = self._ids.new()
        if denial is not None:
            self._tell_of_denial(replace(denial, decision_id=decision_id, at=self._clock.now()))
        self._observer.decided(DecisionDetails(decision_id, decision, code, trust_store, None))
        return decision_id

    def _tell_of_denial(self, denial: WouldDeny) -> None:
        self._report.record(denial)
        self._observer.would_deny(ShadowDetails(denial.decision_id, denial.code, denial.trust_store))

    async def _decide(
        self, question: AssessmentRequest, request: ValidationRequest, started: float
    ) -> tuple[Verdict, datetime]:
        """The verdict, and when it was reached: what was fetched meanwhile is younger than the request."""
        policy = request.policy
        sources = _sources(request, self._clock.now())
        signatures = InlineSignatures(policy.limits)
        deadline = started + self._deadline_s
        gathering = GatherRequest(request.evidence, sources, deadline, signatures, policy.max_evidence_age)
        evidence, wanted = Evidence(), _anticipated(question, request)
        rounds = policy.limits.rounds
        while True:
            checked_at = self._clock.now()
            at = request.at or checked_at
            if not wanted:
                question = await self._with_blocks(question)
                outcome = assess(question, evidence, policy, at)
                if isinstance(outcome, Verdict):
                    self._gatherer.used(outcome, gathering)
                    return outcome, checked_at
                wanted = outcome.wanted
            try:
                rounds = _fewer(rounds, policy)
                evidence = await self._gatherer.gather(wanted, evidence, gathering)
            except BudgetExhaustedError as spent:
                question = await self._with_blocks(question)
                return give_up(spent.resource, spent.limit, question, policy, at), checked_at
            wanted = frozenset()

    async def _with_blocks(self, question: AssessmentRequest) -> AssessmentRequest:
        """The question with what is blocked now: gathering takes time, and somebody may have blocked meanwhile."""
        blocks = await self._blocks.current()
        return question if blocks is question.blocks else replace(question, blocks=blocks)


def _fewer(rounds: int, policy: Policy) -> int:
    """Pay for one more round.

    Raises:
        BudgetExhaustedError: there were as many as there may be.
    """
    if not rounds:
        raise BudgetExhaustedError("rounds", policy.limits.rounds)
    return rounds - 1


def _anticipated(question: AssessmentRequest, request: ValidationRequest) -> frozenset[Wanted]:
    """What is gathered before the first look at the chain.

    Nothing where evidence came with the request: its signatures are verified for chains alone that are valid.
    """
    if isinstance(question.leaf, Malformed) or not request.evidence.is_empty:
        return frozenset()
    return anticipated(question.leaf, question.store, request.policy)


def _sources(request: ValidationRequest, now: datetime) -> Sources:
    if request.at is not None and request.at < now:
        return Sources.INLINE
    return Sources.ALL if request.fetching is Fetching.ONLINE else Sources.HELD
