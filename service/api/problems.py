"""Problems after RFC 9457: the one place where errors become HTTP.

A problem tells a caller what to change, and never quotes more of the request than the name of a field. What a caller
can send is never a 500; what is one tells nothing of what happened here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from pydantic import ValidationError
from pydantic_core import to_json

from service.api.reply import PROBLEM_JSON, Header, Reply
from service.application.blocks import (
    BlockNotWrittenError,
    BlocksUnavailableError,
    TooManyBlocksError,
    UnknownBlockError,
)
from service.application.evidence_store import StoreError
from service.application.prefetch.desk import PrefetcherUnavailableError
from service.application.submission import SubmissionError
from service.application.trust_stores import UnknownTrustStoreError

TYPE_PREFIX = "urn:revet:problem:"

RETRY_AFTER_S = 1
"""Seconds after which one who was turned away may try again: requests last half a second at most by default."""

RETRY_LATER = ((b"retry-after", b"%d" % RETRY_AFTER_S),)

MAX_FIELDS = 8
"""Fields that one problem names; who has more of them wrong reads the documentation."""

MAX_NAME_LENGTH = 64
"""Characters of a caller's own text that a problem repeats: enough for the name of any field."""

Location: TypeAlias = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field.

    Attributes:
        field: Its path: `options.evidence.crls[3]`.
    """

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request got no answer.

    Attributes:
        kind: What `type` ends with; it does not change between versions.
        detail: One sentence or two for a person.
        fields: Which fields are at fault.
        headers: Headers that the answer needs.
        more: Members besides (RFC 9457 §3.2), for programs.
    """

    status: HTTPStatus
    kind: str
    title: str
    detail: str
    fields: tuple[FieldFault, ...] = ()
    headers: tuple[Header, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """The problem as a JSON object (RFC 9457 §3)."""
        document: dict[str, object] = {
            "type": f"{TYPE_PREFIX}{self.kind}",
            "title": self.title,
            "status": self.status.value,
            "detail": self.detail,
        }
        if self.fields:
            document["errors"] = [{"field": fault.field, "detail": fault.detail} for fault in self.fields]
        return {**document, **self.more}


class ProblemError(Exception):
    """A request that gets a problem for an answer.

    Attributes:
        problem: Which.
    """

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        super().__init__(problem.detail)
        self.problem = problem


def problem_of(error: Exception) -> Problem | None:
    """The problem that an exception means to the caller; None for one that is our own fault."""
    match error:
        case ProblemError():
            return error.problem
        case ValidationError():
            return invalid_request(_faults(error))
        case SubmissionError():
            return unreadable_certificates(error.reason)
        case BlockNotWrittenError() | BlocksUnavailableError() | TooManyBlocksError() | UnknownBlockError():
            return _problem_of_blocks(error)
        case PrefetcherUnavailableError():
            return prefetcher_unavailable(str(error))
        case StoreError():
            return store_unavailable()
        case UnknownTrustStoreError():
            return unknown_trust_store(is_unusable=error.problem is not None)
        case _:
            return None


def _problem_of_blocks(
    error: BlockNotWrittenError | BlocksUnavailableError | TooManyBlocksError | UnknownBlockError,
) -> Problem:
    match error:
        case BlockNotWrittenError():
            return block_not_written()
        case BlocksUnavailableError():
            return blocks_unavailable()
        case TooManyBlocksError():
            return too_many_blocks()
        case UnknownBlockError():
            return unknown_block()


def problem_reply(problem: Problem) -> Reply:
    """The answer that tells of a problem."""
    return Reply(problem.status, to_json(problem.document()), PROBLEM_JSON, problem.headers)


def malformed_json(detail: str) -> Problem:
    """The body is no JSON."""
    return Problem(HTTPStatus.BAD_REQUEST, "malformed-json", "The body is not JSON", detail)


def invalid_request(faults: tuple[FieldFault, ...]) -> Problem:
    """Fields that are missing, unknown, or hold what they should not."""
    detail = "; ".join(f"{fault.field}: {fault.detail}" for fault in faults)
    return Problem(HTTPStatus.BAD_REQUEST, "invalid-request", "A field of the request is wrong", f"{detail}.", faults)


def unreadable_certificates(reason: str) -> Problem:
    """A certificate that is no text of one, or too many of them."""
    detail = f"{reason[:1].upper()}{reason[1:]}."
    return Problem(HTTPStatus.BAD_REQUEST, "unreadable-certificates", "The certificates cannot be read", detail)


def unauthenticated(*, token_given: bool) -> Problem:
    """No token, or one that nobody gave out (RFC 6750 §3)."""
    challenge = b'Bearer realm="revet"'
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        "A token is needed",
        "The token is not known here." if token_given else "Authorization: Bearer and a token are needed.",
        headers=((b"www-authenticate", challenge + b', error="invalid_token"' if token_given else challenge),),
    )


def overrides_refused() -> Problem:
    """A request with options where none may have them."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        "options-not-allowed",
        "Requests may not carry options here",
        "options: the operator has not set REVET_ALLOW_REQUEST_OVERRIDES.",
    )


def admin_needed(what: str) -> Problem:
    """A caller's token where an administrator's is needed."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        "admin-needed",
        "An administrator's token is needed",
        f"{what}: only with an administrator's token.",
    )


def unknown_trust_store(*, is_unusable: bool) -> Problem:
    """A trust store that is not there, or that was written down and cannot be used."""
    detail = "there is one of this name, which cannot be used; /readyz says why" if is_unusable else "there is none"
    return Problem(
        HTTPStatus.NOT_FOUND,
        "unknown-trust-store",
        "There is no such trust store",
        f"trust_store: {detail}.",
        (FieldFault("trust_store", detail),),
    )


def unknown_block() -> Problem:
    """A block that is not there."""
    return Problem(
        HTTPStatus.NOT_FOUND, "unknown-block", "There is no such block", "GET /v1/blocks lists those there are."
    )


def too_many_blocks() -> Problem:
    """No room for another block."""
    return Problem(
        HTTPStatus.CONFLICT,
        "too-many-blocks",
        "There are too many blocks",
        "Nothing was blocked: remove blocks whose time is over, or block the key or the certificate of the issuer.",
    )


def blocks_unavailable() -> Problem:
    """Blocks that cannot be read or written: nothing is allowed, and nothing denied for good, without them."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "blocks-unavailable",
        "The block list cannot be used",
        "Nothing is decided without it; the log and /readyz say more.",
        headers=RETRY_LATER,
    )


def block_not_written() -> Problem:
    """A change of blocks that a full or broken disk has not taken: what is decided rests on what is held."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "blocks-unavailable",
        "The block list cannot be written",
        "Nothing was changed; the log says why.",
        headers=RETRY_LATER,
    )


def block_is_local(block_id: str, why: str, block: Mapping[str, object] | None = None) -> Problem:
    """A change that is in force on this host alone. No Retry-After: whoever blocks again makes another block."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "block-is-local",
        "It is done on this host alone",
        f"It is durable, and in force here. {why}",
        more={"local": True, "block_id": block_id, **({} if block is None else {"block": block})},
    )


def prefetcher_unavailable(reason: str = "") -> Problem:
    """Nobody fetches CRLs at this moment; the reason says how that is known."""
    how = f" ({reason})" if reason else ""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "prefetcher-unavailable",
        "The prefetcher does not answer",
        f"It is being replaced, as a rule; try again in {RETRY_AFTER_S} s.{how}",
        headers=RETRY_LATER,
    )


def store_unavailable() -> Problem:
    """The host's store cannot be read or written."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "store-unavailable",
        "The store cannot be used",
        "Nothing was changed; /readyz says more.",
        headers=RETRY_LATER,
    )


def not_found() -> Problem:
    """A path where nothing is."""
    return Problem(HTTPStatus.NOT_FOUND, "not-found", "Nothing is served here", "See /docs for what there is.")


def method_not_allowed(allowed: Iterable[str]) -> Problem:
    """A method that the path does not have."""
    methods = ", ".join(sorted(allowed))
    return Problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "This method is not served here",
        f"It is {methods}.",
        headers=((b"allow", methods.encode()),),
    )


def too_slow(detail: str) -> Problem:
    """A request that did not arrive in time, or its body."""
    return Problem(
        HTTPStatus.REQUEST_TIMEOUT,
        "too-slow",
        "The request did not arrive in time",
        detail,
        headers=((b"connection", b"close"),),
    )


def body_too_large(limit: int) -> Problem:
    """A body over the limit; what is left of it is not read, so that the connection serves nobody any more."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        "The body is too large",
        f"The limit is {limit} bytes.",
        headers=((b"connection", b"close"),),
    )


def too_many_items(count: int, limit: int) -> Problem:
    """A batch over the limit."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-many-items",
        "The batch has too many items",
        f"It has {count}; the limit is {limit}.",
    )


def unsupported_media_type(detail: str) -> Problem:
    """A body that is something else than JSON."""
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is of another type", detail)


def overloaded() -> Problem:
    """More requests at once than can be answered in time."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "overloaded",
        "Too many requests at once",
        f"Try again in {RETRY_AFTER_S} s.",
        headers=RETRY_LATER,
    )


def internal() -> Problem:
    """Our own fault; what it was stands in the log."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Something is wrong here",
        "It is not the request; the log says more.",
    )


def printable(name: str) -> str:
    """A caller's own text, safe to repeat: printable ASCII, of bounded length."""
    short = name if len(name) <= MAX_NAME_LENGTH else f"{name[:MAX_NAME_LENGTH]}..."
    return ascii(short)[1:-1]


def _faults(error: ValidationError) -> tuple[FieldFault, ...]:
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(
        FieldFault(_path(one["loc"]), "unknown field" if one["type"] == "extra_forbidden" else one["msg"])
        for one in errors[:MAX_FIELDS]
    )


def _path(location: Location) -> str:
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{printable(step)}" if path else printable(step)
    return path or "request"
