"""Sidecars, services and applications, shared by the tests of a module: what a test changes, it has started itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Service, running_service
from tests.sidecar.application import Application, running_application
from tests.sidecar.material import ROOT, TOKEN, VALIDITY, Pair, authority_file, server_pair, write
from tests.sidecar.stand_in import StandIn, answer, standing_in


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of the sidecar and of clients."""
    return tmp_path_factory.mktemp("sidecar")


@pytest.fixture(scope="session")
def authority(directory: Path) -> Path:
    """What clients trust the sidecar by."""
    return authority_file(directory)


@pytest.fixture(scope="session")
def server(directory: Path) -> Pair:
    """The sidecar's certificate."""
    return server_pair(directory)


@pytest.fixture(scope="session")
def good(directory: Path) -> Pair:
    """A client whose certificate is good."""
    return write(directory, "good", ROOT.issue("good", **VALIDITY))


@pytest.fixture(scope="session")
def tls(server: Pair) -> dict[str, str]:
    """Settings of a sidecar with which TLS ends."""
    return {"REVET_SIDECAR_TLS_CERT": str(server.certificate), "REVET_SIDECAR_TLS_KEY": str(server.key)}


@pytest.fixture
def nlb(tls: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing is wrong."""
    return {
        **tls,
        "REVET_SIDECAR_MODE": "nlb",
        "REVET_URL": "http://127.0.0.1:8080",
        "REVET_TOKEN": TOKEN,
        "REVET_SIDECAR_UPSTREAM": "http://127.0.0.1:9000",
        "REVET_SIDECAR_RUN_DIR": str(tmp_path / "run"),
    }


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    """The application."""
    with running_application() as running:
        yield running


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    """A stand-in for the service."""
    with standing_in() as running:
        yield running


@pytest.fixture(autouse=True)
def begin_anew(request: pytest.FixtureRequest) -> None:
    """Applications and stand-ins of a module begin each test as if it were the first."""
    if "application" in request.fixturenames:
        running: Application = request.getfixturevalue("application")
        running.arrived.clear()
    if "stand_in" in request.fixturenames:
        stand_in: StandIn = request.getfixturevalue("stand_in")
        stand_in.asked.clear()
        stand_in.says = answer(200)
        stand_in.after_s = 0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that trusts the authority of the clients."""
    place = tmp_path_factory.mktemp("service")
    (place / "trust.pem").write_text(ROOT.pem)
    settings = {"REVET_API_TOKENS": TOKEN, "REVET_ADMIN_TOKENS": f"{TOKEN}-of-an-administrator", "REVET_WORKERS": "1"}
    with running_service(place, place / "trust.pem", settings) as running:
        yield running
