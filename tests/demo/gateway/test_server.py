"""The gateway as curl sees it: the handshake, and every refusal that API Gateway has."""

import pytest

from service.demo.gateway.model import AnswerForm, Api, AuthorizerSettings, Event, Kind, Reply, Request
from service.demo.gateway.own_certificate import OwnCertificate
from service.demo.gateway.replies import Refusal, refusal
from service.demo.gateway.server import MAX_HEAD_BYTES, Gateway
from service.demo.layout import AUTHORITIES
from service.demo.pki import DemoPki
from tests.demo.gateway.clients import Answer, curl, policy
from tests.demo.gateway.conftest import Open
from tests.demo.openssl import openssl

EXPLICIT = '{"Message":"User is not authorized to access this resource with an explicit deny"}'
IMPLICIT = '{"Message":"User is not authorized to access this resource"}'


class Curl:
    """curl with the demonstration's certificates."""

    def __init__(self, clients: DemoPki, own: OwnCertificate) -> None:
        """Take whose certificates to show, and whom to trust."""
        self._clients, self._own = clients, own

    def __call__(self, gateway: Gateway, client: str | None = "good", *more: str) -> Answer:
        """Ask as a client; None: without a certificate."""
        layout = self._clients.layout
        certificate = layout.certificate(client) if client else None
        key = layout.key(client) if client else None
        return curl(gateway, self._own.authority, certificate, key, *more)


@pytest.fixture
def ask(clients: DemoPki, own: OwnCertificate) -> Curl:
    """Asks a gateway."""
    return Curl(clients, own)


def allow(_event: Event, _context: object) -> Event:
    """Allow everything."""
    return policy("Allow")


@pytest.mark.parametrize("client", ["good", "by-root", "ed25519", "revoked"])
def test_a_certificate_of_the_trust_store_gets_in(opened: Open, ask: Curl, client: str) -> None:
    """Certificates of both authorities get in, the revoked one too: API Gateway never looks at revocation."""
    answer = ask(opened(allow), client)

    assert (0, 204, "") == (answer.exit_code, answer.status, answer.body)
    assert answer.headers["x-amzn-requestid"]
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(("versions", "exit_code"), [(("--tls-max", "1.2"), 35), (("--tlsv1.3",), 56)])
def test_without_a_certificate_there_is_no_connection(
    opened: Open, ask: Curl, versions: tuple[str, ...], exit_code: int
) -> None:
    """Without a client certificate the handshake fails: in TLS 1.3 the client sees that when it reads the answer."""
    calls: list[Event] = []
    answer = ask(opened(lambda event, _context: calls.append(event)), None, *versions)

    assert (exit_code, 0) == (answer.exit_code, answer.status)
    assert f"curl: ({exit_code})" in answer.problem
    assert [] == calls


@pytest.mark.parametrize("client", ["expired", "foreign"])
def test_a_certificate_that_is_not_good_gets_no_connection(opened: Open, ask: Curl, client: str) -> None:
    """One that has expired, and one of nobody known, end the handshake."""
    answer = ask(opened(allow), client)

    assert (56, 0) == (answer.exit_code, answer.status)


def test_a_trust_store_that_is_the_subordinate_alone(opened: Open, ask: Curl, clients: DemoPki) -> None:
    """A store without a self-signed certificate is trusted as it is."""
    sub = clients.layout.authority(AUTHORITIES[1]).certificate.read_bytes()
    gateway = opened(allow, trust_store=sub)

    assert 204 == ask(gateway).status
    assert 56 == ask(gateway, "by-root").exit_code


def test_intermediates_of_the_client_do_not_count(opened: Open, ask: Curl, clients: DemoPki) -> None:
    """A store with the root alone refuses what the subordinate has issued, though the client sends the subordinate."""
    root = clients.layout.authority(AUTHORITIES[0]).certificate.read_bytes()
    answer = ask(opened(allow, trust_store=root))

    assert (403, "ForbiddenException") == (answer.status, answer.headers["x-amzn-errortype"])
    assert '{"message":"Forbidden"}' == answer.body


@pytest.mark.parametrize("garbage", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_trust_store_that_is_none(opened: Open, garbage: bytes) -> None:
    """A trust store that does not parse opens no gateway."""
    with pytest.raises(ValueError, match=r".+"):
        opened(allow, trust_store=garbage)


@pytest.mark.parametrize(
    ("said", "status", "error", "body"),
    [
        (policy("Deny"), 403, "AccessDeniedException", EXPLICIT),
        (policy("Allow", "arn:none"), 403, "AccessDeniedException", IMPLICIT),
        (None, 500, "AuthorizerConfigurationException", '{"message":null}'),
    ],
)
def test_refusals_of_the_authorizer(opened: Open, ask: Curl, said: object, status: int, error: str, body: str) -> None:
    """Each refusal has API Gateway's status, error type and body."""
    answer = ask(opened(lambda _event, _context: said))

    assert (status, error, body) == (answer.status, answer.headers["x-amzn-errortype"], answer.body)
    assert "application/json" == answer.headers["content-type"]


def test_a_missing_identity_source(opened: Open, ask: Curl) -> None:
    """A request without its identity source is a 401, and with it is not."""
    gateway = opened(allow, settings=AuthorizerSettings(("method.request.header.x-device",), 60))

    missing, there = ask(gateway), ask(gateway, "good", "-H", "X-Device: 7")

    assert (401, '{"message":"Unauthorized"}') == (missing.status, missing.body)
    assert "UnauthorizedException" == missing.headers["x-amzn-errortype"]
    assert 204 == there.status


def test_no_such_resource(opened: Open, ask: Curl) -> None:
    """A path that no resource has is answered before the authorizer."""
    gateway = opened(allow, api=Api(resources=("/devices",)))

    answer = ask(gateway, "good", f"{gateway.url}/other")

    assert (403, "MissingAuthenticationTokenException") == (answer.status, answer.headers["x-amzn-errortype"])


def test_headers_that_are_too_large(opened: Open, ask: Curl) -> None:
    """Request line and header values may have 10,240 octets together, and not one more."""
    gateway = opened(allow)
    others = ("-H", "User-Agent: x", "-H", "Accept: x", "-H", f"Host: {'h' * 10}")
    rest = len("GET / HTTP/1.1") + 1 + 1 + 10

    fits = ask(gateway, "good", *others, "-H", f"X-Large: {'x' * (MAX_HEAD_BYTES - rest)}")
    does_not = ask(gateway, "good", *others, "-H", f"X-Large: {'x' * (MAX_HEAD_BYTES - rest + 1)}")

    assert (204, 431) == (fits.status, does_not.status)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_is_asked_about(opened: Open, ask: Curl, method: str) -> None:
    """The authorizer sees the method, and the body does not disturb the connection."""
    seen: list[str] = []

    def handler(event: Event, _context: object) -> Event:
        seen.append(event["httpMethod"])
        return policy("Allow")

    gateway = opened(handler)
    answer = ask(gateway, "good", "-X", method, "-d", "body", f"{gateway.url}/", "--next", "-sS")

    assert (204, [method]) == (answer.status, seen)


def test_the_integration_answers_what_may_pass(opened: Open, ask: Curl) -> None:
    """An integration gets the request and what the authorizer said of it."""

    def echo(request: Request, permission: object) -> Reply:
        return Reply(200, (("x-echo", request.query),), request.body + repr(permission).encode())

    gateway = opened(lambda _event, _context: policy("Allow", context={"code": "ok"}), integration=echo)
    answer = ask(gateway, "good", "-d", "body", f"{gateway.url}/a/b?q=1")

    assert (200, "q=1") == (answer.status, answer.headers["x-echo"])
    assert "bodyPermission(context={'code': 'ok'})" == answer.body


def test_chunked_bodies_are_refused(opened: Open, ask: Curl) -> None:
    """A body of unknown length is no body here."""
    answer = ask(opened(allow), "good", "-H", "Transfer-Encoding: chunked", "-d", "body")

    assert 411 == answer.status


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        ({"isAuthorized": True}, 204, ""),
        ({"isAuthorized": False}, 403, '{"message":"Forbidden"}'),
        (policy("Allow"), 500, '{"message":"Internal Server Error"}'),
    ],
)
def test_an_http_api(opened: Open, ask: Curl, said: object, status: int, body: str) -> None:
    """An HTTP API takes simple answers, and has refusals of its own without an error type."""
    settings = AuthorizerSettings(form=AnswerForm.SIMPLE)
    answer = ask(opened(lambda _event, _context: said, api=Api(Kind.HTTP), settings=settings))

    assert (status, body) == (answer.status, answer.body)
    assert "x-amzn-errortype" not in answer.headers


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("why", Refusal)
def test_no_refusal_is_a_success(kind: Kind, why: Refusal) -> None:
    """Whatever the reason, the status says that it did not work, and the body is JSON with one message."""
    reply = refusal(kind, why)

    assert reply.status >= 400
    assert reply.body.lower().startswith(b'{"message":')


def test_what_openssl_says_of_the_server(own: OwnCertificate) -> None:
    """The server's certificate is good for its name by its authority, for OpenSSL."""
    name = ("-verify_hostname", Api().domain, "-purpose", "sslserver")

    assert 0 == openssl("verify", *name, "-CAfile", own.authority, own.certificate).returncode
    assert 0o600 == own.key.stat().st_mode & 0o777
