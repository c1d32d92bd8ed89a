"""Becomes a process in a container: what a container runtime does before it starts anything.

    unshare --mount --pid --fork --net … python launcher.py start '{"root": …}'
    nsenter --target PID --mount --pid --net … python launcher.py enter '{"root": …}'

Rules it keeps: the root file system is mounted for reading only; what may be written is a tmpfs, and named; no
capability is left, none can be had again, and no program gives its caller more than he has.

It is a script of the standard library alone, started as root in namespaces of its own, and it ends by becoming what it
was asked for. What it does not do: limit resources, or filter system calls.
"""

import ctypes
import fcntl
import json
import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
LAST_CAPABILITY = 40
"""`CAP_CHECKPOINT_RESTORE`, linux/capability.h."""

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x41


def main(how: str, text: str) -> None:
    """Prepare, and become the program."""
    spec = json.loads(text)
    root = Path(spec["root"])
    if how == "start":
        _mount_all(root, spec)
        if spec["network"]:
            _raise_loopback()
    os.chroot(root)
    os.chdir(spec["directory"])
    _drop(spec["user"])
    os.umask(0o022)
    program, *_ = spec["command"]
    os.execve(program, spec["command"], spec["environment"])  # noqa: S606 - what it is for


def _mount_all(root: Path, spec: dict[str, Any]) -> None:
    _mount("--make-rprivate", "/")
    _mount("--bind", root, root)
    _mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", root / "proc")
    _make_devices(root / "dev")
    for target, options in spec["volumes"].items():
        _mount("-t", "tmpfs", "-o", f"nosuid,nodev,{options}", "tmpfs", root / target.lstrip("/"))
    for target, source in spec["files"].items():
        _mount("--bind", source, root / target.lstrip("/"))
        _mount("-o", "remount,bind,ro", root / target.lstrip("/"))
    for target in spec["hidden"]:
        _mount("-t", "tmpfs", "-o", "ro", "tmpfs", root / target.lstrip("/"))
    if spec["read_only"]:
        _mount("-o", "remount,bind,ro", root)


def _make_devices(directory: Path) -> None:
    _mount("-t", "tmpfs", "-o", "nosuid,noexec,mode=0755", "tmpfs", directory)
    for name, (major, minor) in DEVICES.items():
        os.mknod(directory / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        (directory / name).chmod(0o666)
    (directory / "fd").symlink_to("/proc/self/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        (directory / name).symlink_to(f"/proc/self/fd/{number}")
    _mount("-o", "remount,ro", directory)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(("mount", *arguments), check=True)


def _raise_loopback() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP_RUNNING, b""))


def _drop(user: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(LAST_CAPABILITY + 1):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"capability {capability}")
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")


if __name__ == "__main__":
    main(*sys.argv[1:])
