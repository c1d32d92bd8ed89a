"""A demonstration that runs, as a test sees it: what it prints, its processes, its end."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

PATIENCE_S: Final = 20.0
"""How long to wait for what must happen; far more than it takes, since other things run on the machine too."""

_GLANCE_S: Final = 0.02
_ADDRESS: Final = re.compile(r"^API +(http://127\.0\.0\.1:\d+)$", re.MULTILINE)


def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until it is so."""
    give_up_at = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"waited {patience_s} s in vain: {what}")
        time.sleep(_GLANCE_S)


def gone(pid: int) -> bool:
    """Tell whether a process has ended; nobody may have collected its status yet (proc(5), /proc/pid/stat)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in {"Z", "X"}


def descendants(pid: int) -> list[int]:
    """Give the process ids of all that a process has started, directly or not."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


class Showing:
    """One demonstration. To be ended with `end`, whatever became of it."""

    def __init__(self, *arguments: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> None:
        """Start `python -m ARGUMENTS` in a process group of its own, as a terminal does."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._started: list[int] = []

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            self._lines.extend(lines)

    @property
    def output(self) -> str:
        """All that it and its children have printed so far."""
        return "".join(list(self._lines))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def url(self, patience_s: float = PATIENCE_S) -> str:
        """Wait until it is ready, and give the service's address."""
        until(lambda: bool(_ADDRESS.search(self.output)) or self._process.poll() is not None, self.output, patience_s)
        found = _ADDRESS.search(self.output)
        assert found is not None, self.output
        self._started = descendants(self.pid)
        return found[1]

    def started(self) -> list[int]:
        """Give the process ids of what it had started when it was ready."""
        return self._started

    def signal(self, number: int) -> None:
        """Send it alone a signal."""
        self._process.send_signal(number)

    def interrupt(self) -> None:
        """Do what a terminal does on Ctrl-C."""
        os.killpg(self.pid, signal.SIGINT)

    def exit_code(self) -> int:
        """Wait for its end."""
        code = self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def end(self) -> None:
        """End everything that was started, by process id."""
        left = [*descendants(self.pid), *self._started]
        self._process.kill()
        self._process.wait()
        for pid in left:
            # A process id may be somebody else's by now.
            if not gone(pid) and any(name in _command(pid) for name in (b"service", b"tests.demo")):
                os.kill(pid, signal.SIGKILL)
        self._reader.join(PATIENCE_S)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
