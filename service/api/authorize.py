"""`ANY /v1/authorize/{front}`: a proxy asks whether to let a request through.

Rules it keeps: the certificate is read from the one header of the front that the path names, under the trust store that
the path names, for the caller that `X-Revet-Token` or TLS names; nothing else of the request is looked at, neither its
method nor its body, nor `Authorization`, which is the client's. Every answer says what it is in headers, and whatever
goes wrong here is a 503: proxies take a 500 for their own fault, and retry it elsewhere.

What it does not do: read certificates, or decide. What a front hands over goes the way of what `POST /v1/validate` is
given, and is remembered where its answers are.
"""

from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Final, Protocol

from starlette.types import Receive, Scope, Send

from service.api.admission import Admission
from service.api.authentication import TokenPlace
from service.api.authorize_answer import Undecided, authorization_reply, refusal_reply, write_authorization
from service.api.authorize_path import Target, Targets
from service.api.client_cert.presented import HeaderError
from service.api.client_cert.reading import read_client_certificate
from service.api.endpoint import Faults
from service.api.kept_answers import Given, request_key
from service.api.limit_problems import as_proxies_know_it
from service.api.limits import Visit
from service.api.problems import Problem, ProblemError, problem_of, unknown_trust_store
from service.api.proxy_problems import no_certificate, undecided, unknown_front, unreadable_header
from service.api.reply import Headers, send_reply
from service.api.unread_body import announces_body, send_reply_and_close
from service.api.validation import Validation, plain_request
from service.application.caller_limits import CallerLimits
from service.application.clock import Clock
from service.application.fronts import Front
from service.application.ids import DecisionIds
from service.application.observer import UNKNOWN_FRONT, AuthorizedDetails
from service.application.shadow import Enforcement
from service.application.submission import read_submission
from service.application.validate import ValidationRequest
from service.core.model.failure import Code

PURPOSES: Final = {Enforcement.ENFORCED: b"authorize", Enforcement.SHADOW: b"authorize in shadow"}
"""What answers to proxies are remembered under, besides the request."""

OPERATION: Final = "/v1/authorize"
"""What faults are told under: what follows in a path is the client's."""

_CODES: Final = {
    HTTPStatus.UNAUTHORIZED: Undecided.UNAUTHENTICATED,
    HTTPStatus.BAD_REQUEST: Undecided.BAD_REQUEST,
    HTTPStatus.NOT_FOUND: Undecided.BAD_REQUEST,
    HTTPStatus.SERVICE_UNAVAILABLE: Undecided.UNAVAILABLE,
    HTTPStatus.TOO_MANY_REQUESTS: Undecided.UNAVAILABLE,
}


class AuthorizeObserver(Protocol):
    """Is told what proxies were answered; part of `service.application.observer.Observer`."""

    def authorized(self, details: AuthorizedDetails) -> None:
        """A proxy was answered."""


@dataclass(frozen=True, slots=True)
class AuthorizeServices:
    """What answers to proxies need besides what decides.

    Attributes:
        clock: Time.
        ids: Names answers without a decision.
        observer: Is told of every answer.
    """

    clock: Clock
    ids: DecisionIds
    observer: AuthorizeObserver


@dataclass(frozen=True, slots=True)
class Asked:
    """What a proxy asks.

    Attributes:
        headers: Of its request.
        enforcement: How it is answered, whatever holds for others.
    """

    front: Front
    trust_store: str
    headers: Headers
    enforcement: Enforcement

    def key(self, names: tuple[bytes, ...]) -> bytes:
        """What the question is remembered by: everything that a decision on it depends on.

        Args:
            names: Of the front's headers.
        """
        parts = [b"%b@%b" % (self.front.encode(), self.trust_store.encode())]
        parts += [b"%b:%d:%b" % (name, len(value), value) for name, value in self.headers if name in names]
        return request_key(b"\n".join(parts), PURPOSES[self.enforcement])


class NoCertificateError(Exception):
    """The proxy has handed over no certificate."""


class AuthorizeHandler:
    """Answers every request below `/v1/authorize/`."""

    def __init__(
        self,
        validation: Validation,
        services: AuthorizeServices,
        admission: Admission,
        faults: Faults,
        limits: CallerLimits | None = None,
    ) -> None:
        """Take the collaborators.

        Args:
            validation: Decides, and says what the operator's rules are.
            services: What else is needed.
            admission: How many at once.
            faults: Is told of our own faults.
            limits: What each proxy is held to; None where nothing is limited.
        """
        self._validation = validation
        self._services = services
        self._admission = admission
        self._faults = faults
        self._limits = limits
        self._access = validation.rules.access
        self._targets = Targets(validation.rules.fronts)
        self._names = {front: validation.rules.header_names.of(front) for front in Front}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, before anything of its body is read."""
        headers: Headers = scope["headers"]
        target = self._targets.read(scope["raw_path"])
        code: Code | Undecided
        try:
            if self._limits is None:
                given = await self._give(target, scope)
            else:
                with Visit(self._limits, self._validation.rules, scope, TokenPlace.OWN_HEADER):
                    given = await self._give(target, scope)
            decision_id, code = given.decision_id, given.answer.code
            reply = authorization_reply(given, headers, self._services.clock)
        except Exception as error:  # noqa: BLE001 - the boundary: what is not known to be the caller's fault is ours
            decision_id = self._services.ids.new()
            problem, code = self._refused(error)
            reply = refusal_reply(problem, code, decision_id, headers)
        front = UNKNOWN_FRONT if target is None else target.front.value
        self._services.observer.authorized(AuthorizedDetails(front, code.value, decision_id))
        if announces_body(headers):
            await send_reply_and_close(reply, scope["method"], receive, send)
        else:
            await send_reply(reply, scope["method"], send)

    async def _give(self, target: Target | None, scope: Scope) -> Given:
        """The decision.

        Raises:
            Exception: there is none; `_refused` knows what it means.
        """
        who = self._access.authenticate(scope, TokenPlace.OWN_HEADER)
        if target is None:
            raise ProblemError(unknown_front())
        if target.trust_store is None:
            raise ProblemError(unknown_trust_store(is_unusable=False))
        with self._admission:
            asked = Asked(target.front, target.trust_store, scope["headers"], who.enforcement)
            key = asked.key(self._names[asked.front])
            given = self._validation.again(key)
            if given is None:
                form = partial(write_authorization, front=asked.front)
                given = await self._validation.decide(key, self._read(asked), form)
            return given

    def _read(self, asked: Asked) -> ValidationRequest:
        """What is to be decided.

        Raises:
            NoCertificateError: the client has shown none.
            HeaderError: the header is there twice, or holds something else than its front sends.
            SubmissionError: what it holds is no text of a certificate, or there are too many of them.
        """
        rules, policy = self._validation.rules, self._validation.policy
        presented = read_client_certificate(asked.front, asked.headers, rules.header_names)
        if presented is None:
            raise NoCertificateError
        submission = read_submission(presented.certificate, presented.intermediates, rules.max_intermediates)
        question = plain_request(submission, asked.trust_store, policy)
        return replace(question, enforcement=asked.enforcement, front=asked.front.value)

    def _refused(self, error: Exception) -> tuple[Problem, Undecided]:
        """The problem that there is no decision, and its code."""
        match error:
            case NoCertificateError():
                return no_certificate(), Undecided.NO_CERTIFICATE
            case HeaderError():
                return unreadable_header(error.reason), Undecided.BAD_REQUEST
            case _:
                problem = problem_of(error)
        code = None if problem is None else _CODES.get(problem.status)
        if problem is None or code is None:
            self._faults(OPERATION, error)
            return undecided(), Undecided.UNAVAILABLE
        return as_proxies_know_it(problem), code
