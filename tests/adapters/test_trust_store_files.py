"""Trust stores in files: what is a store, what tells that it has changed, and what is not read."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from service.adapters import trust_store_files
from service.adapters.trust_store_files import MAX_FILE_BYTES, TrustStoreFiles
from service.application.trust_store_source import FileStamp, Listing, TrustStoreSourceError


@pytest.fixture
def files(tmp_path: Path) -> TrustStoreFiles:
    """Named stores in a directory, without a default of their own."""
    return TrustStoreFiles(None, tmp_path)


def contents(files: TrustStoreFiles, name: str) -> list[bytes]:
    """What the files of a store hold."""
    return [file.content for file in files.read(name)]


def test_every_pem_file_is_a_store(tmp_path: Path, files: TrustStoreFiles) -> None:
    """By its name without the ending; everything else in the directory is passed over."""
    longest = "a" * 64
    for name in ("clients.pem", "Device-v1.2_b.pem", "0.pem", f"{longest}.pem"):
        (tmp_path / name).write_bytes(name.encode())
    for name in (".hidden.pem", "notes.txt", "a b.pem", "-a.pem", "ä.pem", f"{longest}a.pem", "clients.PEM", ".pem"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "directory.pem").mkdir()
    scan = files.scan()
    assert {"clients", "Device-v1.2_b", "0", longest} == set(scan.stores)
    assert (Listing.COMPLETE, {}) == (scan.listing, scan.problems)
    assert [b"clients.pem"] == contents(files, "clients")


def test_the_default_store_in_a_file(tmp_path: Path) -> None:
    """Whatever the file is called."""
    path = tmp_path / "bundle"
    path.write_bytes(b"a bundle")
    files = TrustStoreFiles(path, None)
    assert {"default"} == set(files.scan().stores)
    assert [b"a bundle"] == contents(files, "default")


def test_the_default_store_in_a_directory(tmp_path: Path) -> None:
    """The files that are called like certificates, by name; no dotfiles, no directories."""
    for name in ("b.pem", "a.CRT", "c.cer", "d.der", ".e.pem", "README.md", "5ed36f99.0"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "f.pem").mkdir()
    files = TrustStoreFiles(tmp_path, None)
    assert [b"a.CRT", b"b.pem", b"c.cer", b"d.der"] == contents(files, "default")
    assert 4 == len(files.scan().stores["default"])


def test_intermediates(tmp_path: Path) -> None:
    """Files and directories, in the order of the settings."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "b.pem").write_bytes(b"b")
    (tmp_path / "a").write_bytes(b"a")
    files = TrustStoreFiles(None, None, (tmp_path / "directory", tmp_path / "a"))
    assert [b"b", b"a"] == [file.content for file in files.read_intermediates()]
    stamps = [stamp for stamp in files.scan().intermediates if isinstance(stamp, FileStamp)]
    assert [str(tmp_path / "directory" / "b.pem"), str(tmp_path / "a")] == [stamp.path for stamp in stamps]


def rewrite(path: Path) -> None:
    """Another content of the same length, with the old time of change."""
    before = path.stat()
    path.write_bytes(b"B")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    """Another file of the same length under the same name, as editors and `mv` leave it."""
    new = path.with_suffix(".new")
    new.write_bytes(b"B")
    new.rename(path)


@pytest.mark.parametrize(
    "change", [rewrite, replace, lambda path: path.write_bytes(b"AA"), lambda path: path.chmod(0o600)]
)
def test_a_change_is_seen_without_reading(
    tmp_path: Path, files: TrustStoreFiles, change: Callable[[Path], object]
) -> None:
    """Whatever became of the file, its snapshot is another one; without a change it is the same."""
    path = tmp_path / "clients.pem"
    path.write_bytes(b"A")
    path.chmod(0o644)
    before = files.scan()
    assert before == files.scan()
    change(path)
    assert before.stores["clients"] != files.scan().stores["clients"]


def test_a_kubernetes_volume(tmp_path: Path, files: TrustStoreFiles) -> None:
    """Every file is a link into `..data`, a link itself, which is replaced when the ConfigMap changes."""
    for version in ("..2026_01", "..2026_02"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "clients.pem").write_bytes(version.encode())
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "clients.pem").symlink_to("..data/clients.pem")
    before = files.scan()
    assert ({"clients"}, {}) == (set(before.stores), before.problems)
    assert [b"..2026_01"] == contents(files, "clients")
    (tmp_path / "..data_tmp").symlink_to("..2026_02")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert before.stores["clients"] != files.scan().stores["clients"]
    assert [b"..2026_02"] == contents(files, "clients")


def test_a_link_into_nowhere_is_a_store_that_cannot_be_read(tmp_path: Path, files: TrustStoreFiles) -> None:
    """Its name is there: it was not deleted."""
    (tmp_path / "clients.pem").symlink_to("nowhere")
    assert {"clients": ()} == files.scan().stores
    with pytest.raises(TrustStoreSourceError, match=r"clients\.pem cannot be read: No such file"):
        files.read("clients")


def test_an_empty_directory(tmp_path: Path, files: TrustStoreFiles) -> None:
    """A volume that is not mounted looks like this: nothing is concluded from it."""
    scan = files.scan()
    assert (Listing.PARTIAL, {}) == (scan.listing, scan.stores)
    assert {str(tmp_path): f"there is no NAME.pem in {tmp_path}"} == scan.problems


def test_a_directory_that_is_gone(tmp_path: Path) -> None:
    """As an empty one; the default store beside it is still seen."""
    (tmp_path / "default").write_bytes(b"A")
    gone = tmp_path / "gone"
    scan = TrustStoreFiles(tmp_path / "default", gone).scan()
    assert (Listing.PARTIAL, {"default"}) == (scan.listing, set(scan.stores))
    assert {str(gone): f"{gone} cannot be read: No such file or directory"} == scan.problems


def test_too_many_files(tmp_path: Path, files: TrustStoreFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at each every second has a limit."""
    monkeypatch.setattr(trust_store_files, "MAX_FILES", 2)
    for name in ("a.pem", "b.pem", "c.pem"):
        (tmp_path / name).write_bytes(b"")
    scan = files.scan()
    assert (Listing.PARTIAL, {}) == (scan.listing, scan.stores)
    assert {str(tmp_path): f"{tmp_path} cannot be read: it has more than 2 files"} == scan.problems
    whole = TrustStoreFiles(tmp_path, None, (tmp_path,))
    assert ({"default": ()}, ()) == (whole.scan().stores, whole.scan().intermediates)
    with pytest.raises(TrustStoreSourceError, match="it has more than 2 files"):
        whole.read("default")
    with pytest.raises(TrustStoreSourceError, match="it has more than 2 files"):
        whole.read_intermediates()


def test_two_default_stores(tmp_path: Path) -> None:
    """The one that the settings name wins, and the other is reported."""
    (tmp_path / "default.pem").write_bytes(b"of the directory")
    (tmp_path / "bundle").write_bytes(b"of the settings")
    files = TrustStoreFiles(tmp_path / "bundle", tmp_path)
    assert [f"{tmp_path}/default.pem"] == list(files.scan().problems)
    assert [b"of the settings"] == contents(files, "default")


def test_the_default_store_of_a_directory(tmp_path: Path, files: TrustStoreFiles) -> None:
    """Without one in the settings, `default.pem` is it."""
    (tmp_path / "default.pem").write_bytes(b"of the directory")
    assert [b"of the directory"] == contents(files, "default")


def test_a_default_store_that_is_gone(tmp_path: Path) -> None:
    """It is still a store, and cannot be read."""
    files = TrustStoreFiles(tmp_path / "gone", None)
    assert {"default": ()} == files.scan().stores
    with pytest.raises(TrustStoreSourceError, match=r"gone cannot be read: No such file or directory"):
        files.read("default")


def test_a_default_directory_without_certificates(tmp_path: Path) -> None:
    """The message says what is looked for."""
    with pytest.raises(TrustStoreSourceError, match=r"whose name ends with \.cer, \.crt, \.der, \.pem"):
        TrustStoreFiles(tmp_path, None).read("default")


def test_a_file_that_is_too_long(tmp_path: Path, files: TrustStoreFiles) -> None:
    """It is not read, whatever it holds; one octet less is."""
    path = tmp_path / "clients.pem"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES)
    assert MAX_FILE_BYTES == len(contents(files, "clients")[0])
    with path.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(TrustStoreSourceError, match=f"has more than {MAX_FILE_BYTES} bytes"):
        files.read("clients")


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_nothing_but_regular_files_is_read(
    tmp_path: Path, files: TrustStoreFiles, make: Callable[[Path], None]
) -> None:
    """A pipe would never end, and a directory is no file."""
    make(tmp_path / "clients.pem")
    with pytest.raises(TrustStoreSourceError, match="is not a regular file"):
        files.read("clients")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "", "."])
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    """What is no name of a store is not made into a path."""
    (tmp_path / "secret.pem").write_bytes(b"secret")
    (tmp_path / "stores").mkdir()
    with pytest.raises(TrustStoreSourceError, match="there is no place for a store"):
        TrustStoreFiles(None, tmp_path / "stores").read(name)
