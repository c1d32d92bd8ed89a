"""Trying mutants: in a copy, against the tests of their room first, until the time is over."""

import json
from pathlib import Path

import pytest

import mutants.__main__ as session_module
from mutants import trial
from mutants.__main__ import Session, document, main, run, summary
from mutants.population import Mutant, Population
from mutants.trial import Outcome, Result, Workshop
from tests.mutants.repositories import MODULE, TEST, make_repository


def mutant(before: str, after: str) -> Mutant:
    """The module with one text in place of another."""
    assert MODULE.count(before) == 1
    return Mutant(Path("service/core/crl/module.py"), "crl", "f", MODULE, MODULE.replace(before, after))


@pytest.mark.slow
def test_outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests of the room or of another notice is killed, what never ends is ended, and the rest lives."""
    other = "from service.core.crl.module import LIMIT\n\n\ndef test() -> None:\n    assert 8 == LIMIT\n"
    root = make_repository(tmp_path / "root", {"crl": TEST, "decision": other})
    workshop = Workshop(root, tmp_path / "copy")
    workshop.measure()
    monkeypatch.setattr(trial, "PATIENCE_S", 1.0)

    killed = workshop.attempt(mutant("size > LIMIT", "size >= LIMIT"))
    elsewhere = workshop.attempt(mutant("LIMIT = 8", "LIMIT = 8.0 if __name__ else 8\nLIMIT += 0.25"))
    endless = workshop.attempt(mutant("number += 1", "number += 0"))
    survivor = workshop.attempt(mutant("return None", "return  None"))
    broken = workshop.attempt(mutant("LIMIT = 8", "LIMIT = 8 +"))

    assert (Result.KILLED, "tests/core/crl/test_crl.py::test_limit") == (killed.result, killed.killer)
    assert (Result.KILLED, "tests/core/decision/test_decision.py::test") == (elsewhere.result, elsewhere.killer)
    assert Result.TIMEOUT is endless.result
    assert Result.SURVIVED is survivor.result
    assert Result.KILLED is broken.result
    assert MODULE == (root / "service/core/crl/module.py").read_text()
    assert MODULE == (tmp_path / "copy/service/core/crl/module.py").read_text()


@pytest.mark.slow
def test_tests_pass_before_anything_is_changed(tmp_path: Path) -> None:
    """A suite that fails anyway notices everything."""
    root = make_repository(tmp_path / "root", {"path": "def test() -> None:\n    assert False\n"})

    with pytest.raises(RuntimeError, match="the tests of path fail where nothing is changed"):
        Workshop(root, tmp_path / "copy").measure()


@pytest.mark.slow
def test_whole_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command finds mutants, tries as many as it may, tells of survivors, and writes everything down."""
    root = make_repository(tmp_path / "root", {"crl": "def test() -> None:\n    assert True\n"})
    monkeypatch.setattr(session_module, "ROOT", root)
    monkeypatch.setattr(session_module, "REPORT", tmp_path / "report.json")
    monkeypatch.setattr("sys.argv", ["mutants", "--limit", "2", "--jobs", "2", "--seed", "7"])

    assert 1 == main()

    report = json.loads((tmp_path / "report.json").read_text())
    assert (7, 2, 2, 0.0) == tuple(report[name] for name in ("seed", "tried", "survived", "rate"))
    assert report["outcomes"][0]["place"] in capsys.readouterr().out


def test_no_time_is_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the time is over, the mutants that are left are not tried."""
    monkeypatch.setattr(session_module, "ROOT", make_repository(tmp_path / "root", {}))
    monkeypatch.setattr(Workshop, "measure", lambda *_: {})

    assert () == run(seed=1, minutes=0, jobs=1, limit=None).outcomes


ONE, TWO, THREE = (
    mutant("LIMIT = 8", "LIMIT = 9"),
    mutant("size > LIMIT", "size >= LIMIT"),
    mutant("number += 1", "number += 2"),
)


def finished(*results: Result) -> Session:
    """A session with the mutants from the last to the first."""
    outcomes = (Outcome(one, result) for one, result in zip((THREE, TWO, ONE), results, strict=True))
    return Session(5, 60, Population((ONE, TWO, THREE), 4), tuple(outcomes))


def test_rate_counts_what_was_noticed() -> None:
    """A test that does not end notices as well as one that fails."""
    session = finished(Result.KILLED, Result.TIMEOUT, Result.SURVIVED)

    assert 2 / 3 == session.rate()
    assert 2 / 3 == session.rate("crl")
    assert 1.0 == session.rate("path")


def test_survivors_are_told_one_by_one() -> None:
    """In the order of the file, with what was changed."""
    told = list(summary(finished(Result.SURVIVED, Result.KILLED, Result.SURVIVED)))

    assert told.index("-LIMIT = 8") < told.index("-        number += 1")
    assert "service/core/crl/module.py:7 f" in told
    assert "+    if size >= LIMIT:" not in told
    assert ["all", "3", "3", "1", "0", "2", "33.3%"] == next(line.split() for line in told if line.startswith("all"))


def test_document_has_everything() -> None:
    """What is printed can be counted again by a machine."""
    written = document(finished(Result.KILLED, Result.TIMEOUT, Result.SURVIVED))

    names = ("seed", "mutants", "refused_by_mypy", "tried", "killed", "timeout", "survived")
    assert [5, 3, 4, 3, 1, 1, 1] == [written[name] for name in names]
