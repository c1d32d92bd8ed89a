"""Downloads kept in files that have no name."""

import tempfile
import threading
from collections.abc import AsyncIterator
from mmap import mmap
from pathlib import Path
from typing import BinaryIO, Self

import pytest

from service.adapters.spool import WRITTEN_AT_ONCE, FileSpool

pytestmark = pytest.mark.anyio


async def pieces(*octets: bytes) -> AsyncIterator[bytes]:
    """A download."""
    for piece in octets:
        yield piece


async def broken(*octets: bytes) -> AsyncIterator[bytes]:
    """A download that breaks off."""
    for piece in octets:
        yield piece
    raise ConnectionError("reset by peer")


def files_in(directory: Path) -> list[Path]:
    """Every file that has a name."""
    return list(directory.iterdir())


async def test_what_came_is_there(tmp_path: Path) -> None:
    """In order, empty pieces and those larger than a buffer included."""
    large = bytes(range(256)) * 4096
    data = await FileSpool(tmp_path).collect(pieces(b"one", b"", large, b"end"))
    assert b"one" + large + b"end" == bytes(data)


async def test_it_is_mapped_and_not_copied(tmp_path: Path) -> None:
    """The memory is the file's, and nobody writes to it."""
    data = await FileSpool(tmp_path).collect(pieces(b"octets"))
    assert (True, True) == (isinstance(data.obj, mmap), data.readonly)


async def test_nothing_came(tmp_path: Path) -> None:
    """An empty file cannot be mapped, and is an answer all the same."""
    assert b"" == bytes(await FileSpool(tmp_path).collect(pieces()))
    assert b"" == bytes(await FileSpool(tmp_path).collect(pieces(b"")))


async def test_the_file_has_no_name(tmp_path: Path) -> None:
    """Neither while it is written nor while it is read: whatever dies, nothing is left behind."""
    seen = []

    async def watching() -> AsyncIterator[bytes]:
        yield b"one"
        seen.append(files_in(tmp_path))
        yield b"two"

    data = await FileSpool(tmp_path).collect(watching())
    assert ([[]], [], b"onetwo") == (seen, files_in(tmp_path), bytes(data))


async def test_a_download_that_breaks_off(tmp_path: Path) -> None:
    """What it raises comes out, and nothing is left behind."""
    with pytest.raises(ConnectionError, match="reset by peer"):
        await FileSpool(tmp_path).collect(broken(b"one"))
    assert [] == files_in(tmp_path)


async def test_the_directory_is_the_one_that_was_given(tmp_path: Path) -> None:
    """Never another disk than the store's: where it is gone, that is an error."""
    with pytest.raises(FileNotFoundError):
        await FileSpool(tmp_path / "gone").collect(pieces(b"one"))


async def test_several_at_once(tmp_path: Path) -> None:
    """Each download has a file of its own."""
    spool = FileSpool(tmp_path)
    one, two = await spool.collect(pieces(b"one")), await spool.collect(pieces(b"two"))
    assert (b"one", b"two") == (bytes(one), bytes(two))


class Watched:
    """A file that notes who writes to it, and how much at a time."""

    def __init__(self, file: BinaryIO, writers: list[tuple[int, int]]) -> None:
        """Take the file, and where to note it."""
        self._file = file
        self._writers = writers

    def writelines(self, pieces: list[bytes]) -> None:
        """Note it, and write."""
        self._writers.append((threading.get_ident(), sum(map(len, pieces))))
        self._file.writelines(pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


async def test_a_disk_is_waited_for_in_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever serves others at the same time is not kept from it; of a long download little waits in memory."""
    writers: list[tuple[int, int]] = []
    opened = tempfile.TemporaryFile

    def watched(*, dir: Path) -> Watched:  # noqa: A002 - its name there
        return Watched(opened(dir=dir), writers)

    monkeypatch.setattr(tempfile, "TemporaryFile", watched)
    piece = bytes(1 << 16)
    count = 3 * WRITTEN_AT_ONCE // len(piece) + 5
    data = await FileSpool(tmp_path).collect(pieces(*[piece] * count))
    assert count * len(piece) == len(data)
    assert threading.get_ident() not in {one for one, _ in writers}
    assert [WRITTEN_AT_ONCE] * 3 + [5 * len(piece)] == [octets for _, octets in writers]
