"""What is asked of the prefetcher beside orders: what was used, what is to be learned, a refresh, a reset, a word."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, assert_never

from service.adapters.ipc.message import MessageError, line, order_document, read_order
from service.application.claims import ClaimOutcome, CrlClaim
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import StoreError
from service.application.prefetch.desk import RefreshReport, SourceOutcome, Waiting
from service.core.model.attempt import Problem

ROOM = 192 * 1024
"""Octets of what a message lists, three quarters of a line: the rest is for names, quotes and commas around them."""

MAX_ITEMS = 4096
"""Of one list: a single octet each would be a long one of nothing."""

FAULT = "fault"
"""The member of an answer that says that there is none."""

_FAULT_BEGINS = b'{"fault":'

_AGAIN = b'{"again":true}\n'

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ping:
    """Whether anybody is there."""


@dataclass(frozen=True, slots=True)
class StandingQuestion:
    """How this replica stands with its fleet."""


@dataclass(frozen=True, slots=True)
class UsedRequest:
    """Verdicts rested on these."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """Verdicts rest on these, and nobody has ordered them."""

    orders: tuple[CrlOrder, ...]


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """Somebody wants sources tried now."""

    source: str | None
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """Lower CRL numbers are to be accepted in these slots."""

    slots: tuple[bytes, ...]


Question: TypeAlias = Ping | StandingQuestion | UsedRequest | LearnRequest | RefreshRequest | ResetRequest | CrlClaim

Request: TypeAlias = CrlOrder | Question


def encode_request(request: Question) -> bytes:
    """The line that asks.

    Raises:
        MessageError: it is too long.
    """
    match request:
        case Ping():
            return line({"kind": "ping"})
        case StandingQuestion():
            return line({"kind": "standing"})
        case UsedRequest(keys):
            return line({"kind": "used", "keys": keys})
        case LearnRequest(orders):
            return line({"kind": "learn", "orders": [order_document(order) for order in orders]})
        case RefreshRequest(source, waiting):
            return line({"kind": "refresh", "source": source, "waiting": waiting.value})
        case ResetRequest(slots):
            return line({"kind": "reset", "slots": [slot.hex() for slot in slots]})
        case CrlClaim(digests, signers):
            listed = [digest.hex() for digest in digests]
            return line({"kind": "claim", "digests": listed, **order_document(CrlOrder((), signers))})
        case _:
            assert_never(request)


def decode_request(text: bytes) -> Request:
    """What a line asks for.

    Raises:
        MessageError: nothing that is known here.
    """
    try:
        document = json.loads(text)
        match document["kind"]:
            case "order":
                return read_order(document)
            case "ping":
                return Ping()
            case "standing":
                return StandingQuestion()
            case "used":
                return UsedRequest(_texts(document["keys"]))
            case "learn":
                return LearnRequest(tuple(read_order(order) for order in _list(document["orders"])))
            case "refresh":
                source = document["source"]
                return RefreshRequest(None if source is None else _one_text(source), Waiting(document["waiting"]))
            case "reset":
                return ResetRequest(tuple(bytes.fromhex(slot) for slot in _texts(document["slots"])))
            case "claim":
                digests = tuple(bytes.fromhex(digest) for digest in _texts(document["digests"]))
                return CrlClaim(digests, read_order(document).signers)
            case _:
                raise MessageError("a request of an unknown kind")
    except (ValueError, TypeError, KeyError) as error:
        raise error if isinstance(error, MessageError) else MessageError("not a request") from error


def encode_done() -> bytes:
    """The answer that says nothing but that it was heard."""
    return line({"done": True})


def encode_claim_outcome(outcome: ClaimOutcome) -> bytes:
    """The answer to a claim."""
    return line({"claim": outcome.value})


def decode_claim_outcome(text: bytes) -> ClaimOutcome:
    """What came of a claim.

    Raises:
        MessageError: it is another answer.
    """
    try:
        return ClaimOutcome(json.loads(text)["claim"])
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not an answer") from error


def encode_fault(error: Exception) -> bytes:
    """The answer where something went wrong that nobody has thought of: what kind of thing; the log has the rest."""
    return line({FAULT: type(error).__name__})


def fault_of(text: bytes) -> str | None:
    """What went wrong, where that is the answer; None for every other one."""
    if not text.startswith(_FAULT_BEGINS):
        return None
    try:
        return str(json.loads(text)[FAULT])
    except ValueError:
        return "not an answer"


def encode_again() -> bytes:
    """The answer of a prefetcher that makes room for another: ask that one."""
    return _AGAIN


def is_again(text: bytes) -> bool:
    """Whether that is the answer."""
    return text == _AGAIN


def encode_failed(reason: str) -> bytes:
    """The answer that says why nothing was done."""
    return line({"failed": reason})


def check_done(text: bytes) -> None:
    """Look whether that is the answer.

    Raises:
        MessageError: it is another one.
        StoreError: it says that nothing was done, since the store could not be written.
    """
    try:
        if "failed" in (document := json.loads(text)):
            raise StoreError(str(document["failed"]))
        if json.loads(text)["done"] is not True:
            raise MessageError("not an answer")
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not an answer") from error


def encode_unknown(keys: tuple[str, ...]) -> bytes:
    """The answer to what was used."""
    return line({"unknown": keys})


def decode_unknown(text: bytes) -> tuple[str, ...]:
    """The keys that nobody knew.

    Raises:
        MessageError: it is another answer.
    """
    try:
        return _texts(json.loads(text)["unknown"])
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not an answer") from error


def encode_refresh_report(report: RefreshReport) -> bytes:
    """The answer to a refresh: of many sources, as many as find room."""
    started = next(batches(report.started, octets_of_text), ())
    outcomes = [[one.source, one.problem and one.problem.value, one.detail] for one in report.outcomes]
    told = next(batches(outcomes, lambda one: sum(octets_of_text(part or "") for part in one)), ())
    if outcomes:  # they name the sources
        started = ()
    return line({"total": report.total, "started": started, "outcomes": told})


def decode_refresh_report(text: bytes) -> RefreshReport:
    """What came of a refresh.

    Raises:
        MessageError: it is another answer.
    """
    try:
        document = json.loads(text)
        outcomes = tuple(
            SourceOutcome(str(source), None if problem is None else Problem(problem), str(detail))
            for source, problem, detail in document["outcomes"]
        )
        started = _texts(document["started"]) or tuple(one.source for one in outcomes)
        return RefreshReport(int(document["total"]), started, outcomes)
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not an answer") from error


def batches(items: Iterable[T], octets: Callable[[T], int]) -> Iterator[tuple[T, ...]]:
    """The items in lists that find room in a message, in order; one that is too long by itself is a list of its own."""
    batch: list[T] = []
    room = ROOM
    for item in items:
        size = octets(item)
        if batch and (size > room or len(batch) == MAX_ITEMS):
            yield tuple(batch)
            batch, room = [], ROOM
        batch.append(item)
        room -= size
    if batch:
        yield tuple(batch)


def octets_of_order(order: CrlOrder) -> int:
    """What an order takes of a message, a little too much."""
    signers = sum(
        len(one.name) + len(one.spki) + sum(map(len, (*one.path, *one.authorities))) + 4 * len(one.authorities)
        for one in order.signers
    )
    return sum(map(octets_of_text, order.urls)) + signers * 3 // 2 + 64


def octets_of_text(text: str) -> int:
    """What a text takes of a message."""
    return len(json.dumps(text)) + 1


def _list(value: object) -> list[object]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise MessageError(f"not a list of at most {MAX_ITEMS}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_one_text(one) for one in _list(value))


def _one_text(value: object) -> str:
    if not isinstance(value, str):
        raise MessageError("not a text")
    return value
