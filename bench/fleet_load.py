"""How long a replica takes to answer warm requests at half of what it can do, before and while something happens.

`wrk` asks one replica again and again about certificates to which nothing happens; its requests come in a rhythm, and
what it tells is the time that the 99th of a hundred answers took, and whether any was no 200.
"""

import json
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Final

from bench.serving import UnusableError
from tests.e2e.fleet.population import Client
from tests.e2e.fleet.replicas import Replica

CONNECTIONS: Final = 16

BEFORE_S: Final = 8
LONGEST_S: Final = 300
"""Of one measurement."""

AFTERWARDS_S: Final = 2.0
"""Of the time after a fault's end that counts as well: connections are made again then."""

_SCRIPT: Final = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies, number = {}, 0
for line in io.lines("%s") do bodies[#bodies + 1] = line end
function request()
  number = number %% #bodies + 1
  return wrk.format(nil, "/v1/validate", nil, bodies[number])
end
%s
function done(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("p99 %%d of %%d in %%d failed %%d\\n", latency:percentile(99), summary.requests,
    summary.duration, failed))
end
"""
_DELAY: Final = "function delay() return %d end"
_RESULT: Final = re.compile(r"p99 (\d+) of (\d+) in (\d+) failed (\d+)")


@dataclass(slots=True)
class Felt:
    """What a replica's callers felt.

    Attributes:
        before_s: The 99th of a hundred answers, before.
        process: Asks.
        during_s: The 99th of a hundred answers, meanwhile.
        failed: Requests without a 200.
    """

    before_s: float
    process: subprocess.Popen[str] = field(repr=False)
    during_s: float = 0.0
    failed: int = 0
    _ending: Timer | None = field(default=None, repr=False)

    @property
    def times(self) -> float:
        """How many times as long it took meanwhile."""
        return self.during_s / self.before_s

    @contextmanager
    def while_it_lasts(self, fault: AbstractContextManager[None]) -> Iterator[None]:
        """Let something happen, and ask for a little longer than it lasts."""
        with fault:
            yield
        self._ending = Timer(AFTERWARDS_S, self._stop)
        self._ending.start()

    def end(self) -> None:
        """Ask no more."""
        if self._ending is None:
            self._stop()
        else:
            self._ending.join()

    def _stop(self) -> None:
        self.process.send_signal(signal.SIGINT)


@dataclass(frozen=True, slots=True)
class HalfLoad:
    """Half of what a replica can do, and how it is asked."""

    replica: Replica
    script: Path
    before_s: float = field(default=0.0)

    @contextmanager
    def during(self) -> Iterator[Felt]:
        """Ask until what was felt is told to end, or the block is left; what came of it is there afterwards."""
        with _wrk(self.replica, self.script, LONGEST_S) as process:
            felt = Felt(self.before_s, process)
            try:
                yield felt
            finally:
                felt.end()
            output, _ = process.communicate(timeout=LONGEST_S)
        felt.during_s, _, felt.failed = _read(output)


def half_load(place: Path, replica: Replica, clients: Sequence[Client]) -> HalfLoad:
    """Find out what a replica can do, and how long it takes at half of that.

    Raises:
        UnusableError: it does not answer rightly.
    """
    asked = place / "asked.jsonl"
    asked.write_text("".join(json.dumps({"certificate": one.issued.pem}) + "\n" for one in clients))
    quick, paced = place / "quick.lua", place / "paced.lua"
    quick.write_text(_SCRIPT % (asked, ""))
    _, most, failed = _run(replica, quick, BEFORE_S)
    paced.write_text(_SCRIPT % (asked, _DELAY % round(1000 * CONNECTIONS / (most / 2))))
    before, _, failed_too = _run(replica, paced, BEFORE_S)
    if failed or failed_too:
        raise UnusableError(f"replica {replica.number} does not answer")
    return HalfLoad(replica, paced, before)


@contextmanager
def _wrk(replica: Replica, script: Path, seconds: int) -> Iterator[subprocess.Popen[str]]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"-s{script}", f"{replica.url}/v1/validate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _run(replica: Replica, script: Path, seconds: int) -> tuple[float, float, int]:
    with _wrk(replica, script, seconds) as process:
        output, _ = process.communicate(timeout=LONGEST_S)
    return _read(output)


def _read(output: str) -> tuple[float, float, int]:
    """Seconds of the 99th of a hundred, answers a second, and how many failed."""
    found = _RESULT.search(output)
    if found is None:
        raise UnusableError(output)
    p99, requests, duration, failed = map(int, found.groups())
    return p99 * 1e-6, requests / (duration * 1e-6), failed
