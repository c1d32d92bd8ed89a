"""Running the targets: bounded, and what is found is kept and told."""

import sys
from pathlib import Path

import pytest

import fuzz.__main__ as running
from fuzz.__main__ import Outcome, report, run_bounded

STAND_IN = """
import pathlib, sys
options = dict(word[1:].split("=") for word in sys.argv[2:] if word.startswith("-"))
seeds = pathlib.Path(sys.argv[-1])
assert any(seeds.iterdir()), "no seeds"
print("INFO: starting")
print("#2 INITED cov: 7 ft: 9")
print("stat::number_of_executed_units: 5")
print("Traceback: what was wrong")
if {finds}:
    pathlib.Path(options["artifact_prefix"], "crash-1").write_bytes(b"input")
    sys.exit(77)
"""


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where findings go in this test."""
    monkeypatch.setattr(running, "FINDINGS", tmp_path)
    return tmp_path


def stand_in(monkeypatch: pytest.MonkeyPatch, *, finds: bool) -> None:
    """A program in the place of libFuzzer."""
    monkeypatch.setattr(running, "ENGINE", ("-c", STAND_IN.format(finds=finds)))


def test_finding_is_kept(findings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The input, the exception and what to do with them are there at the end."""
    stand_in(monkeypatch, finds=True)

    outcome = running.fuzz("pem", 1, None)

    assert (findings / "pem" / "crash-1",) == outcome.findings
    assert not report([outcome])
    printed = capsys.readouterr().out
    assert "1 found" in printed
    assert "Traceback: what was wrong" in printed
    assert "INFO" not in printed
    assert f"mv '{findings}/pem/crash-1'" in printed


def test_old_findings_do_not_count(findings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier run has found is no finding of this one."""
    stand_in(monkeypatch, finds=False)
    (findings / "pem").mkdir()
    (findings / "pem" / "crash-0").touch()

    outcome = running.fuzz("pem", 1, None)

    assert outcome.is_clean
    assert ["pem", "5", "7"] == [outcome.row().split()[number] for number in (0, 2, 4)]


def test_corpus_is_kept(findings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run goes on from where the last one was."""
    stand_in(monkeypatch, finds=False)

    running.fuzz("pem", 1, findings / "corpus" / "pem")

    assert (findings / "corpus" / "pem").is_dir()


def test_process_that_does_not_end_is_ended() -> None:
    """Time is bounded from outside as well."""
    log, failure = run_bounded((sys.executable, "-c", "import time; time.sleep(60)"), 1)

    assert ("", "killed after 1 s") == (log, failure)


def test_process_that_breaks_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    """An engine that does not even start has found nothing, and that is not good."""
    log, failure = run_bounded((sys.executable, "-c", "raise SystemExit('broken')"), 30)

    assert failure == "ended with exit code 1"
    assert not report([Outcome("pem", 1.0, (), log, failure)])
    assert "broken" in capsys.readouterr().out
