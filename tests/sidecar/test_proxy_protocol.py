"""The PROXY protocol from a Network Load Balancer: believed from the load balancer, and from nobody else."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sidecar.application import Application
from tests.sidecar.curl import Answer, curl, read_answer
from tests.sidecar.material import TOKEN, Pair
from tests.sidecar.running import Sidecar, running_sidecar
from tests.sidecar.stand_in import ALLOW, StandIn, answer

VERSION_1 = b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n"
VERSION_2 = (
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11"
    + struct.pack("!H", 12)
    + socket.inet_aton("203.0.113.9")
    + socket.inet_aton("192.0.2.1")
    + struct.pack("!HH", 40000, 443)
)

LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
"""A health check: version 2 without a client."""


def settings(stand_in: StandIn, application: Application, tls: dict[str, str], trusted: str) -> dict[str, str]:
    """Settings of a sidecar behind a Network Load Balancer that speaks the protocol."""
    return {
        **tls,
        "REVET_URL": stand_in.url,
        "REVET_TOKEN": TOKEN,
        "REVET_SIDECAR_UPSTREAM": application.url,
        "REVET_SIDECAR_PROXY_PROTOCOL": "on",
        "REVET_SIDECAR_TRUSTED_PROXIES": trusted,
    }


@pytest.fixture(scope="module")
def sidecar(
    tmp_path_factory: pytest.TempPathFactory, stand_in: StandIn, application: Application, tls: dict[str, str]
) -> Iterator[Sidecar]:
    """A sidecar that believes its load balancer."""
    log = tmp_path_factory.mktemp("log")
    with running_sidecar(log, "nlb", settings(stand_in, application, tls, "127.0.0.1/32")) as running:
        yield running


def through(sidecar: Sidecar, preface: bytes, authority: Path, client: Pair, *headers: str) -> Answer:
    """One request over a connection that begins with a preface."""
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(client.certificate, client.key)
    lines = ["GET / HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", sidecar.port), timeout=30) as plain:
        plain.sendall(preface)
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall("\r\n".join(lines).encode())
            return read_answer(b"".join(iter(lambda: connection.recv(65536), b"")))


@pytest.mark.parametrize("preface", [VERSION_1, VERSION_2], ids=["version 1", "version 2"])
def test_the_clients_address(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair, preface: bytes
) -> None:
    """What the load balancer says counts, and nothing that the client says."""
    stand_in.says = answer(200, *ALLOW)
    assert 200 == through(sidecar, preface, authority, good, "X-Forwarded-For: 10.0.0.1", "X-Real-IP: 10.0.0.1").status
    arrived = application.last
    assert [["203.0.113.9"]] * 2 == [arrived.values(name) for name in ("X-Forwarded-For", "X-Real-IP")]
    assert ("203.0.113.9", "127.0.0.1") == tuple(sidecar.requests()[-1][name] for name in ("client", "peer"))


def test_a_connection_without_it(sidecar: Sidecar, stand_in: StandIn, authority: Path, good: Pair) -> None:
    """Every connection has to begin with it: nothing is guessed."""
    with pytest.raises(AssertionError, match=r"curl: \(\d+\)"):
        curl(sidecar, authority=authority, client=good)
    assert [] == stand_in.asked


def test_from_somebody_else(
    tmp_path: Path, stand_in: StandIn, application: Application, tls: dict[str, str], authority: Path, good: Pair
) -> None:
    """Who is not trusted and speaks it is refused, certificate or not, and not asked about."""
    stand_in.says = answer(200, *ALLOW)
    with running_sidecar(tmp_path, "nlb", settings(stand_in, application, tls, "203.0.113.0/24")) as sidecar:
        answered = through(sidecar, VERSION_1, authority, good)
        (entry,) = sidecar.requests()
    assert (403, "deny", "untrusted_proxy") == answered.told
    assert ([], [], "127.0.0.1") == (stand_in.asked, application.arrived, entry["client"])


def test_where_nobody_is_to_speak_it(
    tmp_path: Path, stand_in: StandIn, application: Application, tls: dict[str, str], authority: Path, good: Pair
) -> None:
    """It is no TLS, and the connection ends."""
    plain = {"REVET_SIDECAR_PROXY_PROTOCOL": "off", "REVET_SIDECAR_TRUSTED_PROXIES": ""}
    with (
        running_sidecar(tmp_path, "nlb", {**settings(stand_in, application, tls, ""), **plain}) as sidecar,
        contextlib.suppress(ConnectionError),
        pytest.raises(ssl.SSLError),
    ):
        through(sidecar, VERSION_1, authority, good)
    assert [] == stand_in.asked


def test_probes_with_it(tmp_path: Path, stand_in: StandIn, application: Application, tls: dict[str, str]) -> None:
    """A load balancer's health checks begin with it too, where the port is told so."""
    more = {"REVET_SIDECAR_HEALTH_PROXY_PROTOCOL": "on"}
    environment = {**settings(stand_in, application, tls, "127.0.0.1"), **more}
    with running_sidecar(tmp_path, "nlb", environment, awaiting=lambda sidecar: probed(sidecar) == 200) as sidecar:
        assert [200, 200] == [probed(sidecar, preface) for preface in (LOCAL, VERSION_1)]
        assert not sidecar.is_healthy()


def probed(sidecar: Sidecar, preface: bytes = VERSION_2) -> int:
    """What a health check that begins with the protocol is answered; 0 where nobody answers."""
    host, _, port = sidecar.health_url.removeprefix("http://").partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(preface + b"GET /healthz HTTP/1.0\r\n\r\n")
            return read_answer(b"".join(iter(lambda: connection.recv(65536), b""))).status
    except OSError:
        return 0
