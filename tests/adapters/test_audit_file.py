"""Records in a file: whole lines, whoever else writes, whatever becomes of the file; or an error."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.adapters.audit_file import (
    MAX_LISTED,
    MAX_TEXT,
    AuditFile,
    Durability,
    FileRecords,
    document_of,
    line_of,
)
from service.adapters.redaction import REDACTED
from service.application.auditing import AuditRecord, AuditUnavailableError, Outcome
from tests.pki import NOW, Authority

pytestmark = pytest.mark.anyio

RECORD = AuditRecord(
    NOW, "attempt-1", "block_add", Outcome.BEGUN, "admin token 01234567", "192.0.2.1", "request-1", {"reason": "why"}
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where records go."""
    return tmp_path / "audit.jsonl"


@pytest.fixture
def file(path: Path) -> Iterator[AuditFile]:
    """One process' hand in it."""
    file = AuditFile(path)
    yield file
    file.close()


def lines(path: Path) -> list[dict[str, object]]:
    """What is in the file."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


async def test_a_record(path: Path, file: AuditFile) -> None:
    """A JSON object a line, with all that there is; what there is not is null."""
    records = FileRecords(file)
    await records.keep(RECORD)
    await records.keep(AuditRecord(NOW, "", "file_taken", Outcome.DONE, "service"))
    assert [
        {
            "time": "2026-01-01T00:00:00Z",
            "attempt": "attempt-1",
            "action": "block_add",
            "outcome": "begun",
            "by": "admin token 01234567",
            "peer": "192.0.2.1",
            "request_id": "request-1",
            "on": {"reason": "why"},
            "problem": None,
            "pid": os.getpid(),
        },
        {
            "time": "2026-01-01T00:00:00Z",
            "attempt": None,
            "action": "file_taken",
            "outcome": "done",
            "by": "service",
            "peer": None,
            "request_id": None,
            "on": {},
            "problem": None,
            "pid": os.getpid(),
        },
    ] == lines(path)


def test_it_is_the_owners_alone(path: Path, file: AuditFile) -> None:
    """Where we make it; what somebody else has made stays as it is."""
    file.append(b"1\n", Durability.ON_DISK)
    assert 0o600 == path.stat().st_mode & 0o777
    path.chmod(0o640)
    file.append(b"1\n", Durability.ON_DISK)
    assert 0o640 == path.stat().st_mode & 0o777


async def test_a_record_is_on_the_disk_when_it_is_kept(file: AuditFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a disk that fails is no place for one."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    await FileRecords(file).keep(RECORD)
    assert synced

    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error", str(descriptor))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(AuditUnavailableError, match="Input/output error"):
        await FileRecords(file).keep(RECORD)


def test_nothing_that_is_quoted_ends_a_line() -> None:
    """Neither a line break nor what some readers take for one; and a secret is none."""
    texts = "a\r\nb\u2028c\u2029d\x85e\x00\x1b[2J\ud800"
    line = line_of(document_of(AuditRecord(NOW, "", "block_add", Outcome.DONE, texts, texts, texts, {texts: texts})))
    assert (1, True) == (line.count(b"\n"), line.endswith(b"\n"))
    assert all(32 <= octet < 127 for octet in line[:-1])
    assert texts == json.loads(line)["by"]


def test_secrets_and_certificates_are_taken_out() -> None:
    """Whoever puts one into the reason of a block."""
    reason = f"see {Authority.root('Root').pem}"
    line = line_of(
        document_of(AuditRecord(NOW, "", "block_add", Outcome.DONE, "x", on={"reason": reason, "token": "t"}))
    )
    on = json.loads(line)["on"]
    assert (f"see {REDACTED}", REDACTED) == (on["reason"].strip(), on["token"])


def test_what_is_long_is_cut() -> None:
    """A line stays a line that somebody reads."""
    record = AuditRecord(NOW, "", "x", Outcome.DONE, "x", on={"sources": ["s"] * 1_000, "reason": "r" * 5_000})
    on = json.loads(line_of(document_of(record)))["on"]
    assert (["s"] * MAX_LISTED + [f"and {1_000 - MAX_LISTED} more"], MAX_TEXT + 1) == (on["sources"], len(on["reason"]))


@pytest.mark.parametrize("away", ["moved", "removed"])
def test_a_file_that_is_gone_is_begun_anew(path: Path, file: AuditFile, away: str) -> None:
    """What was moved is not written any more."""
    file.append(b"1\n", Durability.ON_DISK)
    if away == "moved":
        path.rename(path.with_suffix(".1"))
    else:
        path.unlink()
    file.append(b"2\n", Durability.ON_DISK)
    file.append(b"3\n", Durability.HANDED_OVER)
    assert b"2\n3\n" == path.read_bytes()
    assert away == "removed" or path.with_suffix(".1").read_bytes() == b"1\n"


def test_a_file_that_was_emptied_is_gone_on_with(path: Path, file: AuditFile) -> None:
    """As logrotate's copytruncate does: no hole is left where the old lines were."""
    file.append(b"1\n", Durability.ON_DISK)
    os.truncate(path, 0)
    file.append(b"2\n", Durability.ON_DISK)
    assert b"2\n" == path.read_bytes()


@pytest.mark.parametrize("kind", ["directory", "pipe", "device", "nowhere"])
def test_what_is_no_file_is_refused(path: Path, file: AuditFile, kind: str) -> None:
    """At once: nobody waits for whoever reads a pipe."""
    match kind:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/null")
        case _:
            file = AuditFile(path / "audit.jsonl")
            path.write_bytes(b"")
    with pytest.raises(OSError, match=r"directory|no file|No such device"):
        file.append(b"1\n", Durability.ON_DISK)


FULL = """
import resource, signal, sys
from pathlib import Path
from service.adapters.audit_file import AuditFile, Durability
file = AuditFile(Path(sys.argv[1]))
file.append(b"x" * 99 + b"\\n", Durability.ON_DISK)
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
for _ in range(2):
    try:
        file.append(b"y" * 99 + b"\\n", Durability.ON_DISK)
    except OSError as error:
        print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.append(b"z" * 9 + b"\\n", Durability.ON_DISK)
"""


def test_a_line_that_does_not_fit_leaves_nothing_behind(path: Path) -> None:
    """Half a line would make one of the next; when there is room again, lines are whole."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ["No space left on device"] * 2 == ended.stdout.splitlines()
    assert b"x" * 99 + b"\n" + b"z" * 9 + b"\n" == path.read_bytes()


MANY = """
import sys
from pathlib import Path
from service.adapters.audit_file import AuditFile, Durability
file = AuditFile(Path(sys.argv[1]))
for number in range(200):
    file.append((sys.argv[2] * (50 + 40 * (number % 100))).encode() + b"\\n", Durability.HANDED_OVER)
"""


def test_processes_share_it(path: Path) -> None:
    """And it is moved away meanwhile: no line is lost, torn or mixed up with another."""
    old = path.with_suffix(".1")
    with ThreadPoolExecutor(4) as threads:
        runs = [
            threads.submit(subprocess.run, [sys.executable, "-c", MANY, str(path), letter], check=True, timeout=60)
            for letter in "abcd"
        ]
        while not path.exists():
            pass
        path.rename(old)
        assert [0] * 4 == [run.result().returncode for run in runs]
    written = [line for one in (old, path) if one.exists() for line in one.read_text().splitlines()]
    assert 800 == len(written)
    assert {1} == {len(set(line)) for line in written}
    assert sorted([50 + 40 * (number % 100) for number in range(200)] * 4) == sorted(map(len, written))
