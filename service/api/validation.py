"""`POST /v1/validate`: a request's JSON to what the application asks, and its answer back to JSON."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from starlette.types import Receive, Scope

from service.api.admission import Admission
from service.api.authentication import Role
from service.api.body import receive_body
from service.api.json_text import read_json
from service.api.kept_answers import KeptAnswer, kept_answer, request_key, write_answer
from service.api.problems import ProblemError, admin_needed, overrides_refused
from service.api.reply import Reply
from service.api.rules import ApiRules, Overrides
from service.api.schemas import InlineEvidence as InlineEvidenceSchema
from service.api.schemas import Options, PolicyOptions, ValidateRequest
from service.application.inline_evidence import InlineEvidence, read_inline_evidence
from service.application.shadow import Enforcement
from service.application.submission import Submission, SubmissionError, read_der_list, read_submission
from service.application.validate import Anchors, Fetching, Reuse, ValidationRequest, Validator
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

    async def answer(
        self,
        body: bytes,
        read: Callable[[bytes], object],
        role: Role,
        enforcement: Enforcement = Enforcement.ENFORCED,
    ) -> bytes:
        """The answer to one request, as JSON.

        Args:
            body: The request as it came.
            read: Makes a value of it.
            role: Who asks.
            enforcement: How they are answered, whatever holds for others.

        Raises:
            ProblemError: it may not carry options (403).
            ValidationError: a field is missing, unknown, or holds what it should not (400).
            SubmissionError: the certificate is no text of one, or there are too many intermediates (400).
            UnknownTrustStoreError: there is no such trust store (404).
        """
        if self.answers is None:
            return write_answer(await self.validator.validate(self._read(read(body), role, enforcement)))
        key = request_key(body, PURPOSES[enforcement])
        kept = self.answers.find(key)
        if kept is not None:
            answer = kept.value
            store = kept.ticket.store.name
            return answer.body(self.validator.repeat(answer.decision, answer.code, store, answer.denial))
        request = self._read(read(body), role, enforcement)
        ticket = self.answers.begin(request.trust_store)
        given = await self.validator.validate(request)
        written = write_answer(given)
        if ticket is not None and given.valid_until is not None:
            kept_one = kept_answer(given, written, request.trust_store)
            self.answers.keep(key, Kept(kept_one, given.checked_at, given.valid_until, ticket, len(written)))
        return written

    def _read(self, document: object, role: Role, enforcement: Enforcement) -> ValidationRequest:
        self._permit(document, role)
        request = read_request(ValidateRequest.model_validate(document), self.policy, self.rules)
        return request if enforcement is Enforcement.ENFORCED else replace(request, enforcement=enforcement)

    def _permit(self, document: object, role: Role) -> None:
        if not isinstance(document, dict) or OPTIONS not in document:
            return
        if self.rules.overrides is Overrides.REFUSED:
            raise ProblemError(overrides_refused())
        if role is not Role.ADMIN:
            raise ProblemError(admin_needed(OPTIONS))


class ValidateHandler:
    """Handles `POST /v1/validate`."""

    def __init__(self, validation: Validation, admission: Admission) -> None:
        """Take who answers, and how many at once."""
        self._validation = validation
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Answer one request."""
        rules = self._validation.rules
        role = rules.access.authenticate(scope["headers"])
        enforcement = rules.access.enforcement(scope["headers"])
        with self._admission:
            body = await receive_body(scope, receive, rules.max_request_bytes)
            return Reply(200, await self._validation.answer(body, read_json, role, enforcement))


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
        return ValidationRequest(
            leaf=submission.leaf,
            intermediates=submission.intermediates,
            trust_store=request.trust_store,
            policy=policy,
            ignored=submission.ignored,
        )
    return _with_options(request.trust_store, submission, request.options, policy)


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
