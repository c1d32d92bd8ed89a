"""Who changes what over HTTP: a record before each change, and one of what came of it, before the answer goes out.

Rules it keeps: every path with a method that changes something is held to it, whatever its handler does; a handler says
what is about to be changed (`begin_change`) when it knows that it may be, and before it is. Whoever may not is recorded
as refused, a few of them in a minute: nobody fills a disk who has no token. What a record quotes of a request is
printable and short.

What it does not do: record who has only looked, or what could not be understood.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope

from service.api.address import address_of
from service.api.authentication import WHO, TokenPlace, Who, presented_token
from service.api.body import CallerGoneError
from service.api.endpoint import GET, Handler
from service.api.permission import permit_admin
from service.api.problems import RETRY_LATER, Problem, ProblemError, problem_of
from service.api.reply import Reply, values_of
from service.api.rules import ApiRules
from service.application.auditing import (
    IN_ATTEMPT,
    AuditRecord,
    AuditTrail,
    AuditUnavailableError,
    Necessity,
    Outcome,
)

REQUEST_ID: Final = b"x-request-id"
"""The header with what whoever asks calls a request, or a proxy on the way does."""

ATTEMPT: Final = "revet.attempt"
"""Where a scope has the attempt to change something."""

_REQUEST_ID: Final = re.compile(rb"[!-~]{1,128}")

_DONE_ALL_THE_SAME: Final = frozenset({"block-is-local"})
"""Problems of what has been done, although not everywhere."""

ADMIN_NEEDED: Final = "admin-needed"
"""The problem of somebody who is known and may not."""

_NOT_ALLOWED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.MISDIRECTED_REQUEST})


def audit_unavailable() -> Problem:
    """A change that nobody could write down."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "audit-unavailable",
        "The change cannot be written down",
        "Nothing was changed: REVET_AUDIT_LOG cannot be written; the log says more.",
        headers=RETRY_LATER,
    )


class Attempt:
    """Somebody's attempt to change something."""

    def __init__(self, trail: AuditTrail, record: AuditRecord) -> None:
        """Take where it is written down, and how it begins."""
        self._trail = trail
        self.record = record
        self.has_begun = False

    async def begin(self, by: str, on: Mapping[str, object], necessity: Necessity) -> None:
        """It is allowed, and about to happen.

        Raises:
            ProblemError: it could not be written down, and must not happen (503).
        """
        self.record = replace(self.record, by=by, on=on)
        try:
            await self._trail.begin(self.record, necessity)
        except AuditUnavailableError:
            raise ProblemError(audit_unavailable()) from None
        self.has_begun = True

    def tell(self, on: Mapping[str, object]) -> None:
        """More about what it is done to."""
        self.record = replace(self.record, on={**self.record.on, **on})

    async def end(self, outcome: Outcome, problem: str = "") -> None:
        """This came of it."""
        await self._trail.end(replace(self.record, outcome=outcome, problem=problem))


class AuditedHandler:
    """A handler that changes something, by all of its methods but those that read."""

    def __init__(self, actions: Mapping[str, str], handler: Handler, rules: ApiRules, trail: AuditTrail) -> None:
        """Take what each method does, in a word, who does it, who may, and where it is written down."""
        self._actions = actions
        self._handler = handler
        self._rules = rules
        self._trail = trail

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Have it answer one request."""
        if scope["method"] in GET:
            return await self._handler(scope, receive)
        record = self._trail.open(self._actions[scope["method"]], address_of(scope), _request_id(scope))
        attempt = scope[ATTEMPT] = Attempt(self._trail, record)
        token = IN_ATTEMPT.set(True)
        try:
            reply = await self._handler(scope, receive)
        except Exception as error:
            await self._failed(attempt, error, scope)
            raise
        finally:
            IN_ATTEMPT.reset(token)
        await attempt.end(Outcome.DONE)
        return reply

    async def _failed(self, attempt: Attempt, error: Exception, scope: Scope) -> None:
        problem = problem_of(error)
        kind = "caller-gone" if isinstance(error, CallerGoneError) else "internal" if problem is None else problem.kind
        if attempt.has_begun:
            await attempt.end(_outcome(problem), kind)
        elif problem is not None and problem.status in _NOT_ALLOWED:
            await self._trail.refused(self._refused(attempt.record, kind, scope))

    def _refused(self, record: AuditRecord, kind: str, scope: Scope) -> AuditRecord:
        """The record of somebody who may not."""
        who = scope.get(WHO)
        by = who.name if isinstance(who, Who) and kind == ADMIN_NEEDED else _stranger(scope)
        return replace(record, outcome=Outcome.REFUSED, by=by, on={"path": scope["path"]}, problem=kind)


async def begin_change(
    rules: ApiRules, scope: Scope, by: str, on: Mapping[str, object], necessity: Necessity = Necessity.NEEDED
) -> None:
    """Write down that something is about to be changed. To be called by a handler that may, before it does.

    Whether he who asks still may is looked at again: his token may have been removed while his body was awaited.

    Args:
        rules: Who may.
        scope: The request.
        by: Who asks, for people.
        on: What is changed, and how.
        necessity: Whether nothing happens without a record.

    Raises:
        ProblemError: he may no longer (401, 403), or it could not be written down, and must not happen (503).
    """
    permit_admin(rules, scope, "changes are made")
    attempt = scope.get(ATTEMPT)
    if attempt is not None:
        await attempt.begin(by, on, necessity)


def tell_of_change(scope: Scope, on: Mapping[str, object]) -> None:
    """More about what was changed, for the record of what came of it."""
    attempt = scope.get(ATTEMPT)
    if attempt is not None:
        attempt.tell(on)


def _outcome(problem: Problem | None) -> Outcome:
    if problem is not None and problem.kind in _DONE_ALL_THE_SAME:
        return Outcome.DONE
    is_ours = problem is None or problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Outcome.FAILED if is_ours else Outcome.REFUSED


def _stranger(scope: Scope) -> str:
    """What records call somebody who was not let in. Nothing of what he sends: it may be a token of somewhere else."""
    return "nobody" if presented_token(scope["headers"], TokenPlace.AUTHORIZATION) is None else "unknown token"


def _request_id(scope: Scope) -> str:
    values = values_of(scope["headers"], REQUEST_ID)
    return values[0].decode() if len(values) == 1 and _REQUEST_ID.fullmatch(values[0]) else ""
