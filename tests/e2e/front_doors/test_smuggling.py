"""Requests that two servers may read in two ways: paths, framing, and what HTTP/2 can say and HTTP/1.1 cannot.

Nothing of them arrives without a certificate of the authority, and what arrives came under its sender's name.
"""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import h2.config
import h2.connection
import h2.events
import pytest

from tests.api.client_cert import proxies
from tests.e2e.front_doors.spoofing import EVERYTHING, FORGED, IMPOSTOR, PATHS, SMUGGLED, exchange, is_the_impostors
from tests.e2e.front_doors.stages import ALB_HEADER, Stage, running_stage
from tests.e2e.running import PATIENCE_S
from tests.sidecar.material import Pair

OWN: Final = b"%b: %b\r\n" % (ALB_HEADER.encode(), proxies.alb(IMPOSTOR.der))
"""What the load balancer says of the impostor."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """What the impostor tries."""
    with running_stage(tmp_path_factory.mktemp("smuggling")) as running:
        yield running


@pytest.fixture(autouse=True)
def begin_anew(stage: Stage) -> None:
    """Nothing has arrived."""
    stage.application.arrived.clear()


@pytest.fixture(scope="module")
def impostor(stage: Stage) -> Pair:
    """His own certificate and key."""
    return stage.pair("impostor", IMPOSTOR)


# --- requests that may be read in two ways ---------------------------------------------------------------------------

SECOND_REQUESTS: Final = {
    "pipelined",
    "a line feed alone",
    "TE.TE 7",
    "a length in a name with underscores",
    "a chunk's size with more",
}
"""Whose second request is one to everybody who keeps to the RFC: from a load balancer it has a certificate as any."""


@pytest.mark.parametrize("path", PATHS)
def test_paths(stage: Stage, impostor: Pair, path: str) -> None:
    """A path arrives as it was sent, after the question was asked; of others nothing does."""
    asked = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    forged = stage.context(stage.pair("forged", FORGED["self-signed"]))
    exchange(stage.alb.port, asked)
    exchange(stage.nlb.port, asked, stage.context(None))
    exchange(stage.nlb.port, asked, forged)
    assert [] == stage.application.arrived
    exchange(stage.nlb.port, asked, stage.context(impostor))
    assert {f"GET {path} HTTP/1.1"} >= {one.line for one in stage.application.arrived}
    assert all(map(is_the_impostors, stage.application.arrived))


@pytest.mark.parametrize("name", list(SMUGGLED))
def test_smuggling_past_tls(stage: Stage, impostor: Pair, name: str) -> None:
    """Whatever arrives of it arrives under the impostor's name; without a certificate nothing does."""
    assert exchange(stage.nlb.port, SMUGGLED[name], stage.context(None)).count(b"HTTP/1.1 200") == 0
    assert [] == stage.application.arrived
    exchange(stage.nlb.port, SMUGGLED[name], stage.context(impostor))
    assert all(map(is_the_impostors, stage.application.arrived))


@pytest.mark.parametrize("name", sorted(set(SMUGGLED) - SECOND_REQUESTS))
def test_smuggling_past_the_load_balancer(stage: Stage, name: str) -> None:
    """What it could have taken for the body of another request is no request here."""
    exchange(stage.alb.port, SMUGGLED[name])
    assert [] == stage.application.arrived
    first, _, rest = SMUGGLED[name].partition(b"\r\n")
    exchange(stage.alb.port, b"%b\r\n%b%b" % (first, OWN, rest))
    assert all(map(is_the_impostors, stage.application.arrived))


# --- HTTP/2 ----------------------------------------------------------------------------------------------------------

Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Odd:
    """What is odd about a request: pseudo headers in place of the usual ones, and more."""

    pseudo: Callable[[Fields], Fields] = list
    more: tuple[tuple[str, str], ...] = ()


def _with(name: str, value: str) -> Callable[[Fields], Fields]:
    return lambda usual: [(one, value if one == name else was) for one, was in usual]


USUAL: Final[Fields] = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/h2")]

ODD: Final = {
    "nothing": Odd(),
    "everything": Odd(more=tuple((name.lower(), value) for name, value in EVERYTHING)),
    "upper case": Odd(more=(("X-Revet-Subject", "CN=victim"),)),
    "underscores": Odd(more=(("x_revet_subject", "CN=victim"), ("x_ssl_client_cert", "victim"))),
    "a line in a value": Odd(more=(("x-a", "b\r\nX-Revet-Subject: CN=victim"),)),
    "a line feed in a value": Odd(more=(("x-a", "b\nX-Revet-Subject: CN=victim"),)),
    "a NUL in a value": Odd(more=(("x-a", "b\0X-Revet-Subject: CN=victim"),)),
    "a line in a name": Odd(more=(("x-a: b\r\nx-revet-subject", "CN=victim"),)),
    "a colon in a name": Odd(more=(("x-revet-subject:", "CN=victim"),)),
    "a blank in a name": Odd(more=(("x-revet-subject ", "CN=victim"),)),
    "a line in the path": Odd(_with(":path", "/h2 HTTP/1.1\r\nX-Revet-Subject: CN=victim\r\nX: ")),
    "a blank in the path": Odd(_with(":path", "/h2 HTTP/1.1")),
    "a line in the method": Odd(_with(":method", "GET / HTTP/1.1\r\nX-Revet-Subject: CN=victim\r\n\r\nGET")),
    "a line in the authority": Odd(_with(":authority", "a\r\nX-Revet-Subject: CN=victim")),
    "a line in the scheme": Odd(_with(":scheme", "https\r\nX-Revet-Subject: CN=victim")),
    "two paths": Odd(lambda usual: [*usual, (":path", "/other")]),
    "no path": Odd(lambda usual: [one for one in usual if one[0] != ":path"]),
    "an empty path": Odd(_with(":path", "")),
    "a path without a slash": Odd(_with(":path", "h2")),
    "an absolute path": Odd(_with(":path", "http://127.0.0.1/.revet-sidecar/ask")),
    "a late pseudo header": Odd(more=((":path", "/.revet-sidecar/ask"),)),
    "an unknown pseudo header": Odd(lambda usual: [*usual, (":x-revet-subject", "CN=victim")]),
    "two hosts": Odd(more=(("host", "other"),)),
    "chunked": Odd(_with(":method", "POST"), (("transfer-encoding", "chunked"),)),
    "a connection": Odd(more=(("connection", "x-revet-subject"), ("upgrade", "h2c"))),
    "CONNECT": Odd(_with(":method", "CONNECT")),
}


ENDS: Final = (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)


def speak_http2(stage: Stage, pair: Pair | None, odd: Odd) -> list[bytes]:
    """The statuses of the answers to one request over HTTP/2, which nobody checks before it is sent."""
    context = stage.context(pair)
    context.set_alpn_protocols(["h2"])
    settings = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    speaking = h2.connection.H2Connection(settings)
    statuses: list[bytes] = []
    with (
        socket.create_connection(("127.0.0.1", stage.nlb.port), PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert "h2" == connection.selected_alpn_protocol()
        speaking.initiate_connection()
        speaking.send_headers(1, [*odd.pseudo(USUAL), *odd.more], end_stream=True)
        connection.sendall(speaking.data_to_send())
        while octets := connection.recv(65_536):
            for event in speaking.receive_data(octets):
                if isinstance(event, h2.events.ResponseReceived):
                    statuses += [value for name, value in event.headers if name == b":status"]
                if isinstance(event, ENDS):
                    return statuses
            connection.sendall(speaking.data_to_send())
    return statuses


@pytest.mark.parametrize("name", list(ODD))
def test_http2(stage: Stage, impostor: Pair, name: str) -> None:
    """What HTTP/2 can say and HTTP/1.1 cannot makes nothing else of a request."""
    assert b"200" not in speak_http2(stage, None, ODD[name])
    assert [] == stage.application.arrived
    statuses = speak_http2(stage, impostor, ODD[name])
    assert all(map(is_the_impostors, stage.application.arrived))
    assert (b"200" in statuses) == bool(stage.application.arrived)
    if name == "nothing":
        assert [b"200"] == statuses
