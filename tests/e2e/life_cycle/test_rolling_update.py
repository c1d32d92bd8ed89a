"""Replicas behind HAProxy are replaced one after the other, several times, and no caller notices.

HAProxy repeats nothing and sends nothing twice here: what a replica loses is lost.
"""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.fleet.replicas import Replica
from tests.e2e.life_cycle.load import load_on
from tests.e2e.life_cycle.scene import write_evidence
from tests.e2e.running import PATIENCE_S, until
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROUNDS: Final = 2
CHECK_EVERY_MS: Final = 200
CHECKS: Final = 2
"""That fail, or pass, before HAProxy believes it."""

DRAIN_S: Final = 1.5
"""Longer than HAProxy takes to notice: `CHECK_EVERY_MS` times `CHECKS`."""

CONFIGURATION: Final = """
global
    stats socket {socket} mode 600 level admin
defaults
    mode http
    retries 0
    timeout connect 5s
    timeout check 2s
    timeout client 30s
    timeout server 30s
    http-reuse always
frontend callers
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter {every}ms fall {checks} rise {checks}
"""


@contextmanager
def haproxy(place: Path, replicas: tuple[Replica, ...]) -> Iterator["Balancer"]:
    """HAProxy in front of replicas, until the block is left."""
    port, control = free_port(), place / "haproxy.sock"
    configuration = place / "haproxy.cfg"
    servers = "".join(f"    server r{one.number} 127.0.0.1:{one.port}\n" for one in replicas)
    text = CONFIGURATION.format(socket=control, port=port, every=CHECK_EVERY_MS, checks=CHECKS)
    configuration.write_text(text + servers)
    log = place / "haproxy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(["haproxy", "-db", "-f", str(configuration)], stdout=output, stderr=output)
        balancer = Balancer(port, control)
        try:
            until(lambda: control.exists() or process.poll() is not None, "HAProxy listens")
            assert process.poll() is None, log.read_text()
            yield balancer
        finally:
            process.kill()
            process.wait()


class Balancer:
    """HAProxy, as its statistics show it."""

    def __init__(self, port: int, control: Path) -> None:
        self.port = port
        self._control = control

    def states(self) -> dict[str, str]:
        """What it thinks of each replica."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self._control))
            asking.sendall(b"show stat\n")
            with asking.makefile("r") as answer:
                rows = [line.split(",") for line in answer if line.startswith("replicas,r")]
        return {row[1]: row[17] for row in rows}

    def wait_for(self, replica: Replica, state: str) -> None:
        """Wait until it thinks so of a replica."""
        until(lambda: self.states()[f"r{replica.number}"] == state, f"HAProxy has replica {replica.number} {state}")


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[tuple[Replica, ...]]:
    """Two, that are ready."""
    trust_store = write_evidence(tmp_path)
    settings = {
        "REVET_TRUST_STORE": str(trust_store),
        "REVET_CRL_SOURCES": str(tmp_path / "crls"),
        "REVET_CRL_FIRST_DELAY_S": "0",
        "REVET_WORKERS": "1",
        "REVET_DRAIN_S": str(DRAIN_S),
        "REVET_DEADLINE_MS": "5000",
        "REVET_LOG_LEVEL": "info",
        "REVET_LOG_FORMAT": "json",
    }
    both = tuple(Replica(number, tmp_path / f"replica-{number}", settings) for number in range(2))
    for one in both:
        one.begin()
    try:
        for one in both:
            one.wait()
        yield both
    finally:
        for one in both:
            one.kill()


def test_a_rolling_update(tmp_path: Path, replicas: tuple[Replica, ...]) -> None:
    """No answer but the right one, from the first request to the last."""
    with haproxy(tmp_path, replicas) as balancer:
        for one in replicas:
            balancer.wait_for(one, "UP")
        with load_on(balancer.port) as load:
            for one in replicas * ROUNDS:
                load.wait_for_more()
                one.service.process.send_signal(signal.SIGTERM)
                balancer.wait_for(one, "DOWN")
                assert 0 == one.service.process.wait(PATIENCE_S)
                one.begin()
                one.wait()
                balancer.wait_for(one, "UP")
            load.wait_for_more()
        load.check()
        assert 0 == load.refused


def _has_reloaded(replica: Replica) -> bool:
    return '"event": "reloaded"' in replica.log


def test_reloads_behind_a_balancer(tmp_path: Path, replicas: tuple[Replica, ...]) -> None:
    """Replicas that read their settings again are never taken out, and lose nothing."""
    with haproxy(tmp_path, replicas) as balancer:
        for one in replicas:
            balancer.wait_for(one, "UP")
        with load_on(balancer.port) as load:
            for one in replicas:
                load.wait_for_more()
                one.service.process.send_signal(signal.SIGHUP)
                until(partial(_has_reloaded, one), "reloaded")
                assert {"UP"} == set(balancer.states().values())
            load.wait_for_more()
        load.check()


def test_without_a_drain_a_balancer_notices_too_late(tmp_path: Path, replicas: tuple[Replica, ...]) -> None:
    """What the drain is for: a replica that is gone at once is still sent requests."""
    with haproxy(tmp_path, replicas) as balancer:
        for one in replicas:
            balancer.wait_for(one, "UP")
        with load_on(balancer.port) as load:
            load.wait_for_more()
            replicas[0].service.process.send_signal(signal.SIGINT)
            until(lambda: bool(load.wrong or load.lost), "a caller notices")
