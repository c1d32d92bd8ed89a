"""What is read of files and directories, and what is not."""

import os
from pathlib import Path

import pytest

from service.adapters.files import places as files
from service.adapters.files.places import FilePlaces
from service.application.origin import OriginError
from service.application.places import Content, FilePlace, NotModified, UrlPlace
from service.core.model.attempt import Problem

pytestmark = pytest.mark.anyio

LARGE = 2**24


async def taken(path: Path, held: str = "", max_bytes: int = LARGE) -> tuple[str, bytes] | None:
    """Version and octets of a file; None where it is the version that is held."""
    async with FilePlaces().read(FilePlace(path), max_bytes, held) as found:
        match found:
            case NotModified():
                return None
            case Content(version, chunks):
                return version, b"".join([piece async for piece in chunks])


async def refused(path: Path, max_bytes: int = LARGE) -> OriginError:
    """Why a file cannot be read."""
    with pytest.raises(OriginError) as caught:
        await taken(path, "", max_bytes)
    return caught.value


async def names(directory: Path) -> list[str]:
    """What is listed of a directory."""
    return [Path(one.key).name for one in await FilePlaces().list(FilePlace(directory))]


async def test_a_directory_is_listed(tmp_path: Path) -> None:
    """Its regular files that are CRLs by their names, links to such among them; not what lies deeper."""
    for name in ("b.crl", "a.PEM", "c.der", ".hidden.crl", "notes.txt", "a.crt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper.crl").mkdir()
    (tmp_path / "deeper.crl/d.crl").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.crl")
    (tmp_path / "link.crl").symlink_to(tmp_path / "notes.txt")
    (tmp_path / "nowhere.crl").symlink_to(tmp_path / "nothing")
    assert ["a.PEM", "b.crl", "c.der", "link.crl", "nowhere.crl"] == await names(tmp_path)


async def test_a_file_is_read(tmp_path: Path) -> None:
    """In pieces, and whole."""
    body = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(body)
    found = await taken(tmp_path / "a")
    assert found is not None
    assert body == found[1]


@pytest.mark.parametrize("octets", [0, 70_000])
async def test_its_length_is_known(tmp_path: Path, octets: int) -> None:
    """Before the first piece."""
    (tmp_path / "a").write_bytes(bytes(octets))
    async with FilePlaces().read(FilePlace(tmp_path / "a"), 1 << 20) as found:
        assert isinstance(found, Content)
        assert octets == found.octets == sum([len(piece) async for piece in found.chunks])


async def test_a_listing_tells_the_versions(tmp_path: Path) -> None:
    """As reading does; a file that is replaced is another version although size and times may be the same."""
    path = tmp_path / "a.crl"
    path.write_bytes(b"first")
    (listed,) = await FilePlaces().list(FilePlace(tmp_path))
    assert await taken(path, listed.version) is None
    (tmp_path / "new").write_bytes(b"other")
    os.utime(tmp_path / "new", ns=(0, path.stat().st_mtime_ns))
    (tmp_path / "new").replace(path)
    found = await taken(path, listed.version)
    assert found is not None
    assert b"other" == found[1]


async def test_an_empty_file_is_one(tmp_path: Path) -> None:
    """It has no octets, which is not the same as being unchanged."""
    (tmp_path / "a.crl").write_bytes(b"")
    found = await taken(tmp_path / "a.crl")
    assert found is not None
    assert b"" == found[1]


async def test_what_is_not_there(tmp_path: Path) -> None:
    """It cannot be listed, since it may have been a directory, nor read."""
    with pytest.raises(OriginError) as caught:
        await names(tmp_path / "nowhere.crl")
    assert Problem.UNREACHABLE is caught.value.problem
    error = await refused(tmp_path / "nowhere.crl")
    assert (Problem.UNREACHABLE, f"{tmp_path}/nowhere.crl: No such file or directory") == (error.problem, error.detail)


@pytest.mark.parametrize("kind", ["pipe", "directory"])
async def test_what_is_no_regular_file(tmp_path: Path, kind: str) -> None:
    """A pipe is not waited for."""
    if kind == "pipe":
        os.mkfifo(tmp_path / "a.crl")
    else:
        (tmp_path / "a.crl").mkdir()
    assert Problem.MALFORMED == (await refused(tmp_path / "a.crl")).problem


@pytest.mark.parametrize(("max_bytes", "is_read"), [(5, True), (4, False)])
async def test_the_limit(tmp_path: Path, max_bytes: int, is_read: bool) -> None:
    """A file up to the limit is read, and a larger one refused."""
    (tmp_path / "a.crl").write_bytes(b"12345")
    if is_read:
        assert await taken(tmp_path / "a.crl", max_bytes=max_bytes) is not None
    else:
        assert Problem.TOO_LARGE == (await refused(tmp_path / "a.crl", max_bytes)).problem


async def test_a_file_that_grows(tmp_path: Path) -> None:
    """What comes beyond the limit after it was opened is not read either."""
    path = tmp_path / "a.crl"
    path.write_bytes(b"12345")
    async with FilePlaces().read(FilePlace(path), 5) as found:
        path.write_bytes(b"123456")
        assert isinstance(found, Content)
        with pytest.raises(OriginError) as caught:
            await anext(found.chunks)
    assert Problem.TOO_LARGE == caught.value.problem


@pytest.mark.parametrize(("limit", "suffix"), [("MAX_OBJECTS", ".crl"), ("MAX_ENTRIES", ".txt")])
async def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, suffix: str) -> None:
    """A directory with more than can be looked after is refused as a whole."""
    monkeypatch.setattr(files, limit, 3)
    for number in range(3):
        (tmp_path / f"{number}{suffix}").write_bytes(b"")
    await names(tmp_path)
    (tmp_path / f"3{suffix}").write_bytes(b"")
    with pytest.raises(OriginError) as caught:
        await names(tmp_path)
    assert Problem.TOO_LARGE == caught.value.problem


async def test_other_places_are_not_read() -> None:
    """A URL is none of its business."""
    with pytest.raises(OriginError) as caught:
        await FilePlaces().list(UrlPlace("https://ca.example/"))
    assert Problem.UNSUPPORTED_SCHEME == caught.value.problem
