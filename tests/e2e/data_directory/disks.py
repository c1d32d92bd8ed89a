"""A small disk of a test's own: a file system in memory, in a mount namespace that a process keeps alive.

It needs no privilege but that of making user namespaces: whoever runs the test is root in there, and the owner of all.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.running import PATIENCE_S, ROOT, until

MIB: Final = 1 << 20

BALLAST: Final = "ballast"
"""What fills a disk."""


@dataclass(frozen=True, slots=True)
class Disk:
    """One.

    Attributes:
        path: Where it is for whoever is `inside`.
        keeper: The process that keeps it.
    """

    path: Path
    keeper: int

    @property
    def inside(self) -> tuple[str, ...]:
        """The command that runs another one where the disk is to be seen."""
        namespaces = ("--user", "--mount", "--preserve-credentials")
        return ("nsenter", f"--target={self.keeper}", *namespaces, "--", "env", "--chdir", str(ROOT))

    @property
    def outside(self) -> Path:
        """Where it is for the test."""
        return Path(f"/proc/{self.keeper}/root") / self.path.relative_to("/")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command where the disk is to be seen."""
        return subprocess.run((*self.inside, *command), capture_output=True, text=True, timeout=PATIENCE_S, check=False)

    def remount(self, option: str) -> None:
        """Mount it anew, with `ro` or `rw`."""
        done = self.run("mount", "-o", f"remount,{option}", str(self.path))
        assert done.returncode == 0, done.stderr

    def fill(self, but: int = 0) -> None:
        """Write until nothing more fits; all but some octets."""
        with (self.outside / BALLAST).open("ab", buffering=0) as file:
            for piece in (MIB, 4096):
                with suppress(OSError):
                    while file.write(bytes(piece)) == piece:
                        pass
        if but:
            ballast = self.outside / BALLAST
            size = ballast.stat().st_size
            with ballast.open("r+b") as file:
                file.truncate(size - but)

    def fill_for_good(self) -> None:
        """Write until nothing more fits, under a service: whatever it exchanges may give a page or two back."""
        until(self._stays_full, "nobody gives room back any more")

    def _stays_full(self) -> bool:
        self.fill()
        time.sleep(1.2)  # longer than workers wait until they exchange the files in which they say how they are
        return os.statvfs(self.outside).f_bavail == 0

    def empty(self) -> None:
        """Give the room back."""
        (self.outside / BALLAST).unlink()


@contextmanager
def small_disk(path: Path, octets: int) -> Iterator[Disk]:
    """A disk that is mounted at a directory until the block is left."""
    path.mkdir(0o700)
    mount = 'mount -t tmpfs -o "size=$2,mode=0700" disk "$1" && echo mounted && exec cat'
    command = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh", str(path), str(octets))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        try:
            assert b"mounted\n" == keeper.stdout.readline()
            yield Disk(path, keeper.pid)
        finally:
            keeper.kill()
