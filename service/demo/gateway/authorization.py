"""Asks an authorizer about a request, and keeps what it said, by identity source, as API Gateway does.

Rules: a policy is kept and evaluated anew for each method; a simple answer is kept as it is; an error is never kept.
Where results are kept by something that other clients can send too, these are let in: that can be seen here.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from service.demo.gateway.events import event_for
from service.demo.gateway.identity import MissingIdentityError, identity_of
from service.demo.gateway.model import AnswerForm, Api, AuthorizerSettings, Event, Handler, Kind, Request
from service.demo.gateway.policy import (
    Effect,
    InvalidAnswerError,
    check_flat,
    context_of,
    evaluate,
    evaluate_simple,
)
from service.demo.gateway.replies import Refusal
from service.demo.gateway.resources import Match

UNAUTHORIZED: Final = "Unauthorized"
"""The one message of an exception that API Gateway makes a 401 of."""


@dataclass(frozen=True, slots=True)
class Permission:
    """The request may pass.

    Attributes:
        context: What the authorizer hands to the integration.
    """

    context: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a handler of Lambda gets as its context."""

    aws_request_id: str
    function_name: str = "authorizer"
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:authorizer"

    def get_remaining_time_in_millis(self) -> int:
        """API Gateway waits 30 seconds at most."""
        return 30_000


class Authorizer:
    """One authorizer of an API. Its function is called for one request at a time, as in one environment of Lambda."""

    def __init__(
        self, api: Api, settings: AuthorizerSettings, handler: Handler, monotonic: Callable[[], float]
    ) -> None:
        """Take what to call.

        Args:
            api: Whose authorizer it is.
            settings: How it is called, and how long its results are kept.
            handler: The function.
            monotonic: Seconds that never go backwards.
        """
        self._api = api
        self._settings = settings
        self._handler = handler
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], tuple[float, Any]] = {}
        self.calls = 0

    def ask(self, request: Request, match: Match) -> Permission | Refusal:
        """Whether a request may pass.

        Raises:
            ValueError: the settings name an identity source that there is none of.
        """
        # A REST API looks for identity sources only where results are kept by them.
        is_looked_at = self._api.kind is Kind.HTTP or self._settings.result_ttl_s > 0
        sources = self._settings.identity_sources if is_looked_at else ()
        try:
            identity = identity_of(sources, self._api, request, match)
        except MissingIdentityError:
            return Refusal.NO_IDENTITY
        try:
            return self._evaluate(self._answer(identity, request, match), request)
        except InvalidAnswerError:
            self._forget(identity)
            return Refusal.AUTHORIZER_FAILED
        except Exception as error:  # noqa: BLE001 - whatever the function raises is its failure
            return Refusal.NO_IDENTITY if str(error) == UNAUTHORIZED else Refusal.AUTHORIZER_FAILED

    def forget(self) -> None:
        """Drop all that is kept: what a new deployment of the stage, or FlushStageAuthorizersCache, does."""
        with self._lock:
            self._kept.clear()

    def _answer(self, identity: tuple[str, ...], request: Request, match: Match) -> object:
        with self._lock:
            until, answer = self._kept.get(identity, (0.0, None))
            if identity and self._monotonic() < until:
                return answer
            self.calls += 1
            event: Event = json.loads(json.dumps(event_for(self._api, request, match, identity)))
            answer = json.loads(json.dumps(self._handler(event, Invocation(request.request_id))))
            if self._settings.result_ttl_s > 0:
                self._kept[identity] = (self._monotonic() + self._settings.result_ttl_s, answer)
            return answer

    def _forget(self, identity: tuple[str, ...]) -> None:
        with self._lock:
            self._kept.pop(identity, None)

    def _evaluate(self, answer: object, request: Request) -> Permission | Refusal:
        arn = self._api.arn(request.method, request.path)
        if self._api.kind is Kind.HTTP and self._settings.form is AnswerForm.SIMPLE:
            effect = evaluate_simple(answer)
        else:
            effect = evaluate(answer, arn)
        context = context_of(answer)
        if self._api.kind is Kind.REST:
            check_flat(context)
        match effect:
            case Effect.ALLOW:
                return Permission(context)
            case Effect.EXPLICIT_DENY:
                return Refusal.EXPLICIT_DENY
            case Effect.IMPLICIT_DENY:
                return Refusal.IMPLICIT_DENY
