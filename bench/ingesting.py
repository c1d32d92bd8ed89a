"""What a worker feels while a CRL of a million entries is taken in beside it.

    python -m bench.ingesting

The service has one worker and a prefetcher; `wrk` asks for warm verdicts at half of what the worker can do. Measured
are the 99th percentile of its answers, without and with the prefetcher at work, and how much memory of its own
(RssAnon) the worker has before and after its first lookup in that CRL.
"""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from bench import serving
from bench.crls import SIZES
from bench.pki import crl
from service.adapters.clock import SystemClock
from tests.e2e.running import Service
from tests.pki import Authority

ENTRIES: Final = SIZES[-1]
IDLE_S: Final = 4
PATIENCE_S: Final = 60.0
"""Seconds in which the CRL is held, or something is wrong."""

_PACED: Final = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("%s")
wrk.body = file:read()
file:close()
function delay() return %d end
function done(summary, latency, requests)
  io.write(string.format("p99 %%d of %%d in %%d\\n", latency:percentile(99), summary.requests, summary.duration))
end
"""
_RESULT: Final = re.compile(r"p99 (\d+) of (\d+) in (\d+)")


@dataclass(frozen=True, slots=True)
class Felt:
    """What came of it.

    Attributes:
        idle_s: 99th percentile without the prefetcher at work.
        busy_s: The same while it works.
        load: Answers a second, of those that the worker can give.
        grown_octets: By how much the worker's own memory grew.
    """

    idle_s: float
    busy_s: float
    load: float
    grown_octets: int

    def lines(self) -> Iterator[str]:
        """For a person, with what is wanted."""
        ratio = self.busy_s / self.idle_s
        yield f"\nA CRL of {ENTRIES:,} entries is taken in; one worker at {self.load:.0%} of what it can do"
        yield f"  p99 of warm verdicts: {self.idle_s * 1e3:.2f} ms idle, {self.busy_s * 1e3:.2f} ms meanwhile"
        yield f"  {ratio:.2f} times; at most 2 wanted: {'pass' if ratio <= 2 else 'FAIL'}"
        grown = self.grown_octets / 1e6
        yield f"  the worker's RssAnon grew by {grown:.1f} MB; at most 10 wanted: {'pass' if grown < 10 else 'FAIL'}"


def felt() -> Felt:
    """Measure it once.

    Raises:
        UnusableError: something does not do what it should.
    """
    with TemporaryDirectory() as directory:
        place = Path(directory)
        asked = serving.questions(place)
        big = _big_authority(asked)
        with serving.served(place / "service", asked, {}) as service:
            return _measure(service, place, asked, big)


def _big_authority(asked: serving.Questions) -> tuple[bytes, str]:
    """Another anchor: its long CRL, and a request about a certificate of it."""
    now = SystemClock().now()
    authority = Authority.root("Big Root", not_before=now - timedelta(days=1), not_after=now + timedelta(days=30))
    asked.root.write_text(asked.root.read_text() + authority.pem)
    leaf = authority.issue("leaf", not_before=now - timedelta(days=1), not_after=now + timedelta(days=30))
    return crl(authority, ENTRIES, seed=1, this_update=now, next_update=now + timedelta(days=1)), json.dumps(
        {"certificate": leaf.pem}
    )


def _measure(service: Service, place: Path, asked: serving.Questions, big: tuple[bytes, str]) -> Felt:
    document, question = big
    url = f"{service.url}/v1/validate"
    most = serving.rate(service.url, serving.script(place, asked.one))
    delay_ms = round(1000 * serving.CONNECTIONS / (most / 2))
    script = place / "paced.lua"
    script.write_text(_PACED % (asked.one, delay_ms))
    (worker,) = service.children("worker")
    before = _rss_anon(worker)
    idle_s, given = _p99(url, script, IDLE_S)
    with _load(url, script) as load:
        part = asked.crl / "big.crl.part"
        part.write_bytes(document)
        part.rename(asked.crl / "big.crl")
        _wait_until_good(url, question)
    busy_s = load[0]
    return Felt(idle_s, busy_s, given / most, _rss_anon(worker) - before)


@contextmanager
def _load(url: str, script: Path) -> Iterator[list[float]]:
    """Ask at that pace for as long as the block takes; its p99 is there afterwards."""
    found: list[float] = []
    command = [*serving.WRK, f"-d{int(PATIENCE_S)}s", f"-s{script}", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield found
        process.send_signal(2)
        output, _ = process.communicate()
    found.append(_read(output)[0])


def _p99(url: str, script: Path, seconds: int) -> tuple[float, float]:
    """Seconds of the 99th of a hundred answers, and answers a second."""
    command = [*serving.WRK, f"-d{seconds}s", f"-s{script}", url]
    return _read(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _read(output: str) -> tuple[float, float]:
    result = _RESULT.search(output)
    if result is None or "Non-2xx" in output:
        raise serving.UnusableError(output)
    p99, requests, duration = map(int, result.groups())
    return p99 * 1e-6, requests / (duration * 1e-6)


def _wait_until_good(url: str, question: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    # One client for all: making one costs 15 ms of a core, which the worker would be seen to wait for.
    with httpx.Client(headers={"content-type": "application/json"}) as client:
        while time.monotonic() < deadline:
            if client.post(url, content=question).json()["status"] == "good":
                return
            time.sleep(0.1)
    raise serving.UnusableError("the CRL was not held in time")


def _rss_anon(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith("RssAnon:"))
    return 1024 * int(found)


if __name__ == "__main__":
    print(*felt().lines(), sep="\n")
