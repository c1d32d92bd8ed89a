"""gRPC through the sidecar: calls go to the application's gRPC port, and are asked about like any request."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sidecar.application import Application
from tests.sidecar.curl import Answer, curl
from tests.sidecar.grpc_application import GrpcApplication, running_grpc_application
from tests.sidecar.material import TOKEN, Pair
from tests.sidecar.running import Sidecar, running_sidecar
from tests.sidecar.stand_in import ALLOW, StandIn, answer, deny
from tests.sidecar.test_traffic import REMOVED

MESSAGE = b"\0\0\0\0\x05hello"
"""Not compressed, five octets long."""


@pytest.fixture(scope="module")
def grpc() -> Iterator[GrpcApplication]:
    """The application's gRPC port."""
    with running_grpc_application() as running:
        yield running


@pytest.fixture(scope="module")
def environment(stand_in: StandIn, application: Application, grpc: GrpcApplication) -> dict[str, str]:
    """Settings of both modes."""
    return {
        "REVET_URL": stand_in.url,
        "REVET_TOKEN": TOKEN,
        "REVET_SIDECAR_UPSTREAM": application.url,
        "REVET_SIDECAR_GRPC_UPSTREAM": grpc.url,
    }


@pytest.fixture(scope="module")
def nlb(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], tls: dict[str, str]
) -> Iterator[Sidecar]:
    """Behind a Network Load Balancer."""
    with running_sidecar(tmp_path_factory.mktemp("log"), "nlb", {**environment, **tls}) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_yet(grpc: GrpcApplication) -> None:
    """Nothing has arrived."""
    grpc.arrived.clear()


def call(sidecar: Sidecar, *options: str, authority: Path | None = None, client: Pair | None = None) -> Answer:
    """A call; trailers are among the headers of the answer."""
    sent = ("-H", "Content-Type: application/grpc", "-H", "TE: trailers", "--data-binary", MESSAGE[5:].decode())
    return curl(sidecar, *sent, *options, authority=authority, client=client, path="/package.Service/Method")


def test_allowed(
    nlb: Sidecar, stand_in: StandIn, application: Application, grpc: GrpcApplication, authority: Path, good: Pair
) -> None:
    """It arrives over HTTP/2, with the identity that the service has answered and none that the client claims."""
    stand_in.says = answer(200, *ALLOW, ("X-Revet-Subject", "CN=good"))
    forged = [word for name in REMOVED for word in ("-H", f"{name}: forged")]
    answered = call(nlb, *forged, authority=authority, client=good)
    assert (200, "HTTP/2") == (answered.status, answered.version)
    assert answered.body.startswith(b"hello")
    (arrived,) = grpc.arrived
    assert ("POST /package.Service/Method HTTP/2", b"hello") == (arrived.line, arrived.body)
    assert (["CN=good"], ["trailers"]) == (arrived.values("x-revet-subject"), arrived.values("te"))
    assert [] == [value for _, value in arrived.headers if "forged" in value]
    assert [] == application.arrived


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (deny(403, "revoked"), (403, "deny", "revoked")),
        (answer(200), (503, "deny", "unavailable")),
        (deny(503, "unavailable"), (503, "deny", "unavailable")),
    ],
)
def test_not_allowed(
    nlb: Sidecar,
    stand_in: StandIn,
    grpc: GrpcApplication,
    authority: Path,
    good: Pair,
    says: bytes,
    told: tuple[int, str, str],
) -> None:
    """The status of HTTP says it: clients of gRPC make PERMISSION_DENIED of a 403, and UNAVAILABLE of a 503."""
    stand_in.says = says
    assert told == call(nlb, authority=authority, client=good).told
    assert [] == grpc.arrived


def test_without_a_certificate(nlb: Sidecar, grpc: GrpcApplication, authority: Path) -> None:
    """UNAUTHENTICATED, to a client of gRPC."""
    assert (401, "deny", "no_certificate") == call(nlb, authority=authority).told
    assert [] == grpc.arrived


@pytest.mark.parametrize("content_type", ["application/grpc-web", "application/json", "application/grpcx"])
def test_what_is_no_grpc(
    nlb: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair, content_type: str
) -> None:
    """It goes where everything else goes."""
    stand_in.says = answer(200, *ALLOW)
    options = ("-H", f"Content-Type: {content_type}", "--data-binary", "x")
    assert 200 == curl(nlb, *options, authority=authority, client=good).status
    assert [content_type] == application.last.values("Content-Type")


def test_from_an_application_load_balancer(
    tmp_path: Path, environment: dict[str, str], stand_in: StandIn, grpc: GrpcApplication
) -> None:
    """Its target groups for gRPC speak HTTP/2 without TLS."""
    stand_in.says = answer(200, *ALLOW)
    more = {
        "REVET_SIDECAR_ALB_HEADER": "passthrough",
        "REVET_SIDECAR_TRUSTED_PROXIES": "127.0.0.1",
        "REVET_SIDECAR_HTTP2": "on",
    }
    with running_sidecar(tmp_path, "alb", {**environment, **more}) as sidecar:
        answered = call(sidecar, "--http2-prior-knowledge", "-H", "X-Amzn-Mtls-Clientcert: one")
    assert (200, 1, ["one"]) == (answered.status, len(grpc.arrived), stand_in.values("X-Amzn-Mtls-Clientcert"))
    assert [] == grpc.arrived[0].values("x-amzn-mtls-clientcert")
