"""A crash of the ingester, wherever it is, leaves the old CRL or the new one."""

import json
import subprocess
import sys
from pathlib import Path

from tests.adapters.lmdb.crash import NEW, OLD, ROWS

ROOT = Path(__file__).parents[3]


def test_killed_at_every_line(tmp_path: Path) -> None:
    """Killed at whichever line of publishing: one CRL whole, its own watermark, and nothing left over."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.adapters.lmdb.crash", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == process.returncode, process.stderr
    states = [json.loads(line) for line in process.stdout.splitlines()]

    for state in states:
        held = state["watermark"]
        assert held in {OLD, NEW}
        whole = {"numbers": [held] * ROWS, "entries": [True] * ROWS, "generations": 1, "building": 0}
        assert {**whole, "watermark": held} == state
    marks = [state["watermark"] for state in states]
    assert marks == sorted(marks)
    assert {OLD, NEW} == set(marks)
    assert len(marks) > 50
