"""The store's directory."""

import os
import re
from pathlib import Path

import pytest

from service.adapters.lmdb import directory
from service.adapters.lmdb.directory import file_system, file_system_of_mount, is_remote, prepare
from service.application.evidence_store import StoreError

MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:25 / /home rw shared:9 master:1 - nfs4 server:/home rw,vers=4.2
31 22 0:26 / /a\\040place rw - fuse.sshfs user@host: rw
"""


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_made_for_the_owner_alone(tmp_path: Path) -> None:
    """A directory that is absent is made, and those above it, with no access for anybody else."""
    path = tmp_path / "above" / "store"

    prepare(path)

    assert (0o700, 0o700) == (_mode(path), _mode(path.parent))


def test_prepared_twice(tmp_path: Path) -> None:
    """A directory as it should be is taken as it is."""
    prepare(tmp_path / "store")

    prepare(tmp_path / "store")


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o720, 0o740, 0o755, 0o777, 0o500])
def test_other_modes_are_refused(tmp_path: Path, mode: int) -> None:
    """Any access for group or others is refused; the message names path, owner and mode, and nothing is changed."""
    path = tmp_path / "store"
    path.mkdir()
    path.chmod(mode)

    with pytest.raises(StoreError, match=re.escape(f"{path} (owner {os.getuid()}, mode {mode:04o})")):
        prepare(path)

    assert mode == _mode(path)


def test_set_group_id_is_no_access(tmp_path: Path) -> None:
    """A directory that inherited set-group-ID from a volume is taken."""
    path = tmp_path / "store"
    path.mkdir(0o700)
    path.chmod(0o2700)

    prepare(path)


def test_other_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of another user is refused."""
    path = tmp_path / "store"
    prepare(path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(StoreError, match=re.escape(f"{path} (owner {os.getuid()}, mode 0700) does not belong")):
        prepare(path)


def test_symbolic_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link is refused, whatever it leads to."""
    prepare(tmp_path / "store")
    (tmp_path / "link").symlink_to("store")

    with pytest.raises(StoreError, match="symbolic link"):
        prepare(tmp_path / "link")


def test_file_is_refused(tmp_path: Path) -> None:
    """A file is refused."""
    (tmp_path / "store").touch(0o700)

    with pytest.raises(StoreError, match="not a directory"):
        prepare(tmp_path / "store")


def test_unreachable_path(tmp_path: Path) -> None:
    """An error of the operating system is a StoreError that names the path."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=re.escape(str(tmp_path / "file" / "store"))):
        prepare(tmp_path / "file" / "store")


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "lustre", "ceph", "fuse", "fuse.sshfs", "fuse.s3fs", "fuseblk"]
)
def test_remote_kinds(kind: str) -> None:
    """File systems of other hosts are refused, and everything in FUSE."""
    assert is_remote(kind)


@pytest.mark.parametrize("kind", ["overlay", "ext4", "xfs", "btrfs", "tmpfs", "zfs", "virtiofs", "fusectl"])
def test_local_kinds(kind: str) -> None:
    """File systems of this host are not."""
    assert not is_remote(kind)


@pytest.mark.parametrize(("mount", "kind"), [("22", "ext4"), ("30", "nfs4"), ("31", "fuse.sshfs"), ("2", None)])
def test_mountinfo(mount: str, kind: str | None) -> None:
    """A mount is found by its number, optional fields or not; one that is not listed is unknown."""
    assert kind == file_system_of_mount(MOUNTS, mount)


def test_this_file_system(tmp_path: Path) -> None:
    """The file system of a real directory is one that the kernel knows."""
    kinds = {line.split()[-1] for line in Path("/proc/filesystems").read_text(encoding="ascii").splitlines()}

    assert file_system(tmp_path) in kinds


def test_remote_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory on a remote file system is refused, by name."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    mounts = tmp_path / "mountinfo"
    mounts.write_text("".join(f"{line.partition(' - ')[0]} - nfs4 server:/ rw\n" for line in lines))
    monkeypatch.setattr(directory, "MOUNTS", mounts)

    with pytest.raises(StoreError, match=re.escape(f"{tmp_path / 'store'} is on nfs4")):
        prepare(tmp_path / "store")


def test_without_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system cannot be told it is not refused."""
    monkeypatch.setattr(directory, "MOUNTS", tmp_path / "absent")

    prepare(tmp_path / "store")
