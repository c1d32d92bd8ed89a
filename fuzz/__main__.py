"""Fuzzes every target for a while, prints a row for each, and says where what was found is kept.

    python -m fuzz --seconds 600            ten minutes for each target
    python -m fuzz --total 60               a minute in all
    python -m fuzz --seconds 60 crl ocsp    these two

Each target runs in a process of its own (`fuzz.engine`), bounded in time and memory, and is ended where it does not end
itself. The exit code is 1 where anything was found.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fuzz.seeds import SEEDS

HERE: Final = Path(__file__).parent
ENGINE: Final = ("-m", "fuzz.engine")
"""What is run with this interpreter: the target's name, libFuzzer's options and the directories of inputs follow."""
REGRESSIONS: Final = HERE / "regressions"
"""Inputs that broke something once; each is a seed, and a test."""
FINDINGS: Final = HERE / "findings"
CORPUS: Final = HERE / "corpus"
"""What long runs have found worth keeping, for the next one to go on from."""

MAX_OCTETS: Final = 8192
"""Length of an input. Larger ones repeat what smaller ones say, and cost more time."""
MAX_MEMORY_MB: Final = 1024
MAX_INPUT_S: Final = 10
"""Seconds for one input; a finding where it takes longer."""
STARTING_S: Final = 2
"""Of a share of the time that all targets have together, the seconds that go into starting."""
PATIENCE_S: Final = 60
"""Seconds beyond its time after which a process that has not ended is killed."""
LOG_LINES: Final = 40
"""Of the log of a target that found something."""

_STATISTIC: Final = re.compile(r"^stat::(\w+): +(\d+)$", re.MULTILINE)
_COVERAGE: Final = re.compile(r"\bcov: (\d+)")
_COLUMNS: Final = "{:<12} {:>8} {:>10} {:>8} {:>9} {:>7} {:>5}  {}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one target.

    Attributes:
        seconds: How long the process ran, from start to end.
        findings: Inputs that broke a rule, took too long or too much memory.
        log: What the process wrote.
        failure: Why nothing was fuzzed, or None.
    """

    target: str
    seconds: float
    findings: tuple[Path, ...]
    log: str
    failure: str | None

    @property
    def is_clean(self) -> bool:
        """Whether it ran to its end and found nothing."""
        return not self.findings and self.failure is None

    def last_words(self) -> list[str]:
        """The end of the log: the exception, where there was one."""
        return [line for line in self.log.splitlines() if not line.startswith("INFO:")][-LOG_LINES:]

    def row(self) -> str:
        """For the table."""
        numbers = dict(_STATISTIC.findall(self.log))
        runs, speed, new, peak = (
            int(numbers.get(name, 0))
            for name in ("number_of_executed_units", "average_exec_per_sec", "new_units_added", "peak_rss_mb")
        )
        coverage = ([0, *map(int, _COVERAGE.findall(self.log))])[-1]
        verdict = self.failure or (f"{len(self.findings)} found" if self.findings else "nothing found")
        return _COLUMNS.format(self.target, f"{self.seconds:.0f}", runs, speed, coverage, new, peak, verdict)


def fuzz(target: str, seconds: int, corpus: Path | None) -> Outcome:
    """Fuzz one target.

    Args:
        target: Its name.
        seconds: For how long; starting comes on top.
        corpus: Where inputs that reach something new are kept; None forgets them.
    """
    findings = FINDINGS / target
    findings.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="revet-fuzz-") as temporary:
        kept = corpus or Path(temporary, "corpus")
        seeds = Path(temporary, "seeds")
        kept.mkdir(parents=True, exist_ok=True)
        seeds.mkdir()
        _write_seeds(target, seeds)
        log, failure = run_bounded(_command(target, seconds, findings, kept, seeds), seconds + PATIENCE_S)
    found = tuple(sorted(set(findings.iterdir()) - before))
    return Outcome(target, time.monotonic() - started, found, log, None if found else failure)


def _write_seeds(target: str, directory: Path) -> None:
    for number, octets in enumerate(SEEDS[target]().values()):
        Path(directory, f"seed-{number}").write_bytes(octets)
    for regression in regressions(target):
        shutil.copy(regression, directory)


def regressions(target: str) -> list[Path]:
    """The inputs that are kept because they broke something once."""
    return sorted(REGRESSIONS.glob(f"{target}/*"))


def _command(target: str, seconds: int, findings: Path, *corpora: Path) -> tuple[str, ...]:
    options = (
        f"-max_total_time={seconds}",
        f"-max_len={MAX_OCTETS}",
        f"-rss_limit_mb={MAX_MEMORY_MB}",
        f"-timeout={MAX_INPUT_S}",
        f"-artifact_prefix={findings}/",
        "-print_final_stats=1",
    )
    return (sys.executable, *ENGINE, target, *options, *map(str, corpora))


def run_bounded(command: tuple[str, ...], seconds: int) -> tuple[str, str | None]:
    """Run a program, for so many seconds at the most.

    Returns:
        What it wrote, and why it did not end as it should, or None.
    """
    try:
        done = subprocess.run(
            command,
            cwd=HERE.parent,
            timeout=seconds,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return (expired.stdout or b"").decode(errors="replace"), f"killed after {seconds} s"
    log = done.stdout.decode(errors="replace")
    return log, None if not done.returncode else f"ended with exit code {done.returncode}"


def report(outcomes: Iterable[Outcome]) -> bool:
    """Print the table row by row, then what was found; tell whether that is nothing."""
    print(_COLUMNS.format("target", "seconds", "runs", "runs/s", "coverage", "new", "MB", "result"), flush=True)
    unclean: list[Outcome] = []
    for outcome in outcomes:
        print(outcome.row(), flush=True)
        if not outcome.is_clean:
            unclean.append(outcome)
    for outcome in unclean:
        print(f"\n== {outcome.target}", *outcome.last_words(), sep="\n")
        for path in outcome.findings:
            print(f"found: {path}\nonce it is put right: mv '{path}' '{REGRESSIONS / outcome.target}/'")
    return not unclean


def main() -> int:
    """Read the command line, fuzz, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz the service's readers and verdicts.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(SEEDS)}; all unless given")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--seconds", type=int, help="for each target")
    length.add_argument("--total", type=int, help="seconds for all targets together; nothing of it is kept")
    parser.add_argument("--jobs", type=int, default=1, help="targets side by side")
    given = parser.parse_args()
    if find_spec("atheris") is None:
        print("NOTHING IS FUZZED: there is no atheris for this platform (pyproject.toml names those that have one).")
        return 0
    targets = given.targets or list(SEEDS)
    if unknown := set(targets) - set(SEEDS):
        parser.error(f"no target is called {', '.join(sorted(unknown))}")
    seconds = given.seconds or max(1, given.total * given.jobs // len(targets) - STARTING_S)

    def one(target: str) -> Outcome:
        return fuzz(target, seconds, None if given.total else CORPUS / target)

    with ThreadPoolExecutor(given.jobs) as pool:
        return 0 if report(pool.map(one, targets)) else 1


if __name__ == "__main__":
    sys.exit(main())
