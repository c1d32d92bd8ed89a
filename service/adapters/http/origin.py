"""The origin over HTTP: the only way out of the service.

What it does: fetches one URL, follows its redirects, and gives the body, whole or in pieces.

The rules it keeps:

1. Every redirect is a URL out of a certificate, whoever named the first one: the server that sends it is not the
   operator.
2. One deadline covers everything: the wait for a place, the name, the connection, each redirect, the last byte.
3. Nothing but `OriginError` and cancellation leaves. What the taker of a streamed body raises is the taker's, and
   passes untouched; the deadline interrupts our waiting and not the taker's work.
4. Nothing about us goes out: no credentials, no cookies, nothing from the environment.
5. "Not modified" is an answer only to a request that had validators; from anybody else it is an error like any other.

What it does not do: retry, cache, or look at what it fetched.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Self

import httpx

from service.adapters.http.body import check_declared_length, declared_length, read_body, read_nothing
from service.adapters.http.errors import as_origin_errors
from service.adapters.http.guard import Target, check_url, redirect_target, refused
from service.adapters.http.slots import Slots
from service.adapters.http.transport import TRUST_EXTENSION, GuardedTransport
from service.application.origin import OriginAnswer, OriginError, OriginRequest, OriginStream, UrlTrust
from service.application.origin_headers import read_headers
from service.core.model.attempt import Problem

MAX_REDIRECTS = 3
"""Redirects that are followed: to another host, to https, to a path. A certificate authority needs one at most."""

_OK = 200
_SEE_OTHER = 303
_NOT_MODIFIED = 304
_REDIRECTS = frozenset({301, 302, _SEE_OTHER, 307, 308})

# What this layer sets itself, and what would tell a stranger who we are or change how the message is framed.
_NOT_THE_CALLERS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "host",
        "if-modified-since",
        "if-none-match",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request of a chain of redirects."""

    target: Target
    trust: UrlTrust
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    is_conditional: bool

    @classmethod
    def first(cls, request: OriginRequest) -> Self:
        """Begin with what was asked for.

        Raises:
            OriginError: EGRESS_REFUSED or UNSUPPORTED_SCHEME.
        """
        for name, _ in request.headers:
            if name.lower() in _NOT_THE_CALLERS:
                raise refused(f"the header {name} is not the caller's to set")
        validators = None if request.body is not None else request.validators
        conditions = () if validators is None else validators.conditions
        headers = (*request.headers, *conditions)
        return cls(check_url(request.url), request.trust, headers, request.body, bool(conditions))

    def after(self, response: httpx.Response) -> "_Hop":
        """Go where a redirect leads.

        We choose to repeat a POST after 301 and 302 too, which RFC 9110 §15.4.2 allows and which is what an OCSP
        request needs; after 303, whose point is a GET without the request, there is nothing to ask for.

        Raises:
            OriginError: EGRESS_REFUSED, or HTTP_STATUS for a redirect that leads nowhere.
        """
        location = response.headers.get("location")
        if location is None or (self.body is not None and response.status_code == _SEE_OTHER):
            raise _status(self, response)
        target = redirect_target(self.target, location)
        return _Hop(target, UrlTrust.CERTIFICATE, self.headers, self.body, self.is_conditional)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """An answer whose body is being read; one with status 304 has none."""

    url: str
    response: httpx.Response
    pieces: AsyncGenerator[bytes]

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """As they came, with lower-case names."""
        return tuple(self.response.headers.multi_items())

    @property
    def not_modified(self) -> bool:
        """Whether what the validators say is still the current version."""
        return self.response.status_code == _NOT_MODIFIED


class HttpOrigin:
    """Fetches over HTTP through the egress guard. Implements `service.application.origin.Origin`."""

    def __init__(self, transport: GuardedTransport, slots: Slots, user_agent: str) -> None:
        """Begin without a connection.

        Args:
            transport: The guarded way out; closed with this.
            slots: Places for exchanges.
            user_agent: `revet/<version>`.
        """
        self._slots = slots
        self._client = httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            headers={"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": user_agent},
        )

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Fetch a whole body into memory.

        Raises:
            OriginError: for every failure.
        """
        async with self._exchange(request) as exchange:
            body = b"".join([piece async for piece in exchange.pieces])
            return OriginAnswer(exchange.url, body, exchange.headers, exchange.not_modified)

    @asynccontextmanager
    async def stream(self, request: OriginRequest) -> AsyncIterator[OriginStream]:
        """Fetch a body in pieces; leaving early closes the connection.

        Raises:
            OriginError: for every failure, on entering and on taking a piece.
        """
        async with self._exchange(request) as exchange:
            said = read_headers(exchange.headers)
            octets = None if exchange.not_modified else declared_length(exchange.response)
            yield OriginStream(exchange.url, exchange.pieces, said, exchange.not_modified, octets)

    async def aclose(self) -> None:
        """Close every connection. What is fetched afterwards fails."""
        await self._client.aclose()

    @asynccontextmanager
    async def _exchange(self, request: OriginRequest) -> AsyncIterator[_Exchange]:
        deadline = asyncio.get_running_loop().time() + request.timeout_s
        hop = _Hop.first(request)
        for _ in range(MAX_REDIRECTS + 1):
            async with AsyncExitStack() as held:
                response = await self._send(hop, deadline, held)
                if response.status_code not in _REDIRECTS:
                    body = await _body(hop, response, request.max_bytes, deadline)
                    exchange = _Exchange(hop.target.url, response, await held.enter_async_context(aclosing(body)))
                    yield exchange
                    return
            hop = hop.after(response)
        raise refused(f"more than {MAX_REDIRECTS} redirects")

    async def _send(self, hop: _Hop, deadline: float, held: AsyncExitStack) -> httpx.Response:
        """Send one request, and leave to `held` what has to be given back."""
        authority = hop.target.authority
        with as_origin_errors(authority):
            async with asyncio.timeout_at(deadline):
                await held.enter_async_context(self._slots.hold(authority))
                remaining = max(0.0, deadline - asyncio.get_running_loop().time())
                request = self._client.build_request(
                    "GET" if hop.body is None else "POST",
                    hop.target.url,
                    headers=list(hop.headers),
                    content=hop.body,
                    # httpcore's connect time-out is what the addresses of a name share; the rest is the deadline's.
                    timeout=httpx.Timeout(None, connect=remaining),
                    extensions={TRUST_EXTENSION: hop.trust},
                )
                response = await self._client.send(request, stream=True)
                held.push_async_callback(response.aclose)
                return response


async def _body(hop: _Hop, response: httpx.Response, max_bytes: int, deadline: float) -> AsyncGenerator[bytes]:
    """The body of an answer that we asked for.

    Raises:
        OriginError: TOO_LARGE, HTTP_STATUS for every other answer, TIMED_OUT, UNREACHABLE.
    """
    if response.status_code == _NOT_MODIFIED and hop.is_conditional:
        return await read_nothing(response, hop.target.authority, deadline)
    if response.status_code != _OK:
        raise _status(hop, response)
    check_declared_length(response, max_bytes)
    return read_body(response, hop.target.authority, max_bytes, deadline)


def _status(hop: _Hop, response: httpx.Response) -> OriginError:
    status = response.status_code
    return OriginError(Problem.HTTP_STATUS, f"{hop.target.authority} answered {status}", status)
