"""`GET /v1/crls`, and `POST /v1/crls/reset`: what is held and how fresh it is, and a rebuilt authority's way back.

Rules they keep: looking needs a token, resetting an administrator's, where tokens are configured; a page is bounded,
and is made in another thread than that of the verdicts.
"""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from pydantic_core import to_json
from starlette.types import Receive, Scope

from service.api.auditing import begin_change, tell_of_change
from service.api.body import receive_json
from service.api.crl_problems import unknown_crl
from service.api.moment import write_moment, write_optional
from service.api.operator_schemas import ResetRequest
from service.api.permission import permit, permit_admin
from service.api.problems import ProblemError
from service.api.query import read_count, read_query, read_skip, read_word, wrong
from service.api.reply import Reply, json_reply
from service.api.rules import ApiRules
from service.application.evidence_store import HeldCrl
from service.application.operating.crl_listing import (
    CrlLine,
    CrlListing,
    CrlOrder,
    CrlStatus,
    Page,
    Wanted,
    scope_words,
)
from service.application.operating.resetting import (
    AmbiguousSlotError,
    Meant,
    NothingMeantError,
    OfIssuer,
    OfSlot,
    OfSource,
    Resetting,
)
from service.application.prefetch.source_record import Progress, SourceRecord
from service.core.model.malformed import MalformedError

DEFAULT_LIMIT: Final = 1_000
MOST_LISTED: Final = 10_000
"""Lines of one page: five times the partitions of one large AWS Private CA, some 12 MB of JSON."""

PARAMETERS: Final = ("limit", "after", "issuer", "status", "search", "order", "skip")
"""What the query may have."""


class CrlsHandler:
    """Handles `/v1/crls` and `/v1/crls/reset`."""

    def __init__(self, listing: CrlListing, resetting: Resetting, rules: ApiRules) -> None:
        """Take what lists, what resets, and who may."""
        self._listing = listing
        self._resetting = resetting
        self._rules = rules
        self._turn = asyncio.Lock()

    async def collection(self, scope: Scope, receive: Receive) -> Reply:
        """Handle `GET /v1/crls`."""
        del receive
        permit(self._rules, scope)
        wanted = _wanted(read_query(scope, PARAMETERS))
        async with self._turn:  # one thread at a time: verdicts share the interpreter with it
            return Reply(200, await asyncio.to_thread(self._page, wanted))

    async def reset(self, scope: Scope, receive: Receive) -> Reply:
        """Handle `POST /v1/crls/reset`."""
        by = permit_admin(self._rules, scope, "watermarks are reset")
        document = await receive_json(scope, receive, self._rules.max_request_bytes)
        try:
            request = ResetRequest.model_validate(document)
            meant = _meant(request)
            await begin_change(self._rules, scope, by, request.model_dump(exclude_none=True))
            found = await self._resetting.reset(meant, by)
        except MalformedError as error:
            raise wrong("issuer", error.reason) from error
        except AmbiguousSlotError:
            raise wrong("slot", "several slots begin so") from None
        except NothingMeantError:
            raise ProblemError(unknown_crl()) from None
        tell_of_change(scope, {"count": len(found), "slots": [one.slot.key.hex() for one in found]})
        return json_reply(200, {"reset": [_reset_document(one) for one in found]})

    def _page(self, wanted: Wanted) -> bytes:
        return to_json(page_document(self._listing.page(wanted)))


def page_document(page: Page) -> dict[str, object]:
    """A page as a JSON object: the fields of `operator_schemas.CrlsAnswer`."""
    places = [
        {
            "place": one.place,
            "listed_at": write_optional(one.listed_at),
            "objects": one.objects,
            "problem": one.problem,
        }
        for one in page.places
    ]
    return {
        "crls": [line_document(line) for line in page.lines],
        "total": page.total,
        "after": page.after,
        "places": places,
        "at": write_moment(page.at),
    }


def line_document(line: CrlLine) -> dict[str, object]:
    """A line as a JSON object: the fields of `operator_schemas.CrlAnswer`."""
    return {"id": line.id, "status": line.status, **_held(line.held), **_source(line)}


_NOT_HELD: Final[Mapping[str, object]] = dict.fromkeys((
    "issuer",
    "crl_number",
    "base_crl_number",
    "this_update",
    "next_update",
    "entries",
    "size",
    "scope",
    "slot",
    "sha256",
    "signer_spki_sha256",
    "fetched_at",
    "fetched_from",
))  # fmt: skip


def _held(held: HeldCrl | None) -> Mapping[str, object]:
    if held is None:
        return _NOT_HELD
    meta = held.meta
    return {
        "issuer": meta.issuer.text,
        "crl_number": meta.crl_number,
        "base_crl_number": meta.base_crl_number,
        "this_update": write_moment(meta.this_update),
        "next_update": write_optional(meta.next_update),
        "entries": meta.entries,
        "size": meta.size,
        "scope": scope_words(meta.issuing_distribution_point),
        "slot": held.slot.key.hex(),
        "sha256": meta.digest.hex(),
        "signer_spki_sha256": sha256(held.signer_spki).hexdigest(),
        "fetched_at": write_moment(held.fetched_at),
        "fetched_from": held.source,
    }


_NO_SOURCE: Final[Mapping[str, object]] = {
    **dict.fromkeys(("source",)),
    "places": (),
    **dict.fromkeys((
        "kind",
        "failures",
        "problem",
        "detail",
        "last_attempt",
        "last_success",
        "next_attempt",
        "number_moved_at",
        "stalled",
        "pending",
        "progress",
    )),
}  # fmt: skip


def _source(line: CrlLine) -> Mapping[str, object]:
    record = line.record
    if record is None:
        return _NO_SOURCE
    state, given = record.state, line.given
    return {
        "source": record.source.key,
        "places": record.source.places,
        "kind": record.source.kind,
        "failures": state.failures,
        "problem": record.problem,
        "detail": record.detail,
        "last_attempt": write_optional(state.tried_at),
        "last_success": write_optional(state.succeeded_at),
        "next_attempt": write_optional(line.next_attempt),
        "number_moved_at": None if given is None else write_moment(given.number_moved_at),
        "stalled": None if given is None else given.stalled,
        "pending": len(record.pending),
        "progress": _progress(record),
    }


def _progress(record: SourceRecord) -> dict[str, object] | None:
    progress: Progress | None = record.progress
    if progress is None:
        return None
    return {
        "phase": progress.phase,
        "done": progress.done,
        "total": progress.total,
        "entries": progress.entries,
        "entries_total": progress.entries_total,
        "at": write_moment(progress.at),
    }


def _wanted(query: Mapping[str, str]) -> Wanted:
    order = read_word(query, "order", CrlOrder) or CrlOrder.ID
    if "after" in query and order is not CrlOrder.ID:
        raise wrong("after", "only in the order of id; skip leaves lines out in any")
    return Wanted(
        issuer=query.get("issuer", ""),
        status=read_word(query, "status", CrlStatus),
        after=query.get("after", ""),
        limit=read_count(query, "limit", DEFAULT_LIMIT, MOST_LISTED),
        search=query.get("search", ""),
        order=order,
        skip=read_skip(query),
    )


def _meant(request: ResetRequest) -> Meant:
    match request:
        case ResetRequest(issuer=str(name), slot=None, url=None):
            return OfIssuer(name)
        case ResetRequest(issuer=None, slot=str(digits), url=None):
            return OfSlot(digits)
        case ResetRequest(issuer=None, slot=None, url=str(url)):
            return OfSource(url)
        case _:
            raise wrong("request", "exactly one of issuer, slot and url is needed")


def _reset_document(held: HeldCrl) -> dict[str, object]:
    return {
        "slot": held.slot.key.hex(),
        "issuer": held.meta.issuer.text,
        "crl_number": held.meta.crl_number,
        "fetched_from": held.source,
    }
