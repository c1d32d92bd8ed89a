"""Several processes keep decisions in one file; whichever is killed, and whenever, the others and the file are well."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.decisions.parts import Worker, kept, record
from tests.e2e.running import ROOT, until

pytestmark = pytest.mark.slow


def keeping(directory: Path, first: int, count: int, **environment: str) -> subprocess.Popen[str]:
    """A process that keeps so many."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.decisions.program", str(directory), str(first), str(count)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def is_whole(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a file."""
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return found == [("ok",)]


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Each record of both is there."""
    directory = tmp_path / "decisions"
    processes = [keeping(directory, first, 1_500) for first in (0, 10_000)]
    assert ["kept 1500 lost 0 0"] * 2 == [one.communicate(timeout=60)[0].splitlines()[-1] for one in processes]
    expected = [*range(11_499, 9_999, -1), *range(1_499, -1, -1)]
    assert [f"{number:032x}" for number in expected] == Worker(directory).ids()
    assert is_whole(directory / "decisions-1.db")


@pytest.mark.parametrize("pages", [1, 3, 7])
def test_one_that_is_killed_while_it_writes(tmp_path: Path, pages: int) -> None:
    """Loses what was not written yet, from the end on; the file is whole, and another process goes on with it."""
    directory = tmp_path / "decisions"
    process = keeping(directory, 0, 1_000_000)
    assert process.stdout is not None
    for _ in range(pages * 10):
        process.stdout.readline()
    until(lambda: bool(Worker(directory).ids(limit=1)), "it has written something")
    process.kill()
    process.communicate(timeout=60)
    ids = Worker(directory).ids()
    last = int(ids[0], 16)
    assert [f"{number:032x}" for number in range(last, last - len(ids), -1)] == ids
    worker = kept(tmp_path, record(2_000_000))
    assert f"{2_000_000:032x}" == worker.ids(limit=1)[0]
    assert is_whole(directory / "decisions-1.db")


def test_one_that_is_killed_beside_another(tmp_path: Path) -> None:
    """Costs the other nothing."""
    directory = tmp_path / "decisions"
    other, killed = keeping(directory, 0, 2_000), keeping(directory, 10_000_000, 1_000_000)
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.kill()
    killed.communicate(timeout=60)
    assert "kept 2000 lost 0 0" == other.communicate(timeout=60)[0].splitlines()[-1]
    ids = Worker(directory).ids()
    assert [f"{number:032x}" for number in range(1_999, -1, -1)] == [one for one in ids if int(one, 16) < 10_000_000]


@pytest.mark.parametrize("octets", [100_000, 1_000_000])
def test_a_disk_that_is_full(tmp_path: Path, octets: int) -> None:
    """What does not fit is counted, what is kept can be read, and there is no fault of ours."""
    directory = tmp_path / "decisions"
    process = keeping(directory, 0, 1_000, FILE_OCTETS=str(octets))
    *_, kept_, count, _, lost, faults = process.communicate(timeout=60)[0].split()
    assert (0, "kept", 1_000, "0") == (process.returncode, kept_, int(count) + int(lost), faults)
    assert int(lost) > 0
    worker = Worker(directory)
    assert int(count) == len(worker.ids())
    assert f"{5_000:032x}" == kept(tmp_path, record(5_000)).ids(limit=1)[0]
    assert is_whole(directory / "decisions-1.db")
