"""The directory that the store lives in: made owner-only, and refused where it is anything else.

Rules it keeps: the directory belongs to the effective user and nobody else has access to it; it is no symbolic link;
it is on a local file system, since LMDB's locks and memory map are not coherent between hosts.

What it does not do: judge the directories above it, or repair a mode. Where the file system cannot be told (no /proc,
or a root directory whose mount is out of sight), it is not refused: the check is against a mistake in a deployment.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from service.adapters.lmdb.errors import Translating
from service.application.evidence_store import StoreError

OWNER_ONLY = 0o700

PERMISSIONS = 0o777

MOUNTS = Path("/proc/self/mountinfo")

REMOTE_FILE_SYSTEMS = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "gfs2",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "prl_fs",
        "pvfs2",
        "smb3",
        "smbfs",
        "vboxsf",
        "vmhgfs",
    }
)
"""Types that more than one host can have mounted at once, or whose memory maps are not shared with other processes'
writes (LMDB: "Do not use LMDB databases on remote filesystems"). FUSE is refused by its prefix."""

FUSE_PREFIXES = ("fuse.", "fuseblk")


def prepare(path: Path) -> None:
    """Make the store's directory where it is absent, and check it.

    Args:
        path: The directory; missing ones above it are made too, owner-only.

    Raises:
        StoreError: it is not a directory of this user alone on a local file system; the message names what it is.
    """
    with Translating(f"cannot use the store's directory {path}"):
        _make(path)
        _check_owner(path)
        kind = file_system(path)
    if kind is not None and is_remote(kind):
        raise StoreError(f"the store's directory {path} is on {kind}: the store needs a local file system")


def is_remote(kind: str) -> bool:
    """Whether a file system of this type is refused."""
    return kind in REMOTE_FILE_SYSTEMS or kind == "fuse" or kind.startswith(FUSE_PREFIXES)


def file_system(path: Path) -> str | None:
    """Type of the file system that a directory is on, as mountinfo names it; None where it cannot be told."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        position = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    finally:
        os.close(descriptor)
    mount_id = dict(line.split(":", 1) for line in position.splitlines()).get("mnt_id", "").strip()
    return file_system_of_mount(mounts, mount_id)


def file_system_of_mount(mounts: str, mount_id: str) -> str | None:
    """Find a mount's type in the text of mountinfo (proc_pid_mountinfo(5)); None where the mount is not listed."""
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        if source and mount.split(" ", 1)[0] == mount_id:
            return source.split(" ", 1)[0]
    return None


def sync(path: Path) -> None:
    """Make the names in a directory durable.

    Raises:
        OSError: they could not be written.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(path: Path) -> None:
    absent = [directory for directory in (path, *path.parents) if not os.path.lexists(directory)]
    for directory in reversed(absent):
        # Workers start side by side: another one may be quicker.
        with suppress(FileExistsError):
            directory.mkdir(OWNER_ONLY)


def _check_owner(path: Path) -> None:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    found = f"{path} (owner {status.st_uid}, mode {mode:04o})"
    if stat.S_ISLNK(status.st_mode):
        raise StoreError(f"the store's directory {found} is a symbolic link: name the directory itself")
    if not stat.S_ISDIR(status.st_mode):
        raise StoreError(f"the store's directory {found} is not a directory")
    if status.st_uid != os.geteuid():
        raise StoreError(f"the store's directory {found} does not belong to user {os.geteuid()}, who runs the service")
    # What is above the nine bits is no access: directories inherit set-group-ID from a volume of Kubernetes (fsGroup).
    if mode & PERMISSIONS != OWNER_ONLY:
        raise StoreError(f"the store's directory {found} must be for its owner alone: mode {OWNER_ONLY:04o}")
