"""What applications live on: long bodies, long heads, streams, WebSocket, gRPC, and paths as they were sent."""

import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import httpx
import pytest

from tests.e2e.running import PATIENCE_S, ROOT, until
from tests.sidecar.application import LARGE, Application, running_application
from tests.sidecar.curl import curl
from tests.sidecar.material import TOKEN, Pair, server_pair
from tests.sidecar.running import Sidecar, running_sidecar
from tests.sidecar.stand_in import ALLOW, StandIn, answer, deny


@pytest.fixture(scope="module")
def sidecar(
    tmp_path_factory: pytest.TempPathFactory, stand_in: StandIn, application: Application, tls: dict[str, str]
) -> Iterator[Sidecar]:
    """A sidecar whose service is a stand-in."""
    environment = {
        **tls,
        "REVET_URL": stand_in.url,
        "REVET_TOKEN": TOKEN,
        "REVET_SIDECAR_UPSTREAM": application.url,
        "REVET_SIDECAR_REMOVE_HEADERS": "X-Our-Identity, X-Our-Role",
    }
    with running_sidecar(tmp_path_factory.mktemp("log"), "nlb", environment) as running:
        yield running


@pytest.fixture(autouse=True)
def everybody_is_allowed(stand_in: StandIn, begin_anew: None) -> None:
    """Unless a test says otherwise."""
    del begin_anew
    stand_in.says = answer(200, *ALLOW)


def context(authority: Path, client: Pair) -> ssl.SSLContext:
    """TLS of a client."""
    made = ssl.create_default_context(cafile=authority)
    made.load_cert_chain(client.certificate, client.key)
    return made


def raw(sidecar: Sidecar, authority: Path, client: Pair, request: bytes) -> bytes:
    """Octets over TLS, and all that comes back."""
    with (
        socket.create_connection(("127.0.0.1", sidecar.port), timeout=30) as plain,
        context(authority, client).wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


# --- headers ---------------------------------------------------------------------------------------------------------

REMOVED = [
    line
    for line in (ROOT / "sidecar/conf/removed-headers").read_text().splitlines()
    if line and not line.startswith("#")
]
SET = {"x-revet-decision-id": "D1", "x-revet-code": "ok"}


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_identity_that_the_client_claims(
    sidecar: Sidecar, application: Application, authority: Path, good: Pair, version: str
) -> None:
    """None of it arrives, however it is spelt, nor what the operator has named; other headers do, twice if need be."""
    forged = [f"{name}: forged" for name in (*REMOVED, *map(str.upper, REMOVED), "X-Our-Identity", "x-our-role")]
    forged += [f"{name.replace('-', '_')}: forged" for name in REMOVED]
    harmless = ["X-Any: one", "X-Any: two", "Authorization: Bearer theirs", "Cookie: a=b", "X-Revetment: theirs"]
    options = [word for header in (*forged, *harmless) for word in ("-H", header)]
    assert 200 == curl(sidecar, version, *options, authority=authority, client=good).status
    arrived = application.last
    assert [] == [value for _, value in arrived.headers if "forged" in value]
    assert SET == dict(arrived.headers_of("x-revet-"))
    assert (["one", "two"], ["Bearer theirs"], ["a=b"], ["theirs"]) == tuple(
        arrived.values(name) for name in ("X-Any", "Authorization", "Cookie", "X-Revetment")
    )


def test_what_is_removed_covers_every_front() -> None:
    """Whatever header the service reads by default, and each that it answers with, is among them."""
    names = {name.lower() for name in REMOVED}
    read = {
        "x-amzn-mtls-clientcert",
        "x-amzn-mtls-clientcert-leaf",
        "x-ssl-client-cert",
        "x-forwarded-client-cert",
        "x-forwarded-tls-client-cert",
        "client-cert",
        "client-cert-chain",
    }
    answered = {"decision", "code", "decision-id", "subject", "serial", "fingerprint", "valid-until", "enforced-code"}
    assert set() == (read | {f"x-revet-{name}" for name in (*answered, "token", "max-age")}) - names


# --- request targets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["/a//b", "/a/../b", "/a/./b", "/a/%2e%2e/%2F", "/a%20b?c=%26&d=/../e", "/?", "/%C3%A9", "/;x=1", "//"]
)
def test_a_path_arrives_as_it_was_sent(
    sidecar: Sidecar, application: Application, authority: Path, good: Pair, target: str
) -> None:
    """Nothing is decoded, merged or resolved between the client and the application."""
    assert 200 == curl(sidecar, authority=authority, client=good, path=target).status
    assert f"GET {target} HTTP/1.1" == application.last.line


def test_an_absolute_target(sidecar: Sidecar, application: Application, authority: Path, good: Pair) -> None:
    """Its host counts, as for any origin server, and its path is the path."""
    request = b"GET http://absolute.example:81/path?x HTTP/1.1\r\nHost: header.example\r\nConnection: close\r\n\r\n"
    assert b"HTTP/1.1 200 " in raw(sidecar, authority, good, request)
    arrived = application.last
    assert ("GET /path?x HTTP/1.1", ["absolute.example:81"]) == (arrived.line, arrived.values("Host"))


def test_a_request_without_a_host(sidecar: Sidecar, application: Application, authority: Path, good: Pair) -> None:
    """HTTP/1.0 needs none, HTTP/1.1 does: the application sees its own address, and nothing that the client named."""
    assert b"HTTP/1.1 200 " in raw(sidecar, authority, good, b"GET /old HTTP/1.0\r\n\r\n")
    arrived = application.last
    assert "GET /old HTTP/1.1" == arrived.line
    assert ([application.url.removeprefix("http://")], []) == (
        arrived.values("Host"),
        arrived.values("X-Forwarded-Host"),
    )


@pytest.mark.parametrize(
    "request_octets",
    [
        b"GET /../x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: one\r\nHost: two\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: %b\r\n\r\n" % (b"x" * 40_000),
        b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * 40_000),
    ],
)
def test_requests_that_two_servers_might_read_in_two_ways(
    sidecar: Sidecar, application: Application, authority: Path, good: Pair, request_octets: bytes
) -> None:
    """And those that cannot be read at all are answered with a 400 as JSON; the application sees none."""
    answered = raw(sidecar, authority, good, request_octets)
    assert answered.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 405 ", b"HTTP/1.1 501 ")), answered
    assert b'"decision":"deny","code":"bad_request"' in answered
    assert [] == application.arrived


@pytest.mark.parametrize("path", ["/.revet-sidecar/refused", "/x/../.revet-sidecar/bad-request"])
def test_our_own_paths(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair, path: str
) -> None:
    """Nobody gets there from outside."""
    answered = curl(sidecar, authority=authority, client=good, path=path)
    assert (404, {"code": "not_found"}) == (answered.status, answered.document)
    assert ([], []) == (stand_in.asked, application.arrived)


def test_a_redirect_inside(sidecar: Sidecar, authority: Path, good: Pair) -> None:
    """An application has no say in where requests go inside the sidecar."""
    answered = curl(sidecar, authority=authority, client=good, path="/redirect-inside")
    assert (200, b"not inside") == (answered.status, answered.body)


@pytest.mark.parametrize("path", ["/revet:ask", "/.revet-sidecar/ask"])
def test_what_looks_like_a_path_of_ours(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair, path: str
) -> None:
    """It is the application's."""
    assert 200 == curl(sidecar, authority=authority, client=good, path=path).status
    assert ([f"GET {path} HTTP/1.1"], 1) == ([one.line for one in application.arrived], len(stand_in.asked))


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [("--http1.1",), ("--http2",), ("--http1.1", "-H", "Transfer-Encoding: chunked")])
def test_a_large_upload(
    sidecar: Sidecar, application: Application, authority: Path, good: Pair, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """There is no bound on it, and none of it lies on the sidecar's disk."""
    upload = tmp_path / "upload"
    upload.write_bytes(b"0123456789abcdef" * 500_000)
    assert 200 == curl(sidecar, *options, "--data-binary", f"@{upload}", authority=authority, client=good).status
    assert upload.read_bytes() == application.last.body
    assert [] == [one for one in sidecar.run_dir.rglob("temp/**/*") if one.is_file()]


def test_an_upload_is_passed_on_while_it_comes(
    sidecar: Sidecar, application: Application, authority: Path, good: Pair
) -> None:
    """The application hears of it before the client has sent all."""
    before = application.begun
    with (
        socket.create_connection(("127.0.0.1", sidecar.port), timeout=30) as plain,
        context(authority, good).wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nConnection: close\r\n\r\nfirst"
        )
        until(lambda: application.begun > before, "it has begun to arrive")
        connection.sendall(b"after")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert b"firstafter" == application.last.body


def test_a_large_head(sidecar: Sidecar, authority: Path, good: Pair) -> None:
    """Longer than nginx's own buffers."""
    assert LARGE == curl(sidecar, authority=authority, client=good, path="/large-head").headers["x-large"]


@pytest.mark.parametrize("http2", [False, True])
def test_a_stream(sidecar: Sidecar, application: Application, authority: Path, good: Pair, http2: bool) -> None:
    """What the application has written arrives before it writes more."""
    application.gate.clear()
    with (
        httpx.Client(http2=http2, verify=context(authority, good), trust_env=False, timeout=PATIENCE_S) as client,
        client.stream("GET", f"{sidecar.url}/stream") as stream,
    ):
        pieces = stream.iter_text()
        assert "data: one\n\n" == next(pieces)
        application.gate.set()
        assert "data: two\n\n" == next(pieces)


# --- upgrades --------------------------------------------------------------------------------------------------------


def upgrade(sidecar: Sidecar, authority: Path, client: Pair, to: bytes = b"websocket") -> tuple[bytes, ssl.SSLSocket]:
    """Ask for an upgrade; the head of the answer, and the connection."""
    plain = socket.create_connection(("127.0.0.1", sidecar.port), timeout=30)
    connection = context(authority, client).wrap_socket(plain, server_hostname="localhost")
    connection.sendall(
        b"GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %b\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n"
        % (to, b64encode(b"0" * 16))
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        octet = connection.recv(1)
        assert octet, head
        head += octet
    return head, connection


def test_a_websocket(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair
) -> None:
    """It is asked about once, when it is opened; frames pass in both directions from then on."""
    head, connection = upgrade(sidecar, authority, good)
    with connection:
        assert head.startswith(b"HTTP/1.1 101 ")
        stand_in.says = deny(403, "revoked")
        for text in (b"first", b"second"):
            connection.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
            assert bytes([0x81, len(text)]) + text == connection.recv(2) + connection.recv(100)
        connection.sendall(bytes([0x88, 0x80]) + bytes(4))
        assert b"\x88\x00" == connection.recv(2)
    assert (1, ["D1"]) == (len(stand_in.asked), application.last.values("X-Revet-Decision-Id"))


def test_a_websocket_that_is_refused(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair
) -> None:
    """The answer is the same as to any request."""
    stand_in.says = deny(403, "revoked")
    head, connection = upgrade(sidecar, authority, good)
    connection.close()
    assert head.startswith(b"HTTP/1.1 403 ")
    assert [] == application.arrived


@pytest.mark.parametrize("to", [b"h2c", b"websocket, h2c", b"TLS/1.0"])
def test_other_upgrades(sidecar: Sidecar, application: Application, authority: Path, good: Pair, to: bytes) -> None:
    """The application does not hear of them: what follows on such a connection nobody would be asked about."""
    head, connection = upgrade(sidecar, authority, good, to)
    connection.close()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert ([], []) == (application.last.values("Upgrade"), application.last.values("Connection"))


def over_http2(
    sidecar: Sidecar, authority: Path, client: Pair, *headers: tuple[str, str]
) -> list[h2.events.ResponseReceived | h2.events.DataReceived]:
    """What a request with these headers is answered, frame by frame; nobody looks at it before it is sent."""
    tls = context(authority, client)
    tls.set_alpn_protocols(["h2"])
    speaking = h2.connection.H2Connection(
        h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    )
    answered: list[h2.events.ResponseReceived | h2.events.DataReceived] = []
    with (
        socket.create_connection(("127.0.0.1", sidecar.port), timeout=30) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        speaking.initiate_connection()
        speaking.send_headers(1, headers, end_stream=True)
        connection.sendall(speaking.data_to_send())
        while octets := connection.recv(65_536):
            for event in speaking.receive_data(octets):
                if isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                    return answered
                if isinstance(event, h2.events.ResponseReceived | h2.events.DataReceived):
                    answered.append(event)
            connection.sendall(speaking.data_to_send())
    return answered


@pytest.mark.parametrize("more", [(), (("connection", "upgrade"),)])
def test_no_upgrade_over_http2(
    sidecar: Sidecar, application: Application, authority: Path, good: Pair, more: tuple[tuple[str, str], ...]
) -> None:
    """HTTP/2 has none: the application does not hear of it, or it would write between the frames of other streams."""
    usual = ((":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/socket?argument"))
    before = sidecar.written()
    answered = over_http2(sidecar, authority, good, *usual, ("upgrade", "websocket"), *more)
    first, *pieces = answered
    assert isinstance(first, h2.events.ResponseReceived)
    assert b"200" == dict(first.headers)[b":status"]
    assert b"the application\n" == b"".join(one.data for one in pieces if isinstance(one, h2.events.DataReceived))
    assert ([], []) == (application.last.values("Upgrade"), application.last.values("Connection"))
    # Its own words about a fault would quote the whole target.
    assert [] == [line for line in sidecar.written().removeprefix(before).splitlines() if "argument" in line]


def test_no_upgrade_over_http_1_0(sidecar: Sidecar, application: Application, authority: Path, good: Pair) -> None:
    """Nor has HTTP/1.0 (RFC 9110, section 7.8)."""
    request = b"GET / HTTP/1.0\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert raw(sidecar, authority, good, request).startswith(b"HTTP/1.1 200 ")
    assert [] == application.last.values("Upgrade")


# --- TLS to the application ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "more", "status"),
    [
        (("DNS:localhost",), {"REVET_SIDECAR_UPSTREAM_NAME": "localhost"}, 200),
        (("DNS:inside.example",), {"REVET_SIDECAR_UPSTREAM_NAME": "inside.example"}, 200),
        (("DNS:other.example",), {"REVET_SIDECAR_UPSTREAM_NAME": "inside.example"}, 502),
        # The address alone: nginx looks for it among the names, and not among the addresses.
        (("DNS:127.0.0.1",), {}, 200),
        (("IP:127.0.0.1",), {}, 502),
        (("IP:127.0.0.1", "DNS:inside.example"), {"REVET_SIDECAR_UPSTREAM_NAME": "inside.example"}, 200),
    ],
)
def test_tls_to_the_application(
    tmp_path: Path,
    stand_in: StandIn,
    tls: dict[str, str],
    authority: Path,
    good: Pair,
    names: tuple[str, ...],
    more: dict[str, str],
    status: int,
) -> None:
    """Its certificate is checked, and so is the name in it."""
    inside = server_pair(tmp_path, "inside", *names)
    with running_application(inside.certificate, inside.key) as application:
        environment = {**tls, "REVET_URL": stand_in.url, "REVET_SIDECAR_UPSTREAM": application.url}
        environment |= {"REVET_SIDECAR_UPSTREAM_CA_BUNDLE": str(authority), **more}
        with running_sidecar(tmp_path, "nlb", environment) as sidecar:
            assert status == curl(sidecar, authority=authority, client=good).status
    assert (1 if status == 200 else 0) == len(application.arrived)
