"""Downloads kept in files that have no name."""

from collections.abc import AsyncIterator
from mmap import mmap
from pathlib import Path

import pytest

from service.adapters.spool import FileSpool

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
