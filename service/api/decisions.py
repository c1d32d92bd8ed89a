"""`GET /v1/decisions`, and one of them: what was decided, and what it rested on. They name people: a token is needed.

Rules they keep: a page is bounded, and is read in another thread than that of the verdicts, one at a time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pydantic_core import from_json, to_json
from starlette.types import Receive, Scope

from service.api.decision_problems import decisions_unavailable, unknown_decision
from service.api.moment import write_moment
from service.api.permission import permit
from service.api.problems import ProblemError
from service.api.query import read_count, read_query, read_word
from service.api.reply import Reply
from service.api.rules import ApiRules
from service.application.decision_records import (
    DecisionBook,
    DecisionQuery,
    DecisionRecord,
    DecisionsUnavailableError,
)
from service.core.model.failure import Code
from service.core.model.verdict import Decision

DECISION_ID: Final = "id"
"""The variable of the path."""

DEFAULT_LIMIT: Final = 100
MOST_LISTED: Final = 1_000
"""Decisions of one page: half a megabyte of JSON."""

PARAMETERS: Final = ("code", "decision", "trust_store", "limit", "before")
"""What the query may have."""


class DecisionsHandler:
    """Handles `/v1/decisions` and `/v1/decisions/{id}`."""

    def __init__(self, book: DecisionBook, rules: ApiRules) -> None:
        """Take where they are found again, and who may look."""
        self._book = book
        self._rules = rules
        self._turn = asyncio.Lock()

    async def collection(self, scope: Scope, receive: Receive) -> Reply:
        """Handle `GET /v1/decisions`."""
        del receive
        permit(self._rules, scope)
        query = _query(read_query(scope, PARAMETERS))
        async with self._turn:  # one thread at a time: verdicts share the interpreter with it
            return Reply(200, await asyncio.to_thread(self._page, query))

    async def item(self, scope: Scope, receive: Receive) -> Reply:
        """Handle `GET /v1/decisions/{id}`."""
        del receive
        permit(self._rules, scope)
        read_query(scope, ())
        async with self._turn:
            return Reply(200, await asyncio.to_thread(self._one, scope["path_params"][DECISION_ID]))

    def _page(self, query: DecisionQuery) -> bytes:
        try:
            found = self._book.recent(replace(query, limit=query.limit + 1))
        except DecisionsUnavailableError as error:
            raise ProblemError(decisions_unavailable(str(error))) from error
        shown = found[: query.limit]
        following = shown[-1].decision_id if len(found) > query.limit else None
        return to_json({"decisions": [decision_document(one) for one in shown], "next": following})

    def _one(self, decision_id: str) -> bytes:
        try:
            record = self._book.find(decision_id)
        except DecisionsUnavailableError as error:
            raise ProblemError(decisions_unavailable(str(error))) from error
        if record is None:
            raise ProblemError(unknown_decision())
        return to_json({**decision_document(record), "case": _case(record.case)})


def decision_document(record: DecisionRecord) -> dict[str, object]:
    """A decision as a JSON object: the fields of `decision_schemas.DecisionLine`."""
    return {
        "decision_id": record.decision_id,
        "at": write_moment(record.at),
        "decision": record.decision,
        "status": record.status,
        "code": record.code,
        "detail": record.detail,
        "trust_store": record.trust_store,
        "front": record.front,
        "serial_number": record.serial_number,
        "subject": record.subject,
        "issuer": record.issuer,
        "fingerprint_sha256": record.fingerprint_sha256,
        "duration_s": record.duration_s,
        "enforced": record.enforced,
        "repeats": record.repeats,
        "left_out": record.left_out,
    }


def _case(case: bytes | None) -> object:
    """The JSON object of a case; null for one that a damaged disk has made something else of."""
    try:
        document: object = None if case is None else from_json(case)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _query(query: Mapping[str, str]) -> DecisionQuery:
    return DecisionQuery(
        code=read_word(query, "code", Code),
        decision=read_word(query, "decision", Decision),
        trust_store=query.get("trust_store"),
        before=query.get("before"),
        limit=read_count(query, "limit", DEFAULT_LIMIT, MOST_LISTED),
    )
