"""What a process takes, as the kernel tells it."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

from bench.serving import UnusableError
from tests.e2e.running import Service

MEGABYTE: Final = 1_000_000
SAMPLED_EVERY_S: Final = 0.05


def memory(pid: int, field: str) -> int:
    """Octets of a field of `/proc/PID/status`: `RssAnon`, `VmRSS`, `VmHWM`.

    Raises:
        UnusableError: the process has ended.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError as error:
        raise UnusableError(f"process {pid} has ended") from error
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    if found is None:
        raise UnusableError(f"process {pid} has no {field}: it has ended")
    return 1024 * int(found[1])


def descriptors(pid: int) -> int:
    """How many descriptors a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


class Highest:
    """The most memory of its own (RssAnon) that a process had while the block lasted.

    File pages, which the kernel takes back when it needs them, are not in it.
    """

    def __init__(self, pid: int) -> None:
        """Nothing is sampled yet."""
        self.octets = 0
        self._pid = pid
        self._ended = Event()
        self._thread = Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLED_EVERY_S):
            try:
                self.octets = max(self.octets, memory(self._pid, "RssAnon"))
            except UnusableError:
                return


def wait_until(condition: Callable[[], bool], what: str, patience_s: float, every_s: float = 0.5) -> float:
    """Look again and again; seconds that it took.

    Raises:
        UnusableError: it never was so.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > patience_s:
            raise UnusableError(f"waited {patience_s:g} s in vain: {what}")
        time.sleep(every_s)
    return time.monotonic() - started


def kill(service: Service) -> None:
    """Kill the supervisor without a warning, and wait until nothing of the service is left.

    What it left to the kernel to write is written then: a start is measured, and not the disk that is behind.
    """
    pids = [*service.children("worker"), *service.children("prefetcher")]
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "all processes end", 30, 0.05)
    os.sync()
