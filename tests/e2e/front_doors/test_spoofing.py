"""Nobody is taken for another one: through both modes of the sidecar, and straight at the service.

The application records what arrives. Whatever an impostor sends, it arrives under his own name and with nothing of the
victim's, or not at all; who has no certificate of the authority gets nothing, in shadow mode either.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from service.application.fronts import Front
from tests.api.client_cert import proxies
from tests.e2e.front_doors.spoofing import (
    EVERYTHING,
    FORGED,
    IMPOSTOR,
    PATHS,
    VICTIM,
    certificate_headers,
    exchange,
    is_the_impostors,
    private_key,
    spellings,
    telling,
    without_the_key,
)
from tests.e2e.front_doors.stages import (
    ALB_HEADER,
    CERTIFICATE_HEADERS,
    WRITERS,
    Header,
    Stage,
    encoded,
    running_stage,
)
from tests.e2e.running import PATIENCE_S
from tests.sidecar.material import TOKEN, Pair

OWN: Final = (ALB_HEADER, proxies.alb(IMPOSTOR.der))
"""What the load balancer says of the impostor."""

ELSEWHERE: Final = "127.0.0.2"
"""An address that is none of the load balancer's."""

SPELLINGS: Final = range(len(list(spellings("a-b-c"))))

OTHERS: Final[list[Header]] = [(name, value) for name, value in EVERYTHING if name != ALB_HEADER]
"""Everything but the header that the load balancer writes itself."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """What the impostor tries."""
    with running_stage(tmp_path_factory.mktemp("spoofing")) as running:
        yield running


@pytest.fixture(scope="module")
def in_shadow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same in shadow mode."""
    with running_stage(tmp_path_factory.mktemp("shadow"), {"REVET_SHADOW": "true"}) as running:
        yield running


@pytest.fixture(autouse=True)
def begin_anew(request: pytest.FixtureRequest) -> None:
    """Nothing has arrived."""
    for name in {"stage", "in_shadow"} & set(request.fixturenames):
        running: Stage = request.getfixturevalue(name)
        running.application.arrived.clear()


@pytest.fixture(scope="module")
def impostor(stage: Stage) -> Pair:
    """His own certificate and key."""
    return stage.pair("impostor", IMPOSTOR)


def test_that_the_victim_is_recognized(stage: Stage) -> None:
    """So that what is not found below could have been found."""
    stage.through_nlb(stage.pair("victim", VICTIM))
    assert telling(stage.application.last)


# --- the sidecar that terminates TLS ---------------------------------------------------------------------------------


def test_each_header_at_the_nlb_sidecar(stage: Stage, impostor: Pair) -> None:
    """One at a time, in every spelling, once and twice: as if it had not been sent."""
    with httpx.Client(verify=stage.context(impostor), timeout=PATIENCE_S, trust_env=False) as client:
        for name, value in EVERYTHING:
            for spelt in spellings(name):
                stage.application.arrived.clear()
                for times in (1, 2):
                    answer = client.get(stage.nlb.url, headers=encoded(*[(spelt, value)] * times))
                    assert 200 == answer.status_code, spelt
                    assert is_the_impostors(stage.application.last), spelt


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("times", [1, 2])
def test_all_headers_at_the_nlb_sidecar(stage: Stage, impostor: Pair, spelling: int, times: int) -> None:
    """All at once."""
    headers: list[Header] = [
        (list(spellings(name))[spelling], value) for name, value in EVERYTHING for _ in range(times)
    ]
    assert 200 == stage.through_nlb(impostor, *headers).status_code
    assert is_the_impostors(stage.application.last)


def test_headers_of_somebody_without_a_certificate(stage: Stage) -> None:
    """Who shows none in the handshake has none, whatever he says."""
    for spelling in SPELLINGS:
        headers: list[Header] = [(list(spellings(name))[spelling], value) for name, value in EVERYTHING]
        answer = stage.through_nlb(None, *headers)
        assert (401, "no_certificate") == (answer.status_code, answer.json()["code"])
    assert [] == stage.application.arrived


@pytest.mark.parametrize("kind", list(FORGED))
def test_forged_certificates_at_the_nlb_sidecar(stage: Stage, kind: str) -> None:
    """A name alone is nothing."""
    pair = stage.pair("forged", FORGED[kind])
    for headers in ([], EVERYTHING):
        answer = stage.through_nlb(pair, *headers)
        assert (403, "deny") == (answer.status_code, answer.json()["decision"])
    assert [] == stage.application.arrived


def handshake(stage: Stage, key: bytes, version: ssl.TLSVersion) -> bytes:
    """What a client gets that shows the victim's certificate and signs with some key."""
    certificate, key_file = stage.pair("victim", VICTIM).certificate, stage.place / "stolen.key"
    key_file.write_bytes(key)
    context = stage.context(None)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(certificate, key_file)
    with socket.create_connection(("127.0.0.1", stage.nlb.port), PATIENCE_S) as plain:
        connection = context.wrap_socket(plain, server_hostname="localhost")
        with connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_without_its_key(stage: Stage, version: ssl.TLSVersion) -> None:
    """The handshake proves possession: it fails, and no request is even read."""
    with pytest.raises(OSError, match=r"(?i)decrypt error|reset|broken pipe|eof|bad signature"):
        handshake(stage, without_the_key(), version)
    assert [] == stage.application.arrived
    own = VICTIM.key
    assert isinstance(own, ec.EllipticCurvePrivateKey)
    with_it = private_key(own.private_numbers().private_value, own)
    assert handshake(stage, with_it, version).startswith(b"HTTP/1.1 200")


# --- the sidecar behind a load balancer ------------------------------------------------------------------------------


def test_each_header_at_the_alb_sidecar(stage: Stage) -> None:
    """One at a time: the load balancer's own header counts."""
    with httpx.Client(timeout=PATIENCE_S, trust_env=False) as client:
        for name, value in OTHERS:
            for spelt in spellings(name):
                stage.application.arrived.clear()
                answer = client.get(stage.alb.url, headers=encoded(OWN, (spelt, value), (spelt, value)))
                assert 200 == answer.status_code, spelt
                assert is_the_impostors(stage.application.last), spelt


@pytest.mark.parametrize("spelt", list(spellings(ALB_HEADER)))
@pytest.mark.parametrize("order", [1, -1])
def test_the_load_balancers_header_twice(stage: Stage, spelt: str, order: int) -> None:
    """The client's under the same name: refused, or not seen, where it has underscores."""
    headers: list[Header] = [OWN, (spelt, proxies.alb(VICTIM.der))]
    answer = stage.through_alb(*headers[::order])
    if "_" in spelt:
        assert 200 == answer.status_code
        assert is_the_impostors(stage.application.last)
    else:
        assert (400, "bad_request") == (answer.status_code, answer.json()["code"])
        assert [] == stage.application.arrived


def test_the_load_balancer_has_seen_no_certificate(stage: Stage) -> None:
    """No other header stands for its own."""
    for name, value in [*OTHERS, (ALB_HEADER.replace("-", "_"), proxies.alb(VICTIM.der).decode())]:
        for spelt in spellings(name):
            answer = stage.through_alb((spelt, value))
            assert (401, "no_certificate") == (answer.status_code, answer.json()["code"]), spelt
    assert [] == stage.application.arrived


@pytest.mark.parametrize("kind", list(FORGED))
def test_forged_certificates_at_the_alb_sidecar(stage: Stage, kind: str) -> None:
    """The load balancer has not looked at them: passthrough."""
    answer = stage.through_alb((ALB_HEADER, proxies.alb(FORGED[kind].der)), *OTHERS[:8])
    assert (403, "deny") == (answer.status_code, answer.json()["decision"])
    assert [] == stage.application.arrived


def test_past_the_load_balancer(stage: Stage) -> None:
    """From another address than the load balancer's nobody has a certificate, whatever he says of where he is."""
    victims: Header = (ALB_HEADER, proxies.alb(VICTIM.der))
    attempts: list[list[Header]] = [
        [],
        [victims],
        [victims, ("X-Forwarded-For", "127.0.0.1")],
        [victims, ("X-Forwarded-For", "127.0.0.1, 127.0.0.1"), ("X-Real-IP", "127.0.0.1")],
        [victims, ("Forwarded", "for=127.0.0.1"), ("X-Client-IP", "127.0.0.1"), ("True-Client-IP", "127.0.0.1")],
        [victims, *OTHERS],
    ]
    port = stage.alb.port
    with httpx.HTTPTransport(local_address=ELSEWHERE) as transport:
        for headers in attempts:
            request = httpx.Request("GET", f"http://127.0.0.1:{port}/", headers=encoded(*headers))
            answer = transport.handle_request(request)
            answer.read()
            assert (401, "no_certificate") == (answer.status_code, answer.json()["code"])
    line = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"
    asked = b"GET / HTTP/1.1\r\nHost: a\r\n%b: %b\r\n\r\n" % (ALB_HEADER.encode(), proxies.alb(VICTIM.der))
    assert exchange(port, line + asked, source=ELSEWHERE).startswith(b"HTTP/1.1 400")
    assert [] == stage.application.arrived


@pytest.mark.parametrize("front", [Front.ALB_PASSTHROUGH, Front.ALB_VERIFY])
def test_the_other_header_of_the_load_balancer(stage: Stage, front: Front) -> None:
    """A load balancer has one mode, and whoever knows the other one's header may send it."""
    mode = {"REVET_SIDECAR_ALB_HEADER": front.removeprefix("alb-")}
    other = {Front.ALB_PASSTHROUGH: Front.ALB_VERIFY, Front.ALB_VERIFY: Front.ALB_PASSTHROUGH}[front]
    victims: Header = (CERTIFICATE_HEADERS[other], proxies.alb(VICTIM.der))
    with stage.another_sidecar("alb", mode) as sidecar:
        one = replace(stage, alb=sidecar)
        assert 401 == one.through_alb(victims).status_code
        assert 200 == one.through_alb(victims, (CERTIFICATE_HEADERS[front], proxies.alb(IMPOSTOR.der))).status_code
    (arrived,) = stage.application.arrived
    assert is_the_impostors(arrived)


def test_kept_verdicts(stage: Stage, impostor: Pair) -> None:
    """What was said of the victim is said of nobody else, whatever he sends."""
    victim, forged = stage.pair("victim", VICTIM), stage.pair("forged", FORGED["of another authority"])
    with stage.another_sidecar("nlb", {"REVET_SIDECAR_CACHE_S": "60"}) as sidecar:
        one = replace(stage, nlb=sidecar)
        assert [200, 200] == [one.through_nlb(victim).status_code for _ in range(2)]
        stage.application.arrived.clear()
        for headers in ([], OTHERS):
            assert 401 == one.through_nlb(None, *headers).status_code
            assert 403 == one.through_nlb(forged, *headers).status_code
            assert 200 == one.through_nlb(impostor, *headers).status_code
    assert [True, True] == list(map(is_the_impostors, stage.application.arrived))


# --- the service itself ----------------------------------------------------------------------------------------------


def others(front: Front) -> list[Header]:
    """Everything that is not read for a front, the victim's."""
    own = {CERTIFICATE_HEADERS[front], "Client-Cert-Chain" if front is Front.RFC9440 else ""}
    return [(name, value) for name, value in EVERYTHING if name not in own | {"X-Revet-Token"}]


@pytest.mark.parametrize("way", list(WRITERS))
def test_one_header_counts(stage: Stage, way: str) -> None:
    """The front's own; no other says anything, before it or after it."""
    front, write = WRITERS[way]
    own: Header = (CERTIFICATE_HEADERS[front], write(IMPOSTOR.der))
    for headers in ([own, *others(front)], [*others(front), own]):
        answer = stage.authorize(front, *headers)
        assert (200, "CN=impostor") == (answer.status_code, answer.headers["X-Revet-Subject"])
    answer = stage.authorize(front, *others(front))
    assert (401, "no_certificate") == (answer.status_code, answer.headers["X-Revet-Code"])


@pytest.mark.parametrize("way", list(WRITERS))
@pytest.mark.parametrize("order", [1, -1])
def test_its_header_twice(stage: Stage, way: str, order: int) -> None:
    """Nobody is told which of them counts, in whatever case they are spelt."""
    front, write = WRITERS[way]
    name = CERTIFICATE_HEADERS[front]
    headers: list[Header] = [(name, write(IMPOSTOR.der)), (name.upper(), write(VICTIM.der))]
    answer = stage.authorize(front, *headers[::order])
    assert (400, "bad_request") == (answer.status_code, answer.headers["X-Revet-Code"])
    assert not {"x-revet-subject", "x-revet-serial", "x-revet-fingerprint"} & set(answer.headers)


@pytest.mark.parametrize("way", list(WRITERS))
def test_other_spellings(stage: Stage, way: str) -> None:
    """A name with underscores is another name."""
    front, write = WRITERS[way]
    spelt = (CERTIFICATE_HEADERS[front].replace("-", "_"), write(VICTIM.der))
    assert 401 == stage.authorize(front, spelt).status_code
    answer = stage.authorize(front, spelt, (CERTIFICATE_HEADERS[front], write(IMPOSTOR.der)))
    assert "CN=impostor" == answer.headers["X-Revet-Subject"]


@pytest.mark.parametrize("way", list(WRITERS))
@pytest.mark.parametrize("kind", list(FORGED))
def test_forged_certificates_at_the_service(stage: Stage, in_shadow: Stage, way: str, kind: str) -> None:
    """They are denied, and nobody's name is in the answer; in shadow mode just the same."""
    front, write = WRITERS[way]
    for one in (stage, in_shadow):
        answer = one.authorize(front, (CERTIFICATE_HEADERS[front], write(FORGED[kind].der)), *others(front))
        assert (403, "deny") == (answer.status_code, answer.headers["X-Revet-Decision"])
        assert not {"x-revet-subject", "x-revet-serial", "x-revet-fingerprint"} & set(answer.headers)


@pytest.mark.parametrize("kind", list(FORGED))
def test_forged_certificates_in_shadow(in_shadow: Stage, kind: str) -> None:
    """What shadow mode lets pass is revoked or unknown, and never a stranger's."""
    pair = in_shadow.pair("forged", FORGED[kind])
    for answer in (
        in_shadow.through_nlb(pair),
        in_shadow.through_nlb(pair, *EVERYTHING),
        in_shadow.through_alb((ALB_HEADER, proxies.alb(FORGED[kind].der))),
    ):
        assert (403, "deny") == (answer.status_code, answer.json()["decision"])
    assert [] == in_shadow.application.arrived


def test_callers_without_a_token(stage: Stage) -> None:
    """`Authorization` is the client's, and says nothing of the caller."""
    url = f"{stage.service.url}/v1/authorize/nginx"
    own = (CERTIFICATE_HEADERS[Front.NGINX], proxies.nginx(IMPOSTOR.der))
    attempts: list[list[Header]] = [
        [],
        [("Authorization", f"Bearer {TOKEN}")],
        [("X-Revet-Token", f"{TOKEN}0")],
        [("X-Revet-Token", "")],
        [("X-Revet-Token", f"Bearer {TOKEN}")],
        [("X_Revet_Token", TOKEN)],
        [("X-Revet-Token", "wrong"), ("X-Revet-Token", TOKEN)],
        [("X-Revet-Token", TOKEN), ("X-Revet-Token", "wrong")],
    ]
    for headers in attempts:
        answer = httpx.get(url, headers=encoded(own, *headers), timeout=PATIENCE_S, trust_env=False)
        assert answer.status_code in (400, 401), headers
        assert "x-revet-subject" not in answer.headers


@pytest.mark.parametrize("path", [*PATHS, "/../envoy", "/%2e%2e/envoy", "%2f..%2fenvoy", "/..%2fenvoy@other"])
def test_what_follows_the_front(stage: Stage, path: str) -> None:
    """No path makes another front of it."""
    connection = http.client.HTTPConnection(stage.service.url.partition("//")[2], timeout=PATIENCE_S)
    own = {CERTIFICATE_HEADERS[Front.NGINX]: proxies.nginx(IMPOSTOR.der)}
    foreign = {name: value for name, value in others(Front.NGINX) if name not in own}
    connection.request("GET", f"/v1/authorize/nginx{path}", headers={**foreign, **own, "X-Revet-Token": TOKEN})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert (answer.status, answer.getheader("X-Revet-Subject")) in {(200, "CN=impostor"), (404, None), (400, None)}


def test_certificates_are_handed_over_by_every_front() -> None:
    """So that no front's header is left out above."""
    assert set(CERTIFICATE_HEADERS.values()) == {name for name, _ in certificate_headers()}
