"""The end of the service: readiness first, then refusal, and no request is lost."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.e2e.life_cycle.load import load_on
from tests.e2e.life_cycle.scene import GOOD, ROOT, Living, asking, client_of_other, living
from tests.e2e.published import publishing
from tests.e2e.running import PATIENCE_S, until
from tests.ports import free_port

LONG_S = "600"
REQUEST = b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n"


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _connect(alive: Living) -> socket.socket:
    return socket.create_connection(("127.0.0.1", _port(alive.service.url)), PATIENCE_S)


def _ask(connection: socket.socket) -> http.client.HTTPResponse:
    connection.sendall(REQUEST)
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer


def _end(alive: Living) -> int:
    return alive.service.process.wait(PATIENCE_S)


def test_readiness_goes_first(tmp_path: Path) -> None:
    """Both ports say 503 while everybody is answered; the management port says it to the end."""
    with living(tmp_path, management=True, DRAIN_S=LONG_S) as alive:
        alive.signal(signal.SIGTERM)
        alive.wait_for("stopping")
        service = alive.service
        until(lambda: httpx.get(f"{service.management_url}/readyz").status_code == 503, "not ready any more")
        # Every worker says so: each connection is another's.
        answers = [httpx.get(f"{service.management_url}/readyz") for _ in range(16)]
        assert {503} == {answer.status_code for answer in answers}
        assert {"close"} == {answer.headers["connection"] for answer in answers}
        assert {"status": "not_ready", "checks": ["draining"]} == {
            **answers[0].json(),
            "checks": list(answers[0].json()["checks"]),
        }
        assert "allow" == service.validate(GOOD.pem)["decision"]
        alive.signal(signal.SIGINT)
        alive.service.process.wait(PATIENCE_S)


def test_readiness_on_the_main_port(tmp_path: Path) -> None:
    """Where there is no other; and once the drain is over it is refused."""
    with living(tmp_path, DRAIN_S="1") as alive:
        alive.signal(signal.SIGTERM)
        until(lambda: not alive.service.is_ready(), "not ready any more")
        assert httpx.codes.SERVICE_UNAVAILABLE == httpx.get(f"{alive.service.url}/readyz").status_code
        assert 0 == _end(alive)
        with pytest.raises(ConnectionRefusedError):
            _connect(alive)


def test_no_request_is_lost_under_load(tmp_path: Path) -> None:
    """Kept connections and new ones: each request that was sent is answered, and rightly, until they are refused."""
    with (
        living(tmp_path, management=True, DRAIN_S="1") as alive,
        load_on(_port(alive.service.url)) as load,
    ):
        load.wait_for_more()
        alive.signal(signal.SIGTERM)
        alive.wait_for("stopping")
        before, told = load.right, load.last
        assert 0 == _end(alive)
        until(lambda: load.refused > 0, "connections are refused")
        load.check()
        assert load.right > before
        assert load.last > told


def test_no_request_is_lost_without_a_drain(tmp_path: Path) -> None:
    """Connections come until the last moment: those who have connected and were not accepted are answered too."""
    with (
        living(tmp_path, DRAIN_S="0") as alive,
        load_on(_port(alive.service.url), keeping=0, connecting=6) as load,
    ):
        load.wait_for_more()
        alive.signal(signal.SIGTERM)
        assert 0 == _end(alive)
        load.check()


def test_a_request_right_after_the_signal_on_an_idle_connection(tmp_path: Path) -> None:
    """It is answered, and its client told that it was the last one of the connection."""
    with living(tmp_path, DRAIN_S="2") as alive, closing(_connect(alive)) as connection:
        assert not _ask(connection).will_close
        alive.signal(signal.SIGTERM)
        assert httpx.codes.OK == _ask(connection).status
        alive.wait_for("stopping")
        assert 0 == _end(alive)


def test_what_is_idle_does_not_delay_the_end(tmp_path: Path) -> None:
    """A connection that nobody uses is closed when the drain is over, long before the grace is."""
    with living(tmp_path, DRAIN_S="0.5", SHUTDOWN_GRACE_S=LONG_S) as alive, closing(_connect(alive)) as connection:
        _ask(connection)
        alive.signal(signal.SIGTERM)
        assert 0 == _end(alive)
        assert b"" == connection.recv(1)


def test_a_slow_request_is_finished(tmp_path: Path) -> None:
    """Its CRL is still being fetched: the prefetcher is there until the worker has answered."""
    with publishing() as published:
        leaf = client_of_other(published)
        published.gate.clear()
        with living(tmp_path, DRAIN_S="0", DEADLINE_MS="20000") as alive, asking(alive, leaf) as answer:
            until(lambda: published.asked["/other.crl"] > 0, "the CRL is being fetched")
            alive.signal(signal.SIGTERM)
            alive.wait_for("stopping")
            published.gate.set()
            assert (200, "allow") == (answer().status_code, answer().json()["decision"])
            assert "close" == answer().headers["connection"]
            assert 0 == _end(alive)


def test_the_bound_holds(tmp_path: Path) -> None:
    """A client that never comes to the end of its request is cut off."""
    with (
        living(tmp_path, DRAIN_S="0.2", SHUTDOWN_GRACE_S="1") as alive,
        closing(_connect(alive)) as connection,
    ):
        connection.sendall(b"POST /v1/validate HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n{")
        children = alive.children()
        alive.signal(signal.SIGTERM)
        assert 0 == _end(alive)
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_ctrl_c_drains_nothing(tmp_path: Path) -> None:
    """A person waits: this test would wait in vain for ten minutes."""
    with living(tmp_path, DRAIN_S=LONG_S) as alive:
        alive.signal(signal.SIGINT)
        assert 0 == _end(alive)


def test_a_signal_to_every_process_at_once(tmp_path: Path) -> None:
    """Launchers do that: the service drains as ever, and the same processes go on answering."""
    with (
        living(tmp_path, DRAIN_S="2") as alive,
        load_on(_port(alive.service.url)) as load,
    ):
        load.wait_for_more()
        started = len(alive.events("child_started"))
        for pid in (alive.service.process.pid, *alive.children()):
            os.kill(pid, signal.SIGTERM)
        until(lambda: not alive.service.is_ready(), "it says that it ends")
        load.wait_for_more()
        assert 0 == load.refused
        assert started == len(alive.events("child_started"))
        assert 0 == _end(alive)
        load.check()


def test_a_signal_to_one_worker_changes_nothing(tmp_path: Path) -> None:
    """Whoever sends it meant somebody else: all go on answering."""
    with living(tmp_path) as alive:
        before = alive.children()
        for pid in before:
            os.kill(pid, signal.SIGTERM)
        assert ["allow"] * 8 == [alive.service.validate(GOOD.pem)["decision"] for _ in range(8)]
        assert before == alive.children()
        assert [] == alive.events("child_died")


def test_a_hangup_while_it_starts(tmp_path: Path) -> None:
    """Settings changed while the service reads them: it starts, and reads them again."""
    environment = {
        **os.environ,
        "REVET_TRUST_STORE": str(tmp_path / "trust.pem"),
        "REVET_DATA_DIR": str(tmp_path / "data"),
    }
    (tmp_path / "trust.pem").write_text(ROOT.pem)
    environment |= {
        "REVET_PORT": str(free_port()),
        "REVET_WORKERS": "1",
        "REVET_LOG_LEVEL": "info",
        "REVET_LOG_FORMAT": "json",
    }
    log_file = tmp_path / "log"
    with log_file.open("wb") as log:
        service = subprocess.Popen([sys.executable, "-m", "service", "serve"], env=environment, stderr=log, stdout=log)
        try:
            until(lambda: _blocks(service.pid, signal.SIGHUP), "it keeps the signal")
            service.send_signal(signal.SIGHUP)
            until(lambda: b"reloaded" in log_file.read_bytes() or service.poll() is not None, "it is heard")
            assert service.poll() is None
        finally:
            service.terminate()
            assert 0 == service.wait(PATIENCE_S)


def _blocks(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    blocked = next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
    return bool(int(blocked, 16) >> (number - 1) & 1)
