"""`POST /v1/validate`: a request's JSON to what the application asks, and its answer back to JSON."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from starlette.types import Receive, Scope

from service.api.admission import Admission
from service.api.authentication import Role, Who
from service.api.body import receive_body
from service.api.body_room import BodyRoom
from service.api.json_text import read_json
from service.api.kept_answers import Given, KeptAnswer, Written, kept_answer, request_key, write_answer
from service.api.permission import permit
from service.api.problems import ProblemError, admin_needed, overrides_refused
from service.api.reply import DECISION_ID, Reply
from service.api.rules import ApiRules, Overrides
from service.api.schemas import InlineEvidence as InlineEvidenceSchema
from service.api.schemas import Options, PolicyOptions, ValidateRequest
from service.application.inline_evidence import InlineEvidence, read_inline_evidence
from service.application.shadow import Enforcement
from service.application.submission import Submission, SubmissionError, read_der_list, read_submission
from service.application.validate import (
    Anchors,
    Fetching,
    Reuse,
    ValidationAnswer,
    ValidationRequest,
    Validator,
)
from service.application.verdict_cache import Kept, VerdictCache
from service.core.decision.issuer_policy import with_asked
from service.core.model.policy import Policy, PolicyInputs

OPTIONS = "options"
"""The member whose presence makes a request one with overrides, whatever it holds."""

PURPOSES = {Enforcement.ENFORCED: b"validate", Enforcement.SHADOW: b"validate in shadow"}
"""What answers of this interface are remembered under, besides the request: callers in shadow have their own."""


@dataclass(frozen=True, slots=True)
class Validation:
    """Answers one request, alone or out of a batch.

    Attributes:
        validator: Decides.
        policy: The operator's.
        rules: The operator's limits and permissions.
        answers: What was answered before and still holds; None where nothing is kept.
    """

    validator: Validator
    policy: Policy
    rules: ApiRules
    answers: VerdictCache[KeptAnswer] | None = None

    async def answer(self, body: bytes, read: Callable[[bytes], object], who: Who) -> Given:
        """The answer to one request.

        Args:
            body: The request as it came.
            read: Makes a value of it.
            who: Who asks.

        Raises:
            ProblemError: it may not carry options (403).
            ValidationError: a field is missing, unknown, or holds what it should not (400).
            SubmissionError: the certificate is no text of one, or there are too many intermediates (400).
            UnknownTrustStoreError: there is no such trust store (404).
        """
        key = request_key(body, PURPOSES[who.enforcement])
        given = self.again(key)
        if given is None:
            given = await self.decide(key, self._read(read(body), who), write_answer)
        return given

    def again(self, key: bytes) -> Given | None:
        """What was answered before to a request, where that still holds.

        Args:
            key: What the request is remembered by (`request_key`).
        """
        if self.answers is None:
            return None
        kept = self.answers.find(key)
        if kept is None:
            return None
        answer = kept.value
        decision_id = self.validator.repeat(answer.repeatable)
        return Given(answer, decision_id, answer.body(decision_id))

    async def decide(
        self, key: bytes, request: ValidationRequest, write: Callable[[ValidationAnswer], Written]
    ) -> Given:
        """The answer to a request, decided now, and kept where it may be.

        Args:
            key: What it is remembered by.
            request: What is asked.
            write: Gives the answer its form.

        Raises:
            UnknownTrustStoreError: there is no such trust store.
            BlocksUnavailableError: nothing can be decided.
        """
        ticket = None if self.answers is None else self.answers.begin(request.trust_store)
        given = await self.validator.validate(request)
        written = write(given)
        answer = kept_answer(given, written)
        if self.answers is not None and ticket is not None and given.valid_until is not None:
            octets = written.octets + given.repeatable.octets
            self.answers.keep(key, Kept(answer, given.checked_at, given.valid_until, ticket, octets))
        return Given(answer, given.decision_id, written.body)

    def _read(self, document: object, who: Who) -> ValidationRequest:
        self._permit(document, who.role)
        request = read_request(ValidateRequest.model_validate(document), self.policy, self.rules)
        return request if who.enforcement is Enforcement.ENFORCED else replace(request, enforcement=who.enforcement)

    def _permit(self, document: object, role: Role) -> None:
        if not isinstance(document, dict) or OPTIONS not in document:
            return
        if self.rules.overrides is Overrides.REFUSED:
            raise ProblemError(overrides_refused())
        if role is not Role.ADMIN:
            raise ProblemError(admin_needed(OPTIONS))


class ValidateHandler:
    """Handles `POST /v1/validate`."""

    def __init__(self, validation: Validation, admission: Admission, room: BodyRoom) -> None:
        """Take who answers, how many at once, and the room for bodies that have not come to their end."""
        self._validation = validation
        self._admission = admission
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Answer one request."""
        rules = self._validation.rules
        permit(rules, scope)
        self._admission.check()
        body = await receive_body(scope, receive, rules.max_request_bytes, self._room)
        who = permit(rules, scope)  # his token may have been removed meanwhile
        with self._admission:
            given = await self._validation.answer(body, read_json, who)
        return Reply(200, given.body, headers=((DECISION_ID, given.decision_id.encode()),))


def read_request(request: ValidateRequest, policy: Policy, rules: ApiRules) -> ValidationRequest:
    """What the application is asked.

    Raises:
        SubmissionError: the certificate is neither PEM nor base64, or there are too many intermediates.
    """
    # Before they are read, since those that do not parse count as none afterwards.
    if len(request.intermediates) > rules.max_intermediates:
        raise SubmissionError(f"{len(request.intermediates)} intermediates; the limit is {rules.max_intermediates}")
    submission = read_submission(request.certificate, request.intermediates, rules.max_intermediates)
    if request.options is None:
        return plain_request(submission, request.trust_store, policy)
    return _with_options(request.trust_store, submission, request.options, policy)


def plain_request(submission: Submission, trust_store: str, policy: Policy) -> ValidationRequest:
    """A question about these certificates under the operator's policy, and nothing else."""
    return ValidationRequest(
        leaf=submission.leaf,
        intermediates=submission.intermediates,
        trust_store=trust_store,
        policy=policy,
        ignored=submission.ignored,
    )


def _with_options(trust_store: str, submission: Submission, options: Options, policy: Policy) -> ValidationRequest:
    evidence, not_read = _evidence(options.evidence)
    return ValidationRequest(
        leaf=submission.leaf,
        intermediates=submission.intermediates,
        trust_store=trust_store,
        policy=_policy(options, policy),
        at=options.at,
        fetching=Fetching.ONLINE if options.online else Fetching.OFFLINE,
        anchors=Anchors.EVERY if options.partial_chain else Anchors.STORE,
        reuse=Reuse.NEVER,
        evidence=evidence,
        ignored=(*submission.ignored, *not_read),
    )


def _evidence(given: InlineEvidenceSchema) -> tuple[InlineEvidence, tuple[str, ...]]:
    """The evidence, and in words what of it is neither PEM nor base64."""
    crls, no_crls = read_der_list(given.crls, "CRL")
    responses, no_responses = read_der_list(given.ocsp_responses, "OCSP response")
    return read_inline_evidence(crls, responses), (*no_crls, *no_responses)


def _policy(options: Options, policy: Policy) -> Policy:
    """The operator's policy, with what the request asks instead."""
    given = options.model_fields_set
    weak = options.weak_algorithms
    return replace(
        with_asked(policy, options.revocation_mode, options.revocation_scope, options.evidence_order),
        key_purpose=options.key_purpose or policy.key_purpose,
        weak_algorithms=policy.weak_algorithms if weak is None else frozenset(weak),
        policies=_policy_inputs(options.policies, policy.policies),
        max_evidence_age=_age(options.max_evidence_age_s) if "max_evidence_age_s" in given else policy.max_evidence_age,
        max_path_length=options.max_path_length if "max_path_length" in given else policy.max_path_length,
    )


def _policy_inputs(options: PolicyOptions, inputs: PolicyInputs) -> PolicyInputs:
    accepted = options.initial_policy_set
    return PolicyInputs(
        initial_policy_set=inputs.initial_policy_set if accepted is None else frozenset(accepted),
        require_explicit_policy=_first(options.require_explicit_policy, inputs.require_explicit_policy),
        inhibit_policy_mapping=_first(options.inhibit_policy_mapping, inputs.inhibit_policy_mapping),
        inhibit_any_policy=_first(options.inhibit_any_policy, inputs.inhibit_any_policy),
    )


def _first(asked: bool | None, otherwise: bool) -> bool:  # noqa: FBT001 - values, not knobs
    return otherwise if asked is None else asked


def _age(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
