"""Proxies that ask whether to let a request through, octet for octet, and hold every answer against its document."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import httpx
from fastapi import FastAPI

from service.api.reply import DECISION_ID, Header
from service.application.fronts import Front
from tests.api.asgi import Exchange, exchange, scope_of
from tests.api.client_cert.proxies import alb, byte_sequences, envoy, nginx, traefik_3
from tests.api.conformance import Json, check_documented
from tests.api.world import World
from tests.pki import Authority, Issued

HEADERS: Final = {
    Front.ALB_PASSTHROUGH: b"x-amzn-mtls-clientcert",
    Front.ALB_VERIFY: b"x-amzn-mtls-clientcert-leaf",
    Front.NGINX: b"x-ssl-client-cert",
    Front.ENVOY: b"x-forwarded-client-cert",
    Front.TRAEFIK: b"x-forwarded-tls-client-cert",
    Front.RFC9440: b"client-cert",
}
"""The header of each front, as the contract with operators has it."""

CHAIN_HEADER: Final = b"client-cert-chain"

LEAF_ALONE: Final = (Front.ALB_VERIFY, Front.NGINX)


@dataclass(frozen=True, slots=True)
class Proxy:
    """Asks an application.

    Attributes:
        token: Of the proxy; None for one that sends none.
    """

    app: FastAPI
    token: str | None = None

    async def ask(self, path: str, headers: Iterable[Header] = (), method: str = "GET") -> Exchange:
        """Ask, and check what every answer has.

        Args:
            path: Octet for octet, below `/v1/authorize/`.
            headers: Names in lower case, as ASGI has them.
            method: Any.
        """
        own = [] if self.token is None else [(b"x-revet-token", self.token.encode())]
        raw = f"/v1/authorize/{path}"
        found = await exchange(self.app, scope_at(raw, [*own, *headers], method), unread)
        assert found.status is not None
        assert b"no-store" == found.headers[b"cache-control"]
        body = found.body if method != "HEAD" else None
        if body is not None:
            request = httpx.Request("GET", "http://revet.test/v1/authorize/")
            answer = httpx.Response(found.status, headers=list(found.headers.items()), content=body, request=request)
            check_documented(self.app.openapi(), answer)
            check_headers(self.app.openapi(), found)
            document = answer.json()
            told = {
                b"x-revet-decision": document["decision"],
                b"x-revet-code": document["code"],
                DECISION_ID: document["decision_id"],
            }
            assert {name: value.encode() for name, value in told.items()} == {
                name: found.headers[name] for name in told
            }
        return found

    async def present(self, front: Front, *ders: bytes, more: Iterable[Header] = ()) -> Exchange:
        """Ask about a client that has presented these certificates to the front, the leaf first."""
        return await self.ask(front, [*handed_over(front, *ders), *more])


def check_headers(document: Json, found: Exchange) -> None:
    """An answer has the headers that its status needs, and of ours no other than it may have.

    Raises:
        AssertionError: it has not.
    """
    described = document["paths"]["/v1/authorize/{front}"]["get"]["responses"][str(found.status)]["headers"]
    names = {name.lower().encode(): one.get("required", False) for name, one in described.items()}
    assert {name for name, required in names.items() if required} <= set(found.headers)
    assert {name for name in found.headers if name.startswith((b"x-revet-", b"x-accel-", b"www-", b"retry-"))} <= set(
        names
    )


def scope_at(raw: str, headers: Iterable[Header], method: str) -> dict[str, Any]:
    """A request as the server describes it: the path as it came, and decoded."""
    path, _, query = raw.partition("?")
    decoded = unquote_to_bytes(path).decode("utf-8", "replace")
    scope = scope_of(decoded, headers, method)
    return {**scope, "raw_path": path.encode(), "query_string": query.encode()}


async def unread() -> Any:  # noqa: ANN401 - ASGI's messages
    """A body that nobody may ask for."""
    raise AssertionError


def handed_over(front: Front, *ders: bytes) -> list[Header]:
    """What a front sends of these certificates, the leaf first."""
    name = HEADERS[front]
    match front:
        case Front.ALB_PASSTHROUGH:
            return [(name, alb(*ders))]
        case Front.ALB_VERIFY:
            return [(name, alb(ders[0]))]
        case Front.NGINX:
            return [(name, nginx(ders[0]))]
        case Front.ENVOY:
            return [(name, envoy(*ders))]
        case Front.TRAEFIK:
            return [(name, traefik_3(*ders))]
        case Front.RFC9440:
            chain = [(CHAIN_HEADER, byte_sequences(*ders[1:]))] if ders[1:] else []
            return [(name, byte_sequences(ders[0])), *chain]


def proxy(world: World, token: str | None = None) -> Proxy:
    """A proxy that asks the application of a world."""
    return Proxy(world.app(), token)


def trusting(*authorities: Authority | Issued, **more: Any) -> World:  # noqa: ANN401 - as World takes them
    """A service whose default trust store has these certificates."""
    return World(stores={"default": authorities}, **more)
