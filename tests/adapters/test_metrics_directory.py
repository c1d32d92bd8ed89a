"""The directory in which all processes count: added up over the living and the dead, and never more than it need be."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from service.adapters import metrics_directory as metrics_directory_module
from service.adapters.metrics import SharedCounters
from service.adapters.metrics_directory import (
    COUNTER_OCTETS,
    FILE_OCTETS,
    KINDS,
    VARIABLE,
    locked,
    metrics_directory,
    prepare_metrics_directory,
    share_if_there_is_room,
)
from tests.adapters.metrics_reader import value
from tests.pki.moments import NOW

NOBODY: Final = 2**22 + 1
"""The number of no process: the kernel gives out none that is higher than 2**22."""

PROGRAM = """
import os, sys
from datetime import timedelta
from service.adapters.metrics_directory import share_if_there_is_room
assert "TAKING_OVER" not in os.environ or share_if_there_is_room(os.environ)
from service.adapters.metrics import MetricsPage, PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.application.observer import DecisionDetails, FetchDetails
from service.core.model.failure import Code
from service.core.model.verdict import Decision
from tests.pki.moments import NOW

observer = PrometheusObserver(NOW + timedelta(seconds=int(sys.argv[1])), metrics_directory(os.environ))
observer.fetched(FetchDetails("crl", "http://ca.example/ca.crl", None, "", 0.1))
for _ in range(int(sys.argv[2])):
    observer.decided(DecisionDetails("id-1", Decision.ALLOW, Code.OK, "default", "api", 0.0003))
observer.decided(DecisionDetails("id-2", Decision.DENY, Code.REVOKED, "default", "api", 0.2))
match sys.argv[3]:
    case "render":
        sys.stdout.buffer.write(MetricsPage(observer, (), metrics_directory(os.environ)).render())
    case "die":
        os.kill(os.getpid(), 9)
"""


def run(environment: Mapping[str, str], *arguments: str) -> bytes:
    """What a process of its own writes that counts in a shared directory."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=False).stdout


def test_two_processes_are_added_up(tmp_path: Path) -> None:
    """Whichever is asked answers for both; one that was killed has counted all the same."""
    environment = prepare_metrics_directory(tmp_path / "metrics")
    run(environment, "5", "3", "die")
    rendered = run(environment, "9", "4", "render")
    assert [7, 2] == [
        value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api"),
        value(rendered, "revet_validate_requests_total", decision="deny", code="revoked", front="api"),
    ]
    assert [0, 7, 9] == [
        value(rendered, "revet_validate_duration_seconds_bucket", le=le) for le in ("0.0001", "0.0005", "+Inf")
    ]
    assert (NOW + timedelta(seconds=5)).timestamp() == value(rendered, "revet_process_start_time_seconds")


def test_whoever_comes_next_goes_on_in_the_files_of_one_that_is_no_more(tmp_path: Path) -> None:
    """Nothing that was counted is lost or counted twice, the start stays the earliest, and files do not pile up."""
    environment = {**prepare_metrics_directory(tmp_path), "TAKING_OVER": "1"}
    run(environment, "5", "3", "die")
    names = sorted(file.name.rpartition("_")[0] for file in tmp_path.iterdir())
    next(tmp_path.glob("gauge_livemax_*")).write_bytes(b"of a process that is no more")
    for later in range(6, 9):
        run(environment, str(later), "3", "die")
    rendered = run(environment, "9", "4", "render")
    assert [16, 5, 5] == [
        value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api"),
        value(rendered, "revet_validate_requests_total", decision="deny", code="revoked", front="api"),
        value(rendered, "revet_cache_hits_total", tier="origin", kind="crl"),
    ]
    assert (NOW + timedelta(seconds=5)).timestamp() == value(rendered, "revet_process_start_time_seconds")
    assert names == sorted(file.name.rpartition("_")[0] for file in tmp_path.iterdir())
    assert not any(next(tmp_path.glob("gauge_livemax_*")).read_bytes())


def test_the_files_of_the_living_are_theirs(tmp_path: Path) -> None:
    """Whoever comes next begins at zero, and so does one that has been given the number of another."""
    environment = {VARIABLE: str(tmp_path)}
    (tmp_path / f"counter_{os.getppid()}.db").write_bytes(b"theirs")
    assert share_if_there_is_room(environment)
    own = tmp_path / f"counter_{os.getpid()}.db"
    own.write_bytes(b"own")
    live = tmp_path / f"gauge_livemax_{os.getpid()}.db"
    live.write_bytes(b"of who had this number before")
    (tmp_path / f"counter_{NOBODY}.db").write_bytes(b"nobody's")
    assert share_if_there_is_room(environment)
    assert own.read_bytes().startswith(b"own")
    assert not any(live.read_bytes())
    assert b"theirs" == (tmp_path / f"counter_{os.getppid()}.db").read_bytes()
    assert b"nobody's" == (tmp_path / f"counter_{NOBODY}.db").read_bytes()


def test_no_name_changes_while_somebody_reads(tmp_path: Path) -> None:
    """A page that lists a file finds it there."""
    (tmp_path / f"counter_{NOBODY}.db").touch()
    begun = Event()

    def take_over() -> None:
        begun.set()
        assert share_if_there_is_room({VARIABLE: str(tmp_path)})

    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path, fcntl.LOCK_SH, 0.0) as alone:
            assert alone
            ended = pool.submit(take_over)
            begun.wait(10)
            with pytest.raises(TimeoutError):
                ended.result(0.2)
            assert (tmp_path / f"counter_{NOBODY}.db").exists()
        ended.result(10)
    assert not (tmp_path / f"counter_{NOBODY}.db").exists()


def test_nobody_is_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one who renames is stopped, pages are written; while one who reads is, a newcomer has files of his own."""
    monkeypatch.setattr(metrics_directory_module, "NEWCOMER_PATIENCE_S", 0.01)
    (tmp_path / f"counter_{NOBODY}.db").touch()
    with locked(tmp_path, fcntl.LOCK_EX, 0.0):
        assert [] == [sample for family in SharedCounters(tmp_path).collect() for sample in family.samples]
    with locked(tmp_path, fcntl.LOCK_SH, 0.0):
        assert share_if_there_is_room({VARIABLE: str(tmp_path)})
    assert (tmp_path / f"counter_{NOBODY}.db").exists()
    assert (tmp_path / f"counter_{os.getpid()}.db").exists()


def test_a_file_that_has_grown_has_all_its_room(tmp_path: Path) -> None:
    """Whoever goes on in it would otherwise die of a hole in it on a full disk, and the next one, too."""
    grown = tmp_path / f"counter_{NOBODY}.db"
    with grown.open("wb") as file:
        file.truncate(3 * COUNTER_OCTETS)
    assert share_if_there_is_room({VARIABLE: str(tmp_path)})
    found = (tmp_path / f"counter_{os.getpid()}.db").stat()
    assert 3 * COUNTER_OCTETS == found.st_size <= found.st_blocks * 512


def test_a_new_start_begins_at_zero(tmp_path: Path) -> None:
    """Counters of the service before are not added to those of this one."""
    run(prepare_metrics_directory(tmp_path), "5", "3", "die")
    rendered = run(prepare_metrics_directory(tmp_path), "9", "4", "render")
    assert 4 == value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api")
    assert (NOW + timedelta(seconds=9)).timestamp() == value(rendered, "revet_process_start_time_seconds")


def test_a_process_that_was_killed_at_its_start(tmp_path: Path) -> None:
    """It leaves an empty file, which does not spoil the page of everybody else."""
    environment = prepare_metrics_directory(tmp_path)
    (tmp_path / "counter_1.db").touch()
    rendered = run(environment, "9", "4", "render")
    assert 4 == value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api")


def test_nobody_has_counted(tmp_path: Path) -> None:
    """A page without a sample is a page."""
    assert [] == [sample for family in SharedCounters(tmp_path).collect() for sample in family.samples]


def test_the_directory_of_this_process(tmp_path: Path) -> None:
    """What the supervisor has put into the environment; without it a process counts for itself."""
    environment = prepare_metrics_directory(tmp_path / "a" / "metrics")
    assert {VARIABLE: str(tmp_path / "a" / "metrics")} == environment
    assert 0o700 == (tmp_path / "a" / "metrics").stat().st_mode & 0o777
    assert [tmp_path / "a" / "metrics", None, None] == [
        metrics_directory(variables) for variables in (environment, {}, {VARIABLE: ""})
    ]


def test_there_is_room(tmp_path: Path) -> None:
    """The directory is made where it is missing, stays in the environment, and each file has its room on the disk."""
    environment = {VARIABLE: str(tmp_path / "metrics")}
    assert share_if_there_is_room(environment)
    assert {VARIABLE: str(tmp_path / "metrics")} == environment
    files = [path.stat() for path in (tmp_path / "metrics").iterdir()]
    assert [*[FILE_OCTETS] * (len(KINDS) - 1), COUNTER_OCTETS] == sorted(file.st_size for file in files)
    assert all(file.st_blocks * 512 >= file.st_size for file in files)


def test_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the process counts for itself, and does not die of it."""
    environment = {VARIABLE: str(tmp_path)}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not share_if_there_is_room(environment)
    assert {} == environment
    assert [] == list(tmp_path.iterdir())


def test_nobody_shares() -> None:
    """Without a directory there is nothing to look for."""
    assert share_if_there_is_room({})
