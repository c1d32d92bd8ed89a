"""The service as its users run it: `python -m service serve`, on a port of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import httpx

from tests.ports import free_port

ROOT: Final = Path(__file__).parents[2]

PATIENCE_S: Final = 60.0
"""How long to wait for what must happen; far more than it takes, since other things run on the machine too."""


def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until it is so.

    Raises:
        AssertionError: it never is.
    """
    give_up_at = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"waited {patience_s} s in vain: {what}")
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs.

    Attributes:
        url: Where it answers.
        process: The supervisor.
        management_url: Where probes are answered: there too, unless it has a management port.
    """

    url: str
    process: subprocess.Popen[bytes]
    management_url: str

    def validate(self, certificate: str, **request: object) -> dict[str, Any]:
        """The answer of `POST /v1/validate`; 200 is taken for granted."""
        answer = httpx.post(f"{self.url}/v1/validate", json={"certificate": certificate, **request}, timeout=10)
        assert httpx.codes.OK == answer.status_code, answer.text
        return dict(answer.json())

    def answers(self) -> bool:
        """Whether it answers now."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.management_url}/healthz", timeout=1).status_code == httpx.codes.OK
        return False

    def is_ready(self) -> bool:
        """Whether it is ready to serve."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.management_url}/readyz", timeout=2).status_code == httpx.codes.OK
        return False

    def children(self, kind: str) -> list[int]:
        """Process ids of its children of one kind: `worker`, `prefetcher`."""
        found = []
        for directory in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(directory.name)
                parent = int((directory / "stat").read_text().rpartition(")")[2].split()[1])
                words = (directory / "cmdline").read_bytes().split(b"\0")
                if parent == self.process.pid and b"service.processes" in words and kind.encode() in words:
                    found.append(pid)
        return sorted(found)


def logged(tmp_path: Path, event: str) -> list[dict[str, Any]]:
    """Every event of a name in the log of the service that was run last; lines that are no JSON are left out."""
    return events_in(tmp_path / "service.log", event)


def events_in(log: Path, event: str) -> list[dict[str, Any]]:
    """Every event of a name in a log; lines that are no JSON are left out."""
    lines = log.read_text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    return [read for read in events if read["event"] == event]


def until_all_say(tmp_path: Path, event: str, setting: str, times: int = 2) -> None:
    """Wait until every worker has said something of the file of a setting: each says it once."""

    def have() -> bool:
        return len([said for said in logged(tmp_path, event) if said["setting"] == setting]) >= times

    until(have, f"{times} times {event} of {setting}")


@contextlib.contextmanager
def running_service(
    tmp_path: Path,
    trust_store: Path,
    settings: Mapping[str, str] | None = None,
    *,
    management: bool = False,
    awaiting: Literal["is_ready", "answers"] = "is_ready",
    inside: tuple[str, ...] = (),
) -> Iterator[Service]:
    """Run a service until the block is left; nothing of it is left then.

    Args:
        tmp_path: For its data and its log.
        trust_store: Its default trust store.
        settings: More settings, `REVET_…`.
        management: Whether it has a management port.
        awaiting: What to wait for before the block begins.
        inside: A command that runs the one that follows it, in the same process.
    """
    port, management_port = free_port(), free_port()
    environment = {
        **_usual_environment(port, tmp_path / "data", trust_store),
        **({"REVET_MANAGEMENT_PORT": str(management_port)} if management else {}),
        **(settings or {}),
    }
    log = tmp_path / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*inside, sys.executable, "-m", "service", "serve"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
        url, probes = (f"http://127.0.0.1:{one}" for one in (port, management_port if management else port))
        service = Service(url, process, probes)
        try:
            begun = service.is_ready if awaiting == "is_ready" else service.answers
            until(lambda: begun() or process.poll() is not None, "the service has begun")
            assert process.poll() is None, log.read_text()
            yield service
        finally:
            _end(process)


def _usual_environment(port: int, data: Path, trust_store: Path) -> dict[str, str]:
    """What a service is told in most tests, and nothing of what this process was told of another."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    return {
        **foreign,
        "REVET_PORT": str(port),
        "REVET_WORKERS": "2",
        "REVET_DATA_DIR": str(data),
        "REVET_TRUST_STORE": str(trust_store),
        "REVET_EGRESS_ALLOW": "127.0.0.1",
        "REVET_DEADLINE_MS": "5000",
        "REVET_DRAIN_S": "0",  # nobody balances load here; tests of the drain say otherwise
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and kill it where it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE_S)
    finally:
        process.kill()
        process.wait()
