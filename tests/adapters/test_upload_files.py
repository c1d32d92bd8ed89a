"""Uploads on a disk."""

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from service.adapters.files.places import FilePlaces
from service.adapters.upload_files import ABANDONED_S, UploadFiles
from service.application.places import FilePlace
from tests.api.fakes import StandingClock
from tests.pki import NOW

pytestmark = pytest.mark.anyio


def content(directory: Path) -> dict[str, bytes]:
    """Every file, hidden ones included."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def upload(shelf: UploadFiles, name: str, *pieces: bytes) -> None:
    """Upload a file."""
    arrival = shelf.begin()
    for piece in pieces:
        arrival.write(piece)
    arrival.keep(name)
    arrival.end()


async def test_an_upload(tmp_path: Path) -> None:
    """It is there under its name, for its owner alone, and the prefetcher's listing calls it what the shelf does."""
    shelf = UploadFiles(tmp_path, StandingClock())
    upload(shelf, "a.crl", b"a ", b"crl")
    assert {"a.crl": b"a crl"} == content(tmp_path)
    assert 0o600 == stat.S_IMODE((tmp_path / "a.crl").stat().st_mode)
    assert [("a.crl", 5)] == [(file.name, file.octets) for file in shelf.files()]
    assert [shelf.key("a.crl")] == [one.key for one in await FilePlaces().list(FilePlace(tmp_path))]


async def test_nothing_is_seen_before_it_is_whole(tmp_path: Path) -> None:
    """Neither by the shelf nor by the prefetcher; and nothing is left of what is given up."""
    shelf = UploadFiles(tmp_path, StandingClock())
    arrival = shelf.begin()
    arrival.write(b"half")
    assert ((), ()) == (shelf.files(), await FilePlaces().list(FilePlace(tmp_path)))
    arrival.end()
    assert {} == content(tmp_path)


@pytest.mark.parametrize("before", [b"before", None])
def test_what_is_taken_back(tmp_path: Path, before: bytes | None) -> None:
    """What had the name has it again, or nothing has."""
    shelf = UploadFiles(tmp_path, StandingClock())
    if before is not None:
        upload(shelf, "a.crl", before)
    arrival = shelf.begin()
    arrival.write(b"after")
    arrival.keep("a.crl")
    assert b"after" == content(tmp_path)["a.crl"]
    arrival.take_back()
    arrival.end()
    assert ({} if before is None else {"a.crl": before}) == content(tmp_path)


@pytest.mark.parametrize("is_removed", [True, False])
def test_what_somebody_else_has_changed_meanwhile_is_not_taken_back(tmp_path: Path, is_removed: bool) -> None:
    """The later upload stays, and so does a removal."""
    shelf = UploadFiles(tmp_path, StandingClock())
    upload(shelf, "a.crl", b"before")
    arrival = shelf.begin()
    arrival.keep("a.crl")
    if is_removed:
        assert shelf.remove("a.crl")
    else:
        upload(shelf, "a.crl", b"later")
    arrival.take_back()
    arrival.end()
    assert ({} if is_removed else {"a.crl": b"later"}) == content(tmp_path)


def test_removing(tmp_path: Path) -> None:
    """Says whether there was anything."""
    shelf = UploadFiles(tmp_path, StandingClock())
    upload(shelf, "a.crl", b"a crl")
    assert [True, False] == [shelf.remove("a.crl") for _ in range(2)]


def test_a_name_is_claimed_by_one_at_a_time(tmp_path: Path) -> None:
    """Whichever worker has it; others have other names, and nothing is left of a claim that has ended."""
    one, other = UploadFiles(tmp_path, StandingClock()), UploadFiles(tmp_path, StandingClock())
    release = one.claim("a.crl")
    assert release is not None
    assert [None, None] == [one.claim("a.crl"), other.claim("a.crl")]
    release_other = other.claim("b.crl")
    assert release_other is not None
    assert () == other.files()
    release()
    release_other()
    assert {} == content(tmp_path)
    again = other.claim("a.crl")
    assert again is not None
    again()


def test_a_claim_that_ended_while_somebody_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has opened its file has none: it is no longer there, and the next one locks another."""
    shelf = UploadFiles(tmp_path, StandingClock())
    release, lock = shelf.claim("a.crl"), fcntl.flock
    assert release is not None

    def locked_late(descriptor: int, kind: int) -> None:
        release()
        lock(descriptor, kind)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", locked_late)
        assert None is shelf.claim("a.crl")
    assert None is not shelf.claim("a.crl")


CLAIMING = """
import sys, time
from pathlib import Path
from service.adapters.clock import SystemClock
from service.adapters.upload_files import UploadFiles
print(UploadFiles(Path(sys.argv[1]), SystemClock()).claim("a.crl") is not None, flush=True)
time.sleep(60)
"""


def test_another_process_has_claimed_a_name(tmp_path: Path) -> None:
    """Until it has gone, however it goes."""
    shelf = UploadFiles(tmp_path, StandingClock())
    with subprocess.Popen([sys.executable, "-c", CLAIMING, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert "True\n" == process.stdout.readline()
            assert None is shelf.claim("a.crl")
        finally:
            process.kill()
    release = shelf.claim("a.crl")
    assert release is not None
    release()
    assert {} == content(tmp_path)


@pytest.mark.parametrize(("age_s", "is_left"), [(ABANDONED_S - 1, True), (ABANDONED_S + 1, False)])
def test_what_a_killed_process_has_left(tmp_path: Path, age_s: float, is_left: bool) -> None:
    """Is removed once nobody can be writing it any more; uploads are not."""
    shelf = UploadFiles(tmp_path, StandingClock())
    upload(shelf, "a.crl", b"a crl")
    (tmp_path / ".upload-a.part").write_bytes(b"half")
    for path in tmp_path.iterdir():
        moment = NOW.timestamp() - age_s
        os.utime(path, (moment, moment))
    UploadFiles(tmp_path, StandingClock())
    assert (2 if is_left else 1) == len(content(tmp_path))


def test_other_files(tmp_path: Path) -> None:
    """What nobody has uploaded is not listed: links, directories, other names."""
    (tmp_path / "a.pem").write_bytes(b"")
    (tmp_path / "b.crl").mkdir()
    (tmp_path / "c.crl").symlink_to("/etc/hostname")
    assert () == UploadFiles(tmp_path, StandingClock()).files()
