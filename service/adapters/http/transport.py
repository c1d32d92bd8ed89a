"""An httpx transport behind the egress guard.

What it does: sends one request, over a connection that was opened for the trust which the request carries, directly
or through the operator's proxy.

The rules it keeps:

1. Without a word about trust, a request is one that a certificate named.
2. Connections are pooled by trust. One that was opened for the operator's URL, to a private address, is never there
   for a certificate's URL with the same host.
3. TLS is always verified, against the system's trust store and what the operator adds to it.
4. Cookies are dropped before anybody could keep them.

With `REVET_EGRESS_PROXY`, what certificates name goes through the proxy. The name is still resolved and checked here
first, but the proxy resolves it again for itself, so that a name which answers the two of us differently (DNS
rebinding) passes. That is what remains, and it is the proxy's to refuse: whoever sets one should deny it the inside.
Sending it the address that was checked is no way out: in a plain request the proxy has to replace Host by what stands
in the request line (RFC 9112 §3.2.2), which breaks every virtual host, and httpcore verifies the certificate in a
tunnel against what it asked the tunnel for. URLs of the operator are fetched directly.

What it does not do: redirects, limits, decoding, time (`origin.py`, `body.py`).
"""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import assert_never

import httpcore
import httpx

from service.adapters.http.guard import EgressRules, Target, check_url
from service.adapters.http.network import Connector, GuardedBackend, NameGuard, ProxyBackend, Resolver
from service.application.origin import UrlTrust

TRUST_EXTENSION = "revet_trust"
"""The request extension that carries the `UrlTrust`."""

KEEPALIVE_S = 15.0
"""Seconds for which an idle connection is kept: below the 20 to 75 s after which servers commonly close theirs, since
a request that meets a closing connection fails."""

MAX_KEPT = 32
"""Connections kept in one pool: half of the exchanges that may be under way at once (`slots.py`)."""

_COOKIES = (b"set-cookie", b"set-cookie2")


def tls_context(extra_ca_bundle: Path | None = None) -> ssl.SSLContext:
    """Make the TLS settings of every connection: the system's trust store, names verified.

    Args:
        extra_ca_bundle: PEM file of further certificate authorities that origins may use.

    Raises:
        OSError: the bundle cannot be read.
        ssl.SSLError: it holds no certificate.
    """
    context = ssl.create_default_context()
    if extra_ca_bundle is not None:
        context.load_verify_locations(cafile=extra_ca_bundle)
    return context


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests where the guard allows."""

    def __init__(
        self,
        rules: EgressRules,
        tls: ssl.SSLContext,
        resolver: Resolver,
        connector: Connector,
        proxy: Target | None = None,
    ) -> None:
        """Make the pools; nothing is connected yet.

        Args:
            rules: What certificates may lead to.
            tls: From `tls_context`.
            resolver: Asked once for each new connection.
            connector: Given addresses that were checked.
            proxy: From `proxy_target`; None to connect directly.
        """
        self._guard = NameGuard(rules, resolver)
        self._proxied = proxy is not None
        self._operator = _pool(GuardedBackend(self._guard, connector, UrlTrust.OPERATOR), tls)
        self._certificate = (
            _pool(GuardedBackend(self._guard, connector, UrlTrust.CERTIFICATE), tls)
            if proxy is None
            else _proxy_pool(ProxyBackend(self._guard, connector, proxy), tls, proxy)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the answer is read later.

        Raises:
            OriginError: EGRESS_REFUSED or UNSUPPORTED_SCHEME.
            Exception: whatever httpcore and the system raise; `as_origin_errors` knows them.
        """
        target = check_url(str(request.url))
        pool, host = await self._route(target, request.extensions.get(TRUST_EXTENSION, UrlTrust.CERTIFICATE))
        response = await pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=target.scheme, host=host, port=target.port, target=target.path),
                headers=request.headers.raw,
                content=request.stream,
                # Not all of them: httpcore's others replace the target and the name that TLS verifies.
                extensions={"timeout": request.extensions.get("timeout", {})},
            )
        )
        return httpx.Response(
            response.status,
            headers=[(name, value) for name, value in response.headers if name.lower() not in _COOKIES],
            stream=_ResponseStream(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._operator.aclose()
        await self._certificate.aclose()

    async def _route(self, target: Target, trust: UrlTrust) -> tuple[httpcore.AsyncConnectionPool, str]:
        """Choose the pool, and spell the host as that pool needs it."""
        match trust:
            case UrlTrust.OPERATOR:
                return self._operator, target.host
            case UrlTrust.CERTIFICATE if not self._proxied:
                # The backend of the pool checks what it connects to.
                return self._certificate, target.host
            case UrlTrust.CERTIFICATE:
                await self._guard.addresses(target.host, target.port, trust)
                # httpcore writes the host into the proxy's request line as it is given.
                return self._certificate, f"[{target.host}]" if ":" in target.host else target.host
            case _:
                assert_never(trust)


class _ResponseStream(httpx.AsyncByteStream):
    """The body of an answer as httpx takes it."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the body as it comes."""
        async for data in self._response.aiter_stream():
            yield data

    async def aclose(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        await self._response.aclose()


def _pool(backend: GuardedBackend, tls: ssl.SSLContext) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=tls,
        max_connections=None,
        max_keepalive_connections=MAX_KEPT,
        keepalive_expiry=KEEPALIVE_S,
        network_backend=backend,
    )


def _proxy_pool(backend: ProxyBackend, tls: ssl.SSLContext, proxy: Target) -> httpcore.AsyncHTTPProxy:
    return httpcore.AsyncHTTPProxy(
        proxy_url=proxy.url,
        ssl_context=tls,
        max_connections=None,
        max_keepalive_connections=MAX_KEPT,
        keepalive_expiry=KEEPALIVE_S,
        network_backend=backend,
    )
