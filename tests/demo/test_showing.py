"""The demonstration as a whole, with a stand-in for the service."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.demo.pki import DemoPki
from service.demo.ports import Listeners
from tests.demo.conftest import CLOCK
from tests.demo.running import Showing, gone, until

Start = Callable[..., Showing]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts demonstrations in one directory, and ends them."""
    showings: list[Showing] = []

    def one(*arguments: str, port: int = 0, environment: dict[str, str] | None = None) -> Showing:
        showing = Showing(
            "tests.demo.programs.show", str(tmp_path / "demo"), str(port), *arguments, environment=environment
        )
        showings.append(showing)
        return showing

    yield one
    for showing in showings:
        showing.end()


def get(url: str, path: str = "/") -> dict[str, Any]:
    """What the stand-in tells."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        told: dict[str, Any] = json.loads(connection.getresponse().read())
        return told
    finally:
        connection.close()


def load(tmp_path: Path) -> DemoPki:
    """The PKI that was made."""
    return DemoPki.load(tmp_path / "demo", CLOCK.now())


def free(pki: DemoPki) -> bool:
    """Whether nobody listens at the PKI's ports."""
    try:
        Listeners.at(pki.ports).close()
    except Exception:  # noqa: BLE001 - whatever it is, they are not free
        return False
    return True


@pytest.mark.parametrize("stop", ["Ctrl-C", "SIGTERM"])
def test_stopping(start: Start, tmp_path: Path, stop: str) -> None:
    """Ctrl-C and SIGTERM end everything that was started, and leave no error behind."""
    showing = start()
    url = showing.url()
    pids = showing.started()
    assert [get(url)["pid"]] == pids

    if stop == "Ctrl-C":
        showing.interrupt()
    else:
        showing.signal(signal.SIGTERM)

    assert 0 == showing.exit_code(), showing.output
    assert [True] == [gone(pid) for pid in pids]
    assert free(load(tmp_path))
    assert "Traceback" not in showing.output


def test_killed(start: Start, tmp_path: Path) -> None:
    """When the demonstration is killed, nothing of it is left."""
    showing = start()
    showing.url()
    pids = showing.started()
    assert [False] == [gone(pid) for pid in pids]

    showing.signal(signal.SIGKILL)

    assert -signal.SIGKILL == showing.exit_code()
    until(lambda: all(gone(pid) for pid in pids), "the service's end")
    until(lambda: free(load(tmp_path)), "free ports")


def test_settings_of_the_user(start: Start, tmp_path: Path) -> None:
    """The service is told where it is, and does not hear of settings that the user has made for others."""
    showing = start(environment={"REVET_REVOCATION_MODE": "off", "REVET_WORKERS": "2", "REVET_HOST": "0.0.0.0"})
    url = showing.url()

    settings = get(url)["settings"]

    assert str(tmp_path / "demo" / "trust-store" / "default.pem") == settings["REVET_TRUST_STORE"]
    assert str(urlsplit(url).port) == settings["REVET_PORT"]
    assert "2" == settings["REVET_WORKERS"]
    assert not {"REVET_REVOCATION_MODE", "REVET_HOST"} & settings.keys()


def test_again(start: Start, tmp_path: Path) -> None:
    """A second start uses the same files and ports."""
    first = start()
    first.url()
    first.interrupt()
    first.exit_code()
    before, good = load(tmp_path), (tmp_path / "demo" / "certificates" / "good.pem").read_bytes()

    second = start()
    second.url()

    assert before == load(tmp_path)
    assert good == (tmp_path / "demo" / "certificates" / "good.pem").read_bytes()
    assert "Making" in first.output
    assert "Making" not in second.output


def test_two_at_once(start: Start) -> None:
    """A second one in the same directory is refused, and the first one is not disturbed."""
    first = start()
    url = first.url()

    second = start()

    assert 2 == second.exit_code()
    assert "error: another demonstration uses" in second.output
    assert get(url)["pid"] == first.started()[0]


def test_port_in_use(start: Start, tmp_path: Path) -> None:
    """Where the service's port is taken, nothing is made or started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        showing = start(port=taken.getsockname()[1])

        assert 2 == showing.exit_code()
    assert f"error: port {showing.output.split()[2]} cannot be had" in showing.output
    assert not (tmp_path / "demo").exists()


def test_without_openssl(start: Start, tmp_path: Path) -> None:
    """Where `openssl` is missing, the user is told what to install."""
    showing = start(environment={"PATH": str(tmp_path)})

    assert 2 == showing.exit_code()
    assert "apt-get install openssl" in showing.output


def test_service_that_does_not_start(start: Start) -> None:
    """A service that ends at once ends the demonstration."""
    showing = start("fail")

    assert 1 == showing.exit_code()
    assert "error: the service has ended by itself, with exit code 78" in showing.output


def test_service_that_ends(start: Start) -> None:
    """A service that ends later does so too."""
    showing = start()
    get(showing.url(), "/end")

    assert 1 == showing.exit_code()
    assert "error: the service has ended by itself, with exit code 7" in showing.output


def test_interrupted_at_once(start: Start, tmp_path: Path) -> None:
    """Ctrl-C before anything is ready ends it too, and the next start is a whole one."""
    showing = start()
    until(lambda: (tmp_path / "demo").exists() or showing.output != "", "the first sign of life")
    showing.interrupt()

    assert 0 == showing.exit_code(), showing.output
    assert "Traceback" not in showing.output
    start().url()


def test_killed_while_making(start: Start, tmp_path: Path) -> None:
    """Killed as soon as there is a file, the next start makes a whole one of it."""
    showing = start()
    until(lambda: any((tmp_path / "demo").glob("*")), "the first file")
    os.kill(showing.pid, signal.SIGKILL)
    showing.exit_code()

    start().url()

    load(tmp_path)
