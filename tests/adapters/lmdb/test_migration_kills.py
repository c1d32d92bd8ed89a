"""A store of an older version while it is brought forward: whatever ends that leaves the old one or the new one."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.environment import FORMAT
from service.adapters.lmdb.fields import encode
from service.adapters.lmdb.readying import ready_store
from tests.adapters.lmdb.older import Database, fill, rows_of, unpack

WATERMARKS: Final = 20_000
"""More than one writes in an instant."""

KILLS: Final = 24

AT: Final = "2026-11-21T12:00:00+00:00"

BLOCK: Final = encode({"fingerprint": "00" * 32, "reason": "", "created_at": AT, "created_by": "", "until": None})


@pytest.mark.slow
def test_killed_at_any_moment(path: Path, tmp_path: Path) -> None:
    """It is killed later and later; no block and no watermark is lost or half rewritten, and the next one goes on."""
    unpack("1", path)
    fill(path, b"crl-watermarks", {b"%032d" % number: _watermark(number) for number in range(WATERMARKS)})
    fill(path, b"blocks", {b"%08d" % number: BLOCK for number in range(WATERMARKS)})
    old, kept = rows_of(path), tmp_path / "kept"
    shutil.copytree(path, kept)
    begun = time.monotonic()
    ready_store(path)
    took_s = time.monotonic() - begun
    new = rows_of(path)
    assert old[b"blocks"] == new[b"blocks"]

    outcomes = []
    for kill in range(KILLS):
        shutil.rmtree(path)
        shutil.copytree(kept, path)
        _killed_after(path, took_s * (kill + 1) / KILLS)
        found = rows_of(path)
        outcomes.append(_format(found))
        assert (new if _format(found) == [FORMAT] else old) == found
        ready_store(path)
        assert new == rows_of(path)
    assert [b"1"] == outcomes[0]


def _watermark(number: int) -> bytes:
    return encode({"crl_number": f"{number:x}", "this_update": AT})


def _killed_after(path: Path, seconds: float) -> None:
    """Bring a store forward in a process that is killed."""
    process = subprocess.Popen(
        (sys.executable, "-m", "service.adapters.lmdb.readying", str(path)), stdout=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    finally:
        process.wait()


def _format(rows: dict[bytes, Database]) -> list[bytes]:
    return rows[b"about"][b"format"]
