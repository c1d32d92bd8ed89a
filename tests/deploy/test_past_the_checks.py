"""What would go past the checks of a proxy: tunnels, other protocols, trailers, words to the next hop."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.deploy.application import SENDS
from tests.deploy.proxies import ENVOY, HAPROXY, NGINX, PROXIES, TRAEFIK, Proxy, program
from tests.deploy.scene import Scene
from tests.deploy.talking import Fields, curl, exchanged, http2, socket_to
from tests.e2e.running import until

FORGED: Final = "X-Revet-Subject: CN=forged"

LINES_OF_A_WEBSOCKET: Final = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==",
    "Sec-WebSocket-Version: 13",
)

OWN: Final = "the address that the proxy sees"

POST: Final[Fields] = [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/")]


def request(first: str, *lines: str, body: str = "") -> bytes:
    """A request in octets."""
    return "\r\n".join((f"{first} HTTP/1.1", "Host: a", *lines, "", body)).encode()


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


@pytest.mark.parametrize("client", ["good", "revoked", None])
def test_connect(scene: Scene, proxy: Proxy, port: int, client: str | None) -> None:
    """No tunnel, in which everything after the first request would go past the proxy, for nobody."""
    with socket_to(scene.directory, port, client) as connection:
        status = exchanged(connection, b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").status
    assert {HAPROXY: 405, ENVOY: 404, TRAEFIK: 501, NGINX: 400}[proxy] == status
    assert "a:1" not in scene.application.paths


def test_connect_over_http2(scene: Scene, proxy: Proxy, port: int) -> None:
    """Nor there."""
    with socket_to(scene.directory, port, "good", "h2") as connection:
        fields = [(":method", "CONNECT"), (":authority", "a:1")]
        status = http2(connection, fields, b"GET /in-a-tunnel HTTP/1.1\r\n\r\n", [])
    assert {HAPROXY: 405, ENVOY: 404, TRAEFIK: 501, NGINX: 400}[proxy] == status
    assert {"a:1", "/in-a-tunnel"}.isdisjoint(scene.application.paths)


@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
        ("Connection: Upgrade", "Upgrade: websocket, h2c"),
        ("Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"),
        ("Connection: Upgrade", "Upgrade: h2c", "Upgrade: websocket"),
        ("Connection: Upgrade", "Upgrade: TLS/1.0"),
        ("Connection: Upgrade", "Upgrade: TLS/1.0", "Upgrade: websocket"),
        ("Connection: Upgrade", "Upgrade: websocket\t, TLS/1.0"),
        ("Upgrade: h2c",),
    ],
    ids=str,
)
def test_no_other_protocol_than_websocket(scene: Scene, port: int, lines: tuple[str, ...]) -> None:
    """To an application that would change to whatever it is asked to, too."""
    with socket_to(scene.directory, port, "good") as connection:
        answer = exchanged(connection, request("GET /", *lines))
    assert answer.status in {101, 200, 400, 403}
    assert answer.status != 101 or "websocket" == answer.headers["upgrade"]
    assert answer.status != 200 or [] == answer.seen("upgrade")


def test_a_websocket(scene: Scene, proxy: Proxy, port: int) -> None:
    """Asked about when it begins; the examples of Envoy and nginx have none."""
    with socket_to(scene.directory, port, "good") as connection:
        answer = exchanged(connection, request("GET /", *LINES_OF_A_WEBSOCKET))
        assert {HAPROXY: 101, ENVOY: 403, TRAEFIK: 101, NGINX: 200}[proxy] == answer.status
        if answer.status == 101:
            for line in (b"one\n", b"two\n"):
                connection.sendall(line)
                assert line == connection.recv(100)
    with socket_to(scene.directory, port, "revoked") as connection:
        assert 403 == exchanged(connection, request("GET /", *LINES_OF_A_WEBSOCKET)).status


def test_a_websocket_over_http2(scene: Scene, proxy: Proxy, port: int, path: str) -> None:
    """HAProxy's CONNECT of that kind (RFC 8441) is a WebSocket to the application; the others have none."""
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), *POST[1:-1], (":path", path)]
    fields.append(("sec-websocket-version", "13"))
    seen = []
    for client in ("good", "revoked"):
        with socket_to(scene.directory, port, client, "h2") as connection:
            seen.append(http2(connection, fields, None, []))
    assert {HAPROXY: [200, 403], NGINX: [400, 400]}.get(proxy, [None, None]) == seen
    assert (1 if proxy is HAPROXY else 0) == scene.application.paths.count(path)


@pytest.mark.parametrize("announced", [("Trailer: X-Revet-Subject",), ()], ids=["announced", "not announced"])
@pytest.mark.parametrize("size", [0, 3, 300_000])
def test_trailers(scene: Scene, proxy: Proxy, port: int, announced: tuple[str, ...], size: int) -> None:
    """They do not reach the application; HAProxy refuses such requests."""
    scene.application.trailers.clear()
    chunk = f"{size:x}\r\n{'a' * size}\r\n" if size else ""
    with socket_to(scene.directory, port, "good") as connection:
        body = f"{chunk}0\r\n{FORGED}\r\nX-Other: forged\r\n\r\n"
        answer = exchanged(connection, request("POST /", "Transfer-Encoding: chunked", *announced, body=body))
    until(lambda: scene.application.asked == scene.application.ended, "the application is done")
    assert [] == scene.application.trailers
    assert (400 if proxy is HAPROXY else 200) == answer.status
    if answer.status == 200:
        assert (size, ["CN=good"]) == (answer.json["length"], answer.seen("x-revet-subject"))


@pytest.mark.parametrize("length", ["content-length", "x-no-length"])
def test_trailers_over_http2(scene: Scene, proxy: Proxy, port: int, length: str) -> None:
    """Nor do those of HTTP/2; nginx ends the connection."""
    scene.application.trailers.clear()
    with socket_to(scene.directory, port, "good", "h2") as connection:
        status = http2(connection, [*POST, (length, "3")], b"abc", [("x-revet-subject", "CN=forged")])
    until(lambda: scene.application.asked == scene.application.ended, "the application is done")
    assert [] == scene.application.trailers
    assert {HAPROXY: 400, ENVOY: 200, TRAEFIK: 200, NGINX: None}[proxy] == status


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_bodies_in_chunks(scene: Scene, port: int, size: int) -> None:
    """Without trailers they arrive as they are, one after the other on one connection."""
    chunk = f"{size:x}\r\n{'a' * size}\r\n" if size else ""
    with socket_to(scene.directory, port, "good") as connection:
        for _ in range(2):
            octets = request("POST /", "Transfer-Encoding: chunked", body=f"{chunk}0\r\n\r\n")
            assert size == exchanged(connection, octets).json["length"]


def test_a_connection_names_no_identity(scene: Scene, port: int) -> None:
    """What `Connection` names, the next hop has to remove: nothing of Revet's is named to it."""
    with socket_to(scene.directory, port, "good") as connection:
        answer = exchanged(connection, request("GET /", "Connection: X-Revet-Subject, X-Revet-Serial"))
    assert ["CN=good"] == answer.seen("x-revet-subject")
    assert "revet" not in str(answer.seen("connection")).lower()


@pytest.mark.parametrize(
    "name",
    [
        *(f"X{mark}Revet{mark}Subject" for mark in ".!+~'"),
        *(f"Client{mark}Cert" for mark in ".!_"),
        *(f"X{mark}SSL{mark}Client-Cert" for mark in ".!_"),
        "X-Revet.Subject",
        "X-Revet-Enforced-Code",
        "X-Revet-Max-Age",
        "X-Revet-Detail",
        "X-Revet-Trust-Store",
        "X-Client-Subject",
    ],
)
def test_names_that_some_take_for_others(scene: Scene, port: int, name: str) -> None:
    """A character that is neither letter nor digit is `_` to some: such names do not arrive either."""
    answer = curl(scene.directory, port, "good", "--header", f"{name}: forged")
    assert answer.status in {200, 400}
    assert "forged" not in answer.body


@pytest.mark.parametrize("value", ["/_revet", "@revet_refused", "@revet_unavailable"])
def test_an_application_that_redirects_inside(scene: Scene, port: int, value: str) -> None:
    """Its own headers are no orders to the proxy: nobody gets Revet's answer in place of its own."""
    answer = curl(scene.directory, port, "good", path=f"{SENDS}X-Accel-Redirect={value}")
    assert (200, ["CN=good"]) == (answer.status, answer.seen("x-revet-subject"))
    assert "x-revet-subject" not in answer.headers


def test_who_a_client_says_it_comes_from(scene: Scene, proxy: Proxy, port: int) -> None:
    """Its `X-Forwarded-For` arrives as it is, or with its address behind it, or not at all."""
    (seen,) = curl(scene.directory, port, "good", "--header", "X-Forwarded-For: 192.0.2.6").seen("x-forwarded-for")
    expected = {HAPROXY: ["192.0.2.6"], ENVOY: ["192.0.2.6", OWN], TRAEFIK: [OWN], NGINX: ["192.0.2.6"]}[proxy]
    assert expected == [one if one == "192.0.2.6" else OWN for one in seen.split(",")]


def test_a_proxy_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails on Linux, where there is each of them; elsewhere it is skipped."""
    for platform, raised in (("linux", pytest.fail.Exception), ("darwin", pytest.skip.Exception)):
        monkeypatch.setattr("sys.platform", platform)
        with pytest.raises(raised, match="no-such-proxy is not installed"):
            program("no-such-proxy")
