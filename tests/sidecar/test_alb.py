"""Behind an Application Load Balancer: its headers count when they come from it, and from nobody else."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.running import Service
from tests.pki import Authority
from tests.sidecar.application import Application
from tests.sidecar.curl import Answer, curl
from tests.sidecar.material import ROOT, TOKEN, VALIDITY, in_header
from tests.sidecar.running import Sidecar, running_sidecar
from tests.sidecar.stand_in import ALLOW, StandIn, answer

CHAIN, LEAF = "X-Amzn-Mtls-Clientcert", "X-Amzn-Mtls-Clientcert-Leaf"
SUBORDINATE = ROOT.subordinate("Sub", **VALIDITY)
BELOW = SUBORDINATE.issue("below", **VALIDITY)
GOOD = ROOT.issue("good", **VALIDITY)


def environment(url: str, application: Application, header: str, trusted: str = "127.0.0.1") -> dict[str, str]:
    """Settings of a sidecar behind an Application Load Balancer."""
    return {
        "REVET_URL": url,
        "REVET_TOKEN": TOKEN,
        "REVET_SIDECAR_UPSTREAM": application.url,
        "REVET_SIDECAR_ALB_HEADER": header,
        "REVET_SIDECAR_TRUSTED_PROXIES": trusted,
    }


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where sidecars write."""
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def passthrough(log: Path, service: Service, application: Application) -> Iterator[Sidecar]:
    """A sidecar that is handed whole chains."""
    with running_sidecar(log, "alb", environment(service.url, application, "passthrough")) as running:
        yield running


@pytest.fixture(scope="module")
def verify(log: Path, service: Service, application: Application) -> Iterator[Sidecar]:
    """A sidecar that is handed leaves."""
    with running_sidecar(log, "alb", environment(service.url, application, "verify")) as running:
        yield running


@pytest.fixture(scope="module")
def asking_a_stand_in(log: Path, stand_in: StandIn, application: Application) -> Iterator[Sidecar]:
    """A sidecar that asks a stand-in."""
    settings = environment(stand_in.url, application, "passthrough", "10.0.0.0/8, 127.0.0.0/8,fd00::/8")
    with running_sidecar(log, "alb", settings) as running:
        yield running


def send(sidecar: Sidecar, *headers: str, path: str = "/") -> Answer:
    """A request with these headers."""
    return curl(sidecar, *(word for header in headers for word in ("-H", header)), path=path)


def test_passthrough(passthrough: Sidecar, application: Application) -> None:
    """The chain is judged, and the application learns whose it is."""
    answered = send(passthrough, f"{CHAIN}: {in_header(BELOW, SUBORDINATE)}")
    assert (200, [["CN=below"], []]) == (
        answered.status,
        [application.last.values(name) for name in ("X-Revet-Subject", CHAIN)],
    )


def test_verify(verify: Sidecar, application: Application) -> None:
    """The leaf is judged, and what else the load balancer says of it goes no further."""
    more = (
        f"{LEAF}-Unrelated: kept",
        "X-Amzn-Mtls-Clientcert-Subject: CN=somebody",
        "X-Amzn-Mtls-Clientcert-Validity: x",
    )
    assert 200 == send(verify, f"{LEAF}: {in_header(GOOD)}", *more).status
    arrived = application.last
    assert (["CN=good"], ["kept"]) == (arrived.values("X-Revet-Subject"), arrived.values(f"{LEAF}-Unrelated"))
    assert set() == arrived.names & {LEAF.lower(), "x-amzn-mtls-clientcert-subject", "x-amzn-mtls-clientcert-validity"}


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ((), (401, "deny", "no_certificate")),
        ((f"{LEAF}: {in_header(GOOD)}",), (401, "deny", "no_certificate")),
        ((f"X-SSL-Client-Cert: {in_header(GOOD)}",), (401, "deny", "no_certificate")),
        ((f"{CHAIN.replace('-', '_')}: {in_header(GOOD)}",), (401, "deny", "no_certificate")),
        ((f"{CHAIN}: rubbish",), (400, "deny", "bad_request")),
        ((f"{CHAIN}: {in_header(GOOD)}", f"{CHAIN}: {in_header(GOOD)}"), (400, "deny", "bad_request")),
        ((f"{CHAIN}: {in_header(GOOD)}", f"{CHAIN.lower()}: {in_header(BELOW)}"), (400, "deny", "bad_request")),
        ((f"{CHAIN}: {in_header(Authority.root('Stranger', **VALIDITY))}",), (403, "deny", "untrusted")),
    ],
)
def test_refused(
    passthrough: Sidecar, application: Application, headers: tuple[str, ...], told: tuple[int, str, str]
) -> None:
    """The one header counts, and only once."""
    assert told == send(passthrough, *headers).told
    assert [] == application.arrived


def test_from_elsewhere(tmp_path: Path, stand_in: StandIn, application: Application) -> None:
    """Who is not the load balancer has no certificate, whatever it sends, and is not asked about."""
    stand_in.says = answer(200, *ALLOW)
    settings = environment(stand_in.url, application, "passthrough", "10.0.0.0/8,127.0.0.2,::1")
    with running_sidecar(tmp_path, "alb", settings) as sidecar:
        headers = (f"{CHAIN}: {in_header(GOOD)}", "X-Forwarded-For: 10.0.0.1", "X-Real-IP: 10.0.0.1")
        assert (401, "deny", "no_certificate") == send(sidecar, *headers).told
        assert ([], []) == (application.arrived, stand_in.asked)
        # The same from an address that is trusted.
        trusted = curl(sidecar, "--interface", "127.0.0.2", "-H", headers[0])
        assert (200, 1) == (trusted.status, len(stand_in.asked))


def test_headers_go_to_the_service_as_they_came(asking_a_stand_in: Sidecar, stand_in: StandIn) -> None:
    """Each of them, in its order and twice where it is there twice; but for what is none of the service's business."""
    stand_in.says = answer(200, *ALLOW)
    sent = (
        f"{CHAIN}: one",
        f"{CHAIN}: two",
        "X-Revet-Token: mine",
        "Authorization: mine",
        "Cookie: mine",
        "X-Revet-Max-Age: 60",
    )
    send(asking_a_stand_in, *sent, path="/v1/authorize/envoy")
    assert "HEAD /v1/authorize/alb-passthrough HTTP/1.1" == stand_in.last[0]
    assert ["one", "two"] == stand_in.values(CHAIN)
    assert [[TOKEN], [], [], []] == [
        stand_in.values(name) for name in ("X-Revet-Token", "Authorization", "Cookie", "X-Revet-Max-Age")
    ]


def test_without_a_token_the_clients_does_not_arrive_either(
    tmp_path: Path, stand_in: StandIn, application: Application
) -> None:
    """A client that knows a token is not the sidecar."""
    settings = {**environment(stand_in.url, application, "passthrough"), "REVET_TOKEN": ""}
    with running_sidecar(tmp_path, "alb", settings) as sidecar:
        send(sidecar, f"{CHAIN}: one", f"X-Revet-Token: {TOKEN}")
    assert [] == stand_in.values("X-Revet-Token")


@pytest.mark.parametrize(
    ("header", "store", "path"),
    [
        ("passthrough", "", "alb-passthrough"),
        ("verify", "", "alb-verify"),
        ("verify", "fleet.eu-1", "alb-verify@fleet.eu-1"),
    ],
)
def test_the_trust_store(
    tmp_path: Path, stand_in: StandIn, application: Application, header: str, store: str, path: str
) -> None:
    """The path that is asked says which header is read, under which trust store; the address may have one too."""
    settings = environment(f"{stand_in.url}/below/", application, header)
    with running_sidecar(tmp_path, "alb", {**settings, "REVET_TRUST_STORE": store}) as sidecar:
        send(sidecar)
    assert f"HEAD /below/v1/authorize/{path} HTTP/1.1" == stand_in.last[0]


def test_who_the_client_is(asking_a_stand_in: Sidecar, stand_in: StandIn, application: Application) -> None:
    """The address that the load balancer has added to X-Forwarded-For, and nothing that stood before it."""
    stand_in.says = answer(200, *ALLOW)
    sent = (
        "X-Forwarded-For: 10.9.9.9, 203.0.113.7",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 443",
        "Forwarded: for=10.9.9.9",
    )
    send(asking_a_stand_in, *sent, "X-Forwarded-Host: evil", "X-Real-IP: 10.9.9.9", "Host: api.example.com")
    expected: Mapping[str, list[str]] = {
        "X-Forwarded-For": ["203.0.113.7"],
        "X-Forwarded-Proto": ["https"],
        "X-Forwarded-Port": ["443"],
        "X-Forwarded-Host": ["api.example.com"],
        "X-Real-IP": ["203.0.113.7"],
        "Host": ["api.example.com"],
        "Forwarded": [],
    }
    assert expected == {name: application.last.values(name) for name in expected}


@pytest.mark.parametrize("size", [16 * 1024 - 64, 24 * 1024])
def test_a_long_header(asking_a_stand_in: Sidecar, stand_in: StandIn, size: int) -> None:
    """An ALB passes on lines of 16 KiB; longer ones fit too."""
    stand_in.says = answer(200, *ALLOW)
    assert 200 == send(asking_a_stand_in, f"{CHAIN}: {'x' * size}").status
    assert ["x" * size] == stand_in.values(CHAIN)


def test_many_headers(passthrough: Sidecar, application: Application) -> None:
    """64 KiB of headers beside a good certificate, as an ALB passes them on, are no obstacle anywhere."""
    more = [f"X-Long-{number}: {'x' * 15_000}" for number in range(4)]
    assert 200 == send(passthrough, f"{CHAIN}: {in_header(GOOD)}", *more).status
    assert 4 == len([name for name in application.last.names if name.startswith("x-long-")])


def test_too_many_headers(asking_a_stand_in: Sidecar, stand_in: StandIn, application: Application) -> None:
    """What is more than nginx reads is the client's fault, and nobody is asked."""
    more = [f"X-Long-{number}: {'x' * 20_000}" for number in range(6)]
    assert (400, "deny", "bad_request") == send(asking_a_stand_in, *more).told
    assert ([], []) == (stand_in.asked, application.arrived)


def test_over_tls(
    tmp_path: Path, stand_in: StandIn, application: Application, tls: dict[str, str], authority: Path
) -> None:
    """A load balancer may speak TLS to its targets; nobody is asked for a certificate then."""
    stand_in.says = answer(200, *ALLOW)
    settings = environment(stand_in.url, application, "passthrough")
    with running_sidecar(tmp_path, "alb", {**settings, **tls}) as sidecar:
        assert 200 == curl(sidecar, "-H", f"{CHAIN}: one", authority=authority).status
    assert ["one"] == stand_in.values(CHAIN)
