"""The archive that Lambda takes: the same octets whoever packs it, and nothing in it that Lambda would not have."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKER: Final = ROOT / "scripts" / "authorizer_archive.py"
FUNCTION: Final = ROOT / "authorizer" / "lambda_function.py"


def run(*arguments: str | Path, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    """Run the packer."""
    command = [sys.executable, str(PACKER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, umask=umask)


def packed(archive: Path, *files: Path) -> Path:
    """An archive with these files besides the function."""
    ended = run(archive, *files)
    assert 0 == ended.returncode, ended.stderr
    return archive


def test_the_same_octets(tmp_path: Path) -> None:
    """Whatever the umask, the time of the files, and the order in which they are named."""
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        for name in ("ca.pem", "z.pem"):
            (tmp_path / place / name).write_text(name)
    os.utime(tmp_path / "b" / "ca.pem", (1_000_000_000, 1_000_000_000))
    (tmp_path / "b" / "ca.pem").chmod(0o600)
    run(tmp_path / "one.zip", tmp_path / "a" / "ca.pem", tmp_path / "a" / "z.pem", umask=0o022)
    run(tmp_path / "dist" / "two.zip", tmp_path / "b" / "z.pem", tmp_path / "b" / "ca.pem", umask=0o077)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "dist" / "two.zip").read_bytes()


def test_what_is_in_it(tmp_path: Path) -> None:
    """The function, at the root, readable by the user that Lambda runs it as; a moment that is always the same."""
    with zipfile.ZipFile(packed(tmp_path / "authorizer.zip")) as archive:
        (entry,) = archive.infolist()
        assert FUNCTION.read_bytes() == archive.read(entry)
    assert ("lambda_function.py", 0o100644, (1980, 1, 1, 0, 0, 0)) == (
        entry.filename,
        entry.external_attr >> 16,
        entry.date_time,
    )


@pytest.mark.parametrize("names", [["none.pem"], ["ca.pem", "b/ca.pem"], ["lambda_function.py"]])
def test_what_cannot_be_packed(tmp_path: Path, names: list[str]) -> None:
    """A file that is not there, and two of one name: nothing is written."""
    (tmp_path / "b").mkdir()
    for name in ("ca.pem", "b/ca.pem", "lambda_function.py"):
        (tmp_path / name).write_text(name)
    ended = run(tmp_path / "out.zip", *(tmp_path / name for name in names))
    assert (1, False) == (ended.returncode, (tmp_path / "out.zip").exists())
    assert ended.stderr.startswith("not packed: ")


def test_usage() -> None:
    """Without an archive it says what it does."""
    ended = run()
    assert 2 == ended.returncode
    assert "authorizer_archive.py ARCHIVE" in ended.stderr


def test_the_target_of_make() -> None:
    """It needs no virtual environment, and takes files to pack besides."""
    command = ["make", "--dry-run", "--no-print-directory", "authorizer", "WITH=ca.pem"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.endswith(" scripts/authorizer_archive.py dist/authorizer.zip ca.pem\n")
