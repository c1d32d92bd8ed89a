"""`revet demo` as a stranger runs it: in a directory of his own, with nothing but what it prints and leaves behind."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final, Self

from tests.demo.running import gone, until

REVET: Final = Path(sys.executable).with_name("revet")

PATIENCE_S: Final = 180.0
"""How long a whole story may take: seconds are usual, and other things run on the machine too."""


class Stranger:
    """One run. To be ended with `end`, whatever became of it."""

    def __init__(self, directory: Path, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
        """Start it in a session of its own, as a terminal does.

        Args:
            directory: An empty one: where it is started, and where its temporary files go.
            command: What is typed.
            environment: More of the environment.
        """
        self.here = directory / "here"
        self.temporary = directory / "tmp"
        self.here.mkdir()
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            command,
            cwd=self.here,
            env={**os.environ, "TMPDIR": str(self.temporary), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        self._said: dict[str, list[str]] = {"out": [], "err": []}
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [self._reader("out", self.process.stdout), self._reader("err", self.process.stderr)]

    def _reader(self, name: str, stream: IO[str]) -> threading.Thread:
        def read() -> None:
            with stream:
                self._said[name].extend(stream)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    @property
    def output(self) -> str:
        """What it has told so far."""
        return "".join(list(self._said["out"]))

    @property
    def complaints(self) -> str:
        """What it has complained of so far."""
        return "".join(list(self._said["err"]))

    def until(self, text: str) -> Self:
        """Wait until it has told of this, or has ended."""
        until(lambda: text in self.output or self.process.poll() is not None, f"it tells of {text}", PATIENCE_S)
        return self

    def interrupt(self) -> None:
        """Do what a terminal does on Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def exit_code(self) -> int:
        """Wait for its end."""
        code = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code

    def running(self) -> list[int]:
        """Process ids of it and of whatever it has started: what runs where it was started, or knows its files."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                # nginx writes over its environment, and a function runs elsewhere.
                knows = os.fsencode(self.temporary) in (process / "environ").read_bytes()
                if (knows or (process / "cwd").readlink() == self.here) and not gone(int(process.name)):
                    found.append(int(process.name))
        return found

    def commands(self) -> dict[int, list[bytes]]:
        """The command line of each of those; none of what has ended meanwhile."""
        found = {}
        for pid in self.running():
            with contextlib.suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        return found

    def files(self) -> list[str]:
        """What is left in both directories."""
        return sorted(path.name for place in (self.here, self.temporary) for path in place.iterdir())

    def end(self) -> None:
        """End everything that runs where it was started."""
        self.process.kill()
        self.process.wait()
        for pid in self.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def telling(*command: str, environment: Mapping[str, str] | None = None) -> Iterator[Stranger]:
    """A story that is being told; nothing of it is left behind by the test, at least."""
    # Short: a test's own directory would be too long for the address of a socket.
    directory = Path(tempfile.mkdtemp(prefix="story-"))
    stranger = Stranger(directory, command or (str(REVET), "demo"), environment or {})
    try:
        yield stranger
    finally:
        stranger.end()
        shutil.rmtree(directory)


def rows(output: str, chapter: str) -> dict[str, list[str]]:
    """The first table of a chapter with a head: what stands in each row, by the row's name."""
    lines = output.partition(f"\n{chapter}")[2].splitlines()[1:]
    found: dict[str, list[str]] = {}
    head: list[str] | None = None
    for line in lines:
        cells = re.split(r" {2,}", line.strip())
        if head is None:
            head = cells if re.match(r" {6,}\S", line) else None
        elif line.strip():
            found[cells[0]] = cells[1:]
        else:
            break
    return found
