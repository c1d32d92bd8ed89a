"""CRLs that wait for their issuer: whole, bounded, and what their name says."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from service.adapters.pending_files import PendingFiles


def shelf(directory: Path, octets: int = 100, files: int = 3) -> tuple[PendingFiles, list[str]]:
    """A shelf, and what it has dropped."""
    dropped: list[str] = []
    return PendingFiles(directory, octets, dropped.append, files), dropped


def keep(pending: PendingFiles, content: bytes, directory: Path, age_s: int) -> bytes:
    """Keep something that is so old; its digest."""
    digest = sha256(content).digest()
    assert pending.keep(digest, content)
    file = directory / f"{digest.hex()}.crl"
    if file.exists():
        os.utime(file, (1_000_000 - age_s, 1_000_000 - age_s))
    return digest


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    """Until it is removed; a second time it is the same."""
    pending, dropped = shelf(tmp_path)
    digest = keep(pending, b"crl", tmp_path, 0)
    keep(pending, b"crl", tmp_path, 0)
    assert frozenset({digest}) == pending.digests()
    assert memoryview(b"crl") == pending.read(digest)
    pending.remove(digest)
    pending.remove(digest)
    assert (frozenset(), None, []) == (pending.digests(), pending.read(digest), dropped)


@pytest.mark.parametrize(("octets", "files"), [(1000, 3), (30, 100)], ids=["number", "octets"])
def test_the_oldest_gives_way(tmp_path: Path, octets: int, files: int) -> None:
    """To the newest, which stays whatever its age says."""
    pending, dropped = shelf(tmp_path, octets, files)
    digests = [keep(pending, bytes([number]) * 10, tmp_path, 10 - number) for number in range(4)]
    assert frozenset(digests[1:]) == pending.digests()
    assert [digests[0].hex()] == dropped


def test_what_is_too_large_by_itself(tmp_path: Path) -> None:
    """It is not kept, and puts nobody out."""
    pending, dropped = shelf(tmp_path, octets=10)
    small = keep(pending, b"small", tmp_path, 0)
    large = sha256(bytes(11)).digest()
    assert not pending.keep(large, bytes(11))
    assert (frozenset({small}), [large.hex()]) == (pending.digests(), dropped)


@pytest.mark.parametrize("content", [b"another", b""])
def test_what_is_not_what_its_name_says(tmp_path: Path, content: bytes) -> None:
    """It is not read."""
    pending, _ = shelf(tmp_path)
    digest = keep(pending, b"crl", tmp_path, 0)
    (tmp_path / f"{digest.hex()}.crl").write_bytes(content)
    assert pending.read(digest) is None


def test_what_was_half_written(tmp_path: Path) -> None:
    """It goes at the next start, and other files are left alone."""
    (tmp_path / f"{'a' * 64}.part").write_bytes(b"half")
    (tmp_path / "notes.crl").write_bytes(b"somebody's")
    pending, _ = shelf(tmp_path)
    assert frozenset() == pending.digests()
    assert ["notes.crl"] == [file.name for file in tmp_path.iterdir()]
