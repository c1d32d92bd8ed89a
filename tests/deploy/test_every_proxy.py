"""What each proxy does as its example configures it, with the same clients and the same Revet."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

from service.api.client_cert.fronts import HandsOver
from tests.deploy.proxies import PROXIES, Proxy
from tests.deploy.scene import TOKEN, Scene
from tests.deploy.stand_ins import Says, standing_in
from tests.deploy.talking import connected, context_of, curl
from tests.ports import free_port

SPOOFED: Final = (
    "X-Revet-Subject",
    "X-Revet-Serial",
    "X-Revet-Fingerprint",
    "X-Revet-Decision",
    "X-Revet-Code",
    "X-Revet-Decision-Id",
    "X-Revet-Valid-Until",
    "X-Revet-Token",
    "Client-Cert",
    "Client-Cert-Chain",
    "X-SSL-Client-Cert",
    "X-SSL-Client-Verify",
    "X-Amzn-Mtls-Clientcert",
    "X-Amzn-Mtls-Clientcert-Leaf",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Tls-Client-Cert",
    "X-Forwarded-Tls-Client-Cert-Info",
    "X-SSL-Cert",
    "SSL-Client-Cert",
    "SSL-Client-Verify",
    "SSL-Client-Subject-DN",
    "X-Client-Cert",
    "X-Client-DN",
    "X-Client-Verify",
    "X-ARR-ClientCert",
)
"""Headers with which somebody might claim to be somebody else."""


@pytest.fixture(scope="module", params=PROXIES, ids=lambda proxy: proxy.name)
def proxy(request: pytest.FixtureRequest) -> Proxy:
    """Each of them."""
    assert isinstance(request.param, Proxy)
    return request.param


@pytest.fixture(scope="module")
def port(proxy: Proxy, scene: Scene) -> Iterator[int]:
    """Where it listens."""
    with proxy.run(scene, scene.revet) as listening:
        yield listening


def test_a_good_certificate(scene: Scene, port: int) -> None:
    """The application is told who asks, in the words of `POST /v1/validate`."""
    answer, verdict = curl(scene.directory, port, "good", path="/a/b?c=d"), scene.verdict("good")
    assert 200 == answer.status, answer.body
    assert "/a/b?c=d" == answer.json["path"]
    assert ["allow"] == answer.seen("x-revet-decision")
    assert [verdict["subject"]] == [unquote(value) for value in answer.seen("x-revet-subject")]
    assert [verdict["serial_number"]] == answer.seen("x-revet-serial")
    assert [verdict["fingerprint_sha256"]] == answer.seen("x-revet-fingerprint")
    assert 1 == len(answer.seen("x-revet-decision-id"))
    assert 1 == len(answer.seen("x-revet-valid-until"))


def test_the_application_never_sees_the_token(scene: Scene, port: int) -> None:
    """What Revet is asked with stays between the proxy and Revet."""
    answer = curl(scene.directory, port, "good")
    assert [] == answer.seen("x-revet-token")
    assert TOKEN not in answer.body


@pytest.mark.parametrize(
    ("client", "code"),
    [
        ("revoked", "revoked"),
        ("expired", "expired"),
        ("impostor", "untrusted"),
        ("self-signed", "untrusted"),
    ],
)
def test_a_refusal(scene: Scene, proxy: Proxy, port: int, client: str, code: str, path: str) -> None:
    """403 with a JSON body that says why, and the application is not asked."""
    answer = curl(scene.directory, port, client, path=path)
    assert 403 == answer.status, answer.body
    assert answer.headers["content-type"].startswith("application/json")
    assert ("deny", code) == (answer.json["decision"], answer.json["code"])
    assert (client in proxy.refuses) is (answer.json["decision_id"] is None)
    assert path not in scene.application.paths


def test_no_certificate(scene: Scene, port: int, path: str) -> None:
    """401, in JSON."""
    answer = curl(scene.directory, port, None, path=path)
    assert (401, "no_certificate") == (answer.status, answer.json["code"])
    assert "json" in answer.headers["content-type"]
    assert path not in scene.application.paths


@pytest.mark.parametrize("client", ["chained", "deep"])
def test_intermediates_that_only_the_client_has(scene: Scene, proxy: Proxy, port: int, client: str) -> None:
    """A proxy that hands over the chain lets its client in; with the leaf alone the issuer is missing."""
    answer = curl(scene.directory, port, client)
    match proxy.hands_over:
        case HandsOver.CHAIN:
            assert [f"CN={client}"] == answer.seen("x-revet-subject")
        case HandsOver.LEAF:
            assert (403, "untrusted") == (answer.status, answer.json["code"])


def test_a_name_in_japanese(scene: Scene, port: int) -> None:
    """It arrives percent-encoded, and is what it was."""
    (subject,) = curl(scene.directory, port, "japanese").seen("x-revet-subject")
    assert subject.isascii()
    assert scene.verdict("japanese")["subject"] == unquote(subject)
    assert "端末 0001" in unquote(subject)


def test_a_name_of_eight_kilobytes(scene: Scene, port: int) -> None:
    """The certificate reaches Revet, and its subject, percent-encoded three times as long, the application."""
    answer = curl(scene.directory, port, "long")
    (subject,) = answer.seen("x-revet-subject")
    assert len(subject) > 8 * 990 * 3
    assert scene.verdict("long")["subject"] == unquote(subject)


def _spoofing(value: str) -> tuple[str, ...]:
    names = [*SPOOFED, *(name.replace("-", "_") for name in SPOOFED), *(name.lower() for name in SPOOFED[:3])]
    return tuple(word for name in names for word in ("--header", f"{name}: {value}"))


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_client_that_claims_to_be_another(scene: Scene, port: int, version: str) -> None:
    """None of its headers reaches the application, nor do they change who it is."""
    answer = curl(scene.directory, port, "good", version, *_spoofing("spoofed"))
    if 200 == answer.status:
        assert "spoofed" not in answer.body
        assert ["CN=good"] == answer.seen("x-revet-subject")
        assert 1 == len(answer.seen("x-revet-serial"))
    else:  # a proxy may refuse such requests
        assert 400 == answer.status


@pytest.mark.parametrize(
    "name",
    ["X-Revet-Subject", "X_Revet_Subject", "X-Revet_Subject", "Client-Cert", "x-ssl-client-cert"],
)
def test_one_claim_at_a_time(scene: Scene, port: int, name: str) -> None:
    """A request with one of these headers, too."""
    answer = curl(scene.directory, port, "good", "--header", f"{name}: spoofed", "--header", f"{name}: spoofed too")
    assert answer.status in {200, 400}
    assert "spoofed" not in answer.body


@pytest.mark.parametrize("client", [None, "impostor", "revoked"])
def test_somebody_elses_certificate_in_a_header(scene: Scene, port: int, client: str | None, path: str) -> None:
    """In whatever format, in whatever header: it is not read."""
    good = (scene.directory / "good.pem").read_text()
    base64 = "".join(good.splitlines()[1:-1])
    escaped = good.replace("\n", "%0A").replace("+", "%2B").replace(" ", "%20")
    headers = (
        f"Client-Cert: :{base64}:",
        f"X-SSL-Client-Cert: {escaped}",
        f"X-Amzn-Mtls-Clientcert: {escaped}",
        f"X-Amzn-Mtls-Clientcert-Leaf: {escaped}",
        f'X-Forwarded-Client-Cert: Hash=00;Cert="{escaped}"',
        f"X-Forwarded-Tls-Client-Cert: {base64}",
    )
    for header in headers:
        answer = curl(scene.directory, port, client, "--header", header, path=path)
        assert (401 if client is None else 403) == answer.status, header
    assert path not in scene.application.paths


def test_hop_by_hop_headers_take_nothing_away(scene: Scene, port: int) -> None:
    """`Connection: X-Revet-Subject` removes no identity that a refusal would rest on, and lets nobody in."""
    for name in ("X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert", "Client-Cert", "X-SSL-Client-Cert"):
        assert 403 == curl(scene.directory, port, "impostor", "--header", f"Connection: close, {name}").status
    answer = curl(scene.directory, port, "good", "--header", "Connection: close, X-Revet-Subject")
    assert ["CN=good"] == answer.seen("x-revet-subject")


def test_a_connection_that_is_kept(scene: Scene, port: int) -> None:
    """Each request is decided: one after the other on one connection, before, during and after a block."""
    with connected(port, context_of(scene.directory, "second")) as connection:
        assert 200 == connection.ask().status
        with scene.blocked("second"):
            answer = connection.ask()
            assert (403, "blocked") == (answer.status, answer.json["code"])
        assert 200 == connection.ask().status


def test_many_at_once(scene: Scene, port: int) -> None:
    """Nobody gets another's answer: several clients, each on a connection of its own, all at the same time."""

    def asks(client: str) -> list[str]:
        with connected(port, context_of(scene.directory, client)) as connection:
            answers = [connection.ask() for _ in range(15)]
        return [one.seen("x-revet-subject")[0] if one.status == 200 else str(one.status) for one in answers]

    clients = ["good", "revoked", "second", "impostor"] * 2
    expected = {"good": "CN=good", "second": "CN=second", "revoked": "403", "impostor": "403"}
    with ThreadPoolExecutor(len(clients)) as threads:
        assert [[expected[client]] * 15 for client in clients] == list(threads.map(asks, clients))


def test_a_session_that_is_taken_up_again(scene: Scene, proxy: Proxy, port: int) -> None:
    """A new connection with the TLS session of an earlier one is decided about like any other."""
    context = context_of(scene.directory, "second")
    with connected(port, context) as first:
        assert ["CN=second"] == first.ask().seen("x-revet-subject")
        session = first.tls.session
    with connected(port, context, session) as again:
        assert ["CN=second"] == again.ask().seen("x-revet-subject")
        assert proxy.resumes is again.tls.session_reused
    with scene.blocked("second"), connected(port, context, session) as late:
        answer = late.ask()
        assert (403, "blocked") == (answer.status, answer.json["code"])


def test_a_chain_is_still_known_in_later_sessions(scene: Scene, proxy: Proxy, port: int) -> None:
    """Whether it is taken up again or made anew, a session has the intermediates of the client."""
    context, expected = context_of(scene.directory, "chained"), 200 if proxy.hands_over is HandsOver.CHAIN else 403
    session = None
    for _ in range(3):
        with connected(port, context, session) as connection:
            assert expected == connection.ask().status
            session = connection.tls.session


def test_an_upload(scene: Scene, port: int, tmp_path: Path) -> None:
    """The body goes to the application, all of it, and Revet is not bothered with it."""
    (tmp_path / "body").write_bytes(bytes(3_000_000))
    answer = curl(scene.directory, port, "good", "--data-binary", f"@{tmp_path / 'body'}")
    assert (200, 3_000_000) == (answer.status, answer.json["length"])
    # Over HTTP/2 an early answer may end in RST_STREAM with NO_ERROR (RFC 9113, section 8.1): some curls take it ill.
    assert 403 == curl(scene.directory, port, "revoked", "--http1.1", "--data-binary", "x=1").status


def test_paths_that_name_another_front(scene: Scene, port: int) -> None:
    """What a client asks for does not choose how its certificate is read."""
    good = "".join((scene.directory / "good.pem").read_text().splitlines()[1:-1])
    for path in ("/../rfc9440", "/v1/authorize/rfc9440", "/%2e%2e/rfc9440", "/..%2frfc9440"):
        more = ("--path-as-is", "--header", f"Client-Cert: :{good}:")
        assert curl(scene.directory, port, "impostor", *more, path=path).status in {400, 403}
        assert curl(scene.directory, port, None, *more, path=path).status in {400, 401}


def test_what_revet_is_told(scene: Scene, proxy: Proxy) -> None:
    """The certificate and the token; nothing of the client's request but, by some, its path."""
    heard: list[dict[str, str]] = []
    private = {"Authorization": "Bearer private", "Cookie": "private=1", "X-Custom": "private"}
    more = tuple(word for name, value in private.items() for word in ("--header", f"{name}: {value}"))
    with standing_in(scene.directory, "server", Says.ALLOW, heard) as place, proxy.run(scene, place) as port:
        heard.clear()
        curl(scene.directory, port, "good", "--data-binary", "private", *more, path="/a/b")
    (question,) = heard
    assert proxy.asks == question[":line"].split(" ")[1]
    assert TOKEN == question["x-revet-token"]
    assert "private" not in str(question)


def test_connections_to_revet_are_kept(scene: Scene, proxy: Proxy) -> None:
    """Twenty questions need no twenty handshakes; a proxy with several threads may have one each."""
    heard: list[dict[str, str]] = []
    with standing_in(scene.directory, "server", Says.ALLOW, heard) as place, proxy.run(scene, place) as port:
        heard.clear()
        with connected(port, context_of(scene.directory, "good")) as connection:
            assert [200] * 20 == [connection.ask().status for _ in range(20)]
    assert 20 == len(heard)
    assert len({question[":port"] for question in heard}) <= 4


def test_revet_is_away(scene: Scene, proxy: Proxy, path: str) -> None:
    """Nobody is let through."""
    with proxy.run(scene, f"localhost:{free_port()}") as port:
        assert proxy.when_away == curl(scene.directory, port, "good", path=path).status
        posted = curl(scene.directory, port, "good", "--http1.1", "--data-binary", "x=1", path=path)
        assert proxy.when_away == posted.status
    assert path not in scene.application.paths


@pytest.mark.parametrize("certificate", [None, "foreign", "elsewhere"])
def test_somebody_else_in_revets_place(scene: Scene, proxy: Proxy, certificate: str | None, path: str) -> None:
    """Who has no certificate, one of another authority, or one for another name, is not believed when it says allow."""
    with standing_in(scene.directory, certificate, Says.ALLOW) as place, proxy.run(scene, place) as port:
        assert proxy.when_away == curl(scene.directory, port, "good", path=path).status
    assert path not in scene.application.paths


def test_who_may_stand_in_revets_place(scene: Scene, proxy: Proxy) -> None:
    """With Revet's own certificate it is believed: the tests beside this one see what they should."""
    with standing_in(scene.directory, "server", Says.ALLOW) as place, proxy.run(scene, place) as port:
        assert ["CN=stand-in"] == curl(scene.directory, port, "revoked").seen("x-revet-subject")


def test_an_answer_that_is_no_decision(scene: Scene, proxy: Proxy) -> None:
    """A proxy that can tell wants to hear that it is an allow; to the others every 200 of Revet's address is one."""
    with standing_in(scene.directory, "server", Says.OK) as place, proxy.run(scene, place) as port:
        expected = proxy.when_away if proxy.minds_the_decision else 200
        assert expected == curl(scene.directory, port, "good").status


def test_a_403_that_calls_itself_an_allow(scene: Scene, proxy: Proxy) -> None:
    """The status counts."""
    with standing_in(scene.directory, "server", Says.DENIED_ALLOW) as place, proxy.run(scene, place) as port:
        assert curl(scene.directory, port, "good").status in {403, 503}


def test_a_revet_that_does_not_answer(scene: Scene, proxy: Proxy) -> None:
    """A proxy that can be told for how long to wait gives up; Traefik waits for half a minute."""
    if not proxy.limits_the_wait:
        return
    with standing_in(scene.directory, "server", Says.NOTHING) as place, proxy.run(scene, place) as port:
        assert 503 == curl(scene.directory, port, "good").status
