"""The gateway itself: a TLS server with threads, one for each connection, on a socket of its own on loopback.

Rules: what API Gateway checks before the authorizer is checked before the authorizer; each refusal is the one that API
Gateway gives. It is for loopback, for tests and demonstrations, and does not defend itself against many clients.

What it does not do: HTTP/2, chunked request bodies, CORS, throttling, usage plans, resource policies. A certificate
that has expired, or whose chain ends nowhere, ends the handshake, where API Gateway answers 403. Which status API
Gateway has for headers that are too large is not documented; 431 is what the status says (RFC 6585 §5).
"""

import contextlib
import socket
import ssl
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self, assert_never, cast

from cryptography import x509

from service.application.clock import Clock
from service.demo.gateway.authorization import Authorizer, Permission
from service.demo.gateway.integration import Integration, IntegrationError, no_content
from service.demo.gateway.model import Api, AuthorizerSettings, Handler, Reply, Request
from service.demo.gateway.replies import Refusal, refusal
from service.demo.gateway.resources import find
from service.demo.gateway.trust import TrustStore, server_context

MAX_HEAD_BYTES: Final = 10_240
"""Request line and header values together, by API Gateway's quotas."""

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""A payload, by API Gateway's quotas."""

SILENCE_S: Final = 30.0
"""After so long without a byte a connection is closed."""

LOOPBACK: Final = "127.0.0.1"

_POLL_S: Final = 0.05
_LINGER_S: Final = 1.0
_CHUNK: Final = 65_536
_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class Front:
    """What a custom domain name consists of.

    Attributes:
        certificate: The server's, with its chain below, PEM.
        key: Its private key, PEM.
        trust_store: The bundle of mutual TLS, PEM.
        port: Where to listen; 0 for any.
    """

    certificate: Path
    key: Path
    trust_store: bytes
    port: int = 0


class Gateway:
    """An API at a custom domain name with mutual TLS, while it is entered."""

    def __init__(
        self,
        front: Front,
        handler: Handler,
        clock: Clock,
        *,
        api: Api | None = None,
        settings: AuthorizerSettings | None = None,
        integration: Integration = no_content,
    ) -> None:
        """Listen; nothing is answered before it is entered.

        Args:
            front: Its certificates.
            handler: The authorizer's function.
            clock: Time.
            api: What is there; a REST API with one greedy resource, if not given.
            settings: How the authorizer is called; for every request, if not given.
            integration: What answers requests that may pass.

        Raises:
            ValueError: the trust store is none.
            OSError: the port is taken, or a file cannot be read.
        """
        self._api = api or Api()
        self._store = TrustStore.of(front.trust_store)
        self._clock = clock
        self._integration = integration
        self.authorizer = Authorizer(self._api, settings or AuthorizerSettings(), handler, clock.monotonic)
        context = server_context(self._store, front.certificate, front.key)
        self._server = _Server(front.port, context, self._answer)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), daemon=True)

    @property
    def url(self) -> str:
        """Where it answers, by its domain name: `curl --resolve DOMAIN:PORT:127.0.0.1`."""
        return f"https://{self._api.domain}:{self.port}"

    @property
    def resolve(self) -> str:
        """What curl wants to know to find the domain name: the argument of `--resolve`."""
        return f"{self._api.domain}:{self.port}:{LOOPBACK}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take no more connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, raw: "_Raw", certificate: x509.Certificate) -> Reply:
        if not self._store.has_issuer_of(certificate):
            return refusal(self._api.kind, Refusal.NOT_TRUSTED)
        if raw.head_bytes > MAX_HEAD_BYTES:
            return refusal(self._api.kind, Refusal.TOO_LARGE)
        path, _, query = raw.target.partition("?")
        match = find(self._api.resources, path)
        if match is None:
            return refusal(self._api.kind, Refusal.NO_RESOURCE)
        request = Request(
            request_id=str(uuid.uuid4()),
            method=raw.method,
            path=path,
            query=query,
            headers=raw.headers,
            body=raw.body,
            source_ip=raw.source_ip,
            certificate=certificate,
            at=self._clock.now(),
        )
        return self._pass(request, self.authorizer.ask(request, match))

    def _pass(self, request: Request, said: Permission | Refusal) -> Reply:
        match said:
            case Refusal():
                reply = refusal(self._api.kind, said)
            case Permission():
                try:
                    reply = self._integration(request, said)
                except IntegrationError:
                    reply = refusal(self._api.kind, Refusal.INTEGRATION_FAILED)
            case _:
                assert_never(said)
        own = (("date", format_datetime(request.at, usegmt=True)), ("x-amzn-requestid", request.request_id))
        return Reply(reply.status, (*own, *reply.headers), reply.body)


@dataclass(frozen=True, slots=True)
class _Raw:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    head_bytes: int
    body: bytes
    source_ip: str


class _Server(ThreadingHTTPServer):
    """The standard library's server, with TLS shaken hands about in the connection's own thread."""

    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(self, port: int, context: ssl.SSLContext, answer: Callable[[_Raw, x509.Certificate], Reply]) -> None:
        super().__init__((LOOPBACK, port), _Connection)
        self.context = context
        self.answer = answer

    def finish_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Shake hands, then serve the connection."""
        plain = cast("socket.socket", request)
        plain.settimeout(SILENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as shaken:
            try:
                shaken.do_handshake()
            except ssl.SSLError:
                _let_alert_arrive(shaken)
                return
            super().finish_request(shaken, client_address)
            with contextlib.suppress(OSError):
                shaken.unwrap()

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Say nothing about a client that has gone, was too slow, or has no certificate."""
        if not isinstance(sys.exception(), OSError):  # ssl.SSLError is one
            super().handle_error(request, client_address)


def _let_alert_arrive(connection: ssl.SSLSocket) -> None:
    """Read what a client of TLS 1.3 has sent already: closed with that unread, the connection loses the alert too."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)  # from here on octets are read as they are
        connection.settimeout(_LINGER_S)
        while connection.recv(_CHUNK):
            pass


class _Connection(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE_S

    def _serve(self) -> None:
        size = self.headers.get("content-length", "0")
        if self.headers.get("transfer-encoding") or not size.isdecimal():
            self._send(Reply(HTTPStatus.LENGTH_REQUIRED), last=True)
            return
        if int(size) > MAX_BODY_BYTES:
            self._send(Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE), last=True)
            return
        headers = tuple(self.headers.items())
        raw = _Raw(
            method=self.command,
            target=self.path,
            headers=headers,
            head_bytes=len(self.requestline) + sum(len(value) for _, value in headers),
            body=self.rfile.read(int(size)),
            source_ip=self.client_address[0],
        )
        self._send(cast("_Server", self.server).answer(raw, self._certificate()))

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method alike; the standard library looks for one `do_…` for each."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _certificate(self) -> x509.Certificate:
        shown = cast("ssl.SSLSocket", self.connection).getpeercert(binary_form=True)
        if shown is None:
            raise ConnectionError("no certificate in spite of CERT_REQUIRED")
        return x509.load_der_x509_certificate(shown)

    def _send(self, reply: Reply, *, last: bool = False) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status != HTTPStatus.NO_CONTENT:
            self.send_header("content-length", str(len(reply.body)))
        if last:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the terminal belongs to whoever started the gateway."""
