"""Copies of remote trust stores: whole, for this user alone, and never in anybody's way."""

import os
from pathlib import Path

import pytest

from service.adapters import kept_copies
from service.adapters.kept_copies import KeptCopies
from service.application.evidence_store import StoreError

NAME = "s3://bucket/" + "long/" * 200 + "cas.pem?versionId=\udcff"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the copies are."""
    return tmp_path / "data" / "trust-stores"


def only(directory: Path) -> Path:
    """The one file there is."""
    (file,) = directory.iterdir()
    return file


def test_what_is_kept_is_loaded(directory: Path) -> None:
    """By any name, after another start, and the newest only."""
    KeptCopies(directory).keep(NAME, b"first")
    KeptCopies(directory).keep(NAME, b"second")
    assert b"second" == KeptCopies(directory).load(NAME)
    assert KeptCopies(directory).load("https://ca.example/cas.pem") is None


def test_it_is_this_users_alone(directory: Path) -> None:
    """Whoever could write here would decide whom the service trusts."""
    KeptCopies(directory).keep(NAME, b"x")
    assert (0o700, 0o600) == (directory.stat().st_mode & 0o777, only(directory).stat().st_mode & 0o777)


def test_a_directory_that_others_may_write(directory: Path) -> None:
    """It is refused by name."""
    directory.mkdir(parents=True)
    directory.chmod(0o770)
    with pytest.raises(StoreError, match="trust-stores"):
        KeptCopies(directory)


@pytest.mark.parametrize("what", ["link", "pipe", "directory", "too long"])
def test_what_is_no_copy(directory: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody here has written is not read."""
    copies = KeptCopies(directory)
    copies.keep(NAME, b"12345")
    file = only(directory)
    if what != "too long":
        file.rename(directory.parent / "elsewhere")
    match what:
        case "link":
            file.symlink_to(directory.parent / "elsewhere")
        case "pipe":
            os.mkfifo(file)
        case "directory":
            file.mkdir()
        case _:
            monkeypatch.setattr(kept_copies, "MAX_BYTES", 5)
            assert b"12345" == copies.load(NAME)
            monkeypatch.setattr(kept_copies, "MAX_BYTES", 4)
    assert copies.load(NAME) is None


def test_a_failure_leaves_the_old_copy(directory: Path) -> None:
    """And nothing beside it."""
    copies = KeptCopies(directory)
    copies.keep(NAME, b"first")
    name = only(directory)
    name.with_name(f"{name.name}.{os.getpid()}").symlink_to(directory.parent / "nowhere")
    with pytest.raises(OSError, match="symbolic links"):
        copies.keep(NAME, b"second")
    assert b"first" == copies.load(NAME)
    assert [name] == list(directory.iterdir())
