"""What clients do: `curl` for one request, a socket of ours where a connection or a TLS session is kept."""

import http.client
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias

import h2.config
import h2.connection
import h2.events

from tests.deploy.clients import HOST, files_of

_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets.

    Attributes:
        status: The status code.
        headers: In lower case; the last one of a name.
        body: As text.
    """

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        """The body."""
        return dict(json.loads(self.body))

    def seen(self, name: str) -> list[str]:
        """The values of a header that the application has seen, `_` counting as `-`: as CGI and WSGI have them."""
        assert 200 == self.status, (self.status, self.body)
        return [value for key, value in self.json["headers"] if key.replace("_", "-") == name]


def curl(directory: Path, port: int, client: str | None, *more: str, path: str = "/") -> Answer:
    """One request with the real client."""
    certificate: tuple[str, ...] = ()
    if client is not None:
        own, key = files_of(client, directory)
        certificate = ("--cert", str(own), "--key", str(key))
    done = subprocess.run(
        (
            *("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", str(_TIMEOUT_S)),
            *("--cacert", str(directory / "infrastructure.pem"), "--include", *certificate, *more),
            f"https://{HOST}:{port}{path}",
        ),
        check=False,
        capture_output=True,
        timeout=_TIMEOUT_S + 5,
    )
    assert 0 == done.returncode, done.stderr.decode()
    return _parsed(done.stdout.decode())


def _parsed(text: str) -> Answer:
    text = text.replace("\r\n", "\n")
    head, _, body = text.partition("\n\n")
    while head.split(" ")[1:2] == ["100"]:
        head, _, body = body.partition("\n\n")
    first, *lines = head.split("\n")
    pairs = (line.partition(": ") for line in lines)
    return Answer(int(first.split(" ")[1]), {name.lower(): value for name, _, value in pairs}, body)


def context_of(directory: Path, client: str | None) -> ssl.SSLContext:
    """TLS as a client does it."""
    context = ssl.create_default_context(cafile=directory / "infrastructure.pem")
    if client is not None:
        context.load_cert_chain(*files_of(client, directory))
    return context


class Connection(http.client.HTTPSConnection):
    """A connection that is kept, and that may take up an earlier one's TLS session."""

    def __init__(self, port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        super().__init__(HOST, port, context=context, timeout=_TIMEOUT_S)
        self._own_context = context
        self._session = session

    def connect(self) -> None:
        """Shake hands."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._own_context.wrap_socket(self.sock, server_hostname=HOST, session=self._session)

    def ask(self, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        """One request of several."""
        self.request("GET", path, headers=dict(headers or {}))
        answer = self.getresponse()
        body = answer.read().decode()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)

    @property
    def tls(self) -> ssl.SSLSocket:
        """Its TLS."""
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.sock


@contextmanager
def socket_to(directory: Path, port: int, client: str | None, alpn: str = "http/1.1") -> Iterator[ssl.SSLSocket]:
    """A connection for what no client library would send, until the block is left."""
    context = context_of(directory, client)
    context.set_alpn_protocols([alpn])
    with (
        socket.create_connection((HOST, port), timeout=_TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        yield connection


def exchanged(connection: ssl.SSLSocket, octets: bytes) -> Answer:
    """Send this; what comes back, to the end of an answer with a Content-Length or without a body."""
    connection.sendall(octets)
    answer = http.client.HTTPResponse(connection, method="GET")
    answer.begin()
    body = "" if answer.status == HTTPStatus.SWITCHING_PROTOCOLS else answer.read().decode()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


Fields: TypeAlias = list[tuple[str, str]]
"""Of HTTP/2, with the pseudo-header fields."""


def http2(connection: ssl.SSLSocket, fields: Fields, body: bytes | None, trailers: Fields) -> int | None:
    """One request over HTTP/2, and the status of its answer; None where the stream is reset instead."""
    lax = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    speaking = h2.connection.H2Connection(lax)
    speaking.initiate_connection()
    speaking.send_headers(1, fields, end_stream=body is None and not trailers)
    if body is not None:
        speaking.send_data(1, body, end_stream=not trailers)
    if trailers:
        speaking.send_headers(1, trailers, end_stream=True)
    connection.sendall(speaking.data_to_send())
    while octets := connection.recv(65536):
        for event in speaking.receive_data(octets):
            match event:
                case h2.events.ResponseReceived():
                    return int(dict(event.headers)[b":status"])
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    return None
                case _:
                    pass
        connection.sendall(speaking.data_to_send())
    return None


@contextmanager
def connected(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Iterator[Connection]:
    """A connection until the block is left."""
    connection = Connection(port, context, session)
    try:
        yield connection
    finally:
        connection.close()
