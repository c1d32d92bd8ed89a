"""`revet explain --decision`: a decision that was made is made once more, from what is kept of it, and shown as a tree.

Nothing is fetched and no trust store is read: the core decides in this process on what the record has.
"""

import os
from pathlib import Path
from typing import Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from service.api.answer_document import answer_document
from service.application.repeating import Repeatable
from service.application.replay.agreement import Outcome, Replayed, replay_answer
from service.application.replay.case import CaseError
from service.application.validate import ValidationAnswer
from service.cli.json_output import print_json
from service.cli.kept_decision import DecisionError, KeptDecision, decision_of_file, decision_of_service
from service.cli.options import DEFAULT_URL, TOKEN_VARIABLE, fail, output
from service.cli.rendering import render_explanation, styled, visible
from service.cli.service_client import AskError

EXIT_SAME = 0
EXIT_ANOTHER = 1
"""The replay comes to another verdict than was answered."""


def explain_decision(decision_id: str | None, file: Path | None, url: str | None, *, as_json: bool) -> typer.Exit:
    """Replay one decision, and say whether it comes to what was answered.

    Args:
        decision_id: Which, of a service; None where a file is given.
        file: Where it was saved; None where a service is asked.
        url: Of the service; None for the default.
        as_json: One JSON document instead of a tree.

    Returns:
        How the command ends.

    Raises:
        typer.Exit: it cannot be had, or not be replayed; the reason is printed.
    """
    try:
        kept = _kept(decision_id, file, url)
        replayed = replay_answer(kept.case, in_shadow=kept.outcome.enforced is not None)
    except (AskError, DecisionError) as error:
        raise fail(error.reason) from None
    except CaseError as error:
        raise fail(f"the decision cannot be replayed: {error}") from None
    agrees = replayed.outcome == kept.outcome
    if as_json:
        print_json(_document(kept, replayed, agrees=agrees))
    else:
        output.print(_rendered(kept, replayed, agrees=agrees))
    return typer.Exit(EXIT_SAME if agrees else EXIT_ANOTHER)


def _kept(decision_id: str | None, file: Path | None, url: str | None) -> KeptDecision:
    if decision_id is not None and file is not None:
        raise DecisionError("--decision asks a service, --decision-file reads a file: give one of them")
    if file is not None:
        return decision_of_file(file)
    return decision_of_service(decision_id or "", url or DEFAULT_URL, os.environ.get(TOKEN_VARIABLE))


def _answer(kept: KeptDecision, replayed: Replayed) -> dict[str, object]:
    """The replay as `POST /v1/validate` would answer."""
    verdict, decided = replayed.verdict, replayed.decided
    return answer_document(
        ValidationAnswer(
            verdict=verdict,
            decision_id=kept.decision_id,
            checked_at=kept.at,
            valid_until=verdict.valid_until,
            ignored=(),
            repeatable=Repeatable(verdict.decision, verdict.status, verdict.code, "", ""),
            enforced=None if verdict is decided else decided,
        )
    )


def _document(kept: KeptDecision, replayed: Replayed, *, agrees: bool) -> dict[str, object]:
    return {
        "decision_id": kept.decision_id,
        "repeats": kept.repeats,
        "agrees": agrees,
        "answered": _outcome(kept.outcome),
        "replayed": _outcome(replayed.outcome),
        "answer": _answer(kept, replayed),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "decision": outcome.decision,
        "status": outcome.status,
        "code": outcome.code,
        "detail": outcome.detail,
        "enforced": outcome.enforced,
    }


def _rendered(kept: KeptDecision, replayed: Replayed, *, agrees: bool) -> RenderableType:
    name = kept.decision_id if kept.repeats is None else f"{kept.decision_id}, which repeats {kept.repeats}"
    tree = render_explanation(name, _answer(kept, replayed))
    if agrees:
        return Group(tree, Text("The replay comes to what was answered.", style="green"))
    return Group(
        tree,
        Text("The replay comes to another verdict than was answered.", style="bold red"),
        _line("answered", kept.outcome),
        _line("replayed", replayed.outcome),
    )


def _line(word: str, outcome: Outcome) -> Text:
    shadow = "" if outcome.enforced is None else f" (instead of {outcome.enforced.value})"
    verdict = Text.assemble(f"  {word}: ", styled(outcome.decision), " / ", styled(outcome.status))
    return verdict.append(f" / {outcome.code.value}{shadow}: {visible(outcome.detail)}")
