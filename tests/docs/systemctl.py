"""What `systemctl` does with one service's unit, for machines without systemd: those that tests make.

Of the unit it plays what decides whether the service can run and be replaced: its user, its directories, what it may
write to (`ProtectSystem=strict`, `PrivateTmp=yes`), the command, and how it ends. What systemd makes of the rest is
not played; `systemd-analyze verify` reads that.

It is a program of its own (`python systemctl.py start revet`), for root in a mount namespace.
"""

import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

UNITS: Final = Path("/etc/systemd/system")
LOGS: Final = Path("/mnt/journal")
"""What the service writes to standard error, and its process id."""

_READ_ONLY: Final = """
for mounted in $(cut -d ' ' -f 5 /proc/self/mountinfo); do
    [ -e "$mounted" ] || continue  # another file system covers it
    case "$mounted" in
        /dev*|/proc*|/sys*|/tmp|/var/tmp|%s) ;;
        *) mount -o remount,bind,ro "$mounted" ;;
    esac
done
"""


def unit_of(name: str) -> Mapping[str, str]:
    """The directives of a unit; of one that is there twice the last."""
    lines = (UNITS / f"{name}.service").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def start(name: str) -> None:
    """Run the service as its unit says, and leave it running."""
    unit = unit_of(name)
    user = pwd.getpwnam(unit["User"])
    writable = _make_directories(unit, user)
    LOGS.mkdir(exist_ok=True)
    with (LOGS / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            ("unshare", "--mount", "sh", "-euc", _script(unit, user, writable)),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "USER": user.pw_name, "HOME": user.pw_dir},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (LOGS / f"{name}.pid").write_text(str(process.pid))


def _make_directories(unit: Mapping[str, str], user: pwd.struct_passwd) -> list[Path]:
    """The directories that belong to the service, which are there then."""
    made = []
    for kind, parent in (("StateDirectory", "/var/lib"), ("LogsDirectory", "/var/log")):
        if kind in unit:
            directory = Path(parent, unit[kind])
            directory.mkdir(exist_ok=True)
            os.chown(directory, user.pw_uid, user.pw_gid)
            directory.chmod(int(unit[f"{kind}Mode"], 8))
            made.append(directory)
    return made


def _script(unit: Mapping[str, str], user: pwd.struct_passwd, writable: list[Path]) -> str:
    """What a shell does in a mount namespace of its own, and what it becomes then: the service."""
    lines = [f"mount --bind {each} {each}" for each in writable]
    if unit["PrivateTmp"] == "yes":
        lines += ["mount -t tmpfs -o mode=1777 tmpfs /tmp", "mount -t tmpfs -o mode=1777 tmpfs /var/tmp"]
    if unit["ProtectSystem"] == "strict":
        lines.append(_READ_ONLY % "|".join(map(str, writable)))
    capabilities = [] if unit["CapabilityBoundingSet"] else ["--bounding-set=-all"]
    as_user = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={unit['Group']}", "--clear-groups", "--no-new-privs")
    command = (*as_user, *capabilities, "--", *shlex.split(unit["ExecStart"]))
    return "\n".join((*lines, "cd /", f"umask {unit['UMask']}", f"exec {shlex.join(command)}"))


def stop(name: str) -> None:
    """End the service: SIGTERM to its first process, and to the others SIGKILL when that has ended (`KillMode=mixed`).

    Raises:
        TimeoutError: it has not ended within `TimeoutStopSec`.
    """
    pid = int((LOGS / f"{name}.pid").read_text())
    give_up_at = time.monotonic() + float(unit_of(name)["TimeoutStopSec"])
    os.kill(pid, signal.SIGTERM)
    while _lives(pid):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{name} does not end")
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or before it was read
        return False


def main(arguments: list[str]) -> None:
    """Do what `systemctl` was told.

    Raises:
        LookupError: nobody has played that yet.
    """
    match arguments:
        case ["daemon-reload"]:
            pass
        case ["enable", "--now", name] | ["start", name]:
            start(name)
        case ["stop", name]:
            stop(name)
        case ["restart", name]:
            stop(name)
            start(name)
        case _:
            raise LookupError(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
