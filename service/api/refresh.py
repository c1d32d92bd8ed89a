"""`POST /v1/refresh` and `POST /v1/cache/purge`: what administrators have done now.

Rules they keep: an administrator's token is needed where tokens are configured; who asks is logged; without a body,
everything is meant, as with `{}`.
"""

from starlette.types import Receive, Scope

from service.api.auditing import begin_change
from service.api.body import receive_body
from service.api.crl_problems import unknown_source
from service.api.json_text import read_json
from service.api.moment import write_moment
from service.api.operator_schemas import PurgeRequest, RefreshRequest
from service.api.permission import permit_admin
from service.api.problems import ProblemError
from service.api.query import read_flag, read_query, wrong
from service.api.reply import Reply, json_reply
from service.api.rules import ApiRules
from service.application.operating.purging import CacheKind, Purging
from service.application.operating.refreshing import Refreshed, Refreshing, UnknownSourceError
from service.application.prefetch.desk import Waiting

WAIT = "wait"
"""The parameter that says whether to wait."""


class RefreshHandler:
    """Handles `POST /v1/refresh`."""

    def __init__(self, refreshing: Refreshing, rules: ApiRules) -> None:
        """Take who does it, and who may."""
        self._refreshing = refreshing
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Handle it: 202 for what was started, 200 where all of it was waited for."""
        by = permit_admin(self._rules, scope, "sources are refreshed")
        waiting = Waiting.DONE if read_flag(read_query(scope, (WAIT,)), WAIT) else Waiting.STARTED
        request = RefreshRequest.model_validate(await _document(scope, receive, self._rules.max_request_bytes))
        named = _named(request)
        await begin_change(self._rules, scope, by, {"sources": "all" if named is None else named})
        try:
            refreshed = await self._refreshing.refresh(named, waiting, by)
        except UnknownSourceError:
            raise ProblemError(unknown_source()) from None
        is_done = waiting is Waiting.DONE and not refreshed.running
        return json_reply(200 if is_done else 202, refreshed_document(refreshed))


class PurgeHandler:
    """Handles `POST /v1/cache/purge`."""

    def __init__(self, purging: Purging, rules: ApiRules) -> None:
        """Take who does it, and who may."""
        self._purging = purging
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Handle it."""
        by = permit_admin(self._rules, scope, "caches are purged")
        request = PurgeRequest.model_validate(await _document(scope, receive, self._rules.max_request_bytes))
        kinds = tuple(kind for kind in CacheKind if kind in request.caches)
        await begin_change(self._rules, scope, by, {"caches": [kind.value for kind in kinds]})
        return json_reply(200, {"purged": kinds, "generation": await self._purging.purge(kinds, by)})


def refreshed_document(refreshed: Refreshed) -> dict[str, object]:
    """What came of a refresh: the fields of `operator_schemas.RefreshAnswer`."""
    return {
        "asked_at": write_moment(refreshed.asked_at),
        "started": refreshed.started,
        "unknown": refreshed.unknown,
        "outcomes": [
            {"source": one.source, "problem": one.problem, "detail": one.detail} for one in refreshed.outcomes
        ],
        "running": refreshed.running,
    }


async def _document(scope: Scope, receive: Receive, max_bytes: int) -> object:
    body = await receive_body(scope, receive, max_bytes)
    return read_json(body) if body else {}


def _named(request: RefreshRequest) -> tuple[str, ...] | None:
    if request.source is not None and request.sources is not None:
        raise wrong("request", "one of source and sources is enough")
    return request.sources if request.source is None else (request.source,)
