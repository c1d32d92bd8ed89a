"""`revet explain --decision` and `--decision-file`: a kept decision is made once more, and held against the answer."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result

from service.api.decisions import decision_document
from service.application.decision_records import DecisionRecord
from service.application.recording import Answered, kept_record
from service.application.replay.case import ReplayCase
from service.application.shadow import shadowed
from service.cli.app import app
from service.cli.kept_decision import MAX_FILE_OCTETS
from service.core.model.policy import Policy
from tests.application.replay.keeping import Everything
from tests.cli.serving import Answer, answering
from tests.core.decision.pieces import CHAIN
from tests.core.decision.shell import Shelf, ask
from tests.pki import NOW

Document = dict[str, Any]

SAME: Final = "The replay comes to what was answered."
ANOTHER: Final = "The replay comes to another verdict than was answered."


def kept(*, in_shadow: bool = False) -> Document:
    """A revoked certificate, as a service gives the decision about it."""
    outcome = ask(CHAIN.leaf, CHAIN.store, held=Shelf((CHAIN.sub.crl(revoked=[CHAIN.leaf.serial], number=7),)))
    verdict = shadowed(outcome.verdict) if in_shadow else outcome.verdict
    keeper = Everything()
    answered = Answered("abc123", NOW, verdict, outcome.verdict, "default", "api", 0.25)
    kept_record(keeper, answered, ReplayCase(outcome.request, outcome.evidence, Policy(), NOW))
    return whole(keeper.records[0])


def whole(record: DecisionRecord) -> Document:
    """A record as `GET /v1/decisions/{id}` gives it."""
    assert record.case is not None
    found: Document = json.loads(json.dumps(decision_document(record)))
    return {**found, "case": json.loads(record.case)}


def run(*arguments: str) -> Result:
    """The command."""
    return CliRunner().invoke(app, ["explain", *arguments])


def of_file(directory: Path, content: str | bytes | Document, *arguments: str) -> Result:
    """The command with what a file holds."""
    file = directory / "decision.json"
    if isinstance(content, dict):
        content = json.dumps(content)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return run("--decision-file", str(file), *arguments)


def test_a_service_is_asked() -> None:
    """For that decision, and the tree says what it rested on."""
    asked: list[str] = []

    def respond(method: str, path: str, body: Document) -> Answer:
        del body
        asked.append(f"{method} {path}")
        return 200, kept()

    with answering(respond) as url:
        result = run("--decision", "abc 12/3", "--url", url)
    assert (0, ["GET /v1/decisions/abc%2012%2F3"]) == (result.exit_code, asked)
    for words in ("abc123  deny / revoked", "CN=leaf", "CN=Sub", "crl 7 from evidence", SAME):
        assert words in result.output


def test_a_service_that_does_not_keep_it() -> None:
    """It could not be asked: what the service says is printed, and the exit code is neither of a verdict's."""
    with answering(lambda *_: (404, {"title": "unknown decision", "detail": "not kept"})) as url:
        result = run("--decision", "abc123", "--url", url)
    assert (2, True) == (result.exit_code, "answered 404: not kept" in result.output)


def test_a_file(tmp_path: Path) -> None:
    """It needs no service."""
    result = of_file(tmp_path, kept())
    assert (0, True) == (result.exit_code, SAME in result.output)


def test_json(tmp_path: Path) -> None:
    """Both outcomes, whether they are the same, and the replay as `POST /v1/validate` would answer."""
    result = of_file(tmp_path, kept(), "--json")
    document = json.loads(result.stdout)
    outcome = {"decision": "deny", "status": "revoked", "code": "revoked", "enforced": None}
    assert (0, True, "abc123", None) == (
        result.exit_code,
        document["agrees"],
        document["decision_id"],
        document["repeats"],
    )
    assert document["answered"] == document["replayed"] == {**outcome, "detail": document["answer"]["detail"]}
    assert ["CN=leaf", "CN=Sub"] == [one["subject"] for one in document["answer"]["path"]]


def test_shadow(tmp_path: Path) -> None:
    """What was put aside is put aside again."""
    result = of_file(tmp_path, kept(in_shadow=True))
    assert 0 == result.exit_code
    for words in ("allow / ok", "Allowed in shadow mode alone.", SAME):
        assert words in result.output


def test_a_decision_that_repeats_another(tmp_path: Path) -> None:
    """Its case is that of the first; both are named."""
    result = of_file(tmp_path, {**kept(), "repeats": "abc122"})
    assert (0, True) == (result.exit_code, "abc123, which repeats abc122" in result.output)


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "allow", "code": "ok", "status": "good"},
        {"code": "expired"},
        {"status": "unknown"},
        {"detail": "another \x1b sentence"},
        {"enforced": "revoked"},
    ],
)
def test_another_verdict(tmp_path: Path, change: Document) -> None:
    """The exit code is 1, both are shown, and nothing that a terminal obeys is."""
    result = of_file(tmp_path, {**kept(), **change})
    assert 1 == result.exit_code
    for words in (ANOTHER, "  answered: ", "  replayed: "):
        assert words in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "JSON of another kind"),
        ({}, "decision is no text"),
        ({**kept(), "code": "fine"}, "code is none that this version knows"),
        ({**kept(), "at": "now"}, "at is no moment"),
        ({**kept(), "case": None}, "kept without what it rests on"),
        ({**kept(), "case": {"version": 2}}, "of another version than 1"),
        ({**kept(), "fingerprint_sha256": "00" * 32}, "its case is about another certificate"),
        ({**kept(), "fingerprint_sha256": None}, "its case is about another certificate"),
        ({**kept(), "case": {"version": 1, "left_out": "too_large"}}, "left out: too_large"),
        (b" " * (MAX_FILE_OCTETS + 1), "longer than"),
    ],
)
def test_what_cannot_be_replayed(tmp_path: Path, content: str | bytes | Document, reason: str) -> None:
    """One line says why, and the exit code is that of a question that could not be asked."""
    result = of_file(tmp_path, content)
    assert (2, 1) == (result.exit_code, result.output.count("\n"))
    assert reason in result.output


def test_a_case_that_is_not_enough(tmp_path: Path) -> None:
    """Evidence that the decision depends on is not in it."""
    document = kept()
    document["case"]["case"]["evidence"] = {"crls": [], "ocsp": []}
    result = of_file(tmp_path, document)
    assert (2, True) == (result.exit_code, "the case lacks evidence" in result.output)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "give a certificate, or --decision"),
        (("--decision", "a", "--decision-file", "b"), "give one of them"),
        (("--decision", "a", "leaf.pem"), "give no certificates"),
        (("--decision", "a", "--trust-store", "b"), "give no certificates and no trust store"),
        (("--decision-file", "/nobody/here"), "No such file"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], reason: str) -> None:
    """Nothing is asked."""
    result = run(*arguments)
    assert (2, True) == (result.exit_code, reason in result.output)
