"""A kept decision as `GET /v1/decisions/{id}` gives it: from a service, or from a file where somebody saved it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from service.application.replay.agreement import Outcome
from service.application.replay.case import CaseError, ReplayCase
from service.application.replay.document import MAX_CASE_OCTETS, read_case_value
from service.cli.service_client import call_service
from service.core.model.failure import Code, Malformed
from service.core.model.verdict import Decision, Status

MAX_FILE_OCTETS: Final = 4 * MAX_CASE_OCTETS
"""Longer files are none that a service has answered with, indented or not."""

E = TypeVar("E", bound=Enum)


class DecisionError(Exception):
    """A decision cannot be had, or not be decided again.

    Attributes:
        reason: For a person.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """What a replay needs of a record.

    Attributes:
        decision_id: Names the decision.
        at: When it was answered, as the record writes it.
        outcome: What was answered.
        repeats: The decision that was given again; None where this one was decided then.
        case: What it rests on.
    """

    decision_id: str
    at: datetime
    outcome: Outcome
    repeats: str | None
    case: ReplayCase


def decision_of_service(decision_id: str, url: str, token: str | None) -> KeptDecision:
    """A decision that a service keeps.

    Raises:
        AskError: the service could not be asked, or does not keep it.
        DecisionError: what it answers is no decision with a case.
    """
    return _read(call_service("GET", url, f"/v1/decisions/{quote(decision_id, safe='')}", None, token))


def decision_of_file(path: Path) -> KeptDecision:
    """A decision that somebody has saved.

    Raises:
        DecisionError: the file cannot be read, or has no decision with a case.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_OCTETS + 1)
    except OSError as error:
        raise DecisionError(f"{path}: {error.strerror}") from None
    if len(content) > MAX_FILE_OCTETS:
        raise DecisionError(f"{path}: longer than {MAX_FILE_OCTETS} octets")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise DecisionError(f"{path}: not JSON") from None
    if not isinstance(document, dict):
        raise DecisionError(f"{path}: no decision, but JSON of another kind")
    return _read(document)


def _read(document: Mapping[str, Any]) -> KeptDecision:
    outcome = Outcome(
        _member(document, "decision", Decision),
        _member(document, "status", Status),
        _member(document, "code", Code),
        _text(document, "detail"),
        None if document.get("enforced") is None else _member(document, "enforced", Code),
    )
    repeats = None if document.get("repeats") is None else _text(document, "repeats")
    return KeptDecision(_text(document, "decision_id"), _moment(document), outcome, repeats, _case(document))


def _case(document: Mapping[str, Any]) -> ReplayCase:
    if document.get("case") is None:
        raise DecisionError("the decision is kept without what it rests on, and cannot be replayed")
    try:
        case = read_case_value(document["case"])
    except CaseError as error:
        raise DecisionError(f"the decision cannot be replayed: {error}") from None
    leaf = case.request.leaf
    # Many decisions end in the same words: those of another certificate would agree as well.
    if document.get("fingerprint_sha256") != (None if isinstance(leaf, Malformed) else leaf.fingerprint.hex()):
        raise DecisionError("the decision cannot be replayed: its case is about another certificate")
    return case


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise DecisionError(f"no decision as a service gives it: {name} is no text")
    return value


def _member(document: Mapping[str, Any], name: str, kind: type[E]) -> E:
    value = _text(document, name)
    found = next((one for one in kind if one.value == value), None)
    if found is None:
        raise DecisionError(f"no decision as a service gives it: {name} is none that this version knows")
    return found


def _moment(document: Mapping[str, Any]) -> datetime:
    text = _text(document, "at")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DecisionError("no decision as a service gives it: at is no moment") from None
