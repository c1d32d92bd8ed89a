"""Validating one certificate: the core's step function with somebody who fetches what it lacks."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from service.application.blocks import BlocksInForce
from service.application.clock import Clock
from service.application.decision_records import API_FRONT, DecisionKeeper
from service.application.gather import Gatherer, GatherRequest, Sources
from service.application.ids import DecisionIds
from service.application.inline_evidence import InlineEvidence, InlineSignatures
from service.application.observer import DecisionDetails, IgnoredDetails, Observer, ShadowDetails
from service.application.recording import NOTHING_KEPT, Answered, keep_repeated, kept_record
from service.application.repeating import Repeatable
from service.application.replay.case import ReplayCase, Spent
from service.application.shadow import Enforcement, ShadowReport, ShadowRules, WouldDeny, shadowed, would_deny
from service.application.tracing import NullTracer, Tracer
from service.application.trust_stores import TrustStores
from service.core.decision.anticipation import anticipated
from service.core.decision.assessment import AssessmentRequest, assess, give_up
from service.core.model.budget import BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, Wanted
from service.core.model.failure import Malformed
from service.core.model.policy import Policy
from service.core.model.verdict import Verdict
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
        front: Where it came in: `API_FRONT`, or a proxy's.
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
    front: str = API_FRONT


@dataclass(frozen=True, slots=True)
class ValidationAnswer:
    """A verdict and what belongs to this one request.

    Attributes:
        checked_at: When it was decided.
        valid_until: Until when it may be reused; None for never.
        ignored: What of the request was ignored, in words.
        repeatable: What is told of it when it is given again.
        enforced: In shadow, the denial that `verdict` is instead of; None otherwise.
    """

    verdict: Verdict
    decision_id: str
    checked_at: datetime
    valid_until: datetime | None
    ignored: tuple[str, ...]
    repeatable: Repeatable
    enforced: Verdict | None = None


@dataclass(frozen=True, slots=True)
class _Decided:
    """A verdict, and what it was made of.

    Attributes:
        at: When it was reached: what was fetched meanwhile is younger than the request.
    """

    verdict: Verdict
    at: datetime
    case: ReplayCase


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
        keeper: DecisionKeeper = NOTHING_KEPT,
        tracer: Tracer | None = None,
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
            keeper: Keeps records of decisions.
            tracer: Times the steps; nobody where absent.
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
        self._keeper = keeper
        self._tracer: Tracer = NullTracer() if tracer is None else tracer

    async def validate(self, request: ValidationRequest) -> ValidationAnswer:
        """Decide.

        Raises:
            UnknownTrustStoreError: there is no such trust store.
            BlocksUnavailableError: nobody can say what is blocked, so that nothing can be decided.
        """
        with self._tracer.decide():
            return await self._answer(request)

    async def _answer(self, request: ValidationRequest) -> ValidationAnswer:
        started = self._clock.monotonic()
        every = request.anchors is Anchors.EVERY
        store = await (self._stores.partial(request.trust_store) if every else self._stores.get(request.trust_store))
        question = AssessmentRequest(request.leaf, with_intermediates(store, request.intermediates))
        decided = await self._decide(question, request, started)
        in_shadow = self._shadow.enforcement(request.trust_store, request.enforcement) is Enforcement.SHADOW
        verdict = shadowed(decided.verdict) if in_shadow else decided.verdict
        decision_id = self._ids.new()
        repeatable = self._told(decided, verdict, decision_id, request, started)
        answer = ValidationAnswer(
            verdict=verdict,
            decision_id=decision_id,
            checked_at=decided.at,
            valid_until=verdict.valid_until if request.reuse is Reuse.ALLOWED else None,
            ignored=(*request.ignored, *request.evidence.ignored),
            repeatable=repeatable,
            enforced=None if verdict is decided.verdict else decided.verdict,
        )
        if answer.ignored:
            self._observer.ignored(IgnoredDetails(decision_id, answer.ignored))
        return answer

    def repeat(self, repeatable: Repeatable) -> str:
        """Tell of a decision that is given once more.

        Returns:
            Its id.
        """
        decision_id = self._ids.new()
        if repeatable.denial is not None:
            self._tell_of_denial(replace(repeatable.denial, decision_id=decision_id, at=self._clock.now()))
        self._tell(repeatable, decision_id, None)
        if repeatable.record is not None:
            keep_repeated(self._keeper, repeatable.record, decision_id, self._clock.now())
        return decision_id

    def _told(
        self, decided: _Decided, verdict: Verdict, decision_id: str, request: ValidationRequest, started: float
    ) -> Repeatable:
        """What is told of a decision, once everybody has been told."""
        trust_store, front = request.trust_store, request.front
        denial = None
        if verdict is not decided.verdict:
            denial = would_deny(decided.verdict, decision_id, trust_store, decided.at)
            self._tell_of_denial(denial)
        duration_s = self._clock.monotonic() - started
        answered = Answered(decision_id, decided.at, verdict, decided.verdict, trust_store, front, duration_s)
        record = kept_record(self._keeper, answered, decided.case)
        repeatable = Repeatable(verdict.decision, verdict.status, verdict.code, trust_store, front, denial, record)
        self._tell(repeatable, decision_id, duration_s)
        return repeatable

    def _tell(self, told: Repeatable, decision_id: str, duration_s: float | None) -> None:
        self._observer.decided(
            DecisionDetails(
                decision_id, told.decision, told.code, told.trust_store, told.front, duration_s, told.status
            )
        )

    def _tell_of_denial(self, denial: WouldDeny) -> None:
        self._report.record(denial)
        self._observer.would_deny(ShadowDetails(denial.decision_id, denial.code, denial.trust_store))

    async def _decide(self, question: AssessmentRequest, request: ValidationRequest, started: float) -> _Decided:
        """The verdict."""
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
                with self._tracer.verify():
                    outcome = assess(question, evidence, policy, at)
                if isinstance(outcome, Verdict):
                    self._gatherer.used(outcome, gathering)
                    return _Decided(outcome, checked_at, ReplayCase(question, evidence, policy, at))
                wanted = outcome.wanted
            try:
                rounds = _fewer(rounds, policy)
                with self._tracer.gather(wanted, policy.limits.rounds - rounds - 1):
                    evidence = await self._gatherer.gather(wanted, evidence, gathering)
            except BudgetExhaustedError as error:
                question = await self._with_blocks(question)
                spent = Spent(error.resource, error.limit)
                verdict = give_up(spent.resource, spent.limit, question, policy, at)
                return _Decided(verdict, checked_at, ReplayCase(question, evidence, policy, at, spent))
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
