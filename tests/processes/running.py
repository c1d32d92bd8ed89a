"""A service in miniature that runs, as a test sees it: its log, its processes, its port."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.processes.plan import Plan

ROOT: Final = Path(__file__).parents[2]

PATIENCE_S: Final = 15.0
"""How long to wait for what must happen; far more than it takes, since other things run on the machine too."""

_GLANCE_S: Final = 0.01

Event = Mapping[str, object]


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until it is so."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"waited {PATIENCE_S} s in vain: {what}")
        time.sleep(_GLANCE_S)


def state_of(pid: int) -> str:
    """Give the state letter of a process, or an empty string when there is none (proc(5), /proc/pid/stat)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat.rpartition(")")[2].split()[0]


def gone(pid: int) -> bool:
    """Tell whether a process has ended; nobody may have collected its status yet."""
    return state_of(pid) in {"", "Z", "X"}


class Running:
    """One service. To be ended with `end`, whatever became of it."""

    def __init__(self, plan: Plan) -> None:
        self._events: list[Event] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.processes.programs.supervise", plan.to_json()],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a process group of its own, for Ctrl-C
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._events.append(json.loads(line))

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    @property
    def port(self) -> int:
        """The port of the socket that the children inherit."""
        port = self.wait_for("listening")[0]["port"]
        assert isinstance(port, int)
        return port

    def all_events(self) -> list[Event]:
        """Give all events so far."""
        return list(self._events)

    def events(self, name: str) -> list[Event]:
        """Give all events of a name so far."""
        return [event for event in list(self._events) if event["event"] == name]

    def wait_for(self, name: str, count: int = 1) -> list[Event]:
        """Wait until there are so many events of a name, and give them."""
        until(lambda: len(self.events(name)) >= count, f"{name} x{count} in {self._events}")
        return self.events(name)

    def pids(self, name: str = "child_started", count: int = 1) -> list[int]:
        """Give the process ids in these events."""
        return [pid for event in self.wait_for(name, count) if isinstance(pid := event["pid"], int)]

    def signal(self, number: int) -> None:
        """Send a signal to the supervisor."""
        self._process.send_signal(number)

    def interrupt(self) -> None:
        """Do what a terminal does on Ctrl-C."""
        os.killpg(self.pid, signal.SIGINT)

    def exit_code(self) -> int:
        """Wait for the supervisor's end."""
        code = self._process.wait(PATIENCE_S)
        # All that the children have to say was said when the last of them is gone.
        self._reader.join(PATIENCE_S)
        return code

    def connect(self) -> socket.socket:
        """Connect to the service's port."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)

    def say(self, word: bytes) -> bytes:
        """Give the line that whichever child takes it answers with."""
        with self.connect() as connection, connection.makefile("rwb") as stream:
            stream.write(word + b"\n")
            stream.flush()
            return stream.readline().strip()

    def ask(self) -> int:
        """Ask whichever child answers for its process id."""
        with self.connect() as connection, connection.makefile("rwb") as stream:
            stream.write(b"pid\n")
            stream.flush()
            return int(stream.readline())

    def end(self) -> None:
        """End everything that was started, by process id."""
        self._process.kill()
        self._process.wait()
        for event in list(self._events):
            pid = event.get("pid")
            if isinstance(pid, int) and not gone(pid) and b"tests.processes" in _command(pid):
                os.kill(pid, signal.SIGKILL)
        self._reader.join(PATIENCE_S)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
