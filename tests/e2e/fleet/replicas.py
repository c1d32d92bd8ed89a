"""Replicas: the service as its users run it, several of them, each with a data directory and a port of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.e2e.fleet.ca_control import Ca
from tests.e2e.running import ROOT, Service, until
from tests.pki import bundle
from tests.ports import free_port

PATIENCE_S: Final = 60.0
"""In which a replica is ready: several of them begin at once, on two cores."""

FLEET_KEY: Final = "a-fleet-key-of-the-tests-0123456789-abcdefgh"

SKEW_S: Final = 1
"""What `REVET_CLOCK_SKEW_S` is: with the usual minute nothing would end while anybody looks."""


def rhythm_settings(ca: Ca) -> dict[str, str]:
    """Settings with which each CRL is fetched once a period of its authority, and nothing waits for long."""
    period = f"{ca.rhythm.period_s:g}"
    return {
        "REVET_CRL_REFRESH_MIN_S": period,
        "REVET_CRL_REFRESH_MAX_S": period,
        "REVET_CRL_RETRY_S": "0.5",
        "REVET_CRL_RETRY_MAX_S": "1",
        "REVET_CRL_FIRST_DELAY_S": "0",
        "REVET_BREAKER_OPEN_S": "0.5",
        "REVET_BREAKER_OPEN_MAX_S": "1",
        "REVET_CLOCK_SKEW_S": str(SKEW_S),
        "REVET_DEADLINE_MS": "5000",
        "REVET_REVOCATION_MODE": "require",
        "REVET_EVIDENCE_ORDER": "both",
        "REVET_WORKERS": "1",
        "REVET_DRAIN_S": "0",
        "REVET_EGRESS_ALLOW": "127.0.0.1/32",
        "REVET_LOG_LEVEL": "warning",
        "REVET_LOG_FORMAT": "json",
    }


@dataclass(slots=True)
class Replica:
    """One of them.

    Attributes:
        number: From 0 on.
        place: For its data and its log.
        settings: `REVET_…`, in full.
    """

    number: int
    place: Path
    settings: Mapping[str, str]
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def service(self) -> Service:
        """It, for whoever wants to see its processes."""
        assert self._process is not None, "it does not run"
        return Service(self.url, self._process, self.url)

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.place / "service.log").read_text(errors="replace")

    def begin(self) -> None:
        """Start it; it is not ready yet."""
        self.place.mkdir(exist_ok=True)
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
        mine = {"REVET_PORT": str(self.port), "REVET_DATA_DIR": str(self.place / "data")}
        with (self.place / "service.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service", "serve"],
                cwd=ROOT,
                env={**foreign, **mine, **self.settings},
                stdout=output,
                stderr=output,
            )

    def wait(self) -> None:
        """Wait until it is ready."""
        service = self.service
        until(lambda: service.is_ready() or service.process.poll() is not None, "a replica is ready", PATIENCE_S)
        assert service.process.poll() is None, self.log

    def end(self) -> None:
        """End it as an operator does."""
        self._stop(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a warning, and whatever of it is left then."""
        self._stop(signal.SIGKILL)

    def _stop(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.wait()

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """What `GET` answers, JSON."""
        return httpx.get(f"{self.url}{path}", timeout=10).json()

    def counted(self, metric: str) -> dict[str, float]:
        """Values of a metric, by what stands in its braces."""
        text = httpx.get(f"{self.url}/metrics", timeout=10).text
        return {
            labels: float(value) for labels, value in re.findall(rf"^{metric}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
        }


@contextmanager
def replicas(
    place: Path, ca: Ca, redis_urls: Sequence[str | None], settings: Mapping[str, str] | None = None
) -> Iterator[tuple[Replica, ...]]:
    """Replicas that are ready; nothing of them is left when the block is.

    Args:
        place: For their data.
        ca: Whose certificates they judge.
        redis_urls: One for each replica; None where it has no Redis.
        settings: Besides.
    """
    made = tuple(replica(place, ca, number, url, settings) for number, url in enumerate(redis_urls))
    try:
        for one in made:
            one.begin()
        for one in made:
            one.wait()
        yield made
    finally:
        for one in made:
            one.end()


def _of_the_fleet(number: int, redis_url: str) -> dict[str, str]:
    return {
        "REVET_REDIS_URL": redis_url,
        "REVET_FLEET_KEY": FLEET_KEY,
        "REVET_REPLICA_NAME": f"replica-{number}",
    }


def replica(
    place: Path, ca: Ca, number: int, redis_url: str | None, settings: Mapping[str, str] | None = None
) -> Replica:
    """A replica that does not run yet."""
    root, below = place / "root.pem", place / "intermediates.pem"
    root.write_text(ca.population.root.pem)
    below.write_text(bundle(ca.population.authorities))
    given = {
        **rhythm_settings(ca),
        "REVET_TRUST_STORE": str(root),
        "REVET_INTERMEDIATES": str(below),
        **({} if redis_url is None else _of_the_fleet(number, redis_url)),
        **(settings or {}),
    }
    return Replica(number, place / f"replica-{number}", given)
