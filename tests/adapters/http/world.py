"""An origin in a made-up Internet: names answered from a table, every address found on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpcore

from service.adapters.http.guard import Address, EgressRules, Target
from service.adapters.http.network import TcpConnector
from service.adapters.http.origin import HttpOrigin
from service.adapters.http.slots import Slots
from service.adapters.http.transport import GuardedTransport, tls_context
from service.application.origin import OriginRequest, UrlTrust
from service.application.origin_headers import Validators
from tests.adapters.http.certificates import TestAuthority

PUBLIC = "93.184.216.34"
ANOTHER_PUBLIC = "2606:4700::6810:84e5"
PRIVATE = "10.0.0.1"
NEVER = ("never",)
"""The answer of a name server that does not answer."""
USER_AGENT = "revet/0.0.0-test"


@dataclass(slots=True)
class Names:
    """A resolver with a table: for each name its successive answers, of which the last one stays."""

    table: dict[str, list[tuple[str, ...]]]
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """Give the next answer."""
        assert port > 0
        answers = self.table[host]
        answer = answers[min(self.asked.count(host), len(answers) - 1)]
        self.asked.append(host)
        if answer == NEVER:
            await asyncio.Event().wait()
        return tuple(ip_address(address) for address in answer)


@dataclass(slots=True)
class ToLoopback:
    """A connector for which every address is 127.0.0.1, except those where nobody answers."""

    dead: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    async def connect(self, address: Address, port: int, timeout_s: float | None) -> httpcore.AsyncNetworkStream:
        """Note the address, and connect to the port on loopback."""
        self.asked.append(str(address))
        if str(address) in self.dead:
            raise httpcore.ConnectError("Connection refused")
        return await TcpConnector().connect(ip_address("127.0.0.1"), port, timeout_s)


@dataclass(frozen=True, slots=True)
class World:
    """An origin and what it asked for."""

    origin: HttpOrigin
    names: Names
    connector: ToLoopback


@asynccontextmanager
async def world(
    table: dict[str, list[tuple[str, ...]]] | None = None,
    *,
    allow: tuple[str, ...] = (),
    authority: TestAuthority | None = None,
    dead: tuple[str, ...] = (),
    proxy: Target | None = None,
    slots: Slots | None = None,
) -> AsyncIterator[World]:
    """Make an origin for which `ca.example` is a public host and `inside.example` a private one."""
    names = Names({"ca.example": [(PUBLIC,)], "inside.example": [(PRIVATE,)], **(table or {})})
    connector = ToLoopback(frozenset(dead))
    tls = tls_context(None if authority is None else authority.bundle)
    transport = GuardedTransport(EgressRules.parse(allow), tls, names, connector, proxy)
    origin = HttpOrigin(transport, slots or Slots(), USER_AGENT)
    try:
        yield World(origin, names, connector)
    finally:
        await origin.aclose()


def wanted(
    url: str,
    *,
    trust: UrlTrust = UrlTrust.CERTIFICATE,
    max_bytes: int = 1024 * 1024,
    timeout_s: float = 20.0,
    body: bytes | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    validators: Validators | None = None,
) -> OriginRequest:
    """Ask for a URL, with limits that nothing meets unless the test says so."""
    return OriginRequest(url, trust, max_bytes, timeout_s, body, headers, validators)
